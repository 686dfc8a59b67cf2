"""What surrounds a job's work: log, progress, errors that say what to do, and outputs that are whole or absent."""

import contextlib
import errno
import logging
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sized
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from igsed.errors import InputError
from igsed.jobs import integrity, runs
from igsed.jobs.progress import Progress, say

_FULL = 1 << 20
"""A disk with fewer free bytes is called full when a job fails."""


@contextlib.contextmanager
def job(log: str | Path, outputs: Mapping[str, str], inputs: Iterable[str | Path] = ()) -> Iterator[SimpleNamespace]:
    """Run a job's body; its outputs appear all at once, at the end, or not at all.

    Each output gets a record of its sha256 (`igsed.jobs.integrity`), which the jobs that read it compare.

    Parameters
    ----------
    log : path
        File for warnings, log messages and tracebacks.
    outputs : mapping
        Name → path of each file or folder that the job makes.
    inputs : iterable of path
        Files and folders that the job reads. Those that have a record must be as it says.

    Yields
    ------
    types.SimpleNamespace
        By name, the temporary paths to write to. They lie beside the final ones and keep their suffix.

    Raises
    ------
    SystemExit
        After an `InputError`, shown as a plain message, or any other error, shown as its last line and the place of the
        traceback.
    """
    final = {name: Path(path) for name, path in outputs.items()}
    temporary = {name: path.with_name(f".part-{path.name}") for name, path in final.items()}
    records = {name: path.with_name(f".part-{integrity.record_of(path).name}") for name, path in final.items()}
    inputs = list(inputs)
    try:
        runs.announce()
        _log_to(Path(log))
        for path in temporary.values():
            _remove(path)
            path.parent.mkdir(parents=True, exist_ok=True)
        integrity.check(inputs)
        yield SimpleNamespace(**temporary)
        # Before the first one moves: an output that was never written, or a full disk, stops them all.
        for name, path in temporary.items():
            records[name].write_text(
                integrity.describe(path, final[name].name), encoding="utf-8", errors="surrogateescape"
            )
        for name, path in temporary.items():
            _replace(path, final[name], records[name])
    except InputError as error:
        logging.error("%s", error)
        say(f"\nERROR: {error}\n")
        sys.exit(1)
    except Exception as error:
        logging.error("%s", traceback.format_exc())
        unforeseen = f"{type(error).__name__}: {error}\n(the full traceback is in {log})"
        reason = _not_permitted(error, inputs) or _unwritable(error, [Path(log), *temporary.values()]) or unforeseen
        say(f"\nERROR: {reason}\n")
        sys.exit(1)
    finally:
        with contextlib.suppress(OSError):
            for path in (*temporary.values(), *records.values()):
                _remove(path)


def _log_to(path: Path) -> None:
    # A log that cannot be written any more, on a full disk, must not hide the error itself.
    logging.raiseExceptions = False
    path.parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=path, filemode="w", level=logging.INFO, format="%(asctime)s %(name)s %(message)s", force=True
    )
    logging.captureWarnings(True)


def _replace(new: Path, final: Path, record: Path) -> None:
    """Let `new` be `final`, and `record` its record. A job cut short in between leaves none that does not fit."""
    place = integrity.record_of(final)
    _remove(place)
    _remove(final)
    os.replace(new, final)
    os.replace(record, place)


def _not_permitted(error: Exception, inputs: Iterable[str | Path]) -> str | None:
    """What to tell when a job failed because it may not read one of its inputs; None when it did for another reason."""
    if not isinstance(error, PermissionError) or error.filename is None:
        return None
    path = Path(os.fsdecode(error.filename)).absolute()
    if any(known == path or known in path.parents for known in (Path(file).absolute() for file in inputs)):
        return (
            f"{error.filename}: may not be read ({error.strerror}). Give yourself the right to (chmod), then run again."
        )
    return None


def _unwritable(error: Any, places: Iterable[Path]) -> str | None:
    """What to tell when a job failed for want of room or rights on a disk; None when it did for another reason."""
    number = getattr(error, "errno", None)
    if number in (errno.EROFS, errno.EACCES, errno.EPERM):
        return f"{getattr(error, 'filename', None) or ''}: {error.strerror}. Make the folder writable, then run again."
    # The libraries that write sound, arrays and tables each say it in their own words, so the disks are asked.
    for folder in {**dict.fromkeys(path.parent for path in places), Path(tempfile.gettempdir()): None}:
        with contextlib.suppress(OSError):
            disk = os.statvfs(folder)
            if disk.f_bavail * disk.f_frsize < _FULL or (disk.f_files and not disk.f_favail):
                return (
                    f"{folder}: the disk is full. Free some space on it, then run again: what was half-written is "
                    f"deleted, finished jobs are not repeated. ({type(error).__name__}: {error})"
                )
    if number in (errno.ENOSPC, errno.EDQUOT):
        return f"{error.filename or ''}: {error.strerror}. Free some space there, then run again."
    return None


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def progress(items: Iterable, description: str, total: int | None = None) -> Iterator:
    """The items, one by one, while `igsed.jobs.progress` shows how many have been worked on.

    Parameters
    ----------
    items : iterable
    description : str
        What is done with them, such as ``mixing train clips``.
    total : int, optional
        How many there are; without it their length, if they have one.
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    with Progress(description, total) as work:
        for item in items:
            yield item
            work.update()
