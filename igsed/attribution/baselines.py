"""What a clip is compared with: sounds that stand for its absence, or for that of a part of it.

None of them is right for all: each states what "nothing there" sounds like (P. Sturmfels, S. Lundberg and S.-I. Lee,
"Visualizing the Impact of Feature Attribution Baselines", Distill 2020). How the classifier takes a baseline can be
measured, by its logit and by the norm of its embedding (`igsed.attribution.Explanation`).
"""

import torch
from torch import Tensor

SECOND = 1.0
"""Length of the quietest stretch that stands for a clip's background, in seconds."""

_STEP = 0.1
"""Seconds between the places at which the quietest stretch is looked for."""


def silence(waveform: Tensor, sample_rate: int) -> Tensor:
    """Zeros, (samples,)."""
    return torch.zeros_like(waveform)


def quiet_second(waveform: Tensor, sample_rate: int) -> Tensor:
    """The clip's second of least energy, played to and fro over its length, (samples,)."""
    stretch = _quietest(waveform, sample_rate)
    period = torch.cat([stretch, stretch.flip(0)])
    return period.repeat(-(-len(waveform) // len(period)))[: len(waveform)]


def noise(waveform: Tensor, sample_rate: int) -> Tensor:
    """White noise as loud as the clip's quietest second, (samples,), from torch's generator of random numbers."""
    level = _quietest(waveform, sample_rate).square().mean().sqrt()
    return level * torch.randn(len(waveform)).to(waveform)


def _quietest(waveform: Tensor, sample_rate: int) -> Tensor:
    size, step = round(SECOND * sample_rate), max(1, round(_STEP * sample_rate))
    if len(waveform) <= size:
        return waveform
    windows = waveform.unfold(0, size, step)
    return windows[windows.double().square().sum(1).argmin()]


FILLERS = {"silence": silence, "quiet_second": quiet_second, "noise": noise}
"""Those that can stand for a part of a clip: name → function."""
