"""Files hold what was found: written and read back."""

import csv
import io
import itertools
import json
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from igsed import events
from igsed.detectors import scores
from igsed.errors import InputError
from igsed.explaining import formats, results
from igsed.explaining.results import Explained, Rule
from tests.reference import sed_scores_eval

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(lambda text: text.strip())


@st.composite
def explanations(draw, names=NAMES):
    labels = draw(st.lists(names, min_size=1, max_size=3, unique_by=lambda name: formats.plain(name).strip()))
    count = draw(st.integers(1, 60))
    rows = st.lists(st.integers(-9, 9), min_size=count, max_size=count)
    values = np.array([draw(rows) for _ in labels], float)
    found = Rule(gap=0).events(values, labels)
    found["confidence"] = 0.9 * results.heights(found, labels, values)
    found["note"] = ""
    table = pd.DataFrame({"label": labels, "probability": 0.9, "low": 0.9, "high": 0.9, "explained": True})
    likeness = pd.DataFrame({"label": labels, "loudness": 0.5, "random_head": np.nan})
    duration = count / 10 + draw(st.sampled_from([0.0, 0.05]))
    return Explained(
        draw(names), duration, "model", "method", "unknown", table, values, found, likeness,
        {"rate": 16000, "file": "a.wav"},
    )  # fmt: skip


def expected(found):
    rows = found.events.sort_values(["onset", "offset"], kind="stable")
    return [(row.onset, row.offset, formats.plain(row.label)) for row in rows.itertuples()]


@given(explanations())
def test_audacity(found):
    lines = formats.audacity(found).split("\n")
    assert lines.pop() == ""
    cells = [line.split("\t") for line in lines]
    assert [(float(start), float(end), label) for start, end, label in cells] == expected(found)


@given(explanations(st.text("abc ä\"'<&_", min_size=1, max_size=9).filter(lambda text: text.strip() == text)))
@settings(max_examples=50)
def test_desed(tmp_path_factory, found):
    path = tmp_path_factory.mktemp("desed") / "a.tsv"
    formats.write(found, "desed", path)
    table = events.read(path)
    assert list(zip(table["onset"], table["offset"], table["event_label"], strict=True)) == expected(found)
    assert events.clips(path) == [found.name]


@given(explanations(st.sampled_from(["Dog", "Child speech, kid speaking", 'Say "hi"', "ä"])))
@settings(max_examples=50)
def test_scores_are_read_by_the_detector_of_files(tmp_path_factory, found):
    path = tmp_path_factory.mktemp("scores") / "a.tsv"
    formats.write(found, "scores", path)
    count = len(found.frames)
    table = scores.frames(path, found.explained, count / 10)
    np.testing.assert_array_equal(table, found.frames[found.explained].to_numpy().T)


@given(explanations(st.sampled_from(["Dog", "Child speech, kid speaking", "ä"])))
@settings(max_examples=20)
def test_scores_are_read_by_sed_scores_eval(tmp_path_factory, found):
    path = tmp_path_factory.mktemp("scores") / "a.tsv"
    formats.write(found, "scores", path)
    table = sed_scores_eval().io.read_sed_scores(path)
    assert list(table.columns) == ["onset", "offset", *found.explained]
    np.testing.assert_allclose(table[found.explained].to_numpy(), found.frames[found.explained].to_numpy())
    np.testing.assert_allclose(table["onset"], np.arange(len(found.frames)) / 10)
    assert table["offset"].iloc[-1] == pytest.approx(len(found.frames) / 10)


@given(explanations())
def test_raven(found):
    rows = list(csv.DictReader(io.StringIO(formats.raven(found), newline="\n"), delimiter="\t", quoting=csv.QUOTE_NONE))
    read = [(float(row["Begin Time (s)"]), float(row["End Time (s)"]), row["Annotation"]) for row in rows]
    assert read == expected(found)
    assert {row["High Freq (Hz)"] for row in rows} <= {"8000.0"}
    assert [int(row["Selection"]) for row in rows] == list(range(1, len(rows) + 1))


@given(explanations())
@settings(max_examples=30, deadline=None)
def test_jams(tmp_path_factory, found):
    jams = pytest.importorskip("jams")
    path = tmp_path_factory.mktemp("jams") / "a.jams"
    formats.write(found, "jams", path)
    read = jams.load(str(path), validate=True, strict=True)
    data = read.search(namespace="segment_open")[0].data
    times = [(entry.time, round(entry.time + entry.duration, 6)) for entry in data]
    assert sorted(times) == sorted((onset, offset) for onset, offset, _ in expected(found))
    assert sorted(entry.value for entry in data) == sorted(found.events["label"])


@given(explanations())
def test_textgrid(found):
    """Every tier covers the recording without gaps; its named intervals are the class's events."""
    text = formats.textgrid(found)
    tiers = re.split(r"    item \[\d+\]:\n", text)[1:]
    assert len(tiers) == len(found.explained)
    interval = re.compile(r'xmin = (\S+)\n            xmax = (\S+)\n            text = "((?:[^"]|"")*)"\n')
    for tier, label in zip(tiers, found.explained, strict=True):
        parts = [(float(a), float(b), name.replace('""', '"')) for a, b, name in interval.findall(tier)]
        assert parts[0][0] == 0
        assert parts[-1][1] == pytest.approx(found.duration)
        assert all(before[1] == after[0] for before, after in itertools.pairwise(parts))
        assert f"intervals: size = {len(parts)}\n" in tier
        own = found.events[found.events["label"] == label]
        named = [(start, end) for start, end, name in parts if name == formats.plain(label)]
        assert named == list(zip(own["onset"], own["offset"], strict=True))


@given(explanations())
def test_json(found):
    read = json.loads(formats.everything(found))
    assert read["likeness"][0]["random_head"] is None
    table = pd.DataFrame(read["events"], columns=found.events.columns)
    assert table.to_dict("list") == found.events.to_dict("list")
    assert read["frames"]["scores"] == {label: found.frames[label].tolist() for label in found.explained}


def test_an_unknown_format_is_told():
    with pytest.raises(InputError, match="audacity"):
        formats.find("audacty")


@given(st.integers(1, 50), st.integers(0, 5), st.integers(0, 10), st.integers(0, 99))
def test_events_obey_their_rule(frames, gap, minimum, seed):
    values = np.random.default_rng(seed).normal(size=(2, frames)).cumsum(1)
    rule = results.rule(0.5, gap / 10, minimum / 10)
    found = rule.events(values, ["a", "b"])
    assert ((found["offset"] - found["onset"]) > minimum / 10 - 1e-6).all()
    for label, mask in zip("ab", rule.mask(values), strict=True):
        own = found[found["label"] == label]
        between = own["onset"].to_numpy()[1:] - own["offset"].to_numpy()[:-1]
        assert (between > gap / 10 - 1e-6).all()
        for event in own.itertuples():
            assert mask[round(event.onset * 10)]
            assert mask[round(event.offset * 10) - 1]


@pytest.mark.parametrize(
    "wrong", [{"threshold": "best"}, {"threshold": 2}, {"gap": -1}, {"minimum": np.inf}, {"floor": 1}]
)
def test_impossible_rules_are_told(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        results.rule(**wrong)
