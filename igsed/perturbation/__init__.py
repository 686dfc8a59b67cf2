"""Masked clips: which of them there are, and what a classifier's logits of them say of a clip's frames.

A mask says how much of each frame of 100 ms is kept, 0…1. What it removes, a filler replaces
(`igsed.attribution.masking`). This package needs no torch: masks are drawn, and scores made of logits, in arrays.

The functions here take an `igsed.detectors.OfMasks` and call what it declares with those of its settings that are named
there.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from igsed.components import imported

if TYPE_CHECKING:
    from igsed.detectors import OfMasks


def masks_of(detector: OfMasks, settings: Mapping[str, Any], count: int, generator: np.random.Generator) -> np.ndarray:
    """A detector's masks for a clip of `count` frames, float32 (mask, frame)."""
    function = _function(detector.masks)
    return function(count, generator, **_named(function, settings, 2))


def scores_of(
    detector: OfMasks, settings: Mapping[str, Any], masks: np.ndarray, logits: np.ndarray, logit: np.ndarray
) -> np.ndarray:
    """A detector's scores (class, frame).

    Parameters
    ----------
    masks : numpy.ndarray (mask, frame)
        As of `masks_of`.
    logits : numpy.ndarray (mask, class)
        Of the masked clips.
    logit : numpy.ndarray (class,)
        Of the whole clip.
    """
    function = _function(detector.run)
    return np.asarray(function(masks, logits, logit, **_named(function, settings, 3)))


def recipe(detector: OfMasks, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What a clip's masks and embeddings depend on: those of equal recipes, drawn with equal seeds, are the same.

    Returns
    -------
    dict
        `masks`, the function as ``package.module:name``, `settings`, those that it names, and `filler`.
    """
    function = _function(detector.masks)
    return {
        "masks": f"{function.__module__}:{function.__qualname__}",
        "settings": _named(function, settings, 2),
        "filler": settings["filler"],
    }


def _function(given: str | Callable) -> Callable:
    return imported(given) if isinstance(given, str) else given


def _named(function: Callable, settings: Mapping[str, Any], given: int) -> dict[str, Any]:
    """The settings that a function names after its first `given` arguments; all, if it takes any keyword."""
    parameters = list(inspect.signature(function).parameters.values())
    taken, free = ([parameter.name for parameter in part] for part in (parameters[:given], parameters[given:]))
    anything = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    return {key: value for key, value in settings.items() if key not in taken and (anything or key in free)}
