"""Detectors beside banks: values, ranks, and how far the banks agree on the order of the detectors."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from igsed.compare import differences, places
from igsed.compare.folders import MEANS, Bank, Experiment, read
from igsed.errors import InputError, suggestion
from igsed.metrics import METRICS, Metric, ranking

DEFAULT = tuple(metric.name for metric in ranking())
"""The metrics that are always compared, where there are results of them; they need no threshold."""

FEWEST = 3
"""Detectors that an agreement needs: of two the orders are the same or reversed, whatever the detectors do."""

_DIGITS = 12
"""Values that differ by less are equal: sums taken in another order differ so."""

_COLUMNS = ["value", "low", "high", "interval", "pairs", "clips", "seeds", "undefined"]


@dataclass(frozen=True)
class Comparison:
    """What is said of several experiments.

    Attributes
    ----------
    experiments : sequence of Experiment
    banks : sequence of Bank
    metrics : sequence of Metric
        Those of which there are values.
    protocol : str
    table : pandas.DataFrame
        Rows by `metric, label, detector, bank`: `split, protocol, value, low, high, interval, rank, mean_rank, banks,
        pairs, clips, seeds, undefined`. `detector` is the row's name (`differences.rows_of`); `interval` the bounds'
        kind, `wide` or `clips`; `rank` (1 best), `mean_rank` over the `banks` that have values, NaN where a detector is
        not ranked; `rank_low`, `rank_high` (`places.with_intervals`); `neutral`, 0 where the detector's baseline is not
        neutral in the experiment, else 1, NaN where that is not known.
    agreement : pandas.DataFrame
        As `agreement` returns it.
    differences : sequence of str
        In what the experiments differ beside their banks.
    """

    experiments: Sequence[Experiment]
    banks: Sequence[Bank]
    metrics: Sequence[Metric]
    protocol: str
    table: pd.DataFrame = field(repr=False)
    agreement: pd.DataFrame = field(repr=False)
    differences: Sequence[str]


def compare(folders: Iterable[str | Path], metrics: Iterable[str] = (), protocol: str | None = None) -> Comparison:
    """Compare the detectors of several experiments.

    Parameters
    ----------
    folders : iterable of path
        ``results/<experiment>``, one or more.
    metrics : iterable of str
        Metrics beside `DEFAULT`: names, or `package.module:name` of one's own.
    protocol : str, optional
        By default the first that all experiments have.

    Raises
    ------
    InputError
        See `igsed.compare.read`; a metric is unknown or in no experiment, or a protocol not in all.
    """
    wanted = [METRICS.find(name) for name in dict.fromkeys(metrics)]
    experiments = read(folders, wanted)
    chosen = {metric.name: metric for metric in map(METRICS.find, (name for name in DEFAULT if name in METRICS.names))}
    chosen |= {metric.name: metric for metric in wanted}
    present = set().union(*(one.metrics["metric"] for one in experiments))
    for metric in wanted:
        if metric.name not in present:
            known = sorted(present & set(METRICS.names))
            raise InputError(
                f"--metrics {metric.name}: no experiment has it{suggestion(metric.name, known)}. Use some of "
                f"{', '.join(known)}, or run an experiment with it (evaluation.metrics)."
            )
    found = [metric for metric in chosen.values() if metric.name in present]
    if not found:
        raise InputError(f"no experiment has results of {', '.join(chosen)}. Name other metrics with --metrics.")
    protocol = _protocol(experiments, protocol)
    banks = [bank for one in experiments for bank in one.banks]
    table = judged(experiments, banks, found, protocol)
    return Comparison(experiments, banks, found, protocol, table, agreement(table), differences.sentences(experiments))


def common_protocols(experiments: Sequence[Experiment]) -> list[str]:
    """The protocols that all experiments have, in an order in which that of the experiments does not matter."""
    common = set.intersection(*(set(one.protocols) for one in experiments))
    return sorted(common, key=lambda name: (sum(one.protocols.index(name) for one in experiments), name))


def common_classes(experiments: Sequence[Experiment]) -> list[str]:
    """The classes that all experiments have, in the order of the first."""
    common = set.intersection(*(set(one.classes) for one in experiments))
    return [label for label in experiments[0].classes if label in common]


def judged(
    experiments: Sequence[Experiment],
    banks: Sequence[Bank],
    metrics: Sequence[Metric],
    protocol: str,
    labels: Sequence[str] = tuple(MEANS),
) -> pd.DataFrame:
    """The table of a `Comparison`, for some metrics, a protocol and some labels."""
    table = ranked(_values(experiments, banks, metrics, protocol, labels), {metric.name: metric for metric in metrics})
    return places.with_intervals(table, {metric.name: metric.higher_is_better for metric in metrics})


def _protocol(experiments: Sequence[Experiment], asked: str | None) -> str:
    told = "; ".join(f"{one.name}: {', '.join(one.protocols)}" for one in experiments)
    common = common_protocols(experiments)
    if asked is None and not common:
        raise InputError(f"the experiments have no protocol in common ({told}). Compare those that have one.")
    if asked is not None and asked not in common:
        raise InputError(f"--protocol {asked}: not all experiments have it ({told}). Use one that all have.")
    return asked or common[0]


def _values(
    experiments: Sequence[Experiment],
    banks: Sequence[Bank],
    metrics: Sequence[Metric],
    protocol: str,
    labels: Sequence[str],
) -> pd.DataFrame:
    """The table without ranks, and whether a detector is `rankable`: not made from the events."""
    rows = differences.rows_of(experiments)
    names, parts = [metric.name for metric in metrics], []
    for bank in banks:
        one = bank.experiment
        found = pd.concat([_with_intervals(one, names), _of_seeds(one, names)], ignore_index=True)
        found = found[(found["split"] == bank.split) & (found["protocol"] == protocol) & found["label"].isin(labels)]
        truth = {name for name, chosen in one.detectors.items() if differences.made_from_events(chosen)}
        parts.append(
            found.assign(
                bank=bank.name,
                rankable=~found["detector"].isin(truth),
                neutral=np.nan if one.foreign is None else (~found["detector"].isin(one.foreign)).astype(float),
                detector=[rows[one.name, name] for name in found["detector"]],
            )
        )
    table = pd.concat(parts, ignore_index=True)
    order = {
        "metric": names,
        "label": list(labels),
        "detector": list(dict.fromkeys(rows.values())),
        "bank": [bank.name for bank in banks],
    }
    place = pd.DataFrame({key: pd.Index(values).get_indexer(table[key]) for key, values in order.items()})
    return table.iloc[place.sort_values(list(order), kind="stable").index].reset_index(drop=True)


def _with_intervals(one: Experiment, names: Sequence[str]) -> pd.DataFrame:
    found = one.intervals[one.intervals["metric"].isin(names)].copy()
    wide = found["low_wide"].notna() if "low_wide" in found and "high_wide" in found else pd.Series(False, found.index)
    for bound in ("low", "high"):
        found[bound] = found[f"{bound}_wide"].where(wide, found[bound]) if wide.any() else found[bound]
    interval = wide.map({True: "wide", False: "clips"}).where(found["low"].notna(), None)
    return found.assign(interval=interval)[["metric", "label", "detector", "split", "protocol", *_COLUMNS]]


def _of_seeds(one: Experiment, names: Sequence[str]) -> pd.DataFrame:
    """Means over seeds of what has no interval: metrics of events. `seeds` are those that have a value."""
    alone = set(names) - set(one.intervals["metric"])
    keys = ["metric", "label", "detector", "split", "protocol"]
    found = one.metrics[one.metrics["metric"].isin(alone)]
    found = found.groupby(keys, sort=False)["value"].agg(value="mean", seeds="count").reset_index()
    return found.assign(low=np.nan, high=np.nan, interval=None, pairs=np.nan, clips=np.nan, undefined=np.nan)


def ranked(table: pd.DataFrame, metrics: dict[str, Metric]) -> pd.DataFrame:
    """The table with the detectors' ranks in each bank, and their mean over banks.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows by `metric, label, detector, bank` with `value` and `rankable`.
    metrics : dict
        Name → metric, which says whether high values are good.

    Returns
    -------
    pandas.DataFrame
        The same rows and order; with `rank`, `mean_rank` and `banks`, the number of banks that have a value at all.
    """
    parts = []
    for (name, _), rows in table.groupby(["metric", "label"], sort=False):
        values = rows.pivot(index="detector", columns="bank", values="value").round(_DIGITS)
        values = values.dropna(axis="columns", how="all")
        rankable = rows.groupby("detector")["rankable"].all().reindex(values.index)
        common = values[values.notna().all(axis="columns") & rankable]
        if (best := metrics[name].higher_is_better) is None:
            common = common.iloc[:0]
        ranks = common.rank(ascending=not best)
        cells = pd.MultiIndex.from_frame(rows[["detector", "bank"]])
        parts.append(
            rows.assign(
                rank=ranks.stack().reindex(cells).to_numpy() if len(ranks) else np.nan,
                mean_rank=rows["detector"].map(ranks.mean(axis="columns")).astype(float),
                banks=values.shape[1],
            )
        )
    return pd.concat(parts) if parts else table.assign(rank=np.nan, mean_rank=np.nan, banks=0)


def agreement(table: pd.DataFrame) -> pd.DataFrame:
    """How far each two banks agree on the detectors, of those that both have and that are not made from the events.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows by `metric, label, detector, bank` with `value` and `rankable`.

    Returns
    -------
    pandas.DataFrame
        `metric, label, bank, other, detectors` (how many enter), `spearman`, `kendall` (tau-b; both −1…1, or NaN), and
        `reason`: why they are NaN.
    """
    found = []
    for (metric, label), rows in table[table["rankable"]].groupby(["metric", "label"], sort=False):
        values = rows.pivot(index="detector", columns="bank", values="value").round(_DIGITS)
        for bank, other in itertools.combinations(dict.fromkeys(table["bank"]), 2):
            both = values.reindex(columns=[bank, other]).dropna()
            reason = _no_agreement(both)
            spearman = kendall = np.nan
            if not reason:
                spearman = float(stats.spearmanr(both[bank], both[other]).statistic)
                kendall = float(stats.kendalltau(both[bank], both[other], variant="b").statistic)
            found.append((metric, label, bank, other, len(both), spearman, kendall, reason))
    columns = ["metric", "label", "bank", "other", "detectors", "spearman", "kendall", "reason"]
    return pd.DataFrame(found, columns=columns)


def _no_agreement(both: pd.DataFrame) -> str:
    if len(both) < FEWEST:
        return f"fewer than {FEWEST} detectors"
    constant = [bank for bank in both if both[bank].nunique() == 1]
    return f"all detectors have the same value in {' and '.join(constant)}" if constant else ""
