"""What is said of a comparison, the same in the terminal, in Markdown and on the page: sentences, and cells as text."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from igsed.compare import differences
from igsed.compare.folders import BASELINES, MEANS
from igsed.compare.tables import Comparison
from igsed.metrics import Metric
from igsed.names import printable
from igsed.report.typesetting import MARK

MISSING = "–"
_INTERVALS = {
    "clips": "over resampled clips and seeds",
    "wide": "the wider of those over resampled clips and over resampled source recordings, both with seeds",
}


class Cell(NamedTuple):
    """A detector on a bank: value, interval, rank as text, and `MARK` where its baseline is not neutral."""

    value: str
    interval: str = ""
    rank: str = ""
    mark: str = ""


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


def sections(comparison: Comparison, names: Mapping[str, str] | None = None) -> list[Section]:
    """What is said of each metric: first its mean over pairs, then that over classes.

    `names` is how sentences call detectors, by default by their names in the tables.
    """
    groups = dict(iter(comparison.table.groupby(["metric", "label"], sort=False)))
    agreements = dict(iter(comparison.agreement.groupby(["metric", "label"], sort=False)))
    return [
        _section(comparison, metric, label, groups[metric.name, label], agreements.get((metric.name, label)), names)
        for metric in comparison.metrics
        for label in MEANS
        if (metric.name, label) in groups
    ]


def _section(
    comparison: Comparison,
    metric: Metric,
    label: str,
    table: pd.DataFrame,
    agreement: pd.DataFrame | None,
    names: Mapping[str, str] | None,
) -> Section:
    banks = [bank.name for bank in comparison.banks]
    having = [bank for bank in banks if table.loc[table["bank"] == bank, "value"].notna().any()]
    numbers = table.set_index(["detector", "bank"])
    means = table.groupby("detector")["value"].transform("mean")
    order = table.assign(mean_value=-means if metric.higher_is_better else means).drop_duplicates("detector")
    order = order.sort_values(["mean_rank", "mean_value"], kind="stable", na_position="last")
    rows = [
        Row(
            row.detector,
            [
                _cell(numbers.loc[row.detector, bank]) if (row.detector, bank) in numbers.index else Cell(MISSING)
                for bank in banks
            ],
            number(row.mean_rank, 2),
        )
        for row in order.itertuples()
    ]
    pairs = [] if agreement is None else agreement.to_dict("records")
    shown = [
        (
            *(row["bank"], row["other"], str(row["detectors"])),
            *(number(row[statistic], 2) for statistic in ("spearman", "kendall")),
            row["reason"],
        )
        for row in pairs
        if {row["bank"], row["other"]} <= {*having}
    ]
    called = {name: (names or {}).get(name, name) for name in table["detector"].unique()}
    answer = [_leaders(metric, table, having, called)]
    if len(having) > 1 and agreement is not None:
        answer.append(_agreeing(agreement[agreement["bank"].isin(having) & agreement["other"].isin(having)]))
    return Section(
        f"{metric.title}, {MEANS[label]}",
        " ".join(answer),
        banks,
        rows,
        shown,
        _notes(metric, table, banks, having, called),
        label,
    )


def _cell(row: pd.Series) -> Cell:
    if pd.isna(row["value"]):
        return Cell(MISSING)
    interval = "" if pd.isna(row["low"]) else f"[{number(row['low'])}, {number(row['high'])}]"
    rank = "" if pd.isna(row["rank"]) else f"{row['rank']:g}"
    return Cell(number(row["value"]), interval, rank, MARK if row["neutral"] == 0 else "")


def _leaders(metric: Metric, table: pd.DataFrame, having: Sequence[str], called: Mapping[str, str]) -> str:
    ranks = table.dropna(subset=["rank"])
    if ranks.empty:
        if metric.higher_is_better is None:
            return "Neither high nor low values are better, so nothing is ranked."
        where = f"in every bank ({', '.join(having)})" if having else "in any bank"
        return f"Nothing is ranked: no detector that is not made from the events has a value {where}."
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
        told.append(f"{called[str(detector)]} {'leads ' if not told else ''}{where}")
    return f"Of {count} ranked {'detector' if count == 1 else 'detectors'}, {', '.join(told)}."


def _agreeing(agreement: pd.DataFrame) -> str:
    known = agreement.dropna(subset=["spearman"])
    if known.empty:
        return f"There is no agreement to state: {'; '.join(dict.fromkeys(agreement['reason']))}."
    told = [
        f"{name} {_span(known[column], lambda value: number(value, 2))}"
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


def _notes(
    metric: Metric, table: pd.DataFrame, banks: Sequence[str], having: Sequence[str], called: Mapping[str, str]
) -> list[str]:
    notes = [] if metric.higher_is_better is not False else ["Low values are good."]
    if absent := [bank for bank in banks if bank not in having]:
        notes.append(f"Without results of this metric, and left out of ranks: {', '.join(absent)}.")
    shown = table[table["value"].notna()]
    ranked = set(table.loc[table["rank"].notna(), "detector"])
    if truth := sorted(set(shown.loc[~shown["rankable"], "detector"])):
        notes.append(f"Made from the events, and not ranked: {', '.join(map(called.__getitem__, truth))}.")
    if metric.higher_is_better is not None and (
        partly := [name for name in dict.fromkeys(shown["detector"]) if name not in ranked | {*truth}]
    ):
        notes.append(f"Without a value in every bank, and not ranked: {', '.join(map(called.__getitem__, partly))}.")
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


def title(comparison: Comparison) -> str:
    """How many detectors and banks there are."""
    detectors, banks = comparison.table["detector"].nunique(), len(comparison.banks)
    return f"{detectors} {'detector' if detectors == 1 else 'detectors'} on {banks} {'bank' if banks == 1 else 'banks'}"


def reading(comparison: Comparison) -> list[str]:
    """How a cell is to be read."""
    return [
        f"A cell is the value, its interval, and the detector's rank in the bank among those that all banks have (1 is "
        f"the best; equal values share the mean of their ranks). Protocol: {printable(comparison.protocol)}.",
        *marks(comparison),
    ]


def marks(comparison: Comparison) -> list[str]:
    """What `MARK` means, if it stands somewhere, and of which experiments it is not known where it should."""
    said = []
    if (comparison.table["neutral"] == 0).any():
        said.append(
            f"{MARK}: in that experiment the baseline of the detector is not neutral; the network takes it for "
            "something else than background, and the detector's scores explain that too."
        )
    if unknown := [one.name for one in comparison.experiments if one.foreign is None]:
        said.append(f"Whether baselines are neutral is not known of {', '.join(unknown)} (there is no {BASELINES}).")
    return said


def caveats(comparison: Comparison) -> list[str]:
    """In what the experiments differ beside their banks, or that they do not; and which have the same clips."""
    if told := [*differences.same_clips(comparison.experiments), *comparison.differences]:
        return told
    alone = len(comparison.experiments) == 1
    return ["There is one experiment." if alone else "Nothing that is known to bear on the comparison."]


def origins(comparison: Comparison) -> list[str]:
    """Where each experiment lies, and what its banks hold."""
    told = []
    for one in comparison.experiments:
        counts = {bank.name: comparison.table.loc[comparison.table["bank"] == bank.name, "pairs"] for bank in one.banks}
        held = ", ".join(f"{name} {int(pairs.max())}" for name, pairs in counts.items() if pairs.notna().any())
        pairs = f" (pairs of all seeds: {held})" if held else ""
        told.append(printable(f"{one.name}: {one.folder}, {one.seeds} {'seed' if one.seeds == 1 else 'seeds'}{pairs}"))
    return told


def number(value: float, digits: int = 3) -> str:
    """A number as text, with a true minus; `MISSING` for NaN."""
    return MISSING if pd.isna(value) else f"{value:.{digits}f}".replace("-", "−")
