"""Annotations of strangers."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from igsed import events, recordings
from igsed.errors import InputError
from tests.hostile.mutations import bounded, damaged, damaged_table, value_or_refusal

HEADER = "filename\tonset\toffset\tevent_label\n"
TABLE = HEADER + "a.wav\t0.000\t1.000\tDog\nb.wav\t\t\t\nc.wav\t1.5\t2.25\tSpeech"


@given(damaged(TABLE.encode()) | damaged_table(TABLE, "\t"))
@example((HEADER + "a.wav\t0\t1\t" + "x" * 50_000 + "\tx").encode())
@settings(deadline=None, max_examples=250)
def test_events_are_times_or_a_message(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "events.tsv")
        path.write_bytes(content)
        value_or_refusal(events.clips, path)
        value_or_refusal(events.repeated, path)
        found = value_or_refusal(events.read, path)
        if found is None:
            return
        assert len(events.merged(found, 0.15)) <= len(found)
        times = found[["onset", "offset"]].to_numpy(float)
        assert np.isfinite(times).all()
        assert (times[:, 0] >= 0).all()
        assert (times[:, 1] > times[:, 0]).all()
        for _, of_clip in found.groupby("filename"):
            assert len(recordings.cut(of_clip, recordings.windows(25.0, 10))) <= 3 * len(of_clip)


def test_a_path_that_is_none_is_told():
    with pytest.raises(InputError, match="cannot be read"):
        events.read("a\0b.tsv")


def test_a_wide_header_takes_no_memory(tmp_path):
    path = tmp_path / "wide.tsv"
    rows = [f"a.wav\t{k}\t{k + 1}\tDog" + "\t" * 3000 for k in range(1000)]
    path.write_text("\n".join([HEADER.strip() + "\t" * 3000, *rows]) + "\n")
    with bounded(megabytes=20, seconds=10):
        assert len(events.read(path)) == 1000


def test_many_events_at_once_take_no_memory():
    onsets = np.arange(20_000) / 100_000
    with bounded(megabytes=5, seconds=5):
        assert events.polyphony(onsets, onsets + 1) == 20_000


def test_many_events_in_many_windows_take_no_memory():
    onsets = np.linspace(0, 9000, 20_000)
    annotated = pd.DataFrame({"onset": onsets, "offset": onsets + 0.5, "event_label": "Dog"})
    spans = recordings.windows(10_000.0, 1)
    with bounded(megabytes=30, seconds=5):
        parts = recordings.cut(annotated, spans)
    assert 20_000 <= len(parts) <= 40_000


@given(
    st.lists(st.tuples(st.integers(0, 12_000), st.integers(1, 12_000)), max_size=8),
    st.integers(1, 12_000),
    st.integers(1, 4),
)
@settings(deadline=None, max_examples=150)
def test_cutting_is_the_comparison_of_every_event_with_every_window(drawn, milliseconds, length):
    spans = recordings.windows(milliseconds / 1000, length)
    annotated = pd.DataFrame([(a / 1000, (a + b) / 1000, "Dog") for a, b in drawn], columns=events.COLUMNS[1:])
    starts, ends = spans.T
    onsets, offsets = annotated[["onset", "offset"]].to_numpy(float).T[:, :, None]
    onsets = np.round(np.maximum(onsets, starts) - starts, 3)
    offsets = np.round(np.minimum(offsets, ends) - starts, 3)
    event, window = np.nonzero(offsets > onsets)
    parts = recordings.cut(annotated, spans)
    assert parts["event"].tolist() == event.tolist()
    assert parts["window"].tolist() == window.tolist()
    np.testing.assert_array_equal(parts["onset"], onsets[event, window])
    np.testing.assert_array_equal(parts["offset"], offsets[event, window])
