"""From frame scores to detections without labels: Otsu's threshold of each clip.

The scores of a clip and class are cut where the two groups differ most: the product of their sizes and the squared
difference of their means is largest (Otsu 1979, "A threshold selection method from gray-level histograms"). Here it is
computed from the scores themselves, without a histogram. Nothing is chosen on validation, so no strong label is needed.
"""

import numpy as np

from igsed.thresholds import above
from igsed.thresholds.rule import Rule


def otsu_mask(scores) -> np.ndarray:
    """Frames in the upper of the two groups into which Otsu's threshold cuts the scores of a clip.

    Parameters
    ----------
    scores : array_like (…, frame)
        Finite.

    Returns
    -------
    numpy.ndarray of bool (…, frame)
        Without any frame where all scores are equal. Of several equally good cuts the lowest is taken.

    Raises
    ------
    ValueError
        If there are no frames or a score is not finite.

    Examples
    --------
    >>> otsu_mask([0.1, 0.9, 0.2, 0.8]).astype(int)
    array([0, 1, 0, 1])
    """
    scores = above.validate(scores)
    ranked = np.sort(scores, axis=-1)
    frames = ranked.shape[-1]
    lower = np.arange(1, frames)
    # In units of the largest, so that no square leaves the range of numbers.
    largest = np.abs(ranked).max(-1, keepdims=True)
    scaled = np.divide(ranked, largest, out=np.zeros(ranked.shape), where=largest > 0)
    scaled -= scaled.mean(-1, keepdims=True)
    sums = scaled.cumsum(-1)[..., :-1]
    between = sums**2 / (lower * (frames - lower))
    # Equal scores are not cut apart.
    between[ranked[..., 1:] == ranked[..., :-1]] = -1
    if frames == 1:
        return np.zeros(scores.shape, dtype=bool)
    best = between.argmax(-1)[..., None]
    cut = np.take_along_axis(ranked, best, axis=-1)
    return (scores > cut) & (ranked[..., :1] < ranked[..., -1:])


OTSU = Rule(
    name="otsu",
    title="Otsu",
    citation="N. Otsu 1979, A threshold selection method from gray-level histograms",
    function=otsu_mask,
    note="Protocol otsu: at Otsu's threshold of each clip, for which no label is used.",
)
