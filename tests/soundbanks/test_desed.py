"""DESED as published: where its recordings lie, which splits they go to, and what a damaged copy says."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from igsed import LABELS
from igsed.errors import InputError
from igsed.soundbanks import desed, soundbank
from tests import desed_archive

CHOSEN = ("Dog", "Frying")


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return desed_archive.unpacked(tmp_path_factory.mktemp("sources"), CHOSEN)


@pytest.fixture
def sources(published, tmp_path):
    return {name: shutil.copytree(folder, tmp_path / name) for name, folder in published.items()}


def official(sources):
    return sources["desed_soundbank"] / desed.VALIDATION_LIST


BOTH = ("sins", "tut_scenes_2017")


@pytest.fixture(scope="module")
def table(published):
    return desed.index(published, CHOSEN, BOTH, 0.25, official(published))


def test_recordings_and_what_is_said_of_them(table):
    foreground = table[table["kind"] == "foreground"]
    assert not foreground["path"].str.contains("/._").any()
    assert foreground.groupby(["label", "missing"]).size().to_dict() == {
        ("Dog", ""): 7,
        ("Frying", ""): 7,
        ("Frying", "both"): 2,
        ("Frying", "offset"): 2,
        ("Frying", "onset"): 2,
    }
    assert foreground["freesound_id"].str.fullmatch("[0-9]{5}").all()
    assert (foreground["source"] == foreground["label"] + "/" + foreground["freesound_id"]).all()
    assert set(foreground["licence"]) == {"CC0 1.0"}
    assert table["problem"].eq("").all()
    assert (table.groupby("source")["split"].nunique() == 1).all()


def test_official_list_decides(table, published):
    listed = {Path(line).name for line in official(published).read_text().splitlines()[1:]}
    assert {Path(path).name for path in table.loc[table["split"] == "validation", "path"]} == listed


def test_backgrounds_are_chosen_as_desed_chooses_them(table):
    rows = table[table["kind"] == "background"]
    found = rows.groupby(["label", "source"]).agg({"split": "unique", "sample_rate": "first", "channels": "first"})
    assert set(found.loc["sins"].index) == {"sins/ex85", "sins/ex101", "sins/ex102"}
    assert set(found.loc["tut_scenes_2017"].index) == {f"tut_scenes_2017/{place}" for place in ("b113", "b041", "b072")}
    assert (rows.loc[rows["label"] == "sins"].groupby("source").size() == 4).all(), "all nodes hear a session"
    assert found.loc["sins", "sample_rate"].eq(16000).all()
    assert found.loc["sins", "channels"].eq(4).all()
    assert found["split"].map(list).loc[("sins", "sins/ex85")] == ["validation"]
    assert set(rows.loc[rows["split"] == "test", "label"]) == {"freesound", "youtube"}
    assert not rows.loc[rows["split"] != "test", "label"].isin(["freesound", "youtube"]).any()
    assert rows.loc[rows["label"] == "sins", "licence"].str.contains("non-commercial").all()


def test_evaluation_backgrounds_alone_are_shared_out(sources):
    del sources["sins"], sources["tut_scenes_2017"]
    rows = desed.index(sources, CHOSEN, ["eval"], 0.25).query("kind == 'background'")
    assert rows.groupby("split")["source"].nunique().to_dict() == {"test": 1, "train": 2, "validation": 1}
    assert (rows.groupby("source")["split"].nunique() == 1).all()


def test_too_few_evaluation_backgrounds_are_told(sources):
    folder = sources["desed_soundbank"] / "audio" / "eval" / "soundbank" / "background"
    shutil.rmtree(folder / "youtube")
    with pytest.raises(InputError, match=r"only 2 sources of them\. Choose other `training_backgrounds`"):
        desed.index(sources, CHOSEN, ["eval"], 0.25)


@pytest.mark.parametrize("around", ["synthetic", "download/synthetic"])
def test_archive_may_have_more_folders(sources, table, around):
    folder = sources["desed_soundbank"]
    inner = folder.parent / "moved" / around
    inner.parent.mkdir(parents=True)
    folder.rename(inner)
    again = desed.index(sources | {"desed_soundbank": folder.parent / "moved"}, CHOSEN, BOTH, 0.25)
    for column in ("kind", "label", "missing", "sha256", "licence"):
        assert sorted(again[column]) == sorted(table[column])


def test_same_sound_in_two_splits_is_left_out(sources):
    bank = sources["desed_soundbank"] / "audio"
    tested = next((bank / "eval" / "soundbank" / "foreground" / "Dog").glob("[0-9]*.wav"))
    twin = bank / "train" / "soundbank" / "foreground" / "Dog" / "99999.wav"
    shutil.copy(tested, twin)
    rows = desed.index(sources, CHOSEN, ["sins"], 0.25).set_index("path")
    assert (rows.loc[str(twin), "split"], rows.loc[str(twin), "problem"]) == ("", f"the same file as {tested}")
    assert rows.loc[str(tested), "split"] == "test"


def test_part_of_a_background_set_will_do(sources, caplog):
    audio = sources["sins"] / desed_archive.SINS / "audio"
    for path in audio.glob("DevNode[34]_*.wav"):
        path.unlink()
    rows = desed.index(sources, CHOSEN, ["sins"], 0.25).query("label == 'sins'")
    assert len(rows) == 6
    assert "6 of the 12 files listed are not there" in caplog.text


def test_listed_names_with_accents_are_found_however_they_are_stored(sources):
    root = sources["sins"] / desed_archive.SINS
    path = sorted((root / "audio").glob("DevNode1_*.wav"))[0]
    meta = (root / "meta.txt").read_text()
    (root / "meta.txt").write_text(meta.replace(path.name, "caf\u00e9_0.wav"))
    path.rename(path.with_name("cafe\u0301_0.wav"))
    rows = desed.index(sources, CHOSEN, ["sins"], 0.25).query("label == 'sins'")
    assert str(path.with_name("cafe\u0301_0.wav")) in set(rows["path"])


DAMAGED = {
    "no soundbank": ("desed_soundbank", "audio", r"holds no audio/train/soundbank\. Unpack DESED_synth_soundbank"),
    "no table": ("sins", f"{desed_archive.SINS}/meta.txt", r"holds no meta\.txt\. Unpack all archives of sins"),
    "no sounds": ("tut_scenes_2017", f"{desed_archive.TUT}/audio", "has none of the 6 files that meta.txt lists"),
}


@pytest.mark.parametrize(("name", "part", "problem"), DAMAGED.values(), ids=DAMAGED)
def test_incomplete_copy_is_told(sources, name, part, problem):
    path = sources[name] / part
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(InputError, match=problem) as caught:
        desed.index(sources, CHOSEN, BOTH, 0.25)
    assert str(sources[name]) in str(caught.value)


def test_other_table_is_told(sources):
    (sources["sins"] / desed_archive.SINS / "meta.txt").write_text("file,label\nx.wav,other\n")
    with pytest.raises(InputError, match=r"meta\.txt: lists no segment of other\. Expected lines"):
        desed.index(sources, CHOSEN, ["sins"], 0.25)


def test_class_that_desed_lacks_is_named(sources):
    with pytest.raises(InputError, match="no recording of Cat for training and validation"):
        desed.index(sources, ["Cat"], BOTH, 0.25)


def test_archives_hold_what_was_unpacked(tmp_path):
    made = desed_archive.soundbank(tmp_path, ["Dog"], seed=3)
    assert set(made) == {"desed_soundbank", "sins", "tut_scenes_2017", "desed_public_eval"}
    for name, files in made.items():
        for path in files:
            if path.suffix == ".tsv":
                assert pd.read_csv(path, sep="\t").columns.tolist() == ["filepath"]
            else:
                shutil.unpack_archive(path, tmp_path / "again" / name)
    again = {name: tmp_path / "again" / name for name in made}
    rows = desed.index(again, ["Dog"], BOTH, 0.25, made["desed_soundbank"][1])
    assert set(rows["missing"]) == {"", "onset", "offset", "both"}
    assert list((again["desed_soundbank"] / "audio").rglob("._*.wav"))
    assert set(LABELS) > set(rows.loc[rows["kind"] == "foreground", "label"]) == {"Dog"}
    assert soundbank.pools(rows, "validation")[0]["label"].tolist() == ["Dog"]
