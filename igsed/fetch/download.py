"""Downloading one file over HTTP: whole and verified, or not there at all.

What is not yet whole carries the ending ``.part`` beside its final name. A later call, also after a kill, goes on from
there with a ``Range`` request when a digest can prove that the parts fit together, and starts again when none is given.
Within a call, temporary errors (a dropped connection, silence, HTTP 408, 425, 429 or 5xx) lead to longer and
longer waits before the next attempt.

urllib3's Retry reads `Retry-After`, but cannot be the loop: it ends where the body begins, and most of what breaks off
here is a body of gigabytes. It also counts attempts whatever they brought, and does not say what it waits for.

Source: RFC 9110 (HTTP semantics), sections 10.2.3 (Retry-After), 13.1.5 (If-Range) and 14 (range requests).
"""

from __future__ import annotations

import hashlib
import logging
import os
import random
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

import requests
import urllib3
from urllib3.util import Retry

from igsed.errors import InputError
from igsed.jobs.progress import Progress, say

T = TypeVar("T")

_CHUNK = 1 << 16  # of a broken connection's last piece nothing is kept
_STEP = 1 << 20
"""Bytes gained that make an attempt count as a success, however it ended: a long file may need many connections."""
_PASSING = {408, 425, 429, *range(500, 600)}
_LASTING = (
    requests.exceptions.SSLError,
    requests.exceptions.TooManyRedirects,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)

log = logging.getLogger(__name__)


class AddressError(InputError):
    """One address did not yield what was asked for; another one may."""


class Identity(NamedTuple):
    """What tells a file from others: length in bytes and digests in lower-case hexadecimal digits; None = not known."""

    bytes: int | None = None
    md5: str | None = None
    sha256: str | None = None

    @property
    def digest(self) -> str | None:
        """The stronger digest that is known, such as ``sha256 0dc4…``."""
        return f"sha256 {self.sha256}" if self.sha256 else f"md5 {self.md5}" if self.md5 else None


class Patience(NamedTuple):
    """How the network is asked.

    Attributes
    ----------
    attempts : int
        How often to ask in a row without getting on (by a mebibyte at least) before giving up.
    timeout : tuple of float
        Longest wait for the connection and between two pieces of the answer, in seconds.
    longest_wait : float
        Longest pause between two attempts in seconds, also where the server asks for more.
    progress : bool
        Whether to show how far it is, and what it waits for.
    sleep : callable
        Given the pause in seconds.
    """

    attempts: int = 1
    timeout: tuple[float, float] = (10, 60)
    longest_wait: float = 120
    progress: bool = True
    sleep: Callable[[float], object] = time.sleep


UNKNOWN = Identity()
ONCE = Patience()


def identity(path: str | Path) -> Identity:
    """Length and both digests of a file, read once."""
    md5, sha256, length = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    with open(path, "rb") as stream:
        while chunk := stream.read(_STEP):
            md5.update(chunk)
            sha256.update(chunk)
            length += len(chunk)
    return Identity(length, md5.hexdigest(), sha256.hexdigest())


def difference(expected: Identity, found: Identity) -> str:
    """How ``found`` differs from ``expected`` in what both know; empty if it does not.

    Examples
    --------
    >>> difference(Identity(bytes=10), Identity(bytes=12, md5="ab"))
    'wrong length: expected 10 bytes, found 12 bytes'
    """
    if expected.bytes is not None and found.bytes is not None and expected.bytes != found.bytes:
        return f"wrong length: expected {expected.bytes} bytes, found {found.bytes} bytes"
    for algorithm in ("sha256", "md5"):
        ours, theirs = getattr(expected, algorithm), getattr(found, algorithm)
        if ours and theirs and ours != theirs:
            return f"wrong checksum: expected {algorithm} {ours}, found {theirs}"
    return ""


def download(url: str, path: Path, expected: Identity = UNKNOWN, patience: Patience = ONCE) -> Path:
    """Fetch ``url`` into ``path``, unless a file with the right digest is there already.

    Parameters
    ----------
    url : str
        http or https; redirects are followed.
    path : Path
        Where the file shall lie; its folder is made.
    expected : Identity
        What is known of the file. Without a digest only the length can be checked, and an existing file is fetched
        anew.
    patience : Patience

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    AddressError
        No connection, an HTTP error, a body that ends early, a wrong length or checksum; a file that was at ``path``
        stays.
    InputError
        It cannot be written, or there is too little space for it.
    """
    path, size = Path(path), expected.bytes
    if expected.digest and path.is_file() and not difference(expected, identity(path)):
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    if not expected.digest or (size is not None and partial.exists() and partial.stat().st_size > size):
        discard(partial)
    begun = _length(partial) > 0
    while True:
        try:
            if not size or _length(partial) < size:
                _obtain(url, partial, expected, patience)
            wrong = difference(expected, identity(partial))
        except OSError as problem:
            raise InputError(
                f"{partial}: cannot be written: {problem}; free some space or choose another folder"
            ) from None
        if not wrong:
            break
        discard(partial)
        if not begun or patience.attempts == 1:
            raise AddressError(f"{url}: {wrong}")
        begun = False  # what an earlier call left was not this file's beginning: once more from the start
    os.replace(partial, path)
    discard(partial)
    return path


def discard(partial: Path) -> None:
    """Remove what an unfinished download left."""
    partial.unlink(missing_ok=True)
    _note(partial).unlink(missing_ok=True)


def require_room(folder: Path, needed: int, what: str) -> None:
    """Refuse to begin what cannot end for lack of space.

    Parameters
    ----------
    folder : Path
        A folder on the disk in question; it need not exist yet.
    needed : int
        Bytes.
    what : str
        What they are needed for.

    Raises
    ------
    InputError
        With the gigabytes needed and free.
    """
    folder = Path(folder).absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise InputError(
            f"{folder}: {needed / 1e9:.2f} GB are needed for {what} and {free / 1e9:.2f} GB are free. "
            "Free some space, or make this folder a link to a larger disk."
        )


def persistently(ask: Callable[[], T], url: str, patience: Patience, advanced: Callable[[], bool] = lambda: False) -> T:
    """The result of ``ask``, repeated after ever longer pauses while what hinders it may pass.

    The pauses double from one second on and are drawn from the upper half of that, so that many clients do not return
    at once; the server's ``Retry-After`` makes them longer, `longest_wait` bounds them. ``advanced`` tells whether an
    attempt that failed got on nevertheless; then counting starts again.

    Raises
    ------
    AddressError
        With the address and the last reason.
    """
    failures, attempts = 0, patience.attempts
    while True:
        try:
            return ask()
        except requests.RequestException as problem:
            failures = 1 if advanced() else failures + 1
            reason = _reason(problem, patience.timeout)
            if not _may_pass(problem):
                raise AddressError(f"{url}: {reason}") from None
            if failures >= attempts:
                often = f" (attempt {failures} of {attempts})" if attempts > 1 else ""
                raise AddressError(f"{url}: {reason}{often}") from None
            pause = max(2 ** (failures - 1) * random.uniform(0.5, 1), _retry_after(problem))
            pause = min(pause, patience.longest_wait)
            message = f"{url}: {reason}; attempt {failures + 1} of {attempts} in {pause:.0f} s"
            log.warning(message)
            if patience.progress:
                say(message)
            patience.sleep(pause)
        except (ValueError, urllib3.exceptions.HTTPError) as problem:  # a redirection to what is no address
            raise AddressError(f"{url}: {problem}") from None


def _obtain(url: str, partial: Path, expected: Identity, patience: Patience) -> None:
    """Complete ``partial``."""
    furthest = _length(partial)

    def advanced() -> bool:
        nonlocal furthest
        gained = _length(partial) >= furthest + _STEP
        furthest = max(furthest, _length(partial))
        return gained

    persistently(lambda: _stream(url, partial, expected, patience), url, patience, advanced)


def _stream(url: str, partial: Path, expected: Identity, patience: Patience) -> None:
    """Write the body behind what ``partial`` already holds."""
    etag = _etag(partial, url)
    have = _length(partial) if expected.digest or etag else 0
    # an encoded body would have another length than the file
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-"} | ({"If-Range": etag} if etag else {})
    with requests.get(url, headers=headers, stream=True, timeout=patience.timeout) as response:
        if have and response.status_code == requests.codes.requested_range_not_satisfiable:
            return  # nothing is missing, or the file is another one: the checksum tells
        response.raise_for_status()
        resumed = have > 0 and response.status_code == requests.codes.partial_content
        if resumed and not _continues(response, have, etag):
            discard(partial)
            raise requests.ConnectionError("the server did not go on from where it was asked to")
        have = have if resumed else 0
        rest = response.headers.get("Content-Length")
        total = have + int(rest) if rest is not None and re.fullmatch("[0-9]{1,18}", rest) else None
        if total is not None and (wrong := difference(expected, Identity(total))):
            raise AddressError(f"{url}: {wrong}")
        if total is not None:
            require_room(partial.parent, total - have, partial.stem)
        if not resumed:
            discard(partial)
            _remember(partial, url, response)
        with open(partial, "ab") as file, Progress(partial.stem, total, have, True, patience.progress) as bar:
            for chunk in response.iter_content(_CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
                if expected.bytes is not None and file.tell() > expected.bytes:
                    raise AddressError(f"{url}: more than the expected {expected.bytes} bytes arrived")
    if total is not None and _length(partial) != total:
        raise requests.ConnectionError(f"{_length(partial)} of {total} bytes arrived")
    if expected.bytes is not None and _length(partial) < expected.bytes:
        raise requests.ConnectionError(f"{_length(partial)} of {expected.bytes} bytes arrived")


def _continues(response: requests.Response, have: int, etag: str | None) -> bool:
    """Whether the answer goes on at byte ``have`` of the same version of the file, as far as the server tells."""
    first = response.headers.get("Content-Range", f"bytes {have}-").removeprefix("bytes ").partition("-")[0]
    return first == str(have) and (etag is None or response.headers.get("ETag", etag) == etag)


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _note(partial: Path) -> Path:
    """Holds the address that a part came from and the version that the server called it."""
    return partial.with_name(partial.name + ".etag")


def _remember(partial: Path, url: str, response: requests.Response) -> None:
    etag = response.headers.get("ETag", "")
    if etag.startswith('"'):  # a weak one, W/"…", does not vouch for bytes
        _note(partial).write_text(f"{url}\n{etag}\n", encoding="utf-8")


def _etag(partial: Path, url: str) -> str | None:
    try:
        address, etag = _note(partial).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return None
    return etag if address == url else None


def _may_pass(problem: requests.RequestException) -> bool:
    if isinstance(problem, requests.HTTPError):
        return problem.response.status_code in _PASSING
    return not isinstance(problem, _LASTING)


def _retry_after(problem: requests.RequestException) -> float:
    """The pause in seconds that the server asked for; 0 if it did not."""
    try:
        return Retry().get_retry_after(problem.response.raw) or 0.0 if problem.response is not None else 0.0
    except (urllib3.exceptions.InvalidHeader, ValueError, OverflowError):  # a date that there is not
        return 0.0


def _reason(problem: requests.RequestException, timeout: tuple[float, float]) -> str:
    if isinstance(problem, requests.HTTPError):
        return f"HTTP status {problem.response.status_code} {problem.response.reason}"
    if isinstance(problem, requests.Timeout) or "timed out" in str(problem):
        return f"no answer within {timeout[0]} s (connection) or {timeout[1]} s (data)"
    return f"no connection, or it broke off: {_root(problem)}"


def _root(problem: BaseException) -> BaseException:
    """The innermost of the errors that requests and urllib3 wrap around each other, which says what happened."""
    inner = [argument for argument in problem.args if isinstance(argument, BaseException)]
    inner += [reason] if isinstance(reason := getattr(problem, "reason", None), BaseException) else []
    return _root(inner[-1]) if inner else problem
