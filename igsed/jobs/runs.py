"""Before a run: can it write, does another one work in the same folder, and what did an earlier one leave undone?

Snakemake's lock is a file; a run that is killed leaves it behind. Each run and each job therefore also holds the file
`.snakemake/igsed.lock` shared (flock), which the system lets go when the process ends, however it ends. Who can have
that file for himself alone knows that nobody works in the folder.

Snakemake deletes a job's outputs before it begins. Where the job then fails or is killed, the next run takes them for
files that the user has deleted and does not need, and their old descendants for valid (Snakemake's issues 1978, 2966,
3808). Each run therefore writes down what it is going to make; what of it is missing later has to be made.
"""

import contextlib
import fcntl
import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from igsed.errors import InputError

_LOCK = Path(".snakemake", "igsed.lock")
_PLAN = Path(".snakemake", "igsed-unfinished.json")
_held: dict[Path, int] = {}


def announce(folder: str | Path = ".") -> None:
    """Say that this process works in a folder, until it ends.

    Where nothing can be written, or the file system has no locks, nothing happens.
    """
    path = Path(folder, _LOCK).absolute()
    if path in _held:
        return
    with contextlib.suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        _held[path] = descriptor  # open, as long as the process lives
        fcntl.flock(descriptor, fcntl.LOCK_SH)


def check_writable(folder: str | Path) -> None:
    """Make a folder, and be sure that it takes files and that the disk has some room.

    Raises
    ------
    InputError
        They cannot.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(1 << 16))
    except OSError as error:
        raise InputError(
            f"{folder}: nothing can be written there ({error.strerror}). Make room, or make it writable, or run in a "
            "copy of the project elsewhere."
        ) from None


def unlock(folder: str | Path = ".") -> str:
    """Take away the locks that a killed run left in a folder, unless a process still works there.

    Returns
    -------
    str
        What the user should know; empty where there was no lock.
    """
    path = Path(folder, _LOCK)
    locks = sorted(Path(folder, ".snakemake", "locks").glob("*.lock"))
    if not locks:
        return ""
    try:
        with open(path, "a") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for lock in locks:
                lock.unlink(missing_ok=True)
        return "An earlier run was cut short. Its lock is taken away; what it had finished is kept."
    except BlockingIOError:
        who = ", ".join(map(str, holders(path))) or "another one"
        return (
            f"A process still works in this folder ({who}), so its lock stays. If it belongs to a run that was cut "
            "short, wait for it or end it (kill), then run again."
        )
    except OSError as error:
        return (
            f"This folder is locked by a run, and whether it still goes on cannot be found out here ({error}). If it "
            "does not: snakemake --unlock, then run again."
        )


def at_work(folder: str | Path = ".") -> bool:
    """Whether a process that announced itself works in a folder, as far as this system tells."""
    with contextlib.suppress(OSError), open(Path(folder, _LOCK)) as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def holders(path: str | Path) -> list[int]:
    """The processes that hold a file with flock, as far as this system tells."""
    status, found = os.stat(path), set()
    with contextlib.suppress(OSError):
        for line in Path("/proc/locks").read_text().splitlines():
            kind, pid, file = line.split()[1], line.split()[4], line.split()[5]
            major, minor, inode = file.split(":")
            place = os.makedev(int(major, 16), int(minor, 16)), int(inode)
            if kind == "FLOCK" and place == (status.st_dev, status.st_ino):
                found.add(int(pid))
    return sorted(found)


def unfinished(folder: str | Path = ".") -> list[str]:
    """What earlier runs in a folder were going to make (paths within it) and what is not there."""
    try:
        planned = json.loads(Path(folder, _PLAN).read_bytes())
    except (OSError, ValueError):
        return []
    return [path for path in planned if not Path(folder, path).exists()]


def plan(outputs: Iterable[str | Path], folder: str | Path = ".") -> None:
    """Write down what a run is going to make, besides what is unfinished already."""
    place = Path(folder, _PLAN)
    place.parent.mkdir(exist_ok=True)
    new = place.with_name(f".part-{place.name}")
    new.write_text(json.dumps(sorted({*unfinished(folder), *map(str, outputs)}), indent=0))
    new.replace(place)
