"""From frame scores to detections: a share of the clip's own range.

A frame is detected when its score lies strictly above a share of the way from the lowest to the highest score of the
same clip and class; the share is chosen on validation. Unlike a percentile it may mark many frames of one clip and few
of another, so that scores which are right in every frame have IoU 1. It is the threshold of weakly supervised object
localisation (Choe et al. 2020, arXiv:2001.07437: a share of the map's maximum).
"""

import numpy as np

from igsed.thresholds import above
from igsed.thresholds.rule import Counts, Rule


def peak_mask(scores, share: float) -> np.ndarray:
    """Frames whose score lies strictly above a share of the clip's own range.

    Parameters
    ----------
    scores : array_like (…, frame)
        Finite.
    share : float
        0…1.

    Returns
    -------
    numpy.ndarray of bool (…, frame)
        Without any frame where all scores are equal.

    Raises
    ------
    ValueError
        If the share is outside 0…1, there are no frames, or a score is not finite.

    Examples
    --------
    >>> peak_mask([1.0, 2.0, 3.0, 1.5], 0.4).astype(int)
    array([0, 1, 1, 0])
    """
    scores = above.validate(scores)
    return scores > thresholds(scores, np.array([share], dtype=np.float64))


def thresholds(scores: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Scores at shares (share,) of the range of scores (…, frame): (…, share)."""
    if not ((shares >= 0) & (shares <= 1)).all():
        raise ValueError("shares must lie in 0…1")
    low, high = scores.min(-1, keepdims=True), scores.max(-1, keepdims=True)
    # Each end is weighted by itself, so that the difference of very large scores cannot leave the range of numbers.
    return np.where(low == high, high, low * (1 - shares) + high * shares)


def counts(scores, active, shares) -> Counts:
    """Frames of every pair above every share, each in 0…1: those of `peak_mask`. See `above.counts`."""
    return above.counts(scores, active, np.asarray(shares, dtype=np.float64), thresholds)


def swept(evaluation) -> list[float]:
    """Shares in steps of a hundredth."""
    return [k / 100 for k in range(1, 100)]


PEAK = Rule(
    name="peak",
    title="Share of the score range",
    citation="J. Choe et al. 2020, Evaluating weakly supervised object localization methods right",
    function=peak_mask,
    parameter="share",
    swept=swept,
    span=(0, 1),
    counts=counts,
    note="Protocol peak: each detector at the share of a clip's range of scores that is best for it on validation.",
)
