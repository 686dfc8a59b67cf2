"""The index of a soundbank: every recording, checked, with its split.

A soundbank lies in DESED's layout, `audio/{train,eval}/soundbank/{foreground,background}/<label>/*.wav`. Test mixtures
draw from `eval`; training and validation mixtures from `train`, without sharing a source. A source is what the file
name says before its last `_<number>`: DESED calls the segments of one recording `<freesound id>_<segment>.wav`, and a
recording of one segment `<freesound id>.wav`.

A foreground folder may be called `<label>_nOn`, `<label>_nOff` or `<label>_nOn_nOff`: its recordings begin after the
sound's onset, end before its offset, or both. `igsed.mixtures` places them so that the missing edge lies outside the
clip. Convention: github turpaultn/DESED, `desed/soundscape.py`.
"""

import hashlib
import logging
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pandas as pd

from igsed import LABELS, audio
from igsed.checksums import file_digest
from igsed.errors import InputError, Problems
from igsed.names import normal

COLUMNS = [
    *("split", "kind", "label", "source", "path", "duration", "sample_rate", "channels", "sha256"),
    *("missing", "freesound_id", "licence", "problem", "samples", "peak", "offset", "notes"),
]
SHORTEST = 0.02
"""Shortest recording in seconds: Scaper fades events in and out over 10 ms each."""
SUFFIXES = {".wav", ".flac", ".ogg", ".aif", ".aiff"}
LAYOUT = "audio/{train,eval}/soundbank/{foreground,background}/<label>/*.wav"
ABOVE = "above full scale"
OFFSET = "a mean above 10 % of the rms (an offset)"
MISSING = {(False, False): "", (True, False): "onset", (False, True): "offset", (True, True): "both"}
"""What the column `missing` says, by (folder has `_nOn`, folder has `_nOff`)."""

_FILE_COLUMNS = ("filepath", "filename", "file", "path", "name")


class Recording(NamedTuple):
    """A recording that was found, not yet read.

    `part` says what it is for: "train" (training and validation), "eval" (test) or "any" (shared out among all three).
    """

    part: str
    kind: str
    label: str
    source: str
    path: Path
    missing: str = ""
    licence: str = ""


def without_suffix(folder: str) -> tuple[str, str]:
    """The label that a folder's name stands for, and which edges its recordings lack.

    >>> without_suffix("Frying_nOn_nOff"), without_suffix("Running_water")
    (('Frying', 'both'), ('Running_water', ''))
    """
    label, onset, offset = re.fullmatch(r"(.+?)(_nOn)?(_nOff)?", folder, re.IGNORECASE | re.DOTALL).groups()  # type: ignore[union-attr]
    return label, MISSING[bool(onset), bool(offset)]


def base(name: str) -> str:
    """What a file's name, without its ending, says of the source: all before a last `_<number>`, see `igsed.names`.

    >>> base("50357_2"), base("21986")
    ('50357', '21986')
    """
    return re.sub(r"_[0-9]+$", "", normal(name))


def freesound_id(name: str) -> str:
    """The freesound id in a name of the form `<id>_<segment>` or `<id>`, four to seven digits; else empty.

    >>> freesound_id("50357_2"), freesound_id("21986"), freesound_id("bark_3"), freesound_id("12_0")
    ('50357', '21986', '', '')
    """
    found = re.fullmatch(r"([1-9][0-9]{3,6})(_[0-9]+)?", name)
    return found[1] if found else ""


def sounds(folder: Path) -> list[Path]:
    """The sound files in and below a folder, sorted; hidden ones and those in `__MACOSX` are not looked at."""
    return audio.named_in_text(
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.suffix.lower() in SUFFIXES
        and not any(part.startswith(".") or part == "__MACOSX" for part in path.relative_to(folder).parts)
    )


def foregrounds(bank: Path, part: str, label: str) -> list[Recording]:
    """The recordings of a label in `<bank>/audio/<part>/soundbank`, those in folders with a suffix last.

    Raises
    ------
    InputError
        There is none.
    """
    folder = bank / "audio" / part / "soundbank" / "foreground"
    found = [
        Recording(part, "foreground", label, f"{label}/{base(path.stem)}", path, missing)
        for here in sorted(folder.glob(f"{label}*"))
        for name, missing in [without_suffix(here.name)]
        if name == label
        for path in sounds(here)
    ]
    if not found:
        raise InputError(none_of(label, part, folder / label, "sound file"))
    return found


def backgrounds(bank: Path, part: str) -> list[Recording]:
    """The background recordings in `<bank>/audio/<part>/soundbank`; the label is the folder's name.

    Raises
    ------
    InputError
        There is none.
    """
    folder = bank / "audio" / part / "soundbank" / "background"
    found = []
    for path in sounds(folder):
        parts = path.relative_to(folder.parent).parts
        label = normal(parts[min(1, len(parts) - 2)])
        found.append(Recording(part, "background", label, f"{label}/{base(path.stem)}", path))
    if not found:
        raise InputError(none_of("background", part, folder, f"sound file, in folders {folder}/<name>/"))
    return found


def none_of(label: str, part: str, where: str | Path, what: str) -> str:
    """What to tell where a part has no recording of a label, or no "background", and lacks at least one `what`."""
    use = "training and validation" if part == "train" else "the test split"
    if label == "background":
        return f"{where}: no background recording for {use}. Add at least one {what}."
    remedy = f"Add at least one {what}, or leave {label} out of the key `labels`."
    return f"{where}: no recording of {label} for {use}. {remedy}"


def find(root: str | Path, labels: Sequence[str], problems: Problems | None = None) -> list[Recording]:
    """The recordings of a soundbank: foreground of the given labels and all backgrounds, in a fixed order.

    Hidden files and folders, such as the `._*.wav` that macOS leaves in archives, are not looked at. No file is opened
    but tables of licences. Where `problems` is given, what a part lacks is noted there instead of raised.

    Raises
    ------
    InputError
        There is no label, the folder is missing, or parts have no recording for a label or no background; all at once.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"soundbank.path: there is no folder {root}. Name the folder that holds {LAYOUT}.")
    if not labels:
        raise InputError(
            f"{root}: holds no recording of any class. "
            f"Name folders as in {LAYOUT}; <label> is one of {', '.join(LABELS)}."
        )
    found, lacking = [], Problems() if problems is None else problems
    for part in ("train", "eval"):
        for label in labels:
            with lacking.noted():
                found += foregrounds(root, part, label)
        with lacking.noted():
            found += backgrounds(root, part)
    if problems is None:
        lacking.tell()
    known = licences(root)
    return [recording._replace(licence=known(recording.path)) for recording in found]


def files(root: str | Path, labels: Sequence[str]) -> list[Path]:
    """The sound files of a soundbank, as `find` finds them."""
    return [recording.path for recording in find(root, labels)]


def index(
    root: str | Path,
    labels: Sequence[str],
    validation_share: float,
    progress: Callable[[Iterable], Iterable] = iter,
    licence: str = "",
) -> pd.DataFrame:
    """Find every recording of a soundbank in a folder, check it and assign it to a split.

    Parameters
    ----------
    root : path
        The soundbank.
    labels : sequence of str
        The experiment's classes.
    validation_share : float
        See `check`.
    progress : callable
        Wraps the recordings while they are read.
    licence : str
        The licence of recordings for which no table beside the bank names one.

    Returns
    -------
    pandas.DataFrame
        See `check`.

    Raises
    ------
    InputError
        As `find` and `check`.
    """
    found = [r if r.licence else r._replace(licence=licence) for r in find(root, labels)]
    return check(found, validation_share, progress=progress)


def check(
    found: Sequence[Recording],
    validation_share: float,
    validation_list: str | Path | None = None,
    leave_out: bool = False,
    progress: Callable[[Iterable], Iterable] = iter,
) -> pd.DataFrame:
    """Read every recording and assign its source to a split.

    Parameters
    ----------
    found : sequence of Recording
    validation_share : float
        Share of each class's training sources (and of the training backgrounds) that go to validation; at least one
        goes there and at least one stays. Of sources for any part, as many go to test. Which ones follows from a hash
        of their names. Sources of two classes with the same freesound id go to the same split where each class keeps
        a source in both.
    validation_list : path, optional
        Names recordings (see `read_validation_list`): of a class, or of the backgrounds, of which it names any,
        exactly the named sources go to validation, each with all of its recordings; of others, `validation_share`.
    leave_out : bool
        What to do with a recording that cannot be used, or that is the same file as one of another source: raise, of
        equal files only where they lie in two splits (False); or leave it out, its `split` empty and its `problem` told
        (True). Of equal files the one in `eval` stays, else the first.
    progress : callable
        Wraps the recordings while they are read.

    Returns
    -------
    pandas.DataFrame
        Columns `split` (train, validation, test, or empty: left out), `kind` (foreground, background), `label`,
        `source`, `path`, `duration` (s), `sample_rate`, `channels`, `sha256`, `missing` (empty, onset, offset, both:
        which edges the recording lacks), `freesound_id`, `licence` and `problem` (each empty where there is none);
        `samples`, `peak` (largest absolute value) and `offset` (mean) of the whole recording, its channels averaged;
        `notes`: what should be known of a recording that is used, separated by "; ": `ABOVE`, `OFFSET`, and where its
        header was wrong (`igsed.containers`). In a fixed order.

    Raises
    ------
    InputError
        A file that is empty, damaged, silent, too short or no audio; a class with recordings from only one source in
        training; a recording that lies in both parts; a validation list that names no recording, or all of a class.
    """
    table = pd.DataFrame([_row(recording, leave_out) for recording in progress(found)], columns=["part", *COLUMNS])
    # Whole numbers even where a recording could not be read.
    table = table.astype({"sample_rate": int, "channels": int, "samples": int, "duration": float})
    if leave_out:
        _leave_out_copies(table)
    assign(table, validation_share, validation_list)
    for _, same in table[table["split"] != ""].groupby("sha256", sort=False):
        if same["split"].nunique() > 1:
            one, other = list(same.drop_duplicates("split").itertuples())[:2]
            raise InputError(
                f"{other.path}: is the same file as {one.path}, but one would be heard in the {one.split} and the "
                f"other in the {other.split} split. Remove one, or name both <source>_<number>, as parts of one source."
            )
    return table.sort_values(["kind", "split", "label", "path"], ignore_index=True)[COLUMNS]


def assign(
    table: pd.DataFrame,
    validation_share: float,
    validation_list: str | Path | None = None,
    problems: Problems | None = None,
) -> None:
    """Assign every source to a split, from names alone.

    Parameters
    ----------
    table : pandas.DataFrame
        Recordings: columns `part, kind, label, source, path, freesound_id, problem`, of which those with a problem are
        left out. Gets the column `split`.
    validation_share, validation_list
        See `check`.
    problems : Problems, optional
        Gets what is wrong, instead of its being raised; the table is then assigned as far as can be.

    Raises
    ------
    InputError
        Of classes and backgrounds, all whose sources are too few; a validation list that names no recording, or all.
    """
    wrong = Problems() if problems is None else problems
    usable = table["problem"] == ""
    table["split"] = table["part"].map({"train": "train", "eval": "test", "any": "train"}).where(usable, "")
    pool = table["label"].where(table["kind"] == "foreground", "background")
    named = pd.Series(False, index=table.index)
    if validation_list:
        with wrong.noted():
            named = _named(table, validation_list)
    for (label, part), group in table[usable & (table["part"] != "eval")].groupby([pool, "part"], sort=True):
        listed = set(group.loc[named[group.index], "source"]) if part == "train" else set()
        with wrong.noted():
            for split, sources in _held_out(label, group, listed, validation_share).items():
                table.loc[group.index[group["source"].isin(sources)], "split"] = split
    if problems is None:
        wrong.tell()
    _unite(table)


def unread(found: Sequence[Recording]) -> pd.DataFrame:
    """The columns that `assign` needs, and `missing`, of recordings that were found and not read."""
    rows = [
        (r.part, r.kind, r.label, r.source, str(r.path), r.missing, freesound_id(Path(r.path).stem), "") for r in found
    ]
    columns = ["part", "kind", "label", "source", "path", "missing", "freesound_id", "problem"]
    return pd.DataFrame(rows, columns=columns)


def _row(recording: Recording, leave_out: bool) -> tuple:
    path = recording.path
    try:
        waveform, sample_rate, channels, notes = audio.load(path)
        if audio.is_silent(waveform):
            raise InputError(f"{path}: holds only silence. Leave it out of the folder.")
        duration = math.floor(1000 * len(waveform) / sample_rate) / 1000
        if duration < SHORTEST:
            raise InputError(f"{path}: lasts less than {SHORTEST} s. Leave it out of the folder.")
        facts, problem = (duration, sample_rate, channels, file_digest(path)), ""
        whole = audio.measure(waveform, sample_rate)
        all_notes = [*notes, *[ABOVE] * (whole.peak > 1), *[OFFSET] * audio.has_offset(waveform)]
        if all_notes:
            logging.warning("%s: %s", path, "; ".join(all_notes))
        level = (whole.samples, whole.peak, whole.offset, "; ".join(all_notes))
    except InputError as error:
        if not leave_out:
            raise
        logging.warning("left out: %s", error)
        level = (0, 0.0, 0.0, "")
        facts, problem = (0.0, 0, 0, ""), str(error).removeprefix(f"{path}: ").split(". ")[0].rstrip(".")
    described = (recording.kind, recording.label, recording.source, str(path), *facts)
    further = (recording.missing, freesound_id(path.stem), recording.licence, problem)
    return (recording.part, "", *described, *further, *level)


def _held_out(label: str, group: pd.DataFrame, named: set[str], share: float) -> dict[str, list[str]]:
    """Which of a pool's sources go to validation, and of a pool for any part, to test."""
    folder = Path(group["path"].iloc[0]).parent
    what = "background recordings" if label == "background" else f"recordings of {label}"
    remedy = "." if label == "background" else f", or leave {label} out of the key `labels`."
    splits = ["test", "validation"] if (group["part"] == "any").any() else ["validation"]
    sources = sorted(group["source"].unique(), key=lambda name: hashlib.sha256(name.encode()).digest())
    if len(sources) <= len(splits):
        if len(splits) == 2:
            raise InputError(
                f"{folder}: training, validation and test are to share these backgrounds, but there are only "
                f"{len(sources)} sources of them. Choose other `training_backgrounds`."
            )
        raise InputError(
            f"{folder}: all {what} ({len(group)}) come from one source, "
            f"so training and validation cannot draw from different ones. Add a recording from another source{remedy}"
        )
    if named == set(sources):
        raise InputError(
            f"{folder}: the validation list names all {len(sources)} sources of {label}, so none is left for training. "
            f"Add a recording from another source{remedy}"
        )
    if named:
        return {"validation": sorted(named)}
    count = min(max(1, round(share * len(sources))), (len(sources) - 1) // len(splits))
    return {split: sources[k * count : (k + 1) * count] for k, split in enumerate(splits)}


def _unite(table: pd.DataFrame) -> None:
    """Bring sources of several classes that are cut from one freesound recording into one split, where possible."""
    trained = (table["kind"] == "foreground") & table["split"].isin(["train", "validation"])
    shared = table[trained & (table["freesound_id"] != "")]
    for _, rows in shared.groupby("freesound_id", sort=True):
        if table.loc[rows.index, "split"].nunique() < 2:
            continue
        others = table[trained & table["label"].isin(rows["label"]) & ~table["source"].isin(rows["source"])]
        left = others.groupby("split")["label"].nunique()
        for target, other in (("validation", "train"), ("train", "validation")):
            if left.get(other, 0) == rows["label"].nunique():
                table.loc[rows.index, "split"] = target
                break


def _leave_out_copies(table: pd.DataFrame) -> None:
    """Of each file that occurs under several sources, keep one source: before the splits, so that none is emptied."""
    ordered = table[table["problem"] == ""].sort_values("part", key=lambda part: part != "eval", kind="stable")
    first = ordered.groupby("sha256")[["source", "path"]].transform("first")
    lost = ordered.index[ordered["source"] != first["source"]]
    table.loc[lost, "problem"] = "the same file as " + first.loc[lost, "path"]


def read_validation_list(path: str | Path) -> list[str]:
    """The recordings that a list names, such as DESED's `soundbank_validation.tsv`.

    That file has the one column `filepath`, of paths `audio/validation/soundbank/foreground/<label>/<name>.wav` and
    `audio/validation/soundbank/background/{sins,tut-scenes-2017-dev}/<name>.wav`. Any tab-separated table with a column
    of that name, or `filename`, `file`, `path` or `name`, is accepted too, and a plain list of file names.

    Raises
    ------
    InputError
        The file cannot be read or has no such column.
    """
    cells = _cells(path)
    if not Path(path).exists():
        raise InputError(f"{path}: there is no such file. Restore it, or set the key soundbank.validation to share.")
    if cells is None:
        raise InputError(f"{path}: cannot be read as a table. Expected tab-separated text with a column `filepath`.")
    header = [cell.lower() for cell in cells.iloc[0]]
    column = next((header.index(name) for name in _FILE_COLUMNS if name in header), None)
    if column is not None:
        cells = cells.iloc[1:]
    elif len(header) > 1:
        raise InputError(
            f"{path}, line 1: no column says which recording is meant; there are {', '.join(cells.iloc[0])}. "
            "Call it `filepath`."
        )
    return [cell for cell in cells.iloc[:, column or 0] if cell]


def _cells(path: str | Path) -> pd.DataFrame | None:
    """A table's cells as text, header included; None where it cannot be read or is empty."""
    separator = "," if str(path).lower().endswith(".csv") else "\t"
    try:
        cells = pd.read_csv(path, sep=separator, header=None, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError):
        return None
    return cells.apply(lambda column: column.str.strip())


def _key(name: str) -> tuple[str, str, str]:
    """Kind, label and source (of a background: the file) of a listed path; what it does not say is empty."""
    path = PurePosixPath(normal(name).replace("\\", "/"))
    stem = path.stem if path.suffix.lower() in SUFFIXES else path.name
    if "background" in path.parts[:-1]:
        return "background", "", stem
    if "foreground" in path.parts[:-2]:
        return "foreground", without_suffix(path.parts[path.parts.index("foreground") + 1])[0], base(stem)
    return "", "", stem


def _named(table: pd.DataFrame, validation_list: str | Path) -> pd.Series:
    """Which rows the list names, by label and source, or, where it gives no folder, by file name or source."""
    listed = {_key(name) for name in read_validation_list(validation_list)}
    named = []
    for row in table.itertuples():
        stem = normal(Path(row.path).stem)
        exact = (
            ("foreground", row.label, base(stem)) if row.kind == "foreground" else ("background", "", stem),
            ("", "", stem),
            ("", "", base(stem)),
        )
        named.append(not listed.isdisjoint(exact))
    if not any(named):
        raise InputError(
            f"{validation_list}: names {len(listed)} recordings, and none of them is in the soundbank. "
            "Correct soundbank.validation, or take the list that belongs to this soundbank."
        )
    logging.info("%s names %d sources; %d recordings found are theirs", validation_list, len(listed), sum(named))
    return pd.Series(named, index=table.index)


def licences(root: str | Path) -> Callable[[Path], str]:
    """What the tables beside a soundbank say of a recording's licence; empty where they say nothing.

    Looked at are `license*`, `licence*` and `files` with the ending `.tsv` or `.csv` in the folder `root`: of any that
    has a column `license` or `licence` and one of `filename`, `filepath`, `file`, `path` or `name`, a row counts for
    the recording with the same file name in a folder of the same name. So read, DESED's `license_training.tsv` and
    `license_eval.tsv`, whose paths begin differently from those in the archive, fit.
    """
    known: dict[tuple[str, str], str] = {}
    tables = [p for p in sorted(Path(root).glob("*")) if re.fullmatch(r"(licen[cs]e.*|files)\.[ct]sv", p.name, re.I)]
    for path in tables:
        cells = _cells(path)
        if cells is None:
            continue
        header = [cell.lower() for cell in cells.iloc[0]]
        named = next((header.index(name) for name in _FILE_COLUMNS if name in header), None)
        said = next((k for k, name in enumerate(header) if name in ("license", "licence")), None)
        if named is None or said is None:
            continue
        for _, row in cells.iloc[1:].iterrows():
            parts = PurePosixPath(normal(row.iloc[named]).replace("\\", "/")).parts[-2:]
            if parts:
                known[("" if len(parts) == 1 else parts[0], parts[-1])] = row.iloc[said]

    def licence(path: Path) -> str:
        folder, name = normal(path.parent.name), normal(path.name)
        return known.get((folder, name)) or known.get(("", name), "")

    return licence


def read(path: str | Path) -> pd.DataFrame:
    """The index that a workflow wrote: the table of `check`."""
    numbers = {"duration", "sample_rate", "channels", "samples", "peak", "offset"}
    text: Mapping[str, type] = dict.fromkeys(set(COLUMNS) - numbers, str)
    return pd.read_csv(path, dtype=text, keep_default_na=False, float_precision="round_trip")


def pools(table: pd.DataFrame, split: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The foreground and the background recordings that a split's mixtures may use."""
    rows = table[table["split"] == split]
    return tuple(rows[rows["kind"] == kind].reset_index(drop=True) for kind in ("foreground", "background"))


class Unchanged:
    """Tells whether recordings still are the files that were indexed; each is read once.

    Parameters
    ----------
    table : pandas.DataFrame
        The index: columns `path, sha256`.
    name : path
        The index's file, for the message.
    """

    def __init__(self, table: pd.DataFrame, name: str | Path):
        self._digests, self._name = dict(zip(table["path"], table["sha256"], strict=True)), name
        self._seen: set[str] = set()

    def __call__(self, *paths: str) -> None:
        """Compare recordings with the index.

        Raises
        ------
        InputError
            One is missing, damaged or replaced.
        """
        for path in set(paths) - self._seen:
            if not Path(path).exists():
                raise InputError(f"{path}: no such file, though {self._name} lists it. Restore it.")
            if file_digest(path) != self._digests[path]:
                raise InputError(
                    f"{path}: is not the file that was indexed: damaged, or replaced. Restore it; what igsed itself "
                    "generated or fetched is made anew once its folder is deleted (`igsed verify results/<experiment>` "
                    f"says which). If the new file is meant, delete {self._name} and run again."
                )
            self._seen.add(path)
