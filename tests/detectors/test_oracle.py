"""The known events as scores."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from igsed import labels
from igsed.detectors.oracle import ORDER, oracle
from igsed.metrics import iou
from igsed.metrics.scores import average_precision, pointing_game
from igsed.statistics import kept_frames
from igsed.thresholds import percentile_mask

NAMES = ["Cat", "Dog"]


def table(*rows):
    return pd.DataFrame(rows, columns=["onset", "offset", "event_label"]).astype({"onset": float, "offset": float})


def test_events_by_hand():
    events = table((0.25, 0.41, "Dog"), (0.9, 1.0, "Dog"), (0.0, 0.1, "Cat"), (0.0, 1.0, "Speech"))
    found = oracle(events, NAMES, 1.07)
    assert found.dtype == np.float64
    assert np.floor(found).tolist() == [[1, 0, 0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 1, 1, 1, 0, 0, 0, 0, 1]]
    assert ((found - np.floor(found)) < ORDER).all()


def test_without_events_no_frame_is_active():
    found = oracle(table(), NAMES, 1.0)
    assert found.shape == (2, 10)
    assert (found < ORDER).all()


@pytest.mark.parametrize("percentile", [5, 50, 78, 99])
def test_a_percentile_gets_the_frames_that_it_asks_for_and_so_its_ceiling(percentile):
    events = table((2.0, 4.5, "Dog"))
    scores = oracle(events, ["Dog"], 10.0)[0]
    detected = percentile_mask(scores, percentile)
    kept, active = kept_frames(percentile, 100), 25
    assert detected.sum() == kept
    assert iou(detected, scores >= 1) == min(kept, active) / max(kept, active)


starts = st.floats(0, 2.9)
events_of_a_clip = st.lists(st.tuples(starts, st.floats(0.01, 3), st.sampled_from(NAMES)), min_size=1, max_size=6)


@settings(deadline=None)
@given(events_of_a_clip)
def test_it_is_always_right(rows):
    events = table(*((onset, min(onset + length, 3.0), label) for onset, length, label in rows))
    pairs = pd.DataFrame({"clip": "a", "label": sorted(set(events["event_label"]))})
    active = labels.of_pairs(events.assign(clip="a"), pairs, 30)
    found = oracle(events, list(pairs["label"]), 3.0)
    assert (pointing_game(found, active) == 1).all()
    assert (average_precision(found, active) == 1).all()
