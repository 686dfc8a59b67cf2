"""Take away the lock of a run that was killed, if no process works here.

`make run` begins with it.
"""

import argparse
import sys

EXAMPLES = ("",)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments: there are none."""


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    from igsed.jobs import runs

    runs.check_writable(".snakemake")  # Snakemake itself would end in a traceback
    if told := runs.unlock():
        print(told, file=sys.stderr)
    return 0
