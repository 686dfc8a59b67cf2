"""Real recordings become clips like the mixtures', with their truth kept and everything left out counted."""

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from igsed import audio, clips, events, labels, recordings
from igsed.errors import InputError
from igsed.recordings import desed_public_eval
from igsed.timeline import FRAME
from tests.toys import recording

LABELS = ["Cat", "Dog", "Speech"]
RATE = 8000


def annotate(path, *rows):
    """Write DESED's TSV; a row is a file name, alone or with onset, offset and label."""
    lines = ["\t".join(events.COLUMNS), *("\t".join(map(str, (*row, "", "", "")[:4])) for row in rows)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def make(folder, *rows, **changes):
    source = recordings.Source(folder, annotate(folder.parent / "truth.tsv", *rows), changes.pop("overlap", None))
    chosen = changes.pop("labels", LABELS)
    form = recordings.Form(RATE, 10, remove_offset=False)._replace(**changes)
    return recordings.make(source, chosen, form, folder.parent / "made", "x/audio")


def count(split, what, name=""):
    assert what in recordings.WHAT
    rows = split.counts[(split.counts["what"] == what) & (split.counts["name"] == name)]
    return rows["count"].item()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sounds").mkdir()
    return tmp_path / "sounds"


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 900_000), st.sampled_from([8000, 11025, 44100]), st.integers(1, 12))
def test_windows_cover_the_sound_once(samples, rate, length):
    duration = samples / rate
    spans = recordings.windows(duration, length)
    assert spans[0, 0] == 0
    np.testing.assert_array_equal(spans[1:, 0], spans[:-1, 1])
    np.testing.assert_array_equal(spans[:-1, 1] - spans[:-1, 0], length)
    rest = duration - spans[-1, 1]
    assert 0 <= rest < recordings.SHORTEST_REST
    assert spans[-1, 1] - spans[-1, 0] == length or rest == 0


@pytest.mark.parametrize(
    ("duration", "ends"),
    [(0.3, [0.3]), (10, [10]), (10.49, [10]), (10.5, [10, 10.5]), (20, [10, 20]), (25, [10, 20, 25])],
)
def test_windows_of_known_durations(duration, ends):
    assert recordings.windows(duration, 10)[:, 1].tolist() == ends


MILLISECONDS = st.integers(0, 40_000)
EVENTS = st.lists(
    st.tuples(MILLISECONDS, MILLISECONDS, st.sampled_from(LABELS)).filter(lambda e: e[0] < e[1]), min_size=1, max_size=8
)


@settings(deadline=None, max_examples=50)
@given(EVENTS, st.integers(100, 40_000))
def test_truth_is_the_same_in_windows_as_in_the_whole(drawn, milliseconds):
    """Active time and frames, up to where the windows end."""
    annotated = pd.DataFrame(drawn, columns=["onset", "offset", "event_label"])
    annotated[["onset", "offset"]] /= 1000
    spans = recordings.windows(milliseconds / 1000, 10)
    parts = recordings.cut(annotated, spans)
    end = spans[-1, 1]
    assert (parts["offset"] > parts["onset"]).all()
    assert parts["onset"].ge(0).all()
    assert parts["offset"].le(10).all()
    expected = (annotated["offset"].clip(upper=end) - annotated["onset"]).clip(lower=0)
    found = (parts["offset"] - parts["onset"]).groupby(parts["event"]).sum().reindex(range(len(drawn)), fill_value=0)
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert (parts["event_label"].to_numpy() == annotated["event_label"].to_numpy()[parts["event"]]).all()

    whole = annotated.assign(clip="all", offset=annotated["offset"].clip(upper=end))
    whole = whole[whole["offset"] > whole["onset"]]
    names = [str(k) for k in range(len(spans))]
    frames = round(10 / FRAME)
    expected = labels.of_frames(whole, ["all"], LABELS, frames * len(spans))[0]
    found = labels.of_frames(parts.assign(clip=parts["window"].astype(str)), names, LABELS, frames)
    np.testing.assert_array_equal(np.concatenate(list(found), axis=1), expected)


def test_a_long_recording_becomes_windows_with_its_sound_and_events(folder):
    recording(folder / "long.wav", 25, RATE)
    split = make(
        folder, ("long.wav", 9.5, 10.5, "Dog"), ("long.wav", 24.0, 25.0, "Cat"), ("long.wav", 1.0, 2.0, "Speech")
    )
    names = ["recordings_00000", "recordings_00001", "recordings_00002"]
    assert split.clips["clip"].tolist() == names
    assert split.clips["path"].tolist() == [f"x/audio/{name}.flac" for name in names]
    assert split.clips["window"].tolist() == [0, 1, 2]
    assert split.clips["padding"].tolist() == [0, 0, 5]
    assert split.clips["recording"].unique().tolist() == ["long.wav"]
    assert set(map(tuple, split.events.to_numpy().tolist())) == {
        ("recordings_00000.flac", 1.0, 2.0, "Speech"),
        ("recordings_00000.flac", 9.5, 10.0, "Dog"),
        ("recordings_00001.flac", 0.0, 0.5, "Dog"),
        ("recordings_00002.flac", 4.0, 5.0, "Cat"),
    }
    whole = audio.read(folder / "long.wav")[0]
    made = [audio.read(folder.parent / "made" / f"{name}.flac") for name in names]
    assert {(len(sound), rate) for sound, rate in made} == {(10 * RATE, RATE)}
    together = np.concatenate([sound for sound, _ in made])
    np.testing.assert_allclose(together[: len(whole)], whole, atol=1 / 32768)
    assert not together[len(whole) :].any()
    assert count(split, "windows") == 3
    assert count(split, "windows padded with silence") == 1
    assert count(split, "recordings longer than a window") == 1
    assert count(split, "events that reach into several windows") == 1
    assert count(split, "events in windows") == 4


def test_a_split_reads_like_the_others(folder, tmp_path):
    recording(folder / "a.wav", 12, RATE)
    recording(folder / "b.wav", 1, RATE)
    split = make(folder, ("b.wav",), ("a.wav", 0.5, 1.5, "Dog"))
    split.clips.to_csv(tmp_path / "clips.csv", index=False)
    events.write(tmp_path / "events.tsv", split.events, [f"{clip}.flac" for clip in split.clips["clip"]])
    names, found = clips.read(tmp_path / "clips.csv", tmp_path / "events.tsv")
    assert names == ["recordings_00000", "recordings_00001", "recordings_00002"]
    assert found[["clip", "onset", "offset", "event_label"]].to_numpy().tolist() == [
        ["recordings_00001", 0.5, 1.5, "Dog"]
    ]
    assert clips.durations(tmp_path / "clips.csv") == dict.fromkeys(names, 10)
    assert split.clips["polyphony"].tolist() == [0, 1, 0]
    assert split.clips["recording"].tolist() == ["b.wav", "a.wav", "a.wav"]
    assert events.clips(tmp_path / "events.tsv") == [f"{name}.flac" for name in names]


def test_six_channels_are_averaged(folder):
    recording(folder / "six.wav", 2, RATE, channels=6)
    recording(folder / "two.wav", 2, RATE, channels=2)
    split = make(folder, ("six.wav", 0, 1, "Dog"), ("two.wav", 0, 1, "Dog"))
    expected = soundfile.read(folder / "six.wav", dtype="float32")[0].mean(axis=1)
    found = audio.read(folder.parent / "made" / "recordings_00000.flac")[0]
    np.testing.assert_allclose(found[: 2 * RATE], expected, atol=1 / 32768)
    assert count(split, "recordings with several channels, averaged") == 2
    assert count(split, "recordings with several channels, averaged", "6 channels") == 1


@pytest.mark.parametrize("rate", [11025, 22050, 44099, 48000])
def test_any_rate_becomes_the_mixtures_rate(folder, rate):
    time = np.arange(3 * rate) / rate
    soundfile.write(folder / "tone.wav", 0.5 * np.sin(2 * np.pi * 440 * time) * (time >= 1), rate)
    split = make(folder, ("tone.wav", 1, 3, "Dog"), sample_rate=16000)
    found, found_rate = audio.read(folder.parent / "made" / "recordings_00000.flac")
    assert (found_rate, len(found)) == (16000, 160000)
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(48000) / 16000)
    np.testing.assert_allclose(found[17000:47000], expected[17000:47000], atol=1e-3)
    assert np.abs(found[:15800]).max() < 1e-3
    assert not found[48000:].any()
    assert count(split, "recordings at another sample rate, resampled", f"{rate} Hz") == 1


def test_a_very_short_recording_is_padded(folder):
    recording(folder / "short.wav", 0.3, RATE)
    split = make(folder, ("short.wav", 0.1, 0.3, "Cat"))
    assert split.clips[["window", "padding", "duration"]].to_numpy().tolist() == [[0, 9.7, 10]]
    assert split.events[["onset", "offset"]].to_numpy().tolist() == [[0.1, 0.3]]
    assert count(split, "recordings shorter than a window") == 1
    assert count(split, "windows padded with silence") == 1


def test_a_rest_too_short_for_a_window_is_left_out(folder):
    recording(folder / "rest.wav", 10.2, RATE)
    split = make(folder, ("rest.wav", 9.0, 10.2, "Cat"), ("rest.wav", 10.05, 10.2, "Dog"))
    assert len(split.clips) == 1
    assert split.events[["onset", "offset", "event_label"]].to_numpy().tolist() == [[9.0, 10.0, "Cat"]]
    assert count(split, "recordings with a rest too short for a window, left out") == 1
    assert count(split, "events in a rest left out, in part or whole") == 2
    assert count(split, "events cut at the sound's end") == 0


def test_events_past_the_sounds_end(folder):
    recording(folder / "a.wav", 5, RATE)
    split = make(
        folder,
        ("a.wav", 4.0, 5.001, "Cat"),
        ("a.wav", 4.5, 6.0, "Dog"),
        ("a.wav", 5.0, 7.0, "Dog"),
        ("a.wav", 20, 30, "Speech"),
    )
    assert sorted(split.events["onset"]) == [4.0, 4.5]
    assert split.events["offset"].tolist() == [5.0, 5.0]
    assert count(split, "events cut at the sound's end") == 1
    assert count(split, "events after the sound's end, left out") == 2
    assert count(split, "events in recordings scored") == 4


UNITS = {
    "milliseconds": (1000, "They seem to be milliseconds."),
    "samples": (RATE, "They seem to be samples."),
    "microseconds": (10**6, "They seem to be microseconds."),
    "of other files": (None, "They may belong to other recordings."),
}


@pytest.mark.parametrize(("size", "meant"), UNITS.values(), ids=UNITS)
def test_times_that_fit_no_sound_are_refused(folder, size, meant):
    recording(folder / "a.wav", 5, RATE)
    recording(folder / "b.wav", 1, RATE)
    spans = [("a.wav", 0, 1.5, "Dog"), ("a.wav", 2.3, 4.75, "Cat"), ("b.wav", 0, 0.9, "Dog"), ("b.wav", 0, 1, "Music")]
    rows = [(name, a * (size or 1), b * (size or 1), label) for name, a, b, label in spans]
    if not size:
        rows = [("a.wav", 5, 9, "Dog"), ("b.wav", 0.5, 30, "Cat"), ("b.wav", 1e9, 2e9, "Dog"), ("b.wav", 0, 1, "Music")]
    with pytest.raises(
        InputError, match=r"none of the 3 events of the classes fits its sound, the first from"
    ) as caught:
        make(folder, *rows)
    assert meant in str(caught.value)
    assert "truth.tsv: " in str(caught.value)


def test_times_of_which_some_fit_are_counted_and_told(folder, caplog):
    recording(folder / "a.wav", 5, RATE)
    recording(folder / "b.wav", 5, RATE)
    late = [("b.wav", 0, 1500, "Dog"), ("b.wav", 2300, 4100, "Cat")]
    split = make(folder, ("a.wav", 0, 1, "Dog"), *late)
    assert count(split, "events after the sound's end, left out") == 1
    assert count(split, "events that end later than twice the sound's length") == 1
    assert "events after the sound's end, left out: 1" in caplog.text
    assert "events that end later than twice the sound's length: 1" in caplog.text


def test_an_event_that_outlasts_its_sound_is_no_error(folder):
    recording(folder / "a.wav", 5, RATE)
    assert make(folder, ("a.wav", 3, 7, "Dog")).events[["onset", "offset"]].to_numpy().tolist() == [[3, 5]]


def test_repeated_rows_count_once_and_are_told(folder, caplog):
    recording(folder / "a.wav", 5, RATE)
    recording(folder / "b.wav", 5, RATE)
    split = make(folder, *[("a.wav", 2.0, 3.0, "Dog")] * 3, ("b.wav", 2, 3, "Dog"), ("b.wav", "2.00", 3, "Dog"))
    assert split.events[["onset", "offset"]].to_numpy().tolist() == [[2, 3], [2, 3]]
    assert count(split, "rows repeated in the annotations, counted once") == 3
    assert count(split, "rows repeated in the annotations, counted once", "a.wav") == 2
    assert count(split, "events in recordings scored") == 2
    assert "rows repeated in the annotations, counted once: 3" in caplog.text


def test_what_is_no_truth_is_counted(folder):
    for name in ("quiet", "other", "dog", "extra"):
        recording(folder / "deep" / f"{name}.wav", 1, RATE)
    soundfile.write(folder / "deep" / "quiet.wav", np.zeros(RATE), RATE)
    split = make(
        folder,
        ("quiet.wav",),
        ("other.wav", 0, 1, "Music"),
        ("other.wav", 0.5, 1, "Rain"),
        ("dog.wav", 0, 1, "Dog"),
        ("dog.wav", 0, 0.5, "Music"),
        ("lost.wav", 0, 1, "Dog"),
        ("gone.wav",),
    )
    assert split.clips["recording"].tolist() == ["quiet.wav", "other.wav", "dog.wav"]
    assert split.events["event_label"].tolist() == ["Dog"]
    expected = {
        "recordings in the annotations": 5,
        "recordings not found": 2,
        "recordings scored": 3,
        "sound files without annotation, left out": 1,
        "recordings without events": 1,
        "recordings with other labels only": 1,
        "recordings that are silent": 1,
        "events in recordings scored": 4,
        "events with other labels, left out": 3,
        "windows": 3,
        "windows without events": 2,
        "events in windows": 1,
    }
    assert {what: count(split, what) for what in expected} == expected
    assert count(split, "recordings not found", "gone.wav") == 1
    assert count(split, "events with other labels, left out", "Music") == 2
    assert split.counts.loc[split.counts["name"] == "", "what"].tolist() == list(recordings.WHAT)


def test_sound_above_full_scale_is_scaled_not_clipped(folder):
    samples = 1.6 * np.sin(np.arange(RATE) / 7)
    soundfile.write(folder / "loud.wav", samples, RATE, subtype="FLOAT")
    split = make(folder, ("loud.wav", 0, 1, "Dog"))
    found = audio.read(folder.parent / "made" / "recordings_00000.flac")[0]
    np.testing.assert_allclose(found[:RATE], samples / np.abs(samples).max(), atol=1 / 16384)
    assert count(split, "recordings above full scale, scaled down", "loud.wav") == 1


@pytest.mark.parametrize("rate", [RATE, 11025])
@pytest.mark.parametrize("remove_offset", [True, False])
def test_an_offset_is_told_and_taken_away_if_wanted(folder, rate, remove_offset):
    tone = 0.2 * np.sin(2 * np.pi * 440 * np.arange(2 * rate) / rate)
    soundfile.write(folder / "shifted.wav", tone + 0.3, rate, subtype="FLOAT")
    soundfile.write(folder / "even.wav", tone, rate, subtype="FLOAT")
    split = make(folder, ("even.wav", 0, 1, "Dog"), ("shifted.wav", 0, 1, "Dog"), remove_offset=remove_offset)
    even, shifted = (audio.read(folder.parent / "made" / f"recordings_0000{k}.flac")[0] for k in (0, 1))
    inside = slice(200, 2 * RATE - 200)  # the resampler rings at the ends of an offset
    expected = even[inside] + (0 if remove_offset else 0.3)
    np.testing.assert_allclose(shifted[inside], expected, atol=1e-4)
    told = {what: count(split, what) for what in recordings.WHAT if "offset" in what}
    assert sum(told.values()) == 1
    what = f"recordings with an offset, {'taken away' if remove_offset else 'left in'}"
    assert count(split, what, "shifted.wav") == 1


@pytest.mark.parametrize("remove_offset", [True, False])
def test_a_constant_is_silence(folder, remove_offset):
    soundfile.write(folder / "constant.wav", np.full(RATE, 0.3), RATE)
    split = make(folder, ("constant.wav", 0, 1, "Dog"), remove_offset=remove_offset)
    assert count(split, "recordings that are silent", "constant.wav") == 1
    assert audio.read(folder.parent / "made" / "recordings_00000.flac")[0].any() != remove_offset


def test_a_recording_without_a_length_is_cut_into_windows_like_any_other(folder):
    recording(folder / "a.wav", 12, RATE)
    content = bytearray((folder / "a.wav").read_bytes())
    content[4:8] = content[40:44] = bytes(4)
    (folder / "b.wav").write_bytes(content)
    split = make(folder, ("a.wav", 11, 12, "Dog"), ("b.wav", 11, 12, "Dog"))
    made = folder.parent / "made"
    assert (made / "recordings_00001.flac").read_bytes() == (made / "recordings_00003.flac").read_bytes()
    assert split.clips["padding"].tolist() == [0, 8, 0, 8]
    what = "recordings whose header states no or a wrong length, read to their end"
    assert (count(split, what), count(split, what, "b.wav")) == (1, 1)


def test_a_damaged_file_is_named(folder):
    recording(folder / "a.wav", 1, RATE)
    (folder / "b.wav").write_text("no sound")
    with pytest.raises(InputError, match=r"b\.wav: cannot be read as audio"):
        make(folder, ("a.wav", 0, 1, "Dog"), ("b.wav", 0, 1, "Dog"))


def test_without_any_event_of_the_classes_there_is_nothing_to_score(folder):
    recording(folder / "a.wav", 1, RATE)
    with pytest.raises(InputError, match=r"nothing to score \(labels found: dog\)"):
        make(folder, ("a.wav", 0, 1, "dog"))


def test_names_are_found_wherever_and_whatever_the_suffix(folder):
    for name in (
        "top.wav",
        "x/Y1Ro0FgMWTUE_30.000_40.000.WAV",
        "y/other.flac",
        "x/same.wav",
        "y/same.wav",
        "._top.wav",
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    (folder / ".cache").mkdir()
    (folder / ".cache" / "top.wav").touch()
    names = ["top.wav", "Y1Ro0FgMWTUE_30.000_40.000", "deep/other.jams", "x/same.wav", "absent.wav"]
    found = recordings.find(folder, names)
    assert found.missing == ["absent.wav"]
    assert {name: path.relative_to(folder).as_posix() for name, path in found.paths.items()} == {
        "top.wav": "top.wav",
        "Y1Ro0FgMWTUE_30.000_40.000": "x/Y1Ro0FgMWTUE_30.000_40.000.WAV",
        "deep/other.jams": "y/other.flac",
        "x/same.wav": "x/same.wav",
    }
    assert found.unannotated == [folder / "y" / "same.wav"]


COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"


@pytest.mark.parametrize("stored", [COMPOSED, DECOMPOSED])
@pytest.mark.parametrize("written", [COMPOSED, DECOMPOSED])
@pytest.mark.parametrize(("file", "name"), [("{}.wav", "{}.wav"), ("{}.wav", "{}"), ("{}/a.wav", "{}/a.wav")])
def test_accents_may_be_stored_in_either_way(folder, stored, written, file, name):
    path = folder / file.format(stored)
    recording(path, 1, RATE)
    split = make(folder, (name.format(written), 0, 1, "Dog"))
    assert split.clips["recording"].tolist() == [name.format(COMPOSED)]
    assert split.events["event_label"].tolist() == ["Dog"]
    assert recordings.find(folder, [name.format(written)]).paths == {name.format(COMPOSED): path}
    assert recordings.overlapping([name.format(stored)], [name.format(written)])[0].all()


def test_two_files_whose_names_look_the_same_are_not_one(folder):
    for stored in (COMPOSED, DECOMPOSED):
        (folder / f"{stored}.wav").touch()
    if len(list(folder.iterdir())) == 2:
        with pytest.raises(InputError, match=r"fits 2 sound files.*differ only in how accents are stored"):
            recordings.find(folder, [f"{COMPOSED}.wav"])


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["same.wav"], "fits 2 sound files"),
        (["x/same.wav", "one.wav", "one.flac"], "meant by 'one.wav' and by 'one.flac'"),
        (["two.wav"], "holds none of the 1 annotated recordings"),
        ([], "holds none of the 0 annotated recordings"),
    ],
)
def test_doubtful_names_are_refused(folder, names, problem):
    for name in ("x/same.wav", "y/same.wav", "one.wav"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    with pytest.raises(InputError, match=problem):
        recordings.find(folder, names)


def test_a_folder_that_is_missing_or_empty_is_refused(folder):
    with pytest.raises(InputError, match="no such folder"):
        recordings.files(folder / "absent")
    with pytest.raises(InputError, match="holds no sound file"):
        recordings.files(folder)


NAMES = ["YMZ1Y6r_9Jc_205_215.wav", "-6Vtt4ubkC8_78_88.wav", "YKK227gPpRn4_30.000_40.000.wav", "kitchen.wav"]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("YMZ1Y6r_9Jc", [1, 0, 0, 0]),
        ("YYMZ1Y6r_9Jc_205.000_215.000", [1, 0, 0, 0]),
        ("ymz1y6r_9jc", [0, 0, 0, 0]),
        ("-6Vtt4ubkC8", [0, 1, 0, 0]),
        ("KK227gPpRn4_30_40.flac", [0, 0, 1, 0]),
        ("KK227gPpRn", [0, 0, 0, 0]),
        ("KK227gPpRn4_30000", [0, 0, 1, 0]),
        ("KK227gPpRn4_000030.mp4", [0, 0, 1, 0]),
        ("-6Vtt4ubkC8_78000_88000.m4a", [0, 1, 0, 0]),
        ("audio/unbalanced/YKK227gPpRn4.flac", [0, 0, 1, 0]),
        ("kitchen", [0, 0, 0, 1]),
        ("kitchen.wav", [0, 0, 0, 1]),
        ("kitchen.mp4", [0, 0, 0, 1]),
        ("my/home/kitchen.wav", [0, 0, 0, 1]),
        ("my\\home\\kitchen.wav", [0, 0, 0, 1]),
        ("itchen.wav", [0, 0, 0, 0]),
    ],
)
def test_overlap_is_by_id_or_name(entry, expected):
    found, unmatched = recordings.overlapping(NAMES, [entry])
    assert found.tolist() == [bool(value) for value in expected]
    assert unmatched == (not any(expected))


YOUTUBE_ID = st.from_regex(r"[A-Za-z0-9_-]{11}", fullmatch=True)


PARTS = {
    "AudioSet": "",
    "seconds": "_{0}",
    "AudioSet-strong": "_{0}000",
    "VGGSound": "_{0:06d}",
    "DESED's evaluation": "_{0}_{1}",
    "DESED": "_{0}.000_{1}.000",
    "audiosetdl": "_{0}000_{1}000",
}
SUFFIXES = ["", *(f".{kind}" for kind in ["wav", "flac", "mp3", "m4a", "ogg", "opus", "mp4", "webm", "mkv", "WAV"])]


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
@given(YOUTUBE_ID, st.integers(0, 35_000), st.sampled_from(SUFFIXES), st.sampled_from(["", "Y"]))
def test_every_id_is_found_in_names_of_any_kind(part, identity, start, suffix, prefix):
    name = f"{prefix}{identity}{part.format(start, start + 10)}{suffix}"
    assert recordings.youtube_id(name) == identity
    assert recordings.youtube_id(identity) == identity
    assert recordings.overlapping([name], [identity])[0].all()


def test_the_overlap_list_may_have_comments_or_be_audiosets_own(tmp_path):
    path = tmp_path / "list.csv"
    audioset = '# Segments csv created Sun Mar  5 10:54:31 2017\n--PJHxphWEs, 30.000, 40.000, "/m/09x0r,/m/05zppz"'
    path.write_text(f"{audioset}\n\n  kitchen.wav  \n")
    assert recordings.read_overlap(path) == ["--PJHxphWEs", "kitchen.wav"]
    path.write_text("# nothing\n")
    with pytest.raises(InputError, match="names no recording"):
        recordings.read_overlap(path)
    with pytest.raises(InputError, match=r"absent\.txt: cannot be read"):
        recordings.read_overlap(tmp_path / "absent.txt")


STRONG = "segment_id\tstart_time_seconds\tend_time_seconds\tlabel"
LISTS = {
    "AudioSet": ('# YTID, start_seconds, end_seconds, positive_labels\n{}, 30.000, 40.000, "/m/09x0r,/m/0k4j"', "{}"),
    "AudioSet quoted": ('"{}", "30.000", "40.000", "/m/09x0r"', "{}"),
    "AudioSet-strong": (STRONG + "\n{}_30000\t2.627\t7.237\t/m/053hz1", "{}_30000"),
    "AudioSet-strong without header": ("{}_30000\t2.627\t7.237\t/m/053hz1", "{}_30000"),
    "VGGSound": ('{},30,"people marching, far away",train', "{}"),
    "VGGSound with header": ("id,start,label,split\n{},30,people marching,train", "{}"),
    "VGGSound as described": ("YouTube ID,start seconds,label,train/test split\n{},30,people marching,train", "{}"),
    "unknown name of the column": ("clip,start,end\n{},30,40", "{}"),
    "AudioCaps": ("audiocap_id,youtube_id,start_time,caption\n91139,{},130,A dog, and a cat", "{}"),
    "DESED": ("filename\nY{}_30.000_40.000.wav", "Y{}_30.000_40.000.wav"),
    "Windows": ("\ufefffilename\r\nY{}_30_40.wav\r\n", "Y{}_30_40.wav"),
}


@pytest.mark.parametrize(("text", "named"), LISTS.values(), ids=LISTS)
@pytest.mark.parametrize("identity", ["--PJHxphWEs", "_0abcdEFGHI", "YMZ1Y6r_9Jc"])
def test_lists_as_they_are_published(tmp_path, text, named, identity):
    path = tmp_path / "list"
    path.write_text(text.format(identity), newline="")
    assert recordings.read_overlap(path) == [named.format(identity)]
    found, unmatched = recordings.overlapping([f"Y{identity}_90_100.wav", "b.wav"], [named.format(identity)])
    assert (found.tolist(), unmatched) == ([True, False], 0)


def test_a_quote_left_open_takes_no_further_line(tmp_path):
    path = tmp_path / "list"
    path.write_text('"a.wav\nb.wav\n')
    assert recordings.read_overlap(path) == ["a.wav", "b.wav"]


def test_folders_count_where_both_sides_have_them():
    names = ["x/same.wav", "y/same.wav", "same.wav"]
    for entry, expected in (("x/same", [1, 0, 1]), ("same.wav", [1, 1, 1]), ("/data/y/same.wav", [0, 1, 1])):
        assert recordings.overlapping(names, [entry])[0].tolist() == [bool(value) for value in expected]


def test_a_path_of_many_folders_takes_no_memory():
    assert recordings.overlapping(["a.wav"], ["x/" * 100_000 + "a.wav", "/"])[1] == 1


def test_overlap_marks_every_window_of_a_recording(folder, tmp_path):
    recording(folder / "Yabcdefghijk_0_20.wav", 20, RATE)
    recording(folder / "b.wav", 1, RATE)
    rows = [("Yabcdefghijk_0_20.wav", 0, 1, "Dog"), ("b.wav", 0, 1, "Dog")]
    overlap = tmp_path / "overlap.txt"
    overlap.write_text("abcdefghijk  \nzzzzzzzzzzz\n")
    split = make(folder, *rows, overlap=overlap)
    assert split.clips["overlap"].tolist() == [1, 1, 0]
    assert count(split, "recordings on the overlap list") == 1
    assert count(split, "windows on the overlap list") == 2
    assert count(split, "lines of the overlap list without a recording") == 1
    split.clips.to_csv(tmp_path / "clips.csv", index=False)
    assert clips.subsets(tmp_path / "clips.csv", "recordings")["recordings_unseen"] == ["recordings_00002"]
    overlap.write_text("zzzzzzzzzzz\n")
    with pytest.raises(InputError, match="none of its 1 lines names one of the 2 recordings"):
        make(folder, *rows, overlap=overlap)


@pytest.mark.parametrize("top", ["", "dataset/"])
def test_desed_public_eval_is_found_among_what_else_desed_has(tmp_path, top):
    root = tmp_path / top
    truth = annotate(root / "metadata/eval/public.tsv", ("a.wav", 0, 1, "Dog"))
    (root / "metadata/eval/public_durations.tsv").write_text("filename\tduration\na.wav\t10.0\n")
    (tmp_path / "license_public_eval.tsv").write_text("filename\tuploader\tuploader_id\tlicense\n")
    recording(root / "audio/eval/public/a.wav", 1, RATE)
    recording(root / "audio/eval/public_16k/a.wav", 1, RATE)
    expected = (root / "audio/eval/public", truth)
    assert desed_public_eval.find(tmp_path) == expected
    annotate(root / "metadata/validation/validation.tsv", ("b.wav", 0, 1, "Dog"))
    annotate(root / "metadata/validation/eval_dcase2018.tsv", ("b.wav", 0, 1, "Dog"))
    annotate(root / "metadata/eval/._public.tsv", ("a.wav", 0, 1, "Dog"))
    assert desed_public_eval.find(tmp_path) == expected
    (root / "audio/eval/public").rename(root / "audio/moved")
    assert desed_public_eval.find(tmp_path) == (tmp_path, truth)


def test_desed_public_eval_without_its_annotation_is_refused(tmp_path):
    recording(tmp_path / "audio/eval/public/a.wav", 1, RATE)
    with pytest.raises(InputError, match="holds none"):
        desed_public_eval.find(tmp_path)
    annotate(tmp_path / "eval1.tsv", ("a.wav",))
    annotate(tmp_path / "eval2.tsv", ("a.wav",))
    with pytest.raises(InputError, match="expected one annotation"):
        desed_public_eval.find(tmp_path)
