"""What cutting attribution into jobs of some clips gains: the same attributions on one core and on several.

    python -m benchmarks.shards [--cores 1 2] [--clips 8] [--rounds 2] [--name shards]

Needs a finished `make run`, of whose default experiment it makes one detector's attributions again under another name,
`--clips` clips a job, as the workflow makes them, Snakemake's start and planning included. In every round all numbers
of cores run in turn, so that a busy machine slows all of them. Writes a table to stdout and
benchmarks/results/NAME.json.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import yaml

from benchmarks.stages import require_finished
from igsed.jobs import provenance

ROOT = Path(__file__).parents[1]
NAME = "shards_benchmark"
DETECTOR = {"name": NAME, "method": "ig", "baseline": "quiet_second", "domain": "mel", "n_steps": 16, "tolerance": None}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--cores", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--clips", type=int, default=8, help="clips of a job")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--name", default="shards")
    options = parser.parse_args()
    require_finished(ROOT / "results" / "default")
    rows = [
        {"round": number, "cores": cores, "seconds": seconds(cores, options.clips)}
        for number in range(options.rounds)
        for cores in options.cores
    ]
    measured = pd.DataFrame(rows)
    alone = measured[measured["cores"] == options.cores[0]].set_index("round")["seconds"]
    measured["times as fast"] = measured["round"].map(alone) / measured["seconds"]
    print(measured.to_string(index=False, float_format=lambda value: f"{value:.3g}"))
    content = {"machine": provenance.machine(), "clips": options.clips, "rows": measured.to_dict("records")}
    (ROOT / "benchmarks" / "results" / f"{options.name}.json").write_text(json.dumps(content, indent=1) + "\n")


def seconds(cores: int, clips: int) -> float:
    """By the clock, of all attributions of a test split."""
    folder = ROOT / "results" / "default"
    for part in ("attributions", "scores"):
        shutil.rmtree(folder / part / NAME, ignore_errors=True)
    settings = folder / "shards_benchmark.yaml"
    chosen = {"experiment": "default", "clips_per_job": clips, "detectors": ["ig", DETECTOR]}
    settings.write_text(yaml.safe_dump(chosen), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--configfile",
        str(settings),
        "--cores",
        str(cores),
        "--quiet",
        "all",
    ]
    begin = time.perf_counter()
    subprocess.run([*command, "--", f"results/default/scores/{NAME}/seed0/test.parquet"], cwd=ROOT, check=True)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
