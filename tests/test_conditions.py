"""What is told of each pair, against counting by hand, and against what Scaper wrote."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from igsed import conditions, labels, mixtures
from igsed.errors import InputError
from tests.toys import recording

LABELS = ["Cat", "Dog", "Speech"]
FRAMES = 40


def events_of(rows):
    """`placed` and `annotated` of rows (clip, label, onset, offset, snr, source)."""
    placed = pd.DataFrame(rows, columns=["clip", "label", "onset", "offset", "snr", "source"])
    annotated = placed.rename(columns={"label": "event_label"})[["clip", "onset", "offset", "event_label"]]
    return annotated, placed


@st.composite
def drawn(draw):
    rows = []
    for clip in range(draw(st.integers(1, 4))):
        for number in range(draw(st.integers(0, 4))):
            onset = draw(st.integers(0, 3800))
            offset = draw(st.integers(onset + 20, 4000))
            snr = draw(st.integers(-15, 25))
            label = draw(st.sampled_from(LABELS))
            rows.append((f"c{clip}", label, onset / 1000, offset / 1000, float(snr), f"{label}/{number}"))
    return rows


@settings(deadline=None)
@given(drawn())
def test_every_number_is_what_counting_by_hand_gives(rows):
    annotated, placed = events_of(rows)
    table = conditions.table(annotated, placed, {"c0": ("wet", "rain"), "c1": ("", "street")}, FRAMES)
    assert list(table.columns) == conditions.COLUMNS
    assert list(zip(table["clip"], table["label"], strict=True)) == sorted({row[:2] for row in rows})
    marks = {}
    for clip, label, onset, offset, *_ in rows:
        # Whole milliseconds: frame k is marked where [100 k, 100 (k + 1)) and the event overlap.
        first, last = round(1000 * onset), round(1000 * offset)
        marks.setdefault((clip, label), set()).update(
            k for k in range(FRAMES) if 100 * k < last and first < 100 * (k + 1)
        )
    for row in table.itertuples():
        mine = [other for other in rows if other[:2] == (row.clip, row.label)]
        frames = marks[row.clip, row.label]
        others = set().union(*(marks[key] for key in marks if key[0] == row.clip and key[1] != row.label))
        assert row.active_seconds == pytest.approx(len(frames) / 10, abs=1e-9)
        assert row.active_ratio == len(frames) / FRAMES
        assert row.overlap == pytest.approx(len(frames & others) / len(frames))
        assert row.snr == pytest.approx(np.mean([other[4] for other in mine]), abs=1e-6)
        assert row.events == sum(other[0] == row.clip for other in rows)
        longest = max(round(other[3] - other[2], 3) for other in mine)
        assert row.source in {other[5] for other in mine if round(other[3] - other[2], 3) == longest}
        assert row.background == {"c0": "rain", "c1": "street"}.get(row.clip, "")
        assert row.background_label == {"c0": "wet"}.get(row.clip, "")


def test_active_frames_are_those_that_judges_compare_with():
    rng = np.random.default_rng(0)
    onsets = rng.uniform(0, 3.5, 60).round(3)
    rows = [(f"c{k % 20}", LABELS[k % 3], on, round(on + 0.4, 3), 0.0, "s") for k, on in enumerate(onsets)]
    annotated, placed = events_of(rows)
    table = conditions.table(annotated, placed, {}, FRAMES)
    assert np.array_equal(table["active_ratio"], labels.of_pairs(annotated, table, FRAMES).mean(axis=1))


def test_clips_without_events_have_no_row(tmp_path):
    table = conditions.table(*events_of([]), {"a": ("wet", "rain")}, FRAMES)
    assert table.empty
    assert list(table.columns) == conditions.COLUMNS
    table.to_csv(tmp_path / "conditions.csv", index=False)
    assert conditions.read(tmp_path / "conditions.csv").empty


def test_events_of_another_clip_are_refused():
    annotated, placed = events_of([("a", "Dog", 0.0, 1.0, 5.0, "Dog/1")])
    with pytest.raises(ValueError, match="differ"):
        conditions.table(annotated, placed.assign(label="Cat"), {}, FRAMES)


def test_real_recordings_have_no_snr_and_their_windows_share_a_source(tmp_path):
    annotated, _ = events_of([("r0", "Dog", 0.0, 1.0, 5.0, ""), ("r1", "Dog", 0.0, 2.0, 5.0, "")])
    placed = conditions.recorded(annotated, {"r0": "long.wav", "r1": "long.wav"})
    table = conditions.table(annotated, placed, {}, FRAMES)
    assert table["snr"].isna().all()
    assert table["source"].tolist() == ["long.wav", "long.wav"]
    assert table["background"].tolist() == ["", ""]
    table.to_csv(tmp_path / "conditions.csv", index=False)
    pd.testing.assert_frame_equal(conditions.read(tmp_path / "conditions.csv"), table)


def test_what_scaper_wrote_is_read_back(tmp_path):
    """Also of a folder `<label>_nOff`, of one below the label's, and of segments of one recording."""
    bank = tmp_path / "bank"
    sounds = {
        "Dog_nOff": recording(bank / "foreground" / "Dog_nOff" / "50357_2.wav", 2.0),
        "deep": recording(bank / "foreground" / "Cat" / "deep" / "21986_1.wav", 2.0, seed=1),
    }
    bed = recording(bank / "background" / "sins" / "Rain é_3.wav", 4.0, level=0.01, seed=2)
    index = pd.DataFrame(
        {
            "path": [str(sounds["Dog_nOff"]), str(sounds["deep"])],
            "label": ["Dog", "Cat"],
            "source": ["Dog/50357", "Cat/21986"],
        }
    )
    protocol = mixtures.Protocol(4, 16000, (1, 3), (0.25, 2.0), (5.0, 25.0), 2, "replace", -50.0)
    placed = (
        mixtures.Event("Dog", str(sounds["Dog_nOff"]), 2.25, 3.5, 5.5),
        mixtures.Event("Cat", str(sounds["deep"]), 1.001, 2.4, 21.0),
    )
    made = [
        mixtures.Mixture("test_00000", 3, str(bed), 0.0, placed),
        mixtures.Mixture("test_00001", 4, str(bed), 0.0, ()),
    ]
    for mixture in made:
        mixtures.render(mixture, protocol, tmp_path / f"{mixture.clip}.jams")
    clips = [mixture.clip for mixture in made]
    found, backgrounds = conditions.mixed(tmp_path, clips, index)
    assert found.sort_values("onset", ascending=False).to_numpy().tolist() == [
        ["test_00000", "Dog", 2.25, 3.5, 5.5, "Dog/50357"],
        ["test_00000", "Cat", 1.001, 2.4, 21.0, "Cat/21986"],
    ]
    assert backgrounds == dict.fromkeys(clips, ("sins", "Rain é_3"))
    annotated = mixtures.event_table(made)
    annotated["clip"] = annotated["filename"].str.removesuffix(".flac")
    table = conditions.table(annotated, found, backgrounds, FRAMES)
    # Cat in frames 10 to 23, Dog in 22 to 34.
    assert table["active_seconds"].tolist() == [1.4, 1.3]
    assert table["overlap"].tolist() == [2 / 14, 2 / 13]
    # Without the index the names tell the same, but for the folder below the label's.
    unlisted, _ = conditions.mixed(tmp_path, clips[:1], index[:0])
    assert set(unlisted["source"]) == {"Dog/50357", "deep/21986"}


def test_an_annotation_that_scaper_did_not_write_is_refused(tmp_path):
    for content in ("", "{}", json.dumps({"annotations": []}), json.dumps({"annotations": [{"namespace": "beat"}]})):
        (tmp_path / "a.jams").write_text(content)
        with pytest.raises(InputError, match=r"a\.jams: is no annotation"):
            conditions.mixed(tmp_path, ["a"], pd.DataFrame(columns=["path", "label", "source"]))
    with pytest.raises(InputError, match=r"b\.jams"):
        conditions.mixed(tmp_path, ["b"], pd.DataFrame(columns=["path", "label", "source"]))


def test_five_thousand_clips_fit_in_memory_and_a_second_or_two():
    rng = np.random.default_rng(1)
    onsets = rng.uniform(0, 3, 15000).round(3)
    rows = [
        (f"c{k // 3:05d}", LABELS[k % 3], on, round(on + 0.5, 3), math.nan, f"s{k % 40}") for k, on in enumerate(onsets)
    ]
    annotated, placed = events_of(rows)
    assert len(conditions.table(annotated, placed, {}, 100)) == 15000
