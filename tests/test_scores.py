"""Frame scores on disk: round trip, layout, refusals."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from igsed import LABELS, scores
from igsed.errors import InputError


@st.composite
def clips_of_scores(draw):
    """Clips with any number of labels each, zero included, all with the same number of frames."""
    frames = draw(st.integers(1, 12))
    values = hnp.arrays(float, (10, frames), elements=st.floats(allow_nan=False, allow_infinity=False))
    names = draw(st.lists(st.text(min_size=1, max_size=6).filter(str.isprintable), max_size=8, unique=True))
    made = []
    for name in names:
        labels = draw(st.lists(st.sampled_from(LABELS), max_size=4, unique=True))
        made.append((name, labels, draw(values)[: len(labels)]))
    return made


def write(path, clips):
    with scores.Writer(path) as writer:
        for clip in clips:
            writer.add(*clip)


@settings(deadline=None, max_examples=50)
@given(clips_of_scores())
def test_round_trip(clips):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "scores.parquet")
        write(path, clips)
        found = scores.read(path)
        table = pq.read_table(path)
    expected = [(clip, label) for clip, labels, _ in clips for label in labels]
    assert list(found.pairs.itertuples(index=False, name=None)) == expected
    assert list(found.pairs.columns) == ["clip", "label"]
    if expected:
        np.testing.assert_array_equal(found.values, np.concatenate([values for *_, values in clips]))
    assert table.column_names == ["clip", "label", "frame", "onset", "score"]


def test_rows_say_clip_label_frame_onset_and_score(tmp_path):
    write(tmp_path / "scores", [("test_0", ["Dog", "Cat"], [[1.0, 2.0], [3.0, 4.0]])])
    rows = pd.read_parquet(tmp_path / "scores")
    assert rows.to_dict("list") == {
        "clip": ["test_0"] * 4,
        "label": ["Dog", "Dog", "Cat", "Cat"],
        "frame": [0, 1, 0, 1],
        "onset": [0.0, 0.1, 0.0, 0.1],
        "score": [1.0, 2.0, 3.0, 4.0],
    }


def test_onsets_are_tenths_of_a_second(tmp_path):
    write(tmp_path / "scores", [("a", ["Dog"], np.zeros((1, 100)))])
    assert pd.read_parquet(tmp_path / "scores")["onset"].tolist() == [k / 10 for k in range(100)]


def test_more_clips_than_are_held_at_a_time(tmp_path):
    rng = np.random.default_rng(0)
    clips = [(f"clip_{k:04d}", [LABELS[k % 10], LABELS[(k + 3) % 10]], rng.normal(size=(2, 5))) for k in range(350)]
    write(tmp_path / "scores", clips)
    found = scores.read(tmp_path / "scores")
    assert pq.ParquetFile(tmp_path / "scores").num_row_groups > 1
    assert found.pairs["clip"].tolist() == [clip for clip, *_ in clips for _ in range(2)]
    assert found.pairs["label"].tolist() == [label for _, labels, _ in clips for label in labels]
    np.testing.assert_array_equal(found.values, np.concatenate([values for *_, values in clips]))


def test_pieces_of_a_file_may_cut_pairs(tmp_path):
    values = np.random.default_rng(0).normal(size=(3, 4))
    write(tmp_path / "scores", [("a", ["Dog", "Cat"], values[:2]), ("b", ["Dog"], values[2:])])
    pq.write_table(pq.read_table(tmp_path / "scores"), tmp_path / "scores", row_group_size=3)
    found = scores.read(tmp_path / "scores")
    assert found.pairs.values.tolist() == [["a", "Dog"], ["a", "Cat"], ["b", "Dog"]]
    np.testing.assert_array_equal(found.values, values)


def test_same_scores_same_bytes(tmp_path):
    clips = [("a", ["Dog"], np.arange(100.0)[None])]
    write(tmp_path / "one", clips)
    write(tmp_path / "two", clips)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_scores_must_be_finite(tmp_path, value):
    with (
        scores.Writer(tmp_path / "scores") as writer,
        pytest.raises(ValueError, match="test_7: frame scores are not finite"),
    ):
        writer.add("test_7", ["Dog"], [[0.0, value]])


def foreign(path):
    pd.DataFrame({"clip": ["a"], "score": [1.0]}).to_parquet(path)


def other_types(path):
    pd.DataFrame({"clip": ["a"], "label": ["Dog"], "frame": ["0"], "onset": [0.0], "score": ["1"]}).to_parquet(path)


def truncated(path):
    write(path, [("a", ["Dog"], np.zeros((1, 100)))])
    path.write_bytes(path.read_bytes()[:-20])


def ragged(path):
    write(path, [("a", ["Dog"], np.zeros((1, 4))), ("b", ["Dog"], np.zeros((1, 6)))])


def frames_missing(path):
    write(path, [("a", ["Dog", "Cat"], np.zeros((2, 4)))])
    pq.write_table(pq.read_table(path).slice(0, 7), path)


def frames_out_of_order(path):
    write(path, [("a", ["Dog"], np.zeros((1, 4)))])
    pq.write_table(pq.read_table(path).take([0, 2, 1, 3]), path)


DAMAGES = [
    foreign,
    other_types,
    truncated,
    ragged,
    frames_missing,
    frames_out_of_order,
    lambda path: path.write_bytes(b""),
    lambda path: path.write_text("clip,label,frame,onset,score\n"),
    lambda path: path.mkdir(),
    lambda path: None,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_file_that_holds_no_frame_scores_is_refused(tmp_path, damage):
    path = tmp_path / "scores.parquet"
    damage(path)
    with pytest.raises(InputError) as caught:
        scores.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert str(caught.value).endswith("Delete it; the next run makes it anew.")
