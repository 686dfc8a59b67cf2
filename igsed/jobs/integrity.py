"""Records of what jobs made, so that a damaged file is never taken for a whole one.

Beside an output `name` lies its record `.name.sha256`: the sha256 of the file, or of every file of the folder, in the
format of the program `sha256sum`, which can check it too (`sha256sum -c .name.sha256` in the folder of the record).
A job records what it has made and checks what it is about to read. Without a record (what the user provided) nothing is
checked. Files whose names begin with a dot are not part of a folder's record: Snakemake and desktops leave such.
"""

import functools
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from igsed.checksums import file_digest
from igsed.errors import InputError

_STAMP = ".snakemake_timestamp"
"""What Snakemake leaves in the folders that jobs made."""


class Damage(NamedTuple):
    """What is wrong with a recorded output: the file, and `changed`, `missing` or `unexpected`."""

    path: Path
    what: str


def record_of(output: str | Path) -> Path:
    """Where the record of an output lies, whether it exists or not."""
    return Path(output).with_name(f".{Path(output).name}.sha256")


def recorded(record: str | Path) -> Path:
    """The output that a record belongs to: the inverse of `record_of`."""
    return Path(record).with_name(Path(record).name.removeprefix(".").removesuffix(".sha256"))


def records(folder: str | Path) -> list[Path]:
    """The records in a folder and the folders below, sorted; those that a job is just writing are left out."""
    return [path for path in sorted(Path(folder).rglob(".*.sha256")) if not path.name.startswith(".part-")]


def files(output: str | Path) -> list[Path]:
    """The files that a record of an output covers, in order: the file itself, or those of the folder."""
    output = Path(output)
    if not output.is_dir():
        return [output]
    inside = (path.relative_to(output) for path in sorted(output.rglob("*")) if path.is_file())
    return [output / path for path in inside if not any(part.startswith(".") for part in path.parts)]


def describe(output: str | Path, name: str) -> str:
    """The text of the record of what lies at `output` and will be called `name`."""
    output = Path(output)
    lines = []
    for path in files(output):
        expected = (Path(name) / path.relative_to(output)).as_posix()
        # As sha256sum does it: a backslash in front says that the name is escaped.
        escaped = expected.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        lines.append(f"{'' if escaped == expected else chr(92)}{file_digest(path)}  {escaped}\n")
    return "".join(lines)


def read(record: str | Path) -> dict[Path, str]:
    """File → sha256, of a record.

    Raises
    ------
    InputError
        The record is itself damaged.
    """
    record = Path(record)
    digests = {}
    try:
        for line in record.read_text(encoding="utf-8", errors="surrogateescape").split("\n")[:-1]:
            escaped, digest, name = re.fullmatch(r"(\\?)([0-9a-f]{64})  (.+)", line).groups()  # type: ignore[union-attr]  # caught below
            if escaped:
                name = re.sub(r"\\([\\nr])", lambda match: {"n": "\n", "r": "\r"}.get(match[1], match[1]), name)
            digests[record.parent / name] = digest
    except AttributeError:
        raise InputError(
            f"{record}: is damaged, so {recorded(record)} cannot be checked. {_remedy(recorded(record))}"
        ) from None
    return digests


def damages(output: str | Path, digest: Callable[[Path], str] = file_digest) -> list[Damage]:
    """How an output differs from its record; nothing where it has no record.

    `digest` gives the sha256 of a file.

    Raises
    ------
    InputError
        The record is itself damaged.
    """
    record = record_of(output)
    if not record.exists():
        return []
    expected, found = read(record), set(files(output)) if Path(output).exists() else set()
    result = [Damage(path, "missing") for path in expected if path not in found]
    result += [Damage(path, "changed") for path in expected if path in found and digest(path) != expected[path]]
    return result + [Damage(path, "unexpected") for path in sorted(found - set(expected))]


def check(outputs: Iterable[str | Path]) -> None:
    """Compare outputs with their records.

    Raises
    ------
    InputError
        One differs: which file it is, and how to have it made anew.
    """
    for output in outputs:
        try:
            found = damages(output)
        except OSError as error:
            if isinstance(error, PermissionError):
                raise
            raise InputError(
                f"{error.filename or output}: cannot be read: {error.strerror}. If the disk is damaged, copy the "
                "project to another one; what was lost is made anew by the next run."
            ) from None
        if found:
            path, what = found[0]
            more = f" (and {len(found) - 1} more in {output})" if len(found) > 1 else ""
            reason = {
                "changed": "is not as the job that made it left it: damaged, or edited",
                "missing": "is gone",
                "unexpected": "was not there when the job that made the folder ended",
            }[what]
            raise InputError(f"{path}: {reason}{more}. {_remedy(Path(output))}")


def withdraw(folder: str | Path) -> list[Path]:
    """Delete a folder that a job made earlier and that no job makes any more.

    Only files directly in it that are as its record says are deleted, and then the folder, if nothing else is in it.
    Without a record, or where the folder is a link, nothing is.

    Returns
    -------
    list of pathlib.Path
        The files that stay, because they were changed or added since.

    Raises
    ------
    InputError
        The record is itself damaged.
    """
    folder, record = Path(folder), record_of(folder)
    if folder.is_symlink() or not folder.is_dir() or not record.exists():
        return []
    for path, digest in read(record).items():
        if path.parent == folder and path.is_file() and not path.is_symlink() and file_digest(path) == digest:
            path.unlink()
    stay = sorted(path for path in folder.rglob("*") if path.name != _STAMP)
    if not stay:
        (folder / _STAMP).unlink(missing_ok=True)
        folder.rmdir()
    record.unlink()
    return stay


def check_file(folder: str | Path, file: str | Path) -> str:
    """Compare one file of a recorded folder with the folder's record, which may be of very many; its sha256.

    Raises
    ------
    InputError
        It differs.
    """
    digest, record = file_digest(Path(file)), record_of(folder)
    if record.exists() and _read_once(record, record.stat().st_mtime_ns).get(Path(file)) != digest:
        check([folder])
        raise InputError(f"{file}: is not in the record of its folder, {record}. {_remedy(Path(folder))}")
    return digest


@functools.lru_cache(maxsize=4)
def _read_once(record: Path, changed: int) -> dict[Path, str]:
    return read(record)


def _remedy(output: Path) -> str:
    return (
        f"To have it made anew: rm {'-r ' if output.is_dir() else ''}{output}, then run again. "
        f"To keep it as it is: rm {record_of(output)}, then run again. "
        "`igsed verify results/<experiment>` finds everything that is damaged."
    )
