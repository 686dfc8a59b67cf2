"""Tables as small HTML pages: one file each, no network and no script, for frames and for browsers.

A page is a title and blocks below each other: text (in which backticks mark code), headings, lists, and grids. All
text is escaped. The heads of a grid stay in view while it is scrolled, as do the names of its rows.
"""

import re
from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby
from typing import NamedTuple

import pandas as pd

from igsed.metrics import Metric
from igsed.report import typesetting
from igsed.thresholds import Rule

TITLES = {
    "classification": "Clip classification",
    "detection": "Temporal detection",
    "per_class": "Temporal detection per class",
    "ranking": "Ranks",
    "baselines": "Baselines",
    "recordings": "Synthetic clips and real recordings",
}


class Heading(NamedTuple):
    """A heading within a page."""

    text: str


class Items(NamedTuple):
    """A list."""

    texts: Sequence[str]


class Grid(NamedTuple):
    """A table: a group (or "") and a name for each column, and the cells of each row.

    The first `names` columns say what a row is; a line separates rows of which `parts` differs.
    """

    heads: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[str]]
    names: int = 1
    parts: Sequence | None = None


Block = str | Heading | Items | Grid

_CODE, _AS_CODE = re.compile("`([^`]+)`"), r"<code>\1</code>"

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light; }}
body {{ margin: 0 1rem 1rem; font: 14px/1.4 system-ui, sans-serif; color: #222; background: #fff; }}
h1 {{ font-size: 1.3rem; }}
h2 {{ font-size: 1.05rem; margin-bottom: 0; }}
h1, h2, p, ul {{ max-width: 46rem; position: sticky; left: 1rem; }}
table {{ border-collapse: separate; border-spacing: 0; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .25rem .6rem; text-align: right; white-space: nowrap; border-bottom: 1px solid #ddd; }}
thead {{ position: sticky; top: 0; z-index: 2; }}
th {{ background: #f4f4f4; font-weight: 600; }}
.name {{ text-align: left; }}
.group {{ text-align: center; }}
tbody th {{ position: sticky; left: 0; z-index: 1; background: #fff; }}
.part > * {{ border-top: 2px solid #777; }}
</style>
</head>
<body>
<h1>{title}</h1>
{blocks}
</body>
</html>
"""


def page(title: str, blocks: Iterable[Block]) -> str:
    """The whole file.

    >>> "<td>a &lt; b</td>" in page("Mine", [Grid([("", "What"), ("", "Value")], [["x", "a < b"]])])
    True
    """
    return _PAGE.format(title=escape(title), blocks="\n".join(map(_block, blocks)))


def table_page(table: pd.DataFrame, chosen: Sequence[Metric] = (), rules: Sequence[Rule] | None = None) -> str:
    """Any table of `igsed.report.tables` below its caption; arguments are those of `typesetting.caption_of`."""
    kind, shown, parts = typesetting.display(table, chosen)
    names = sum(name in typesetting.LEFT for _, name in shown.columns)
    grid = Grid(list(shown.columns), shown.to_numpy().tolist(), names, parts)
    return page(TITLES[kind], [typesetting.caption_of(kind, chosen, rules, table), grid])


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h2>{escape(block.text)}</h2>"
    if isinstance(block, Items):
        return "<ul>\n" + "\n".join(f"<li>{escape(text)}</li>" for text in block.texts) + "\n</ul>"
    return _grid(block) if isinstance(block, Grid) else f"<p>{_CODE.sub(_AS_CODE, escape(block))}</p>"


def _grid(grid: Grid) -> str:
    lines = ["<table>", "<thead>"]
    if any(group for group, _ in grid.heads):
        cells = []
        for group, columns in groupby(group for group, _ in grid.heads):
            count = len(list(columns))
            scope = ' scope="colgroup"' if group else ""
            cells.append(f'<th class="group" colspan="{count}"{scope}>{escape(group)}</th>')
        lines.append(f"<tr>{''.join(cells)}</tr>")
    heads = [
        f'<th scope="col"{_class(place, grid.names)}>{escape(name)}</th>' for place, (_, name) in enumerate(grid.heads)
    ]
    lines += [f"<tr>{''.join(heads)}</tr>", "</thead>", "<tbody>"]
    parts = grid.parts if grid.parts is not None else [None] * len(grid.rows)
    for place, row in enumerate(grid.rows):
        new = place > 0 and parts[place] != parts[place - 1]
        cells = [
            f'<th scope="row" class="name">{escape(cell)}</th>'
            if column == grid.names - 1
            else f"<td{_class(column, grid.names)}>{escape(cell)}</td>"
            for column, cell in enumerate(row)
        ]
        opening = '<tr class="part">' if new else "<tr>"
        lines.append(f"{opening}{''.join(cells)}</tr>")
    return "\n".join([*lines, "</tbody>", "</table>"])


def _class(column: int, names: int) -> str:
    return ' class="name"' if column < names else ""
