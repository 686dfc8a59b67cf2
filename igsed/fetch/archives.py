"""Unpacking untrusted archives: nothing outside the folder, no links, no more than there is room for.

Formats are tar (plain or compressed by gzip, bzip2, xz) and zip. Only regular files and folders are made; a link in a
tar archive becomes a copy of the file in the archive that it points to. Members are refused as by Python's extraction
filter ``data`` (PEP 706), and with them the archive: what points outside, devices and pipes. Sizes stated in an archive
are not believed: bytes are counted while they are written. Reading an archive is bounded too: the
number of members, the length of a tar archive's extended headers and of what is passed over are bounded, and sparse
files refused. What macOS adds (``._*``, ``__MACOSX``, ``.DS_Store``) is passed over.

tarfile's own ``extractall(filter="data")`` would spare the four lines that write a member, of tar archives alone: zip
needs them. It makes the links that are copies here, counts nothing, and fills the disk before it says so.
"""

from __future__ import annotations

import functools
import lzma
import re
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from igsed.errors import InputError
from igsed.jobs.progress import Progress

LIMIT = 200 * 10**9
"""Most bytes to unpack unless told otherwise: more than four times the largest source, SINS."""
MOST_MEMBERS = 200_000
"""Most files and folders in an archive, which are listed in memory; SINS' have fewer than 100 000."""
SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")

_CHUNK = 1 << 20
_BLOCK = 4096  # even an empty file takes something
_LONGEST_HEADER = 1 << 20  # tarfile reads them whole; names and times take some hundred bytes
_EXTENDED = {
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
}
_SPECIAL = {stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK}
DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    LookupError,  # a link to a member that is not there; a header that is cut off
    MemoryError,  # a compression that states to need gigabytes
    OverflowError,
    RuntimeError,  # a password; links in a circle; a compression that Python lacks
    UnicodeError,
    ValueError,
)
"""What reading a damaged archive may raise, `OSError` aside."""


class _Member(NamedTuple):
    name: str
    open: Callable[[], IO[bytes]] | None  # None: a folder


class _Room:
    """What may still be written: bytes up to a limit, and as many as are free when unpacking begins."""

    def __init__(self, archive: Path, folder: Path, limit: int):
        self._archive, self._folder, self._limit = archive, folder, limit
        self._free, self._taken = shutil.disk_usage(folder).free, 0

    def take(self, count: int) -> None:
        """Bytes are about to be written; `tarfile.FilterError` or `InputError` where they may not be."""
        self._taken += count
        if self._taken > self._limit:
            raise _too_much(self._limit)
        if self._taken > self._free:
            raise InputError(
                f"{self._folder}: the {self._free / 1e9:.2f} GB that are free do not suffice to unpack "
                f"{self._archive}. Free some space."
            )


def unpack(archive: Path, folder: Path, *, limit: int = LIMIT, progress: bool = True) -> int:
    """Unpack an archive into a folder; what lies there already stays, but for files of the same name.

    Parameters
    ----------
    archive : Path
        A zip file, or a tar archive whatever its compression; told by its contents.
    folder : Path
        Made if absent. After an error it holds a part of the archive: unpack into a temporary one.
    limit : int
        Most bytes to write. The free space on the disk is a limit as well.
    progress : bool
        Whether to show how far it is.

    Returns
    -------
    int
        Bytes that were written.

    Raises
    ------
    InputError
        The archive is damaged or would write outside the folder, through a link, a device, or too much.

    Examples
    --------
    >>> import io, tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     archive = Path(place, "a.zip")
    ...     with zipfile.ZipFile(archive, "w") as file:
    ...         file.writestr("audio/dog.wav", b"woof")
    ...         file.writestr("audio/._dog.wav", b"junk")
    ...     unpack(archive, Path(place, "a")), sorted(path.name for path in Path(place, "a").rglob("*"))
    (4, ['audio', 'dog.wav'])
    """
    archive, folder = Path(archive), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    room, written = _Room(archive, folder, limit), 0
    try:
        with Progress(f"unpack {archive.name}", unpacked_size(archive), in_bytes=True, shown=progress) as bar:
            for member in _members(archive, folder, limit):
                for count in _write(member, folder, room):
                    written += count
                    bar.update(count)
    except tarfile.FilterError as problem:
        raise InputError(f"{archive}: is not unpacked any further: {problem}. Do not use it.") from None
    except DAMAGED as problem:
        # tarfile lists on further lines what each kind of compression had against the file
        complaint = str(problem).split("\n")[0] or type(problem).__name__
        raise InputError(f"{archive}: cannot be unpacked: {complaint}. Remove it to have it fetched anew.") from None
    except OSError as problem:
        raise InputError(f"{archive}: cannot be unpacked into {folder}: {problem}") from None
    return written


def _write(member: _Member, folder: Path, room: _Room) -> Iterator[int]:
    """Make a member's file or folder; yields the number of bytes after each piece."""
    target = folder.joinpath(*_parts(member.name))
    room.take(_BLOCK)
    if member.open is None:
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    # never written through: it may be a hard link to a file elsewhere
    target.unlink(missing_ok=True)
    with member.open() as source, open(target, "xb") as file:
        while chunk := source.read(_CHUNK):
            room.take(len(chunk))
            yield file.write(chunk)


def unpacked_size(archive: Path) -> int | None:
    """Bytes that a zip archive states to hold; None for other formats, which would have to be read through."""
    if not zipfile.is_zipfile(archive):
        return None
    try:
        with zipfile.ZipFile(archive) as file:
            return sum(entry.file_size for entry in file.infolist())
    except (*DAMAGED, OSError):
        return None


def tar_members(file: tarfile.TarFile, limit: int) -> Iterator[tarfile.TarInfo]:
    """The members of a tar archive that was opened with ``tarinfo=TarInfo``.

    Raises
    ------
    tarfile.FilterError
        There are more than `MOST_MEMBERS`, or they state to have more than ``limit`` bytes in all: passing over them
        takes time too.
    """
    stated = 0
    for count, entry in enumerate(file, start=1):
        stated += entry.size
        if count > MOST_MEMBERS:
            raise _too_many()
        if stated > limit:
            raise _too_much(limit)
        yield entry


class TarInfo(tarfile.TarInfo):
    """A member that is refused where reading its headers would take endless memory or time.

    tarfile names the methods ``_proc_*`` as those by which a subclass takes part in reading headers.
    """

    def _proc_member(self, file: tarfile.TarFile):
        if self.type in _EXTENDED and not 0 <= self.size <= _LONGEST_HEADER:
            raise tarfile.FilterError(f"an extended header states to have {self.size} bytes")
        if self.type == tarfile.GNUTYPE_SPARSE:
            raise tarfile.FilterError(f"the member {self.name!r} is a sparse file")
        return super()._proc_member(file)  # type: ignore[misc]

    def _proc_pax(self, file: tarfile.TarFile):
        stream = file.fileobj
        header = stream.read(self._block(self.size))  # type: ignore[attr-defined]
        # tarfile's search takes a time that grows with the square of a row of digits (CVE-2024-6232)
        if b"GNU.sparse" in header or re.search(rb"[0-9]{1000}", header):
            raise tarfile.FilterError("an extended header speaks of a sparse file, or of an endless number")
        file.fileobj = _ReadOnceMore(header, stream)
        try:
            return super()._proc_pax(file)  # type: ignore[misc]
        finally:
            file.fileobj = stream


class _ReadOnceMore:
    """A stream whose last piece is read a second time."""

    def __init__(self, piece: bytes, stream):
        self._piece, self._stream = piece, stream

    def read(self, size: int) -> bytes:
        piece, self._piece = self._piece, b""
        return piece or self._stream.read(size)

    def __getattr__(self, name: str):
        return getattr(self._stream, name)


def _too_much(limit: int) -> tarfile.FilterError:
    return tarfile.FilterError(f"more than {limit / 1e9:.2f} GB would come out of it")


def _too_many() -> tarfile.FilterError:
    return tarfile.FilterError(f"it has more than {MOST_MEMBERS} members")


def _parts(name: str) -> list[str]:
    """The components of a member's path below the folder.

    Raises
    ------
    tarfile.FilterError
        The path leads elsewhere, on this or another operating system.
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or "\\" in name or "\0" in name or re.match("[A-Za-z]:", name):
        raise tarfile.FilterError(f"the member {name!r} would be written outside the folder")
    return parts


def _junk(name: str) -> bool:
    return any(part.startswith("._") or part in ("__MACOSX", ".DS_Store") for part in name.split("/"))


def _members(archive: Path, folder: Path, limit: int) -> Iterator[_Member]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            if len(file.infolist()) > MOST_MEMBERS:
                raise _too_many()
            for entry in file.infolist():
                if stat.S_IFMT(entry.external_attr >> 16) in _SPECIAL:
                    raise tarfile.FilterError(f"the member {entry.filename!r} is a link or a device")
                _parts(entry.orig_filename)  # filename ends at a NUL
                if not _junk(entry.filename):
                    opener = None if entry.is_dir() else functools.partial(file.open, entry)
                    yield _Member(entry.filename, opener)
    else:
        with tarfile.open(archive, tarinfo=TarInfo) as tar:
            for member in tar_members(tar, limit):
                _parts(member.name)
                if _junk(member.name):
                    continue
                tarfile.data_filter(member, str(folder))
                yield _Member(member.name, None if member.isdir() else functools.partial(contents, tar, member))


def contents(file: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes]:
    contents = file.extractfile(entry)
    if contents is None:
        raise tarfile.FilterError(f"the member {entry.name!r} is neither a file nor a folder")
    return contents
