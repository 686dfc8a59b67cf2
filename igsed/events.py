"""Events: what sounds from when to when.

The file format is DESED's: tab-separated `filename onset offset event_label`, seconds with three decimals, one line an
event; a clip without events has one line with the last three cells empty.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from igsed import names, timeline
from igsed.errors import InputError

COLUMNS = ["filename", "onset", "offset", "event_label"]

_HEADER = f"The header must be, separated by tabs: {' '.join(COLUMNS)}."
_SEPARATORS = {"semicolons": ";", "commas": ",", "spaces": r"\s+"}


def read(path: str | Path, labels=None) -> pd.DataFrame:
    """Read and check an annotation file.

    Parameters
    ----------
    path : path
        DESED's TSV.
    labels : sequence of str, optional
        Labels that may occur; others are refused. Without it any label is accepted.

    Returns
    -------
    pandas.DataFrame
        Columns `filename, onset, offset, event_label`, one row an event; clips without events have no row, and rows
        that say the same (see `repeated`) are one. Names are in the form of `igsed.names.normal`.

    Raises
    ------
    InputError
        Naming the file and the line: unreadable file, missing or repeated column, cells that are not separated by tabs,
        too many or too few, a comment, a time that is no number or below 0, an offset at or before its onset, an
        unknown or missing label.

    Notes
    -----
    `clips(path)` gives the file names, those of clips without events included.
    """
    return _events(path, labels).drop_duplicates(ignore_index=True)


def repeated(path: str | Path) -> pd.DataFrame:
    """The rows of an annotation file that repeat an earlier one: same file, onset, offset and label; see `read`."""
    table = _events(path)
    return table[table.duplicated()].reset_index(drop=True)


def clips(path: str | Path) -> list[str]:
    """The file names of an annotation file in order of appearance, clips without events included."""
    return list(dict.fromkeys(_table(path)["filename"]))


def _events(path, labels=None) -> pd.DataFrame:
    """The events, those told twice included."""
    table = _table(path)
    table = table[(table[COLUMNS[1:]] != "").any(axis=1)]
    times = pd.DataFrame(
        {name: pd.to_numeric(table[name], errors="coerce").astype(float) for name in ("onset", "offset")}
    )
    times = times.where(np.isfinite(times))
    known = set(labels) if labels is not None else None
    for problem, bad in (
        ("the file name is missing", table["filename"] == ""),
        ("onset or offset is not a number", times.isna().any(axis=1)),
        ("the onset lies before 0", times["onset"] < 0),
        ("the offset is not after the onset", times["offset"] <= times["onset"]),
        ("the event label is missing", table["event_label"] == ""),
        (
            "the event label is unknown",
            ~table["event_label"].isin(known) if known is not None else times["onset"].isna(),
        ),
    ):
        if bad.any():
            row = bad.index[bad.to_numpy().argmax()]
            shown = "  ".join(table.loc[row, COLUMNS])
            expected = f" (known: {', '.join(labels)})" if problem.endswith("unknown") else ""
            raise InputError(
                f"{path}, line {row}: {problem}{expected}: {shown!r}. {_remedy(table.loc[row], times.loc[row])}"
            )
    return table.assign(**times).reset_index(drop=True)


def _remedy(cells: pd.Series, times: pd.Series) -> str:
    """What to do about an event that is none."""
    told = cells[["onset", "offset"]]
    if told.str.fullmatch(r"-?\d*,\d+").any():
        return "Write decimal points for the decimal commas."
    if told.str.contains(":", regex=False).any():
        return "Write times in seconds."
    if 0 <= times["offset"] < times["onset"]:
        return "Correct or remove this line; onset and offset seem to be swapped, or the offset to be a duration."
    return "Correct or remove this line."


def _table(path) -> pd.DataFrame:
    """The cells as text, indexed by line number; pandas' own reader loses count of lines."""
    lines = _text(path).split("\n")
    rows = ([cell.strip() for cell in line.split("\t")] for line in lines)
    header = next(rows)
    for name in COLUMNS:
        if header.count(name) != 1:
            problem = "occurs twice" if name in header else f"is missing{_why_missing(lines[0], header)}"
            raise InputError(f"{path}, line 1: column {name!r} {problem}. {_HEADER}")
    places, filled = [header.index(name) for name in COLUMNS], {}
    for number, cells in enumerate(rows, start=2):
        if not any(cells):
            continue
        if cells[0].startswith("#"):
            raise InputError(
                f"{path}, line {number}: begins with #, and annotations have no comments. Remove the line; where a "
                "file's name begins with #, write ./ before it."
            )
        if len(cells) != len(header):
            raise InputError(
                f"{path}, line {number}: has {len(cells)} cell{'s'[: len(cells) != 1]} where the header has "
                f"{len(header)}. {_why_fewer(lines[number - 1], len(header))}Separate cells by one tab; a clip without "
                "events has its name and then empty cells."
            )
        filled[number] = [cells[place] for place in places]
    table = pd.DataFrame.from_dict(filled, orient="index", columns=COLUMNS, dtype=object)
    return table.assign(**{column: table[column].map(names.normal) for column in ("filename", "event_label")})


def _text(path) -> str:
    """The file as text with plain line ends, without the byte order mark of UTF-8."""
    expected = f"Expected tab-separated text in UTF-8. {_HEADER}"
    try:
        content = Path(path).read_bytes()
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        meant = "it seems to be UTF-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else str(error)
        raise InputError(f"{path}: cannot be read as a table of events ({meant}). {expected}") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a table of events ({error}). {expected}") from None
    if "\0" in text:
        raise InputError(f"{path}: cannot be read as a table of events (it seems to be UTF-16 or no text). {expected}")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _why_missing(line: str, cells: Sequence[str]) -> str:
    """What is probably wrong with a first line that is no header."""
    if line.lstrip().startswith("#"):
        return ", since the line is a comment"
    separator = _separator(line, len(COLUMNS))
    if separator and set(COLUMNS) <= set(re.split(_SEPARATORS[separator], line.strip())):
        return f", since the cells are separated by {separator}, not by tabs"
    if sum(bool(re.fullmatch(r"\d+([.,]\d+)?", cell)) for cell in cells) >= 2:
        return ", since the line is an event already"
    return ""


def _why_fewer(line: str, count: int) -> str:
    separator = _separator(line, count)
    return f"They seem to be separated by {separator}. " if separator else ""


def _separator(line: str, count: int) -> str | None:
    """What separates a line into at least so many cells, if it is no tab."""
    return next((name for name, mark in _SEPARATORS.items() if len(re.split(mark, line.strip())) >= count), None)


def write(path: str | Path, events: pd.DataFrame, filenames=()) -> None:
    """Write events in DESED's format, ordered by clip and onset.

    Parameters
    ----------
    events : pandas.DataFrame
        `filename, onset, offset, event_label`; times in seconds.
    filenames : sequence of str
        All clips, in the order wanted; those without an event get a line with empty cells.
    """
    order = {name: k for k, name in enumerate(dict.fromkeys([*filenames, *events["filename"]]))}
    silent = order.keys() - set(events["filename"])
    lines = [
        (order[e.filename], e.onset, f"{e.filename}\t{e.onset:.3f}\t{e.offset:.3f}\t{e.event_label}")
        for e in events.itertuples()
    ] + [(order[name], 0.0, f"{name}\t\t\t") for name in silent]
    text = "\n".join(["\t".join(COLUMNS), *(line for *_, line in sorted(lines))])
    Path(path).write_text(text + "\n", encoding="utf-8")


def merged(
    events: pd.DataFrame, gap: float, by: Sequence[str] = ("filename", "event_label"), frame: float = timeline.FRAME
) -> pd.DataFrame:
    """Events of one class in one clip that overlap, touch or nearly touch, as one.

    The gap between two events is that between the frames that they mark (`igsed.timeline`). It is as long as the real
    gap or up to two frames shorter. So annotated events and the runs of frames that a detector makes of them are put
    together alike. DESED's post-processing merges what is less than 150 ms apart.

    Parameters
    ----------
    events : pandas.DataFrame
        `onset, offset` (s) and the columns `by`.
    gap : float
        Events closer than this many seconds become one; 0: only those that overlap or touch in frames.
    by : sequence of str
        What events must have in common.
    frame : float
        Length of a frame, s.

    Returns
    -------
    pandas.DataFrame
        The columns named above, by group in order of appearance and by onset. An event lasts from the first onset to
        the last offset of those that it is made of.

    Examples
    --------
    >>> table = pd.DataFrame([("a", 1.0, 2.0, "Dog"), ("a", 2.1, 2.4, "Dog"), ("a", 2.6, 3.0, "Dog")], columns=COLUMNS)
    >>> merged(table, 0.15)[["onset", "offset"]].to_numpy().tolist()
    [[1.0, 2.4], [2.6, 3.0]]
    """
    by = list(by)
    group = events.groupby(by, sort=False, observed=True).ngroup().to_numpy()
    first, end = timeline.marked(events["onset"], events["offset"], frame)
    order = np.lexsort((end, first, group))
    group, first, end = group[order], first[order], end[order]
    # The end of all that began before, within the group.
    end = pd.Series(end).groupby(group).cummax().to_numpy()
    between = np.round((first[1:] - end[:-1]) * frame, 6)
    apart = (group[1:] != group[:-1]) | ((between > 0) & (between >= gap))
    number = np.concatenate([[0], np.cumsum(apart)])[: len(order)]
    table = events[[column for column in events if column in (*by, "onset", "offset")]].iloc[order]
    together = dict.fromkeys(by, "first") | {"onset": "min", "offset": "max"}
    return table.groupby(number).agg(together)[table.columns].reset_index(drop=True)


def polyphony(onsets, offsets) -> int:
    """Largest number of events active at once; an event ending where another begins does not overlap it.

    Examples
    --------
    >>> polyphony([0.0, 1.0, 1.5], [2.0, 1.5, 3.0])
    2
    """
    onsets, offsets = np.sort(np.asarray(onsets, float)), np.sort(np.asarray(offsets, float))
    begun, ended = (np.searchsorted(times, onsets, side="right") for times in (onsets, offsets))
    return int((begun - ended).max(initial=0))
