"""The numbers behind the page of a comparison, for JSON: every protocol, metric and class that all have."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from igsed.compare import differences
from igsed.compare.folders import MEANS, Bank
from igsed.compare.rows import Shown
from igsed.compare.tables import Comparison, common_classes, common_protocols, judged
from igsed.metrics import DRAWN, METRICS
from igsed.report.page.leaderboard import described, number

_SHOWN = ["value", "low", "high", "rank", "rank_low", "rank_high"]


def of_page(comparison: Comparison, rows: Sequence[Shown]) -> dict[str, Any]:
    """All that the page's leaderboard and heat map can show.

    Returns
    -------
    dict
        `detectors`, `metrics`, `banks`, `protocols`, `labels`, `means` (label → words); `protocol` and `metric`, the
        first ones; by protocol, label and metric `values` (bank → detector → value, low, high, rank and its bounds) and
        `mean_ranks` (detector →). Without a value: None. `foreign`: bank → the places of the detectors whose baseline
        is not neutral there.
    """
    present = set().union(*(one.metrics["metric"] for one in comparison.experiments))
    further = [METRICS.find(name) for name in DRAWN if name in present]
    metrics = list({metric.name: metric for metric in (*comparison.metrics, *further)}.values())
    protocols = common_protocols(comparison.experiments)
    protocols.sort(key=lambda name: name != comparison.protocol)
    labels = [*MEANS, *common_classes(comparison.experiments)]
    tables = {name: judged(comparison.experiments, comparison.banks, metrics, name, labels) for name in protocols}
    nested = {name: _nested(table, comparison, rows) for name, table in tables.items()}
    return {
        "detectors": [
            {"name": row.name, "title": row.title, "control": row.control, "truth": row.truth, "neutral": True}
            for row in rows
        ],
        "metrics": {metric.name: described(metric) for metric in metrics},
        "banks": [bank.name for bank in comparison.banks],
        "protocols": protocols,
        "labels": labels,
        "means": dict(MEANS),
        "protocol": comparison.protocol,
        "metric": comparison.metrics[0].name,
        "values": {name: values for name, (values, _) in nested.items()},
        "foreign": [_foreign(bank, comparison, rows) for bank in comparison.banks],
        "mean_ranks": {name: ranks for name, (_, ranks) in nested.items()},
    }


def _foreign(bank: Bank, comparison: Comparison, rows: Sequence[Shown]) -> list[int]:
    one = bank.experiment
    row_of = differences.rows_of(comparison.experiments)
    foreign = {row_of[one.name, name] for name in one.foreign or ()}
    return [place for place, row in enumerate(rows) if row.name in foreign]


def _nested(table: pd.DataFrame, comparison: Comparison, rows: Sequence[Shown]) -> tuple[dict, dict]:
    banks = {bank.name: place for place, bank in enumerate(comparison.banks)}
    places = {row.name: place for place, row in enumerate(rows)}
    values: dict = {}
    ranks: dict = {}
    keys = ["label", "metric", "detector", "bank", "mean_rank", *_SHOWN]
    for label, metric, detector, bank, mean, *shown in table[keys].itertuples(index=False):
        if pd.isna(shown[0]):
            continue
        level = values.setdefault(label, {}).setdefault(metric, [[None] * len(rows) for _ in banks])
        level[banks[bank]][places[detector]] = list(map(number, shown))
        level = ranks.setdefault(label, {}).setdefault(metric, [None] * len(rows))
        level[places[detector]] = number(mean)
    return values, ranks
