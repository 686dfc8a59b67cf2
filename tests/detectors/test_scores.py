"""Scores from files: means over frames, and what is refused."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from igsed.detectors import load, scores
from igsed.errors import InputError

CLIPS = pd.DataFrame({"clip": ["a", "b"], "duration": [1.0, 0.57]})
LABELS = ["Dog", "Speech"]


def write(path, rows, columns=("onset", "offset", *LABELS), separator="\t"):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [separator.join(columns), *(separator.join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def whole(duration, *values):
    """One segment from 0 to the clip's end."""
    return [(0, duration, *values)]


def read(folder, split="test", clips=CLIPS, labels=LABELS):
    return dict(load("scores", path=str(folder))(split, clips, labels))


def segments(milliseconds, labels=2, seed=0):
    """Segments of these lengths with scores (segment, label): edges in ms, and the rows of the table."""
    edges = np.concatenate([[0], np.cumsum(milliseconds)])
    values = np.random.default_rng(seed).normal(size=(len(milliseconds), labels))
    return edges, values, [(a / 1000, b / 1000, *v) for a, b, v in zip(edges[:-1], edges[1:], values, strict=True)]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(1, 400), min_size=1, max_size=40) | st.lists(st.integers(1, 5), min_size=1, max_size=300),
    st.integers(0, 9),
)
@example([100] * 10, 0)
@example([20] * 50, 0)
@example([1000], 0)
@example([320, 320, 360], 0)
@example([40], 0)
def test_a_frame_has_the_mean_over_its_milliseconds(tmp_path_factory, lengths, seed):
    edges, values, rows = segments(lengths, seed=seed)
    path = tmp_path_factory.mktemp("segments") / "a.tsv"
    write(path, rows)
    found = scores.frames(path, LABELS, edges[-1] / 1000)
    each = np.repeat(values, lengths, axis=0)
    count = len(each) // 100
    expected = each[: count * 100].reshape(count, 100, 2).mean(axis=1).T
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 30), min_size=5, max_size=60), st.floats(-1e9, 1e9))
@example([33] * 31, 0.1)
def test_equal_scores_stay_exactly_equal(tmp_path_factory, lengths, score):
    edges, _, rows = segments(lengths)
    path = tmp_path_factory.mktemp("equal") / "a.tsv"
    write(path, [(onset, offset, score, score) for onset, offset, *_ in rows])
    assert (scores.frames(path, LABELS, edges[-1] / 1000) == score).all()


def test_scores_on_the_grid_are_taken_as_they_are(tmp_path):
    values = np.random.default_rng(0).normal(size=(100, 2))
    write(tmp_path / "a.tsv", [(0.1 * k, 0.1 * (k + 1), *value) for k, value in enumerate(values)])
    np.testing.assert_array_equal(scores.frames(tmp_path / "a.tsv", LABELS, 10.0), values.T)


@pytest.mark.parametrize("end", [0.9995, 1.0005])
def test_an_end_that_is_off_by_half_a_millisecond_does_not_change_the_last_score(tmp_path, end):
    write(tmp_path / "a.tsv", whole(end, 2.0, 3.0))
    assert scores.frames(tmp_path / "a.tsv", LABELS, 1.0)[:, -1].tolist() == [2.0, 3.0]


def test_tables_lie_in_the_folder_of_the_split_or_above(tmp_path):
    write(tmp_path / "test" / "a.tsv", whole(1, 1, 2))
    write(tmp_path / "a.tsv", whole(1, 7, 8))
    write(tmp_path / "b.tsv", whole(0.57, 3, 4))
    found = read(tmp_path)
    assert list(found) == ["a", "b"]
    assert found["a"].tolist() == [[1] * 10, [2] * 10]
    assert found["b"].tolist() == [[3] * 5, [4] * 5]


def test_columns_may_be_more_and_in_any_order(tmp_path):
    write(tmp_path / "a.tsv", [("x", 4, 3, 1, 0)], ("Cat", "Speech", "Dog", "offset", "onset"))
    assert scores.frames(tmp_path / "a.tsv", LABELS, 1.0)[:, 0].tolist() == [3, 4]


def test_a_mark_of_utf_8_and_empty_lines_at_the_end_are_no_harm(tmp_path):
    (tmp_path / "a.tsv").write_bytes("\ufeffonset\toffset\tDog\tSpeech\r\n0\t1\t5\t6\r\n\r\n\n".encode())
    assert scores.frames(tmp_path / "a.tsv", LABELS, 1.0)[:, 3].tolist() == [5, 6]


REFUSED = {
    "gap": ([(0, 0.4, 1, 1), (0.5, 1, 1, 1)], "line 3.*without gaps"),
    "overlap": ([(0, 0.4, 1, 1), (0.3, 1, 1, 1)], "line 3.*without gaps"),
    "late begin": ([(0.1, 1, 1, 1)], "line 2.*without gaps"),
    "early end": ([(0, 0.5, 1, 1), (0.5, 0.9, 1, 1)], "line 3.*the clip's end, 1 s"),
    "late end": ([(0, 1.1, 1, 1)], "line 2.*the clip's end, 1 s"),
    "backwards": ([(0, 0.5, 1, 1), (0.5, 0.5, 1, 1), (0.5, 1, 1, 1)], "line 3"),
    "shorter than the tolerance, backwards": ([(0, 0.5, 1, 1), (0.4992, 0.4998, 1, 1), (0.4998, 1, 1, 1)], "line 3"),
    "NaN": ([(0, 0.5, 1, 1), (0.5, 1, "nan", 1)], "line 3.*finite number"),
    "infinite": ([(0, 1, "inf", 1)], "line 2.*finite number"),
    "huge": ([(0, 1, "1" * 400, 1)], "line 2.*finite number"),
    "empty cell": ([(0, 1, "", 1)], "line 2.*finite number"),
    "missing cell": ([(0, 1, 1)], "line 2.*finite number"),
    "decimal comma": ([(0, 1, "0,5", 1)], "line 2.*finite number"),
    "empty line": ([(0, 0.5, 1, 1), (), (0.5, 1, 1, 1)], "line 3.*finite number"),
    "one cell more": ([(0, 0.5, 1, 1), (0.5, 1, 1, 1, 1)], "cannot be read as a table"),
    "no segment": ([], "line 1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_damaged_table_is_refused(tmp_path, name):
    rows, message = REFUSED[name]
    write(tmp_path / "a.tsv", rows)
    with pytest.raises(InputError, match=rf"a\.tsv.*{message}"):
        scores.frames(tmp_path / "a.tsv", LABELS, 1.0)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (("onset", "offset", "Dog"), "no column 'Speech'"),
        (("start", "end", "Dog", "Speech"), "no column 'onset'"),
        (("onset", "offset", "Dog", "Speech", "Dog "), "two columns 'Dog'"),
    ],
)
def test_a_wrong_header_is_refused(tmp_path, columns, message):
    write(tmp_path / "a.tsv", [(0, 1, 1, 1, 1)[: len(columns)]], columns)
    with pytest.raises(InputError, match=f"{message}.*onset offset Dog Speech"):
        scores.frames(tmp_path / "a.tsv", LABELS, 1.0)


def test_commas_instead_of_tabs_are_refused(tmp_path):
    write(tmp_path / "a.tsv", whole(1, 1, 1), separator=",")
    with pytest.raises(InputError, match=r"no column 'onset'.*separated by tabs"):
        scores.frames(tmp_path / "a.tsv", LABELS, 1.0)


@pytest.mark.parametrize("content", [b"", b"\n", b"\0\0", b"\xff\xfeo\0n\0", b"onset\toffset\tDog\tSpeech"])
def test_what_is_no_table_is_refused(tmp_path, content):
    (tmp_path / "a.tsv").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.tsv"):
        scores.frames(tmp_path / "a.tsv", LABELS, 1.0)


def test_a_missing_clip_is_named(tmp_path):
    write(tmp_path / "a.tsv", whole(1, 1, 1))
    with pytest.raises(InputError, match=re.escape(str(tmp_path / "test" / "b.tsv"))):
        read(tmp_path)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(InputError, match=r"absent.*no such folder"):
        read(tmp_path / "absent")


def frame_table(**changes):
    rows = [
        {"clip": clip, "label": label, "frame": k, "score": value + k}
        for clip, count, value in (("a", 10, 100.0), ("b", 5, 200.0))
        for label, value in (("Dog", value), ("Speech", value + 50))
        for k in range(count)
    ]
    return pd.DataFrame(rows).assign(**changes)


@pytest.mark.parametrize(
    "kind", ["as is", "shuffled", "float32", "categorical", "indexed", "text numbers", "more columns", "more classes"]
)
def test_parquet_by_plain_pandas(tmp_path, kind):
    table = frame_table()
    table = {
        "as is": lambda: table,
        "shuffled": lambda: table.sample(frac=1, random_state=0),
        "float32": lambda: table.astype({"score": "float32", "frame": "float64"}),
        "categorical": lambda: table.astype({"clip": "category", "label": "category"}),
        "indexed": lambda: table.set_index(["clip", "label"]),
        "text numbers": lambda: table.astype({"score": str}),
        "more columns": lambda: table.assign(onset=table["frame"] / 10, by="us"),
        "more classes": lambda: pd.concat([table, table.assign(label="Cat", score=np.nan)]),
    }[kind]()
    table.to_parquet(tmp_path / "test.parquet")
    found = read(tmp_path)
    assert list(found) == ["a", "b"]
    assert found["a"].tolist() == [[100.0 + k for k in range(10)], [150.0 + k for k in range(10)]]
    assert found["b"].tolist() == [[200.0 + k for k in range(5)], [250.0 + k for k in range(5)]]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda t: t[t["clip"] == "a"], "no scores of Dog in clip b"),
        (lambda t: t[t["label"] == "Dog"], "no scores of Speech in clip a"),
        (lambda t: t.iloc[:-1], "Speech in clip b has 4 scores.*frames 0 to 4"),
        (lambda t: t.assign(frame=t["frame"] + 1), "frames 0 to 9"),
        (lambda t: t.assign(frame=0), "frames 0 to 9"),
        (lambda t: pd.concat([t, t.iloc[:1]]), "Dog in clip a has 11 scores"),
        (lambda t: t.assign(score=t["score"].where(t["frame"] != 3)), "finite"),
        (lambda t: t.assign(score=np.inf), "finite"),
        (lambda t: t.assign(score="loud"), "finite"),
        (lambda t: t.drop(columns="score"), "cannot be read as frame scores"),
        (lambda t: t.assign(frame=[[1]] * len(t)), "frames 0 to 9"),
    ],
)
def test_a_damaged_parquet_file_is_refused(tmp_path, damage, message):
    damage(frame_table()).to_parquet(tmp_path / "test.parquet")
    with pytest.raises(InputError, match=rf"test\.parquet.*{message}"):
        read(tmp_path)


def test_what_is_no_parquet_is_refused(tmp_path):
    (tmp_path / "test.parquet").write_text("clip,label,frame,score\n")
    with pytest.raises(InputError, match="cannot be read as frame scores"):
        read(tmp_path)
