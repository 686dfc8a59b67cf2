"""Write a detector to start from, its test and an experiment.

Into this folder. The detector works as it is; docs/detectors.md says what it may do.
"""

import argparse

EXAMPLES = ("detector my_method",)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("component", choices=["detector"], help="what to write")
    parser.add_argument("name", metavar="NAME", help="of the detector: lower-case letters, digits, underscores")


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    from igsed import scaffold

    detector, test, experiment = scaffold.new_detector(options.name)
    print(
        f"{detector}: the detector, which works as it is; put your method there\n"
        f"{test}: its test\n"
        f"{experiment}: an experiment with it\n"
        f"Next: igsed test {detector}, then, beside the Snakefile: make run EXPERIMENT={experiment}"
    )
    return 0
