"""Check an experiment's configuration and inputs.

Reports every problem at once and runs nothing; `make run` begins with it. Sounds are not opened; names, tables and
headers are.
"""

import argparse
import sys

from igsed.commands import experiments
from igsed.errors import InputError

EXAMPLES = ("", "config/minibank.yaml", "config/paper.yaml mine.yaml")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    experiments.add_configfiles(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    from igsed import preflight
    from igsed.jobs import provenance

    experiment, _ = experiments.load(options.configfile)
    if problems := preflight.problems(experiment):
        raise InputError(*problems)
    if refused := provenance.git_commit(".")[1]:
        print(f"WARNING: {refused}", file=sys.stderr)
    classes, detectors = ", ".join(experiment.classes), ", ".join(experiment.detector_names)
    print(f"{experiment.experiment}: classes {classes}; detectors {detectors}")
    return 0
