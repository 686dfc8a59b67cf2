"""Integrated Gradients as in the paper: by Captum, on the waveform, one class at a time.

Sundararajan et al. 2017; settings of arXiv:2605.23293: 50 steps, zero waveform as baseline, class logit as target.
This is the reference implementation.
"""

from collections.abc import Sequence

import captum.attr
import torch

from igsed.attribution import Explanation, frame_scores, norm


class CaptumIntegratedGradients:
    """Integrated Gradients of a class logit with respect to the waveform.

    Parameters
    ----------
    n_steps : int
        Points on the straight path from the zero waveform to the clip.
    rule : str
        Captum's integration method; ``riemann_trapezoid`` is biased (its weights sum to 0.98 at 50 steps).
    batch : int
        Points per forward and backward pass; changes memory and time, not the result beyond rounding.

    Examples
    --------
    >>> ig = CaptumIntegratedGradients(n_steps=50)  # doctest: +SKIP
    >>> ig(classifier, waveform, [4]).shape  # doctest: +SKIP
    torch.Size([1, 100])
    """

    def __init__(self, n_steps: int = 50, rule: str = "gausslegendre", batch: int = 5):
        self.n_steps, self.rule, self.batch = n_steps, rule, batch

    def __call__(self, classifier, waveform: torch.Tensor, targets: Sequence[int]) -> torch.Tensor:
        """Frame scores (target, frame) of one clip, `waveform` (samples,)."""
        return self.explain(classifier, waveform, targets).scores

    def explain(self, classifier, waveform: torch.Tensor, targets: Sequence[int]) -> Explanation:
        """Frame scores and completeness of one clip, `waveform` (samples,)."""
        ig, clip = captum.attr.IntegratedGradients(classifier), waveform[None]
        parts = [
            ig.attribute(clip, target=t, n_steps=self.n_steps, method=self.rule, internal_batch_size=self.batch)[0]
            for t in targets
        ]
        attributions = torch.stack(parts).detach() if parts else waveform.new_zeros(0, len(waveform))
        with torch.no_grad():
            logits, baseline = classifier(torch.cat([clip, torch.zeros_like(clip)]))[:, list(targets)].cpu()
        scores = frame_scores(attributions, classifier.sample_rate).cpu()
        total, steps = attributions.double().sum(-1).float().cpu(), torch.full((len(targets),), float(self.n_steps))
        norms = [norm(classifier, sound, len(targets)) for sound in (waveform, torch.zeros_like(waveform))]
        return Explanation(scores, logits, baseline, total, steps, torch.full_like(steps, torch.nan), *norms)
