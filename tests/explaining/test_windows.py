"""Windows: every place is covered, parts are cut and faded without seams."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from igsed.explaining import windows

sizes = st.tuples(st.integers(1, 400), st.integers(4, 60), st.integers(0, 20), st.integers(1, 9))


def planned(size):
    total, length, overlap, period = size
    return windows.plan(total, length, min(overlap, length // 2), period)


@given(sizes)
def test_windows_cover_all_and_overlap(size):
    total, length, overlap, period = size
    plan = planned(size)
    assert plan.starts[0] == 0
    assert plan.starts[-1] + plan.length == total
    assert all(start % period == 0 for start in plan.starts)
    steps = np.diff(plan.starts)
    assert (steps > 0).all()
    assert (steps <= plan.length - min(overlap, length // 2)).all()
    assert plan.length < max(length, min(overlap, length // 2) + period) + period


@given(sizes)
def test_each_place_is_given_by_one_window(size):
    plan = planned(size)
    given_by = np.zeros(size[0], int)
    for k, start in enumerate(plan.starts):
        places = start + np.arange(plan.length)
        given_by[places[windows.inside(plan, k, places)]] += 1
    assert (given_by == 1).all()


@given(sizes, st.integers(0, 99))
def test_windows_that_agree_are_faded_into_themselves(size, seed):
    plan = planned(size)
    whole = np.random.default_rng(seed).normal(size=(2, size[0]))
    parts = [whole[:, start : start + plan.length] for start in plan.starts]
    np.testing.assert_allclose(windows.faded(plan, parts), whole, atol=1e-12)


def test_a_fade_has_no_step():
    plan = windows.plan(280, 100, 20)
    assert len(plan.starts) == 4
    found = windows.faded(plan, [np.full(100, float(k % 2)) for k in range(len(plan.starts))])
    assert np.abs(np.diff(found)).max() < 0.1


@pytest.mark.parametrize("total", [1, 99, 100])
def test_a_short_recording_is_one_window(total):
    assert windows.plan(total, 100, 30, 7) == ((0,), total)
