"""What integrated gradients cost and how exact they are: Captum's against this project's, on the same clips.

    python -m benchmarks.attribution CLIPS… [--seconds 10] [--clips 4] [--reference 2000] [--head FILE] [--name NAME]
                                     [--references FILE [--prepare]]

CLIPS are sound files or folders. Per clip the two highest logits are explained by every method, one method after the
other, so that a busy machine slows all of them; compare within a run only. The error is the relative L1 distance of the
100 ms frame scores to those of the engine with `--reference` pieces of the path; they take most of the time, and
`--references` keeps them in a file, `--prepare` makes only that. Writes a table to stdout and
benchmarks/results/NAME.json.
"""

import argparse
import concurrent.futures
import json
import multiprocessing
import platform
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file
from torch.utils.flop_counter import FlopCounterMode

from igsed import backbones, features
from igsed.attribution.ig import IntegratedGradients
from igsed.attribution.ig_captum import CaptumIntegratedGradients
from igsed.classifier import Classifier
from igsed.jobs.console import progress

ROOT = Path(__file__).parents[1]
HIDDEN = ("audio", "references", "prepare")
PIECES = (8, 12, 16, 20, 24, 32, 48, 64)


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    print(announcement(options), file=sys.stderr)
    classifier = load(options).to(options.device)
    clips = {path.stem: waveform for path, waveform in sounds(options, classifier.sample_rate)}
    references = load_references(classifier, clips, options)
    if options.prepare:
        return
    measured, growth = pd.DataFrame(compare(classifier, clips, references, options)), None
    peaks = {name: peak_memory(name, options) for name in progress(methods(options), "measuring memory")}
    table = summary(measured, peaks, flops(classifier, next(iter(clips.values()))), matrix_peak(options.device))
    if options.growth:
        growth = pd.DataFrame(scaling(classifier, next(iter(clips.values())), options))
    for frame in filter(lambda frame: frame is not None, (table, growth)):
        print(frame.to_string(index=False, float_format=lambda value: f"{value:.4g}"), end="\n\n")
    out = ROOT / "benchmarks" / "results" / f"{options.name}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "machine": machine(options),
        "options": {k: v.name if isinstance(v, Path) else v for k, v in vars(options).items() if k not in HIDDEN},
        "clips": list(clips),
        "summary": table.astype(object).where(table.notna(), None).to_dict("records"),
        "growth": None if growth is None else growth.to_dict("records"),
        "pairs": measured.astype(object).where(measured.notna(), None).to_dict("records"),
    }
    out.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n")


def announcement(options: argparse.Namespace) -> str:
    """What is going to be done, and how long about."""
    parts = ["references", *([] if options.prepare else ["times and errors", "memory"])]
    parts += ["growth"] * bool(options.growth and not options.prepare)
    return (
        f"Measuring Integrated Gradients of {options.clips} clips: {', '.join(parts)}. With the default options this "
        "takes about a quarter of an hour on one core."
    )


def parser(description: str, name: str, clips: int) -> argparse.ArgumentParser:
    """What every measurement on clips can be asked for."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("audio", type=Path, nargs="+", help="sound files, or folders of them")
    made.add_argument("--backbone", default="yamnet")
    made.add_argument("--weights", type=Path, default=ROOT / "resources/yamnet/yamnet.safetensors")
    made.add_argument("--head", type=Path, help="a trained clip head; default: the backbone's own dense layer")
    made.add_argument("--clips", type=int, default=clips)
    made.add_argument("--seconds", type=float, default=10)
    made.add_argument("--threads", type=int, default=1)
    made.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    made.add_argument("--name", default=name)
    return made


def arguments() -> argparse.Namespace:
    options = parser(__doc__.split("\n\n")[0], "attribution", clips=4)
    options.add_argument("--reference", type=int, default=2000, help="pieces of the path of the reference")
    options.add_argument("--references", type=Path, help="file that keeps the reference's scores")
    options.add_argument("--prepare", action="store_true", help="only compute the references")
    options.add_argument("--pieces", type=int, nargs="*", default=PIECES, help="the engine's")
    options.add_argument("--tolerances", type=float, nargs="*", default=[0.15, 0.05], help="the engine's")
    options.add_argument("--steps", type=int, nargs="*", default=[50, 200], help="Captum's")
    options.add_argument("--growth", action="store_true", help="also measure growth with classes and clip length")
    return options.parse_args()


def load(options: argparse.Namespace) -> Classifier:
    """The backbone with the head that was asked for."""
    backbone = backbones.load(options.backbone, options.weights)
    if options.head is None:
        return Classifier(backbone, backbone.dense).eval()
    weights = load_file(options.head)
    head = torch.nn.Linear(*reversed(weights["weight"].shape)).requires_grad_(False)
    head.load_state_dict(weights)
    return Classifier(backbone, head).eval()


def sounds(options: argparse.Namespace, rate: int):
    """(path, waveform) of the first clips found, cut to the length asked for."""
    kinds = (".wav", ".flac")
    files = [
        sorted(f for f in path.rglob("*") if f.suffix in kinds) if path.is_dir() else [path] for path in options.audio
    ]
    if not any(files):
        raise SystemExit("No sound files there. `make run` makes results/default first.")
    for file in [file for found in files for file in found][: options.clips]:
        yield file, features.waveform(file, rate)[: round(options.seconds * rate)].to(options.device)


def methods(options: argparse.Namespace) -> dict[str, CaptumIntegratedGradients | IntegratedGradients]:
    """What is compared, by name."""
    found = {f"Captum {steps}": CaptumIntegratedGradients(n_steps=steps) for steps in options.steps}
    for pieces in options.pieces:
        found[f"engine {pieces}"] = IntegratedGradients(pieces, tolerance=None)
    for tolerance in options.tolerances:
        found[f"engine, tolerance {tolerance}"] = IntegratedGradients(tolerance=tolerance)
    return found


def peak_memory(name: str, options: argparse.Namespace) -> float:
    """MB that a process needs at most beyond what the loaded network takes; two classes of the first clip."""
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_peak, name, options).result()


def _peak(name: str, options: argparse.Namespace) -> float:
    torch.set_num_threads(options.threads)
    classifier = load(options).to(options.device)
    _, waveform = next(iter(sounds(options, classifier.sample_rate)))
    with torch.no_grad():
        classifier(waveform[None])
    method = methods(options)[name]
    if isinstance(method, CaptumIntegratedGradients):
        method = CaptumIntegratedGradients(n_steps=10)  # its memory depends on the batch alone
    if options.device == "cuda":
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        method.explain(classifier, waveform, [0, 1])
        return (torch.cuda.max_memory_allocated() - before) / 1e6
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not reset.exists():
        return float("nan")  # Linux alone tells the peak from now on
    before = _kilobytes(status, "VmRSS")
    reset.write_text("5")
    method.explain(classifier, waveform, [0, 1])
    return (_kilobytes(status, "VmHWM") - before) / 1e3


def _kilobytes(status: Path, name: str) -> int:
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith(name))


def load_references(classifier: Classifier, clips: dict[str, torch.Tensor], options: argparse.Namespace):
    """Clip → the two classes of the highest logits and their frame scores (class, frame)."""
    if options.references and options.references.exists():
        return torch.load(options.references, weights_only=True)
    found = {}
    for clip, waveform in progress(clips.items(), "computing references", len(clips)):
        with torch.no_grad():
            targets = classifier(waveform[None])[0].topk(2).indices.tolist()
        found[clip] = targets, IntegratedGradients(options.reference, tolerance=None)(classifier, waveform, targets)
    if options.references:
        torch.save(found, options.references)
    return found


def compare(classifier: Classifier, clips: dict[str, torch.Tensor], references, options: argparse.Namespace):
    """One row per method, clip and class."""
    IntegratedGradients(2, tolerance=None)(classifier, next(iter(clips.values())), [0])
    tasks = [(clip, name, method) for clip in clips for name, method in methods(options).items()]
    for clip, name, method in progress(tasks, "comparing methods"):
        waveform, (targets, reference) = clips[clip], references[clip]
        clock, work = time.perf_counter(), time.process_time()
        found = method.explain(classifier, waveform, targets)
        clock, work = time.perf_counter() - clock, time.process_time() - work
        errors = (found.scores - reference).abs().sum(-1) / reference.sum(-1)
        for k, target in enumerate(targets):
            yield {
                "method": name,
                "clip": clip,
                "target": target,
                "nodes": found.n_steps[k].item(),
                "seconds": clock / len(targets),
                "cpu_seconds": work / len(targets),
                "error": errors[k].item(),
                "estimated_error": found.error[k].item(),
                "completeness_error": found.completeness_error[k].item(),
            }


def summary(measured: pd.DataFrame, memory: dict[str, float], flop: float, peak: float) -> pd.DataFrame:
    """One row per method; `flop` of one forward pass of the body, `peak` in FLOP/s."""
    rows, clips = (
        [],
        measured.drop_duplicates(["method", "clip"]).set_index(["clip", "method"])["cpu_seconds"].unstack(),
    )
    for method, pairs in measured.groupby("method", sort=False):
        row = {"method": method, "nodes": pairs["nodes"].mean(), "seconds": pairs["seconds"].median()}
        row["cpu_seconds"], row["peak_mb"] = pairs["cpu_seconds"].median(), memory[method]
        for captum in (name for name in clips if name.startswith("Captum")):
            row[f"{captum} / this"] = (clips[captum] / clips[method]).median()
        for column in ("error", "completeness_error"):
            row[column], row[f"worst_{column}"] = pairs[column].median(), pairs[column].max()
        # per pair: half a forward pass, because two classes share it, or a whole one of Captum's, and a backward pass
        passes = pairs["nodes"].mean() * (2 if method.startswith("Captum") else 1.5)
        row["share_of_peak"] = passes * flop / pairs["seconds"].median() / peak
        rows.append(row)
    return pd.DataFrame(rows)


def scaling(classifier: Classifier, waveform: torch.Tensor, options: argparse.Namespace):
    """Seconds of the engine with 16 pieces against the numbers of clips and classes and the length of a clip."""
    method = IntegratedGradients(16, tolerance=None)
    sizes = (1, 1, 1), (1, 2, 1), (1, 4, 1), (1, 2, 0.25), (1, 2, 0.5), (1, 2, 2), (4, 2, 1)
    for clips, classes, length in progress(sizes, "measuring growth"):
        clip = waveform.repeat(2)[: round(length * len(waveform))]
        work = time.process_time()
        for _ in range(clips):
            method(classifier, clip, list(range(classes)))
        yield {
            "clips": clips,
            "classes": classes,
            "clip_seconds": len(clip) / classifier.sample_rate,
            "cpu_seconds": time.process_time() - work,
        }


@torch.no_grad()
def flops(classifier: Classifier, waveform: torch.Tensor) -> float:
    """Of one forward pass of the body."""
    spectrum = classifier.backbone.spectrum(waveform[None])
    with FlopCounterMode(display=False) as counter:
        classifier.backbone.body(spectrum)
    return counter.get_total_flops()


def matrix_peak(device: str, size: int = 1536, rounds: int = 4) -> float:
    """FLOP/s of a float32 product of matrices, the best of some rounds."""
    a = torch.randn(size, size, device=device)
    times = []
    for _ in range(rounds):
        clock = time.perf_counter()
        a @ a
        if device != "cpu":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - clock)
    return 2 * size**3 / min(times)


def machine(options: argparse.Namespace) -> dict[str, object]:
    """What the numbers were measured on."""
    info = Path("/proc/cpuinfo")
    names = (
        [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        if info.exists()
        else []
    )
    gpu = torch.cuda.get_device_name() if options.device == "cuda" else None
    return {
        "processor": names[0] if names else platform.processor(),
        "threads": options.threads,
        "gpu": gpu,
        "system": platform.platform(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


if __name__ == "__main__":
    main()
