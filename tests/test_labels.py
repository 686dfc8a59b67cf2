"""Frame labels against brute force in whole milliseconds, and against sed_eval's event roll."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from igsed import labels

CLIPS, CLASSES = ["a", "b", "c"], ["Cat", "Dog", "Speech"]
slow_machines_too = settings(deadline=None)
spans = st.tuples(st.sampled_from(CLIPS), st.integers(0, 10_500), st.integers(1, 4200), st.sampled_from(CLASSES))


def table(rows):
    return pd.DataFrame(
        [(clip, start / 1000, (start + length) / 1000, label) for clip, start, length, label in rows],
        columns=["clip", "onset", "offset", "event_label"],
    )


def by_hand(rows, count, frame, start=0):
    """Frame k covers [start + k·frame, start + (k + 1)·frame), all in whole milliseconds."""
    active = np.zeros((len(CLIPS), len(CLASSES), count), bool)
    for clip, onset, length, label in rows:
        for k in range(count):
            begins = start + k * frame
            if onset < begins + frame and onset + length > begins:
                active[CLIPS.index(clip), CLASSES.index(label), k] = True
    return active


@slow_machines_too
@given(st.lists(spans, max_size=6), st.integers(1, 100))
def test_frames_by_hand(rows, count):
    np.testing.assert_array_equal(labels.of_frames(table(rows), CLIPS, CLASSES, count), by_hand(rows, count, 100))


@slow_machines_too
@given(st.lists(spans, max_size=6), st.integers(0, 200))
def test_coarse_frames_by_hand(rows, first):
    times = (first + 320 * np.arange(32)) / 1000
    expected = by_hand(rows, 32, 320, first - 160).swapaxes(1, 2)
    np.testing.assert_array_equal(labels.coarse(table(rows), CLIPS, CLASSES, times), expected)


off_grid = spans.filter(lambda row: row[1] % 100 and (row[1] + row[2]) % 100 and row[1] + row[2] <= 10_000)


@slow_machines_too
@given(st.lists(off_grid, min_size=1, max_size=6))
def test_frames_equal_sed_eval(rows):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import sed_eval
    found = labels.of_frames(table(rows), CLIPS, CLASSES, 100)
    for place, clip in enumerate(CLIPS):
        listed = [
            {"event_label": label, "onset": onset / 1000, "offset": (onset + length) / 1000}
            for name, onset, length, label in rows
            if name == clip
        ]
        roll = sed_eval.util.event_list_to_event_roll(listed, CLASSES, time_resolution=0.1)
        expected = np.zeros((100, len(CLASSES)), bool)
        expected[: len(roll)] = roll[:100] > 0
        np.testing.assert_array_equal(found[place].T, expected)


def test_grid_is_not_lost_to_rounding():
    """0.3 / 0.1 is 2.9999999999999996; an event from 0.3 to 0.7 s marks frames 3 to 6 and no other."""
    spans = [(first, last) for first in range(100) for last in range(first + 1, 101)]
    rows = [(k, 100 * first, 100 * (last - first), "Dog") for k, (first, last) in enumerate(spans)]
    found = labels.of_frames(table(rows), range(len(rows)), ["Dog"], 100)[:, 0]
    first, last = np.array(spans).T[..., None]
    np.testing.assert_array_equal(found, (np.arange(100) >= first) & (np.arange(100) < last))


@slow_machines_too
@given(st.lists(spans, max_size=6))
def test_pairs_are_rows_of_the_frames(rows):
    pairs = pd.DataFrame(
        [(c, k) for k in reversed(CLASSES) for c in CLIPS if (c, k) != ("a", "Cat")], columns=["clip", "label"]
    )
    frames = labels.of_frames(table(rows), CLIPS, CLASSES, 100)
    expected = [frames[CLIPS.index(c), CLASSES.index(k)] for c, k in pairs.itertuples(index=False)]
    np.testing.assert_array_equal(labels.of_pairs(table(rows), pairs, 100), expected)


def test_no_pairs():
    none = pd.DataFrame(columns=["clip", "label"])
    assert labels.of_pairs(table([("a", 0, 10, "Dog")]), none, 100).shape == (0, 100)


@slow_machines_too
@given(st.lists(spans, max_size=6))
def test_clips_hold_the_classes_of_their_events(rows):
    present = labels.of_clips(table(rows), CLIPS, CLASSES)
    assert present.tolist() == [[any((c, k) == (r[0], r[3]) for r in rows) for k in CLASSES] for c in CLIPS]


@pytest.mark.parametrize(
    ("row", "named"), [(("z", 0, 1, "Dog"), "clip: 'z'"), (("a", 0, 1, "Cow"), "event_label: 'Cow'")]
)
def test_what_is_unknown_is_named(row, named):
    for make in (labels.of_clips, lambda *a: labels.of_frames(*a, 10)):
        with pytest.raises(ValueError, match=f"unknown {named}"):
            make(table([("a", 0, 1, "Dog"), row]), CLIPS, CLASSES)
