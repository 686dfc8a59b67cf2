"""From frame scores to detections: the percentile of the clip's own scores.

A frame is detected when its score lies strictly above a percentile of the scores of the same clip and class; the
percentile is swept on validation and the best one is used on test (arXiv:2605.23293, section on the detection
threshold). Percentiles follow numpy's linear rule: with n frames, percentile p lies at the fractional rank
(n − 1)·p / 100 of the sorted scores. So a clip with distinct scores always keeps the same number of frames, whatever
their scale, and the lowest score is never detected; of equal scores all or none are, and a constant curve detects
nothing.
"""

from typing import NamedTuple

import numpy as np

_BLOCK = 1024
"""Pairs that `sweep` holds at a time: about 10 MB per array with 100 frames and 99 percentiles."""


class Sweep(NamedTuple):
    """IoU and F1 of each pair at each percentile, float64 (pair, percentile)."""

    iou: np.ndarray
    f1: np.ndarray


def validate(scores) -> np.ndarray:
    """Check that there are frames and that every score is finite; the scores as float64.

    Raises
    ------
    ValueError
        If there are no frames or a score is NaN or infinite.
    """
    scores = np.asarray(scores, dtype=np.float64)
    if not scores.ndim or not scores.shape[-1]:
        raise ValueError(f"scores {scores.shape} have no frames")
    if not np.isfinite(scores).all():
        raise ValueError(f"{int((~np.isfinite(scores)).sum())} of {scores.size} scores are not finite")
    return scores


def percentile_mask(scores, percentile: float) -> np.ndarray:
    """Frames whose score lies strictly above the clip's own percentile.

    Parameters
    ----------
    scores : array_like (…, frame)
        Finite.
    percentile : float
        0…100.

    Returns
    -------
    numpy.ndarray of bool (…, frame)

    Raises
    ------
    ValueError
        If the percentile is outside 0…100, there are no frames, or a score is not finite.

    Examples
    --------
    >>> percentile_mask([0.1, 0.4, 0.2, 0.3], 50).astype(int)
    array([0, 1, 0, 1])
    """
    scores = validate(scores)
    return scores > np.percentile(scores, float(percentile), axis=-1)[..., None]


def sweep(scores, active, percentiles) -> Sweep:
    """IoU and F1 of every pair at every percentile.

    The same values, to the last bit, as `metrics.iou` and `metrics.f1` of `percentile_mask`. Scores and thresholds of a
    pair are sorted together once, so that cumulative counts give what lies above each threshold.

    Parameters
    ----------
    scores : array_like (pair, frame)
    active : array_like of bool (pair, frame)
    percentiles : array_like (percentile,)
        Each in 0…100.

    Returns
    -------
    Sweep
        NaN where a pair has neither a detected nor an active frame.

    Raises
    ------
    ValueError
        If a score is not finite, a percentile is outside 0…100, or the shapes do not fit together.
    """
    scores, active, percentiles = (
        validate(scores),
        np.asarray(active),
        np.asarray(percentiles, dtype=np.float64),
    )
    if scores.ndim != 2 or scores.shape != active.shape or percentiles.ndim != 1:
        shapes = f"scores {scores.shape}, active {active.shape} and percentiles {percentiles.shape}"
        raise ValueError(f"{shapes} must be (pair, frame), (pair, frame) and (percentile,)")
    if active.dtype != bool:
        raise ValueError(f"active must be a boolean mask, not {active.dtype}")
    result = Sweep(*(np.empty((len(scores), len(percentiles))) for _ in Sweep._fields))
    for start in range(0, len(scores), _BLOCK):
        rows = slice(start, start + _BLOCK)
        thresholds = np.percentile(scores[rows], percentiles, axis=-1).T
        kept, hits = _counts_above(scores[rows], active[rows], thresholds)
        total = kept + active[rows].sum(-1, keepdims=True)
        with np.errstate(invalid="ignore"):  # 0 / 0: nothing detected and nothing active
            result.iou[rows] = hits / (total - hits)
            result.f1[rows] = 2 * hits / total
    return result


def _counts_above(scores: np.ndarray, active: np.ndarray, thresholds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many frames, and how many active frames, score above each threshold (pair, threshold)."""
    frames = scores.shape[-1]
    # Scores come first and the sort is stable, so a score that equals a threshold is counted as not above it.
    order = np.argsort(np.concatenate([scores, thresholds], axis=-1), axis=-1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(order.shape[-1])[None], axis=-1)
    weights = np.concatenate([active, np.zeros(thresholds.shape, dtype=bool)], axis=-1)
    active_so_far = np.take_along_axis(weights, order, axis=-1).cumsum(-1)
    scores_so_far = (order < frames).cumsum(-1)
    place = rank[:, frames:]
    kept = frames - np.take_along_axis(scores_so_far, place, axis=-1)
    hits = active_so_far[:, -1:] - np.take_along_axis(active_so_far, place, axis=-1)
    return kept, hits


def best(percentiles, curve) -> float:
    """The percentile at which a mean curve is highest.

    Several percentiles can give the same masks, so the maximum may be a plateau. The middle of the first plateau is
    taken (of two middle ones the lower), the choice farthest from both of its edges. NaN counts as no value.

    Parameters
    ----------
    percentiles : array_like (percentile,)
        In increasing order.
    curve : array_like (percentile,)
        For example the mean IoU over the validation pairs.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the lengths differ or no percentile has a value.

    Examples
    --------
    >>> best([10, 20, 30, 40, 50], [0.1, 0.3, 0.3, 0.3, 0.2])
    30.0
    """
    percentiles, curve = np.asarray(percentiles, dtype=np.float64), np.asarray(curve, dtype=np.float64)
    if percentiles.shape != curve.shape or curve.ndim != 1:
        raise ValueError(f"percentiles {percentiles.shape} and curve {curve.shape} must be two vectors of one length")
    if not np.isfinite(curve).any():
        raise ValueError("the curve has no value at any percentile: no pair was scored")
    first = int(np.nanargmax(curve))
    beyond = np.flatnonzero(curve[first:] != curve[first])
    length = int(beyond[0]) if len(beyond) else len(curve) - first
    return float(percentiles[first + (length - 1) // 2])
