"""Gradients of class logits, at one point or near it, with respect to the samples or the linear mel spectrum.

A logit's gradient says what a small change would do (saliency; K. Simonyan, A. Vedaldi and A. Zisserman 2014,
arXiv:1312.6034); times the input it says, to first order, what is there (A. Shrikumar et al. 2016, arXiv:1605.01713).
SmoothGrad (D. Smilkov et al. 2017, arXiv:1706.03825) is its mean over noisy copies of the clip. Guided backpropagation
(J. T. Springenberg et al. 2015, arXiv:1412.6806) lets only positive gradients pass back through rectifiers.

A forward pass is shared by all classes. Clips of one pass have a backward pass for the first class of each, one for the
second of each, and so on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from igsed.attribution import Explanation, only
from igsed.attribution.frames import Sign, of_samples, of_spectrum
from igsed.pooling import pooled
from igsed.timeline import frame_count

Domain = Literal["waveform", "mel"]

_RECTIFIERS = (functional.relu, torch.relu, torch.relu_, torch.Tensor.relu, torch.Tensor.relu_)
_IN_PLACE = (torch.relu_, torch.Tensor.relu_)


class Saliency:
    """The gradient.

    Parameters
    ----------
    domain : {"waveform", "mel"}
        With respect to what: the samples, or the linear mel spectrum.
    sign : {"absolute", "positive", "signed"}
        How it counts (`igsed.attribution.frames`).
    """

    _times_input = False
    _mode: Callable = contextlib.nullcontext

    def __init__(self, domain: Domain = "mel", sign: Sign = "absolute"):
        self.domain, self.sign = domain, sign

    def __call__(self, classifier, waveform: Tensor, targets: Sequence[int]) -> Tensor:
        """Frame scores (target, frame) of one clip, `waveform` (samples,)."""
        return self.explain_batch(classifier, waveform[None], [targets])[0].scores

    def explain_batch(self, classifier, waveforms: Tensor, targets: Sequence[Sequence[int]]) -> list[Explanation]:
        """The same of several clips (clip, samples) in one pass, each with its classes."""
        inputs = _inputs(classifier, waveforms, self.domain)
        with self._mode():
            logits = _logits(classifier, inputs, self.domain)
        parts = []
        for (gradient,) in gradients(logits, [inputs], targets):
            attributions = gradient * inputs.detach() if self._times_input else gradient
            parts.append(_frames(attributions, classifier, waveforms.shape[-1], self.domain, self.sign))
        return by_clip(parts, classifier, waveforms, targets)


class GradientInput(Saliency):
    """Gradient × input; parameters as of `Saliency`."""

    _times_input = True


class GuidedBackpropagation(Saliency):
    """The gradient of which rectifiers pass back only what is positive; parameters as of `Saliency`.

    Rectifiers are caught as modules and as functions, where Captum's hooks see modules alone. The result is known to
    depend little on the class and on the network's last layers (J. Adebayo et al. 2018, "Sanity checks for saliency
    maps"; W. Nie, Y. Zhang and A. Patel 2018).
    """

    @staticmethod
    def _mode() -> TorchFunctionMode:
        return _Guided()


class SmoothGrad:
    """The mean gradient over copies of the clip with white noise.

    Parameters
    ----------
    noise : float
        Standard deviation of the noise, as a share of the clip's root mean square.
    samples : int
        Number of copies.
    times_input : bool
        Whether the mean is multiplied with the clip, the one without noise.
    domain, sign
        As of `Saliency`. Noise is added to the samples in both domains.
    batch : int
        Copies per pass; changes memory and time, not the result beyond rounding.
    """

    def __init__(
        self,
        noise: float = 0.1,
        samples: int = 10,
        times_input: bool = True,
        domain: Domain = "waveform",
        sign: Sign = "absolute",
        batch: int = 5,
    ):
        self.noise, self.samples, self.times_input = noise, samples, times_input
        self.domain, self.sign, self.batch = domain, sign, batch

    def __call__(self, classifier, waveform: Tensor, targets: Sequence[int]) -> Tensor:
        """Frame scores (target, frame) of one clip, `waveform` (samples,)."""
        level = self.noise * waveform.square().mean().sqrt()
        clip = _inputs(classifier, waveform[None], self.domain).detach()
        sums = clip.new_zeros(len(targets), *clip.shape[1:])
        for start in range(0, self.samples, self.batch):
            rows = min(self.batch, self.samples - start)
            # one draw per copy, so that the size of a batch does not change what is drawn
            draws = torch.stack([torch.randn(len(waveform)) for _ in range(rows)])
            inputs = _inputs(classifier, waveform + level * draws.to(waveform), self.domain)
            logits = _logits(classifier, inputs, self.domain)
            for total, (gradient,) in zip(sums, gradients(logits, [inputs], [targets] * rows), strict=True):
                total += gradient.sum(0)
        attributions = sums / self.samples * (clip if self.times_input else 1)
        return _frames(attributions, classifier, len(waveform), self.domain, self.sign).cpu()


def gradients(
    logits: Tensor, inputs: Sequence[Tensor], targets: Sequence[Sequence[int]]
) -> Iterator[tuple[Tensor, ...]]:
    """The gradients of each clip's first target with respect to each input, then those of its second, and so on.

    Parameters
    ----------
    logits : Tensor, shape (clip, class)
        Of which no clip's depend on another clip's inputs.
    inputs : sequence of Tensor, each (clip, …)
        What the logits were computed from.
    targets : sequence of sequences of int
        Classes of each clip; clips that have fewer have gradients of zero at the end.
    """
    most = max(map(len, targets), default=0)
    for k in range(most):
        chosen = torch.zeros_like(logits)
        for row, classes in enumerate(targets):
            if k < len(classes):
                chosen[row, classes[k]] = 1
        yield torch.autograd.grad(logits, inputs, chosen, retain_graph=k + 1 < most, materialize_grads=True)


def by_clip(
    parts: Sequence[Tensor], classifier, waveforms: Tensor, targets: Sequence[Sequence[int]]
) -> list[Explanation]:
    """Scores (clip, frame) of each place in the clips' lists of targets, sorted by clip."""
    count = frame_count(waveforms.shape[-1] / classifier.sample_rate)
    scores = torch.stack(list(parts)) if parts else waveforms.new_zeros(0, len(waveforms), count)
    return [only(scores[: len(classes), row]) for row, classes in enumerate(targets)]


def _inputs(classifier, waveforms: Tensor, domain: Domain) -> Tensor:
    """Waveforms or their spectra, (row, …), from which gradients are recorded."""
    if domain == "waveform":
        return waveforms.detach().clone().requires_grad_()
    with torch.no_grad():
        return classifier.backbone.spectrum(waveforms).requires_grad_()


@torch.enable_grad()
def _logits(classifier, inputs: Tensor, domain: Domain) -> Tensor:
    """Clip logits (row, class), as `igsed.classifier.Classifier.forward` has them."""
    if domain == "waveform":
        return classifier(inputs)
    frames = classifier.backbone.body(inputs.clone())  # which may change it in place
    return classifier.head(classifier.backbone.project(pooled(frames)))


def _frames(attributions: Tensor, classifier, samples: int, domain: Domain, sign: Sign) -> Tensor:
    if domain == "waveform":
        return of_samples(attributions, classifier.sample_rate, sign)
    duration = samples / classifier.sample_rate
    return of_spectrum(attributions, frame_count(duration), duration, sign)


class _Guided(TorchFunctionMode):
    """Within it, rectifiers pass back only positive gradients."""

    def __torch_function__(self, function: Callable, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if function not in _RECTIFIERS:
            return function(*args, **kwargs)
        values = args[0] if args else kwargs["input"]
        result = _GuidedRectifier.apply(values)
        in_place = function in _IN_PLACE or kwargs.get("inplace") or True in args[1:]
        return values.copy_(result) if in_place else result


class _GuidedRectifier(torch.autograd.Function):
    @staticmethod
    def forward(context, values):
        context.save_for_backward(values > 0)
        return values.clamp_min(0)

    @staticmethod
    def backward(context, gradient):
        return gradient.clamp_min(0) * context.saved_tensors[0]
