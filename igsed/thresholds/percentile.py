"""From frame scores to detections: the percentile of the clip's own scores.

A frame is detected when its score lies strictly above a percentile of the scores of the same clip and class; the
percentile is swept on validation and the best one is used on test (arXiv:2605.23293, section on the detection
threshold). Percentiles follow numpy's linear rule: with n frames, percentile p lies at the fractional rank
(n − 1)·p / 100 of the sorted scores. So a clip with distinct scores always keeps the same number of frames, whatever
their scale, and the lowest score is never detected; of equal scores all or none are, and a constant curve detects
nothing.
"""

import numpy as np

from igsed.thresholds.rule import Counts, Rule

_BLOCK = 1024
"""Pairs that `counts` holds at a time: about 10 MB per array with 100 frames and 99 percentiles."""


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


def counts(scores, active, percentiles) -> Counts:
    """Frames of every pair above every percentile.

    The same as those of `percentile_mask`. Scores and thresholds of a pair are sorted together once, so that cumulative
    counts give what lies above each threshold.

    Parameters
    ----------
    scores : array_like (pair, frame)
    active : array_like of bool (pair, frame)
    percentiles : array_like (percentile,)
        Each in 0…100.

    Returns
    -------
    Counts
        (pair, percentile).

    Raises
    ------
    ValueError
        If a score is not finite, a percentile is outside 0…100, or the shapes do not fit together.
    """
    scores, active = validate(scores), np.asarray(active)
    percentiles = np.asarray(percentiles, dtype=np.float64)
    if scores.ndim != 2 or scores.shape != active.shape or percentiles.ndim != 1:
        shapes = f"scores {scores.shape}, active {active.shape} and percentiles {percentiles.shape}"
        raise ValueError(f"{shapes} must be (pair, frame), (pair, frame) and (percentile,)")
    if active.dtype != bool:
        raise ValueError(f"active must be a boolean mask, not {active.dtype}")
    found = Counts(*(np.empty((len(scores), len(percentiles)), dtype=int) for _ in Counts._fields))
    for start in range(0, len(scores), _BLOCK):
        rows = slice(start, start + _BLOCK)
        thresholds = np.percentile(scores[rows], percentiles, axis=-1).T
        found.both[rows], found.predicted[rows] = _counts_above(scores[rows], active[rows], thresholds)
    return found


def _counts_above(scores: np.ndarray, active: np.ndarray, thresholds: np.ndarray) -> Counts:
    """How many active frames, and how many frames, score above each threshold (pair, threshold)."""
    frames = scores.shape[-1]
    # Scores come first and the sort is stable, so a score that equals a threshold is counted as not above it.
    order = np.argsort(np.concatenate([scores, thresholds], axis=-1), axis=-1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(order.shape[-1])[None], axis=-1)
    weights = np.concatenate([active, np.zeros(thresholds.shape, dtype=bool)], axis=-1)
    active_so_far = np.take_along_axis(weights, order, axis=-1).cumsum(-1)
    scores_so_far = (order < frames).cumsum(-1)
    place = rank[:, frames:]
    predicted = frames - np.take_along_axis(scores_so_far, place, axis=-1)
    both = active_so_far[:, -1:] - np.take_along_axis(active_so_far, place, axis=-1)
    return Counts(both, predicted)


def swept(evaluation) -> range:
    """The percentiles that `evaluation.percentiles` of the configuration names."""
    first, last = evaluation.percentiles
    return range(first, last + 1)


PERCENTILE = Rule(
    name="percentile",
    title="Percentile",
    citation="M. Dumpis and T. Virtanen 2026, arXiv:2605.23293",
    function=percentile_mask,
    parameter="percentile",
    swept=swept,
    span=(0, 100),
    counts=counts,
    protocols={"own": False, "shared": True},
    note="Protocol own: each detector at the percentile that is best for it on validation; shared: all detectors at "
    "the percentile of one, by default IG.",
)
