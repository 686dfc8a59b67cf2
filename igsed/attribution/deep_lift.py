"""DeepLIFT, rescale rule: the change of a logit from a baseline to the clip, shared out over the linear mel spectrum.

A. Shrikumar, P. Greenside and A. Kundaje 2017, arXiv:1704.02685. It is integrated gradients with one piece of the path
(`igsed.attribution.secant`), so the logarithm and the maximum over frames are followed and the contributions sum to the
change of the logit. Captum's DeepLift follows modules alone: from the spectrum, a logarithm that is no module has the
gradient at the clip there, and completeness is lost.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from igsed.attribution import Explanation
from igsed.attribution.baselines import FILLERS
from igsed.attribution.frames import Sign, of_spectrum
from igsed.attribution.secant import Path
from igsed.pooling import pooled
from igsed.timeline import frame_count


class DeepLift:
    """Contributions of the linear mel spectrum to the difference of class logits between clip and baseline.

    Parameters
    ----------
    baseline : {"silence", "quiet_second", "noise"}
        A function of `igsed.attribution.baselines`.
    sign : {"absolute", "positive", "signed"}
        How a contribution counts (`igsed.attribution.frames`).
    """

    def __init__(self, baseline: str = "quiet_second", sign: Sign = "absolute"):
        self.baseline, self.sign = baseline, sign

    def __call__(self, classifier, waveform: Tensor, targets: Sequence[int]) -> Tensor:
        """Frame scores (target, frame) of one clip, `waveform` (samples,)."""
        return self.explain(classifier, waveform, targets).scores

    def explain(self, classifier, waveform: Tensor, targets: Sequence[int]) -> Explanation:
        """Frame scores and completeness of one clip, `waveform` (samples,)."""
        targets, waveform, backbone = list(targets), waveform.detach(), classifier.backbone
        with torch.no_grad():
            sounds = torch.stack([FILLERS[self.baseline](waveform, classifier.sample_rate), waveform])
            spectra = backbone.spectrum(sounds)
            # Not from the path, so that completeness tells where it is not the classifier's.
            embeddings = backbone.project(pooled(backbone.body(spectra.clone())))
            baseline_logit, logit = classifier.head(embeddings)[:, targets].cpu()
            baseline_norm, norm = embeddings.norm(dim=-1, keepdim=True).expand(-1, len(targets)).cpu()
        contributions = _contributions(classifier, spectra[0], spectra[1], targets)
        duration = len(waveform) / classifier.sample_rate
        scores = of_spectrum(contributions, frame_count(duration), duration, self.sign)
        total = contributions.double().sum((1, 2)).to(logit)
        pieces = torch.ones(len(targets))
        return Explanation(
            scores.cpu(), logit, baseline_logit, total, pieces, torch.full_like(pieces, torch.nan), norm, baseline_norm
        )


def _contributions(classifier, baseline: Tensor, spectrum: Tensor, targets: list[int]) -> Tensor:
    """(target, time, mel) of spectra (time, mel)."""
    path = Path()
    with torch.no_grad():
        _logits(classifier, path, baseline[None])
    path.advance()
    with torch.enable_grad():
        clip = spectrum[None].clone().requires_grad_()
        logits = _logits(classifier, path, clip)[0]
    parts = [torch.autograd.grad(logits[target], clip, retain_graph=True)[0][0] for target in targets]
    multipliers = torch.stack(parts) if parts else spectrum.new_zeros(0, *spectrum.shape)
    return multipliers * (spectrum - baseline)


def _logits(classifier, path: Path, spectra: Tensor) -> Tensor:
    path.begin(len(spectra))
    with path:
        frames = classifier.backbone.body(spectra.clone())  # which may change it in place
        return classifier.head(classifier.backbone.project(pooled(frames, path.maximum)))
