"""Running a method, and from attributions to frames."""

import numpy as np
import pytest
import torch

from igsed import attribution
from igsed.errors import InputError
from tests.toys import RATE, Linear

CLASSIFIER, WAVEFORM = Linear(3 * RATE, 4), torch.ones(3 * RATE)


@pytest.mark.parametrize(
    "scores",
    [
        torch.zeros(2, 29),
        torch.zeros(1, 30),
        torch.zeros(30),
        torch.zeros(2, 30, 1),
        torch.full((2, 30), torch.nan),
        torch.full((2, 30), torch.inf),
    ],
    ids=["a frame short", "a class short", "one axis", "three axes", "nan", "infinite"],
)
def test_scores_of_a_wrong_shape_or_not_finite_are_refused(scores):
    with pytest.raises(InputError, match=r"expected finite numbers of shape \(2, 30\) \(target, frame\)"):
        attribution.explain(lambda *_: scores, CLASSIFIER, WAVEFORM, [0, 1])


def test_too_little_memory_is_told():
    def large(*_):
        return torch.empty(1 << 60, dtype=torch.uint8)

    with pytest.raises(InputError, match="memory does not suffice even for one at a time"):
        attribution.explain(large, CLASSIFIER, WAVEFORM, [0])


def test_no_targets():
    found = attribution.explain(lambda c, w, t: torch.zeros(len(t), 30), CLASSIFIER, WAVEFORM, [])
    assert found.scores.shape == (0, 30)


def test_completeness_error():
    logit, baseline, total = torch.tensor([[3.0, 0.0], [1.0, 4.0], [2.5, -4.0]])
    unknown = torch.full((2,), torch.nan)
    explanation = attribution.Explanation(torch.zeros(2, 30), logit, baseline, total, *[unknown] * 4)
    assert explanation.completeness_error.tolist() == [0.25, 0.0]


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 32000, 44100])
def test_frame_scores_by_hand(rate):
    attributions = torch.from_numpy(np.random.default_rng(0).normal(size=(2, rate + rate // 7)))
    found = attribution.frame_scores(attributions, rate)
    assert found.shape == (2, 11)
    for target in range(2):
        for frame in range(11):
            samples = attributions[target, frame * rate // 10 : (frame + 1) * rate // 10].tolist()
            assert found[target, frame].item() == pytest.approx(sum(map(abs, samples)) / (rate // 10))


def test_frame_scores_keep_leading_axes():
    attributions = torch.randn(2, 3, 500, generator=torch.Generator().manual_seed(0))
    found = attribution.frame_scores(attributions, RATE)
    assert found.shape == (2, 3, 5)
    assert torch.equal(found[1, 2], attribution.frame_scores(attributions[1, 2], RATE))


class Halves:
    """Scores that tell how many clips came at a time, and what was drawn for them."""

    def __init__(self, is_random: bool):
        self.is_random, self.batches = is_random, []

    def explain(self, classifier, waveform, targets):
        self.batches.append(1)
        return attribution.only(torch.rand(1) + waveform.sum() + torch.zeros(len(targets), 30))

    def explain_batch(self, classifier, waveforms, targets):
        self.batches.append(len(waveforms))
        if len(waveforms) > 3:
            raise torch.OutOfMemoryError("too many")
        return [
            attribution.only(clip.sum() + torch.zeros(len(row), 30))
            for clip, row in zip(waveforms, targets, strict=True)
        ]


def questions(count: int):
    return [attribution.Question(torch.full((3000,), float(k)), [0, 1][: 1 + k % 2], seed=k) for k in range(count)]


def test_several_clips_at_a_time_as_far_as_memory_goes():
    method = Halves(is_random=False)
    found = list(attribution.explained(method, Linear(3000, 2), questions(7), clips_per_pass=5))
    assert [explanation.scores.tolist() for explanation in found] == [
        [[3000.0 * k] * 30] * (1 + k % 2) for k in range(7)
    ]
    assert method.batches == [5, 2, 2, 1, 2]


def test_a_method_that_draws_gets_one_clip_at_a_time_and_the_clip_s_seed():
    method = Halves(is_random=True)
    found = list(attribution.explained(method, Linear(3000, 2), questions(4), clips_per_pass=5))
    assert method.batches == [1, 1, 1, 1]
    torch.manual_seed(3)
    assert found[3].scores[0, 0] == torch.rand(1) + 9000
