"""Every detector against every other one.

`igsed.evaluation.differences` compares each detector with one reference, by all metrics. Here each is compared with
each, by the metrics that rank and those that tables and figures always show, from one bootstrap a detector.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from igsed import metrics, statistics
from igsed.evaluation import Resampling, corrected
from igsed.metrics import DRAWN, Metric

COLUMNS = [
    *("detector", "minus", "split", "protocol", "label", "metric", "value", "low_wide", "high_wide"),
    *("p", "p_sources", "p_holm", "pairs", "clips", "sources", "seeds"),
]
"""The columns of `pairwise.csv`."""

Drawn = Mapping[tuple[str, str], Sequence[statistics.Draws]]
"""What was drawn of a detector, by split and protocol."""


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
    """The bootstrap of one detector. Parameters as of `igsed.evaluation.differences`.

    Metrics that see no mask are drawn once for the protocols of one choice of pairs.
    """
    found: dict[tuple[str, str], list[statistics.Draws]] = {}
    once: dict[tuple[str, str], statistics.Draws] = {}
    parts = [metrics.of_pairs(m for m in compared(chosen) if (m.needs == "mask") == masks) for masks in (False, True)]
    settings = resampling.replicates, resampling.seed
    for (split, protocol), rows in pairs.groupby(["split", "protocol"], sort=False):
        of_scores, of_masks = parts
        key = split, choices[protocol]
        if key not in once:
            once[key] = statistics.draws(rows, of_scores, classes, subsets[split], *settings)
        found[split, protocol] = [once[key], statistics.draws(rows, of_masks, classes, subsets[split], *settings)]
    return found


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
    found = []
    for minus, others in drawn.items():
        tables = [
            statistics.difference(one, other, confidence).assign(
                detector=detector, minus=minus, split=key[0], protocol=key[1]
            )
            for detector, own in drawn.items()
            if detector != minus
            for key in own
            if key in others
            for one, other in zip(own[key], others[key], strict=True)
        ]
        if tables := [each for each in tables if len(each)]:
            found.append(corrected(tables, confidence)[COLUMNS])
    if not found:
        return pd.DataFrame(columns=COLUMNS)
    return pd.concat(found, ignore_index=True)
