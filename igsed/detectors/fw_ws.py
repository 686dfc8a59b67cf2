"""FW-WS: a framewise head that learns from clip labels through the maximum over frames (arXiv:2605.23293)."""

from igsed.detectors import OfFrames, Published, Style


def maximum(logits):
    """Clip logits of frame logits, torch.Tensor (…, frame, class) → (…, class): the maximum over frames."""
    return logits.amax(-2)


DETECTOR = OfFrames(
    name="fw_ws",
    title="FW-WS",
    citation="Dumpis and Virtanen 2026, arXiv:2605.23293",
    run=maximum,
    learns_from="clip",
    score="logit",
    style=Style("#E69F00", (0, (5, 1.5)), "s"),
    published=Published(
        2,
        0.42,
        0.55,
        0.24,
        0.973,
        classes={
            "Alarm_bell_ringing": (0.45, 0.58),
            "Blender": (0.67, 0.78),
            "Cat": (0.54, 0.67),
            "Dishes": (0.20, 0.31),
            "Dog": (0.32, 0.45),
            "Electric_shaver_toothbrush": (0.66, 0.77),
            "Frying": (0.52, 0.68),
            "Running_water": (0.45, 0.58),
            "Speech": (0.41, 0.55),
            "Vacuum_cleaner": (0.45, 0.60),
        },
        peaks={"iou": (43, 0.54), "f1": (43, 0.67)},
    ),
)
