"""The classifier against computation by hand, and the framewise detector against the classifier."""

import numpy as np
import pytest
import torch

from igsed import timeline
from igsed.classifier import Classifier
from igsed.detectors import framewise
from tests.toys import HOP, RATE, Toy

CLASSES = 3


@pytest.fixture
def classifier():
    generator = torch.Generator().manual_seed(3)
    head = torch.nn.Linear(Toy.embedding, CLASSES)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return Classifier(Toy(), head).eval()


def by_hand(classifier, waveform):
    """Clip and frame logits of one waveform, in loops."""
    mix, out = classifier.backbone.mix.numpy(), classifier.backbone.out.numpy()
    weight, bias = (parameter.detach().numpy() for parameter in classifier.head.parameters())
    frames = []
    for start in range(0, len(waveform) - HOP + 1, HOP):
        bands = [np.abs(waveform[start + k * HOP // 5 : start + (k + 1) * HOP // 5]).mean() for k in range(5)]
        frames.append(np.maximum(bands @ mix, 0))
    frames = np.array(frames)
    return weight @ ((frames.max(0) + frames.mean(0)) @ out) + bias, (frames @ out) @ weight.T + bias


def test_classifier_by_hand(classifier):
    waveforms = np.random.default_rng(0).normal(size=(4, 10 * RATE)).astype(np.float32)
    with torch.no_grad():
        clip, frames = classifier(torch.from_numpy(waveforms)), classifier.frames(torch.from_numpy(waveforms))
    assert (clip.shape, frames.shape) == ((4, CLASSES), (4, 40, CLASSES))
    for place, waveform in enumerate(waveforms):
        expected = by_hand(classifier, waveform)
        np.testing.assert_allclose(clip[place], expected[0], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(frames[place], expected[1], rtol=1e-4, atol=1e-5)
    assert classifier.sample_rate == RATE


@pytest.mark.parametrize("rule", ["linear", "nearest"])
def test_framewise_scores_are_the_classifier_s_frames_on_the_grid(classifier, rule):
    waveform = torch.from_numpy(np.random.default_rng(1).normal(size=(2, 10 * RATE)).astype(np.float32))
    toy, head = classifier.backbone, classifier.head
    times = toy.frame_times(10 * RATE).numpy()
    with torch.no_grad():
        embedded = toy.project(toy.body(toy.spectrum(waveform))).numpy()
        expected = timeline.resample(classifier.frames(waveform).swapaxes(1, 2).numpy(), times, 100, rule=rule)
    weight, bias = head.weight.detach().numpy(), head.bias.detach().numpy()
    found = framewise.scores(embedded, weight, bias, times, 100, rule)
    assert found.shape == (2, CLASSES, 100)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(framewise.scores(embedded[1], weight, bias, times, 100, rule), found[1])
