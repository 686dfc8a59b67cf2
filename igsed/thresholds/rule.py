"""The declaration of a threshold rule, and how its parameter is swept and chosen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from igsed.components import Component
from igsed.errors import InputError
from igsed.metrics import Metric


class Counts(NamedTuple):
    """Frames of each pair at each value of a parameter, int (pair, value): predicted and active, and predicted."""

    both: np.ndarray
    predicted: np.ndarray


def best(values, curve) -> float:
    """The value of a parameter at which a mean curve is highest.

    Several values can give the same masks, so the maximum may be a plateau. The middle of the first plateau is taken
    (of two middle ones the lower), the choice farthest from both of its edges. NaN counts as no value.

    Parameters
    ----------
    values : array_like (value,)
        In increasing order.
    curve : array_like (value,)
        For example the mean IoU over the validation pairs.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the lengths differ or no point of the curve has a value.

    Examples
    --------
    >>> best([10, 20, 30, 40, 50], [0.1, 0.3, 0.3, 0.3, 0.2])
    30.0
    """
    values, curve = np.asarray(values, dtype=np.float64), np.asarray(curve, dtype=np.float64)
    if values.shape != curve.shape or curve.ndim != 1:
        raise ValueError(f"values {values.shape} and curve {curve.shape} must be two vectors of one length")
    if not np.isfinite(curve).any():
        raise ValueError("the curve has no value anywhere: no pair was scored")
    first = int(np.nanargmax(curve))
    beyond = np.flatnonzero(curve[first:] != curve[first])
    length = int(beyond[0]) if len(beyond) else len(curve) - first
    return float(values[first + (length - 1) // 2])


@dataclass(frozen=True, kw_only=True)
class Rule(Component):
    """Which frames of a clip are detected, given its scores.

    Attributes
    ----------
    function : callable
        `(scores (…, frame), parameter) -> bool (…, frame)`; without the second argument where there is no parameter.
    parameter : str
        The parameter's name, a column of sweep.csv and a metric of metrics.csv. Empty: the rule has none, and nothing
        is swept.
    swept : callable, optional
        `(section evaluation of the configuration) -> values`, increasing: what is tried on validation.
    span : tuple of float, optional
        The axis of the figure; by default the values swept.
    counts : callable, optional
        `(scores (pair, frame), active, values) -> Counts`: all values at once, faster than a mask for each.
    best : callable
        `(values, curve (value,)) -> float`: which value is taken, given the mean over the validation pairs.
    protocols : mapping, optional
        Protocol → whether its parameter is the best one of `evaluation.shared_from` and not of the detector itself. By
        default one protocol under the rule's name, at the detector's best.
    of_logits : bool
        Whether it is only for detectors whose scores are logits (`igsed.detectors.OfFrames`).
    note : str
        Sentences for captions: what the protocols are.
    """

    function: Callable
    parameter: str = ""
    swept: Callable[..., Sequence[float]] | None = None
    span: tuple[float, float] | None = None
    counts: Callable[..., Counts] | None = None
    best: Callable[..., float] = best
    protocols: Mapping[str, bool] = field(default_factory=dict)
    of_logits: bool = False
    note: str = ""

    def __post_init__(self):
        if bool(self.parameter) != bool(self.swept):
            raise InputError(f"threshold rule {self.name}: give both a parameter and what is swept, or neither.")
        object.__setattr__(self, "protocols", dict(self.protocols) or {self.name: False})
        if not self.note:
            object.__setattr__(self, "note", f"Protocol {', '.join(self.protocols)}: {self.title}.")

    def mask(self, scores: np.ndarray, parameter: float | None = None) -> np.ndarray:
        """The detected frames, bool (…, frame), of scores (…, frame); `parameter` is passed over where there is none.

        Raises
        ------
        InputError
            The function returns something else.
        """
        found = np.asarray(self.function(scores, parameter) if self.parameter else self.function(scores))
        if found.dtype != bool or found.shape != np.shape(scores):
            raise InputError(
                f"threshold rule {self.name}: gives {found.dtype} {found.shape} for scores {np.shape(scores)}. It must "
                "return a boolean mask of their shape."
            )
        return found

    def curves(self, scores: np.ndarray, active: np.ndarray, values: Sequence[float], metrics: Sequence[Metric]):
        """Metrics of masks at every value of the parameter.

        Parameters
        ----------
        scores, active : numpy.ndarray (pair, frame)
        values : sequence of float (value,)
        metrics : sequence of Metric
            Of masks.

        Returns
        -------
        dict
            Name → float64 (pair, value), the same to the last bit as the metric of `mask`.
        """
        found: dict[str, np.ndarray] = {}
        counted = [metric for metric in metrics if self.counts and metric.of_counts]
        if self.counts and counted:
            both, predicted = self.counts(scores, active, values)
            real = active.sum(-1, keepdims=True)
            found = {metric.name: metric.of_counts(both, predicted, real) for metric in counted if metric.of_counts}
        others = [metric for metric in metrics if metric.name not in found]
        if others:
            masks = [self.mask(scores, value) for value in values]
            for metric in others:
                found[metric.name] = np.stack([metric.values(mask, scores, active, None) for mask in masks], axis=-1)
        return found
