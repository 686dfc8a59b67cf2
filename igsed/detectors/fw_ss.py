"""FW-SS: a framewise head that learns from frame labels (arXiv:2605.23293)."""

from igsed.detectors import OfFrames, Published, Style
from igsed.detectors.fw_ws import maximum

DETECTOR = OfFrames(
    name="fw_ss",
    title="FW-SS",
    citation="Dumpis and Virtanen 2026, arXiv:2605.23293",
    run=maximum,
    learns_from="frame",
    score="logit",
    style=Style("#009E73", (0, (5, 1.5, 1, 1.5)), "^"),
    published=Published(
        3,
        0.45,
        0.58,
        0.24,
        0.979,
        classes={
            "Alarm_bell_ringing": (0.46, 0.59),
            "Blender": (0.69, 0.82),
            "Cat": (0.55, 0.68),
            "Dishes": (0.24, 0.36),
            "Dog": (0.34, 0.46),
            "Electric_shaver_toothbrush": (0.66, 0.77),
            "Frying": (0.52, 0.68),
            "Running_water": (0.49, 0.62),
            "Speech": (0.43, 0.57),
            "Vacuum_cleaner": (0.52, 0.65),
        },
        peaks={"iou": (28, 0.65), "f1": (29, 0.77)},
    ),
)
