"""How an explanation shows itself in a notebook: sound, spectrogram, curves, events; HTML without a script.

Of a recording longer than `LONGEST` the first part is shown, of its events the first `MOST`. What users name is escaped
by the template.
"""

from __future__ import annotations

from pathlib import Path

from igsed.errors import InputError
from igsed.explaining import shown, wording
from igsed.explaining.results import Explained
from igsed.report.templates import environment
from igsed.timeline import FRAME

LONGEST = 60.0
"""Seconds that are shown: half a megabyte of sound."""

MOST = 40
"""Events that are listed."""


def html(found: Explained) -> str:
    """The view; a recording that cannot be read any more is left out of it."""
    seconds = shown.seconds(found, LONGEST)
    sound = picture = ""
    try:
        sound, picture = shown.sound(found, seconds), shown.spectrogram(found, seconds)
    except InputError:
        sound = picture = ""
    return (
        environment(Path(__file__).parent)
        .get_template("notebook.html")
        .render(
            found=found,
            length=wording.clock(found.duration),
            cut=wording.clock(LONGEST) if seconds < found.duration else "",
            curves=shown.curves(found, seconds),
            remarks=wording.remarks(found),
            none_found=wording.NONE,
            seconds=seconds,
            ticks=[time for time in shown.ticks(seconds) if time <= 0.97 * seconds],
            sound=sound,
            picture=picture,
            events=found.events.head(MOST).itertuples(),
            more=max(0, len(found.events) - MOST),
            width=seconds / FRAME,
            height=shown.HEIGHT,
        )
    )
