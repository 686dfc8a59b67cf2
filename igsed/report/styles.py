"""How detectors are drawn: a style each, the same in the figures and on the pages of an experiment.

Light: it imports no matplotlib, so that pages can be made without it. Colours start from Okabe and Ito, "Color
Universal Design" (2008), darkened until lines and markers have a contrast of 3 : 1 against white
(`igsed.report.colours`).
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from igsed.detectors import DETECTORS, Style

STYLE: Mapping[str, Style] = {name: found.style for name, found in DETECTORS.built_in.items() if found.style}
"""The detectors that declare a style of their own."""

_COLOURS = ("#8D2418", "#4E6CFE", "#75974F", "#7C2E7B")
_LINES = ((0, (8, 2)), (0, (8, 2, 1, 2)), (0, (2, 1)), (0, (8, 2, 3, 2)), (0, (1, 3)))
_MARKERS = ("<", ">", "p", "X", "P", "h", "*")

FURTHER: Sequence[Style] = [
    Style(_COLOURS[i % len(_COLOURS)], _LINES[i % len(_LINES)], _MARKERS[i % len(_MARKERS)])
    for i in range(len(_COLOURS) * len(_LINES) * len(_MARKERS))
]
"""Styles for further detectors, all different: colours, lines and markers cycle side by side."""


def styles(detectors: Iterable[str], drawn: Iterable[str] = ()) -> dict[str, Style]:
    """The style of each detector; those outside `STYLE` get one of `FURTHER` that their name prefers.

    Where two prefer the same, the first by name has it, of those that most figures draw before others, so that a
    detector looks the same in a figure of them and in one of all; the other has the next that is free. So a detector
    looks the same in two experiments unless it meets such another one.
    """
    detectors, drawn = list(dict.fromkeys(detectors)), set(drawn)
    more = sorted((drawn | {*detectors}) - set(STYLE), key=lambda name: (name not in drawn, name))
    further: dict[str, int] = {}
    for name in more:
        taken = {*further.values()}
        further[name] = next((i for i in _preferred(name) if i not in taken), len(further) % len(FURTHER))
    return {detector: STYLE.get(detector) or FURTHER[further[detector]] for detector in detectors}


def _preferred(name: str) -> Iterator[int]:
    """Places in `FURTHER`: all colours, from one that depends on the name, then all again with other markers."""
    first = zlib.crc32(name.encode("utf-8")) - 1
    for block in range(0, len(FURTHER), len(_COLOURS)):
        yield from (block + (first + k) % len(_COLOURS) for k in range(len(_COLOURS)))


def merged(experiments: Iterable[tuple[Iterable[str], Iterable[str]]]) -> dict[str, Style]:
    """The style of each detector of several experiments: that of the first in which it is, if it can be.

    A detector whose style another one took before gets one that no other has, as long as there are some.

    Parameters
    ----------
    experiments
        Of each the arguments of `styles`.
    """
    looks = [styles(detectors, drawn) for detectors, drawn in experiments]
    found: dict[str, Style] = {}
    for look in looks:
        taken = {*found.values()}
        found |= {name: style for name, style in look.items() if name not in found and style not in taken}
    for name in (name for look in looks for name in look if name not in found):
        taken = {*found.values()}
        found[name] = next((style for style in FURTHER if style not in taken), FURTHER[len(found) % len(FURTHER)])
    return found
