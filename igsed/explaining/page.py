"""A page of one recording: its sound, spectrogram, curves and events, to hear, see and try thresholds on.

One file that loads nothing. It is made of `page.html` (a template), `player.css` and `page.js`, with the frame, the
style and the player of other pages (`igsed.report.page.rendering`). Without a script, sound, spectrogram, curves,
events and the table are there. The same explanation gives the same bytes. What users name is escaped by the template,
in JSON by `igsed.report.inline`; the script writes it as text only.

Of a recording longer than `LONGEST` its first part is shown, which the page says. The script makes events of a share
of the curve's range in the whole recording, as `igsed.explaining.results` does: from the same 64-bit scores by the same
operations, so with the same times. Only of an event that the end of the shown part cuts off it may not know all: of how
probable the class is behind it, and of scores after `LONGEST` more seconds where `minimum` asks for as many.
"""

from __future__ import annotations

import base64
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from igsed.explaining import shown, wording
from igsed.explaining.results import Explained
from igsed.report.page import rendering
from igsed.timeline import FRAME

LONGEST = 600.0
"""Seconds that are shown; of a longer recording the first ones."""

_HERE = Path(__file__).parent
_PARTS = (("classes", "Classes"), ("listen", "Hear and see"), ("made", "How it was made"))
_WINDOW = 60.0
"""Seconds that are seen at a time, if there are more."""


def html(found: Explained) -> str:
    """The page.

    Raises
    ------
    InputError
        The recording cannot be read any more.
    """
    seconds = shown.seconds(found, LONGEST)
    curves = shown.curves(found, seconds)
    window = min(seconds, _WINDOW)
    return rendering.render(
        _HERE / "page.html",
        ["player.js", "page.js"],
        _data(found, curves, seconds),
        styles=["player.css"],
        parts=_PARTS,
        found=found,
        curves=curves,
        length=wording.clock(found.duration),
        cut=wording.clock(LONGEST) if seconds < found.duration else "",
        seconds=seconds,
        zoom=seconds / window,
        ticks=[(time, 100 * time / seconds) for time in _ticks(seconds, window)],
        sound=shown.sound(found, seconds),
        picture=shown.spectrogram(found, seconds),
        hertz=shown.hertz(found),
        height=shown.HEIGHT,
        width=seconds / FRAME,
        levels=[_height(curve.share) for curve in curves],
        facts=_facts(found),
        remarks=wording.remarks(found),
    )


def _ticks(seconds: float, window: float) -> list[float]:
    step = shown.ticks(window)[1]
    return [round(k * step, 6) for k in range(int(0.97 * seconds / step) + 1)]  # one at the end would be cut off


def _height(share: float | None) -> float | None:
    return None if share is None else round(shown.BOTTOM - (shown.BOTTOM - shown.TOP) * share, 2)


def _data(found: Explained, curves: list[shown.Curve], seconds: float) -> dict[str, Any]:
    """What the script computes with; arrays as the bytes of 64-bit numbers."""
    rule = found.rule
    frames = min(len(curves[0].scores), max(1, round(seconds / FRAME)))
    # What lies behind the last frame, as far as an event that begins before it depends on it.
    known = frames + round(min(rule.gap + rule.minimum, LONGEST) / FRAME) + 2
    stretches = found.stretches
    if stretches is not None:
        stretches = stretches[stretches["onset"] < known * FRAME]
    return {
        "duration": seconds,
        "frames": frames,
        "window": min(seconds, _WINDOW),
        "gap": rule.gap,
        "minimum": rule.minimum,
        "floor": rule.floor if stretches is not None else 0,
        "starts": _bytes([] if stretches is None else stretches["onset"]),
        "ends": _bytes([] if stretches is None else stretches["offset"]),
        "classes": [
            {
                "label": curve.label,
                "colour": curve.colour,
                "low": curve.low,
                "high": curve.high,
                "share": curve.share,
                "scores": _bytes(curve.scores[:known]),
                "probabilities": _bytes([1.0] if stretches is None else stretches[curve.label]),
                "events": [list(event) for event in curve.events],
            }
            for curve in curves
        ],
    }


def _bytes(numbers) -> str:
    return base64.b64encode(np.asarray(numbers, "<f8").tobytes()).decode("ascii")


def _facts(found: Explained) -> dict[str, str]:
    rule = found.rule
    told = {
        "Recording": f"{found.settings.get('file') or found.name}, {wording.clock(found.duration)}",
        "Model": found.model,
        "Method": found.method + (f": {origin}" if (origin := found.settings.get("origin")) else ""),
        "Threshold": "Otsu's, of the whole recording"
        if rule.threshold == "otsu"
        else f"{rule.threshold:g} of the range",
        "Events": f"closer than {rule.gap:g} s are one"
        + (f"; at least {rule.minimum:g} s long" if rule.minimum else ""),
        "Floor": f"no events where the class has a probability below {rule.floor:g}" if rule.floor else "none",
        "Made by": f"igsed {version('igsed')}",
    }
    settings = found.settings.get("settings") or {}
    if settings and not origin:
        told["Settings"] = ", ".join(f"{name} {value}" for name, value in settings.items() if value is not None)
    return told
