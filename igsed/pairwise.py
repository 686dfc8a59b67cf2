"""Every detector against every other one.

`igsed.evaluation.differences` compares each detector with one reference, by all metrics. Here each is compared with
each, by the metrics that rank and those that tables and figures always show, from one bootstrap a detector.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from igsed import metrics, statistics
from igsed.evaluation import Resampling, corrected
from igsed.metrics import DRAWN, Metric

COLUMNS = [
    *("detector", "minus", "split", "protocol", "label", "metric", "value", "low_wide", "high_wide"),
    *("p", "p_sources", "p_holm", "pairs", "clips", "sources", "seeds"),
]
"""The columns of `pairwise.csv`."""


class Part(NamedTuple):
    """What was drawn of some metrics, and under which (split, protocol) these are the same."""

    places: Sequence[tuple[str, str]]
    draws: statistics.Draws


Drawn = Mapping[tuple[str, str], Part]
"""What was drawn of a detector: of metrics that see no mask by split and choice of pairs, of others by protocol."""


def compared(chosen: Sequence[Metric]) -> list[Metric]:
    """The metrics by which every detector is compared with every other one."""
    ranked = metrics.ranking(chosen)
    return [metric for metric in chosen if metric in ranked or (metric.name in DRAWN and metric.of_pairs)]


def draw(
    pairs: pd.DataFrame,
    subsets: Mapping[str, Sequence[str]],
    choices: Mapping[str, str],
    chosen: Sequence[Metric],
    classes: Sequence[str],
    resampling: Resampling,
) -> Drawn:
    """The bootstrap of one detector. Parameters as of `igsed.evaluation.differences`."""
    of_scores, of_masks = (
        metrics.of_pairs(m for m in compared(chosen) if (m.needs == "mask") == masks) for masks in (False, True)
    )

    def drawn(split: str, rows: pd.DataFrame, names: Sequence[str]) -> statistics.Draws:
        return statistics.draws(rows, names, classes, subsets[split], resampling.replicates, resampling.seed)

    found: dict[tuple[str, str], Part] = {}
    alike: dict[tuple[str, str], tuple[list, pd.DataFrame]] = {}
    for (split, protocol), rows in pairs.groupby(["split", "protocol"], sort=False):
        found[split, f"protocol {protocol}"] = Part([(split, protocol)], drawn(split, rows, of_masks))
        alike.setdefault((split, f"pairs {choices[protocol]}"), ([], rows))[0].append((split, protocol))
    return found | {key: Part(places, drawn(key[0], rows, of_scores)) for key, (places, rows) in alike.items()}


def table(drawn: Mapping[str, Drawn], confidence: float) -> pd.DataFrame:
    """Every detector minus every other one.

    Parameters
    ----------
    drawn : mapping
        Detector → `draw`.
    confidence : float
        Coverage of the intervals, 0…1.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`, a row for each ordered pair of detectors, split, protocol, label and metric, as of
        `igsed.statistics.difference`; `p_holm` is corrected as in `igsed.evaluation.corrected`, for the detectors that
        are compared with the same one.
    """
    found: dict[str, list[pd.DataFrame]] = {minus: [] for minus in drawn}
    for one, other in itertools.combinations(drawn, 2):
        for key in [key for key in drawn[one] if key in drawn[other]]:
            ours, theirs = drawn[one][key], drawn[other][key]
            difference = statistics.difference(ours.draws, theirs.draws, confidence)
            for split, protocol in [place for place in ours.places if place in theirs.places]:
                rows = difference.assign(split=split, protocol=protocol)
                found[other].append(rows.assign(detector=one, minus=other))
                found[one].append(statistics.reversed_difference(rows).assign(detector=other, minus=one))
    tables = [corrected(rows, confidence) for rows in found.values()]
    return pd.concat([each[COLUMNS] for each in tables if len(each)] or [pd.DataFrame(columns=COLUMNS)])
