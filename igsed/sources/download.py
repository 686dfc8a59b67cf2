"""Downloading one file over HTTP: whole and verified, or not there at all.

What is not yet whole carries the ending ``.part`` beside its final name. A later call goes on from there when a
checksum can prove that the parts fit together, and starts again when none is given.
"""

from __future__ import annotations

import os
from pathlib import Path

import requests
from tqdm import tqdm

from igsed.checksums import file_digest
from igsed.errors import InputError

_CHUNK = 1 << 18


def download(
    url: str,
    path: Path,
    sha256: str | None = None,
    timeout: tuple[float, float] = (10, 60),
    progress: bool = True,
) -> Path:
    """Fetch ``url`` into ``path``, unless a file with the right checksum is there already.

    Parameters
    ----------
    url : str
        http or https; redirects are followed.
    path : Path
        Where the file shall lie; its folder is made.
    sha256 : str, optional
        Checksum in hexadecimal digits. Without one only the length that the server states can be checked, and an
        existing file is fetched anew.
    timeout : tuple of float
        Longest wait for the connection and between two pieces of the answer, in seconds.
    progress : bool
        Whether to draw a progress bar when standard error is a terminal.

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    InputError
        No connection, an HTTP error, a body that ends early, or a wrong checksum; a file that was at ``path`` stays.
    """
    path = Path(path)
    if sha256 is not None and path.is_file() and file_digest(path) == sha256:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    if sha256 is None:
        partial.unlink(missing_ok=True)
    try:
        _stream(url, partial, timeout, progress)
    except requests.Timeout:
        raise InputError(f"{url}: no answer within {timeout[0]} s (connection) or {timeout[1]} s (data)") from None
    except requests.HTTPError as problem:
        raise InputError(f"{url}: HTTP status {problem.response.status_code} {problem.response.reason}") from None
    except requests.RequestException as problem:
        raise InputError(f"{url}: no connection, or it broke off: {_root(problem)}") from None
    except OSError as problem:
        raise InputError(f"{partial}: cannot be written: {problem}; free some space or choose another folder") from None
    if sha256 is not None and (found := file_digest(partial)) != sha256:
        partial.unlink()
        raise InputError(f"{url}: wrong checksum: expected sha256 {sha256}, found {found}")
    os.replace(partial, path)
    return path


def _stream(url: str, partial: Path, timeout: tuple[float, float], progress: bool) -> None:
    """Write the body behind what ``partial`` already holds."""
    have = partial.stat().st_size if partial.exists() else 0
    # an encoded body would have another length than the file
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=timeout) as response:
        if have and response.status_code == requests.codes.requested_range_not_satisfiable:
            return  # nothing is missing, or the file is another one: the checksum tells
        response.raise_for_status()
        resumed = response.status_code == requests.codes.partial_content
        have = have if resumed else 0
        rest = response.headers.get("Content-Length")
        total = have + int(rest) if rest is not None and rest.isdecimal() else None
        with (
            open(partial, "ab" if resumed else "wb") as file,
            # disable=None: no bar unless standard error is a terminal
            tqdm(
                desc=partial.stem,
                initial=have,
                total=total,
                unit="B",
                unit_scale=True,
                disable=None if progress else True,
            ) as bar,
        ):
            for chunk in response.iter_content(_CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
    if total is not None and partial.stat().st_size != total:
        raise requests.ConnectionError(f"{partial.stat().st_size} of {total} bytes arrived")


def _root(problem: BaseException) -> BaseException:
    """The innermost of the errors that requests and urllib3 wrap around each other, which says what happened."""
    inner = [argument for argument in problem.args if isinstance(argument, BaseException)]
    inner += [reason] if isinstance(reason := getattr(problem, "reason", None), BaseException) else []
    return _root(inner[-1]) if inner else problem
