"""From attributions of a clip's samples or spectra to one score per 100 ms frame.

An attribution counts by its size ("absolute"), by what speaks for the class ("positive"), or as it is ("signed").
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from igsed.timeline import FRAME

Sign = Literal["absolute", "positive", "signed"]

_COUNTED: dict[str, Callable[[Tensor], Tensor]] = {
    "absolute": torch.abs,
    "positive": lambda attributions: attributions.clamp_min(0),
    "signed": lambda attributions: attributions,
}


def of_samples(attributions: Tensor, sample_rate: int, sign: Sign = "absolute") -> Tensor:
    """Mean over the samples of each frame, (…, samples) → (…, frame).

    "absolute" is the mean |attribution| of arXiv:2605.23293.
    """
    size = round(FRAME * sample_rate)
    count = attributions.shape[-1] // size
    return _COUNTED[sign](attributions[..., : count * size]).unflatten(-1, (count, size)).mean(-1)


def of_spectrum(attributions: Tensor, count: int, duration: float, sign: Sign = "absolute") -> Tensor:
    """Mean over the bands, and over the spectra of each frame, (…, time, band) → (…, frame).

    Spectra stand for equal shares of the clip, one after the other; in a frame each weighs as much as its share
    overlaps with it, so that every frame has a value where spectra are longer than frames too. Real spectra overlap and
    begin or end beyond the clip: the middle of a share differs from that of YAMNet's spectrum (0.010 t + 0.0125 s) and
    CNN14's (0.010 t s) by at most half their window, besides a rest at the clip's end that fills no window.

    Parameters
    ----------
    attributions : Tensor (…, time, band)
        Of a `igsed.backbones.Backbone`'s spectrum; at least one spectrum.
    count : int
        Number of frames.
    duration : float
        Of the clip in seconds, at least that of the frames.
    """
    values = _COUNTED[sign](attributions).mean(-1)
    spectra = values.shape[-1]
    width = FRAME * spectra / duration  # of a frame, in spectra
    begin = width * torch.arange(count, dtype=torch.float64)[:, None]
    index = begin.floor() + torch.arange(int(width) + 2)
    overlap = (torch.minimum(index + 1, begin + width) - torch.maximum(index, begin)).clamp_min(0)
    overlap *= index < spectra
    weights = (overlap / overlap.sum(1, keepdim=True)).to(values)
    return (values[..., index.long().clamp_max(spectra - 1).to(values.device)] * weights).sum(-1)
