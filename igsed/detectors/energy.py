"""Loudness: the mean square of each frame (arXiv:2605.23293)."""

import numpy as np

from igsed.detectors import OfWaveform, Published, Style
from igsed.timeline import FRAME, frame_count


def energy(waveform: np.ndarray, sample_rate: int, labels, seed: int, clip: str) -> np.ndarray:
    """Mean square of each 100 ms frame, the same for every label: (label, frame)."""
    count, size = frame_count(len(waveform) / sample_rate), round(FRAME * sample_rate)
    frames = (waveform[: count * size].astype(np.float64) ** 2).reshape(count, size).mean(axis=1)
    return np.tile(frames, (len(labels), 1))


DETECTOR = OfWaveform(
    name="energy",
    title="Energy",
    run=energy,
    score="mean square",
    style=Style("#CC669F", (0, (3, 1.2, 1, 1.2, 1, 1.2)), "v"),
    published=Published(5, 0.16, 0.24, 0.16, 0.159),
)
