"""The paper's own numbers, as data.

Goal
----
Show every measured value beside the published one, from a single place.

Source
------
Martynas Dumpis and Tuomas Virtanen, "Evaluating the Temporal Detection Capability of Integrated Gradients
Applied on Sound Classifier", arXiv:2605.23293 (22 May 2026; EUSIPCO 2026): Tables I-III and the peaks of
Figure 3.

Conventions
-----------
Rates lie in 0…1 (the paper's 82.6 % is 0.826), with the paper's two or three digits. Percentiles lie in
0…100. Detectors carry this project's names; the numbers of a detector stand in its declaration.

>>> DETECTION["ig"].pointing_game
0.826
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from igsed.detectors import published

CITATION = (
    "M. Dumpis and T. Virtanen, “Evaluating the Temporal Detection Capability of Integrated Gradients "
    "Applied on Sound Classifier”, arXiv:2605.23293, 2026"
)


class Classification(NamedTuple):
    """A row of Table I: clip-level precision, recall and F1 of one class on the test clips."""

    precision: float
    recall: float
    f1: float


class Detection(NamedTuple):
    """A row of Table II: mean and standard deviation of IoU over pairs, mean F1, Pointing Game."""

    iou: float
    f1: float
    iou_std: float
    pointing_game: float


class Temporal(NamedTuple):
    """A cell of Table III: mean IoU and F1 of one class."""

    iou: float
    f1: float


class Peak(NamedTuple):
    """A peak of Figure 3: the percentile at which a detector's curve is highest, and its value there."""

    detector: str
    metric: str
    percentile: int
    value: float


# A detector's numbers stand in its declaration.
_PUBLISHED = [(detector, detector.published) for detector in published() if detector.published]

CLASSIFICATION: Mapping[str, Classification] = MappingProxyType(
    {
        "Alarm_bell_ringing": Classification(1.00, 0.75, 0.86),
        "Blender": Classification(1.00, 0.15, 0.27),
        "Cat": Classification(1.00, 0.81, 0.90),
        "Dishes": Classification(1.00, 0.57, 0.72),
        "Dog": Classification(1.00, 0.56, 0.71),
        "Electric_shaver_toothbrush": Classification(0.91, 0.77, 0.83),
        "Frying": Classification(1.00, 0.17, 0.29),
        "Running_water": Classification(1.00, 0.46, 0.62),
        "Speech": Classification(0.92, 0.98, 0.95),
        "Vacuum_cleaner": Classification(0.86, 0.46, 0.60),
    }
)
"""Table I, by class."""

DETECTION: Mapping[str, Detection] = MappingProxyType(
    {detector.name: Detection(row.iou, row.f1, row.iou_std, row.pointing_game) for detector, row in _PUBLISHED}
)
"""Table II, by detector."""

PER_CLASS: Mapping[tuple[str, str], Temporal] = MappingProxyType(
    {(label, detector.name): Temporal(*cell) for detector, row in _PUBLISHED for label, cell in row.classes.items()}
)
"""Table III, by (class, detector)."""

PEAKS: tuple[Peak, ...] = tuple(
    Peak(detector.name, metric, *peak) for detector, row in _PUBLISHED for metric, peak in row.peaks.items()
)
"""Figure 3: where the curves peak. The peaks of FW-WS and FW-SS lie above their rows of Table II."""
