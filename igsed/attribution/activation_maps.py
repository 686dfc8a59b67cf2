"""Activation maps: the activations of a layer within the frozen body, weighed by gradients of class logits.

With A a layer's activations (channel, time, frequency) and G = ∂logit/∂A, a map (time, frequency) is the sum over
channels of

- "grad_cam": A times the mean of G over time and frequency (R. R. Selvaraju et al. 2017, arXiv:1610.02391). At the last
  layer, without the rectifier and where the projection is linear, that is the class activation map, the clip head on
  frames, up to a factor;
- "hires": A · G (R. L. Draelos and L. Carin 2020, "Use HiResCAM instead of Grad-CAM", arXiv:2011.08891);
- "layer_cam": A · max(G, 0) (P.-T. Jiang et al. 2021, "LayerCAM").

The rectified map's mean over frequency is a curve over time, which is brought to the 100 ms grid.

Layers are the body's activations (rectifiers and their like) with values (batch, channel, time, frequency), in the
order in which they are computed, whether they are modules or functions; of a body without any, its convolutions; of one
without these, the frames that the body returns are the only layer.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from igsed.attribution import Explanation
from igsed.attribution.frames import of_spectrum
from igsed.attribution.gradients import by_clip, gradients
from igsed.errors import InputError
from igsed.pooling import pooled
from igsed.timeline import FRAME, frame_count, resample

_ACTIVATIONS: frozenset[Callable] = frozenset(
    {
        functional.celu,
        functional.elu,
        functional.gelu,
        functional.hardswish,
        functional.hardtanh,
        functional.leaky_relu,
        functional.mish,
        functional.prelu,
        functional.relu,
        functional.relu6,
        functional.selu,
        functional.silu,
        functional.softplus,
        torch.relu,
        torch.relu_,
        torch.Tensor.relu,
        torch.Tensor.relu_,
    }
)
_CONVOLUTIONS: frozenset[Callable] = frozenset({torch.conv2d})

_SECOND = 1.0
"""Length of the silence by which layers are counted, in seconds."""

_HALVED = 1.5
"""A layer that has so many times the columns of the next one is the last of its resolution."""

Weighting = Literal["grad_cam", "hires", "layer_cam"]


class ActivationMaps:
    """Maps of one layer or of several, as curves over time.

    Parameters
    ----------
    layers : sequence of int or None
        Positions among the body's layers, from 0, or from the end with -1 for the last. None: the last layer of each
        resolution of time.
    weighting : {"grad_cam", "hires", "layer_cam"}
        See this module.
    relu : bool
        Whether what speaks against a class is set to zero in a map.
    fusion : {"maximum", "mean"}
        Of several layers, each scaled to 0…1.
    """

    def __init__(
        self,
        layers: Sequence[int] | None = (-1,),
        weighting: Weighting = "grad_cam",
        relu: bool = True,
        fusion: Literal["maximum", "mean"] = "maximum",
    ):
        self.layers, self.weighting, self.relu, self.fusion = layers, weighting, relu, fusion

    def __call__(self, classifier, waveform: Tensor, targets: Sequence[int]) -> Tensor:
        """Frame scores (target, frame) of one clip, `waveform` (samples,).

        Raises
        ------
        InputError
            The body has no such layer.
        """
        return self.explain_batch(classifier, waveform[None], [targets])[0].scores

    def explain_batch(self, classifier, waveforms: Tensor, targets: Sequence[Sequence[int]]) -> list[Explanation]:
        """The same of several clips (clip, samples) in one pass, each with its classes."""
        backbone, duration = classifier.backbone, waveforms.shape[-1] / classifier.sample_rate
        layers = _layers(backbone)
        chosen = [layers[k] for k in self._positions([layer.columns for layer in layers])]
        with torch.no_grad():
            spectra = backbone.spectrum(waveforms)
        with torch.enable_grad():
            frames, activations = _activations(backbone, spectra, chosen)
            logits = classifier.head(backbone.project(pooled(frames)))
        times = [_times(values.shape[2], frames.shape[1], backbone, waveforms.shape[-1]) for values in activations]
        parts = []
        for found in gradients(logits, activations, targets):
            curves = [self._curve(values.detach(), slope) for values, slope in zip(activations, found, strict=True)]
            if len(curves) > 1:
                curves = [_scaled(curve) for curve in curves]
            on_grid = torch.stack([_on_grid(*both, duration) for both in zip(curves, times, strict=True)])
            parts.append(on_grid.amax(0) if self.fusion == "maximum" else on_grid.mean(0))
        return by_clip(parts, classifier, waveforms, targets)

    def _positions(self, columns: list[int]) -> list[int]:
        """The chosen layers' positions, of the columns of each that there is."""
        count = len(columns)
        if self.layers is None:
            ends = [k for k in range(count - 1) if columns[k] >= _HALVED * columns[k + 1]]
            return [*ends, count - 1]
        if absent := [k for k in self.layers if not -count <= k < count]:
            raise InputError(
                f"layers: there is no {absent[0]} among the backbone's layers: there are {count}, 0 to {count - 1}, or "
                f"-{count} to -1 from the last. Correct the detector's setting layers."
            )
        return sorted({k % count for k in self.layers})

    def _curve(self, values: Tensor, gradient: Tensor) -> Tensor:
        """(clip, time) of (clip, channel, time, frequency)."""
        if self.weighting == "grad_cam":
            gradient = gradient.mean((2, 3), keepdim=True)
        elif self.weighting == "layer_cam":
            gradient = gradient.clamp_min(0)
        found = (gradient * values).sum(1)
        return (found.clamp_min(0) if self.relu else found).mean(-1)


def layer_count(backbone) -> int:
    """How many layers a `igsed.backbones.Backbone` has; its body is computed for a second of silence."""
    return len(_layers(backbone))


class _Layer(NamedTuple):
    """The `call`-th value (batch, channel, time, frequency) of some functions; without a function the body's frames."""

    functions: frozenset[Callable]
    call: int
    columns: int


@torch.no_grad()
def _layers(backbone) -> list[_Layer]:
    """All layers, with the number of their columns for a second."""
    where = next(itertools.chain(backbone.parameters(), backbone.buffers()), torch.zeros(0))
    spectra = backbone.spectrum(torch.zeros(1, round(_SECOND * backbone.sample_rate), device=where.device))
    for functions in (_ACTIVATIONS, _CONVOLUTIONS):
        calls = _Calls(functions)
        with calls:
            frames = backbone.body(spectra.clone())
        # one number per channel is no map: a gate that has looked at the whole clip
        maps = [_Layer(functions, k, shape[2]) for k, shape in enumerate(calls.shapes) if shape[2:] != (1, 1)]
        if maps:
            return maps
    return [_Layer(frozenset(), 0, frames.shape[1])]


def _activations(backbone, spectra: Tensor, layers: Sequence[_Layer]) -> tuple[Tensor, list[Tensor]]:
    """The body's frames, and what they depend on: each layer's values (batch, channel, time, frequency)."""
    calls = _Calls(layers[0].functions, [layer.call for layer in layers])
    with calls:
        frames = backbone.body(spectra.clone())  # which may change it in place
    if layers[0].functions:
        return frames, calls.values
    values = frames.detach().transpose(1, 2).unsqueeze(-1).requires_grad_()
    return values.squeeze(-1).transpose(1, 2), [values]


class _Calls(TorchFunctionMode):
    """Within it, the shapes of all four-dimensional values of some functions are noted, and wanted values kept.

    A kept value is the network's own up to there, and has a gradient from there on; nothing changes it in place.
    """

    def __init__(self, functions: Collection[Callable], wanted: Collection[int] = ()):
        super().__init__()
        self.functions, self.wanted = functions, wanted
        self.shapes: list[tuple[int, ...]] = []
        self.values: list[Tensor] = []

    def __torch_function__(self, function: Callable, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if function not in self.functions:
            return function(*args, **kwargs)
        if not args:
            args = (kwargs.pop("input"),)
        if args[0].ndim != 4:
            return function(*args, **kwargs)
        call = len(self.shapes)
        if call not in self.wanted:
            result = function(*args, **kwargs)
            self.shapes.append(tuple(result.shape))
            return result
        own = args[0].clone()
        result = function(own, *args[1:], **kwargs)
        self.shapes.append(tuple(result.shape))
        value = result if result.requires_grad else result.detach().requires_grad_()
        self.values.append(value)
        return args[0].copy_(value) if result is own else value.clone()


def _times(columns: int, frames: int, backbone, samples: int) -> np.ndarray:
    """Centres of a layer's columns in seconds: where they are the body's frames known, else evenly spaced."""
    if columns == frames:
        return np.asarray(backbone.frame_times(samples), float)
    return (np.arange(columns) + 0.5) * samples / backbone.sample_rate / columns


def _scaled(curve: Tensor) -> Tensor:
    """(…, time) from 0 to 1; a constant curve is 0."""
    low, high = curve.amin(-1, keepdim=True), curve.amax(-1, keepdim=True)
    return torch.where(high > low, (curve - low) / (high - low), 0.0)


def _on_grid(curve: Tensor, times: np.ndarray, duration: float) -> Tensor:
    """(…, time) → (…, frame): columns shorter than a frame are averaged, between longer ones it is interpolated."""
    count = frame_count(duration)
    if duration / len(times) < FRAME:
        return of_spectrum(curve.unsqueeze(-1), count, duration, "signed")
    return torch.as_tensor(resample(curve.cpu().numpy(), times, count)).to(curve)
