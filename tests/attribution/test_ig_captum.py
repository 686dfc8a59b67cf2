"""Integrated Gradients where its answer is known."""

import pytest
import torch
from torch import nn

from igsed import attribution
from igsed.attribution import frame_scores
from igsed.attribution.ig_captum import CaptumIntegratedGradients
from igsed.classifier import Classifier
from tests.toys import RATE, Linear, Toy

SAMPLES = 2 * RATE


@pytest.fixture
def waveform():
    return torch.randn(SAMPLES, generator=torch.Generator().manual_seed(4)) * 0.1


@pytest.fixture
def toy():
    head = nn.Linear(Toy.embedding, 3)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return Classifier(Toy(), head).eval()


@pytest.mark.parametrize("rule", ["gausslegendre", "riemann_middle"])
@pytest.mark.parametrize("steps", [2, 50])
def test_linear_classifier_has_the_closed_form(waveform, rule, steps):
    linear = Linear(SAMPLES, 4)
    targets = [3, 0, 0]
    found = CaptumIntegratedGradients(n_steps=steps, rule=rule).explain(linear, waveform, targets)
    expected = frame_scores(waveform * linear.weight[targets], RATE)
    assert found.scores.shape == (3, 20)
    torch.testing.assert_close(found.scores, expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found.logit, linear(waveform[None])[0, targets])
    torch.testing.assert_close(found.baseline_logit, linear.bias[targets])
    assert found.completeness_error.max() < 1e-4


def test_trapezoid_is_biased_as_documented(waveform):
    found = CaptumIntegratedGradients(n_steps=50, rule="riemann_trapezoid").explain(
        Linear(SAMPLES, 2), waveform, [0, 1]
    )
    ratio = found.total / (found.logit - found.baseline_logit)
    torch.testing.assert_close(ratio, torch.full((2,), 0.98), rtol=1e-3, atol=0)


class Cubic(nn.Module):
    """Logit k is the sum of (k + 1) · x³, whose attributions are (k + 1) · x³ exactly."""

    sample_rate = RATE

    def forward(self, waveform):
        return (waveform**3).sum(-1, keepdim=True) * torch.tensor([1.0, 2.0])


def test_polynomial_classifier_has_the_closed_form(waveform):
    found = CaptumIntegratedGradients(n_steps=10).explain(Cubic(), waveform, [0, 1])
    torch.testing.assert_close(found.scores[0], frame_scores(waveform**3, RATE), rtol=1e-4, atol=1e-8)
    torch.testing.assert_close(found.scores[1], 2 * found.scores[0])
    assert found.completeness_error.max() < 1e-4


def test_path_through_a_kink_is_integrated():
    """For relu(Σx − c) the gradient is 1 on the last part of the path only: attribution x · (1 − c / Σx)."""

    class Kink(nn.Module):
        sample_rate = 10

        def forward(self, waveform):
            return torch.relu(waveform.sum(-1, keepdim=True) - 2.5)

    found = CaptumIntegratedGradients(n_steps=400).explain(Kink(), torch.tensor([1.0, 2.0, 3.0, 4.0]), [0])
    torch.testing.assert_close(found.scores[0], 0.75 * torch.tensor([1.0, 2.0, 3.0, 4.0]), rtol=5e-3, atol=0)


def test_batch_does_not_change_the_result(toy, waveform):
    one = CaptumIntegratedGradients(batch=1).explain(toy, waveform, [0, 2])
    for batch in (3, 10, 50, 64):
        other = CaptumIntegratedGradients(batch=batch).explain(toy, waveform, [0, 2])
        torch.testing.assert_close(other.scores, one.scores, rtol=1e-4, atol=1e-8)
        torch.testing.assert_close(other.total, one.total, rtol=1e-4, atol=1e-6)


def test_targets_do_not_touch_each_other(toy, waveform):
    ig = CaptumIntegratedGradients()
    together = ig(toy, waveform, [0, 1, 2])
    assert together.shape == (3, 20)
    for target in range(3):
        torch.testing.assert_close(ig(toy, waveform, [target])[0], together[target])


def test_logits_are_the_classifier_s_and_nothing_needs_a_gradient(toy, waveform):
    found = CaptumIntegratedGradients().explain(toy, waveform, [2, 1])
    with torch.no_grad():
        torch.testing.assert_close(found.logit, toy(waveform[None])[0, [2, 1]])
        torch.testing.assert_close(found.baseline_logit, toy(torch.zeros(1, SAMPLES))[0, [2, 1]])
    assert not any(part.requires_grad for part in found)
    assert all(part.dtype == torch.float32 for part in found)
    assert found.completeness_error.max() < 0.01


def test_silence_explains_nothing(toy):
    found = CaptumIntegratedGradients(n_steps=5)(toy, torch.zeros(SAMPLES), [0])
    assert found.tolist() == [[0.0] * 20]


def test_no_targets(toy, waveform):
    found = attribution.explain(CaptumIntegratedGradients(), toy, waveform, [])
    assert found.scores.shape == (0, 20)
    assert found.completeness_error.shape == (0,)
