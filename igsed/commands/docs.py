"""Write the pages and the schema that are made from the package anew.

For those who change settings or the declaration of a component: docs/configuration.md, docs/metrics.md,
docs/adding/*.md, config/schema.json.
"""

import argparse
from pathlib import Path

EXAMPLES = ("",)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("root", nargs="?", type=Path, default=Path(), help="the checkout (default: this folder)")


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    from igsed.config import pages

    pages.write(options.root)
    return 0
