"""Time and memory of every stage behind attribution, against the number of clips.

    python -m benchmarks.load [--clips 500 5000] [--detectors ig fw_ws …] [--seeds 1] [--cores 2] [--name NAME]

Makes an experiment of so many clips in each split as attribution would leave it: noise as audio, events, cached
features in which the classes can be told apart, and what each job of attribution leaves of its clips: scores of every
class (more than it would make, which is for predicted classes only), or embeddings of masked clips. Then Snakemake runs
the real rules from there to the manifest, and every process writes down what it took (`recorder/`). Heads are trained
for three epochs, since memory does not grow with epochs. 5,000 clips need 3 GB of disk. Writes a table to stdout and
benchmarks/results/NAME.json.

The peak is the largest resident set of a stage's jobs, mapped files included; Snakemake's own process, which runs
beside them, is the row `snakemake`. Seconds are wall and processor time of the longest job.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from igsed import LABELS, audio, config, events, labels, perturbation, shards
from igsed.config.detectors import Chosen
from igsed.jobs import provenance
from igsed.scores import Writer
from igsed.soundbanks.soundbank import COLUMNS

ROOT = Path(__file__).parents[1]
SPLITS = ("train", "validation", "test")
FRAMES, SECONDS, RATE = 100, 10, 32000
COARSE, EMBEDDING = 32, 1024  # YAMNet's
RECORDINGS = 6
RULES = [
    "all",
    "train",
    "classify",
    "framewise",
    "baseline",
    "truth",
    "merge",
    "masked",
    "conditions",
    "sweep",
    "evaluate",
    "metrics",
    "strata",
    "tables",
    "data_report",
    "figure_headline",
    "figure_pipeline",
    "figure_examples",
    "figure_thresholds",
    "figure_per_class",
    "figure_strata",
    "figure_training",
    "page",
    "manifest",
]


def main() -> None:
    options = arguments()
    measured = []
    for clips in options.clips:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            make(Path(folder), clips, options.detectors, options.seeds)
            measured.append(run(Path(folder), options.cores).assign(clips=clips))
    measured = pd.concat(measured)
    table = summary(measured)
    print(table.to_string(index=False))
    out = ROOT / "benchmarks" / "results" / f"{options.name}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "machine": provenance.machine(),
        "versions": provenance.versions(["numpy", "pandas", "pyarrow", "sed_eval", "snakemake", "torch"]),
        "options": {"detectors": options.detectors, "seeds": options.seeds, "cores": options.cores},
        "summary": json.loads(table.to_json(orient="records")),
        "jobs": json.loads(measured.to_json(orient="records")),
    }
    out.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--clips", type=int, nargs="+", default=[500, 5000], help="in each split; one run for each")
    parser.add_argument("--detectors", nargs="+", default=["ig", "fw_ws", "fw_ss", "random", "energy"])
    parser.add_argument("--seeds", type=int, default=1, help="models of each kind")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where the experiment is made and removed; default: the system's")
    parser.add_argument("--name", default="load")
    return parser.parse_args()


def make(project: Path, clips: int, detectors: list[str], seeds: int, embedding: int = EMBEDDING) -> None:
    """A copy of the project, and an experiment `load` in it as attribution would leave it."""
    for name in ("config", "envs", "igsed", "workflow"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Snakefile", "config.yaml"):
        shutil.copy(ROOT / name, project)
    (project / "profiles").symlink_to("workflow/profiles")
    settings = {
        "experiment": "load",
        "device": "cpu",
        "mixtures": {"clips": dict.fromkeys(SPLITS, clips)},
        "training": {"seeds": list(range(seeds)), "max_epochs": 3},
        "detectors": detectors,
        "evaluation": {"shared_from": detectors[0]},
    }
    (project / "experiment.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    weights = project / "resources" / "yamnet" / "yamnet.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"only its digest is asked for")
    results = project / "results" / "load"
    results.mkdir(parents=True)
    index().to_csv(results / "soundbank.csv", index=False)
    chosen = config.load(config.merge([project / "config.yaml", project / "experiment.yaml"]))
    for place, split in enumerate(SPLITS):
        draw = np.random.default_rng(place)
        names, annotated = mixtures(project, split, clips, draw)
        present = labels.of_frames(annotated, names, LABELS, FRAMES)
        features(results / "features" / split, present, embedding, draw)
        if split == "train":
            continue
        for name in chosen.detectors_of("classifier"):
            for seed in range(seeds):
                folder = results / "attributions" / name / f"seed{seed}" / split
                for shard, clips_of in enumerate(jobs(names, chosen.clips_of_job(name))):
                    attributed(folder / str(shard), names[clips_of], present[clips_of], draw)
        for name in chosen.detectors_of("masks"):
            for shard, clips_of in enumerate(jobs(names, chosen.clips_of_job(name))):
                path = results / "masked" / name / split / f"{shard}.parquet"
                masked(path, names[clips_of], chosen.chosen(name), embedding, draw)


def _facts(seconds: int) -> tuple:
    """The columns of the index after the path."""
    return (float(seconds), RATE, 1, "", "", "", "MIT", "", seconds * RATE, 0.5, 0.0, "")


def index() -> pd.DataFrame:
    """A soundbank's index: `RECORDINGS` recordings of every class in each split."""
    rows = [
        (split, "foreground", label, f"{label}/{k}", f"{label}_{k}.wav", *_facts(3))
        for split in SPLITS
        for label in LABELS
        for k in range(RECORDINGS)
    ]
    rows += [(split, "background", "room", f"{split}/0", f"{split}.wav", *_facts(12)) for split in SPLITS]
    return pd.DataFrame(rows, columns=COLUMNS)


def mixtures(project: Path, split: str, count: int, draw: np.random.Generator) -> tuple[list[str], pd.DataFrame]:
    """Write a split's clips, one to three events each; return their names and events with a column `clip`."""
    folder = Path("results/load/mixtures") / split
    (project / folder / "audio").mkdir(parents=True)
    names = [f"{split}_{k:05d}" for k in range(count)]
    for k, name in enumerate(names):
        path = project / folder / "audio" / f"{name}.flac"
        if k < 10:
            audio.write_flac(path, draw.normal(0, 0.05, SECONDS * RATE).clip(-1, 1), RATE)
        else:  # Another name of one of the first ten: read like a file of its own, without its place on the disk.
            path.hardlink_to(project / folder / "audio" / f"{names[k % 10]}.flac")
    paths = [folder / "audio" / f"{name}.flac" for name in names]
    clips = {"clip": names, "path": paths, "duration": SECONDS, "seed": draw.integers(2**32, size=count)}
    pd.DataFrame({**clips, "polyphony": 1}).to_csv(project / folder / "clips.csv", index=False)
    clip = np.repeat(names, draw.integers(1, 4, size=count))
    length = draw.uniform(0.25, 4.2, size=len(clip))
    onset = draw.uniform(0, SECONDS - length)
    annotated = pd.DataFrame({"clip": clip, "filename": clip, "onset": onset, "offset": onset + length})
    annotated = annotated.assign(filename=annotated["clip"] + ".flac", event_label=draw.choice(LABELS, size=len(clip)))
    events.write(project / folder / "events.tsv", annotated, [f"{name}.flac" for name in names])
    annotations(project / folder / "jams", split, annotated, draw)
    return names, annotated


def annotations(folder: Path, split: str, annotated: pd.DataFrame, draw: np.random.Generator) -> None:
    """Write what Scaper tells of every clip: its background, and when, how loud and of which recording events are."""
    folder.mkdir()
    background = {"role": "background", "label": "room", "source_file": f"{split}.wav"}
    for clip, rows in annotated.groupby("clip"):
        values = [
            {
                "role": "foreground",
                "label": label,
                "source_file": f"{label}_{draw.integers(RECORDINGS)}.wav",
                "event_time": float(onset),
                "event_duration": float(offset - onset),
                "snr": float(draw.uniform(15, 25)),
            }
            for label, onset, offset in zip(rows["event_label"], rows["onset"], rows["offset"], strict=True)
        ]
        data = [{"value": value} for value in (background, *values)]
        told = json.dumps({"annotations": [{"namespace": "scaper", "data": data}]})
        (folder / f"{clip}.jams").write_text(told, encoding="utf-8")


def features(folder: Path, present: np.ndarray, embedding: int, draw: np.random.Generator, block: int = 100) -> None:
    """Write the body's output: noise, and a direction of the embedding while a class sounds.

    `present` is bool (clip, class, frame).
    """
    folder.mkdir(parents=True)
    directions = np.random.default_rng(0).normal(size=(len(LABELS), embedding))
    times = (np.arange(COARSE) + 0.5) * SECONDS / COARSE
    np.save(folder / "times.npy", times)
    heard = present[:, :, (times / SECONDS * FRAMES).astype(int)].swapaxes(1, 2).astype(np.float32)
    kinds = {"frames": (len(present), COARSE, embedding), "clips": (len(present), embedding)}
    stored = {k: np.lib.format.open_memmap(folder / f"{k}.npy", "w+", np.float32, s) for k, s in kinds.items()}
    for start in range(0, len(present), block):
        rows = slice(start, start + block)
        values = heard[rows] @ directions + draw.normal(0, 3, (*heard[rows].shape[:2], embedding))
        stored["frames"][rows] = values
        stored["clips"][rows] = values.max(1) + values.mean(1)


def jobs(names: list[str], size: int) -> list[slice]:
    """The clips of each job that explains, or masks, clips of a split."""
    return [slice(*shards.bounds(shard, size, len(names))) for shard in range(shards.number(size, len(names)))]


def attributed(path: Path, names: list[str], present: np.ndarray, draw: np.random.Generator) -> None:
    """Write scores that are higher where a class sounds, and what is known of each (clip, class) pair."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with Writer(path.with_suffix(".parquet")) as writer:
        for name, active in zip(names, present, strict=True):
            writer.add(name, LABELS, active + draw.exponential(size=active.shape))
    clip, label = np.repeat(names, len(LABELS)), np.tile(LABELS, len(names))
    numbers = {column: draw.random(len(clip)) for column in (*shards.EXPLAINED, "completeness_error")}
    table = pd.DataFrame({"clip": clip, "label": label, **numbers, "device": "cpu", "precision": "float32"})
    table.assign(**{shards.KEY: clip}).to_csv(path.with_suffix(".csv"), index=False)


def masked(path: Path, names: list[str], chosen: Chosen, embedding: int, draw: np.random.Generator) -> None:
    """Write embeddings of masked clips that say nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with shards.MaskedWriter(path) as writer:
        for name in names:
            masks = perturbation.masks_of(chosen.detector, chosen.settings, FRAMES, draw)
            embeddings = draw.normal(size=(len(masks), embedding)).astype(np.float32)
            writer.add(name, shards.Masked(name, masks, embeddings))


def run(project: Path, cores: int, *targets: str) -> pd.DataFrame:
    """Run the rules; a row for every process: `stage, wildcards, mem_mb, seconds, cpu_seconds, peak_mb`."""
    record = project / "record.jsonl"
    paths = [str(ROOT / "benchmarks" / "recorder"), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "IGSED_RECORD": str(record)}
    command = [sys.executable, "-m", "snakemake", "--configfile", "experiment.yaml", "--cores", str(cores)]
    command += [*(targets or ("results/load/manifest.json",)), "--allowed-rules", *RULES]
    subprocess.run(command, cwd=project, env=environment, stdout=sys.stderr, check=True)
    return pd.read_json(record, lines=True)


def summary(measured: pd.DataFrame) -> pd.DataFrame:
    """A row for every stage and number of clips: its jobs, its longest job, its largest."""
    columns = {"mem_mb": "max", "seconds": "max", "cpu_seconds": "max", "peak_mb": "max"}
    grouped = measured.groupby(["stage", "clips"], sort=False)
    table = grouped.agg(columns).assign(jobs=grouped.size()).reset_index()
    order = table["stage"].map(["snakemake", *RULES].index)
    table = table.assign(order=order).sort_values(["order", "clips"], ignore_index=True)
    return table[["stage", "clips", "jobs", "seconds", "cpu_seconds", "peak_mb", "mem_mb"]]


if __name__ == "__main__":
    main()
