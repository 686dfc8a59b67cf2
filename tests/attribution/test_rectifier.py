"""The compiled loop against PyTorch's passes and against the definition."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from igsed.attribution import rectifier

numbers = st.floats(width=32, allow_nan=False, allow_infinity=False, min_value=-(2.0**40), max_value=2.0**40)
points = arrays.arrays(np.float32, st.tuples(st.integers(2, 4), *[st.integers(1, 3)] * 3), elements=numbers)


@pytest.fixture
def without_numba(monkeypatch):
    monkeypatch.setattr(rectifier, "_compiled", lambda: None)


def rectify(points, last):
    path = torch.from_numpy(points)
    if last:
        path = path.contiguous(memory_format=torch.channels_last)
    return rectifier.rectify(path[1:], path[:1])


@given(points, st.booleans())
@settings(deadline=None)  # the first call compiles
def test_the_quotient_is_that_of_the_change(points, last):
    y, slope = rectify(points, last)
    rectified = np.maximum(points.astype(float), 0)
    np.testing.assert_array_equal(y.numpy(), rectified[1:])
    slope = slope.numpy()
    change, step = np.diff(rectified, axis=0), np.diff(points.astype(float), axis=0)
    assert ((slope >= 0) & (slope <= 1)).all()
    np.testing.assert_allclose(slope * step, change, rtol=1e-5, atol=1e-32)


@given(points, st.booleans())
@settings(deadline=None)  # the first call compiles
def test_with_and_without_numba_alike(points, last):
    with pytest.MonkeyPatch.context() as patch:
        found = rectify(points, last)
        patch.setattr(rectifier, "_compiled", lambda: None)
        for one, other in zip(found, rectify(points, last), strict=True):
            torch.testing.assert_close(one, other, rtol=2e-7, atol=0)
            assert one.stride() == other.stride()


def test_numba_is_used_here():
    assert rectifier._compiled() is not None


@pytest.mark.parametrize("compiled", [True, False])
def test_what_is_no_number_stays_none(compiled, request):
    if not compiled:
        request.getfixturevalue("without_numba")
    y, _ = rectifier.rectify(torch.tensor([[np.nan, 1.0]]), torch.zeros(1, 2))
    assert y.isnan().tolist() == [[True, False]]


def test_rows_in_another_order_of_memory():
    path = torch.randn(4, 3, 2, generator=torch.Generator().manual_seed(1))
    for rows in (path.transpose(1, 2), path.double(), path[:, ::2]):
        y, slope = rectifier.rectify(rows[1:], rows[:1])
        torch.testing.assert_close(y, rows[1:].clamp(min=0))
        torch.testing.assert_close(slope * rows.diff(dim=0), rows.clamp(min=0).diff(dim=0))


def test_shapes_that_do_not_fit_do_not_reach_the_loop():
    """It would read and write beyond the arrays."""
    y, slope = rectifier.rectify(torch.ones(0, 5), torch.ones(1, 5))
    assert y.shape == slope.shape == (0, 5)
    with pytest.raises(RuntimeError):
        rectifier.rectify(torch.ones(3, 8), torch.ones(1, 5))
