"""What the stages beside attribution cost, and how much of a run is not computation.

    python -m benchmarks.stages [--experiment results/default] [--clips 20] [--cores 2] [--name stages]

Needs a finished run of the experiment. Measured on one thread: mixing against a plain Scaper loop over the same events
(left out where the program sox is missing, which Scaper by itself wants), features against the bare network on
waveforms that are in memory, and the start of every script's interpreter with its imports. From the run's own benchmark
files: seconds per stage, and the share of cores × wall time in which no job computed (starting interpreters, importing,
Snakemake, idle cores). Writes a table to stdout and benchmarks/results/NAME.json.
"""

import argparse
import ast
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import pandas as pd
import torch
import yaml

from benchmarks.attribution import ROOT, machine
from igsed import audio, backbones, config, features, mixtures
from igsed.jobs.console import progress
from igsed.soundbanks import soundbank


def main() -> None:
    options = arguments()
    require_finished(options.experiment)
    torch.set_num_threads(1)
    settings = config.Config.model_validate(yaml.safe_load((options.experiment / "config.yaml").read_text()))
    scripts = sorted((ROOT / "workflow" / "scripts").glob("*.py"))
    print(f"Measuring the start of {len(scripts)} scripts, mixing and features; a few minutes.", file=sys.stderr)
    imports = {path.stem: start_up(path) for path in progress(scripts, "starting scripts")}
    report = {
        "machine": machine(argparse.Namespace(threads=1, device="cpu")),
        "rates": [*mixing(settings, options), *extraction(settings, options)],
        "stages": stages(options.experiment, imports).to_dict("records"),
        "not_computation": idle(options.experiment, imports, options.cores),
        "start_up_seconds": imports,
    }
    for part in ("rates", "stages"):
        print(pd.DataFrame(report[part]).to_string(index=False, float_format=lambda x: f"{x:.3g}"), end="\n\n")
    print(f"not computation: {report['not_computation']:.0%} of {options.cores} cores × wall time")
    out = ROOT / "benchmarks" / "results" / f"{options.name}.json"
    out.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n")


def require_finished(experiment: Path) -> None:
    """End with what to do where an experiment has no whole results."""
    if not (experiment / "manifest.json").exists():
        raise SystemExit(f"{experiment}: no finished run. `make run` makes results/default first.")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--experiment", type=Path, default=ROOT / "results" / "default")
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--cores", type=int, default=2, help="of the run that is looked at")
    parser.add_argument("--name", default="stages")
    return parser.parse_args()


def mixing(settings: config.Config, options: argparse.Namespace):
    """Clips per second: this project's drawing, checking, rendering and writing, and Scaper's rendering alone."""
    protocol = settings.mixtures.protocol
    index = soundbank.read(options.experiment / "soundbank.csv")
    pools, recordings = soundbank.pools(index, "train"), mixtures.sounds(index, protocol)

    def draw(k: int) -> mixtures.Mixture:
        return mixtures.draw(
            *pools, protocol, settings.seed, "train", k, lambda m: mixtures.audible(m, protocol, recordings)
        )

    with tempfile.TemporaryDirectory() as folder:
        jams, sound = Path(folder, "clip.jams"), Path(folder, "clip.flac")
        drawn = [
            m for k in progress(range(options.clips), "drawing clips") if (m := draw(k)) is not None
        ]  # also warms the file cache
        if shutil.which("sox"):
            import scaper
            import sox

            with mock.patch.object(scaper.core, "sox", sox):
                clock = time.perf_counter()
                for mixture in progress(drawn, "mixing as Scaper does"):
                    mixtures.render(mixture, protocol, jams, recordings)
                plain = len(drawn) / (time.perf_counter() - clock)
            yield {"what": "mixtures, a plain Scaper loop", "clips_per_second": plain}
        clock = time.perf_counter()
        for k in progress(range(options.clips), "mixing"):
            if (mixture := draw(k)) is not None:
                audio.write_flac(sound, mixtures.render(mixture, protocol, jams, recordings), protocol.sample_rate)
        whole = len(drawn) / (time.perf_counter() - clock)
    yield {"what": "mixtures, drawn, checked, rendered, written", "clips_per_second": whole}


@torch.no_grad()
def extraction(settings: config.Config, options: argparse.Namespace):
    """Clips per second: the bare network, and the network with reading, resampling and storing."""
    weights = settings.backbone.component.place(settings.backbone, str(options.experiment), str(ROOT / "resources"))
    backbone = backbones.load(settings.backbone.name, weights)
    paths = pd.read_csv(options.experiment / "mixtures" / "train" / "clips.csv")["path"][: options.clips]
    paths = [ROOT / path for path in paths]
    batches = [torch.stack([features.waveform(path, backbone.sample_rate) for path in paths[k : k + 8]])
               for k in range(0, len(paths), 8)]  # fmt: skip
    backbone.body(backbone.spectrum(batches[0]))
    clock = time.perf_counter()
    for batch in progress(batches, "computing features"):
        backbone.body(backbone.spectrum(batch))
    bare = len(paths) / (time.perf_counter() - clock)
    with tempfile.TemporaryDirectory() as folder:
        clock = time.perf_counter()
        features.extract(backbone, paths, Path(folder, "frames.npy"), Path(folder, "clips.npy"))
        whole = len(paths) / (time.perf_counter() - clock)
    yield {"what": f"features, the bare {settings.backbone.name}", "clips_per_second": bare}
    yield {"what": "features, read, resampled, computed, stored", "clips_per_second": whole}


def start_up(script: Path) -> float:
    """Seconds until a script's imports are done, interpreter included; the better of two."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    lines = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    times = []
    for _ in range(2):
        clock = time.perf_counter()
        subprocess.run([sys.executable, "-c", "\n".join(lines)], cwd=ROOT, check=True)
        times.append(time.perf_counter() - clock)
    return min(times)


def jobs(experiment: Path) -> pd.DataFrame:
    """The run's jobs: `rule, seconds, end` (of the day of the file)."""
    rows = []
    for path in sorted((experiment / "benchmarks").rglob("*.tsv")):
        rule = path.relative_to(experiment / "benchmarks").parts[0].removesuffix(".tsv")
        row = pd.read_csv(path, sep="\t", na_values=["-", "NA"]).iloc[0]
        memory = float(pd.to_numeric(row["max_rss"], errors="coerce"))
        rows.append((rule, float(row["s"]), memory, path.stat().st_mtime))
    return pd.DataFrame(rows, columns=["rule", "seconds", "peak_mb", "end"])


def stages(experiment: Path, imports: dict[str, float]) -> pd.DataFrame:
    """Per rule: jobs, seconds, those of them spent on starting up, largest job."""
    found = jobs(experiment).groupby("rule").agg(jobs=("seconds", "size"), seconds=("seconds", "sum"),
                                                 peak_mb=("peak_mb", "max"))  # fmt: skip
    found["start_up"] = [imports.get(rule, 0.0) * count for rule, count in found["jobs"].items()]
    return found.fillna(0.0).reset_index().sort_values("seconds", ascending=False)


def idle(experiment: Path, imports: dict[str, float], cores: int) -> float:
    """Share of cores × wall time, from the first job's start to the last one's end, in which no job computed."""
    found = jobs(experiment)
    wall = found["end"].max() - (found["end"] - found["seconds"]).min()
    computing = (found["seconds"] - found["rule"].map(lambda rule: imports.get(rule, 0.0))).clip(lower=0)
    return 1 - computing.sum() / (cores * wall)


if __name__ == "__main__":
    main()
