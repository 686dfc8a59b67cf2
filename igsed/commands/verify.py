"""Compare results with the records and the manifest of the run.

Names every file that is damaged, missing or half-written, and what was added or deleted since.
"""

import argparse
import os
from pathlib import Path

from igsed.errors import InputError

EXAMPLES = ("results/default", "results/default --remove")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("folder", type=Path, help="results/<experiment>")
    parser.add_argument("--remove", action="store_true", help="delete what is damaged; the next run makes it anew")


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    from igsed.jobs import runs
    from igsed.jobs import verify as verification
    from igsed.jobs.console import progress

    folder = options.folder
    project = Path(os.path.abspath(folder)).parent.parent
    if runs.at_work(project):
        raise InputError(f"{folder}: a run works there, and what it is writing looks damaged. Wait for its end.")
    verdict = verification.verify(folder, lambda files: progress(files, "comparing files"))
    for problem in verdict.problems:
        print(f"{problem.what}: {problem.path}")
    for path in verdict.added:
        print(f"note: {path} was made since manifest.json")
    for path in verdict.deleted:
        print(f"note: {path} has been deleted since")
    if not verdict.problems:
        print(f"{folder}: {verdict.files} files are as the workflow made them.")
        return 0
    print(f"{folder}: {len(verdict.problems)} problems in {verdict.files} files.")
    if options.remove:
        for path in verification.remove(verdict.problems, project):
            print(f"deleted: {path}")
        print("Run again: what was deleted is made anew.")
    else:
        print(f"To have all this made anew: igsed verify {folder} --remove, then run again.")
    return 1
