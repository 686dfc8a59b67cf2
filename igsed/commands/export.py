"""Write what is needed to make scores for an experiment elsewhere.

Clips and the classes to score, with a README.txt that says in which form scores are wanted.
"""

import argparse
from pathlib import Path

EXAMPLES = ("results/default for_others",)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("results", type=Path, help="results/<experiment>")
    parser.add_argument("folder", type=Path, help="where to write; a new or an empty folder")


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    from igsed import export

    exported = export.export(options.results, options.folder)
    clips = ", ".join(f"{split} {count}" for split, count in exported.clips.items())
    print(f"{exported.folder}: clips of {clips}. README.txt there says in which form scores are wanted.")
    return 0
