"""How well a detector says *when*.

Each metric is a function and, below it in the same module, its declaration, a `Metric`, from which configuration,
files, tables and pages are made. Two families of functions: those of one class in one clip, a *pair*, compare a mask,
or the scores it comes from, with the active frames (arXiv:2605.23293, section on evaluation: 100 ms frames, averaged
over pairs). They take arrays (…, frame) and return one float64 per pair, the leading axes broadcast together. The
others compare lists of events, or scores at every threshold, with the events of all clips, as DCASE task 4 does.

Conventions
-----------
- A pair without any active frame, neither predicted nor real, has no score: NaN. Whoever averages reports how many
  were left out. Any other empty denominator gives 0: nothing predicted but something active has precision 0.
- Metrics of scores (Pointing Game, average precision) have no value, NaN, where no frame is active.
- All rates lie in 0…1.

Examples
--------
>>> import numpy as np
>>> predicted = np.array([False, True, True, False])
>>> active = np.array([False, False, True, True])
>>> float(iou(predicted, active)), float(f1(predicted, active))
(0.3333333333333333, 0.5)
"""

from collections.abc import Iterable

from igsed.components import Family
from igsed.metrics.classes import class_auc, class_correlation
from igsed.metrics.events import event_based, segment_based
from igsed.metrics.masks import active_ratio, f1, iou, precision, recall
from igsed.metrics.metric import ORDER, Metric
from igsed.metrics.onsets import deviations
from igsed.metrics.scored_events import any_filter_psds, collar_based, psds
from igsed.metrics.scores import average_precision, pointing_game, rank_accuracy, relevance_mass, roc_auc

METRICS = Family("metric", "igsed.metrics", Metric)
"""All metrics: igsed's own, those of installed packages, and `package.module:name`."""

DRAWN = ("iou", "f1")
"""What tables and figures show of every experiment, as the paper's do."""

__all__ = [
    "DRAWN",
    "METRICS",
    "Metric",
    "active_ratio",
    "any_filter_psds",
    "average_precision",
    "built_in",
    "class_auc",
    "class_correlation",
    "collar_based",
    "deviations",
    "event_based",
    "f1",
    "iou",
    "of_pairs",
    "pointing_game",
    "precision",
    "psds",
    "rank_accuracy",
    "ranking",
    "recall",
    "relevance_mass",
    "roc_auc",
    "segment_based",
]


def built_in() -> list[Metric]:
    """The metrics of igsed's own, in the order of what they need."""
    return sorted(METRICS.built_in.values(), key=lambda metric: ORDER.index(metric.needs))


def ranking(metrics: Iterable[Metric] | None = None) -> list[Metric]:
    """Those metrics by which detectors are ranked; without an argument of igsed's own. They need no threshold."""
    return [metric for metric in (built_in() if metrics is None else metrics) if metric.ranked and metric.of_pairs]


def of_pairs(metrics: Iterable[Metric] | None = None) -> list[str]:
    """The names of those metrics that each pair has a value of; without an argument of igsed's own."""
    return [metric.name for metric in (built_in() if metrics is None else metrics) if metric.of_pairs]
