"""Say what an experiment will cost, from measurements of two minutes.

Time, disk, downloads and memory of every stage on this machine, as if there were no results yet. docs/costs.md says how
far to trust it.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path

from igsed.commands import experiments

EXAMPLES = ("", "--configfile config/paper.yaml", "config/paper.yaml --cores 16 --gpus 2")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    experiments.add_configfiles(parser)
    parser.add_argument(
        "--configfile",
        dest="more",
        nargs="+",
        action="extend",
        default=[],
        type=Path,
        metavar="FILE",
        help="as without the option; Snakemake's way to name them",
    )
    parser.add_argument("--cores", type=count, default=os.cpu_count(), help="that the run may use (default: all)")
    parser.add_argument("--gpus", type=count, default=1, help="that the run may use, where there are any (default: 1)")


def count(text: str) -> int:
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    from igsed import forecast, unit_costs
    from igsed.jobs import provenance
    from igsed.jobs.progress import Progress

    experiment, files = experiments.load([*options.configfile, *options.more])
    inputs = forecast.inputs_of(experiment)
    device = experiment.device if experiment.device != "auto" else "cuda" if provenance.gpus() else "cpu"
    with Progress("planning the jobs", len(parts := unit_costs.parts(experiment)) + 1) as work:

        def begin(part: str) -> None:
            work.description = f"measuring {part}"
            work.update()

        print(
            f"Planning the jobs and measuring {len(parts)} things, {len(parts) + 1} steps; about two minutes.",
            file=sys.stderr,
        )
        jobs = forecast.planned(files[1:])
        costs = unit_costs.measure(experiment, device, begin)
    table = forecast.forecast(jobs, experiment, costs, inputs)
    print(forecast.text(table, options.cores, options.gpus, shutil.disk_usage(".").free))
    return 0
