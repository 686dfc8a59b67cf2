"""Detectors beside banks as inline SVG: a panel for each bank, its dots with intervals, chance and ceiling.

The text is text, in the page's font, so that it is as readable on a phone as the text around it: `drawing` makes one
version for wide windows and one for narrow ones, of which the style shows one. Colours and markers are those that the
detectors declare (`igsed.detectors.Style`), as in the figures of an experiment; other detectors are dark grey.
"""

from collections.abc import Sequence
from typing import NamedTuple
from xml.etree import ElementTree

import pandas as pd

from igsed.compare.rows import Shown, of_first_metric
from igsed.compare.tables import Comparison
from igsed.detectors import limits
from igsed.report.page.markup import Safe

_INK, _SOFT, _LIMIT, _GRID = "#1b1b1b", "#595959", "#767676", "#e0e0e0"
_MARKERS = {
    "s": "M-4 -4H4V4H-4Z",
    "D": "M0 -5L5 0L0 5L-5 0Z",
    "d": "M0 -5.5L3.6 0L0 5.5L-3.6 0Z",
    "^": "M0 -5L4.8 4H-4.8Z",
    "v": "M0 5L4.8 -4H-4.8Z",
}
"""Outlines of the markers that are no circles, around 0, 0."""


class Layout(NamedTuple):
    """Sizes in CSS pixels: the whole width, that of the names, height of a row, size of the letters, panels beside
    each other, and the style's class."""

    width: int
    names: int
    row: int
    letters: int
    columns: int
    kind: str


WIDE = Layout(992, 178, 20, 13, 4, "wide")
NARROW = Layout(336, 128, 20, 12, 1, "narrow")
_ABOVE, _BELOW, _RIGHT, _GAP = 24, 42, 30, 18
_LETTER = 0.56
"""How wide a letter is on average, of its size."""


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
    panel = (layout.width - layout.names - columns * (_RIGHT + _GAP)) / columns
    axis, top = _scale(metric.range, table), 0.0
    for line in lines:
        there = set(table[table["value"].notna()].query("bank in @line").index.get_level_values("detector"))
        heights = _heights([row for row in rows if not row.truth and row.name in there], layout)
        bottom = max(heights.values(), default=_ABOVE) + 0.5 * layout.row
        part = _add(svg, "g", transform=f"translate(0 {_n(top)})")
        for row, y in heights.items():
            _name(part, row, y, layout)
        for column, bank in enumerate(line):
            left = layout.names + column * (panel + _RIGHT + _GAP)
            here = _add(part, "g", transform=f"translate({_n(left)} 0)")
            _panel(here, table, rows, bank, heights, (*axis, panel, bottom), layout)
            _text(here, metric.title, panel / 2, bottom + 30, _SOFT, "middle", layout.letters - 1)
        controls = [y for row, y in heights.items() if row.control]
        if 0 < len(controls) < len(heights):
            middle = _n(controls[0] - 0.8 * layout.row)
            _add(part, "line", x1="0", x2=str(layout.width), y1=middle, y2=middle, stroke="#bbbbbb")
        top += bottom + _BELOW
    svg.set("viewBox", f"0 0 {layout.width} {_n(top)}")
    return Safe(ElementTree.tostring(svg, encoding="unicode"))


def _heights(rows: Sequence[Shown], layout: Layout) -> dict[Shown, float]:
    """Where each row lies; controls a little apart."""
    apart = any(not row.control for row in rows)
    return {row: _ABOVE + (place + 0.5 + 0.6 * (apart and row.control)) * layout.row for place, row in enumerate(rows)}


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

    _text(group, _short(bank, width + _RIGHT, layout.letters), 0, 14, _INK, "start", layout.letters, bank, bold=True)
    for share in (0, 0.25, 0.5, 0.75, 1):
        x = _n(share * width)
        _add(group, "line", x1=x, x2=x, y1=str(_ABOVE), y2=_n(bottom), stroke=_GRID)
        if share in (0, 0.5, 1):
            value = f"{low + share * (high - low):.2g}"
            _text(group, value, share * width, bottom + 15, _SOFT, "middle", layout.letters - 1)
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
        if pd.notna(numbers["rank"]):
            _text(group, f"{numbers['rank']:g}", width + 12, y + 4, _SOFT, "start", layout.letters - 1)


def _marker(group, row: Shown, x: float, y: float) -> None:
    look = {"fill": row.style.colour, "stroke": "#ffffff", "stroke-width": "1"}
    if outline := _MARKERS.get(row.style.marker):
        _add(group, "path", d=outline, transform=f"translate({_n(x)} {_n(y)})", **look)
    else:
        _add(group, "circle", cx=_n(x), cy=_n(y), r="4.6", **look)


def _name(group, row: Shown, y: float, layout: Layout) -> None:
    shown = _short(row.title, layout.names - 14, layout.letters)
    _text(group, shown, layout.names - 12, y + 4, _INK, "end", layout.letters, row.title)


def _short(text: str, width: float, letters: int) -> str:
    most = int(width / (_LETTER * letters))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _text(group, text: str, x: float, y: float, colour: str, anchor: str, size: int, whole="", bold=False) -> None:
    made = _add(group, "text", x=_n(x), y=_n(y), fill=colour, **{"text-anchor": anchor, "font-size": str(size)})
    if bold:
        made.set("font-weight", "600")
    made.text = text
    if whole and whole != text:
        _add(made, "title").text = whole


def _add(parent: ElementTree.Element, tag: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, tag, attributes)


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
