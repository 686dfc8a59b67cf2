"""The faster convolutions against PyTorch's, values and gradients."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import conv2d

from igsed.attribution import convolution


def both(x, weight, bias, **options):
    """(values, gradient of the input) by PyTorch in double precision, as planned, and the sizes of what is added up."""
    given = x, weight, bias
    exact = [None if part is None else part.to(torch.float64) for part in given]
    sizes = [None if part is None else part.abs() for part in exact]
    towards = direction(conv2d(*exact, **options).shape)
    return [
        with_gradient(conv2d, exact, towards, options),
        with_gradient(planned, given, towards, options),
        with_gradient(conv2d, sizes, towards.abs(), options),
    ]


def with_gradient(function, arguments, towards, options):
    rows = arguments[0].clone().requires_grad_()
    values = function(rows, *arguments[1:], **options)
    return values, *torch.autograd.grad((values * towards).sum(), rows)


def planned(*arguments, **options):
    plan = convolution.planned(*arguments, **options)
    assert plan is not None
    return plan()


def direction(shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(8))


def check(x, weight, bias, **options):
    """Rounding is of the terms of a sum, which may cancel."""
    for wanted, got, size in zip(*both(x, weight, bias, **options), strict=True):
        assert got.shape == wanted.shape
        assert (got - wanted).abs().max() <= 4e-6 * size.max() + 1e-30


sizes = st.integers(1, 9)
few = st.integers(1, 3)


@given(rows=few, inputs=few, outputs=few, time=sizes, frequency=sizes, bias=st.booleans(), seed=st.integers(0, 999))
@settings(deadline=None)
def test_pointwise(rows, inputs, outputs, time, frequency, bias, seed):
    torch.manual_seed(seed)
    x = torch.randn(rows, inputs, time, frequency).contiguous(memory_format=torch.channels_last)
    check(x, torch.randn(outputs, inputs, 1, 1), torch.randn(outputs) if bias else None)


@given(
    rows=few, outputs=few, time=sizes, frequency=sizes, bias=st.booleans(), seed=st.integers(0, 999),
    size=st.tuples(few, few), stride=st.tuples(few, few), padding=st.tuples(few, few),
)  # fmt: skip
@settings(deadline=None)
def test_from_a_single_channel(rows, outputs, time, frequency, bias, seed, size, stride, padding):
    torch.manual_seed(seed)
    weight = torch.randn(outputs, 1, *size)
    check(
        torch.randn(rows, 1, time, frequency), weight, torch.randn(outputs) if bias else None,
        stride=stride, padding=padding,
    )  # fmt: skip


@pytest.mark.parametrize("piece", [1, 4000, 8e6])
@given(
    rows=few, inputs=st.integers(1, 5), outputs=st.integers(1, 5), time=sizes, frequency=sizes,
    bias=st.booleans(), winograd=st.booleans(), seed=st.integers(0, 999),
)  # fmt: skip
@settings(deadline=None, max_examples=40)
def test_three_by_three(piece, rows, inputs, outputs, time, frequency, bias, winograd, seed):
    torch.manual_seed(seed)
    weight = torch.randn(outputs, inputs, 3, 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution, "_PIECE", piece)
        patch.setattr(convolution, "_FEW", 1 if winograd else 99)
        x = torch.randn(rows, inputs, time, frequency)
        check(x, weight, torch.randn(outputs) if bias else None, padding=1)


def test_weights_that_changed_are_transformed_anew():
    weight, x = torch.randn(128, 128, 3, 3), torch.randn(1, 128, 5, 4)
    check(x, weight, None, padding=1)
    weight *= 2
    check(x, weight, None, padding=1)


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((4, 2, 3, 3), {"stride": 2}),
        ((4, 2, 3, 3), {"padding": "same"}),
        ((4, 2, 3, 3), {"padding": 1, "dilation": 2}),
        ((4, 1, 3, 3), {"groups": 2, "padding": 1}),
        ((4, 2, 1, 1), {"stride": (2, 1)}),
    ],
)
def test_others_are_left_to_pytorch(shape, options):
    assert convolution.planned(torch.randn(1, 2, 6, 6), torch.randn(shape), **options) is None


def test_weights_that_learn_are_left_to_pytorch():
    weight = torch.randn(4, 2, 3, 3, requires_grad=True)
    assert convolution.planned(torch.randn(1, 2, 6, 6), weight, padding=1) is None
