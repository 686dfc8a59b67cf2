"""Metrics that ask *which class* and not *when*: a class's scores beside those of the others in its clip."""

from collections.abc import Sequence

import numpy as np

from igsed.metrics.metric import Metric


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
