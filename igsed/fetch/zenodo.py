"""What Zenodo states about its files, and the lock file that holds later runs to it.

A record's files lie at `<host>/records/<id>/files/<file>`; `<host>/api/records/<id>` has for each of them `key`,
`size` and `checksum` ("md5:…") in a list `files`. (Records of other InvenioRDM servers have them by name under
`files.entries`.) What was learnt is written to a lock file, and a record that later says otherwise is refused.
"""

from __future__ import annotations

import itertools
import json
import os
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import requests
from filelock import FileLock

from igsed.errors import InputError
from igsed.fetch.download import ONCE, AddressError, Identity, Patience, difference, persistently

_CHUNK = 1 << 16
_MOST_CHUNKS = 512  # 32 MiB; records of thousands of files take some


class Location(NamedTuple):
    """A file of a record: the record's address in the API, and the file's name within it."""

    record: str
    key: str


def locate(url: str) -> Location | None:
    """Where the API tells about the file at ``url``; None if that is no address of a record's file.

    Examples
    --------
    >>> locate("https://zenodo.org/records/3987831/files/Cnn14_mAP%3D0.431.pth?download=1")
    Location(record='https://zenodo.org/api/records/3987831', key='Cnn14_mAP=0.431.pth')
    """
    try:
        address = urlsplit(url)
    except ValueError:  # a broken IPv6 address
        return None
    match = re.fullmatch(r"(?:/api)?/records?/(\d+)/files/([^/]+)(?:/content)?", address.path)
    if not match:
        return None
    return Location(f"{address.scheme}://{address.netloc}/api/records/{match[1]}", unquote(match[2]))


def files(record: str, patience: Patience = ONCE) -> dict[str, Identity]:
    """Length and md5 of each file of a record, by name.

    Parameters
    ----------
    record : str
        Address of the record in the API.
    patience : Patience

    Raises
    ------
    AddressError
        It cannot be had, or is no list of files.
    """

    def ask() -> bytes:
        headers, timeout = {"Accept": "application/json"}, patience.timeout
        with requests.get(record, headers=headers, timeout=timeout, stream=True) as response:
            response.raise_for_status()
            return b"".join(itertools.islice(response.iter_content(_CHUNK), _MOST_CHUNKS))

    answer = persistently(ask, record, patience)
    try:
        listed = json.loads(answer)["files"]
        if isinstance(listed, dict):
            listed = [{"key": key} | entry for key, entry in listed["entries"].items()]
        return {entry["key"]: _identity(entry) for entry in listed}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise AddressError(f"{record}: is no description of a record with files, sizes and md5 checksums") from None


def _identity(entry: dict) -> Identity:
    md5 = re.fullmatch("md5:([0-9a-f]{32})", entry["checksum"].lower())
    if not md5 or type(entry["size"]) is not int or entry["size"] < 0:
        raise ValueError
    return Identity(entry["size"], md5[1])


def locked(lock: Path, location: Location) -> Identity:
    """What earlier runs learnt about a file; nothing known if they did not.

    Raises
    ------
    InputError
        The lock file cannot be read.
    """
    return _read(Path(lock)).get(location.record, {}).get(location.key, Identity())


def learn(lock: Path, location: Location, learnt: Identity) -> None:
    """Write what the API said into the lock file, where earlier runs did not.

    Raises
    ------
    InputError
        It differs from what an earlier run learnt, or the lock file cannot be read.
    """
    lock = Path(lock)
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{lock}.lock"):
        known = _read(lock)
        before = known.setdefault(location.record, {}).setdefault(location.key, learnt)
        if wrong := difference(before, learnt):
            raise InputError(
                f"{location.record}: {location.key} is no longer the file that {lock} recorded: {wrong}. If the "
                "change is intended, remove the file's entry there; results made before and after do not compare."
            )
        text = {
            record: {key: {"bytes": file.bytes, "md5": file.md5} for key, file in sorted(entries.items())}
            for record, entries in sorted(known.items())
        }
        partial = lock.with_name(f"{lock.name}.part")
        partial.write_text(json.dumps(text, indent=2) + "\n", encoding="utf-8")
        os.replace(partial, lock)


def _read(lock: Path) -> dict[str, dict[str, Identity]]:
    if not lock.exists():
        return {}
    try:
        return {
            record: {
                key: _identity({"size": entry["bytes"], "checksum": f"md5:{entry['md5']}"})
                for key, entry in entries.items()
            }
            for record, entries in json.loads(lock.read_text(encoding="utf-8")).items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as problem:
        raise InputError(
            f"{lock}: is not readable as a lock file ({type(problem).__name__}: {problem}). Restore it, or remove it "
            "to have sizes and checksums read from Zenodo again."
        ) from None
