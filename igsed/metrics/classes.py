"""Metrics that ask *which class* and not *when*: a class's scores beside those of the others in its clip."""

from collections.abc import Sequence

import numpy as np

from igsed.metrics.metric import Metric, validate_scores
from igsed.metrics.scores import auc

_BLOCK = 2**15
"""Ordered pairs of classes compared at a time: about 25 MB per array with 100 frames."""


def class_correlation(scores: np.ndarray, clips: Sequence[str]) -> np.ndarray:
    """How much a pair's scores are like those of the other classes in its clip: their mean correlation (Pearson's).

    Near 1 the scores say when something sounds, but not what.

    Parameters
    ----------
    scores : numpy.ndarray (pair, frame)
    clips : sequence of str (pair,)
        The clip of each pair.

    Returns
    -------
    numpy.ndarray of float64 (pair,)
        In −1…1. NaN for the only pair of a clip, and where scores of the clip are constant.

    Examples
    --------
    >>> class_correlation(np.array([[0, 1], [0, 2], [5, 4], [0, 1]]), ["a", "a", "a", "b"])
    array([ 0.,  0., -1., nan])
    """
    scores = np.asarray(scores)
    unit = scores - scores.mean(-1, keepdims=True, dtype=np.float64)
    unit[np.ptp(scores, axis=-1) == 0] = np.nan
    unit /= np.linalg.norm(unit, axis=-1, keepdims=True)
    names, place = np.unique(np.asarray(clips, dtype=str), return_inverse=True)
    together = np.zeros((len(names), scores.shape[-1]))
    np.add.at(together, place, unit)
    others = np.bincount(place)[place] - 1
    similar = np.einsum("pf,pf->p", together[place] - unit, unit)
    return np.divide(similar, others, out=np.full(len(scores), np.nan), where=others > 0)


def class_auc(scores: np.ndarray, active: np.ndarray, clips: Sequence[str]) -> np.ndarray:
    """Whether a pair's scores tell its class from the other scored classes of its clip.

    For a pair of class A and each other pair of the clip, of class B: how often a frame of A without B has a higher
    score of A than a frame of B without A, equal scores counting half. The mean over the B for which there are such
    frames. Loudness, which is the same for all classes, has 0.5 in the mean of A and B.

    Parameters
    ----------
    scores : numpy.ndarray (pair, frame)
    active : numpy.ndarray of bool (pair, frame)
    clips : sequence of str (pair,)
        The clip of each pair.

    Returns
    -------
    numpy.ndarray of float64 (pair,)
        In 0…1. NaN for the only pair of a clip, and where no other class has frames to compare.

    Raises
    ------
    ValueError
        If a score is not finite, the mask is not boolean, or the shapes do not fit together.

    Examples
    --------
    >>> active = np.array([[True, True, False], [False, True, True]])
    >>> class_auc(np.array([[2.0, 1.0, 0.0], [2.0, 1.0, 0.0]]), active, ["a", "a"])
    array([1., 0.])
    """
    scores, active = validate_scores(scores, active)
    first, second = _ordered_pairs(clips)
    total, count = np.zeros(len(scores)), np.zeros(len(scores))
    for start in range(0, len(first), _BLOCK):
        a, b = first[start : start + _BLOCK], second[start : start + _BLOCK]
        found = auc(scores[a], active[a] & ~active[b], active[b] & ~active[a])
        np.add.at(total, a, np.nan_to_num(found))
        np.add.at(count, a, ~np.isnan(found))
    return np.divide(total, count, out=np.full(len(scores), np.nan), where=count > 0)


def _ordered_pairs(clips: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Places of all ordered pairs of different rows that have the same clip."""
    _, place = np.unique(np.asarray(clips, dtype=str), return_inverse=True)
    order = np.argsort(place, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(place[order])) + 1, len(order))
    first, second = [], []
    for rows in np.split(order, ends[:-1]):
        a, b = (side.ravel() for side in np.meshgrid(rows, rows, indexing="ij"))
        first.append(a[a != b])
        second.append(b[a != b])
    return np.concatenate(first), np.concatenate(second)


CLASS_CORRELATION = Metric(
    name="class_correlation",
    title="Class correlation",
    needs="scores+clips",
    function=class_correlation,
    range=(-1, 1),
    higher_is_better=False,
    definition="mean Pearson correlation of the pair's scores with those of the other scored pairs of its clip: near 1 "
    "they say when something sounds, but not what",
    undefined="no other pair in the clip; constant scores",
    chance="0",
    column=False,
)
CLASS_AUC = Metric(
    name="class_auc",
    title="Class AUC",
    needs="scores+active+clips",
    function=class_auc,
    definition="for the class A and each other scored class B of the clip: how often a frame of A without B has a "
    "higher score of A than a frame of B without A, equal scores counting half; mean over B. It asks what, not when",
    undefined="no other pair in the clip, or none with frames to compare",
    chance="0.5, which scores that are the same for all classes have too",
    ranked=True,
)
