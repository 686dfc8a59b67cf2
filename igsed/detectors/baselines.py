"""The detectors that know no model: chance and loudness (arXiv:2605.23293)."""

import numpy as np

from igsed import seeds
from igsed.timeline import FRAME, frame_count


def random(waveform: np.ndarray, sample_rate: int, labels, seed: int, clip: str) -> np.ndarray:
    """Independent U(0, 1) scores (label, frame) from a stream of their own for each (clip, label)."""
    count = frame_count(len(waveform) / sample_rate)
    return np.stack([seeds.generator(seed, "random", clip, label).random(count) for label in labels])


def energy(waveform: np.ndarray, sample_rate: int, labels, seed: int, clip: str) -> np.ndarray:
    """Mean square of each 100 ms frame, the same for every label: (label, frame)."""
    count, size = frame_count(len(waveform) / sample_rate), round(FRAME * sample_rate)
    frames = (waveform[: count * size].astype(np.float64) ** 2).reshape(count, size).mean(axis=1)
    return np.tile(frames, (len(labels), 1))
