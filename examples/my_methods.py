"""An attribution method of one's own; docs/detectors.md says how an experiment uses it."""

import torch

from igsed.attribution import frame_scores


def gradient_times_input(classifier, waveform, targets):
    """Mean |gradient × input| in each 100 ms frame: one clip (samples,) → (target, frame)."""
    clip = waveform[None].clone().requires_grad_()
    logits = classifier(clip)[0]
    gradients = [torch.autograd.grad(logits[target], clip, retain_graph=True)[0][0] for target in targets]
    return frame_scores(torch.stack(gradients) * waveform, classifier.sample_rate)
