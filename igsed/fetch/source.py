"""The one way in which a source comes onto this machine: verified, unpacked, all of it or nothing.

A file must have the length and digest of the table. What the table does not have comes from the record on Zenodo and is
kept in the lock file. A file put into the downloads by hand is as good as a downloaded one if it fits, and then no
network is needed; one that does not fit is neither used nor overwritten.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock

from igsed.errors import InputError
from igsed.fetch import archives, zenodo
from igsed.fetch.download import AddressError, Identity, Patience, difference, download, identity, require_room
from igsed.fetch.table import File
from igsed.jobs.console import progress as bar
from igsed.links import link

COMPRESSION = 1.5
"""Contents of an archive over its own length, where that is not known in advance: an assumption for recordings."""

SIX_TIMES = Patience(attempts=6)


class Fetched(NamedTuple):
    """What was obtained: ``url`` is None for a file that was there already."""

    file: str
    url: str | None
    bytes: int | None
    md5: str | None
    sha256: str | None


def fetch(
    name: str,
    files: Sequence[File],
    downloads: Path,
    lock: Path,
    folder: Path,
    patience: Patience = SIX_TIMES,
    unpack_limit: int = archives.LIMIT,
) -> list[Fetched]:
    """Make a source ready for use: its archives unpacked into a folder, its other files hard-linked there.

    Several processes may call it at once; those that want the same source wait for each other.

    Parameters
    ----------
    name : str
        The source.
    files : sequence of File
        Its files, as in the table.
    downloads : Path
        Where the files themselves lie, each under its name in the table.
    lock : Path
        The lock file: lengths and digests that Zenodo stated.
    folder : Path
        Where the source shall lie. What is there is replaced at the end.
    patience : Patience
        For each address.
    unpack_limit : int
        Most bytes to unpack in all.

    Returns
    -------
    list of Fetched
        In the order of ``files``.

    Raises
    ------
    InputError
        A file cannot be had from any address (the message has the reason for each, and what to put where by hand), is
        not what it must be, cannot be verified, or has no room; an archive cannot be unpacked safely.
    """
    downloads, lock, folder = Path(downloads), Path(lock), Path(folder)
    downloads.mkdir(parents=True, exist_ok=True)
    with FileLock(downloads / f".{name}.lock"):
        expected = _expectations(files, downloads, lock, patience)
        _require_room(files, expected, downloads, folder)
        shown = bar(files, f"fetch {name}") if patience.progress else files
        fetched = [_obtain(file, expected[file.file], downloads / file.file, patience) for file in shown]
        _require_room(files, expected, downloads, folder)
        _assemble(files, downloads, folder, unpack_limit, patience.progress)
    return fetched


def _expectations(files: Sequence[File], downloads: Path, lock: Path, patience: Patience) -> dict[str, Identity]:
    """What each file must be, by name: from the table, the lock file and, where needed, the records.

    The records are asked about files that are yet to be downloaded, unless the table knows all of them, and about those
    whose digest is in neither place.
    """
    expected: dict[str, Identity] = {}
    answers: dict[str, dict[str, Identity] | AddressError] = {}
    for file in files:
        location = zenodo.locate(file.url)
        known = _merged(file.identity, zenodo.locked(lock, location) if location else Identity())
        present = (downloads / file.file).is_file()
        complete = file.identity.digest and file.bytes
        if location and not complete and not (present and known.digest):
            if location.record not in answers:
                answers[location.record] = _ask(location.record, patience)
            answer = answers[location.record]
            if isinstance(answer, AddressError):
                if not known.digest:
                    raise InputError(_unverifiable(file, downloads / file.file, answer))
            else:
                known = _merged(known, _learn(file, location, answer, lock))
        expected[file.file] = known
    return expected


def _ask(record: str, patience: Patience) -> dict[str, Identity] | AddressError:
    try:
        return zenodo.files(record, patience)
    except AddressError as problem:
        return problem


def _learn(file: File, location: zenodo.Location, answer: dict[str, Identity], lock: Path) -> Identity:
    if location.key not in answer:
        raise InputError(
            f"{location.record}: has no file {location.key!r}, but {', '.join(sorted(answer)) or 'none at all'}. "
            f"Correct the url of {file.file} in the table of sources."
        )
    learnt = answer[location.key]
    if wrong := difference(file.identity, learnt):
        raise InputError(
            f"{location.record}: {location.key} is not the file in the table of sources: {wrong}. "
            f"Either was changed: compare them, and correct the row of {file.file}."
        )
    zenodo.learn(lock, location, learnt)
    return learnt


def _merged(first: Identity, second: Identity) -> Identity:
    return first._replace(**{k: value for k, value in second._asdict().items() if getattr(first, k) is None})


def _unverifiable(file: File, path: Path, problem: AddressError) -> str:
    have = f"{path} is there, but " if path.is_file() else ""
    return (
        f"{file.file}: {have}nothing is known that it could be verified by. The table of sources has no digest of it, "
        f"and its record could not be asked:\n  - {problem}\n"
        "Run once with a network; or download it elsewhere from\n"
        + "".join(f"  - {address}\n" for address in file.addresses)
        + f"put it here as {path}, and its md5 or sha256 into its row of the table."
    )


def _obtain(file: File, expected: Identity, path: Path, patience: Patience) -> Fetched:
    if path.is_file():
        found = identity(path)
        if wrong := difference(expected, found):
            raise InputError(
                f"{path}: {wrong}. Remove it to have it downloaded from {file.url}, or put the right file there."
            )
        return Fetched(file.file, None, found.bytes, found.md5, found.sha256)
    reasons = []
    for url in file.addresses:
        try:
            download(url, path, expected, patience)
        except AddressError as problem:
            reasons.append(f"  - {problem}\n")
        else:
            found = identity(path)
            return Fetched(file.file, url, found.bytes, found.md5, found.sha256)
    length = f"{expected.bytes} bytes, " if expected.bytes else ""
    raise InputError(
        f"{file.file} could not be downloaded:\n"
        + "".join(reasons)
        + f"Try again later (it goes on where it stopped), or download it by hand and put it here as {path} "
        f"({length}{expected.digest})."
    )


def _require_room(files: Sequence[File], expected: dict[str, Identity], downloads: Path, folder: Path) -> None:
    """Check that what is still missing, and the source when unpacked, fit onto their disks."""
    missing = unpacked = 0
    for file in files:
        path = downloads / file.file
        length = path.stat().st_size if path.is_file() else expected[file.file].bytes or 0
        if not path.is_file():
            partial = downloads / f"{file.file}.part"
            missing += max(0, length - (partial.stat().st_size if partial.is_file() else 0))
        if file.kind == "archive":
            exact = archives.unpacked_size(path) if path.is_file() else None
            unpacked += int(COMPRESSION * length) if exact is None else exact
    folder.parent.mkdir(parents=True, exist_ok=True)
    name = files[0].name
    if downloads.stat().st_dev == folder.parent.stat().st_dev:
        require_room(downloads, missing + unpacked, f"downloading {name} ({missing / 1e9:.2f} GB) and unpacking it")
    else:
        require_room(downloads, missing, f"downloading {name}")
        require_room(folder.parent, unpacked, f"unpacking {name}")


def _assemble(files: Sequence[File], downloads: Path, folder: Path, limit: int, progress: bool) -> None:
    """Make the source beside its place and put it there at the end."""
    partial = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        for file in files:
            if file.kind == "archive":
                limit -= archives.unpack(downloads / file.file, partial, limit=limit, progress=progress)
        for file in files:
            if file.kind == "file":
                link(downloads / file.file, partial / file.file)
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
