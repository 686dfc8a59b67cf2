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
0…100. Detectors carry this project's names (`ig`, `fw_ws`, `fw_ss`, `random`, `energy`); `NAMES` has the
paper's.

>>> DETECTION["ig"].pointing_game
0.826
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

CITATION = (
    "M. Dumpis and T. Virtanen, “Evaluating the Temporal Detection Capability of Integrated Gradients "
    "Applied on Sound Classifier”, arXiv:2605.23293, 2026"
)

NAMES: Mapping[str, str] = MappingProxyType(
    {"ig": "IG", "fw_ws": "FW-WS", "fw_ss": "FW-SS", "random": "Random", "energy": "Energy"}
)
"""The paper's name of each detector, in the order of its Table II."""


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
    {
        "ig": Detection(0.39, 0.52, 0.23, 0.826),
        "fw_ws": Detection(0.42, 0.55, 0.24, 0.973),
        "fw_ss": Detection(0.45, 0.58, 0.24, 0.979),
        "random": Detection(0.19, 0.30, 0.11, 0.283),
        "energy": Detection(0.16, 0.24, 0.16, 0.159),
    }
)
"""Table II, by detector."""

_TABLE_III = {
    "Alarm_bell_ringing": ((0.44, 0.57), (0.45, 0.58), (0.46, 0.59)),
    "Blender": ((0.63, 0.75), (0.67, 0.78), (0.69, 0.82)),
    "Cat": ((0.47, 0.61), (0.54, 0.67), (0.55, 0.68)),
    "Dishes": ((0.20, 0.31), (0.20, 0.31), (0.24, 0.36)),
    "Dog": ((0.45, 0.57), (0.32, 0.45), (0.34, 0.46)),
    "Electric_shaver_toothbrush": ((0.67, 0.79), (0.66, 0.77), (0.66, 0.77)),
    "Frying": ((0.40, 0.57), (0.52, 0.68), (0.52, 0.68)),
    "Running_water": ((0.49, 0.62), (0.45, 0.58), (0.49, 0.62)),
    "Speech": ((0.32, 0.46), (0.41, 0.55), (0.43, 0.57)),
    "Vacuum_cleaner": ((0.51, 0.65), (0.45, 0.60), (0.52, 0.65)),
}

PER_CLASS: Mapping[tuple[str, str], Temporal] = MappingProxyType(
    {
        (label, detector): Temporal(*cell)
        for label, row in _TABLE_III.items()
        for detector, cell in zip(("ig", "fw_ws", "fw_ss"), row, strict=True)
    }
)
"""Table III, by (class, detector)."""

PEAKS: tuple[Peak, ...] = (
    Peak("ig", "iou", 56, 0.39),
    Peak("ig", "f1", 57, 0.52),
    Peak("fw_ws", "iou", 43, 0.54),
    Peak("fw_ws", "f1", 43, 0.67),
    Peak("fw_ss", "iou", 28, 0.65),
    Peak("fw_ss", "f1", 29, 0.77),
)
"""Figure 3: where the curves peak. The peaks of FW-WS and FW-SS lie above their rows of Table II."""

IG_IOU_AT_80TH_PERCENTILE = 0.34
"""Figure 3: IG's IoU at the 80th percentile."""


def name(detector: str) -> str:
    """The paper's name of a detector; a detector that the paper lacks keeps its own."""
    return NAMES.get(detector, detector)
