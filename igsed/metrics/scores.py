"""Metrics of scores, which no threshold touches: where the highest score lies, and how well active frames rank."""

import numpy as np

from igsed.metrics.metric import Metric, ratio, validate_scores


def pointing_game(scores, active) -> np.ndarray:
    """Whether the highest score lies in an active frame (Zhang et al. 2016, "Top-down neural attention").

    Parameters
    ----------
    scores : array_like (…, frame)
        Of several equal maxima the first counts.
    active : array_like of bool (…, frame)

    Returns
    -------
    numpy.ndarray of float64 (…)
        1.0 for a hit, 0.0 for a miss, NaN where nothing is active.

    Raises
    ------
    ValueError
        If a score is not finite, the mask is not boolean, or the shapes do not fit together.
    """
    scores, active = np.broadcast_arrays(*validate_scores(scores, active))
    hit = np.take_along_axis(active, scores.argmax(-1)[..., None], axis=-1)[..., 0]
    return np.where(active.any(-1), hit.astype(np.float64), np.nan)


def average_precision(scores, active) -> np.ndarray:
    """Area under the precision-recall curve over all thresholds, as a step function.

    The sum over thresholds of precision times the gain in recall, frames with equal scores entering together: the
    definition (and value) of scikit-learn's `average_precision_score`. No threshold is chosen, so detectors whose
    scores have different scales can be compared.

    Parameters
    ----------
    scores : array_like (…, frame)
    active : array_like of bool (…, frame)

    Returns
    -------
    numpy.ndarray of float64 (…)
        In 0…1; the active ratio for constant scores; NaN where nothing is active.

    Raises
    ------
    ValueError
        If a score is not finite, the mask is not boolean, or the shapes do not fit together.
    """
    scores, active = np.broadcast_arrays(*validate_scores(scores, active))
    order = np.argsort(-scores, axis=-1)
    ranked = np.take_along_axis(scores, order, axis=-1)
    relevant = np.take_along_axis(active, order, axis=-1)
    frames = scores.shape[-1]
    ends_tie = np.ones(ranked.shape, dtype=bool)
    ends_tie[..., :-1] = ranked[..., 1:] != ranked[..., :-1]
    last = np.where(ends_tie, np.arange(frames), frames)
    last = np.minimum.accumulate(last[..., ::-1], axis=-1)[..., ::-1]
    at_tie = np.take_along_axis(relevant.cumsum(-1), last, axis=-1) / (last + 1)
    return ratio((at_tie * relevant).sum(-1), relevant.sum(-1), ~active.any(-1))


POINTING_GAME = Metric(
    name="pointing_game",
    title="Pointing Game",
    citation="J. Zhang et al. 2016, Top-down neural attention by excitation backprop",
    needs="scores",
    function=pointing_game,
    definition="1 when the highest score (of equals the first) lies in an active frame, else 0",
    undefined="A = 0",
    chance="the share of active frames",
)
AVERAGE_PRECISION = Metric(
    name="average_precision",
    title="Average precision",
    needs="scores",
    function=average_precision,
    definition="sum over thresholds of precision × gain in recall, equal scores together, as scikit-learn's",
    undefined="A = 0",
    chance="about the share of active frames; that share exactly for constant scores",
)
