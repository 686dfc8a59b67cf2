"""Integrated gradients of the waveform, computed at the linear mel spectrum: the same integral at less cost.

The integral is that of Sundararajan et al. 2017 from silence to the clip x, IG_i = x_i ∫₀¹ ∂F/∂x_i(αx) dα. The linear
mel spectrum S of a `igsed.backbones.Backbone` is homogeneous of degree d, S(αx) = αᵈ S(x), so F(αx) = G(αᵈ S(x)) with G
all that follows the spectrum, and with β = αᵈ

    IG_i(x) = x_i / d · Σ_k V_k ∂S_k/∂x_i(x),    V_k = ∫₀¹ ∂G/∂S_k(β S(x)) dβ.

The path is followed in the spectrum alone, and one pull-back through the front end per class gives the samples. By
Euler's theorem Σ_i IG_i = Σ_k V_k S_k, which loses less to rounding.

V is a sum over pieces of the path, even in log(1 + β · constant), because networks behind a logarithm change with the
logarithm of β. The gradient on a piece is the multiplier of `igsed.attribution.secant`, which makes the sum complete
whatever the number of pieces, for networks of the functions that it follows; for others pieces are doubled until it is
(`tolerance`). A forward pass is shared by all classes; each class has a backward pass of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from igsed.attribution import Explanation, frame_scores, norm
from igsed.attribution.secant import Path
from igsed.jobs.devices import is_out_of_memory
from igsed.pooling import pooled

_SPAN = 6.0

_CPU_BYTES = 750e6
"""Memory for a pass on a CPU; larger batches gain nothing."""

_ROUNDING = 1e-3
"""Share of the sum of the magnitudes of V_k S_k up to which a lack of completeness may be rounding."""

_COPIES = 4
"""Tensors held or made for each that enters a scalar function: its input, its value, its quotient, a gradient."""


class IntegratedGradients:
    """Integrated gradients of class logits with respect to the waveform, zero waveform as baseline.

    Parameters
    ----------
    n_steps : int
        Pieces into which the path is cut at first.
    tolerance : float or None
        A class whose estimated error (`Explanation.error`) or completeness error is larger is computed again with twice
        the pieces. None: never.
    max_steps : int
        Pieces are not doubled beyond this.
    span : float or None
        Natural logarithm of the range of β over which the pieces lie; below exp(-span) they are evenly spaced in β.
        None: what the backbone says as ``path_span``, else 6, the best for YAMNet on generated clips and on mixtures of
        recordings.
    batch : int or None
        Points of the path per pass; changes memory and time, not the result beyond rounding. None: what fits the
        caches of a CPU, or half of a GPU's free memory. Where memory does not suffice, half as many are tried.

    Examples
    --------
    >>> ig = IntegratedGradients()  # doctest: +SKIP
    >>> ig(classifier, waveform, [4]).shape  # doctest: +SKIP
    torch.Size([1, 100])
    """

    def __init__(
        self,
        n_steps: int = 16,
        tolerance: float | None = 0.15,
        max_steps: int = 256,
        span: float | None = None,
        batch: int | None = None,
    ):
        if n_steps < 1 or (batch is not None and batch < 1) or (span is not None and span <= 0):
            raise ValueError(f"n_steps ({n_steps}), batch ({batch}) and span ({span}) must be positive")
        self.n_steps, self.tolerance, self.max_steps, self.span, self.batch = n_steps, tolerance, max_steps, span, batch

    def __call__(self, classifier, waveform: Tensor, targets: Sequence[int]) -> Tensor:
        """Frame scores (target, frame) of one clip, `waveform` (samples,)."""
        return self.explain(classifier, waveform, targets).scores

    def explain(self, classifier, waveform: Tensor, targets: Sequence[int]) -> Explanation:
        """Frame scores, completeness and precision of one clip, `waveform` (samples,)."""
        targets, waveform = list(targets), waveform.detach()
        with torch.no_grad():
            spectrum = classifier.backbone.spectrum(waveform[None])
            # Asked of the classifier itself, so that completeness tells where the path is not the classifier's.
            baseline, logit = (classifier(clip[None])[0, targets] for clip in (torch.zeros_like(waveform), waveform))
        norms = [norm(classifier, clip, len(targets)) for clip in (waveform, torch.zeros_like(waveform))]
        scores = frame_scores(waveform.new_zeros(len(targets), len(waveform)), classifier.sample_rate)
        total, error = scores.new_zeros(len(targets)), scores.new_zeros(len(targets))
        pieces = torch.zeros(len(targets), dtype=torch.int64)
        n_steps, rest = self.n_steps, list(range(len(targets)))
        while rest:
            halves = self._integrate(classifier, spectrum, [targets[k] for k in rest], n_steps)
            found = _pull_back(classifier.backbone, waveform, halves)
            scores[rest] = frame_scores(found.mean(1), classifier.sample_rate)
            error[rest] = _disagreement(frame_scores(found, classifier.sample_rate))
            shares = (halves.mean(1) * spectrum).double().flatten(1)
            total[rest] = shares.sum(-1).to(total.dtype)
            pieces[rest] = n_steps
            n_steps *= 2
            if self.tolerance is None or n_steps > self.max_steps:
                break
            missing = (total - (logit - baseline)).abs()[rest]
            incomplete = missing > self.tolerance * (logit - baseline).abs()[rest]
            incomplete &= missing > _ROUNDING * shares.abs().sum(-1)
            rest = [k for k, lacks in zip(rest, incomplete, strict=True) if lacks or error[k] > self.tolerance]
        return Explanation(scores.cpu(), logit.cpu(), baseline.cpu(), total.cpu(), pieces.float(), error.cpu(), *norms)

    def _integrate(self, classifier, spectrum: Tensor, targets: list[int], n_steps: int) -> Tensor:
        """V from the even and from the odd pieces, (target, 2, time, mel); each half counts twice, their mean is V."""
        path = Path()
        span = self.span if self.span is not None else getattr(classifier.backbone, "path_span", _SPAN)
        beta = _points(n_steps, span).to(spectrum.dtype).to(spectrum.device)
        weights = 2 * beta.diff() * torch.eye(2, dtype=beta.dtype, device=beta.device)[:, torch.arange(n_steps) % 2]
        with torch.no_grad():
            _logits(classifier, path, beta[:1, None, None] * spectrum)
        path.advance()
        size = self.batch or _rows_in_memory(path.elements * spectrum.element_size(), spectrum.device)
        size = min(size, n_steps)
        halves, done = spectrum.new_zeros(len(targets), 2, *spectrum.shape[1:]), 0
        while done < n_steps:
            rows = slice(done, min(done + size, n_steps))
            try:
                points = beta[1:][rows, None, None] * spectrum
                _accumulate(classifier, path, points, targets, weights[:, rows], halves)
            except RuntimeError as problem:
                if size == 1 or not is_out_of_memory(problem):
                    raise
                size //= 2
                path.restart()
            else:
                path.advance()
                done = rows.stop
        return halves


def _points(n_steps: int, span: float) -> Tensor:
    """β at the ends of the pieces, (n_steps + 1,), from 0 to 1, float64."""
    return torch.expm1(span * torch.linspace(0, 1, n_steps + 1, dtype=torch.float64)) / math.expm1(span)


def _logits(classifier, path: Path, spectra: Tensor) -> Tensor:
    """Clip logits (row, class) of points of the path, as `igsed.classifier.Classifier.forward` has them."""
    path.begin(len(spectra))
    with path:
        frames = classifier.backbone.body(spectra.clone())  # which may change it in place
        return classifier.head(classifier.backbone.project(pooled(frames, path.maximum)))


@torch.enable_grad()
def _accumulate(classifier, path: Path, spectra: Tensor, targets: list[int], weights: Tensor, sums: Tensor) -> None:
    """Add the weighted gradients of a batch to `sums` (target, 2, time, mel), all of them or, if it fails, none."""
    spectra.requires_grad_()
    logits = _logits(classifier, path, spectra)
    parts: list[Tensor] = []
    for target in targets:
        (gradient,) = torch.autograd.grad(logits[:, target].sum(), spectra, retain_graph=len(parts) + 1 < len(targets))
        parts.append(torch.einsum("hr,rtm->htm", weights, gradient))
    sums += torch.stack(parts)


@torch.enable_grad()
def _pull_back(backbone, waveform: Tensor, halves: Tensor) -> Tensor:
    """Attributions of the samples, (target, 2, samples), from V (target, 2, time, mel)."""
    rows = halves.flatten(0, 1)
    clips = waveform.expand(len(rows), -1).clone().requires_grad_()
    spectra = backbone.spectrum(clips)
    (gradient,) = torch.autograd.grad(spectra, clips, rows)
    return (waveform * gradient / _degree(backbone, waveform)).unflatten(0, halves.shape[:2])


@torch.no_grad()
def _degree(backbone, waveform: Tensor) -> float:
    """d in S(2x) = 2ᵈ S(x): what the backbone says as ``degree``, else measured (1 for silence)."""
    if hasattr(backbone, "degree"):
        return float(backbone.degree)
    once, twice = (backbone.spectrum(factor * waveform[None]).double().sum().item() for factor in (1, 2))
    return round(math.log2(twice / once), 3) if once > 0 else 1.0


def _disagreement(halves: Tensor) -> Tensor:
    """Estimated relative error of frame scores: half the distance of the halves, (target, 2, frame) → (target,).

    With 12 to 48 pieces of the path, YAMNet's true error was 0.1 to 1.6 times as large, at the median 0.5 times.
    """
    difference = (halves[:, 0] - halves[:, 1]).abs().sum(-1)
    size = halves.mean(1).sum(-1)
    return torch.where(size > 0, difference / (2 * size), 0.0)


def _rows_in_memory(row: int, device: torch.device) -> int:
    """Points of the path per pass, where the scalar functions of one point see `row` bytes."""
    available = _CPU_BYTES
    if device.type == "cuda":
        available = torch.cuda.mem_get_info(device)[0] / 2
    return max(1, int(available / (_COPIES * max(row, 1))))
