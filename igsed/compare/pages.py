"""A comparison for people (`compare.md`, `compare.html`, the terminal) and machines (`compare.csv`, `agreement.csv`).

The same sentences and tables stand in all versions. What comes from a folder, its path and its settings, is escaped: it
may have been written by a stranger.
"""

import os
import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from igsed.compare.folders import MEANS
from igsed.compare.tables import Comparison
from igsed.errors import InputError
from igsed.metrics import Metric
from igsed.report.templates import environment

FILES = ("compare.csv", "agreement.csv", "compare.md", "compare.html")
"""What a comparison consists of."""

MISSING = "–"
_KEYS = ["metric", "label", "detector", "bank", "split", "protocol"]
_COLUMNS = [
    *(*_KEYS, "value", "low", "high", "interval", "rank", "mean_rank", "banks"),
    *("pairs", "clips", "seeds", "undefined"),
]
_COUNTS = ("pairs", "clips", "seeds", "undefined")
_INTERVALS = {
    "clips": "over resampled clips and seeds",
    "wide": "the wider of those over resampled clips and over resampled source recordings, both with seeds",
}


class Cell(NamedTuple):
    """A detector on a bank: value, interval, rank as text, and whether it is the best that is ranked."""

    value: str
    interval: str
    rank: str
    best: bool


class Row(NamedTuple):
    """A detector on all banks."""

    detector: str
    cells: Sequence[Cell]
    mean_rank: str


class Section(NamedTuple):
    """A metric averaged in one way: heading, the answer in a sentence or two, table, agreement and notes.

    `agreement` has a row for each two banks: their names, number of detectors, Spearman, Kendall, why there is none.
    """

    heading: str
    answer: str
    banks: Sequence[str]
    rows: Sequence[Row]
    agreement: Sequence[Sequence[str]]
    notes: Sequence[str]
    label: str


def sections(comparison: Comparison) -> list[Section]:
    """What is said of each metric: first its mean over pairs, then that over classes."""
    groups = dict(iter(comparison.table.groupby(["metric", "label"], sort=False)))
    agreements = dict(iter(comparison.agreement.groupby(["metric", "label"], sort=False)))
    return [
        _section(comparison, metric, label, groups[metric.name, label], agreements.get((metric.name, label)))
        for metric in comparison.metrics
        for label in MEANS
        if (metric.name, label) in groups
    ]


def _section(
    comparison: Comparison, metric: Metric, label: str, table: pd.DataFrame, agreement: pd.DataFrame | None
) -> Section:
    banks = [bank.name for bank in comparison.banks]
    having = [bank for bank in banks if table.loc[table["bank"] == bank, "value"].notna().any()]
    numbers = table.set_index(["detector", "bank"])
    order = table.drop_duplicates("detector").sort_values("mean_rank", kind="stable", na_position="last")
    lowest = table.groupby("bank")["rank"].min()
    rows = [
        Row(
            row.detector,
            [
                _cell(numbers.loc[row.detector, bank], lowest[bank])
                if (row.detector, bank) in numbers.index
                else Cell(MISSING, "", "", False)
                for bank in banks
            ],
            _number(row.mean_rank, 2),
        )
        for row in order.itertuples()
    ]
    pairs = [] if agreement is None else agreement.to_dict("records")
    shown = [
        (
            *(row["bank"], row["other"], str(row["detectors"])),
            *(_number(row[statistic], 2) for statistic in ("spearman", "kendall")),
            row["reason"],
        )
        for row in pairs
        if {row["bank"], row["other"]} <= {*having}
    ]
    answer = [_leaders(metric, table, having)]
    if len(having) > 1 and agreement is not None:
        answer.append(_agreeing(agreement[agreement["bank"].isin(having) & agreement["other"].isin(having)]))
    return Section(
        f"{metric.title}, {MEANS[label]}",
        " ".join(answer),
        banks,
        rows,
        shown,
        _notes(metric, table, banks, having),
        label,
    )


def _cell(row: pd.Series, lowest: float) -> Cell:
    if pd.isna(row["value"]):
        return Cell(MISSING, "", "", False)
    interval = "" if pd.isna(row["low"]) else f"[{_number(row['low'])}, {_number(row['high'])}]"
    rank = "" if pd.isna(row["rank"]) else f"{row['rank']:g}"
    return Cell(_number(row["value"]), interval, rank, bool(row["rank"] == lowest))


def _leaders(metric: Metric, table: pd.DataFrame, having: Sequence[str]) -> str:
    ranks = table.dropna(subset=["rank"])
    if ranks.empty:
        if metric.higher_is_better is None:
            return "Neither high nor low values are better, so nothing is ranked."
        return f"Nothing is ranked: no detector has a value in every bank ({', '.join(having) or 'none has any'})."
    best = ranks[ranks["rank"] == ranks.groupby("bank")["rank"].transform("min")]
    leads = best.groupby("detector", sort=False)["bank"].agg(list)
    leads = leads.iloc[leads.map(len).argsort(kind="stable")[::-1]]
    count, told = ranks["detector"].nunique(), list[str]()
    for detector, banks in leads.items():
        if len(having) == 1:
            where = f"on the only bank, {banks[0]}"
        elif len(banks) == len(having):
            where = "on both banks" if len(having) == 2 else f"on all {len(having)} banks"
        else:
            where = f"on {len(banks)} of {len(having)} banks ({', '.join(banks)})"
        told.append(f"{detector} {'leads ' if not told else ''}{where}")
    return f"Of {count} ranked {'detector' if count == 1 else 'detectors'}, {', '.join(told)}."


def _agreeing(agreement: pd.DataFrame) -> str:
    known = agreement.dropna(subset=["spearman"])
    if known.empty:
        return f"There is no agreement to state: {'; '.join(dict.fromkeys(agreement['reason']))}."
    told = [
        f"{name} {_span(known[column], lambda value: _number(value, 2))}"
        for column, name in {"spearman": "Spearman", "kendall": "Kendall"}.items()
    ]
    detectors = _span(known["detectors"], lambda value: str(int(value)))
    over = "the two banks" if len(agreement) == 1 else f"{len(known)} pairs of banks"
    rest = len(agreement) - len(known)
    left_out = f" {rest} of {len(agreement)} pairs of banks have none." if rest else ""
    return f"Agreement of {over} on {detectors} detectors: {', '.join(told)}.{left_out}"


def _span(values: pd.Series, told: Callable[[float], str]) -> str:
    low, high = told(values.min()), told(values.max())
    return low if low == high else f"{low} to {high}"


def _notes(metric: Metric, table: pd.DataFrame, banks: Sequence[str], having: Sequence[str]) -> list[str]:
    notes = [] if metric.higher_is_better is not False else ["Low values are good."]
    if absent := [bank for bank in banks if bank not in having]:
        notes.append(f"Without results of this metric, and left out of ranks: {', '.join(absent)}.")
    shown = table[table["value"].notna()]
    ranked = set(table.loc[table["rank"].notna(), "detector"])
    if truth := sorted(set(shown.loc[~shown["rankable"], "detector"])):
        notes.append(f"Made from the events, and not ranked: {', '.join(truth)}.")
    if metric.higher_is_better is not None and (
        partly := [name for name in dict.fromkeys(shown["detector"]) if name not in ranked | {*truth}]
    ):
        notes.append(f"Without a value in every bank, and not ranked: {', '.join(partly)}.")
    kinds: dict[str, list[str]] = {}
    for (bank, kind), _ in shown.dropna(subset=["interval"]).groupby(["bank", "interval"], sort=False):
        kinds.setdefault(kind, []).append(bank)
    if len(kinds) > 1:
        told = "; ".join(f"{_INTERVALS[kind]}, in {', '.join(of)}" for kind, of in kinds.items())
        notes.append(f"The intervals are of different kinds: {told}.")
    elif kinds:
        notes.append(f"Intervals: {_INTERVALS[next(iter(kinds))]}.")
    elif len(shown):
        notes.append("There are no intervals of this metric: it is counted over all clips, and averaged over seeds.")
    undefined = shown.groupby("bank", sort=False)["undefined"].max().dropna()
    if (undefined := undefined[undefined > 0]).any():
        told = ", ".join(f"{int(count)} in {bank}" for bank, count in undefined.items())
        notes.append(f"Pairs without a value, left out of a detector's mean: at most {told}.")
    return notes


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
    lines = [f"# {_title(comparison)}", "", *(f"- {escape(f'{s.heading}: {s.answer}')}" for s in answers), ""]
    lines += [f"{escape(sentence)}\n" for sentence in _reading(comparison)]
    for section in told:
        head = ["Detector", *map(escape, section.banks), "Mean rank"]
        rows = [[escape(row.detector), *map(_plain, row.cells), row.mean_rank] for row in section.rows]
        lines += [f"## {section.heading}", "", *_grid(head, rows), ""]
        if whole and section.agreement:
            head = ["Bank", "Other bank", "Detectors", "Spearman", "Kendall", "Why there is none"]
            lines += [*_grid(head, [list(map(escape, row)) for row in section.agreement]), ""]
        lines += [f"{escape(' '.join(section.notes))}\n"] * bool(section.notes)
    lines += ["## What differs beside the banks", ""]
    lines += [f"- {escape(_printable(sentence))}" for sentence in _caveats(comparison)]
    lines += ["", "## Experiments", ""]
    return lines + [f"- {escape(sentence)}" for sentence in _origins(comparison)]


def _plain(cell: Cell) -> str:
    return " ".join(filter(None, (cell.value, cell.interval, f"({cell.rank})" if cell.rank else "")))


def _grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    rows = [list(head), *map(list, rows)]
    widths = [max(3, *(len(row[k]) for row in rows)) for k in range(len(head))]
    filled = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return [filled[0], "| " + " | ".join("-" * width for width in widths) + " |", *filled[1:]]


def _title(comparison: Comparison) -> str:
    detectors, banks = comparison.table["detector"].nunique(), len(comparison.banks)
    return f"{detectors} detectors on {banks} {'bank' if banks == 1 else 'banks'}"


def _reading(comparison: Comparison) -> list[str]:
    return [
        f"A cell is the value, its interval, and the detector's rank in the bank among those that all banks have (1 is "
        f"the best; equal values share the mean of their ranks). Protocol: {_printable(comparison.protocol)}."
    ]


def _caveats(comparison: Comparison) -> list[str]:
    if comparison.differences:
        return list(comparison.differences)
    alone = len(comparison.experiments) == 1
    return ["There is one experiment." if alone else "Nothing that is known to bear on the comparison."]


def _origins(comparison: Comparison) -> list[str]:
    """Where each experiment lies, and what its banks hold."""
    told = []
    for one in comparison.experiments:
        counts = {bank.name: comparison.table.loc[comparison.table["bank"] == bank.name, "pairs"] for bank in one.banks}
        held = ", ".join(f"{name} {int(pairs.max())}" for name, pairs in counts.items() if pairs.notna().any())
        pairs = f" (pairs of all seeds: {held})" if held else ""
        told.append(_printable(f"{one.name}: {one.folder}, {one.seeds} {'seed' if one.seeds == 1 else 'seeds'}{pairs}"))
    return told


def html(comparison: Comparison) -> str:
    """The whole comparison as a page of HTML that needs no other file."""
    return (
        environment(Path(__file__).parent)
        .get_template("page.html")
        .render(
            title=_title(comparison),
            sections=sections(comparison),
            reading=_reading(comparison),
            differences=list(map(_printable, _caveats(comparison))),
            origins=_origins(comparison),
        )
    )


def write(comparison: Comparison, folder: str | Path) -> list[Path]:
    """Write `FILES`, all at once or none, and return them. An earlier comparison in the folder is replaced.

    Raises
    ------
    InputError
        The folder holds something else, or cannot be written.
    """
    folder = Path(folder)
    check(folder)
    target = Path(os.path.realpath(folder))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as place:
            made, before = Path(place, "made"), Path(place, "before")
            made.mkdir()
            table = comparison.table[_COLUMNS].astype(dict.fromkeys(_COUNTS, "Int64"))
            table.to_csv(made / "compare.csv", index=False, lineterminator="\n")
            comparison.agreement.to_csv(made / "agreement.csv", index=False, lineterminator="\n")
            (made / "compare.md").write_text(markdown(comparison), encoding="utf-8")
            (made / "compare.html").write_text(html(comparison), encoding="utf-8")
            if target.exists():
                os.replace(target, before)
            try:
                os.replace(made, target)
            except OSError:
                if before.exists():
                    os.replace(before, target)
                raise
    except OSError as error:
        raise InputError(f"{error.filename or folder}: {error.strerror}. Make room, or name another folder.") from None
    return [folder / name for name in FILES]


def check(folder: str | Path) -> None:
    """Check that a folder can be written to without loss: it is not there, is empty, or holds an earlier comparison.

    Raises
    ------
    InputError
        It holds something else.
    """
    folder = Path(folder)
    try:
        if not os.path.lexists(folder):
            return
        found = sorted(path.name for path in folder.iterdir())
        others = [name for name in found if name not in FILES or not (folder / name).is_file()]
        if not found:
            return
        with open(folder / "compare.csv", encoding="utf-8", errors="replace") as file:
            ours = file.readline().strip() == ",".join(_COLUMNS)
    except FileNotFoundError:
        ours = False
    except OSError as error:
        raise InputError(f"{folder}: cannot be written to ({error.strerror}). Name another folder (--out).") from None
    if others or not ours:
        what = others[0] if others else found[0]
        raise InputError(
            f"{folder}: holds {what}, which igsed compare did not write, so it is not replaced. Name another folder "
            "(--out)."
        )


def _number(value: float, digits: int = 3) -> str:
    return MISSING if pd.isna(value) else f"{value:.{digits}f}"


def _printable(told: str) -> str:
    """Text without what would steer a terminal, turn the direction of writing, or cannot be encoded."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in told)


def _escaped(told: str) -> str:
    r"""Plain text as Markdown.

    >>> print(_escaped("a|b <i> fw_ss _x_"))
    a\|b \<i\> fw_ss \_x\_
    """
    told = re.sub(r"([\\`*|<>\[\]&~$])", r"\\\1", told)
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", told)
