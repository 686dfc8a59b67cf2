"""Masks of scores above a threshold of each pair's own, and how many frames they hold, for many thresholds at once."""

from collections.abc import Callable

import numpy as np

from igsed.thresholds.rule import Counts

_BLOCK = 1024
"""Pairs that `counts` holds at a time: about 10 MB per array with 100 frames and 99 thresholds."""


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


def counts(scores, active, values: np.ndarray, thresholds: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Counts:
    """Frames of every pair strictly above the threshold at every value of a rule's parameter.

    Scores and thresholds of a pair are sorted together once, so that cumulative counts give what lies above each.

    Parameters
    ----------
    scores : array_like (pair, frame)
    active : array_like of bool (pair, frame)
    values : numpy.ndarray (value,)
    thresholds : callable
        `(scores (pair, frame), values (value,)) -> (pair, value)`.

    Returns
    -------
    Counts
        (pair, value).

    Raises
    ------
    ValueError
        If a score is not finite, or the shapes do not fit together.
    """
    scores, active = validate(scores), np.asarray(active)
    if scores.ndim != 2 or scores.shape != active.shape or values.ndim != 1:
        shapes = f"scores {scores.shape}, active {active.shape} and values {values.shape}"
        raise ValueError(f"{shapes} must be (pair, frame), (pair, frame) and (value,)")
    if active.dtype != bool:
        raise ValueError(f"active must be a boolean mask, not {active.dtype}")
    found = Counts(*(np.empty((len(scores), len(values)), dtype=int) for _ in Counts._fields))
    for start in range(0, len(scores), _BLOCK):
        rows = slice(start, start + _BLOCK)
        found.both[rows], found.predicted[rows] = _counts_above(
            scores[rows], active[rows], thresholds(scores[rows], values)
        )
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
