"""The index of a soundbank: layout, splits that share no source, and every unusable file named."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from igsed import LABELS, audio, config
from igsed.errors import InputError
from igsed.jobs import provenance
from igsed.soundbanks import soundbank
from tests.toys import recording

MINIBANK = Path(__file__).parents[2] / "../shared/minibank"


def bank(root, train=("a_0", "a_1", "b_0"), test=("c_0",), labels=("Cat", "Dog")):
    """A soundbank of noise: the named files for every label and for one background."""
    seed = 0
    for part, names in (("train", train), ("eval", test)):
        for folder in (*(f"foreground/{label}" for label in labels), "background/room"):
            for name in names:
                seed += 1
                path = root / "audio" / part / "soundbank" / folder / f"{name}.wav"
                recording(path, seconds=0.025, rate=8000, seed=seed)
    return root


@pytest.fixture
def small(tmp_path):
    return bank(tmp_path / "bank")


def test_every_recording_has_a_row(small):
    table = soundbank.index(small, ["Cat", "Dog"], 0.25)
    assert list(table.columns) == soundbank.COLUMNS
    assert len(table) == 12
    assert set(table["path"]) == {str(path) for path in small.rglob("*.wav")}
    row = table[table["path"].str.endswith("train/soundbank/foreground/Dog/a_1.wav")].iloc[0]
    assert (row["kind"], row["label"], row["source"]) == ("foreground", "Dog", "Dog/a")
    assert (row["duration"], row["sample_rate"], row["channels"]) == (0.025, 8000, 1)
    assert row["sha256"] == provenance.file_digest(row["path"])
    evaluated = table["path"].str.contains("/eval/")
    assert (table.loc[evaluated, "split"] == "test").all()
    assert set(table.loc[~evaluated, "split"]) == {"train", "validation"}
    background = table[table["kind"] == "background"]
    assert background["label"].tolist() == ["room"] * 4


def test_index_does_not_depend_on_the_order_of_the_file_system(small, tmp_path):
    again = tmp_path / "again" / "bank"
    for path in sorted(small.rglob("*.wav"), reverse=True):
        (again / path.relative_to(small)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, again / path.relative_to(small))
    one, other = (soundbank.index(root, ["Dog", "Cat"], 0.25) for root in (small, again))
    other["path"] = other["path"].str.replace(str(again), str(small))
    assert one.equals(other)


names = st.lists(
    st.from_regex(r"[a-z0-9]{1,3}(-[a-z]|_[0-9a-z]{1,2}){0,2}", fullmatch=True), min_size=1, max_size=7, unique=True
)


def source_of(name):
    """A file's name without a last `_<number>`."""
    source, _, number = name.rpartition("_")
    return source if source and number.isdigit() else name


@settings(deadline=None, max_examples=25)
@given(names, st.floats(0.01, 0.99))
def test_no_source_is_in_both_training_and_validation(train, share):
    with tempfile.TemporaryDirectory() as folder:
        root = bank(Path(folder), train, ["unheard_0"], ["Dog"])
        sources = {source_of(name) for name in train}
        if len(sources) < 2:
            with pytest.raises(InputError, match="come from one source"):
                soundbank.index(root, ["Dog"], share)
            return
        table = soundbank.index(root, ["Dog"], share)
    for kind in ("foreground", "background"):
        rows = table[table["kind"] == kind]
        assert {name.rpartition("/")[2] for name in rows.loc[rows["split"] != "test", "source"]} == sources
        assert (rows.groupby("source")["split"].nunique() == 1).all()
        counts = rows.groupby("split")["source"].nunique()
        assert counts.min() >= 1
        assert set(counts.index) == {"train", "validation", "test"}
        assert counts["validation"] == min(max(1, round(share * len(sources))), len(sources) - 1)


def test_a_new_recording_keeps_most_splits(tmp_path):
    """Held-out sources follow a hash of their names: one more recording moves at most one other."""
    train = [f"rec{k}_0" for k in range(12)]
    before = soundbank.index(bank(tmp_path / "bank", train), ["Dog"], 0.25).set_index("path")["split"]
    after = soundbank.index(bank(tmp_path / "bank", [*train, "new_0"]), ["Dog"], 0.25).set_index("path")["split"]
    moved = before != after[before.index]
    assert moved.groupby(before.index.str.contains("foreground")).sum().max() <= 1


def test_hidden_and_other_files_are_not_looked_at(small):
    folder = small / "audio" / "train" / "soundbank" / "foreground" / "Dog"
    (folder / "._a_0.wav").write_bytes(b"\x00\x05\x16\x07 macOS")
    (folder / ".trash").mkdir()
    (folder / ".trash" / "old.wav").write_bytes(b"")
    (folder / "notes.txt").write_text("x")
    (folder / "kept.FLAC").symlink_to(recording(small / "elsewhere.flac", seconds=0.03))
    found = soundbank.files(small, ["Dog"])
    assert [path.name for path in found if path.parent == folder] == ["a_0.wav", "a_1.wav", "b_0.wav", "kept.FLAC"]


def test_classes_that_are_not_asked_for_are_left_out(small):
    assert set(soundbank.index(small, ["Dog"], 0.25).query("kind == 'foreground'")["label"]) == {"Dog"}


def test_folder_must_exist(tmp_path):
    with pytest.raises(InputError, match=r"soundbank\.path: there is no folder .*absent.*audio/\{train,eval\}"):
        soundbank.files(tmp_path / "absent", ["Dog"])


def test_folder_without_any_class_is_refused(small):
    with pytest.raises(InputError, match=r"holds no recording of any class.*<label> is one of Alarm_bell_ringing"):
        soundbank.files(small, [])


@pytest.mark.parametrize(("part", "use"), [("train", "training and validation"), ("eval", "the test split")])
def test_class_missing_in_one_part_is_named(small, part, use):
    folder = small / "audio" / part / "soundbank" / "foreground" / "Cat"
    shutil.rmtree(folder)
    remedy = "Add at least one sound file, or leave Cat out of the key `labels`."
    with pytest.raises(InputError) as caught:
        soundbank.index(small, ["Cat", "Dog"], 0.25)
    assert str(caught.value) == f"{folder}: no recording of Cat for {use}. {remedy}"
    folder.mkdir()
    with pytest.raises(InputError, match="no recording of Cat"):
        soundbank.index(small, ["Cat", "Dog"], 0.25)


def test_missing_background_is_named(small):
    folder = small / "audio" / "eval" / "soundbank" / "background"
    shutil.rmtree(folder)
    with pytest.raises(
        InputError, match=f"{folder}: no background recording for the test split. Add .*/background/<name>/"
    ):
        soundbank.index(small, ["Dog"], 0.25)


def silent(path):
    soundfile.write(path, np.zeros(4000), 8000)


def without_numbers(path):
    soundfile.write(path, np.full(4000, np.nan), 8000, subtype="FLOAT")


UNUSABLE = {
    "empty": (lambda path: path.write_bytes(b""), "the file is empty"),
    "text": (lambda path: path.write_text("no sound at all\n" * 9), "cannot be read as audio"),
    "silent": (silent, "holds only silence. Leave it out of the folder."),
    "constant": (lambda path: soundfile.write(path, np.full(4000, 0.25), 8000), "holds only silence"),
    "not finite": (without_numbers, "not finite"),
    "no samples": (lambda path: soundfile.write(path, np.zeros(0), 8000), "holds no samples"),
    "too short": (lambda path: soundfile.write(path, np.arange(100) / 100, 8000), "lasts less than 0.02 s"),
    "gone": (lambda path: (path.unlink(), path.symlink_to("nowhere")), None),
}


@pytest.mark.parametrize(("damage", "problem"), UNUSABLE.values(), ids=UNUSABLE)
def test_unusable_file_is_named(small, damage, problem):
    path = small / "audio" / "train" / "soundbank" / "foreground" / "Dog" / "a_1.wav"
    damage(path)
    if problem is None:  # a dangling link is no file
        assert path not in soundbank.files(small, ["Dog"])
        return
    with pytest.raises(InputError) as caught:
        soundbank.index(small, ["Dog"], 0.25)
    assert str(caught.value).startswith(f"{path}: ")
    assert problem in str(caught.value)


def test_class_of_one_source_is_refused(tmp_path):
    root = bank(tmp_path, train=("bark_0", "bark_1", "bark_12"))
    folder = root / "audio" / "train" / "soundbank" / "foreground" / "Cat"
    recording(root / "audio" / "train" / "soundbank" / "background" / "hall" / "other.wav", seconds=0.03, seed=99)
    with pytest.raises(InputError) as caught:
        soundbank.index(root, ["Cat", "Dog"], 0.25)
    assert str(caught.value).startswith(f"{folder}: all recordings of Cat (3) come from one source")
    assert "leave Cat out of the key `labels`" in str(caught.value)


def test_one_source_of_background_is_refused(small):
    for name in ("a_0", "a_1"):
        (small / "audio" / "train" / "soundbank" / "background" / "room" / f"{name}.wav").unlink()
    with pytest.raises(
        InputError, match=r"all background recordings .1. come from one source.*Add a recording from another source\.$"
    ):
        soundbank.index(small, ["Dog"], 0.25)


def test_recording_in_both_parts_is_refused(small):
    trained = small / "audio" / "train" / "soundbank" / "foreground" / "Dog" / "b_0.wav"
    tested = small / "audio" / "eval" / "soundbank" / "foreground" / "Dog" / "another.wav"
    shutil.copy(trained, tested)
    with pytest.raises(InputError) as caught:
        soundbank.index(small, ["Dog"], 0.25)
    assert str(tested) in str(caught.value)
    assert str(trained) in str(caught.value)


def folder_of(root, name, part="train"):
    return root / "audio" / part / "soundbank" / "foreground" / name


def test_suffix_says_which_edges_a_recording_lacks(tmp_path):
    root = bank(tmp_path, labels=("Dog",))
    for k, suffix in enumerate(("_nOn", "_nOff", "_nOn_nOff", "s")):
        recording(folder_of(root, f"Dog{suffix}") / f"b_{k}.wav", seconds=0.03, rate=8000, seed=50 + k)
    recording(folder_of(root, "Dog_noff", "eval") / "c_9.wav", seconds=0.03, rate=8000, seed=60)
    table = soundbank.index(root, ["Dog"], 0.25).query("kind == 'foreground'")
    assert set(table["label"]) == {"Dog"}
    lacking = {Path(row.path).parent.name: row.missing for row in table.itertuples()}
    assert lacking == {
        "Dog": "",
        "Dog_nOn": "onset",
        "Dog_nOff": "offset",
        "Dog_nOn_nOff": "both",
        "Dog_noff": "offset",
    }
    # The parts of one recording stay together, whatever they lack.
    assert table.loc[table["source"] == "Dog/b", "split"].nunique() == 1
    assert (table["source"] == "Dog/b").sum() == 4


def test_class_with_nothing_but_suffixed_folders_is_found(tmp_path):
    root = bank(tmp_path, labels=("Dog",))
    folder_of(root, "Dog").rename(folder_of(root, "Dog_nOff"))
    assert (
        (soundbank.index(root, ["Dog"], 0.25).query("split == 'train' and kind == 'foreground'")["missing"])
        .eq("offset")
        .all()
    )


def test_same_freesound_recording_in_two_classes_keeps_to_one_split(tmp_path):
    train = [f"{20000 + k}_0" for k in range(8)]
    root = bank(tmp_path, train, ["30000"], labels=("Cat", "Dog"))
    for name in train:  # other sounds cut from the same recordings
        other = folder_of(root, "Cat") / f"{name}.wav"
        other.rename(other.with_name(f"{name[:-1]}1.wav"))
    table = soundbank.index(root, ["Cat", "Dog"], 0.25).query("kind == 'foreground'")
    assert (table.groupby("freesound_id")["split"].nunique() == 1).all()
    assert (table.groupby("label")["split"].nunique() == 3).all()
    assert set(table["freesound_id"]) == {"30000", *(name[:5] for name in train)}


def write(path, *lines):
    path.write_text("\n".join(lines) + "\n")
    return path


LISTS = {
    "as published": ("filepath", "audio/validation/soundbank/foreground/Dog/a_1.wav"),
    "its folder has a suffix": ("filepath", "audio/validation/soundbank/foreground/Dog_nOff/a_7.wav"),
    "more columns": ("event_label\tfilename", "Dog\tfar/away/foreground/Dog/a_0.wav"),
    "plain names": ("a_0.wav", "unheard_of.wav"),
    "sources": ("filename", "a"),
}


@pytest.mark.parametrize("lines", LISTS.values(), ids=LISTS)
def test_validation_list_decides(tmp_path, lines):
    """One segment named is enough for all of its source; where the list is silent, the share decides."""
    root = bank(tmp_path / "bank", ("a_0", "a_1", "b_0", "c_0", "d_0"), ("e_0",), ("Dog",))
    listed = write(tmp_path / "list.tsv", *lines)
    found = soundbank.find(root, ["Dog"])
    table = soundbank.check(found, 0.5, listed)
    dogs = table.query("kind == 'foreground' and split != 'test'").set_index("source")["split"]
    assert dogs[dogs == "validation"].index.unique().tolist() == ["Dog/a"]
    rooms = table.query("kind == 'background' and split != 'test'").groupby("split")["source"].unique()
    if "/foreground/" in lines[1]:
        assert len(rooms["validation"]) == 2
    else:
        assert rooms["validation"].tolist() == ["room/a"]


def test_useless_validation_list_is_refused(tmp_path, small):
    found = soundbank.find(small, ["Cat", "Dog"])
    for lines, problem in (
        (("filepath", "audio/validation/soundbank/foreground/Dog/zz_0.wav"), "names 1 recordings, and none of them is"),
        (("label\tplace", "Dog\thome"), "line 1: no column says which recording is meant; there are label, place"),
        (("filepath", "foreground/Dog/a_0.wav", "foreground/Dog/b_0.wav"), "names all 2 sources of Dog"),
    ):
        listed = write(tmp_path / "list.tsv", *lines)
        with pytest.raises(InputError, match=problem):
            soundbank.check(found, 0.25, listed)
    with pytest.raises(InputError, match="there is no such file"):
        soundbank.check(found, 0.25, tmp_path / "absent.tsv")


def test_licences_come_from_tables_beside_the_bank(small):
    write(
        small / "license_training.tsv", "filename\tid\tlicense", "../training/soundbank/foreground/Dog/a_0.wav\t1\tCC0"
    )
    write(small / "licenses.tsv", "path\tlicence", "audio/eval/soundbank/foreground/Cat/c_0.wav\tGPL-3+")
    write(small / "files.csv", "name,licence", 'b_0.wav,"CC BY 4.0, by somebody"')
    write(small / "license_note.tsv", "no table of licences")
    (small / "._licenses.tsv").write_bytes(b"\x00\x05\x16\x07")
    table = soundbank.index(small, ["Cat", "Dog"], 0.25, licence="unsaid")
    found = {path.removeprefix(f"{small}/audio/"): licence for path, licence in table[["path", "licence"]].to_numpy()}
    assert found["train/soundbank/foreground/Dog/a_0.wav"] == "CC0"
    assert found["eval/soundbank/foreground/Cat/c_0.wav"] == "GPL-3+"
    assert found["train/soundbank/foreground/Cat/b_0.wav"] == "CC BY 4.0, by somebody"
    assert found["train/soundbank/foreground/Cat/a_0.wav"] == "unsaid"


def test_accents_may_be_stored_in_either_way(tmp_path):
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    root = bank(tmp_path / "bank", train=(f"{composed}_0", f"{decomposed}_1", "b_0"), labels=("Dog",))
    recording(root / f"audio/train/soundbank/background/{decomposed}/x_0.wav", seconds=0.025, rate=8000, seed=90)
    recording(root / f"audio/train/soundbank/background/{composed}/x_1.wav", seconds=0.025, rate=8000, seed=91)
    write(root / "licenses.tsv", "path\tlicence", f"Dog/{decomposed}_0.wav\tCC0", f"{composed}_1.wav\tGPL-3+")
    table = soundbank.index(root, ["Dog"], 0.25)
    accented = table[table["path"].str.contains("caf") & (table["kind"] == "foreground")]
    assert accented["source"].tolist() == [f"Dog/{composed}"] * 2
    assert accented["split"].nunique() == 1
    assert set(accented["licence"]) == {"CC0", "GPL-3+"}
    assert set(accented["path"]) == {str(path) for path in (folder_of(root, "Dog")).glob("caf*")}
    rooms = table[
        table["path"].str.contains("/caf") & (table["kind"] == "background") & table["path"].str.contains("x_")
    ]
    assert rooms["source"].tolist() == [f"{composed}/x"] * 2
    for listed in (composed, decomposed):
        write(tmp_path / "list.tsv", "filepath", f"audio/validation/soundbank/foreground/Dog/{listed}_0.wav")
        table = soundbank.check(soundbank.find(root, ["Dog"]), 0.25, tmp_path / "list.tsv")
        held = table.query("label == 'Dog' and split == 'validation'")
        assert held["source"].tolist() == [f"Dog/{composed}"] * 2


def test_unusable_recordings_can_be_left_out(small):
    dogs = small / "audio" / "train" / "soundbank" / "foreground" / "Dog"
    silent(dogs / "z_0.wav")
    (dogs / "y_0.wav").write_bytes(b"")
    shutil.copy(dogs / "b_0.wav", folder_of(small, "Dog", "eval") / "c_1.wav")
    recording(dogs / "x_0.wav", seconds=0.03, rate=8000, seed=70)
    table = soundbank.check(soundbank.find(small, ["Dog"]), 0.25, leave_out=True)
    lost = table[table["split"] == ""].set_index("path")["problem"]
    assert lost.to_dict() == {
        str(dogs / "z_0.wav"): "holds only silence",
        str(dogs / "y_0.wav"): "the file is empty",
        str(dogs / "b_0.wav"): f"the same file as {folder_of(small, 'Dog', 'eval') / 'c_1.wav'}",
    }
    assert set(table.query("label == 'Dog' and split != ''")["split"]) == {"train", "validation", "test"}


def test_index_is_read_as_it_was_written(small, tmp_path):
    recording(folder_of(small, "Dog_nOn") / "0012345_0.wav", seconds=0.03, rate=8000, seed=80)
    recording(folder_of(small, "Dog_nOn") / "12345_0.wav", seconds=0.03, rate=8000, seed=81)
    table = soundbank.index(small, ["Cat", "Dog"], 0.25)
    table.to_csv(tmp_path / "soundbank.csv", index=False)
    assert soundbank.read(tmp_path / "soundbank.csv").equals(table)


def test_pools_of_a_split(small):
    table = soundbank.index(small, ["Cat", "Dog"], 0.25)
    seen = []
    for split in ("train", "validation", "test"):
        foreground, background = soundbank.pools(table, split)
        assert set(foreground["kind"]) == {"foreground"}
        assert set(background["kind"]) == {"background"}
        assert set(foreground["label"]) == {"Cat", "Dog"}
        assert list(foreground.index) == list(range(len(foreground)))
        seen += [*foreground["path"], *background["path"]]
    assert sorted(seen) == sorted(table["path"])


@pytest.mark.skipif(not MINIBANK.is_dir(), reason="the minibank of real recordings is not here")
def test_minibank():
    values = {"experiment": "m", "seed": 0, "mixtures": {"clips": {"train": 1, "validation": 1, "test": 1}}}
    classes = config.load(values | {"soundbank": {"kind": "folder", "path": str(MINIBANK)}}).classes
    assert classes == ["Alarm_bell_ringing", "Cat", "Dishes", "Dog", "Running_water", "Speech"]
    table = soundbank.index(MINIBANK, classes, 0.25)
    assert table.groupby("kind").size().to_dict() == {"background": 9, "foreground": 50}
    assert not table["path"].str.contains("background_with_speech").any()
    assert table.groupby("split")["label"].nunique().min() >= len(classes) + 1
    assert (table.groupby("source")["split"].nunique() == 1).all()
    for row in table.sample(5, random_state=0).itertuples():
        assert row.duration == pytest.approx(audio.header(row.path).duration, abs=1e-3)
    assert set(table["label"]) < {*LABELS, "birds", "clock", "hum", "rain", "street"}


def test_a_recording_that_changed_since_it_was_indexed_is_refused(small):
    table = soundbank.index(small, ["Cat", "Dog"], 0.25)
    first, second, third = table["path"][:3]
    unchanged = soundbank.Unchanged(table, "soundbank.csv")
    unchanged(first, second)
    content = Path(third).read_bytes()
    Path(third).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(InputError, match=r"is not the file that was indexed.*delete soundbank\.csv") as error:
        unchanged(first, third)
    assert third in str(error.value)
    Path(third).unlink()
    with pytest.raises(InputError, match="no such file, though"):
        unchanged(third)
    Path(third).write_bytes(content)
    unchanged(third)


def test_what_is_special_of_a_recording_is_noted(small, caplog):
    dogs = folder_of(small, "Dog")
    tone = np.sin(2 * np.pi * 400 * np.arange(4000) / 8000)
    soundfile.write(dogs / "loud_0.wav", 30_000 * tone, 8000, subtype="FLOAT")
    soundfile.write(dogs / "shifted_0.wav", 0.25 * tone + 0.5, 8000, subtype="FLOAT")
    soundfile.write(dogs / "both_0.wav", 3 * tone + 1, 8000, subtype="FLOAT")
    soundfile.write(dogs / "plain_0.wav", 0.5 * tone, 8000, subtype="FLOAT")
    soundfile.write(dogs / "endless_0.wav", 0.25 * tone, 8000)
    content = bytearray((dogs / "endless_0.wav").read_bytes())
    content[4:8] = content[40:44] = bytes(4)
    (dogs / "endless_0.wav").write_bytes(content)
    table = soundbank.index(small, ["Dog"], 0.25).set_index("source")
    notes = table["notes"].to_dict()
    assert notes["Dog/loud"] == "above full scale"
    assert notes["Dog/shifted"] == "a mean above 10 % of the rms (an offset)"
    assert notes["Dog/both"] == "above full scale; a mean above 10 % of the rms (an offset)"
    assert notes["Dog/plain"] == ""
    assert notes["Dog/endless"] == "no length in the header"
    found = table.loc[["Dog/loud", "Dog/shifted", "Dog/both", "Dog/plain", "Dog/endless"]]
    assert found["peak"].tolist() == pytest.approx([30_000, 0.75, 4, 0.5, 0.25], rel=1e-3)
    assert found["offset"].tolist() == pytest.approx([0, 0.5, 1, 0, 0], abs=1e-3)
    assert set(found["samples"]) == {4000}
    assert set(found["duration"]) == {0.5}
    assert set(found["problem"]) == {""}
    assert f"{dogs / 'endless_0.wav'}: no length in the header" in caplog.text
    assert "plain" not in caplog.text


def test_a_recording_cut_short_is_used_as_far_as_it_goes(small):
    path = recording(folder_of(small, "Dog") / "a_1.wav", seconds=1, rate=8000, seed=90)
    path.write_bytes(path.read_bytes()[: 44 + 2 * 3000])
    table = soundbank.index(small, ["Dog"], 0.25)
    row = table[table["path"] == str(path)].iloc[0]
    assert (row["samples"], row["duration"], row["problem"]) == (3000, 0.375, "")
    assert row["notes"].startswith("less sound than the header states")
