"""What a clip is compared with: sounds that stand for its absence, or for that of a part of it.

None of them is right for all: each states what "nothing there" sounds like (P. Sturmfels, S. Lundberg and S.-I. Lee,
"Visualizing the Impact of Feature Attribution Baselines", Distill 2020). How the classifier takes a baseline can be
measured, by its logit and by the norm of its embedding (`igsed.attribution.Explanation`).

Random ones come from torch's generator of random numbers.
"""

import torch
from torch import Tensor

SECOND = 1.0
"""Length of the quietest stretch that stands for a clip's background, in seconds."""

_STEP = 0.1
"""Seconds between the places at which the quietest stretch is looked for, and that the shuffled pieces last."""


def silence(waveform: Tensor, sample_rate: int) -> Tensor:
    """Zeros, (samples,)."""
    return torch.zeros_like(waveform)


def quiet_second(waveform: Tensor, sample_rate: int) -> Tensor:
    """The clip's second of least energy, played to and fro over its length, (samples,)."""
    stretch = _quietest(waveform, sample_rate)
    period = torch.cat([stretch, stretch.flip(0)])
    return period.repeat(-(-len(waveform) // len(period)))[: len(waveform)]


def noise(waveform: Tensor, sample_rate: int) -> Tensor:
    """White noise as loud as the clip's quietest second, (samples,)."""
    level = _quietest(waveform, sample_rate).square().mean().sqrt()
    return level * torch.randn(len(waveform)).to(waveform)


def shuffled(waveform: Tensor, sample_rate: int) -> Tensor:
    """The clip's pieces of 100 ms in another order, (samples,); a rest shorter than that stays at the end."""
    size = max(1, round(_STEP * sample_rate))
    count = len(waveform) // size
    pieces = waveform[: count * size].unflatten(0, (count, size)) if count else waveform.new_zeros(0, size)
    order = torch.randperm(count).to(waveform.device)
    return torch.cat([pieces[order].flatten(), waveform[count * size :]])


def phase(waveform: Tensor, sample_rate: int) -> Tensor:
    """Stationary noise with the clip's own spectrum, (samples,): all its phases are drawn anew (J. Theiler et al. 1992,
    "Testing for nonlinearity in time series: the method of surrogate data")."""
    bins = torch.fft.rfft(waveform)
    angles = 2 * torch.pi * torch.rand(len(bins)).to(waveform)
    drawn = torch.polar(bins.abs(), angles)
    drawn[0] = bins[0]
    if len(waveform) % 2 == 0:
        drawn[-1] = bins[-1]
    return torch.fft.irfft(drawn, len(waveform))


def percentile(spectrum: Tensor, q: float) -> Tensor:
    """In each band the q-th percentile (0…100) over time of a spectrum (time, mel), at all times."""
    return spectrum.quantile(q / 100, 0, keepdim=True).expand_as(spectrum).contiguous()


def median(spectrum: Tensor) -> Tensor:
    """In each band the median over time of a spectrum (time, mel), at all times."""
    return percentile(spectrum, 50)


def drawn(sounds: Tensor, count: int, samples: int) -> Tensor:
    """Some of the sounds (sound, samples), each at most once, `count` or all, as long as a clip: (draw, samples)."""
    chosen = sounds[torch.randperm(len(sounds))[:count].to(sounds.device)]
    return chosen.repeat(1, -(-samples // max(1, sounds.shape[1])))[:, :samples]


def _quietest(waveform: Tensor, sample_rate: int) -> Tensor:
    size, step = round(SECOND * sample_rate), max(1, round(_STEP * sample_rate))
    if len(waveform) <= size:
        return waveform
    windows = waveform.unfold(0, size, step)
    return windows[windows.double().square().sum(1).argmin()]


FILLERS = {"silence": silence, "quiet_second": quiet_second, "noise": noise}
"""Those that can stand for a part of a clip: name → function."""


WAVEFORMS = FILLERS | {"shuffled": shuffled, "phase": phase}
"""Those made from a clip's waveform: name → function."""

SPECTRA = ("percentile", "median")
"""Those made from a clip's mel spectrum; no waveform has it."""

SOUNDS = {"background": "backgrounds", "training": "clips"}
"""Those drawn from the training clips: name → what of them (`igsed.detectors.OfClassifier.sounds`)."""
