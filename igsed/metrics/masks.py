"""Metrics of a mask: the frames that a detector marks against the active frames (arXiv:2605.23293, evaluation).

H are the frames both predicted and active, D the predicted, A the active ones of a pair.
"""

import numpy as np

from igsed.metrics.metric import Metric, ratio, validate_masks

_PAPER = "M. Dumpis and T. Virtanen 2026, arXiv:2605.23293"


def iou(predicted, active) -> np.ndarray:
    """Intersection over union (Jaccard index) of two masks.

    Parameters
    ----------
    predicted, active : array_like of bool (…, frame)

    Returns
    -------
    numpy.ndarray of float64 (…)
        In 0…1; NaN where neither mask has an active frame.

    Raises
    ------
    ValueError
        If a mask is not boolean or the shapes do not fit together.
    """
    return _iou(*_counts(predicted, active))


def f1(predicted, active) -> np.ndarray:
    """Harmonic mean of precision and recall, 2·IoU / (1 + IoU) of the pair. Arguments and errors: see `iou`."""
    return _f1(*_counts(predicted, active))


def precision(predicted, active) -> np.ndarray:
    """Share of the predicted frames that are active; 0 where nothing is predicted. Arguments and errors: see `iou`."""
    return _precision(*_counts(predicted, active))


def recall(predicted, active) -> np.ndarray:
    """Share of the active frames that are predicted; 0 where nothing is active. Arguments and errors: see `iou`."""
    return _recall(*_counts(predicted, active))


def active_ratio(active) -> np.ndarray:
    """Share of active frames, which is also the Pointing Game that random scores are expected to reach.

    Parameters
    ----------
    active : array_like of bool (…, frame)

    Returns
    -------
    numpy.ndarray of float64 (…)
        In 0…1.

    Raises
    ------
    ValueError
        If the mask is not boolean or has no frames.
    """
    _, active = validate_masks(active, active)
    return active.mean(-1)


def _counts(predicted, active) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    predicted, active = validate_masks(predicted, active)
    return (predicted & active).sum(-1), predicted.sum(-1), active.sum(-1)


def _iou(both, predicted, active) -> np.ndarray:
    return ratio(both, predicted + active - both, predicted + active == 0)


def _f1(both, predicted, active) -> np.ndarray:
    return ratio(2 * both, predicted + active, predicted + active == 0)


def _precision(both, predicted, active) -> np.ndarray:
    return ratio(both, np.broadcast_to(predicted, both.shape), predicted + active == 0)


def _recall(both, predicted, active) -> np.ndarray:
    return ratio(both, np.broadcast_to(active, both.shape), predicted + active == 0)


IOU = Metric(
    name="iou",
    title="IoU",
    citation=_PAPER,
    needs="mask",
    function=iou,
    of_counts=_iou,
    definition="H / (D + A − H)",
    undefined="D + A = 0",
    chance="depends on the shares of detected and of active frames (`igsed.statistics.random_iou`)",
)
F1 = Metric(
    name="f1",
    title="F1",
    citation=_PAPER,
    needs="mask",
    function=f1,
    of_counts=_f1,
    definition="2 H / (D + A)",
    undefined="D + A = 0",
    chance="depends on the shares of detected and of active frames",
)
PRECISION = Metric(
    name="precision",
    title="Precision",
    needs="mask",
    function=precision,
    of_counts=_precision,
    definition="H / D; 0 where D = 0 and A > 0",
    undefined="D + A = 0",
    chance="the share of active frames",
    column=False,
)
RECALL = Metric(
    name="recall",
    title="Recall",
    needs="mask",
    function=recall,
    of_counts=_recall,
    definition="H / A; 0 where A = 0 and D > 0",
    undefined="D + A = 0",
    chance="the share of detected frames",
    column=False,
)
