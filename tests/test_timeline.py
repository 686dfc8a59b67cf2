"""The grid of 100 ms, runs of frames, and interpolation against numpy's."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from igsed import labels, timeline

slow_machines_too = settings(deadline=None)


@pytest.mark.parametrize(
    ("duration", "frames"), [(10, 100), (0.3, 3), (9.99999, 99), (10.05, 100), (0.05, 0), (4.35, 43)]
)
def test_only_whole_frames_count(duration, frames):
    assert timeline.frame_count(duration) == frames


def test_every_whole_number_of_frames_is_found():
    assert [timeline.frame_count(n / 10) for n in range(1000)] == list(range(1000))
    assert [timeline.frame_count(1600 * n / 16000) for n in range(1000)] == list(range(1000))


@slow_machines_too
@given(hnp.arrays(bool, st.integers(0, 120)))
def test_segments_are_the_inverse_of_frames(mask):
    runs = timeline.segments(mask)
    assert runs.shape == (len(runs), 2)
    assert (runs[:, 1] > runs[:, 0]).all()
    assert (runs[1:, 0] > runs[:-1, 1]).all()
    events = pd.DataFrame({"clip": "a", "onset": runs[:, 0], "offset": runs[:, 1], "event_label": "Dog"})
    np.testing.assert_array_equal(labels.of_frames(events, ["a"], ["Dog"], len(mask))[0, 0], mask)


@st.composite
def coarse_scores(draw):
    count = draw(st.integers(1, 40))
    gaps = draw(hnp.arrays(float, count, elements=st.floats(0.01, 1)))
    times = draw(st.floats(-0.5, 0.5)) + np.cumsum(gaps)
    shape = (*draw(st.sampled_from([(), (3,), (2, 3)])), count)
    return draw(hnp.arrays(float, shape, elements=st.floats(-1e3, 1e3))), times


@slow_machines_too
@given(coarse_scores(), st.integers(0, 110))
def test_linear_equals_numpy(made, count):
    scores, times = made
    centres = (np.arange(count) + 0.5) * 0.1
    found = timeline.resample(scores, times, count)
    assert found.shape == (*scores.shape[:-1], count)
    for index in np.ndindex(scores.shape[:-1]):
        np.testing.assert_allclose(found[index], np.interp(centres, times, scores[index]), rtol=1e-9, atol=1e-9)


@slow_machines_too
@given(coarse_scores(), st.integers(0, 110))
def test_nearest_takes_the_nearest_centre(made, count):
    scores, times = made
    found = timeline.resample(scores, times, count, rule="nearest")
    for frame in range(count):
        distance = np.abs(times - (frame + 0.5) * 0.1)
        near = np.flatnonzero(distance <= distance.min() + 1e-12)
        assert any((found[..., frame] == scores[..., k]).all() for k in near)


def test_the_grid_itself_is_unchanged():
    scores = np.random.default_rng(0).normal(size=(2, 100))
    times = (np.arange(100) + 0.5) * 0.1
    for rule in ("linear", "nearest"):
        np.testing.assert_allclose(timeline.resample(scores, times, 100, rule=rule), scores, rtol=1e-12)
