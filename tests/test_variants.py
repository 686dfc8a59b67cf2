"""Smoothing, contrast and wrong classes, against brute force and by their laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from igsed.errors import InputError
from igsed.variants import contrast, smooth, wrong_class

slow_machines_too = settings(deadline=None)
values = st.floats(-1e6, 1e6)
curves = hnp.arrays(float, hnp.array_shapes(min_dims=1, max_dims=3, max_side=12), elements=values)
maps = hnp.arrays(float, st.tuples(st.integers(1, 5), st.integers(1, 40)), elements=values)
windows = st.integers(0, 80).map(lambda tenths: tenths / 20)


def overlap(offset: int, seconds: float) -> float:
    """The share of the frame at an offset from the centre that lies in the window."""
    left, right = max(offset - 0.5, -seconds / 0.2), min(offset + 0.5, seconds / 0.2)
    return max(right - left, 0.0)


def smoothed_by_hand(curve, seconds):
    count = len(curve)
    share = [overlap(offset, max(seconds, 0.1)) for offset in range(count)]
    weights = np.array([[share[abs(j - i)] for j in range(count)] for i in range(count)])
    return (weights @ curve) / weights.sum(1)


@slow_machines_too
@given(curves, windows)
def test_smoothing_is_a_weighted_mean(scores, seconds):
    found = smooth(scores, seconds)
    assert found.shape == scores.shape
    for index in np.ndindex(scores.shape[:-1]):
        np.testing.assert_allclose(found[index], smoothed_by_hand(scores[index], seconds), rtol=1e-9, atol=1e-6)


def test_weights_of_two_and_three_frames():
    impulse = np.eye(1, 9, 4)[0]
    assert smooth(impulse, 0.2).tolist() == [0, 0, 0, 0.25, 0.5, 0.25, 0, 0, 0]
    np.testing.assert_allclose(smooth(impulse, 0.3), [0, 0, 0, 1 / 3, 1 / 3, 1 / 3, 0, 0, 0], rtol=1e-12)
    np.testing.assert_allclose(smooth([3.0, 0, 0], 0.2), [2, 0.75, 0], rtol=1e-12)


@slow_machines_too
@given(curves, st.sampled_from([0, 0.05, 0.1]))
def test_up_to_a_frame_nothing_changes(scores, seconds):
    before = scores.copy()
    found = smooth(scores, seconds)
    np.testing.assert_array_equal(found, before)
    assert not np.shares_memory(found, scores)


@slow_machines_too
@given(values, st.integers(1, 40), windows)
def test_constant_scores_stay_exactly_constant(value, count, seconds):
    assert smooth(np.full((2, count), value), seconds).tolist() == [[value] * count] * 2


@slow_machines_too
@given(curves, windows)
def test_smoothing_knows_no_direction_and_stays_in_range(scores, seconds):
    found = smooth(scores, seconds)
    np.testing.assert_allclose(smooth(scores[..., ::-1], seconds), found[..., ::-1], rtol=1e-9, atol=1e-6)
    assert (found <= scores.max(-1, keepdims=True) + 1e-6).all()
    assert (found >= scores.min(-1, keepdims=True) - 1e-6).all()


@pytest.mark.parametrize("seconds", [2.0, 7.3, 1e6])
def test_a_window_of_twice_the_clip_is_its_mean(seconds):
    scores = np.random.default_rng(0).normal(size=(3, 10))
    np.testing.assert_allclose(smooth(scores, seconds), np.tile(scores.mean(-1, keepdims=True), 10), rtol=1e-9)


def test_equal_scores_around_an_event_stay_equal():
    active = np.zeros(50)
    active[20:30] = 0.1
    found = smooth(active + 0.7, 0.5)
    assert len(set(found[:18])) == len(set(found[32:])) == len(set(found[22:28])) == 1


def z_scores(row):
    return np.zeros(len(row)) if len(set(row)) == 1 else (row - row.mean()) / row.std()


def test_contrast_by_hand():
    scores = np.random.default_rng(1).normal(size=(4, 30))
    scores[2] = 5.1
    found = contrast(scores)
    rows = [z_scores(row) for row in scores]
    for k in range(4):
        others = [rows[j] for j in range(4) if j != k]
        np.testing.assert_allclose(found[k], rows[k] - np.mean(others, axis=0), rtol=1e-9, atol=1e-12)


@slow_machines_too
@given(maps)
def test_contrasts_are_finite_and_cancel(scores):
    found = contrast(scores)
    assert found.shape == scores.shape
    assert np.isfinite(found).all()
    if len(scores) > 1:
        np.testing.assert_allclose(found.sum(0), 0, atol=1e-9)


@slow_machines_too
@given(hnp.arrays(float, 20, elements=st.integers(-1000, 1000)), st.floats(0.01, 100), st.integers(-1000, 1000))
def test_what_all_classes_share_is_taken_away(row, factor, offset):
    np.testing.assert_allclose(contrast([row, factor * row + offset]), 0, atol=1e-6)


@pytest.mark.parametrize("count", range(2, 9))
def test_equal_rows_give_exact_zeros(count):
    row = np.random.default_rng(4).normal(size=30)
    assert not contrast(np.tile(row, (count, 1))).any()


def test_a_single_row_keeps_its_order():
    row = np.random.default_rng(2).normal(size=30)
    np.testing.assert_allclose(contrast([row]), [z_scores(row)], rtol=1e-12)
    assert contrast(np.zeros((0, 5))).shape == (0, 5)


@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3, 1e-200, 1e200])
def test_a_constant_row_becomes_zeros(value):
    row = np.arange(7.0)
    found = contrast([np.full(7, value), row])
    np.testing.assert_allclose(found, [-z_scores(row), z_scores(row)], rtol=1e-12)
    assert not contrast([np.full(7, value)]).any()


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e150])
def test_the_scale_of_scores_does_not_matter(scale):
    scores = np.random.default_rng(3).normal(size=(2, 30))
    np.testing.assert_allclose(contrast(scores * scale), contrast(scores), rtol=1e-6)


clips = st.integers(2, 12).flatmap(
    lambda n: st.tuples(
        st.just(n),
        st.lists(st.integers(0, n - 1), min_size=1, unique=True),
        st.sets(st.integers(0, n - 1)),
        st.integers(0, 2**32),
    )
)


@slow_machines_too
@given(clips)
def test_wrong_classes_are_others_that_are_not_there(clip):
    n, targets, others, seed = clip
    in_clip = others | set(targets)
    found = wrong_class(targets, in_clip, n, np.random.default_rng(seed))
    assert len(found) == len(targets)
    for target, wrong in zip(targets, found, strict=True):
        assert wrong != target
        assert wrong in range(n)
        assert wrong not in in_clip or set(range(n)) - {target} <= in_clip
        # Alone, in another order, with the clip's classes as a list.
        assert wrong_class([target], sorted(in_clip), n, np.random.default_rng(seed)) == [wrong]


def test_every_absent_class_is_drawn_as_often_and_targets_independently():
    generator = np.random.default_rng(0)
    found = np.array([wrong_class([0, 2], {0, 2}, 6, generator) for _ in range(4000)])
    table = np.zeros((6, 6))
    np.add.at(table, (found[:, 0], found[:, 1]), 1)
    absent = [1, 3, 4, 5]
    assert table.sum() == table[np.ix_(absent, absent)].sum()
    assert np.abs(table[np.ix_(absent, absent)] - 250).max() < 5 * np.sqrt(250)


def test_with_one_class_there_is_no_wrong_one():
    with pytest.raises(InputError, match="at least two classes"):
        wrong_class([0], {0}, 1, np.random.default_rng(0))
