"""What pages and notebooks show of the first seconds of an explanation: sound, spectrogram, curves, events.

Needs no matplotlib; without it there is no spectrogram.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from igsed.explaining import wording
from igsed.explaining.picture import COLOURS
from igsed.explaining.results import Explained
from igsed.report.inline import TYPES, data_uri, encoded_pieces, playable
from igsed.timeline import FRAME

if TYPE_CHECKING:
    from igsed.explaining.streams import Recording

HEIGHT = 100
"""Of a curve's drawing; the lowest score lies at `BOTTOM`, the highest at `TOP`, from above."""

TOP, BOTTOM = 8, 92

_PIECE = 60.0
"""Seconds of which the spectrogram is computed at a time."""

_WIDEST = 15_000
"""Most columns of a spectrogram; a WebP can have 16383."""

_LOWEST, _MARKS = 60, (100, 1000, 10_000)
"""Hertz: where the spectrogram begins, and what is marked on it."""


class Event(NamedTuple):
    """Seconds, and the confidence."""

    onset: float
    offset: float
    confidence: float


class Curve(NamedTuple):
    """An explained class, as far as it is shown.

    `low` and `high` are those of the whole recording. `share` is where the threshold lies within them, 0…1; None where
    no score is above it. `path` is the curve as an outline of SVG, a frame wide for each frame, `HEIGHT` high.
    """

    label: str
    colour: str
    probability: str
    scores: np.ndarray
    low: float
    high: float
    share: float | None
    path: str
    events: list[Event]
    times: str
    notes: list[str]


def seconds(found: Explained, longest: float) -> float:
    """How much is shown where no more than `longest` can be."""
    return min(found.duration, longest)


def curves(found: Explained, shown: float) -> list[Curve]:
    """The explained classes, of the first `shown` seconds."""
    count = min(found.values.shape[1], max(1, round(shown / FRAME)))
    rows = found.labels[found.labels["explained"]]
    has_spread = (rows["high"] > rows["low"]).any()
    made = []
    for row, scores, colour in zip(rows.itertuples(), found.counted, itertools.cycle(COLOURS), strict=False):
        own = found.events[found.events["label"] == row.label]
        low, high = float(scores.min()), float(scores.max())
        made.append(
            Curve(
                row.label,
                colour,
                wording.probability(row, has_spread),
                scores,
                low,
                high,
                _share(found, scores, low, high),
                outline(scores[:count], low, high),
                _within(own, count * FRAME),
                wording.times(own),
                wording.notes(found, row.label),
            )
        )
    return made


def outline(scores: np.ndarray, low: float, high: float) -> str:
    """A curve of steps (frame,) as the `d` of a path.

    >>> outline(np.array([0.0, 0.0, 1.0]), 0.0, 1.0)
    'M0 92H2V8H3'
    """
    # Halves, so that no difference leaves the range of numbers.
    span = high / 2 - low / 2
    heights = (scores / 2 - low / 2) / span if span > 0 else np.zeros(len(scores))
    places = np.round(BOTTOM - (BOTTOM - TOP) * heights).astype(int)
    steps = np.flatnonzero(np.diff(places)) + 1
    turns = "".join(f"H{step}V{places[step]}" for step in steps)
    return f"M0 {places[0]}{turns}H{len(places)}"


def _share(found: Explained, scores: np.ndarray, low: float, high: float) -> float | None:
    """Where the threshold lies; of Otsu's, half way between the scores that it parts."""
    if found.rule.threshold != "otsu":
        return float(found.rule.threshold)
    above = found.rule.mask(scores)
    if not above.any():
        return None
    middle = scores[above].min() / 2 + scores[~above].max() / 2
    return float((middle / 2 - low / 2) / (high / 2 - low / 2))


def _within(events: pd.DataFrame, end: float) -> list[Event]:
    """Those that begin before a time, cut there."""
    end = round(end, 6)
    kept = events[events["onset"] < end]
    return [Event(row.onset, min(row.offset, end), row.confidence) for row in kept.itertuples()]


def sound(found: Explained, shown: float) -> str:
    """The first seconds as an address, in the form of the page of results; empty where the recording is not known.

    Raises
    ------
    InputError
        It cannot be read any more.
    """
    if found.sound is None:
        return ""
    rate = playable(found.sound.rate)
    recording = found.sound.at(rate)
    count, piece = min(round(shown * rate), recording.samples), round(10 * rate)
    starts = range(0, count, piece)
    windows = zip(starts, recording.windows(starts, piece), strict=True)
    content, kind = encoded_pieces((window.numpy()[: count - start] for start, window in windows), rate)
    return data_uri(TYPES[kind], content)


def spectrogram(found: Explained, shown: float) -> str:
    """The first seconds as a picture's address; empty where matplotlib or the recording is not there.

    Raises
    ------
    InputError
        The recording cannot be read any more.
    """
    try:
        from igsed.report import figures
        from igsed.report.page.clips import picture
    except ImportError:
        return ""
    if found.sound is None:
        return ""
    count = min(round(shown * found.sound.sample_rate), found.sound.samples)
    level = figures.level(np.concatenate(list(powers(found.sound, count)), axis=1))
    return data_uri("image/webp", picture(_narrowed(level)))


def powers(recording: Recording, count: int, piece: int | None = None) -> Iterator[np.ndarray]:
    """The power of the first `count` samples in bands (band, frame), float32, as `igsed.report.figures` has it.

    It comes in pieces of a minute, or of `piece` samples, a multiple of the spectrogram's hop; a sound that is shorter
    than a window is lengthened by silence.
    """
    from igsed.report import figures

    rate = recording.sample_rate
    window, hop = figures.window_and_hop(rate)
    piece = piece or round(_PIECE * rate / hop) * hop
    starts = [start for start in range(0, count, piece) if start == 0 or count - start >= window]
    for start, part in zip(starts, recording.windows(starts, piece + window - hop), strict=True):
        waveform = part.numpy()[: count - start]
        padded = np.pad(waveform, (0, max(0, window - len(waveform))))
        yield figures.band_power(padded, rate)[2].astype(np.float32)


def _narrowed(level: np.ndarray) -> np.ndarray:
    """Levels (band, frame) of at most `_WIDEST` columns, the loudest of neighbours."""
    factor = -(-level.shape[1] // _WIDEST)
    starts = np.arange(0, level.shape[1], factor)
    return level if factor == 1 else np.maximum.reduceat(level, starts, axis=1)


def hertz(found: Explained) -> list[tuple[str, float]]:
    """Marks of the spectrogram: what they say, and how high they stand, 0…1."""
    top = min(14_000, found.sound.sample_rate / 2) if found.sound is not None else 0
    return [
        (f"{mark} Hz" if mark < 1000 else f"{mark // 1000} kHz", float(np.log(mark / _LOWEST) / np.log(top / _LOWEST)))
        for mark in _MARKS
        if mark < top
    ]


def ticks(shown: float, most: int = 8) -> list[float]:
    """Times of an axis in seconds, at round distances.

    >>> ticks(10.0), ticks(0.5)
    ([0.0, 2.0, 4.0, 6.0, 8.0, 10.0], [0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    """
    steps = (digit * 10.0**power for power in range(-2, 6) for digit in (1, 2, 5))
    step = next(step for step in steps if shown / step <= most)
    return [round(k * step, 6) for k in range(int(shown / step + 1e-9) + 1)]
