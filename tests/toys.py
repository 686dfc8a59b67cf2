"""A network small enough to compute by hand, and one whose attributions have a closed form."""

import numpy as np
import soundfile
import torch
from torch import nn

RATE = 1000
HOP = 250


class Toy(nn.Module):
    """An `igsed.backbones.Backbone`: five values of |waveform| a quarter second, a rectified and a linear layer.

    A rest shorter than a quarter second is not seen.
    """

    sample_rate, embedding = RATE, 3

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.mix = nn.Parameter(torch.randn(5, 4, generator=generator), requires_grad=False)
        self.out = nn.Parameter(torch.randn(4, 3, generator=generator), requires_grad=False)

    def spectrum(self, waveform):
        frames = waveform.shape[-1] // HOP
        return waveform[:, : frames * HOP].reshape(len(waveform), frames, 5, HOP // 5).abs().mean(-1)

    def body(self, spectrum):
        return torch.relu(spectrum @ self.mix)

    def project(self, channels):
        return channels @ self.out

    def frame_times(self, samples):
        return (torch.arange(samples // HOP) + 0.5) * HOP / self.sample_rate


class Linear(nn.Module):
    """A classifier whose logits are linear in the waveform, so that attributions are sample × weight."""

    sample_rate = RATE

    def __init__(self, samples: int, classes: int):
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.weight = nn.Parameter(torch.randn(classes, samples, generator=generator), requires_grad=False)
        self.bias = nn.Parameter(torch.randn(classes, generator=generator), requires_grad=False)

    def forward(self, waveform):
        return waveform @ self.weight.T + self.bias


def recording(path, seconds=1.0, rate=16000, level=0.1, seed=0, channels=1):
    """Write noise, other noise for another seed, as a sound file; returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (round(seconds * rate), channels)
    soundfile.write(path, level * np.random.default_rng(seed).uniform(-1, 1, shape), rate)
    return path
