"""Sounds of the training clips: stretches without events, and whole clips."""

import numpy as np
import pandas as pd
import pytest

from igsed import audio, training_sounds
from igsed.errors import InputError

RATE = 1000


@pytest.fixture
def clips(tmp_path):
    """Three clips of 4 s whose samples tell their time; one is full of events."""
    rows = []
    for k, name in enumerate("abc"):
        path = tmp_path / f"{name}.wav"
        audio.write_flac(path, (k + 1) * np.linspace(0, 0.2, 4 * RATE, endpoint=False, dtype=np.float32), RATE)
        rows.append((name, str(path), 4.0))
    return pd.DataFrame(rows, columns=["clip", "path", "duration"])


EVENTS = pd.DataFrame(
    [("a", 1.0, 2.0), ("a", 1.5, 1.7), ("b", 0.0, 0.5), ("b", 0.2, 3.9), ("c", 3.5, 4.0)],
    columns=["clip", "onset", "offset"],
)


def test_the_longest_stretch_between_events_that_may_overlap(clips):
    found = training_sounds.stretches(clips, EVENTS)
    assert found[["clip", "start", "end"]].to_numpy().tolist() == [["c", 0.0, 3.5], ["a", 2.0, 4.0]]


def test_a_clip_without_events_is_background_from_end_to_end(clips):
    found = training_sounds.stretches(clips, EVENTS[:0])
    assert (found["end"] - found["start"]).tolist() == [4.0] * 3


def test_a_background_is_repeated_to_the_length_of_its_clip(clips):
    found = training_sounds.backgrounds(clips, EVENTS)
    assert found.shape == (2, 4 * RATE)
    np.testing.assert_array_equal(found[1, : 2 * RATE], found[1, 2 * RATE :])
    np.testing.assert_allclose(found[1, [0, 2 * RATE - 1]], [0.1, 0.2], atol=1e-3)


def test_without_any_stretch_it_is_said_what_to_do(clips):
    full = pd.DataFrame([(name, 0.0, 3.5) for name in "abc"], columns=["clip", "onset", "offset"])
    with pytest.raises(InputError, match="another baseline than background"):
        training_sounds.backgrounds(clips, full)


def test_whole_clips_are_drawn_once_each(clips):
    found = training_sounds.whole(clips["path"], seed=3)
    assert found.shape == (3, 4 * RATE)
    assert len({clip.tobytes() for clip in found}) == 3
