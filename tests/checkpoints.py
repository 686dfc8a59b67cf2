"""Checkpoints with random weights in the formats in which the pretrained networks are published."""

import math
from pathlib import Path
from unittest import mock

import torch
from torch import Tensor, nn

from tests.backbones.cnn14_reference import WIDTHS, Cnn14


def cnn14(seed: int = 0, widths: tuple[int, ...] = WIDTHS) -> Cnn14:
    """A random CNN14 whose activations are of the order of 1 in every layer, for sounds and for silence.

    Each batch normalisation has a random affine map and the statistics of what reaches it of `sounds`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Cnn14(widths)
        for norm in (module for module in network.modules() if isinstance(module, nn.BatchNorm2d)):
            norm.momentum = 1.0
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias, 0, 0.2)
        with torch.no_grad():
            network.train()(sounds(seed))
    return network.eval()


def sounds(seed: int = 0, samples: int = 41000) -> Tensor:
    """Four sounds at 32 kHz, (4, samples): noise that comes and goes, a rising tone, a faint noise, a silence."""
    noise = torch.randn(2, samples, generator=torch.Generator().manual_seed(seed))
    time = torch.arange(samples) / 32000
    tone = 0.3 * (2 * math.pi * (300 + 1500 * time) * time).sin()
    return torch.stack([0.2 * noise[0] * (5 * time).sin() ** 4, tone, 1e-3 * noise[1], 0 * time])


def write_cnn14(path: str | Path, network: Cnn14 | None = None) -> Path:
    """Write the network (`cnn14()` where none is given) as PANNs publishes it, 327 MB at full width; returns the path.

    The tensors, batch counters included, lie under "model" and are marked as written on a GPU.
    """
    network = network or cnn14()
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with mock.patch("torch.serialization.location_tag", return_value="cuda:0"):
        torch.save({"iteration": 600000, "model": network.state_dict()}, path)
    return path
