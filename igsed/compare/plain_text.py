"""A comparison for the terminal and in Markdown.

What comes from a folder, its path and its settings, is escaped: it may have been written by a stranger.
"""

import re
from collections.abc import Callable, Iterable, Sequence

from igsed.compare.sections import Cell, Section, caveats, origins, reading, sections, title
from igsed.compare.tables import Comparison
from igsed.names import printable


def text(comparison: Comparison) -> str:
    """The comparison for the terminal: the answers, the tables of means over pairs, the differences."""
    return "\n".join(_lines(comparison, [s for s in sections(comparison) if s.label == "all"], str))


def markdown(comparison: Comparison) -> str:
    """The whole comparison as a page of Markdown."""
    return "\n".join(_lines(comparison, sections(comparison), _escaped, whole=True)) + "\n"


def _lines(
    comparison: Comparison, told: Sequence[Section], escape: Callable[[str], str], whole: bool = False
) -> list[str]:
    answers = sections(comparison) if whole else told
    lines = [f"# {title(comparison)}", "", *(f"- {escape(f'{s.heading}: {s.answer}')}" for s in answers), ""]
    lines += [f"{escape(sentence)}\n" for sentence in reading(comparison)]
    for section in told:
        head = ["Detector", *map(escape, section.banks), "Mean rank"]
        rows = [[escape(row.detector), *map(_plain, row.cells), row.mean_rank] for row in section.rows]
        lines += [f"## {section.heading}", "", *_grid(head, rows), ""]
        if whole and section.agreement:
            head = ["Bank", "Other bank", "Detectors", "Spearman", "Kendall", "Why there is none"]
            shown = len(head) if any(row[-1] for row in section.agreement) else len(head) - 1
            lines += [*_grid(head[:shown], [list(map(escape, row[:shown])) for row in section.agreement]), ""]
        lines += [f"{escape(' '.join(section.notes))}\n"] * bool(section.notes)
    lines += ["## What differs beside the banks", ""]
    lines += [f"- {escape(printable(sentence))}" for sentence in caveats(comparison)]
    lines += ["", "## Experiments", ""]
    return lines + [f"- {escape(sentence)}" for sentence in origins(comparison)]


def _plain(cell: Cell) -> str:
    return " ".join(filter(None, (cell.value, cell.mark, cell.interval, f"({cell.rank})" if cell.rank else "")))


def _grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    rows = [list(head), *map(list, rows)]
    widths = [max(3, *(len(row[k]) for row in rows)) for k in range(len(head))]
    filled = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return [filled[0], "| " + " | ".join("-" * width for width in widths) + " |", *filled[1:]]


def _escaped(told: str) -> str:
    r"""Plain text as Markdown.

    >>> print(_escaped("a|b <i> fw_ss _x_"))
    a\|b \<i\> fw_ss \_x\_
    """
    told = re.sub(r"([\\`*|<>\[\]&~$])", r"\\\1", told)
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", told)
