"""Integrated Gradients as in the paper: by Captum, on the waveform, one class at a time.

Sundararajan et al. 2017; settings of arXiv:2605.23293: 50 steps, zero waveform as baseline, class logit as target.
Other baselines are those of `igsed.attribution.baselines`. This is the reference implementation.
"""

from collections.abc import Sequence

import captum.attr
import torch

from igsed.attribution import Explanation, frame_scores, norm
from igsed.attribution.baselines import FILLERS


class CaptumIntegratedGradients:
    """Integrated Gradients of a class logit with respect to the waveform.

    Parameters
    ----------
    n_steps : int
        Points on the straight path from the baseline to the clip.
    rule : str
        Captum's integration method; ``riemann_trapezoid`` is biased (its weights sum to 0.98 at 50 steps).
    batch : int
        Points per forward and backward pass; changes memory and time, not the result beyond rounding.
    baseline : str
        A name of `igsed.attribution.baselines.FILLERS`.

    Examples
    --------
    >>> ig = CaptumIntegratedGradients(n_steps=50)  # doctest: +SKIP
    >>> ig(classifier, waveform, [4]).shape  # doctest: +SKIP
    torch.Size([1, 100])
    """

    def __init__(self, n_steps: int = 50, rule: str = "gausslegendre", batch: int = 5, baseline: str = "silence"):
        if baseline not in FILLERS:
            raise ValueError(f"baseline: {baseline!r} is not one of {', '.join(FILLERS)}")
        self.n_steps, self.rule, self.batch, self.baseline = n_steps, rule, batch, baseline

    def __call__(self, classifier, waveform: torch.Tensor, targets: Sequence[int]) -> torch.Tensor:
        """Frame scores (target, frame) of one clip, `waveform` (samples,)."""
        return self.explain(classifier, waveform, targets).scores

    def explain(self, classifier, waveform: torch.Tensor, targets: Sequence[int]) -> Explanation:
        """Frame scores and completeness of one clip, `waveform` (samples,)."""
        sound = FILLERS[self.baseline](waveform.detach(), classifier.sample_rate)
        ig, clip, start = captum.attr.IntegratedGradients(classifier), waveform[None], sound[None]
        settings = {"n_steps": self.n_steps, "method": self.rule, "internal_batch_size": self.batch}
        parts = [ig.attribute(clip, start, target=target, **settings)[0] for target in targets]
        attributions = torch.stack(parts).detach() if parts else waveform.new_zeros(0, len(waveform))
        with torch.no_grad():
            logits, baseline = classifier(torch.cat([clip, start]))[:, list(targets)].cpu()
        scores = frame_scores(attributions, classifier.sample_rate).cpu()
        total, steps = attributions.double().sum(-1).float().cpu(), torch.full((len(targets),), float(self.n_steps))
        unknown = torch.full_like(steps, torch.nan)
        # Captum takes any classifier, also one without the parts that have an embedding
        known = hasattr(classifier, "backbone")
        norms = [norm(classifier, end, len(targets)) if known else unknown for end in (waveform, sound)]
        return Explanation(scores, logits, baseline, total, steps, unknown, *norms)
