"""What an explanation says as people read it: numbers, times, notes, and the table of the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from igsed.explaining.labels import HEARD
from igsed.names import printable

if TYPE_CHECKING:
    from igsed.explaining.results import Explained

MOST_TIMES = 6
"""Events of a class that are named."""

NONE = "–"
"""In the place of times where there are none."""

_FAR = 2.0
"""Peak above which it is told that a recording was scaled; decoders of compressed sound go a little above 1."""

_QUIETEST, _SECOND = "quiet_second", 1.0
"""What many methods compare a recording with, and how long it is."""


def times(events: pd.DataFrame) -> str:
    """Events as text, two spaces between them, the most confident ones where there are many.

    Examples
    --------
    >>> times(pd.DataFrame({"onset": [1.0], "offset": [2.5], "confidence": [0.5]}))
    '1.0–2.5 (0.50)'
    """
    best = events.nlargest(MOST_TIMES, "confidence").sort_values("onset")
    told = [f"{row.onset:.1f}–{row.offset:.1f} ({share(row.confidence)})" for row in best.itertuples()]
    if len(events) > len(best):
        told.append(f"and {len(events) - len(best)} less confident")
    return "  ".join(told) or NONE


def share(value: float) -> str:
    """A number 0…1; one that is above 0 is never shown as 0.

    Examples
    --------
    >>> share(0.93), share(0.004), share(0.0)
    ('0.93', '<0.01', '0.00')
    """
    return "<0.01" if 0 < value < 0.005 else f"{value:.2f}"


def probability(row, has_spread: bool) -> str:
    """Of a row of `Explained.labels`; with the range of the seeds where there is one."""
    return share(row.probability) + (f" ({share(row.low)}–{share(row.high)})" if has_spread else "")


def notes(explanation: Explained, label: str) -> list[str]:
    """What is to be said of a class: the notes of its events, or why a probable one has none."""
    own = explanation.events[explanation.events["label"] == label]
    if len(own):
        return [text for text in own["note"].unique() if text]
    rule, row = explanation.rule, explanation.explained.index(label)
    probability = explanation.labels["probability"].iloc[row]
    if probability < rule.floor:
        return []
    curve = explanation.counted[row]
    if curve.max() == curve.min():
        settings = explanation.settings.get("settings") or {}
        if explanation.duration <= _SECOND and _QUIETEST in (settings.get("baseline"), settings.get("filler")):
            return ["no times, since the recording is no longer than the quietest second that it is compared with"]
        if explanation.values[row].max() > explanation.values[row].min():
            return [f"no times, since the method gives no frame a probability of at least {rule.floor:g}"]
        return ["no times, since the curve has the same value everywhere"]
    if rule.minimum:
        return [f"no event is as long as {rule.minimum:g} s and probable enough"]
    return [f"no times, since the probability is below {rule.floor:g} wherever the curve is high"]


def remarks(explanation: Explained) -> list[str]:
    """What is to be said of the whole: that its level is none of a sound file's, that no class is probable."""
    told = []
    peak = explanation.settings.get("divided_by", 1)
    if peak > _FAR:
        told.append(f"its samples reach {peak:.4g} times full scale, so all were divided by that")
    unasked = explanation.settings.get("labels", True) is None
    if unasked and explanation.labels["probability"].iloc[0] < HEARD:
        told.append(f"no class has a probability of at least {HEARD:g}; this is the most probable one")
    return told


def table(explanation: Explained, width: int) -> str:
    """Class, probability and times of an explanation, with its notes, in so many columns."""
    shown = explanation.labels[explanation.labels["explained"]]
    has_spread = (shown["high"] > shown["low"]).any()
    rows = []
    noted: dict[str, list[str]] = {}
    for row in shown.itertuples():
        own = explanation.events[explanation.events["label"] == row.label]
        rows.append((row.label, probability(row, has_spread), times(own)))
        for text in notes(explanation, row.label):
            noted.setdefault(text, []).append(row.label)
    edge = [max(len(row[k]) for row in [*rows, ("class", "probability", "")]) for k in (0, 1)]
    lines = [f"{explanation.name} ({clock(explanation.duration)}), {explanation.model}, {explanation.method}"]
    for label, likely, when in [("class", "probability", "times / s (confidence)"), *rows]:
        first = f"  {label:<{edge[0]}}  {likely:<{edge[1]}}  "
        lines += _side_by_side(first, when.split("  "), width)
    told = [f"{'; '.join(labels)}: {text}" for text, labels in noted.items()]
    for text in [*remarks(explanation), *told]:
        lines += textwrap.wrap(f"Note: {text}.", width, initial_indent="  ", subsequent_indent="    ")
    return "\n".join(map(printable, lines))


def _side_by_side(first: str, parts: Sequence[str], width: int) -> list[str]:
    """Parts behind `first`, on as many lines as they need."""
    lines = [first]
    for part in parts:
        if lines[-1].strip() and len(lines[-1]) + len(part) > width and len(lines[-1]) > len(first):
            lines.append(" " * len(first))
        lines[-1] += f"{part}  "
    return [line.rstrip() for line in lines]


def line(explanation: Explained, most: int = 5) -> str:
    """An explanation in one line: recording, model, method, and the explained classes with their events.

    Of many classes the first ones are named.
    """
    shown = explanation.labels[explanation.labels["explained"]]
    count = explanation.events["label"].value_counts()
    told = []
    for row in shown.head(most).itertuples():
        events = count.get(row.label, 0)
        told.append(f"{row.label} {share(row.probability)} ({events} event{'' if events == 1 else 's'})")
    if len(shown) > most:
        told.append(f"and {len(shown) - most} more")
    head = f"{explanation.name!r}, {clock(explanation.duration)}, {explanation.model}, {explanation.method}"
    return printable(f"<Explained {head}: {'; '.join(told)}>")


def clock(seconds: float) -> str:
    """A length of time.

    Examples
    --------
    >>> clock(9.96), clock(125), clock(3600)
    ('10.0 s', '2:05 min', '1:00:00 h')
    """
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min"
