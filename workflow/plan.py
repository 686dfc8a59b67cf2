"""The jobs of an experiment, as Snakemake plans them, as JSON: what `igsed forecast` counts.

    python -m workflow.plan --configfile config/paper.yaml

Works in the folder that it is called in, as Snakemake does, and runs nothing. The jobs are those of an experiment that
has no results yet; what lies in `resources/` is not made again. Stdout has a list of `{"rule", "wildcards", "level"}`;
a job's level is the number of jobs on the longest way to it. Errors are told on stderr.
"""

import argparse
import contextlib
import json
import sys
from pathlib import Path

from workflow import snakemake_repairs as repairs


def main() -> int:
    """Write the plan; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m workflow.plan", description=__doc__.partition("\n")[0])
    parser.add_argument("--configfile", nargs="*", default=[], type=Path, help="merged over config.yaml")
    options = parser.parse_args()
    with contextlib.redirect_stdout(sys.stderr):  # whatever else has something to say
        jobs = repairs.fresh_jobs(options.configfile)
    if jobs is None:
        return 1
    json.dump(jobs, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
