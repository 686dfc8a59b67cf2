"""The same file in two places, without a second copy where the file system can."""

import os
import shutil
from pathlib import Path


def link(source: str | Path, target: str | Path) -> None:
    """Make a hard link, else (another disk, or one without links) a copy; a file that is at `target` is replaced."""
    Path(target).unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
