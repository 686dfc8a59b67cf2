"""Where a detector puts the beginning and the end of an event, at its own threshold.

Of each event, a run of active frames, the detected segments count that share a frame with it. Its detected onset is
that of the first of them, its detected offset that of the last. Events that nothing detected touches have none: recall
and F1 speak of those. Times are whole frames, 100 ms.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from igsed.metrics.metric import Metric, validate_masks
from igsed.timeline import FRAME


class Deviations(NamedTuple):
    """Of each event that is touched: its pair, and detected minus true onset and offset in milliseconds."""

    pair: np.ndarray
    onset: np.ndarray
    offset: np.ndarray


def deviations(predicted, active) -> Deviations:
    """By how much the detected onsets and offsets differ from the true ones.

    Parameters
    ----------
    predicted, active : array_like of bool (pair, frame)

    Returns
    -------
    Deviations
        Arrays (event,); positive where the detected time is the later one.

    Raises
    ------
    ValueError
        If a mask is not boolean or the shapes do not fit together.

    Examples
    --------
    >>> found = deviations([[False, True, True, True, False]], [[False, False, True, True, True]])
    >>> found.onset.tolist(), found.offset.tolist()
    ([-100.0], [-100.0])
    """
    predicted, active = np.broadcast_arrays(*validate_masks(predicted, active))
    pair, onset, offset = _runs(active)
    detected_from, detected_to = _runs_around(predicted)
    frames = predicted.shape[-1]
    place = np.arange(frames)
    following = np.minimum.accumulate(np.where(predicted, place, frames)[:, ::-1], axis=-1)[:, ::-1]
    preceding = np.maximum.accumulate(np.where(predicted, place, -1), axis=-1)
    first, last = following[pair, onset], preceding[pair, offset - 1]
    touched = first < offset
    pair, onset, offset, first, last = (values[touched] for values in (pair, onset, offset, first, last))
    early, late = detected_from[pair, first] - onset, detected_to[pair, last] - offset
    return Deviations(pair, *(1000 * FRAME * values.astype(np.float64) for values in (early, late)))


def _runs(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, first frame and the frame after the last of every run."""
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=-1)
    row, first = np.nonzero(edges == 1)
    return row, first, np.nonzero(edges == -1)[1]


def _runs_around(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each marked frame the first frame of its run and the frame after its last; elsewhere anything."""
    place, frames = np.arange(mask.shape[-1]), mask.shape[-1]
    first = np.maximum.accumulate(np.where(mask, -1, place), axis=-1) + 1
    end = np.minimum.accumulate(np.where(mask, frames, place)[:, ::-1], axis=-1)[:, ::-1]
    return first, end


def _mean(side: str, measure: Callable) -> Callable:
    """A metric: the mean of a measure of the deviations at one side, over the touched events of each pair."""

    def metric(predicted, active) -> np.ndarray:
        found = deviations(predicted, active)
        pairs = len(active)
        total = np.bincount(found.pair, measure(getattr(found, side)), minlength=pairs)
        count = np.bincount(found.pair, minlength=pairs)
        return np.divide(total, count, out=np.full(pairs, np.nan), where=count > 0)

    return metric


_UNDEFINED = "no event of the pair shares a frame with a detected segment"
_CHANCE = "not known in closed form; compare with the detector `random`"
_LIMIT = (-np.inf, np.inf)

ONSET_BIAS = Metric(
    name="onset_bias",
    title="Onset bias",
    needs="mask",
    function=_mean("onset", np.asarray),
    range=_LIMIT,
    unit="ms",
    higher_is_better=None,
    definition="detected minus true onset, mean over the events that a detected segment touches; negative: too early",
    undefined=_UNDEFINED,
    chance=_CHANCE,
    column=False,
)
ONSET_ERROR = Metric(
    name="onset_error",
    title="Onset error",
    needs="mask",
    function=_mean("onset", np.abs),
    range=(0, np.inf),
    unit="ms",
    higher_is_better=False,
    definition="size of detected minus true onset, mean over the events that a detected segment touches",
    undefined=_UNDEFINED,
    chance=_CHANCE,
    column=False,
)
OFFSET_BIAS = Metric(
    name="offset_bias",
    title="Offset bias",
    needs="mask",
    function=_mean("offset", np.asarray),
    range=_LIMIT,
    unit="ms",
    higher_is_better=None,
    definition="detected minus true offset, mean over the events that a detected segment touches; positive: too late",
    undefined=_UNDEFINED,
    chance=_CHANCE,
    column=False,
)
OFFSET_ERROR = Metric(
    name="offset_error",
    title="Offset error",
    needs="mask",
    function=_mean("offset", np.abs),
    range=(0, np.inf),
    unit="ms",
    higher_is_better=False,
    definition="size of detected minus true offset, mean over the events that a detected segment touches",
    undefined=_UNDEFINED,
    chance=_CHANCE,
    column=False,
)
