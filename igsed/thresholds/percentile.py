"""From frame scores to detections: the percentile of the clip's own scores.

A frame is detected when its score lies strictly above a percentile of the scores of the same clip and class; the
percentile is swept on validation and the best one is used on test (arXiv:2605.23293, section on the detection
threshold). Percentiles follow numpy's linear rule: with n frames, percentile p lies at the fractional rank
(n − 1)·p / 100 of the sorted scores. So a clip with distinct scores always keeps the same number of frames, whatever
their scale, and the lowest score is never detected; of equal scores all or none are, and a constant curve detects
nothing.
"""

import numpy as np

from igsed.thresholds import above
from igsed.thresholds.rule import Counts, Rule


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
    scores = above.validate(scores)
    return scores > np.percentile(scores, float(percentile), axis=-1)[..., None]


def counts(scores, active, percentiles) -> Counts:
    """Frames of every pair above every percentile, each in 0…100: those of `percentile_mask`. See `above.counts`."""
    return above.counts(scores, active, np.asarray(percentiles, dtype=np.float64), thresholds)


def thresholds(scores: np.ndarray, percentiles: np.ndarray) -> np.ndarray:
    """Percentiles (percentile,) of scores (pair, frame): (pair, percentile)."""
    return np.percentile(scores, percentiles, axis=-1).T


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
