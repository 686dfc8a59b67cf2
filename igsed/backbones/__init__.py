"""Pretrained networks that turn a waveform into frames of channels; frozen, never trained here.

``load`` is the only way in: it looks a network up by name, reads its weights and freezes it. A network is one module
of this package with one class that fulfils `Backbone`, named in `igsed.registry.BACKBONES`; it is imported when it is
asked for.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from igsed.errors import InputError
from igsed.registry import BACKBONES, WEIGHTS

if TYPE_CHECKING:
    import torch


class Backbone(Protocol):
    """What the heads, the feature cache and the attributions need of a network, which is a `torch.nn.Module`.

    A network is cut at the two places where the project has to reach in: at the linear mel spectrum, which is
    homogeneous in the waveform (``spectrum(a * x) == a ** d * spectrum(x)`` for ``a > 0``), so that a path from
    silence need not pass the front end at every step; and at the frames, before time is pooled. Clip logits are
    ``head(project(max over frames + mean over frames))``, frame logits ``head(project(frames))``.

    A frozen network stays in evaluation mode, ``train()`` included: ``requires_grad=False`` alone would leave dropout,
    augmentation and batch statistics alive. It is differentiable with respect to its input, with finite gradients
    everywhere, exact silence included.

    Attributes
    ----------
    sample_rate : int
        Of the waveform, in Hz.
    embedding : int
        Size of what ``project`` returns.
    """

    sample_rate: int
    embedding: int

    @classmethod
    def from_file(cls, path: str | Path) -> Backbone:
        """The network with the weights in ``path``; `InputError` names a file that does not hold them."""

    def spectrum(self, waveform: torch.Tensor) -> torch.Tensor:
        """Linear mel spectrum (batch, time, mel) of a waveform (batch, samples) with full scale at 1."""

    def body(self, spectrum: torch.Tensor) -> torch.Tensor:
        """Frames (batch, frame, channel) of a linear mel spectrum (batch, time, mel)."""

    def project(self, channels: torch.Tensor) -> torch.Tensor:
        """Embeddings (..., embedding) of channels (..., channel), pooled over time or not."""

    def frame_times(self, samples: int) -> torch.Tensor:
        """Centre of each frame's receptive field (frame,), in seconds, for a waveform of so many samples.

        The first and last centres may lie off the middle of what the frame really sees, and past the waveform's end,
        because the field reaches into the padding there.
        """


def load(name: str, weights: str | Path | None = None) -> Backbone:
    """A frozen network, in evaluation mode, none of its parameters requiring a gradient.

    Parameters
    ----------
    name : str
        One of `igsed.registry.BACKBONES`.
    weights : str or Path, optional
        What the workflow stored under ``resources/``; see the network's ``from_file``. Without it those of YAMNet are
        fetched on first use; see `igsed.backbones.yamnet_conversion.obtain`.

    Raises
    ------
    InputError
        There is no such network, the file does not hold its weights, or they cannot be fetched.

    Examples
    --------
    >>> import torch
    >>> yamnet = load("yamnet")  # doctest: +SKIP
    >>> yamnet.body(yamnet.spectrum(torch.zeros(1, 160000))).shape  # doctest: +SKIP
    torch.Size([1, 32, 1024])
    """
    if name not in BACKBONES:
        raise InputError(f"backbone {name!r} is unknown; choose one of: {', '.join(sorted(BACKBONES))}")
    if weights is None and name not in WEIGHTS:
        raise InputError(
            f"backbone {name!r}: its weights are not fetched by themselves. Name their file, such as "
            f"resources/{name}/… after a run with backbone: {{name: {name}}}."
        )
    weights = _named(WEIGHTS[name])() if weights is None else weights
    if not Path(weights).exists():
        without = "Leave the file out to have the weights fetched" if name in WEIGHTS else "Correct the name"
        raise InputError(f"{weights}: there is no such file. {without}, or let a run (make run) make it.")
    import torch  # here, so that what only looks up a name does not load it

    network = _named(BACKBONES[name])
    # Convolutions in TF32, a GPU's default, would be wrong in the third decimal.
    torch.backends.cudnn.allow_tf32 = False
    return network.from_file(weights).requires_grad_(False).eval()


def _named(path: str):
    module, _, attribute = path.partition(":")
    return getattr(import_module(module), attribute)
