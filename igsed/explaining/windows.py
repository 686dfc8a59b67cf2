"""Windows over a long recording, and how what is computed from each becomes one curve.

Two ways, without seams:

- of a method that looks at each frame by itself, frames of neighbouring windows are *cut* in the middle of the overlap.
  Windows are placed so that their frames lie where those of one long pass would lie; where the overlap is twice the
  network's receptive field to one side, the frames are the same too;
- of a method that looks at the whole window, the scores of the overlap are *cross-faded*.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

OVERLAP = 3.2
"""Seconds that neighbouring windows share at least; YAMNet sees 1.58 s to either side of a frame's centre."""

FADE = 2.0
"""The same for methods that look at the whole window, in seconds."""


class Plan(NamedTuple):
    """Where windows begin, ascending, and how long they are, in samples or frames."""

    starts: tuple[int, ...]
    length: int

    def borders(self) -> list[int]:
        """Where each window's part begins, and the end of all: the middles of the overlaps."""
        middles = [
            (after + before + self.length) // 2 for before, after in zip(self.starts, self.starts[1:], strict=False)
        ]
        return [0, *middles, self.starts[-1] + self.length]


def plan(total: int, length: int, overlap: int, period: int = 1) -> Plan:
    """Windows over `total`, which begin at multiples of `period`, the last one ending at the end.

    Parameters
    ----------
    total : int
        How long the recording is.
    length : int
        Of a window, at least; it is made longer by less than `period`, so that it is as long as the recording up to
        whole periods, and is at least `overlap` and one period. A recording that is shorter is one window.
    overlap : int
        Of neighbouring windows, at least.

    Examples
    --------
    >>> plan(25, 10, 2, 4)
    Plan(starts=(0, 8, 12), length=13)
    >>> plan(7, 10, 2)
    Plan(starts=(0,), length=7)
    """
    length = max(length, overlap + period)  # else the next window would begin after the overlap, or after the end
    if total <= length:
        return Plan((0,), total)
    length += (total - length) % period
    step = max(period, (length - overlap) // period * period)
    last = total - length
    return Plan((*range(0, last, step), last), length)


def inside(chosen: Plan, window: int, places: np.ndarray) -> np.ndarray:
    """Which frames a window gives to the whole, where parts are cut, bool (frame,).

    Parameters
    ----------
    window : int
        Its number.
    places : numpy.ndarray of int (frame,)
        Where its frames' centres lie, from the recording's beginning.
    """
    borders = chosen.borders()
    last = window + 1 == len(chosen.starts)  # its last centre may lie past the end
    return (places >= borders[window]) & ((places < borders[window + 1]) | last)


def faded(chosen: Plan, scores: Sequence[np.ndarray]) -> np.ndarray:
    """Join scores (…, frame) of windows, whose plan is in frames, by a mean that weighs a window's ends little.

    Examples
    --------
    >>> faded(Plan((0, 2), 4), [np.zeros(4), np.full(4, 3.0)])
    array([0., 0., 1., 2., 3., 3.])
    """
    total = chosen.starts[-1] + chosen.length
    sums, weights = np.zeros((*scores[0].shape[:-1], total)), np.zeros(total)
    for k, (start, part) in enumerate(zip(chosen.starts, scores, strict=True)):
        weight = np.ones(chosen.length)
        if k:
            shared = chosen.starts[k - 1] + chosen.length - start
            weight[:shared] = np.minimum(weight[:shared], _ramp(shared))
        if k + 1 < len(chosen.starts):
            alone = chosen.starts[k + 1] - start
            weight[alone:] = np.minimum(weight[alone:], _ramp(chosen.length - alone)[::-1])
        place = slice(start, start + chosen.length)
        sums[..., place] += weight * part
        weights[place] += weight
    return sums / weights


def _ramp(count: int) -> np.ndarray:
    return np.arange(1, count + 1) / (count + 1)
