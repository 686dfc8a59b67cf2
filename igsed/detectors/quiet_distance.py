"""Distance from quiet: how far each frame's spectrum is from that of the clip's quietest second.

A control that knows no class: it says when something sounds, as loudness does, but also hears what is no louder than
the background and only coloured otherwise. The spectrum of a frame of 100 ms is its power under a Hann window in mel
bands; that of quiet is the mean of the spectra of the consecutive frames with the least energy.
"""

from typing import Literal

import numpy as np
from pydantic import Field

from igsed.detectors import OfWaveform
from igsed.detectors.energy import energy
from igsed.settings import Positive, Section
from igsed.timeline import FRAME

_FLOOR = 1e-10
"""Added to the power before the logarithm: −100 dB of full scale, about the noise of 16 bits."""


class Settings(Section):
    """Distance of each frame's mel spectrum from that of the clip's quietest second, the same for every class."""

    quiet: Positive = Field(1.0, description="length of the quietest stretch, s")
    bands: int = Field(64, ge=1, le=128, description="mel bands from 0 Hz to half the sample rate")
    scale: Literal["decibel", "power"] = Field("decibel", description="what is subtracted: levels in dB, or powers")
    norm: Literal["l1", "l2"] = Field("l1", description="mean over bands of absolute differences, or root mean square")


def quiet_distance(
    waveform: np.ndarray,
    sample_rate: int,
    labels,
    seed: int,
    clip: str,
    quiet: float,
    bands: int,
    scale: str,
    norm: str,
) -> np.ndarray:
    """Distance of each 100 ms frame from quiet, the same for every label: (label, frame), in dB or as a power."""
    loudness = energy(waveform, sample_rate, [""], seed, clip)[0]
    if not len(loudness):
        return np.zeros((len(labels), 0))
    spectra = _spectra(waveform, sample_rate, len(loudness), bands)
    if scale == "decibel":
        spectra = 10 * np.log10(spectra + _FLOOR)
    length = min(max(1, round(quiet / FRAME)), len(loudness))
    first = np.lib.stride_tricks.sliding_window_view(loudness, length).sum(-1).argmin()
    difference = spectra - spectra[first : first + length].mean(0)
    distance = np.abs(difference).mean(-1) if norm == "l1" else np.sqrt((difference**2).mean(-1))
    return np.tile(distance, (len(labels), 1))


def _spectra(waveform: np.ndarray, sample_rate: int, count: int, bands: int) -> np.ndarray:
    """Mean power per frequency in mel bands, (frame, band); white noise has its mean square in each."""
    size = round(FRAME * sample_rate)
    window = np.hanning(size + 1)[:-1]
    frames = waveform[: count * size].astype(np.float64).reshape(count, size) * window
    power = np.abs(np.fft.rfft(frames, axis=-1)) ** 2 / (window**2).sum()
    mel = 2595 * np.log10(1 + np.fft.rfftfreq(size, 1 / sample_rate) / 700)
    spacing = mel[-1] / (bands + 1)
    bank = np.maximum(1 - np.abs(mel / spacing - np.arange(1, bands + 1)[:, None]), 0)
    bank = bank[bank.any(1)]  # at a low rate a band may lie between two frequencies
    return power @ (bank / bank.sum(1, keepdims=True)).T


DETECTOR = OfWaveform(
    name="quiet_distance",
    title="Quiet distance",
    settings=Settings,
    run=quiet_distance,
    score="difference in dB, or power",
)
