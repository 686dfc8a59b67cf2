"""Real recordings from Debian packages, as a soundbank in DESED's layout.

Packages of Debian's main section hold freely licensed recordings: barking dogs of games, ringing phones of softphones,
test sentences of speech recognisers. A table names them, `apt-get download` brings their packages, and nothing is
installed and no root needed. What another release no longer has, or has changed, is named and left out: a result must
not rest on a recording other than the one that the table vouches for.

A recording may also lie inside a Qt resource collection; its path is then `<path of the collection>::<name in it>`.

Files become mono 16-bit WAV at their own sample rate, without the silence around them (more than 50 dB below the peak),
cut into pieces of at most 10 s (foreground) or 15 s (background) with fades of 10 ms. Levels stay as they are, unless a
decoded peak exceeds full scale.
"""

from __future__ import annotations

import csv
import hashlib
import itertools
import logging
import os
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

import numpy as np
import pandas as pd
from pydantic import Field, field_validator

from igsed import LABELS, audio
from igsed.errors import InputError, Problems
from igsed.fetch import archives
from igsed.names import normal
from igsed.soundbanks import Kind, Promise, Settings, soundbank
from igsed.soundbanks.soundbank import Recording, none_of

REQUIRED = ("package", "path", "label", "split", "licence", "sha256")
OPTIONAL = ("series", "start", "stop")
REPORT = ["package", "version", "path", "label", "split", "licence", "sha256", "status", "files", "seconds"]
LONGEST = {"foreground": 10.0, "background": 15.0}
"""Longest piece of a recording, in seconds."""
SHORTEST = {"foreground": 0.25, "background": 10.0}
"""Shortest piece of a recording, in seconds: a mixture lasts 10 s and has one background."""
SILENCE = 10 ** (-50 / 20)
FADE = 0.01

_LATEST = 1e6  # seconds
_LARGEST = 1 << 29  # bytes of a file in a package
_LARGEST_PACKAGE = 20 * 10**9

_PATTERNS = {
    "package": (r"[a-z0-9][a-z0-9+.-]{1,99}", "the name of a package"),
    "path": (r"(?s)(?!.*(\0|(^|/)\.\.?(/|$)))/[^:]*[^:/](::[^/].*)?", "an absolute path in the package"),
    "split": (r"train|eval", "train or eval"),
    "licence": (r".*\S.*", "a licence"),
    "sha256": (r"[0-9a-f]{64}", "64 hexadecimal digits in lower case"),
    "series": (r"[A-Za-z0-9-]{0,99}", "a name of letters, digits and hyphens, or nothing"),
}


def read(path: str | Path) -> pd.DataFrame:
    """Read a table of recordings.

    Parameters
    ----------
    path : path
        CSV with the columns `package`, `path` (absolute, in the package), `label` (a class, or `background/<name>`),
        `split` (train, eval), `licence` and `sha256` (of the file as the package has it); and, if wanted, `series`
        (files of one package and label with the same entry count as one source, as if cut from one recording) and
        `start`, `stop` (seconds: only this part is used). Other columns are left alone.

    Returns
    -------
    pandas.DataFrame
        One row per recording, in the file's order, with all columns above; `series` is never empty (without an entry:
        after the file's name), `start` is 0 and `stop` infinite where not given.

    Raises
    ------
    InputError
        The file cannot be read, a column is missing, an entry is none, a recording is named twice, or a source lies in
        both splits.
    """
    path = Path(path)
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            names = reader.fieldnames or []
            if absent := [name for name in REQUIRED if name not in names]:
                raise InputError(
                    f"{path}, line 1: lacks the column {absent[0]}. "
                    f"Begin the file with {','.join(REQUIRED + OPTIONAL)}."
                )
            rows = [_row(path, reader.line_num, row) for row in reader]
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file. Correct the key soundbank.table.") from None
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a table: {error}. Name a CSV file in UTF-8.") from None
    if not rows:
        raise InputError(f"{path}: names no recording. Add rows, or choose another soundbank kind.")
    table = pd.DataFrame(rows)
    _check(path, table)
    return table[[*REQUIRED, *OPTIONAL]]


def _row(path: Path, line: int, row: dict) -> dict:
    if None in row or None in row.values():
        raise InputError(f"{path}, line {line}: has more or fewer cells than the first line has columns.")
    row = {"series": "", "start": "", "stop": ""} | row
    for column, (pattern, what) in _PATTERNS.items():
        if not re.fullmatch(pattern, row[column]):
            raise InputError(f"{path}, line {line}, column {column}: {row[column]!r} is not {what}.")
    if row["label"] not in LABELS and not re.fullmatch(r"background/[A-Za-z0-9_-]{1,99}", row["label"]):
        raise InputError(
            f"{path}, line {line}, column label: {row['label']!r} is neither background/<name> nor one of "
            f"{', '.join(LABELS)}."
        )
    times = {}
    for column, default in (("start", 0.0), ("stop", np.inf)):
        try:
            times[column] = float(row[column]) if row[column] else default
        except ValueError:
            times[column] = np.nan
    late = max(times["start"], times["stop"] if row["stop"] else 0.0) > _LATEST
    if late or not 0 <= times["start"] < times["stop"]:  # False for NaN
        raise InputError(
            f"{path}, line {line}, columns start and stop: {row['start']!r} and {row['stop']!r} are not times in "
            "seconds, the first before the second. Leave them empty to use the whole recording."
        )
    inside = normal(row["path"])
    series = row["series"] or re.sub(r"[^A-Za-z0-9]+", "-", PurePosixPath(inside).stem).strip("-")
    return row | times | {"path": inside, "series": series[:99] or "recording", "line": line}


def _check(path: Path, table: pd.DataFrame) -> None:
    for _, same in table.groupby(["package", "path", "start"], sort=False):
        if len(same) > 1:
            raise InputError(
                f"{path}, line {same['line'].iloc[1]}: names the same recording as line {same['line'].iloc[0]}. "
                "Remove one."
            )
    for keys in (["sha256"], ["package", "label", "series"]):
        for _, same in table.groupby(keys, sort=False):
            if same["split"].nunique() > 1:
                one, other = list(same.drop_duplicates("split").itertuples())[:2]
                raise InputError(
                    f"{path}, line {other.line}, column split: {other.split}, but {one.split} in line {one.line} for "
                    "the same source. Put both into one split, or give them different entries in column series."
                )


def promised(path: str | Path, labels: Sequence[str], problems: Problems | None = None) -> list[Recording]:
    """The recordings that a table promises, before anything is fetched; their `path` is the table's and a name.

    Parameters
    ----------
    path : path
        See `read`.
    labels : sequence of str
        The experiment's classes.
    problems : Problems, optional
        Gets what the table lacks, instead of its being raised.

    Raises
    ------
    InputError
        As `read`; there are parts without any recording of a class, or without background: all are reported.
    """
    table, lacking, found = read(path), Problems() if problems is None else problems, []
    if not labels:
        raise InputError(f"{path}: names no recording of a class. Add rows whose label is one of {', '.join(LABELS)}.")
    kinds = table["label"].str.startswith("background/").map({True: "background", False: "foreground"})
    for part in ("train", "eval"):
        for label in [*labels, "background"]:
            chosen = (kinds == "background") if label == "background" else (table["label"] == label)
            for row in table[chosen & (table["split"] == part)].itertuples():
                name, source = row.label.removeprefix("background/"), f"{row.package}_{row.series}"
                # Its pieces are numbered, as in `_write`.
                path_in = Path(path, f"{source}_0.wav")
                found.append(Recording(part, kinds[row.Index], name, f"{name}/{source}", path_in))
            if not (chosen & (table["split"] == part)).any():
                lacking.messages.append(none_of(label, part, path, f"row of this label with split {part}"))
    if problems is None:
        lacking.tell()
    return found


def fetch(
    table: pd.DataFrame,
    folder: str | Path,
    downloads: str | Path,
    progress: Callable[[Iterable], Iterable] = iter,
    apt: Sequence[str] = (),
) -> pd.DataFrame:
    """Build the soundbank of a table.

    Packages stay in `downloads`. A later call asks for nothing that is there, so a package can also be put there by
    hand, under the name that the archive gives it.

    Parameters
    ----------
    table : pandas.DataFrame
        See `read`.
    folder : path
        Gets `audio/{train,eval}/soundbank/{foreground,background}/<label>/<package>_<series>_<number>.wav`,
        and `licences.tsv`, which says of each where it comes from and what its licence is.
    downloads : path
        Folder for packages; made if absent.
    progress : callable
        Wraps the sequence of packages as they are unpacked.
    apt : sequence of str
        More options for apt.

    Returns
    -------
    pandas.DataFrame
        One row per row of the table: `package, version, path, label, split, licence, sha256, status, files, seconds`.
        `status` is ok, missing (this release has no such package, or the package no such file) or changed (another
        file under this name); `files` and `seconds` say what became of it: nothing unless ok, and nothing where the
        recording is silent or too short.

    Raises
    ------
    InputError
        No Debian system, a package that cannot be downloaded or unpacked, a file that cannot be decoded, or not one
        recording left.
    """
    for program in ("apt-get", "apt-cache", "dpkg-deb"):
        if shutil.which(program) is None:
            raise InputError(
                f"soundbank.kind: debian needs the program {program}, which this machine has not: it works on Debian "
                "and its relatives. Choose another soundbank kind, or bring the folder from a machine that has it as "
                "kind folder."
            )
    folder, downloads = Path(folder), Path(downloads).absolute()
    downloads.mkdir(parents=True, exist_ok=True)
    wanted = dict(iter(table.groupby("package", sort=True)))
    # a package that is not whole yet has the name of one that is
    chosen = {package: _best(downloads, package, group, whole=False) for package, group in wanted.items()}
    incomplete = [package for package, group in wanted.items() if _matches(chosen[package][1], group) < len(group)]
    _download(incomplete, downloads, apt)
    rows, licences = [], []
    numbers: dict = {}
    for package in progress(wanted):
        group = wanted[package]
        version, files = _best(downloads, package, group, whole=True) if package in incomplete else chosen[package]
        for row in group.itertuples():
            status, made = _status(files, row), []
            if status == "ok":
                written = _write(files[row.path], row, folder, numbers)
                licences += [(path.relative_to(folder), row.licence, package, version) for path in written]
                made = list(written.values())
            cells = (row.path, row.label, row.split, row.licence, row.sha256, status, len(made), round(sum(made), 3))
            rows.append((row.Index, package, version, *cells))
    report = pd.DataFrame(rows, columns=["row", *REPORT]).sort_values("row", ignore_index=True)[REPORT]
    if not report["files"].any():
        raise InputError(f"the table of Debian packages yields no recording:\n{notes(report)}")
    columns = ["filename", "licence", "package", "version"]
    pd.DataFrame(licences, columns=columns).to_csv(folder / "licences.tsv", sep="\t", index=False)
    return report


def notes(report: pd.DataFrame) -> str:
    """What a report (see `fetch`) says was left out: counts, then one line per recording; empty if all are there."""
    silent = (report["status"] == "ok") & (report["files"] == 0)
    status = report["status"].mask(silent, "silent or too short")
    left = report.assign(status=status)[status != "ok"]
    if left.empty:
        return ""
    counts = ", ".join(f"{number} {name}" for name, number in left["status"].value_counts(sort=False).items())
    lines = [
        f"  {row.status}: {row.package} {row.version or '(no package)'}: {row.path} ({row.label}, {row.split})"
        for row in left.itertuples()
    ]
    return "\n".join([f"{len(left)} of {len(report)} recordings are not used ({counts}):", *lines])


def _best(downloads: Path, package: str, group: pd.DataFrame, whole: bool) -> tuple[str, dict[str, bytes]]:
    """Of the versions of a package that are there, the one with most of the recordings: see `_unpacked`.

    A damaged package is an error if packages must be `whole`, and passed over otherwise.
    """
    entries = []
    for deb in sorted(downloads.glob(f"{package}_*.deb")):
        try:
            entries.append(_unpacked(deb, group))
        except InputError:
            if whole:
                raise
    return max(entries, key=lambda entry: (_matches(entry[1], group), len(entry[1])), default=("", {}))


def _matches(files: dict[str, bytes], group: pd.DataFrame) -> int:
    return sum(_status(files, row) == "ok" for row in group.itertuples())


def _status(files: dict[str, bytes], row) -> str:
    if row.path not in files:
        return "missing"
    return "ok" if hashlib.sha256(files[row.path]).hexdigest() == row.sha256 else "changed"


def _unpacked(deb: Path, group: pd.DataFrame) -> tuple[str, dict[str, bytes]]:
    """The package's version, and what it holds of the wanted paths."""
    inner: dict[str, set[str]] = {}
    for path in group["path"]:
        outer, _, name = path.partition("::")
        inner.setdefault(outer, set()).add(name)
    found: dict[str, bytes] = {}
    waiting = set(inner)
    command = ["dpkg-deb", "--fsys-tarfile", str(deb)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|", tarinfo=archives.TarInfo) as archive:
                for member in archives.tar_members(archive, _LARGEST_PACKAGE):
                    path = normal("/" + member.name.removeprefix("./"))
                    if path in waiting and member.isfile():
                        if member.size > _LARGEST:
                            raise tarfile.FilterError(f"{path} has {member.size} bytes")
                        data = archives.contents(archive, member).read()
                        waiting.remove(path)
                        for name in inner[path]:
                            if (content := _resource(data, name) if name else data) is not None:
                                found[f"{path}::{name}" if name else path] = content
                    if not waiting:
                        break
        except (*archives.DAMAGED, OSError) as error:
            raise InputError(
                f"{deb}: cannot be unpacked ({error}). Remove the file; it will be downloaded again."
            ) from None
        finally:
            process.kill()
    return unquote(deb.stem.split("_")[1]), found


def _resource(data: bytes, wanted: str) -> bytes | None:
    """A file of a Qt resource collection (the binary format that Qt's `rcc` writes, versions 1 to 3), or None."""
    try:
        magic, version, tree, contents, names = struct.unpack_from(">4s4I", data)
        if magic != b"qres":
            return None
        size = 14 if version < 2 else 22
        node = 0
        for part in wanted.split("/"):
            count, first = struct.unpack_from(">II", data, tree + node * size + 6)
            for node in range(first, first + count):
                name, flags = struct.unpack_from(">IH", data, tree + node * size)
                length = struct.unpack_from(">H", data, names + name)[0]
                # two bytes of length and four of hash come before the name
                start = names + name + 6
                if normal(data[start : start + 2 * length].decode("utf-16-be")) == part:
                    break
            else:
                return None
        offset = contents + struct.unpack_from(">I", data, tree + node * size + 10)[0]
        length = struct.unpack_from(">I", data, offset)[0]
        content = data[offset + 4 : offset + 4 + length]
        # flags: 1 compressed with zlib behind four bytes of size, 2 a folder, 4 compressed with Zstandard
        if flags & 6:
            return None
        return zlib.decompressobj().decompress(content[4:], _LARGEST) if flags & 1 else content
    except (struct.error, UnicodeDecodeError, zlib.error):
        return None


def _download(packages: list[str], downloads: Path, apt: Sequence[str]) -> None:
    """Bring those of the packages that this release has; apt keeps what is whole and goes on where it broke off.

    The system's package lists are tried first. Where they lack something, fresh ones are fetched into a folder of
    their own, which needs no root.
    """
    # as root, apt would hand downloads to a user of its own, who may not write here
    options = ["-q", "-o", "APT::Sandbox::User=root", *apt]
    lists, cache = downloads / "lists", downloads / "cache"
    own = ["-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={cache}", "-o", "Acquire::Languages=none"]
    waiting, failure = list(packages), ""
    for fresh in (False, True):
        if not waiting:
            return
        if fresh:
            options = [*own, *options]
            for path in (lists / "partial", cache / "archives" / "partial"):
                path.mkdir(parents=True, exist_ok=True)
            update = _run(["apt-get", "update", *options], downloads)
            # apt forgives itself a list that it could not fetch
            if (update.returncode or "Failed to fetch" in update.stderr) and not _known(packages, downloads, options):
                failure = failure or f"apt-get update: {_last(update)}"
        if known := _known(waiting, downloads, options):
            result = _run(["apt-get", "download", *options, *known], downloads)
            failure = f"apt-get download: {_last(result)}" if result.returncode else ""
            waiting = [package for package in waiting if result.returncode or package not in known]
    if failure:
        raise InputError(
            f"packages could not be downloaded ({failure}). What has arrived is kept in {downloads}; run again with a "
            "network connection, or put the packages there by hand."
        )


def _known(packages: list[str], folder: Path, options: Sequence[str]) -> list[str]:
    """Which of the packages can be downloaded."""
    rows = _run(["apt-cache", "madison", *options, *packages], folder).stdout.splitlines()
    cells = [[cell.strip() for cell in row.split("|")] for row in rows]
    found = {cell[0] for cell in cells if len(cell) == 3 and cell[2].endswith("Packages")}
    return [package for package in packages if package in found]


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, errors="replace", env=os.environ | {"LC_ALL": "C"}
    )


def _last(result: subprocess.CompletedProcess) -> str:
    lines = [line for line in result.stderr.splitlines() if line.startswith(("E:", "W:"))]
    return " ".join(lines[-3:]) or f"exit status {result.returncode}"


def pieces(
    waveform: np.ndarray, sample_rate: int, longest: float, shortest: float, start: float = 0.0, stop: float = np.inf
) -> list[np.ndarray]:
    """Cut a recording into pieces for a soundbank.

    Parameters
    ----------
    waveform : numpy.ndarray (samples,)
        Scaled only if its peak exceeds 1.
    sample_rate : int
    longest, shortest : float
        Bounds of a piece's length in seconds; a rest below `shortest` is dropped.
    start, stop : float
        Part of the recording to use, in seconds.

    Returns
    -------
    list of numpy.ndarray
        In their order, none louder than full scale, each with linear fades of 10 ms; empty for silence.
    """
    waveform = waveform[round(start * sample_rate) : None if np.isinf(stop) else round(stop * sample_rate)]
    peak = float(np.abs(waveform).max(initial=0.0))
    if not peak > 0:
        return []
    loud = np.flatnonzero(np.abs(waveform) > SILENCE * peak)
    waveform = waveform[loud[0] : loud[-1] + 1] * (0.999 / peak if peak > 1 else 1.0)
    length, least = int(longest * sample_rate), shortest * sample_rate
    cuts = [waveform[k : k + length].copy() for k in range(0, len(waveform), length)]
    cuts = [cut for cut in cuts if len(cut) >= least]
    ramp = np.linspace(0, 1, max(1, round(FADE * sample_rate)), dtype=waveform.dtype)
    for cut in cuts:
        count = min(len(ramp), len(cut))
        cut[:count] *= ramp[:count]
        cut[len(cut) - count :] *= ramp[:count][::-1]
    return cuts


def _write(content: bytes, row, folder: Path, numbers: dict[Path, itertools.count]) -> dict[Path, float]:
    """Write a recording's pieces: path → duration. `numbers` goes on counting where the source's last file ended."""
    kind = "background" if row.label.startswith("background/") else "foreground"
    label = row.label.removeprefix("background/")
    source = folder / "audio" / row.split / "soundbank" / kind / label / f"{row.package}_{row.series}"
    number = numbers.setdefault(source, itertools.count())
    with tempfile.TemporaryDirectory() as scratch:
        original = Path(scratch) / f"recording{PurePosixPath(row.path).suffix[:8]}"
        original.write_bytes(content)
        try:
            waveform, sample_rate = audio.read(original)
        except InputError as error:
            raise InputError(f"package {row.package}, {row.path}: {error}") from None
    durations = {}
    for piece in pieces(waveform, sample_rate, LONGEST[kind], SHORTEST[kind], row.start, row.stop):
        source.parent.mkdir(parents=True, exist_ok=True)
        path = source.with_name(f"{source.name}_{next(number)}.wav")
        audio.write_wav(path, piece, sample_rate)
        durations[path] = len(piece) / sample_rate
    return durations


class DebianSettings(Settings):
    """Freely licensed recordings inside Debian packages, fetched by apt-get (`docs/soundbank.md`)."""

    table: str = Field("config/free_sounds.csv", description="which recordings of which packages, with their digests")

    @field_validator("table")
    @classmethod
    def _home(cls, path):
        return os.path.expanduser(path)


class Debian(Kind):
    """The recordings that a table names; experiments share them."""

    def index(self, places, labels, settings, progress=iter):
        return soundbank.index(places[self.name], labels, settings.validation_share, progress=progress)

    def classes(self, settings):
        return set(read(settings.table)["label"])

    def files(self, settings, labels):
        return [Path(settings.table)]

    def recipe(self, settings, labels, seed, sample_rate):
        return {"table": settings.table}

    def make(self, folder, downloads, progress, **recipe):
        report = fetch(read(recipe["table"]), folder, downloads, progress=progress)
        report.to_csv(folder / "files.csv", index=False)
        if left_out := notes(report):
            logging.warning("%s", left_out)
            print(f"\n{left_out}\n", file=sys.stderr)

    def promise(self, places, labels, settings, problems):
        table = soundbank.unread(promised(settings.table, labels, problems))
        soundbank.assign(table, settings.validation_share, None, problems)
        return Promise(table)

    def count(self, settings, labels):
        return len(read(settings.table))

    def sentence(self, settings):
        return f"real ones out of Debian packages, named in ``{settings.table}``"


KIND = Debian(
    name="debian",
    title="recordings inside Debian packages",
    settings=DebianSettings,
    makes=True,
    shared="free_sounds",
    downloads=True,
)
