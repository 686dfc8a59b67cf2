"""Detectors beside banks as inline SVG: a panel for each bank, its dots with intervals, chance and ceiling.

The text is text, in the page's font, so that it is as readable on a phone as the text around it: `drawing` makes one
version for wide windows and one for narrow ones, of which the style shows one. Colours and markers are those of the
experiments' own figures (`igsed.report.styles`). Long names are broken into lines, never cut.
"""

import math
import re
from collections.abc import Sequence
from typing import NamedTuple
from xml.etree import ElementTree

import pandas as pd

from igsed.compare.rows import Shown, of_first_metric
from igsed.compare.tables import Comparison
from igsed.detectors import limits
from igsed.report.page.markup import Safe
from igsed.report.typesetting import MARK

_INK, _SOFT, _LIMIT, _GRID = "#1b1b1b", "#595959", "#767676", "#e0e0e0"
MARKERS = {
    "s": "M-4 -4H4V4H-4Z",
    "D": "M0 -5L5 0L0 5L-5 0Z",
    "d": "M0 -5.5L3.6 0L0 5.5L-3.6 0Z",
    "^": "M0 -5L4.8 4H-4.8Z",
    "v": "M0 5L4.8 -4H-4.8Z",
    "<": "M-5 0L4 -4.8V4.8Z",
    ">": "M5 0L-4 -4.8V4.8Z",
    "p": "M0 -5L4.8 -1.5L2.9 4H-2.9L-4.8 -1.5Z",
    "h": "M0 -5L4.3 -2.5V2.5L0 5L-4.3 2.5V-2.5Z",
    "H": "M-5 0L-2.5 -4.3H2.5L5 0L2.5 4.3H-2.5Z",
    "8": "M-2 -4.6H2L4.6 -2V2L2 4.6H-2L-4.6 2V-2Z",
    "P": "M-1.7 -5H1.7V-1.7H5V1.7H1.7V5H-1.7V1.7H-5V-1.7H-1.7Z",
    "X": "M-4.8 -2.4L-2.4 -4.8L0 -2.4L2.4 -4.8L4.8 -2.4L2.4 0L4.8 2.4L2.4 4.8L0 2.4L-2.4 4.8L-4.8 2.4L-2.4 0Z",
    "*": "M0 -6L1.5 -2L5.7 -1.9L2.4 0.8L3.5 4.9L0 2.5L-3.5 4.9L-2.4 0.8L-5.7 -1.9L-1.5 -2Z",
}
"""Outlines of the markers that are no circles, around 0, 0."""


class Layout(NamedTuple):
    """Sizes in CSS pixels: the whole width, the most that names may take, height of a row, size of the letters, panels
    beside each other, and the style's class."""

    width: int
    names: int
    row: int
    letters: int
    columns: int
    kind: str


WIDE = Layout(992, 230, 20, 13, 4, "wide")
NARROW = Layout(336, 128, 20, 12, 1, "narrow")
_BESIDE = 14
"""Between names and panels."""
_ABOVE, _BELOW, _RIGHT, _GAP = 24, 42, 34, 18
_LETTER = 0.56
"""How wide a letter is on average, of its size."""
_LINE = 1.15
"""How far lines of a text lie apart, of the size of its letters."""


def drawings(comparison: Comparison, rows: Sequence[Shown]) -> tuple[Safe, Safe]:
    """The figure for wide and for narrow windows."""
    return drawing(comparison, rows, WIDE), drawing(comparison, rows, NARROW)


def drawing(comparison: Comparison, rows: Sequence[Shown], layout: Layout) -> Safe:
    """The figure of the first metric as an element of HTML; everything in it is escaped."""
    metric = comparison.metrics[0]
    table = of_first_metric(comparison).set_index(["detector", "bank"])
    banks = [bank.name for bank in comparison.banks]
    columns = min(layout.columns, len(banks))
    lines = [banks[k : k + columns] for k in range(0, len(banks), columns)]
    svg = ElementTree.Element(
        "svg",
        {
            "class": f"drawing {layout.kind}",
            "role": "img",
            "aria-label": f"{metric.title} of each detector on each bank, with intervals; the numbers are below",
            "font-size": str(layout.letters),
        },
    )
    longest = max((len(row.title) for row in rows), default=0) * _LETTER * layout.letters
    layout = layout._replace(names=min(layout.names, math.ceil(longest) + 1 + _BESIDE))
    panel = (layout.width - layout.names - columns * (_RIGHT + _GAP)) / columns
    axis, top = _scale(metric.range, table), 0.0
    title = f"{metric.title} / {metric.unit}" if metric.unit else metric.title
    for line in lines:
        there = set(table[table["value"].notna()].query("bank in @line").index.get_level_values("detector"))
        heights = _heights([row for row in rows if not row.truth and row.name in there], layout)
        bottom = max((y + _height(row, layout) / 2 for row, y in heights.items()), default=_ABOVE)
        heads = [broken(bank, panel + _RIGHT, layout.letters) for bank in line]
        top += (max(map(len, heads)) - 1) * _LINE * layout.letters
        part = _add(svg, "g", transform=f"translate(0 {_n(top)})")
        for row, y in heights.items():
            _name(part, row, y, layout)
        for column, bank in enumerate(line):
            left = layout.names + column * (panel + _RIGHT + _GAP)
            here = _add(part, "g", transform=f"translate({_n(left)} 0)")
            _text(here, heads[column], (0, 14), _INK, "start", layout.letters, at="bottom", bold=True)
            _panel(here, table, rows, bank, heights, (*axis, panel, bottom), layout)
            below = broken(title, panel + _RIGHT, layout.letters - 1)
            _text(here, below, (panel / 2, bottom + 30), _SOFT, "middle", layout.letters - 1, at="top")
        controls = [row for row in heights if row.control]
        if 0 < len(controls) < len(heights):
            middle = _n(heights[controls[0]] - _height(controls[0], layout) / 2 - 0.3 * layout.row)
            _add(part, "line", x1="0", x2=str(layout.width), y1=middle, y2=middle, stroke="#bbbbbb")
        top += bottom + _BELOW + (len(broken(title, panel + _RIGHT, layout.letters - 1)) - 1) * _LINE * layout.letters
    svg.set("viewBox", f"0 0 {layout.width} {_n(top)}")
    return Safe(ElementTree.tostring(svg, encoding="unicode"))


def _heights(rows: Sequence[Shown], layout: Layout) -> dict[Shown, float]:
    """Where the middle of each row lies; controls a little apart."""
    apart = any(not row.control for row in rows)
    found, bottom = {}, float(_ABOVE)
    for row in rows:
        height = _height(row, layout)
        found[row] = bottom + height / 2 + 0.6 * layout.row * (apart and row.control)
        bottom += height
    return found


def _height(row: Shown, layout: Layout) -> float:
    return layout.row + (len(_name_lines(row, layout)) - 1) * _LINE * layout.letters


def _name_lines(row: Shown, layout: Layout) -> list[str]:
    return broken(row.title, layout.names - _BESIDE, layout.letters)


def _scale(range_: tuple[float, float], table: pd.DataFrame) -> tuple[float, float]:
    """The ends of the axis: the metric's range, or where that is infinite the values'."""
    known = table[["value", "low", "high"]].stack()
    low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    low, high = (end if abs(end) < float("inf") else found for end, found in zip(range_, (low, high), strict=True))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _panel(group, table, rows, bank, heights, axis, layout) -> None:
    low, high, width, bottom = axis

    def place(value: float) -> float:
        return (min(max(value, low), high) - low) / (high - low) * width

    for share in (0, 0.25, 0.5, 0.75, 1):
        x = _n(share * width)
        _add(group, "line", x1=x, x2=x, y1=str(_ABOVE), y2=_n(bottom), stroke=_GRID)
        if share in (0, 0.5, 1):
            value = f"{low + share * (high - low):.2g}".replace("-", "−")
            _text(group, [value], (share * width, bottom + 15), _SOFT, "middle", layout.letters - 1)
    for row in rows:
        value = table["value"].get((row.name, bank))
        if (row.truth or row.name in limits()) and value is not None and pd.notna(value):
            x = _n(place(value))
            _add(
                group, "line", x1=x, x2=x, y1=str(_ABOVE), y2=_n(bottom), stroke=_LIMIT, **{"stroke-dasharray": "1.5 3"}
            )
    for row, y in heights.items():
        if (row.name, bank) not in table.index or pd.isna(table.loc[(row.name, bank), "value"]):
            continue
        numbers = table.loc[(row.name, bank)]
        if pd.notna(numbers["low"]):
            ends = {"x1": _n(place(numbers["low"])), "x2": _n(place(numbers["high"])), "y1": _n(y), "y2": _n(y)}
            _add(group, "line", **ends, stroke=row.style.colour, **{"stroke-width": "2"})
        _marker(group, row, place(numbers["value"]), y)
        rank = "" if pd.isna(numbers["rank"]) else f"{numbers['rank']:g}"
        mark = MARK if numbers["neutral"] == 0 else ""
        if rank or mark:
            _text(group, [f"{rank} {mark}".strip()], (width + 12, y + 4), _SOFT, "start", layout.letters - 1)


def _marker(group, row: Shown, x: float, y: float) -> None:
    look = {"fill": row.style.colour, "stroke": "#ffffff", "stroke-width": "1"}
    if outline := MARKERS.get(row.style.marker):
        _add(group, "path", d=outline, transform=f"translate({_n(x)} {_n(y)})", **look)
    else:
        _add(group, "circle", cx=_n(x), cy=_n(y), r="4.6", **look)


def _name(group, row: Shown, y: float, layout: Layout) -> None:
    lines = _name_lines(row, layout)
    _text(group, lines, (layout.names - 12, y + 4), _INK, "end", layout.letters, at="middle")


def broken(text: str, width: float, letters: int) -> list[str]:
    """A text in lines that fit into a width, broken behind spaces and underscores, where need be within a word.

    >>> broken("gradient_input_random_head (a)", 100, 12)
    ['gradient_', 'input_random_', 'head (a)']
    """
    most = max(int(width / (_LETTER * letters)), 1)
    lines = [""]
    for word in re.findall(r"[^\s_]*[\s_]*", text):
        if len((lines[-1] + word).rstrip()) > most and lines[-1]:
            lines.append("")
        lines[-1] += word
        while len(lines[-1].rstrip()) > most:
            lines[-1:] = [lines[-1][:most], lines[-1][most:]]
    return [line.rstrip() for line in lines]


def _text(
    group, lines: Sequence[str], place: tuple[float, float], colour: str, anchor: str, size: int, at="top", bold=False
) -> None:
    """Lines of text, of which the first (`at` "top"), the last ("bottom") or their middle lies at a place."""
    x, y = place
    y -= {"top": 0.0, "middle": 0.5, "bottom": 1.0}[at] * (len(lines) - 1) * _LINE * size
    made = _add(group, "text", x=_n(x), y=_n(y), fill=colour, **{"text-anchor": anchor, "font-size": str(size)})
    if bold:
        made.set("font-weight", "600")
    made.text = lines[0]
    for number, line in enumerate(lines[1:], start=1):
        _add(made, "tspan", x=_n(x), y=_n(y + number * _LINE * size)).text = line


def _add(parent: ElementTree.Element, tag: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, tag, attributes)


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
