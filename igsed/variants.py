"""Variants of a detector's scores, and controls, that need nothing but the scores or the classes.

Blurring a map, which adds no information, often improves what it is judged by (Y. Rong et al., arXiv:2304.13836;
S. Rao, M. Böhle and B. Schiele, arXiv:2205.10435), so detectors are compared at equal smoothness, with smoothed random
and energy beside them. What the maps of all classes share is not about a class; a contrast takes it away. A map of a
class that is not in the clip should not find the events of one that is.
"""

from collections.abc import Collection

import numpy as np

from igsed.errors import InputError
from igsed.timeline import FRAME


def smooth(scores, seconds: float) -> np.ndarray:
    """Centred moving average over time.

    Parameters
    ----------
    scores : array_like (…, frame)
    seconds : float
        Length of the window, at least 0. Each frame counts by the share of it that lies in the window, so 0.2 s has the
        weights ½, 1, ½; up to 0.1 s, nothing changes. At the clip's edges the weights inside the clip are raised to the
        same sum.

    Returns
    -------
    numpy.ndarray of float64 (…, frame)
        Where all scores in the window are equal, exactly that score.

    Examples
    --------
    >>> smooth([0, 0, 4, 0, 0], 0.2).tolist()
    [0.0, 1.0, 2.0, 1.0, 0.0]
    """
    scores = np.array(scores, dtype=np.float64)
    width = round(seconds / FRAME, 6)
    change, total = np.zeros_like(scores), np.ones(scores.shape[-1])
    # Differences from the frame itself are averaged, and not scores, so that equal scores stay equal.
    for distance in range(1, scores.shape[-1]):
        weight = min(width / 2 - distance + 0.5, 1.0)
        if weight <= 0:
            break
        step = weight * (scores[..., distance:] - scores[..., :-distance])
        change[..., :-distance] += step
        change[..., distance:] -= step
        total[:-distance] += weight
        total[distance:] += weight
    return scores + change / total


def contrast(scores) -> np.ndarray:
    """What each class's scores have that those of the other classes lack.

    Parameters
    ----------
    scores : array_like (target, frame)

    Returns
    -------
    numpy.ndarray of float64 (target, frame)
        Each row's z-scores over the clip (zeros for a constant row) less the mean of the other rows' z-scores; with a
        single row its z-scores.
    """
    scores = np.asarray(scores, dtype=np.float64)
    centred = np.where(np.ptp(scores, axis=-1, keepdims=True) > 0, scores - scores.mean(-1, keepdims=True), 0.0)
    largest = np.abs(centred).max(-1, keepdims=True)
    centred = centred / np.where(largest > 0, largest, 1.0)  # squares of very small numbers would be zero
    deviation = centred.std(-1, keepdims=True)
    standard = centred / np.where(deviation > 0, deviation, 1.0)
    if len(standard) < 2:
        return standard
    differences = standard[:, None] - standard  # their mean, so that equal rows give exact zeros
    return differences.sum(1) / (len(standard) - 1)


def wrong_class(
    targets: list[int], in_clip: Collection[int], n_classes: int, generator: np.random.Generator
) -> list[int]:
    """For each target another class that is not in the clip, drawn at random.

    Parameters
    ----------
    targets : list of int
        Class indices.
    in_clip : collection of int
        The classes that are in the clip or are predicted there. Where all but the target are, any of them is drawn.
    n_classes : int
    generator : numpy.random.Generator
        One number is drawn for each of the `n_classes`, so that a target's wrong class does not depend on which others
        are asked for.

    Returns
    -------
    list of int
        One class for each target; two targets may have the same.

    Raises
    ------
    InputError
        There is no other class.
    """
    if n_classes < 2:
        raise InputError("the control of the wrong class needs at least two classes, and there is one. Leave it out.")
    draws = generator.random(n_classes)

    def drawn(target: int) -> int:
        others = [other for other in range(n_classes) if other != target]
        absent = [other for other in others if other not in in_clip] or others
        return absent[int(draws[target] * len(absent))]

    return [drawn(target) for target in targets]
