"""Put the detectors of several experiments beside each other.

Values, ranks in each bank, how far the banks agree on the order of the detectors, and in what else the experiments
differ. docs/compare.md says more.
"""

import argparse
from pathlib import Path

EXAMPLES = (
    "results/default results/free_sounds",
    "results/default results/paper --metrics iou f1 --protocol shared --out comparisons/two",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="results/<experiment>")
    parser.add_argument(
        "--metrics",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME",
        help="metrics to compare beside those by which detectors are ranked",
    )
    parser.add_argument("--protocol", metavar="NAME", help="default: the first that all experiments have")
    parser.add_argument(
        "--out", type=Path, default=Path("results/compare"), metavar="FOLDER", help="default: results/compare"
    )


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    from igsed import compare

    compare.check(options.out)  # before all the reading
    found = compare.compare(options.folders, options.metrics, options.protocol)
    written = compare.write(found, options.out)
    print("\n".join([compare.text(found), "", *map(str, written)]))
    return 0
