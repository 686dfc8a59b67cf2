"""Small inputs on which an earlier version was wrong; they lie beside the project and are no part of it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from igsed import audio, events, metrics, mixtures
from igsed.errors import InputError
from igsed.scaper_conversion import Sounds

CASES = Path(__file__).parents[1] / "../shared/cases"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the folder of cases is not beside the project")


@pytest.mark.parametrize(
    ("name", "notes"),
    [
        ("flac_unknown_length.flac", ("no length in the header",)),
        ("wav_data_size_zero.wav", ("no length in the header",)),
        ("float_wav_int16_scale.wav", ()),
    ],
)
def test_sounds_are_read_to_their_end(name, notes):
    sound = audio.load(CASES / name)
    assert (len(sound.waveform), tuple(sound.notes)) == (4000, notes)
    assert audio.header(CASES / name).duration == 0.5


def test_a_source_above_full_scale_decays_as_it_was_recorded():
    path = str(CASES / "float_wav_int16_scale.wav")
    heard, _ = Sounds({}, remove_offset=False).part(path, 0, 0.5)
    recorded = audio.read(path)[0]
    assert np.abs(heard).max() == pytest.approx(1)
    np.testing.assert_allclose(heard, recorded / np.abs(recorded).max(), atol=1e-6)


def test_a_repeated_row_counts_once():
    truth = events.read(CASES / "events_duplicate_row.tsv").rename(columns={"filename": "clip", "event_label": "label"})
    found = pd.DataFrame([("a.wav", "Dishes", 2.0, 3.0)], columns=["clip", "label", "onset", "offset"])
    numbers = metrics.event_based(truth, found, {"a.wav": 10.0}, ["Dishes"])
    assert numbers.query("label == 'all' and metric == 'event_f1'")["value"].tolist() == [1.0]
    assert len(events.repeated(CASES / "events_duplicate_row.tsv")) == 1


def test_a_line_without_tabs_is_refused_with_its_number():
    with pytest.raises(InputError, match=r"events_space_line\.tsv, line 3: .*separated by spaces"):
        events.read(CASES / "events_space_line.tsv")


@pytest.mark.parametrize("count", [10, 3, 1])
def test_a_perfect_detector_has_an_event_f1_of_1(count):
    """As `same_class.py` does it, with fewer clips."""
    from igsed import LABELS, labels, timeline

    chosen = list(LABELS)[:count]
    protocol = mixtures.Protocol(10, 32000, (1, 3), (0.25, 4.2), (15, 25), 2, "replace", -50.0)
    sources = [(label, f"{label}{k}.wav", 5.0) for label in chosen for k in range(6)]
    foreground = pd.DataFrame(sources, columns=["label", "path", "duration"])
    background = pd.DataFrame([("r", "b.wav", 60.0)], columns=["label", "path", "duration"])
    drawn = [mixtures.draw(foreground, background, protocol, 20260522, "test", k) for k in range(60)]
    rows = [(mixture.clip, e.label, e.onset, e.offset) for mixture in drawn for e in mixture.events]
    truth = pd.DataFrame(rows, columns=["clip", "label", "onset", "offset"])
    clips = sorted(truth["clip"].unique())
    active = labels.of_frames(truth.rename(columns={"label": "event_label"}), clips, chosen, 100)
    found = [
        (clip, label, *segment)
        for i, clip in enumerate(clips)
        for j, label in enumerate(chosen)
        for segment in timeline.segments(active[i, j])
    ]
    found = pd.DataFrame(found, columns=["clip", "label", "onset", "offset"])
    numbers = metrics.event_based(truth, found, dict.fromkeys(clips, 10.0), chosen)
    assert numbers.query("label == 'all' and metric == 'event_f1'")["value"].tolist() == [1.0]
