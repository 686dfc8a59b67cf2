"""Attribution methods: which samples of a clip a classifier's decision rests on, as one score per 100 ms frame.

A method (`igsed.detectors.OfClassifier`) is a callable ``(classifier, waveform, targets) -> scores`` with

- `classifier`: an `igsed.classifier.Classifier`;
- `waveform`: tensor (samples,) at the classifier's rate, one clip;
- `targets`: sequence of class indices;
- `scores`: tensor (target, frame) on the 100 ms grid of `igsed.timeline`, higher where the class is thought to sound.

A method that can say how exact it was also has ``explain`` with the same arguments, which returns an `Explanation`.
"""

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import torch

from igsed.attribution.frames import of_samples
from igsed.errors import InputError
from igsed.jobs import devices
from igsed.pooling import pooled
from igsed.timeline import frame_count


class Explanation(NamedTuple):
    """Frame scores and how exact they are, each (target,) but for `scores` (target, frame); NaN where not known.

    Completeness (Sundararajan et al. 2017, proposition 1): the attributions of a clip's samples sum to the difference
    of the logits of the clip and of the baseline, ``total ≈ logit − baseline_logit``. `n_steps` counts the points or
    pieces of the path that an integral was taken from; `error` is the estimated relative error of the frame scores.
    `norm` and `baseline_norm` are the Euclidean norms of the clip's and the baseline's pooled embedding, what the head
    sees; of several baselines the means over them.
    """

    scores: torch.Tensor
    logit: torch.Tensor
    baseline_logit: torch.Tensor
    total: torch.Tensor
    n_steps: torch.Tensor
    error: torch.Tensor
    norm: torch.Tensor
    baseline_norm: torch.Tensor

    @property
    def completeness_error(self) -> torch.Tensor:
        """``|total − (logit − baseline_logit)| / |logit − baseline_logit|``, (target,)."""
        difference = self.logit - self.baseline_logit
        return (self.total - difference).abs() / difference.abs()


def explain(method: Callable, classifier, waveform: torch.Tensor, targets: Sequence[int]) -> Explanation:
    """Run a method on one clip; what it does not report is NaN.

    Raises
    ------
    InputError
        The method's scores do not have the shape (target, frame) or are not finite, or memory does not suffice.
    """
    with devices.telling_of_memory():
        if hasattr(method, "explain"):
            explanation = Explanation(*(part.detach().cpu() for part in method.explain(classifier, waveform, targets)))
        else:
            explanation = only(torch.as_tensor(method(classifier, waveform, targets)))
    return _checked(method, classifier, waveform, targets, explanation)


def _checked(method, classifier, waveform: torch.Tensor, targets: Sequence[int], explanation: Explanation):
    expected = (len(targets), frame_count(len(waveform) / classifier.sample_rate))
    if tuple(explanation.scores.shape) != expected or not explanation.scores.isfinite().all():
        raise InputError(
            f"attribution method {method}: gave scores of shape {tuple(explanation.scores.shape)}, "
            f"expected finite numbers of shape {expected} (target, frame)."
        )
    return explanation


class Question(NamedTuple):
    """A clip (samples,), the classes to explain, and the seed of what a method draws for it."""

    waveform: torch.Tensor
    targets: Sequence[int]
    seed: int


def explained(
    method: Callable, classifier, questions: Iterable[Question], clips_per_pass: int = 1
) -> Iterator[Explanation]:
    """Explanations of many clips, in order; where the method can (``explain_batch``), of several clips at a time.

    The results are those of one clip at a time, to rounding. Methods that draw random numbers (those whose attribute
    ``is_random`` is true) get one clip at a time, since what they draw depends on the clip's seed alone. Where memory
    does not suffice, fewer are tried.

    Raises
    ------
    InputError
        As `explain`.
    """
    together = hasattr(method, "explain_batch") and not getattr(method, "is_random", False)
    size, waiting = clips_per_pass if together else 1, iter(questions)
    while group := list(itertools.islice(waiting, size)):
        if len({len(question.waveform) for question in group}) > 1 or len(group) == 1:
            for question in group:
                torch.manual_seed(question.seed)
                yield explain(method, classifier, question.waveform, question.targets)
            continue
        results, size = devices.within_memory(functools.partial(_in_passes, method, classifier, group), len(group))
        for question, explanation in zip(group, results, strict=True):
            yield _checked(method, classifier, question.waveform, question.targets, explanation)


def _in_passes(method, classifier, group: Sequence[Question], size: int) -> list[Explanation]:
    found = []
    for start in range(0, len(group), size):
        part = group[start : start + size]
        waveforms = torch.stack([question.waveform for question in part])
        found += method.explain_batch(classifier, waveforms, [list(question.targets) for question in part])
    return [Explanation(*(value.detach().cpu() for value in explanation)) for explanation in found]


def only(scores: torch.Tensor) -> Explanation:
    """Scores (target, frame) of which nothing else is known."""
    unknown = torch.full((len(scores),), torch.nan)
    return Explanation(scores.detach().cpu(), *[unknown] * (len(Explanation._fields) - 1))


@torch.no_grad()
def norm(classifier, waveform: torch.Tensor, count: int) -> torch.Tensor:
    """The norm of a clip's pooled embedding, repeated for `count` targets: (target,)."""
    backbone = classifier.backbone
    embedding = backbone.project(pooled(backbone.body(backbone.spectrum(waveform[None]))))
    return embedding.norm(dim=-1).expand(count).cpu()


def frame_scores(attributions: torch.Tensor, sample_rate: int) -> torch.Tensor:
    """Mean ``|attribution|`` in each 100 ms window (arXiv:2605.23293): (…, samples) → (…, frame)."""
    return of_samples(attributions, sample_rate)
