"""Annotation files: round trip, every malformed line named, polyphony by brute force."""

import itertools
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from igsed import events, names
from igsed.errors import InputError

HEADER = "filename\tonset\toffset\tevent_label\n"
slow_machines_too = settings(deadline=None, max_examples=50)


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "events.tsv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@st.composite
def tables(draw):
    """Events on the grid of milliseconds, and the names of all clips, in an order of their own."""
    name = st.from_regex(r"\w[\w -]{0,5}\.(flac|wav)", fullmatch=True).map(names.normal)
    clips = draw(st.lists(name, max_size=5, unique=True))
    label = st.sampled_from(["Dog", "Speech", "Frying"])
    row = (
        st.tuples(st.sampled_from(clips), st.integers(0, 9000), st.integers(1, 5000), label) if clips else st.nothing()
    )
    rows = draw(st.lists(row, max_size=8, unique=True)) if clips else []
    table = pd.DataFrame(
        [(name, start / 1000, (start + length) / 1000, label) for name, start, length, label in rows],
        columns=events.COLUMNS,
    )
    return table, clips


@slow_machines_too
@given(tables())
def test_round_trip(made):
    table, clips = made
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "events.tsv")
        events.write(path, table, clips)
        found = events.read(path, labels=["Dog", "Speech", "Frying"])
        read = events.clips(path)
        text = path.read_text()
        events.write(path, found, read)
        assert path.read_text() == text
    assert read == list(dict.fromkeys(clips))
    order = {name: place for place, name in enumerate(read)}
    expected = table.assign(place=table["filename"].map(order))
    expected = expected.sort_values(["place", "onset", "offset", "event_label"])[events.COLUMNS]
    keys = ["filename", "onset", "offset", "event_label"]
    pd.testing.assert_frame_equal(
        found.sort_values(keys, ignore_index=True), expected.sort_values(keys, ignore_index=True), check_dtype=False
    )
    assert found["filename"].map(order).is_monotonic_increasing
    assert (found["onset"].dtype, found["offset"].dtype) == (np.float64, np.float64)


def test_format_is_desed_s(tmp_path):
    table = pd.DataFrame([("b.flac", 1.0, 2.5, "Dog"), ("b.flac", 0.25, 1, "Cat")], columns=events.COLUMNS)
    events.write(tmp_path / "events.tsv", table, ["a.flac", "b.flac"])
    expected = HEADER + "a.flac\t\t\t\nb.flac\t0.250\t1.000\tCat\nb.flac\t1.000\t2.500\tDog\n"
    assert (tmp_path / "events.tsv").read_text() == expected


MALFORMED = {
    "offset before onset": ("a\t2.0\t1.0\tDog", 2, "the offset is not after the onset"),
    "offset at onset": ("a\t0\t1\tDog\na\t2.0\t2.0\tDog", 3, "the offset is not after the onset"),
    "onset below 0": ("a\t-0.1\t1.0\tDog", 2, "the onset lies before 0"),
    "text for a time": ("a\t0\t1\tDog\nb\tone\t2\tDog", 3, "not a number"),
    "decimal comma": ("a\t0,5\t1\tDog", 2, "Write decimal points for the decimal commas."),
    "minutes": ("a\t0:01\t0:02\tDog", 2, "Write times in seconds."),
    "swapped": ("a\t2.0\t1.0\tDog", 2, "onset and offset seem to be swapped, or the offset"),
    "truth for a time": ("a\tFalse\tTrue\tDog", 2, "not a number"),
    "nan": ("a\tnan\t1\tDog", 2, "not a number"),
    "infinity": ("a\t0\tinf\tDog", 2, "not a number"),
    "too large": ("a\t0\t1e999\tDog", 2, "not a number"),
    "empty time": ("a\t\t1\tDog", 2, "not a number"),
    "missing cells": ("a\t0", 2, "has 2 cells where the header has 4"),
    "missing label": ("a\t0\t1\t", 2, "the event label is missing"),
    "missing label and cell": ("a\t0\t1", 2, "has 3 cells where the header has 4"),
    "name alone": ("a\t0\t1\tDog\nb.wav", 3, "has 1 cell where the header has 4. Separate cells by one tab; a clip"),
    "spaces": ("a\t0\t1\tDog\na.wav  5.0  6.0  Dog", 3, "They seem to be separated by spaces."),
    "a space among tabs": ("a.wav 5.0\t6.0\tDog", 2, "They seem to be separated by spaces."),
    "commas": ("a\t0\t1\tDog\na.wav,5.0,6.0,Dog", 3, "They seem to be separated by commas."),
    "commas without event": ("a\t0\t1\tDog\na.wav,,,", 3, "They seem to be separated by commas."),
    "semicolons": ("a.wav;5,0;6,0;Dog", 2, "They seem to be separated by semicolons."),
    "comment": ("a\t0\t1\tDog\n# by hand", 3, "begins with #, and annotations have no comments"),
    "comment with tabs": ("# by hand\t\t\t", 2, "begins with #, and annotations have no comments"),
    "event taken out": ("#a\t0\t1\tDog", 2, "begins with #, and annotations have no comments"),
    "unknown label": ("a\t0\t1\tDog\na\t0\t1\tCow", 3, "the event label is unknown (known: Dog, Speech)"),
    "missing name": ("\t0\t1\tDog", 2, "the file name is missing"),
    "extra cell": ("a\t0\t1\tDog\t0.9", 2, "has 5 cells where the header has 4"),
    "extra cell further down": ("a\t0\t1\tDog\nb\t0\t1\tDog\t", 3, "has 5 cells"),
    "header again": ("a\t0\t1\tDog\nfilename\tonset\toffset\tevent_label", 3, "not a number"),
    "after blank lines": ("\n\na\t0\t1\tDog\n\nb\t3\t1\tDog", 6, "the offset is not after the onset"),
    "with a carriage return": ("a\t0\t1\tDog\r\nb\t3\t1\tDog\r", 3, "the offset is not after the onset"),
}


@pytest.mark.parametrize(("rows", "line", "problem"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_line_is_named(written, rows, line, problem):
    path = written(HEADER + rows + "\n")
    with pytest.raises(InputError) as caught:
        events.read(path, labels=["Dog", "Speech"])
    message = str(caught.value)
    assert message.startswith(f"{path}, line {line}: ")
    assert problem in message
    assert message.endswith(".")


UNREADABLE = {
    "empty": (b"", "line 1: column 'filename' is missing"),
    "blank": (b"\n\n", "line 1: column 'filename' is missing"),
    "no header": (b"a.wav\t0\t1\tDog\n", "line 1: column 'filename' is missing, since the line is an event already"),
    "comment": (b"# by hand\nfilename\tonset\toffset\tevent_label\n", "is missing, since the line is a comment"),
    "missing column": (b"filename\tonset\tevent_label\na\t0\tDog\n", "line 1: column 'offset' is missing"),
    "column twice": (b"filename\tonset\tonset\toffset\tevent_label\n", "line 1: column 'onset' occurs twice"),
    "commas": (
        b"filename,onset,offset,event_label\na,0,1,Dog\n",
        "since the cells are separated by commas, not by tabs",
    ),
    "semicolons": (b"filename;onset;offset;event_label\n", "since the cells are separated by semicolons, not by tabs"),
    "spaces": (b"filename onset  offset event_label\n", "since the cells are separated by spaces, not by tabs"),
    "binary": (b"\x89PNG\r\n\x1a\n\x00\xff", "cannot be read as a table of events"),
    "UTF-16": (HEADER.encode("utf-16"), "it seems to be UTF-16"),
    "UTF-16 without a mark": (HEADER.encode("utf-16-le"), "it seems to be UTF-16"),
    "Latin-1": ((HEADER + "caf\u00e9.wav\t0\t1\tDog").encode("latin-1"), "cannot be read as a table of events"),
}


@pytest.mark.parametrize(("content", "problem"), UNREADABLE.values(), ids=UNREADABLE)
def test_file_without_table_is_refused(written, content, problem):
    path = written(content)
    for read in (events.read, events.clips):
        with pytest.raises(InputError, match="separated by tabs: filename onset offset event_label") as caught:
            read(path)
        assert problem in str(caught.value)


def test_missing_file_and_folder_are_refused(tmp_path):
    for path in (tmp_path / "absent.tsv", tmp_path):
        with pytest.raises(InputError, match=f"{path}: cannot be read as a table of events"):
            events.read(path)


def test_clips_without_events(written):
    path = written(HEADER + "a.flac\t\t\t\nb.flac\t0\t1\tDog\nc.flac\t\t\t\nb.flac\t2\t3\tDog\n \n\t \t\n  ")
    assert events.clips(path) == ["a.flac", "b.flac", "c.flac"]
    assert events.read(path)["filename"].tolist() == ["b.flac", "b.flac"]


@pytest.mark.parametrize("rows", ["", "a.flac\t\t\t\n", "\n\n"])
def test_no_event_at_all(written, rows):
    found = events.read(written(HEADER + rows), labels=["Dog"])
    assert (len(found), list(found.columns)) == (0, events.COLUMNS)
    assert found["onset"].dtype == np.float64


def test_no_known_label_refuses_every_label(written):
    with pytest.raises(InputError, match="the event label is unknown"):
        events.read(written(HEADER + "a\t0\t1\tDog\n"), labels=[])


def test_order_of_columns_spaces_marks_and_more_columns_do_not_matter(written):
    text = "\ufeffevent_label\toffset\tconfidence\tonset\tfilename\r\n Dog \t 1.5\t1\t0.5\ta b.wav\r\n"
    assert events.read(written(text)).values.tolist() == [["a b.wav", 0.5, 1.5, "Dog"]]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_of_any_system(written, end, mark):
    text = end.join([mark + HEADER.strip(), "a.wav\t0.5\t1.5\tDog", "b.wav\t\t\t", ""])
    assert events.read(written(text)).to_numpy().tolist() == [["a.wav", 0.5, 1.5, "Dog"]]
    assert events.clips(written(text)) == ["a.wav", "b.wav"]


def test_rows_that_say_the_same_count_once(written):
    rows = ("a.wav\t2.0\t3.0\tDog", "a.wav\t2\t3.000\tDog", "a.wav\t2.0\t3.0\tCat", "a.wav\t2.0\t3.1\tDog")
    path = written(HEADER + "\n".join([*rows, "b.wav\t2.0\t3.0\tDog", rows[0]]))
    assert events.read(path).to_numpy().tolist() == [
        ["a.wav", 2.0, 3.0, "Dog"],
        ["a.wav", 2.0, 3.0, "Cat"],
        ["a.wav", 2.0, 3.1, "Dog"],
        ["b.wav", 2.0, 3.0, "Dog"],
    ]
    assert events.repeated(path).to_numpy().tolist() == [["a.wav", 2.0, 3.0, "Dog"]] * 2


def test_names_are_one_in_whatever_form_they_are_written(written):
    composed, decomposed = "caf\u00e9.wav", "cafe\u0301.wav"
    path = written(HEADER + f"{composed}\t0\t1\tDog\n{decomposed}\t2\t3\tDog\n{decomposed}\t0\t1\tDog\n")
    assert events.clips(path) == [composed]
    assert events.read(path)["filename"].tolist() == [composed] * 2
    assert len(events.repeated(path)) == 1


def test_a_file_whose_name_begins_with_a_hash_can_be_named(written):
    assert events.clips(written(HEADER + "./#1.wav\t0\t1\tDog\n")) == ["./#1.wav"]


def test_quotes_are_letters(written):
    assert events.read(written(HEADER + 'a"\t0\t1\t"Dog\n')).values.tolist() == [['a"', 0.0, 1.0, '"Dog']]


rows_of_text = st.lists(st.lists(st.text(max_size=6) | st.sampled_from(["1", "2.5", "Dog"]), max_size=6), max_size=5)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=80) | rows_of_text.map(lambda rows: (HEADER + "\n".join(map("\t".join, rows))).encode()))
def test_any_bytes_are_read_or_refused_with_a_message(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "events.tsv")
        path.write_bytes(content)
        found, message = None, ""
        try:
            found = events.read(path)
        except InputError as error:
            message = str(error)
        if found is None:
            assert str(path) in message
        else:
            assert (found["offset"] > found["onset"]).all()
            assert set(found["filename"]) <= set(events.clips(path))


GROUPS = st.sampled_from([("a", "Dog"), ("a", "Cat"), ("b", "Dog")])


def by_hand(rows, gap):
    """Join any two events of a group whose frames lie less than `gap` ms apart, or touch, until none are left."""
    spans = [(group, a, b, a // 100, -(-b // 100)) for group, a, b in rows]
    while True:
        for one, other in itertools.combinations(spans, 2):
            between = 100 * (max(one[3], other[3]) - min(one[4], other[4]))
            if one[0] == other[0] and (between <= 0 or between < gap):
                break
        else:
            return sorted((*group, a / 1000, b / 1000) for group, a, b, *_ in spans)
        spans.remove(one)
        spans.remove(other)
        edges = zip(one[1:], other[1:], (min, max, min, max), strict=True)
        spans.append((one[0], *(edge(a, b) for a, b, edge in edges)))


@slow_machines_too
@given(
    st.lists(st.tuples(GROUPS, st.integers(0, 3000), st.integers(1, 800)), max_size=8),
    st.sampled_from([0, 50, 100, 150, 200, 1000]),
)
def test_merging_by_hand(drawn, gap):
    rows = [(group, a, a + b) for group, a, b in drawn]
    table = pd.DataFrame([(c, a / 1000, b / 1000, label) for (c, label), a, b in rows], columns=events.COLUMNS)
    found = events.merged(table, gap / 1000)
    assert list(found.columns) == events.COLUMNS
    columns = ["filename", "event_label", "onset", "offset"]
    assert sorted(found[columns].itertuples(index=False, name=None)) == by_hand(rows, gap)
    pd.testing.assert_frame_equal(events.merged(found, gap / 1000), found)


@slow_machines_too
@given(
    st.lists(st.tuples(st.just(("a", "Dog")), st.integers(0, 3000), st.integers(1, 800)), min_size=1, max_size=8),
    st.sampled_from([0, 100, 150, 1000]),
)
def test_no_two_events_closer_than_the_gap_stay_apart(drawn, gap):
    table = pd.DataFrame([("a", a / 1000, (a + b) / 1000, "Dog") for _, a, b in drawn], columns=events.COLUMNS)
    found = events.merged(table, gap / 1000).sort_values("onset")
    between = found["onset"].to_numpy()[1:] - found["offset"].to_numpy()[:-1]
    assert (np.round(between * 1000) >= max(gap, 1)).all()


# (spans of one class in ms, gap in ms, spans merged)
MERGED = [
    ([(1000, 2000), (1500, 1700)], 0, [(1000, 2000)]),
    ([(1000, 2000), (1100, 1200), (1900, 2500)], 0, [(1000, 2500)]),
    ([(1000, 2000), (2000, 3000)], 0, [(1000, 3000)]),
    ([(1000, 2000), (2100, 3000)], 0, [(1000, 2000), (2100, 3000)]),
    ([(1000, 2010), (2090, 3000)], 0, [(1000, 3000)]),
    ([(1000, 2000), (2100, 3000)], 100, [(1000, 2000), (2100, 3000)]),
    ([(1000, 2000), (2100, 3000)], 150, [(1000, 3000)]),
    ([(1000, 2050), (2220, 3000)], 150, [(1000, 3000)]),  # 0.17 s, of which one frame is left
    ([(1000, 2000), (2170, 3000)], 150, [(1000, 3000)]),
    ([(1000, 2000), (2200, 3000)], 150, [(1000, 2000), (2200, 3000)]),
    ([(2000, 3000), (2000, 3000)], 0, [(2000, 3000)]),
]


@pytest.mark.parametrize(("spans", "gap", "expected"), MERGED)
def test_merging_of_known_events(spans, gap, expected):
    table = pd.DataFrame([("a", a / 1000, b / 1000, "Dog") for a, b in spans], columns=events.COLUMNS)
    found = events.merged(table, gap / 1000)
    assert found[["onset", "offset"]].to_numpy().tolist() == [[a / 1000, b / 1000] for a, b in expected]


@slow_machines_too
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), max_size=6))
def test_polyphony_by_brute_force(spans):
    active = np.zeros(100, int)
    for start, length in spans:
        active[start : start + length] += 1
    onsets, offsets = [s / 10 for s, _ in spans], [(s + n) / 10 for s, n in spans]
    assert events.polyphony(onsets, offsets) == active.max()


def test_adjacent_events_do_not_overlap():
    assert events.polyphony([0.0, 1.2, 1.2], [1.2, 2.0, 3.0]) == 2
    assert events.polyphony([], []) == 0
