"""List the components that an experiment can be made of.

With what each needs, its settings and its source; those of installed packages too.
"""

import argparse

from igsed import listing

EXAMPLES = ("detectors", "soundbanks")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("family", choices=listing.FAMILIES, help="what to list")


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    print(listing.text(options.family))
    return 0
