"""When a mean rests on too few sounds for its interval to tell how far others would differ; said in one place.

A bootstrap resamples what is there. Of few clips, or of many clips of few recordings, it draws the same sounds again
and again, and the interval is too narrow; of one recording it says nothing about others.
"""

import numpy as np
from numpy.typing import ArrayLike

CLIPS = 10
"""Fewer clips than this are few."""

SOURCES = 5
"""Fewer source recordings than this are few."""

RULE = f"fewer than {CLIPS} clips or {SOURCES} source recordings"
"""For people: what captions and legends say."""


def few(clips: ArrayLike, sources: ArrayLike) -> np.ndarray:
    """Whether means rest on few clips or few source recordings; a number that is not known (NaN) is not few.

    >>> few([9, 30, 30, 30], [9, 4, 5, np.nan]).tolist()
    [True, True, False, False]
    """
    return (np.asarray(clips, dtype=float) < CLIPS) | (np.asarray(sources, dtype=float) < SOURCES)


def known(low: ArrayLike, high: ArrayLike, sources: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """The ends of intervals, NaN where they rest on one source recording: it says nothing about others.

    >>> low, high = known([0.2, 0.2], [0.4, 0.4], [1, 2])
    >>> low.tolist(), high.tolist()
    ([nan, 0.2], [nan, 0.4])
    """
    one = np.asarray(sources, dtype=float) == 1
    return np.where(one, np.nan, np.asarray(low, dtype=float)), np.where(one, np.nan, np.asarray(high, dtype=float))


def counts(clips: float, sources: float) -> str:
    """Numbers of clips and of source recordings, as they stand beside a mean.

    >>> counts(12, 3.0), counts(12, np.nan)
    ('12 / 3', '12 / –')
    """
    return " / ".join("–" if np.isnan(number) else f"{number:.0f}" for number in (float(clips), float(sources)))
