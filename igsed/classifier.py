"""The sound classifier that is explained: a frozen body and the linear clip head, from waveforms to logits."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from igsed.pooling import pooled


class Classifier(nn.Module):
    """A frozen backbone and a linear head.

    Parameters
    ----------
    backbone : igsed.backbones.Backbone
    head : torch.nn.Linear
        From the backbone's embedding to classes.
    """

    backbone: Any  # torch takes any attribute of a module for a tensor or a module

    def __init__(self, backbone: nn.Module, head: nn.Linear):
        super().__init__()
        self.backbone, self.head = backbone, head

    @classmethod
    def of(cls, backbone: nn.Module, head: Mapping[str, Any]) -> "Classifier":
        """In evaluation mode, with a head's `weight` (class, embedding) and `bias` (class,), arrays or tensors."""
        weight, bias = (torch.as_tensor(head[name]) for name in ("weight", "bias"))
        linear = nn.Linear(weight.shape[1], len(weight))
        linear.load_state_dict({"weight": weight, "bias": bias})
        return cls(backbone, linear).eval()

    @property
    def sample_rate(self) -> int:
        """Samples per second of the waveforms that the classifier takes."""
        return self.backbone.sample_rate

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Clip logits (batch, class) of waveforms (batch, samples): head(project(max + mean over frames))."""
        frames = self.backbone.body(self.backbone.spectrum(waveform))
        return self.head(self.backbone.project(pooled(frames)))

    def frames(self, waveform: torch.Tensor) -> torch.Tensor:
        """Frame logits (batch, frame, class) of waveforms (batch, samples): head(project(frames))."""
        return self.head(self.backbone.project(self.backbone.body(self.backbone.spectrum(waveform))))
