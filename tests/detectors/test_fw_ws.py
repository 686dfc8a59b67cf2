"""Poolings against their definitions on probabilities, and what they do where probabilities are 0 or 1 to rounding."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from igsed.detectors import load
from igsed.detectors.fw_ws import outputs, pooled

FRAMES, CLASSES = 6, 2
few = settings(deadline=None, max_examples=25)
DEFINITIONS = {
    "max": lambda y, a: y.max(-2),
    "mean": lambda y, a: y.mean(-2),
    "linear_softmax": lambda y, a: (y * y).sum(-2) / y.sum(-2),
    "exponential_softmax": lambda y, a: (y * np.exp(y)).sum(-2) / np.exp(y).sum(-2),
    "attention": lambda y, a: (y * np.exp(a)).sum(-2) / np.exp(a).sum(-2),
}
OTHERS = [name for name in DEFINITIONS if name != "max"]
arrays = hnp.arrays(float, (3, FRAMES, 2 * CLASSES), elements=st.floats(-12, 12))


def made(logits, pooling):
    """The pooled logits of arrays; the second half of the outputs is for attention alone."""
    return pooled(torch.from_numpy(logits[..., : outputs({"pooling": pooling}) * CLASSES]), pooling).numpy()


@few
@pytest.mark.parametrize("pooling", DEFINITIONS)
@given(arrays)
def test_poolings_are_those_of_the_paper(pooling, logits):
    probability = 1 / (1 + np.exp(-logits[..., :CLASSES]))
    expected = DEFINITIONS[pooling](probability, logits[..., CLASSES:])
    found = made(logits, pooling)
    assert found.shape == (3, CLASSES)
    np.testing.assert_allclose(1 / (1 + np.exp(-found)), expected, rtol=1e-9)


@pytest.mark.parametrize("pooling", DEFINITIONS)
@pytest.mark.parametrize("value", [-1000.0, -90.0, -20.0, 0.0, 20.0, 90.0, 1000.0])
def test_a_clip_of_equal_frames_is_like_each_and_every_frame_learns(pooling, value):
    logits = torch.full((1, FRAMES, outputs({"pooling": pooling})), value, requires_grad=True)
    found = pooled(logits, pooling)
    assert found.item() == pytest.approx(value, rel=1e-5, abs=1e-5)
    (gradient,) = torch.autograd.grad(found.sum(), logits)
    np.testing.assert_allclose(gradient[0, :, 0], 1 / FRAMES, rtol=1e-3)


@pytest.mark.parametrize("pooling", DEFINITIONS)
def test_one_loud_frame_among_silent_ones(pooling):
    logits = torch.full((1, FRAMES, outputs({"pooling": pooling})), -1000.0)
    logits[0, 2] = 1000.0
    found = pooled(logits, pooling).sigmoid().item()
    expected = {"max": 1, "mean": 1 / 6, "linear_softmax": 1, "exponential_softmax": np.e / (np.e + 5), "attention": 1}
    assert found == pytest.approx(expected[pooling], rel=1e-5)


@few
@pytest.mark.parametrize("pooling", DEFINITIONS)
@given(arrays)
def test_the_order_of_frames_does_not_matter(pooling, logits):
    np.testing.assert_allclose(made(logits[:, ::-1].copy(), pooling), made(logits, pooling), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("pooling", ["mean", "linear_softmax", "exponential_softmax", "attention"])
def test_gradients_are_those_of_differences(pooling):
    generator = torch.Generator().manual_seed(0)
    shape = (2, FRAMES, CLASSES * outputs({"pooling": pooling}))
    logits = torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: pooled(x, pooling), logits)


def test_the_paper_s_pooling_is_the_default():
    logits = torch.randn((2, FRAMES, CLASSES), generator=torch.Generator().manual_seed(1))
    assert torch.equal(load("fw_ws")(logits), logits.amax(-2))
    assert torch.equal(load("fw_ss")(logits), logits.amax(-2))
    assert torch.equal(load("few_shot")(logits), logits.amax(-2))
