"""The declaration of a metric, and the checks of the arrays that metrics take."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from igsed.components import Component
from igsed.errors import InputError

Needs = Literal["mask", "scores", "scores+clips", "scores+active+clips", "events", "scored_events"]
"""What a metric is computed from; metrics stand in this order."""

ORDER = get_args(Needs)
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Metric(Component):
    """A number that says how well a detector does.

    Attributes
    ----------
    needs : {"mask", "scores", "scores+clips", "scores+active+clips", "events", "scored_events"}
        What `function` takes. All but the last two give one number per pair, a class in a clip, of which means and
        intervals are made:

        - `mask`: `(predicted, active)`, bool (pair, frame) both;
        - `scores`: `(scores, active)`, the scores float (pair, frame);
        - `scores+clips`: `(scores, clips)`, the clip of each pair, str (pair,);
        - `scores+active+clips`: `(scores, active, clips)`.

        `events`: `(reference, estimated, durations, labels, **arguments)` as `igsed.metrics.event_based` takes them. It
        returns a table `label, metric, value, n` in which `metric` is the name; metrics that have one function share
        its table, so that it runs once.

        `scored_events`: `(scores, reference, durations, labels, **arguments)` as `igsed.metrics.psds` takes them, which
        sees every threshold at once; the same table.
    function : callable
        Returns float (pair,), NaN where a pair has no value; for events the table.
    range : tuple of float
        The lowest and the highest value.
    unit : str
        Empty for a number without one.
    short : str
        What narrow tables call it; by default the title.
    percent : bool
        Whether people see it in per cent.
    higher_is_better : bool, optional
        None: neither is.
    definition, undefined : str
        In words: what it is, and when a pair has no value (NaN).
    chance : str
        In words: what scores that know nothing reach.
    of_counts : callable, optional
        For `mask`: the same from numbers of frames, `(both, predicted, active)`, arrays that broadcast. With it, a
        threshold's sweep need not make the masks.
    arguments : mapping
        For events: argument of `function` → key of the section `evaluation` that it is set by.
    column : bool
        Whether the table of detection has a column of it.
    ranked : bool
        Whether detectors are ranked by it.
    default : bool
        Whether it is computed where an experiment does not say which metrics are.

    Examples
    --------
    >>> Metric(name="hits", title="Hits", needs="mask", function=lambda p, a: (p & a).sum(-1) / a.shape[-1]).range
    (0, 1)
    """

    needs: Needs
    function: Callable
    range: tuple[float, float] = (0, 1)
    unit: str = ""
    short: str = ""
    percent: bool = False
    higher_is_better: bool | None = True
    definition: str = ""
    undefined: str = "never"
    chance: str = ""
    of_counts: Callable | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)
    column: bool = True
    ranked: bool = False
    default: bool = True

    @property
    def heading(self) -> str:
        """The head of a column in a narrow table."""
        return f"{self.short or self.title}{' / %' if self.percent else ''}"

    @property
    def of_pairs(self) -> bool:
        """Whether each pair has a value."""
        return self.needs not in ("events", "scored_events")

    def values(self, predicted: np.ndarray, scores: np.ndarray, active: np.ndarray, clips) -> np.ndarray:
        """The value of each pair, float64 (pair,); only for a metric of pairs.

        Parameters
        ----------
        predicted, active : numpy.ndarray of bool (pair, frame)
        scores : numpy.ndarray (pair, frame)
        clips : sequence of str (pair,)

        Raises
        ------
        InputError
            The function returns something else than a number within the range, or NaN, for each pair.
        """
        arguments = {
            "mask": (predicted, active),
            "scores": (scores, active),
            "scores+clips": (scores, clips),
            "scores+active+clips": (scores, active, clips),
        }
        values = np.asarray(self.function(*arguments[self.needs]), dtype=np.float64)
        if values.shape != (len(active),):
            raise InputError(f"metric {self.name}: gives {values.shape} values for {len(active)} pairs, not one each.")
        low, high = self.range
        outside = (values < low - _ROUNDING) | (values > high + _ROUNDING)
        if outside.any():
            raise InputError(f"metric {self.name}: {values[outside][0]:g} lies outside its range, {low:g} to {high:g}.")
        return values


def validate_masks(predicted, active) -> tuple[np.ndarray, np.ndarray]:
    """Check that two masks are boolean and have the same frames.

    Raises
    ------
    ValueError
        If a mask is not boolean, has no frames, or the shapes do not fit together.
    """
    predicted, active = np.asarray(predicted), np.asarray(active)
    for name, mask in (("predicted", predicted), ("active", active)):
        if mask.dtype != bool:
            raise ValueError(f"{name} must be a boolean mask, not {mask.dtype}: threshold scores first")
    _check_frames("predicted", predicted, active)
    return predicted, active


def validate_scores(scores, active) -> tuple[np.ndarray, np.ndarray]:
    """Check that scores are finite and have the same frames as the boolean mask of active frames.

    Raises
    ------
    ValueError
        If a score is NaN or infinite, the mask is not boolean, there are no frames, or the shapes do not fit together.
    """
    scores, active = np.asarray(scores, dtype=np.float64), np.asarray(active)
    if active.dtype != bool:
        raise ValueError(f"active must be a boolean mask, not {active.dtype}")
    _check_frames("scores", scores, active)
    if not np.isfinite(scores).all():
        raise ValueError(f"{int((~np.isfinite(scores)).sum())} of {scores.size} scores are not finite")
    return scores, active


def _check_frames(name: str, first: np.ndarray, active: np.ndarray) -> None:
    shapes = f"{name} {first.shape} and active {active.shape}"
    if not first.ndim or not active.ndim or first.shape[-1] != active.shape[-1]:
        raise ValueError(f"{shapes} must have the same number of frames on the last axis")
    if not first.shape[-1]:
        raise ValueError(f"{shapes} have no frames")
    try:
        np.broadcast_shapes(first.shape, active.shape)
    except ValueError:
        raise ValueError(f"{shapes} do not broadcast together") from None


def ratio(numerator, denominator, undefined) -> np.ndarray:
    """numerator / denominator, 0 where the denominator is 0, NaN where undefined."""
    value = np.divide(numerator, denominator, out=np.zeros(np.shape(numerator)), where=denominator > 0)
    return np.where(undefined, np.nan, value)
