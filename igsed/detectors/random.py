"""Chance: independent uniform scores (arXiv:2605.23293)."""

import numpy as np

from igsed import seeds
from igsed.detectors import OfWaveform, Published, Style
from igsed.timeline import frame_count


def random(waveform: np.ndarray, sample_rate: int, labels, seed: int, clip: str) -> np.ndarray:
    """Independent U(0, 1) scores (label, frame) from a stream of their own for each (clip, label)."""
    count = frame_count(len(waveform) / sample_rate)
    return np.stack([seeds.generator(seed, "random", clip, label).random(count) for label in labels])


DETECTOR = OfWaveform(
    name="random",
    title="Random",
    run=random,
    score="U(0, 1)",
    style=Style("#000000", (0, (1, 1.5)), "D"),
    limit="chance",
    published=Published(4, 0.19, 0.30, 0.11, 0.283),
)
