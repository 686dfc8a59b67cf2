"""How long Snakemake plans, against the number of jobs.

    python -m benchmarks.planning [--clips 100 1000 10000] [--name planning]

Plans the default experiment with so many training clips and a job for each, where the workflow would give it 50 at a
time. Writes a table to stdout and benchmarks/results/NAME.json.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import yaml

from igsed.jobs import provenance

ROOT = Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--clips", type=int, nargs="+", default=[100, 1000, 10000])
    parser.add_argument("--name", default="planning")
    options = parser.parse_args()
    table = pd.DataFrame(plan(clips) for clips in options.clips)
    print(table.to_string(index=False))
    out = ROOT / "benchmarks" / "results" / f"{options.name}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    report = {"machine": provenance.machine(), "versions": provenance.versions(["snakemake"])}
    out.write_text(json.dumps(report | {"plans": table.to_dict("records")}, indent=1) + "\n", encoding="utf-8")


def plan(clips: int) -> dict[str, float]:
    """Seconds and the number of jobs of one plan, of an experiment that has no results."""
    settings = {"experiment": "planning", "mixtures": {"clips": {"train": clips}, "shard": 1}}
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(settings, file)
        file.flush()
        command = [sys.executable, "-m", "snakemake", "--dry-run", "--cores", "1", "--quiet", "rules", "--nolock"]
        clock = time.perf_counter()
        done = subprocess.run(
            [*command, "--configfile", file.name], cwd=ROOT, check=True, capture_output=True, text=True
        )
        seconds = time.perf_counter() - clock
    jobs = int(re.search(r"^total +(\d+)$", done.stdout + done.stderr, flags=re.MULTILINE)[1])
    return {"clips": clips, "jobs": jobs, "seconds": round(seconds, 1)}


if __name__ == "__main__":
    main()
