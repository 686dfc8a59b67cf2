"""What an explanation of a recording says: probabilities, scores, events, and how far to trust them.

- *Events* are the runs of frames that a threshold rule marks which needs no labels: Otsu's threshold of the whole
  recording, or a share of the range of its scores. Of scores that are logits, those below the probability `FLOOR` count
  as it: how improbable a class is while others sound says nothing about when it sounds, and would draw the threshold
  down. Runs less than `gap` apart are one. Those shorter than `minimum` are left out, and those in stretches where the
  class's probability is below `FLOOR`.
- The *confidence* of an event, 0…1, is the class's largest probability in a stretch that the event overlaps, times the
  mean height of its frames' scores within their range in the recording. It orders events; it is no calibrated
  probability.
- A *note* says where a class's curve is much like one that knows nothing of the class: the rank correlation (Spearman)
  of its frames with their loudness, or with the curve of the same method for a head of random weights, is at least
  `LIKE`. Another says where half of an event is digital silence: YAMNet's embedding of it is far from that of any
  sound, and a head that was trained on sounds may give it any class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from igsed import events as tables
from igsed.errors import InputError
from igsed.thresholds.otsu import otsu_mask
from igsed.thresholds.peak import peak_mask
from igsed.timeline import FRAME, segments

LIKE = 0.6
"""Rank correlation from which on a curve is said to be like another."""


SILENT = 1e-12
"""Mean square of a frame (full scale at 1) up to which it holds no sound."""

_FOREIGN = "digital silence, which is foreign to the network, so do not believe it"

FLOOR = 0.05
"""Probability below which frames are not told apart. With Otsu's threshold the mean IoU of CAM is the same as without
on three banks (differences up to 0.006), that of FW-WS higher by 0.02 to 0.07 (docs/explain.md)."""


class Rule(NamedTuple):
    """How scores become events: "otsu", or a share 0…1 of the range; a gap to merge and a shortest event in seconds.

    `floor` is a probability, 0 for none.
    """

    threshold: str | float = "otsu"
    gap: float = 0.15
    minimum: float = 0.0
    floor: float = FLOOR

    def counted(self, logits: np.ndarray) -> np.ndarray:
        """Logits not below that of the floor."""
        return np.maximum(logits, np.log(self.floor / (1 - self.floor))) if self.floor else logits

    def mask(self, scores: np.ndarray) -> np.ndarray:
        """Frames above the threshold, bool (…, frame)."""
        return otsu_mask(scores) if self.threshold == "otsu" else peak_mask(scores, float(self.threshold))

    def events(self, scores: np.ndarray, labels: Sequence[str]) -> pd.DataFrame:
        """Events `label, onset, offset` of scores (label, frame), in the order of labels and onsets."""
        found = [
            (label, onset, offset)
            for label, curve in zip(labels, scores, strict=True)
            for onset, offset in segments(self.mask(curve))
        ]
        table = pd.DataFrame(found, columns=["label", "onset", "offset"])
        table = table.astype({"label": object, "onset": float, "offset": float})
        if self.gap and len(table):
            table = tables.merged(table, self.gap, by=["label"])
        long = np.round(table["offset"] - table["onset"], 6) >= self.minimum
        return table[long].reset_index(drop=True)


def rule(threshold: str | float = "otsu", gap: float = 0.15, minimum: float = 0.0, floor: float = FLOOR) -> Rule:
    """A rule whose values are possible.

    Raises
    ------
    InputError
        They are not.
    """
    if threshold != "otsu":
        try:
            threshold = float(threshold)
        except (TypeError, ValueError):
            raise InputError(f"threshold: {threshold!r} is no rule. Give otsu, or a share of the range, 0…1.") from None
        if not 0 <= threshold <= 1:
            raise InputError(f"threshold: a share of {threshold:g} lies outside 0…1. Correct it.")
    for name, value in (("gap", gap), ("minimum", minimum)):
        if not 0 <= value < np.inf:
            raise InputError(f"{name}: {value} s is no length of time. Give 0 or more.")
    if not 0 <= floor < 1:
        raise InputError(f"floor: {floor} is no probability below 1. Correct it; 0 is for none.")
    return Rule(threshold, gap, minimum, floor)


@dataclass(frozen=True, repr=False)
class Explained:
    """What a network heard in a recording, and when. Printed it is the table of the terminal.

    Attributes
    ----------
    name : str
        Of the recording.
    duration : float
        In seconds.
    model, method : str
    accuracy : str
        How well the method did where events are known, in a sentence.
    labels : pandas.DataFrame
        `label, probability, low, high, explained`, a row for each of the model's classes, the most probable first:
        the largest probability in any stretch of the recording, its range over the seeds of the heads (equal to it
        where there is one head), and whether it is among those that are explained.
    values : numpy.ndarray (class, frame)
        The scores of the explained classes.
    events : pandas.DataFrame
        `label, onset, offset, confidence, note`.
    likeness : pandas.DataFrame
        `label, loudness, random_head`: rank correlations, see this module; NaN where a curve is constant or the control
        was left out.
    settings : dict
        What was asked for.
    sound : igsed.explaining.streams.Recording, optional
    stretches : pandas.DataFrame, optional
        Of each stretch of the recording `onset, offset` in seconds and the probability of each explained class.
    """

    name: str
    duration: float
    model: str
    method: str
    accuracy: str
    labels: pd.DataFrame
    values: np.ndarray
    events: pd.DataFrame
    likeness: pd.DataFrame
    settings: dict[str, Any] = field(default_factory=dict)
    sound: Any = None
    stretches: pd.DataFrame | None = None

    def __repr__(self) -> str:
        """One line: recording, model, method, classes with their probability and number of events."""
        from igsed.explaining import wording

        return wording.line(self)

    def __str__(self) -> str:
        """Class, probability and times as a table."""
        from igsed.explaining import wording

        return wording.table(self, 100)

    @property
    def scores(self) -> pd.DataFrame:
        """`clip, label, frame, onset, score`, a row for each explained class and frame of 100 ms.

        That is the form of `igsed.scores`.
        """
        count, frames = self.values.shape
        frame = np.tile(np.arange(frames), count)
        return pd.DataFrame(
            {
                "clip": self.name,
                "label": np.repeat(np.asarray(self.explained, dtype=object), frames),
                "frame": frame,
                "onset": np.round(frame * FRAME, 6),
                "score": self.values.ravel(),
            }
        )

    @property
    def frames(self) -> pd.DataFrame:
        """The scores, wide: `onset, offset` in seconds and a column for each explained class."""
        edges = np.round(np.arange(self.values.shape[1] + 1) * FRAME, 6)
        times = pd.DataFrame({"onset": edges[:-1], "offset": edges[1:]})
        return pd.concat([times, pd.DataFrame(self.values.T, columns=self.explained)], axis=1)

    @property
    def counted(self) -> np.ndarray:
        """The scores (class, frame) that events are made of, see `Rule.counted`."""
        return self.rule.counted(self.values) if self.settings.get("logits") else self.values

    @property
    def rule(self) -> Rule:
        """How the events were made of the scores."""
        return Rule(**{name: self.settings[name] for name in Rule._fields if name in self.settings})

    @property
    def explained(self) -> list[str]:
        """The explained classes, the most probable first."""
        return self.labels.loc[self.labels["explained"], "label"].tolist()

    def save(self, format: str, path: str | Path) -> None:
        """Write one of `igsed.explaining.formats.FORMATS` to a file.

        Raises
        ------
        InputError
            There is no such format.
        """
        from igsed.explaining import formats

        formats.write(self, format, path)

    def plot(self):
        """Spectrogram, curves and events as a `matplotlib.figure.Figure`."""
        from igsed.explaining.picture import draw

        return draw(self)

    def _repr_html_(self) -> str:
        """What a notebook shows of it."""
        from igsed.explaining import notebook

        return notebook.html(self)


def likelihoods(
    found: pd.DataFrame, labels: Sequence[str], stretches: np.ndarray, probabilities: np.ndarray
) -> np.ndarray:
    """The class's largest probability in a stretch that an event overlaps, (event,).

    Parameters
    ----------
    found : pandas.DataFrame
        `label, onset, offset`.
    stretches : numpy.ndarray (stretch, 2)
        Beginnings and ends in seconds, both ascending.
    probabilities : numpy.ndarray (stretch, label)
    """
    columns = {label: k for k, label in enumerate(labels)}
    values = []
    for event in found.itertuples():
        first = min(np.searchsorted(stretches[:, 1], event.onset, side="right"), len(stretches) - 1)
        last = max(np.searchsorted(stretches[:, 0], event.offset, side="left"), first + 1)
        values.append(probabilities[first:last, columns[event.label]].max())
    return np.array(values, float)


def heights(found: pd.DataFrame, labels: Sequence[str], scores: np.ndarray) -> np.ndarray:
    """The mean height of an event's frames within the range of the scores (label, frame), 0…1, (event,)."""
    rows = {label: k for k, label in enumerate(labels)}
    low, high = scores.min(1), scores.max(1)
    values = []
    for event in found.itertuples():
        row = rows[event.label]
        own = scores[row, round(event.onset / FRAME) : round(event.offset / FRAME)]
        values.append(((own - low[row]) / (high[row] - low[row])).mean() if high[row] > low[row] else 0.0)
    return np.array(values, float)


def correlations(scores: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Mean rank correlation of each curve (label, frame) with other curves (other, frame); NaN where one is constant.

    Examples
    --------
    >>> correlations(np.array([[1.0, 2.0, 4.0], [1.0, 1.0, 1.0]]), np.array([[0.0, 1.0, 2.0]]))
    array([ 1., nan])
    """
    other = _centred_ranks(others)
    return np.array([_cosines(_centred_ranks(curve), other).mean() for curve in scores], float)


def _centred_ranks(values: np.ndarray) -> np.ndarray:
    ranks = rankdata(values, axis=-1)
    return ranks - ranks.mean(-1, keepdims=True)


def _cosines(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Of a vector (frame,) with others (other, frame); NaN where one of them is all zeros."""
    sizes = np.sqrt(np.square(one).sum()) * np.sqrt(np.square(others).sum(-1))
    return np.divide(others @ one, sizes, out=np.full(len(others), np.nan), where=sizes > 0)


def notes(found: pd.DataFrame, of_labels: Mapping[str, str], energy: np.ndarray) -> np.ndarray:
    """What is to be said of each event: what is said of its class, and whether nothing sounds in it.

    Parameters
    ----------
    found : pandas.DataFrame
        `label, onset, offset`.
    of_labels : mapping
        Label → `note`.
    energy : numpy.ndarray (frame,)
        Mean squares.
    """
    told = []
    for event in found.itertuples():
        silent = energy[round(event.onset / FRAME) : round(event.offset / FRAME)] <= SILENT
        parts = [of_labels[event.label], _FOREIGN if silent.mean() >= 0.5 else ""]
        told.append("; ".join(filter(None, parts)))
    return np.array(told, dtype=object)


def note(loudness: float, random_head: float) -> str:
    """What is to be said of a curve with these rank correlations; nothing where they are low or unknown."""
    told = []
    if loudness >= LIKE:
        told.append(f"follows loudness (rank correlation {loudness:.2f})")
    if random_head >= LIKE:
        told.append(f"like the curve of a head that knows no class (rank correlation {random_head:.2f})")
    return "; ".join(told)
