"""The table of downloadable sources, `config/sources.csv`: one row a file, several rows a source.

Columns: `name` of the source; `file`, its name under `resources/downloads/`; `kind`, `file` or `archive` (to be
unpacked); `url` and `mirror`, addresses; `bytes`, `md5`, `sha256`, what the file must be; `licence`; `citation`. An
empty cell means: not known. Where neither digest is known, the url must be that of a Zenodo record's file, whose API
gives one.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Literal, NamedTuple, cast, get_args
from urllib.parse import urlsplit

from igsed.errors import InputError
from igsed.fetch.archives import SUFFIXES
from igsed.fetch.download import Identity
from igsed.fetch.zenodo import locate

Kind = Literal["file", "archive"]
COLUMNS = ["name", "file", "kind", "url", "mirror", "bytes", "md5", "sha256", "licence", "citation"]


class File(NamedTuple):
    """One row: a file of a source."""

    name: str
    file: str
    kind: Kind
    url: str
    mirror: str | None = None
    bytes: int | None = None
    md5: str | None = None
    sha256: str | None = None
    licence: str = ""
    citation: str = ""

    @property
    def identity(self) -> Identity:
        """What the table knows of the file's contents."""
        return Identity(self.bytes, self.md5, self.sha256)

    @property
    def addresses(self) -> list[str]:
        """Where the file is, in the order in which to try."""
        return [self.url, *([self.mirror] if self.mirror else [])]


def read(path: str | Path) -> dict[str, list[File]]:
    """The sources by name, each with its files, in the order of the table.

    Raises
    ------
    InputError
        Naming the file, the line and the column: an unreadable file, a missing or unknown column, a cell that does not
        fit, or a file that another row names too.
    """
    sources: dict[str, list[File]] = {}
    lines: dict[str, int] = {}
    for line, cells in _rows(Path(path)):
        row = _row(cells, f"{path}, line {line}")
        first = lines.setdefault(row.file.lower(), line)
        if first != line:
            raise InputError(
                f"{path}, line {line}, column 'file': {row.file!r} is the name of the file in line {first} too. "
                "All files lie in one folder: give each its own name."
            )
        sources.setdefault(row.name, []).append(row)
    if not sources:
        raise InputError(f"{path}: has no row. Add a line for each file of a source.")
    return sources


def source(path: str | Path, name: str) -> list[File]:
    """The files of one source.

    Raises
    ------
    InputError
        As `read`, or there is no such source.
    """
    sources = read(path)
    if name not in sources:
        raise InputError(f"{path}: has no source {name!r}. Add it, or use one of {', '.join(sources)}.")
    return sources[name]


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """The cells of each row by column, with the number of the line that the row begins in."""
    header = f"The first line must be: {','.join(COLUMNS)}"
    rows = []
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            names = [name.strip() for name in next(reader, [])]
            if sorted(names) != sorted(COLUMNS):
                wrong = sorted(set(names) ^ set(COLUMNS)) or sorted({name for name in names if names.count(name) > 1})
                raise InputError(f"{path}, line 1: missing, repeated or unknown: {', '.join(wrong)}. {header}")
            line = reader.line_num + 1
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    if len(cells) != len(names):
                        raise InputError(
                            f"{path}, line {line}: has {len(cells)} cells where the header has {len(names)}. "
                            "Put a cell with a comma into double quotes."
                        )
                    rows.append((line, {n: cell.strip() for n, cell in zip(names, cells, strict=True)}))
                line = reader.line_num + 1
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file. Correct the key sources, or restore the file.") from None
    except (OSError, ValueError, csv.Error) as problem:
        raise InputError(f"{path}: cannot be read as a table of sources ({problem}). {header}") from None
    return rows


def _row(cells: dict[str, str], where: str) -> File:
    digests = f"{cells['md5']}{cells['sha256']}"
    kinds = get_args(Kind)
    for column, fits, remedy in (
        ("name", re.fullmatch("[a-z][a-z0-9_]{0,99}", cells["name"]), "use lower-case letters, digits and underscores"),
        ("file", _plain(cells["file"]), "give a plain file name, without folders and not beginning with a dot"),
        ("kind", cells["kind"] in kinds, f"use one of {', '.join(kinds)}"),
        (
            "file",
            cells["kind"] != "archive" or cells["file"].lower().endswith(SUFFIXES),
            f"an archive's name must end in one of {', '.join(SUFFIXES)}",
        ),
        ("url", _web(cells["url"]), "give an address that begins with https:// or http://"),
        ("mirror", not cells["mirror"] or _web(cells["mirror"]), "give such an address too, or leave it empty"),
        ("bytes", re.fullmatch("([1-9][0-9]{0,17})?", cells["bytes"]), "give the length as a whole number, or nothing"),
        ("md5", re.fullmatch("([0-9a-fA-F]{32})?", cells["md5"]), "give 32 hexadecimal digits, or nothing"),
        ("sha256", re.fullmatch("([0-9a-fA-F]{64})?", cells["sha256"]), "give 64 hexadecimal digits, or nothing"),
        ("md5", digests or locate(cells["url"]), "give md5 or sha256: only Zenodo's records can be asked for them"),
    ):
        if not fits:
            raise InputError(f"{where}, column {column!r}: {cells[column]!r} does not fit: {remedy}.")
    return File(
        name=cells["name"],
        file=cells["file"],
        kind=cast(Kind, cells["kind"]),
        url=cells["url"],
        mirror=cells["mirror"] or None,
        bytes=int(cells["bytes"]) if cells["bytes"] else None,
        md5=cells["md5"].lower() or None,
        sha256=cells["sha256"].lower() or None,
        licence=cells["licence"],
        citation=cells["citation"],
    )


def _plain(name: str) -> bool:
    return (
        0 < len(name.encode(errors="replace")) <= 200
        and not name.startswith(".")
        and name.isprintable()
        and not set(name) & set("/\\:")
    )


def _web(url: str) -> bool:
    try:
        address = urlsplit(url)
        return address.scheme in ("http", "https") and bool(address.hostname) and url.isprintable() and " " not in url
    except ValueError:
        return False
