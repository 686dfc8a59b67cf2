"""The data report: counts by hand, traps where there are some and none where there is none, and what is drawn."""

import io

import matplotlib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from igsed import LABELS, mixtures, recordings
from igsed.report import data_report
from igsed.report.figures import save
from igsed.soundbanks import soundbank

PROTOCOL = mixtures.Protocol(10, 32000, (1, 3), (0.25, 4.2), (15.0, 25.0), 2, "remove", -50.0)
SPLITS = ("train", "validation", "test")


def index_of(*rows, **columns):
    """An index of rows `(split, label, source, duration)`; labels in capitals are classes, others backgrounds."""
    table = pd.DataFrame(rows, columns=["split", "label", "source", "duration"])
    kinds = table["label"].str[0].str.isupper().map({True: "foreground", False: "background"})
    table = table.assign(
        kind=kinds, sample_rate=44100, channels=1, missing="", freesound_id="", licence="CC0", problem="",
        samples=table["duration"] * 44100, peak=0.5, offset=0.0, notes="",
    )  # fmt: skip
    table["path"] = [f"{row.label}/{k}.wav" for k, row in enumerate(table.itertuples())]
    return table.assign(sha256=table["path"], **columns)[soundbank.COLUMNS]


def plenty(labels=("Dog", "Frying"), sources=6):
    """A soundbank without a trap."""
    rows = [(s, label, f"{label}/{s}{k}", 2.0) for s in SPLITS for label in (*labels, "room") for k in range(sources)]
    return index_of(*rows)


def events_of(**numbers):
    """Split → events, so many of each class, a second long."""
    return {
        split: pd.DataFrame(
            [(f"{k}.flac", 1.0, 2.0, label) for label, number in labels.items() for k in range(number)],
            columns=["filename", "onset", "offset", "event_label"],
        )
        for split, labels in numbers.items()
    }


def clips_of(**numbers):
    return {split: pd.DataFrame({"clip": range(number), "duration": 10.0}) for split, number in numbers.items()}


HEARD = events_of(**{split: {"Dog": 3, "Frying": 4} for split in SPLITS})
COUNTS = data_report.clip_counts(clips_of(train=8, validation=2, test=2), {"train": 9, "validation": 3, "test": 3})


def report(index, events=HEARD, protocol=PROTOCOL, counts=COUNTS):
    table = data_report.table(index, events, protocol)
    return table, data_report.traps(index, table, counts, protocol)


def test_table_by_hand():
    index = index_of(
        ("train", "Frying", "Frying/1", 9.0),
        ("train", "Frying", "Frying/1", 3.5),
        ("train", "Frying", "Frying/2", 12.0),
        ("train", "Dog", "Dog/1", 1.0),
        ("validation", "Dog", "Dog/2", 2.0),
        ("test", "Dog", "Dog/3", 4.0),
        ("test", "room", "room/1", 30.0),
        ("", "Dog", "Dog/9", 0.0),
        missing=["", "offset", "both", "", "", "", "", ""],
    )
    index.loc[[0, 6], "sample_rate"] = [22050, 16000]
    table = data_report.table(index, events_of(train={"Dog": 2}, recordings={"Speech": 1}), PROTOCOL)
    assert list(table.columns) == data_report.COLUMNS
    lines = data_report.csv(table).splitlines()
    assert lines[1:] == [
        "train,foreground,Dog,1,1,1.000,0,0.000,44100,2,2.000",
        "train,foreground,Frying,2,1,12.500,1,12.000,22050,0,0.000",
        "validation,foreground,Dog,1,1,2.000,0,0.000,44100,,",
        "test,foreground,Dog,1,1,4.000,0,0.000,44100,,",
        "test,background,room,1,1,30.000,0,0.000,16000,,",
        "recordings,foreground,Speech,,,,,,,1,1.000",
    ]
    cut = data_report.table(index, {"train": HEARD["train"]}, PROTOCOL._replace(missing_edges="cut"))
    assert cut["left_out"].sum() == 0
    assert cut["recordings"].sum() == 7


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", *SPLITS]),
            st.sampled_from([*LABELS[:3], "room", "hum"]),
            st.integers(0, 3).map(str),
            st.integers(20, 30000).map(lambda ms: ms / 1000),
        ),
        min_size=1,
        max_size=12,
    ),
    st.data(),
)
def test_nothing_is_lost_or_counted_twice(rows, data):
    missing = data.draw(st.lists(st.sampled_from(["", "onset", "both"]), min_size=len(rows), max_size=len(rows)))
    index = index_of(*rows, missing=missing)
    table = data_report.table(index, HEARD, PROTOCOL)
    used = index[index["split"] != ""]
    assert table["recordings"].sum() + table["left_out"].sum() == len(used)
    assert table["seconds"].sum() + table["left_out_seconds"].sum() == pytest.approx(used["duration"].sum())
    assert table["events"].sum() == sum(map(len, HEARD.values()))
    assert not table.duplicated(["split", "kind", "label"]).any()
    assert (table["sources"].fillna(0) <= table["recordings"].fillna(0)).all()


def test_clips_beside_the_papers():
    clips = clips_of(test=95, train=823, recordings=7)
    counts = data_report.clip_counts(clips, {"train": 1000, "test": 125}, {"train": 823, "test": 97})
    assert counts["split"].tolist() == ["train", "test", "recordings"]
    assert counts[["drawn", "wanted", "clips", "paper"]].fillna(-1).to_numpy().tolist() == [
        [1000, 823, 823, 823],
        [125, 97, 95, 97],
        [-1, -1, 7, -1],
    ]
    assert counts["seconds"].tolist() == [8230, 950, 70]
    found = report(plenty(), counts=counts)[1]
    assert found == [
        "The test split has 95 clips, fewer than the 97 wanted: of 125 drawn, the others exceed the limit of "
        "polyphony. Draw more (mixtures.clips)."
    ]


def test_no_trap_no_sentence():
    assert report(plenty())[1] == []


def changed(where, **columns):
    index = plenty()
    for name, value in columns.items():
        index.loc[index.eval(where), name] = value
    return index


TRAPS = {
    "narrow backgrounds": (
        changed("label == 'room' and split != 'test'", sample_rate=16000),
        "There is a spectral shortcut in the backgrounds of room (train and validation; 12 recordings): sampled at "
        "16 kHz, they leave the mixtures, at 32 kHz, empty above 8 kHz but for the events, which can be told by that "
        "band alone. Those of test are not among them, so what is learnt there may not hold.",
    ),
    "narrow foreground": (
        changed("label == 'Dog' and split == 'test'", sample_rate=11025),
        "6 of 36 foreground recordings (of Dog) are sampled below 32 kHz, the lowest at 11.025 kHz: their events lack "
        "the upper band.",
    ),
    "no edges": (
        changed("path in ('Frying/6.wav', 'Frying/7.wav')", missing="both").assign(source=lambda t: t["path"]),
        "2 recordings without onset and offset left out, because they cannot span a clip: 2 of Frying (train). "
        "`mixtures.missing_edges: cut` uses them.",
    ),
    "few sources": (
        changed("label == 'Dog' and split == 'validation'", source="Dog/1"),
        "Fewer than 5 sources in validation: Dog (1). Results of these classes are those of few recordings.",
    ),
    "few backgrounds": (
        changed("label == 'room' and split == 'validation'", source="room/1"),
        "Only 1 source of backgrounds in validation: what is chosen or measured there may not hold for others.",
    ),
    "unequal": (
        changed("label == 'Dog' and split == 'train'", duration=40.0),
        "The training recordings of Dog last 240 s together, 20 times as long as those of Frying.",
    ),
    "one recording in two splits": (
        changed("path in ('Dog/0.wav', 'Dog/18.wav')", freesound_id="4711"),
        "1 freesound recording heard in more than one split: 4711.",
    ),
    "unusable": (
        changed("path == 'Dog/0.wav'", split="", problem="holds only silence"),
        "1 recording left out, because unusable: holds only silence (Dog/0.wav).",
    ),
    "above full scale": (
        changed("path in ('Dog/0.wav', 'Dog/1.wav', 'room/12.wav', 'room/13.wav')", notes=soundbank.ABOVE),
        "4 recordings with a note: above full scale; scaled down as a whole (Dog/0.wav, Dog/1.wav, room/12.wav, …).",
    ),
    "offset": (
        changed("path == 'Dog/0.wav'", notes=f"{soundbank.ABOVE}; {soundbank.OFFSET}"),
        "1 recording with a note: a mean above 10 % of the rms (an offset); taken away before mixing (Dog/0.wav).",
    ),
    "no length": (
        changed("path == 'Dog/0.wav'", notes="no length in the header"),
        "1 recording with a note: no length in the header; read to the end (Dog/0.wav).",
    ),
    "licence": (
        changed("label == 'room'", licence=""),
        "The licence of 18 of 54 recordings is not known.",
    ),
}


@pytest.mark.parametrize(("index", "sentence"), TRAPS.values(), ids=TRAPS)
def test_trap_is_named(index, sentence):
    found = report(index)[1]
    assert sentence in found
    assert len(found) <= 2


REAL = pd.DataFrame(
    [
        ("recordings in the annotations", "", 9),
        ("recordings not found", "", 2),
        ("recordings not found", "gone.wav", 1),
        ("recordings not found", "lost.wav", 1),
        ("recordings scored", "", 7),
        ("lines of the overlap list without a recording", "", 30),
        ("rows repeated in the annotations, counted once", "", 0),
        ("events with other labels, left out", "", 10),
        *(("events with other labels, left out", label, n) for label, n in zip("ABCD", (1, 2, 3, 4), strict=True)),
        ("events after the sound's end, left out", "", 1),
    ],
    columns=["what", "name", "count"],
)


def test_real_recordings_that_do_not_fit_are_named():
    table = data_report.table(plenty(), HEARD, PROTOCOL)
    traps = data_report.traps(plenty(), table, COUNTS, PROTOCOL, REAL)
    assert traps == [
        "Real recordings: recordings not found: 2 (gone.wav, lost.wav).",
        "Real recordings: lines of the overlap list without a recording: 30.",
        "Real recordings: events with other labels, left out: 10 (A, B: 2, C: 3, …).",
        "Real recordings: events after the sound's end, left out: 1.",
    ]
    text = data_report.markdown(data_report.blocks(table, COUNTS, traps, REAL))
    assert "| recordings scored | 7 |" in text
    assert "| rows repeated" not in text
    assert "gone.wav |" not in text
    assert all(f"- {trap}\n" in text for trap in traps)


def test_what_is_doubtful_is_counted():
    assert set(recordings.DOUBTFUL) <= set(recordings.WHAT)


def test_an_offset_that_was_left_in_is_called_so():
    index = changed("path == 'Dog/0.wav'", notes=soundbank.OFFSET)
    assert (
        "; left in (`mixtures.remove_offset`) (Dog/0.wav)."
        in report(index, protocol=PROTOCOL._replace(remove_offset=False))[1][0]
    )


def test_a_recording_left_out_has_its_problem_and_no_note():
    index = changed("path == 'Dog/0.wav'", split="", problem="holds only silence", notes="")
    assert not [trap for trap in report(index)[1] if "with a note" in trap]


def test_class_without_events_is_named():
    found = report(
        plenty(), events_of(train={"Dog": 1, "Frying": 1}, validation={"Dog": 1}, test={"Dog": 1, "Frying": 1})
    )
    assert found[1] == ["No event in validation of Frying."]


def test_markdown_has_every_number():
    index = changed("path == 'Frying/6.wav'", missing="both", sample_rate=16000)
    table, traps = report(index, HEARD | events_of(recordings={"Speech": 5}))
    text = data_report.markdown(data_report.blocks(table, COUNTS, traps))
    assert "| train | 9 | – | 8 | 80 | 823 |" in text
    assert "| Frying | 5 / 5 / 10 (+1) | 6 / 6 / 12 | 6 / 6 / 12 |" in text
    assert "| Frying | 4 / 4.0 | 4 / 4.0 | 4 / 4.0 | – |" in text
    assert "| Speech | – | – | – | 5 / 5.0 |" in text
    assert "| room | 6 / 6 / 12 at 44.1 kHz |" in text
    assert all(f"- {trap}\n" in text for trap in traps)
    assert data_report.markdown(data_report.blocks(table, COUNTS, [])).endswith(
        "## What may mislead\n\nNothing was found.\n"
    )
    for block in text.split("\n\n"):
        if block.startswith("|"):
            assert len({line.count(" |") for line in block.splitlines()}) == 1


@pytest.fixture(scope="module")
def drawn():
    labels = LABELS
    index = plenty(labels).assign(duration=[1.7 * (1 + k % 11) for k in range(len(plenty(labels)))])
    index.loc[(index["label"] == "Frying") & (index["source"].str[-1].isin(["0", "3"])), "missing"] = "both"
    return data_report.figure(data_report.table(index, HEARD, PROTOCOL))


def test_figure_shows_every_bar(drawn):
    classes, backgrounds = drawn.axes[:2], drawn.axes[2:]
    assert [label.get_text() for label in classes[0].get_yticklabels()] == [label.replace("_", " ") for label in LABELS]
    assert [label.get_text() for label in backgrounds[0].get_yticklabels()] == ["room"]
    assert [ax.get_xlabel() for ax in drawn.axes] == ["Sound files", "Total length / s"] * 2
    full = [bar.get_width() for bar in classes[0].patches if bar.get_hatch() is None]
    assert sorted(full) == [4] * 3 + [6] * 27
    hatched = [bar.get_width() for bar in classes[0].patches if bar.get_hatch() and bar.get_width() > 0]
    assert hatched == [2] * 3
    assert len({bar.get_y() for bar in classes[0].patches}) == 30
    assert {text.get_text() for text in classes[0].texts} == {"6", "4 + 2"}
    assert [text.get_text() for text in drawn.legends[0].texts] == [*SPLITS, "cannot be placed"]


def test_figure_is_legible_and_reproducible(drawn, tmp_path):
    assert isinstance(drawn, Figure)
    assert drawn.get_figwidth() == 7.1
    assert drawn.get_figheight() < 9
    save(drawn, tmp_path / "a.svg", tmp_path / "a.png")
    renderer = FigureCanvasAgg(drawn).get_renderer()
    for ax in drawn.axes:
        box = ax.get_window_extent(renderer)
        for text in ax.texts:
            assert text.get_fontsize() >= 7
            assert text.get_window_extent(renderer).x1 <= box.x1 + 1
    first = (tmp_path / "a.svg").read_bytes()
    save(drawn, tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_bytes() == first


def test_colours_stay_apart_in_grey():
    colours = np.array([matplotlib.colors.to_rgb(colour) for colour in data_report.COLOURS.values()])
    assert np.diff(np.sort(colours @ [0.3, 0.59, 0.11])).min() > 0.15


def test_csv_is_read_back():
    table = report(plenty())[0]
    again = pd.read_csv(io.StringIO(data_report.csv(table)))
    assert again["recordings"].tolist() == table["recordings"].tolist()
