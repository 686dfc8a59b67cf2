"""The known events as scores."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from igsed import labels
from igsed.detectors.oracle import oracle
from igsed.metrics.scores import average_precision, pointing_game

NAMES = ["Cat", "Dog"]


def table(*rows):
    return pd.DataFrame(rows, columns=["onset", "offset", "event_label"]).astype({"onset": float, "offset": float})


def test_events_by_hand():
    events = table((0.25, 0.41, "Dog"), (0.9, 1.0, "Dog"), (0.0, 0.1, "Cat"), (0.0, 1.0, "Speech"))
    found = oracle(events, NAMES, 1.07)
    assert found.dtype == np.float64
    assert found.tolist() == [[1, 0, 0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 1, 1, 1, 0, 0, 0, 0, 1]]


def test_without_events_all_is_zero():
    assert oracle(table(), NAMES, 1.0).tolist() == [[0] * 10] * 2


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
