"""The results of an experiment for a terminal: a compact table, the answer in sentences, the page to open.

Nothing is coloured unless asked for. Widths are those of a terminal, on which an East Asian character takes two columns
and a combining one none.
"""

import shutil
import textwrap
import unicodedata
from collections.abc import Sequence

import pandas as pd

from igsed.detectors import title_of
from igsed.metrics import METRICS, ranking
from igsed.report.typesetting import MARK, MISSING

COLUMNS = tuple(metric.name for metric in ranking())
"""The metrics that are shown: they need no threshold."""

THRESHOLDED = ("iou", "f1")
"""Those that are shown besides where a protocol is asked for."""

_BOLD, _DIM, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"
_GAP, _SHORTEST = "  ", 12


def columns_of_terminal() -> int:
    """Columns of the terminal, 80 where there is none, at most 100."""
    return min(shutil.get_terminal_size((80, 24)).columns, 100)


def table(
    intervals: pd.DataFrame,
    order: Sequence[str],
    controls: Sequence[str],
    metrics: Sequence[str] = COLUMNS,
    foreign: Sequence[str] = (),
    width: int = 80,
    styled: bool = False,
) -> str:
    """Detectors by what they reach, the mean over all pairs with the wider interval in brackets.

    Parameters
    ----------
    intervals : pandas.DataFrame
        The rows of `intervals.csv` of one split and protocol.
    order : sequence of str
        The detectors, best first; those that are not in `intervals` are left out.
    controls : sequence of str
        They stand below a line.
    metrics : sequence of str
        Columns; those without results are left out.
    foreign : sequence of str
        Detectors whose baseline is not neutral, marked †.
    width : int
        Columns of the terminal. What does not fit loses first the intervals, then the ends of names.
    styled : bool
        Whether to make the head bold and the controls dim.

    Returns
    -------
    str
        The table; empty where no detector has results.
    """
    means = intervals[intervals["label"] == "all"].set_index(["detector", "metric"])
    shown = [metric for metric in metrics if metric in means.index.get_level_values("metric")]
    names = [name for name in order if name in means.index.get_level_values("detector")]
    blocks = [[n for n in names if n not in controls], [n for n in names if n in controls]]
    if not names or not shown:
        return ""
    titles = [title_of(name) + (f" {MARK}" if name in foreign else "") for block in blocks for name in block]
    for with_interval in (True, False):
        cells = [[_cell(means, name, metric, with_interval) for metric in shown] for block in blocks for name in block]
        rows = [["Detector", *map(_title, shown)], *([title, *row] for title, row in zip(titles, cells, strict=True))]
        widths = [max(columns(row[k]) for row in rows) for k in range(len(shown) + 1)]
        if sum(widths) + len(_GAP) * len(shown) <= width:
            break
    widths[0] = min(widths[0], max(_SHORTEST, width - sum(widths[1:]) - len(_GAP) * len(shown)))
    lines = [_line(row, widths) for row in rows]
    rule, methods = "─" * columns(lines[0]), 1 + len(blocks[0])
    if styled:
        lines = [f"{_BOLD}{lines[0]}{_PLAIN}", *lines[1:methods], *(f"{_DIM}{x}{_PLAIN}" for x in lines[methods:])]
    parts = [lines[:1], lines[1:methods], lines[methods:]]
    return f"\n{rule}\n".join("\n".join(part) for part in parts if part)


def notes(
    intervals: pd.DataFrame,
    metrics: Sequence[str],
    controls: Sequence[str],
    foreign: Sequence[str],
    width: int = 80,
    bracketed: bool = True,
) -> str:
    """What the table's columns and marks are; arguments as `table`'s, `bracketed` is whether it has intervals."""
    found = set(intervals["metric"])
    shown = [METRICS.find(name) for name in metrics if name in found]
    said = [f"{metric.short}: {metric.title}" for metric in shown if metric.short]
    told = ", ".join([*said, "means over (clip, class) pairs"])
    told += " with the wider 95 % interval." if bracketed else ". A wider terminal shows intervals."
    if set(controls) & set(intervals["detector"]):
        told += " Below the line: controls and what knows the truth."
    if set(foreign) & set(intervals["detector"]):
        told += f" {MARK} its baseline is not neutral."
    return textwrap.fill(told, width)


def _title(metric: str) -> str:
    return METRICS.find(metric).heading


def _cell(means: pd.DataFrame, detector: str, metric: str, with_interval: bool) -> str:
    if (detector, metric) not in means.index:
        return MISSING
    row = means.loc[(detector, metric)]
    low, high = (row.get(f"{side}_wide", row[side]) for side in ("low", "high"))
    scale, digits = (100, 0) if METRICS.find(metric).percent else (1, 2)
    value, low, high = (
        f"{scale * number:.{digits}f}" if pd.notna(number) else "" for number in (row["value"], low, high)
    )
    if not value:
        return MISSING
    return f"{value} [{low}, {high}]" if with_interval and low and high else value


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Names to the left, numbers to the right."""
    name = shortened(cells[0], widths[0])
    padded = [" " * (width - columns(cell)) + cell for cell, width in zip(cells[1:], widths[1:], strict=True)]
    return _GAP.join([name + " " * (widths[0] - columns(name)), *padded])


def columns(text: str) -> int:
    """How many columns of a terminal a text takes.

    Examples
    --------
    >>> columns("犬"), columns("e\\u0301")
    (2, 1)
    """
    return sum((unicodedata.east_asian_width(c) in "WF") + 1 for c in text if not unicodedata.combining(c))


def shortened(text: str, width: int) -> str:
    """As much of a text as fits, with an ellipsis in place of its end.

    Examples
    --------
    >>> shortened("ig_quiet_random_head", 12)
    'ig_quiet_ra…'
    """
    if columns(text) <= width:
        return text
    while text and columns(text) >= width:
        text = text[:-1]
    return f"{text}…"
