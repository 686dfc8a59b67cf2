"""The numbers behind the leaderboard and the heat map, as one value for JSON."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from igsed.detectors import title_of
from igsed.metrics import DRAWN, METRICS, Metric, built_in, ranking
from igsed.names import ordered
from igsed.report import paper
from igsed.report.page.settings import Settings

MEANS = {"all": "All pairs", "class_mean": "Mean over classes"}
MAIN = (
    *(metric.name for metric in ranking()),
    *DRAWN,
    *(metric.name for metric in built_in() if metric.needs == "scored_events" and metric.column),
)
"""The metrics that are shown first, where the experiment has them."""

_SETS = {
    "Scores: when": ("scores",),
    "Scores: what": ("scores+clips", "scores+active+clips"),
    "Detected frames": ("mask",),
    "Events": ("events", "scored_events"),
}


def numbers(
    intervals: pd.DataFrame,
    metrics: pd.DataFrame,
    differences: pd.DataFrame,
    pairwise: pd.DataFrame,
    foreign: Iterable[str],
    settings: Settings,
) -> dict:
    """All that the leaderboard can show.

    Parameters
    ----------
    intervals, metrics, differences, pairwise : pandas.DataFrame
        `intervals.csv`, `metrics.csv`, `differences.csv`, `pairwise.csv`.
    foreign : iterable of str
        The detectors whose baseline is not neutral.
    settings : Settings

    Returns
    -------
    dict
        `detectors`, `metrics`, `sets` (title → metrics), `splits`, `protocols`, `labels`, `seeds`, `reference`, and by
        split, protocol, label and metric lists over detectors: `values` (value, low, high), `by_seed` (a value per
        seed), `pairs`; `differences` (value, low, high, p) likewise by the detector that is subtracted, then split;
        `paper` by label and metric. Without a value: None.
    """
    chosen = [METRICS.find(name) for name in settings.metrics]
    shown = [metric for metric in chosen if metric.name in set(metrics["metric"]) | set(intervals["metric"])]
    places = {name: place for place, name in enumerate(settings.detectors)}
    seeds = sorted(int(seed) for seed in metrics["seed"].unique())
    metrics = metrics[metrics["metric"].isin([metric.name for metric in shown])]
    labels = [*MEANS, *ordered(set(metrics["label"]) - {*MEANS}, settings.labels)]
    foreign = set(foreign)
    by_seed = metrics.pivot_table(index=[*_KEYS, "detector"], columns="seed", values="value").reindex(columns=seeds)
    means = by_seed.mean(axis=1).rename("value").reset_index()
    known = pd.MultiIndex.from_frame(intervals[[*_KEYS, "detector"]])
    alone = means[~pd.MultiIndex.from_frame(means[[*_KEYS, "detector"]]).isin(known)]
    both = pd.concat([_with_wide(intervals), alone.reindex(columns=[*_KEYS, "detector", *_INTERVAL])])
    return {
        "detectors": [
            {
                "name": name,
                "title": title_of(name),
                "control": name in settings.controls,
                "truth": name in settings.truth,
                "neutral": name not in foreign,
                "passes": settings.passes.get(name),
            }
            for name in settings.detectors
        ],
        "metrics": {metric.name: described(metric) for metric in shown},
        "sets": sets(shown),
        "splits": ordered(set(metrics["split"]), ("test", "recordings")),
        "protocols": list(settings.protocols),
        "labels": labels,
        "seeds": seeds,
        "reference": settings.reference,
        "values": _nested(both, _INTERVAL, places),
        "by_seed": _nested(by_seed.reset_index(), seeds, places),
        "differences": {
            str(minus): _nested(_with_wide(rows), [*_INTERVAL, "p_holm"], places)
            # The reference's are there by more metrics.
            for table in (pairwise[pairwise["minus"] != settings.reference], differences)
            for minus, rows in table.groupby("minus", sort=False)
        },
        "pairs": _pairs(intervals),
        "paper": _published(settings, shown),
    }


_KEYS = ["split", "protocol", "label", "metric"]
_INTERVAL = ["value", "low", "high"]


def sets(shown: Sequence[Metric]) -> dict[str, list[str]]:
    """The metrics by what they need, those of `MAIN` first."""
    names = [metric.name for metric in shown]
    found = {"Main": [name for name in MAIN if name in names]}
    found |= {title: [metric.name for metric in shown if metric.needs in needs] for title, needs in _SETS.items()}
    return {title: members for title, members in found.items() if members}


def described(metric: Metric) -> dict:
    """A metric for the script: `title`, `unit`, `better` (1 high, −1 low, 0 neither), `range`, `definition`."""
    low, high = metric.range
    return {
        "title": metric.title,
        "unit": metric.unit,
        "better": {True: 1, False: -1, None: 0}[metric.higher_is_better],
        "range": [low, high] if np.isfinite([low, high]).all() else None,
        "definition": (metric.definition or metric.title).replace("`", ""),
    }


def _with_wide(table: pd.DataFrame) -> pd.DataFrame:
    """`low` and `high` are the wider ones, where these are known."""
    if "low_wide" not in table:
        return table
    narrow = table.reindex(columns=["low", "high"])
    return table.assign(**{side: table[f"{side}_wide"].fillna(narrow[side]) for side in narrow})


def _nested(table: pd.DataFrame, columns: Sequence, places: dict[str, int]) -> dict:
    """By split, protocol, label and metric: a list over detectors of the columns' values, or None."""
    found: dict = {}
    table = table.reindex(columns=[*_KEYS, "detector", *columns])
    for split, protocol, label, metric, detector, *values in table.itertuples(index=False):
        if detector not in places or all(map(pd.isna, values)):
            continue
        level = found.setdefault(split, {}).setdefault(protocol, {}).setdefault(label, {})
        row = level.setdefault(metric, [None] * len(places))
        row[places[detector]] = [number(value) for value in values]
    return found


def _pairs(intervals: pd.DataFrame) -> dict:
    """By split, protocol and label: how many pairs, and clips, entered the IoU of the detector with the most."""
    found: dict = {}
    here = intervals[intervals["metric"] == "iou"]
    for key, rows in here.groupby(["split", "protocol", "label"], sort=False):
        split, protocol, label = key
        counts = [int(rows[count].max()) if count in rows else 0 for count in ("pairs", "clips")]
        found.setdefault(split, {}).setdefault(protocol, {})[label] = counts
    return found


def _published(settings: Settings, shown: Sequence[Metric]) -> dict:
    """The paper's values by label and metric, a list over detectors."""
    names = {metric.name for metric in shown}
    found: dict = {}
    for place, detector in enumerate(settings.detectors):
        rows: dict[str, Any] = {"all": paper.DETECTION.get(detector)}
        rows |= {label: paper.PER_CLASS.get((label, detector)) for label in settings.labels}
        for label, row in rows.items():
            for metric in names & {"iou", "f1", "pointing_game"} if row else ():
                value = getattr(row, metric, None)
                if value is not None:
                    level = found.setdefault(label, {}).setdefault(metric, [None] * len(settings.detectors))
                    level[place] = number(value)
    return {label: dict(sorted(level.items())) for label, level in found.items()}


def number(value) -> float | None:
    """A number for JSON, to six decimals as in the tables, so that three of them are the tables'; None for NaN.

    >>> number(0.12345678), number(float("nan"))
    (0.123457, None)
    """
    return None if value is None or not np.isfinite(value) else round(float(value), 6)
