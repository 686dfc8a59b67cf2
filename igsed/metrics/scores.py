"""Metrics of scores, which no threshold touches: where the highest score lies, and how well active frames rank."""

import functools

import numpy as np

from igsed.metrics.metric import Metric, ratio, validate_scores

TOLERANCE = 2
"""Frames, 0.2 s, by which the maximum may miss an event in `POINTING_GAME_NEAR`: the collar of DCASE task 4."""


def pointing_game(scores, active, tolerance: int = 0) -> np.ndarray:
    """Whether the highest score lies in an active frame (Zhang et al. 2016, "Top-down neural attention").

    Parameters
    ----------
    scores : array_like (…, frame)
        Of several equal maxima the first counts.
    active : array_like of bool (…, frame)
    tolerance : int
        How many frames it may lie away from one, ≥ 0.

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
    frames = scores.shape[-1]
    # The nearest active frame on either side.
    place, far = np.arange(frames), 2 * frames + tolerance
    before = place - np.maximum.accumulate(np.where(active, place, -far), axis=-1)
    after = np.minimum.accumulate(np.where(active, place, far)[..., ::-1], axis=-1)[..., ::-1] - place
    near = np.minimum(before, after) <= tolerance
    hit = np.take_along_axis(near, scores.argmax(-1)[..., None], axis=-1)[..., 0]
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


def roc_auc(scores, active) -> np.ndarray:
    """Area under the ROC curve: how often an active frame has a higher score than one that is not (Fawcett 2006).

    Equal scores count half, as in scikit-learn's `roc_auc_score`. Arguments and errors: see `average_precision`.

    Returns
    -------
    numpy.ndarray of float64 (…)
        In 0…1; NaN where no frame or every frame is active.

    Examples
    --------
    >>> float(roc_auc([3.0, 1.0, 1.0, 0.0], [True, True, False, False]))
    0.875
    """
    scores, active = np.broadcast_arrays(*validate_scores(scores, active))
    return auc(scores, active, ~active)


def auc(scores: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """How often a positive frame has a higher score than a negative one, equal scores counting half.

    Parameters
    ----------
    scores : numpy.ndarray (…, frame)
        Finite.
    positive, negative : numpy.ndarray of bool (…, frame)
        Which frames are compared; no frame is both.

    Returns
    -------
    numpy.ndarray of float64 (…)
        In 0…1; NaN where there is no positive or no negative frame.
    """
    from scipy.stats import rankdata  # takes half a second, and configurations, which name metrics, need it not

    count = positive.sum(-1), negative.sum(-1)
    # Frames that are neither rank above all others, so that they change no rank.
    ranks = rankdata(np.where(positive | negative, scores, np.inf), axis=-1)
    wins = (ranks * positive).sum(-1) - count[0] * (count[0] + 1) / 2
    compared = count[0] * count[1]
    return ratio(wins, compared, compared == 0)


def rank_accuracy(scores, active) -> np.ndarray:
    """Relevance rank accuracy: of the A frames with the highest scores, where A are active, the share that is active.

    It is precision, recall and F1 at the true number of frames (Arras, Osman and Samek 2022, "CLEVR-XAI"). Of frames
    with equal scores that compete for the last places, each counts by its chance. Arguments and errors: see
    `average_precision`.

    Returns
    -------
    numpy.ndarray of float64 (…)
        In 0…1; the active ratio for constant scores; NaN where nothing is active.

    Examples
    --------
    >>> float(rank_accuracy([3.0, 1.0, 1.0, 0.0], [True, True, False, False]))
    0.75
    """
    scores, active = np.broadcast_arrays(*validate_scores(scores, active))
    count = active.sum(-1, keepdims=True)
    last = np.take_along_axis(-np.sort(-scores, axis=-1), np.maximum(count - 1, 0), axis=-1)
    above, tied = scores > last, scores == last
    places = count - above.sum(-1, keepdims=True)
    of_tied = (tied & active).sum(-1) * places[..., 0] / tied.sum(-1)
    return ratio((above & active).sum(-1) + of_tied, count[..., 0], count[..., 0] == 0)


def relevance_mass(scores, active) -> np.ndarray:
    """Relevance mass accuracy: the share of the positive scores' sum that lies in active frames.

    Also called energy-based pointing game (Wang et al. 2020, "Score-CAM"; Arras, Osman and Samek 2022). Negative scores
    count as 0. It changes when scores are squared, say, so detectors are compared by it only as what they are.
    Arguments and errors: see `average_precision`.

    Returns
    -------
    numpy.ndarray of float64 (…)
        In 0…1; NaN where nothing is active or no score is positive.

    Examples
    --------
    >>> float(relevance_mass([3.0, 1.0, -9.0, 0.0], [True, False, False, False]))
    0.75
    """
    scores, active = np.broadcast_arrays(*validate_scores(scores, active))
    highest = np.maximum(scores.max(-1, keepdims=True), 0)
    # As shares of the highest, so that no sum leaves the range of numbers.
    positive = ratio(np.maximum(scores, 0), np.broadcast_to(highest, scores.shape), False)
    total = positive.sum(-1)
    return ratio((positive * active).sum(-1), total, (total == 0) | ~active.any(-1))


AVERAGE_PRECISION = Metric(
    name="average_precision",
    title="Average precision",
    short="AP",
    needs="scores",
    function=average_precision,
    definition="sum over thresholds of precision × gain in recall, equal scores together, as scikit-learn's",
    undefined="A = 0",
    chance="about the share of active frames; that share exactly for constant scores",
    ranked=True,
)
POINTING_GAME = Metric(
    name="pointing_game",
    title="Pointing Game",
    citation="J. Zhang et al. 2016, Top-down neural attention by excitation backprop",
    short="PG",
    percent=True,
    needs="scores",
    function=pointing_game,
    definition="1 when the highest score (of equals the first) lies in an active frame, else 0",
    undefined="A = 0",
    chance="the share of active frames",
    ranked=True,
)
POINTING_GAME_NEAR = Metric(
    name="pointing_game_200ms",
    title="Pointing Game ± 0.2 s",
    citation="J. Zhang et al. 2016; the tolerance is the collar of DCASE task 4",
    needs="scores",
    function=functools.partial(pointing_game, tolerance=TOLERANCE),
    definition="1 when the highest score (of equals the first) lies in an active frame or at most two frames, 0.2 s, "
    "away, else 0",
    undefined="A = 0",
    chance="the share of frames that are active or at most two frames away",
    column=False,
)
ROC_AUC = Metric(
    name="roc_auc",
    title="ROC AUC",
    citation="T. Fawcett 2006, An introduction to ROC analysis",
    needs="scores",
    function=roc_auc,
    definition="how often an active frame has a higher score than one that is not, equal scores counting half",
    undefined="no frame is active, or every frame is",
    chance="0.5",
    column=False,
)
RANK_ACCURACY = Metric(
    name="rank_accuracy",
    title="Relevance rank accuracy",
    citation="L. Arras, A. Osman and W. Samek 2022, CLEVR-XAI",
    needs="scores",
    function=rank_accuracy,
    definition="share of active frames among the A frames with the highest scores, equal ones by their chance",
    undefined="A = 0",
    chance="the share of active frames",
    column=False,
)
RELEVANCE_MASS = Metric(
    name="relevance_mass",
    title="Relevance mass",
    citation="H. Wang et al. 2020, Score-CAM; L. Arras, A. Osman and W. Samek 2022, CLEVR-XAI",
    needs="scores",
    function=relevance_mass,
    definition="share of the sum of the positive scores that lies in active frames; negative scores count as 0",
    undefined="A = 0, or no score is positive",
    chance="the share of active frames",
    column=False,
)
