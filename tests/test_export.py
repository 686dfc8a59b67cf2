"""What `igsed export` writes is enough to enter: scores made from it alone are taken."""

import os
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml

from igsed import detectors, events, export
from igsed.__main__ import main
from igsed.config.detectors import Chosen
from igsed.errors import InputError
from igsed.timeline import frame_count
from tests.toys import recording

LABELS = ["Dog", "Frying", "Speech"]
CLIPS = {"train": 2, "validation": 2, "test": 3, "recordings": 1}


def make(results, splits=CLIPS):
    """The files of a tiny experiment from which an export is made."""
    for split in splits:
        home = results / "mixtures" / split
        rows = []
        for k in range(CLIPS[split]):
            duration = 1.0 + 0.37 * k
            path = recording(home / "audio" / f"{split}_{k}.flac", duration, seed=k)
            rows.append((f"{split}_{k}", str(path), soundfile.info(path).duration, k, 1))
        pd.DataFrame(rows, columns=["clip", "path", "duration", "seed", "polyphony"]).to_csv(
            home / "clips.csv", index=False
        )
        table = pd.DataFrame([(f"{split}_0.flac", 0.2, 0.5, "Dog")], columns=events.COLUMNS)
        events.write(home / "events.tsv", table, [f"{row[0]}.flac" for row in rows])
    (results / "predictions" / "seed0").mkdir(parents=True)
    names = [f"test_{k}" for k in range(CLIPS["test"])]
    pd.DataFrame({"clip": np.repeat(names, 3), "label": LABELS * len(names), "present": 0}).to_csv(
        results / "predictions" / "seed0" / "test.csv", index=False
    )
    return results


@pytest.fixture
def results(tmp_path):
    return make(tmp_path / "results" / "tiny")


@pytest.fixture
def folder(results, tmp_path):
    return export.export(results, tmp_path / "given").folder


def test_every_split_has_its_clips_events_and_sounds(results, folder):
    assert sorted(path.name for path in folder.iterdir()) == sorted([*CLIPS, "README.txt", "labels.txt"])
    assert (folder / "labels.txt").read_text().split() == LABELS
    for split, count in CLIPS.items():
        clips = pd.read_csv(folder / split / "clips.csv")
        assert list(clips["clip"]) == [f"{split}_{k}" for k in range(count)]
        for name, path, duration in clips[["clip", "path", "duration"]].itertuples(index=False):
            assert soundfile.info(folder / split / path).duration == pytest.approx(duration)
            original = results / "mixtures" / split / "audio" / f"{name}.flac"
            assert os.path.samefile(folder / split / path, original)
        made = results / "mixtures" / split / "events.tsv"
        assert (folder / split / "events.tsv").read_text() == made.read_text()
        assert len(events.clips(folder / split / "events.tsv")) == count


def test_where_no_links_can_be_the_sounds_are_copied(results, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(18, "another file system")

    monkeypatch.setattr(os, "link", refuse)
    folder = export.export(results, tmp_path / "given").folder
    copy, original = folder / "test" / "audio" / "test_0.flac", results / "mixtures" / "test" / "audio" / "test_0.flac"
    assert not os.path.samefile(copy, original)
    assert copy.read_bytes() == original.read_bytes()


@pytest.mark.parametrize("form", ["tables", "parquet"])
def test_scores_made_from_the_folder_alone_are_taken(folder, tmp_path, form):
    """By the words of the page: the form of a table, the name of the files, the lines of configuration."""
    page = (folder / "README.txt").read_text(encoding="utf-8")
    labels = (folder / "labels.txt").read_text().split()
    (header,) = re.findall(r"^onset\t.*$", page, flags=re.MULTILINE)
    assert header == "\t".join(["onset", "offset", *labels])
    theirs, rng, expected = tmp_path / "theirs", np.random.default_rng(0), {}
    for split in ("validation", "test", "recordings"):
        (theirs / split).mkdir(parents=True)
        rows = []
        for clip in pd.read_csv(folder / split / "clips.csv").itertuples():
            count = frame_count(clip.duration)
            scores = rng.normal(size=(len(labels), count))
            expected[split, clip.clip] = scores
            onsets = 0.1 * np.arange(count)
            table = pd.DataFrame({"onset": onsets, "offset": [*onsets[1:], clip.duration]})
            table = table.assign(**dict(zip(labels, scores, strict=True)))
            table.round({"onset": 3, "offset": 4}).to_csv(theirs / split / f"{clip.clip}.tsv", sep="\t", index=False)
            rows += [(clip.clip, label, k, scores[j, k]) for j, label in enumerate(labels) for k in range(count)]
        if form == "parquet":
            shutil.rmtree(theirs / split)
            table = pd.DataFrame(rows, columns=["clip", "label", "frame", "score"])
            table.to_parquet(theirs / f"{split}.parquet", index=False)
    lines = page[page.index("detectors:") :].split("\n\n")[0].replace("<folder>", str(theirs))
    chosen = Chosen.model_validate(yaml.safe_load(lines)["detectors"][1])
    method = detectors.load(chosen.method, **chosen.settings)
    for split in ("validation", "test", "recordings"):
        found = dict(method(split, pd.read_csv(folder / split / "clips.csv"), labels))
        assert found
        for clip, scores in found.items():
            np.testing.assert_allclose(scores, expected[split, clip], rtol=1e-9)


def test_without_recordings_there_are_three_splits(tmp_path, capsys):
    results = make(tmp_path / "results" / "tiny", ["train", "validation", "test"])
    assert main(["export", str(results), str(tmp_path / "given")]) == 0
    assert "train 2, validation 2, test 3" in capsys.readouterr().out
    page = (tmp_path / "given" / "README.txt").read_text()
    assert "of validation, test" in page
    assert "recordings" not in page


def test_a_folder_that_holds_something_is_left_alone(results, tmp_path):
    (tmp_path / "given").mkdir()
    export.export(results, tmp_path / "given")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "note").write_text("mine")
    for taken in (tmp_path / "given", tmp_path / "mine", tmp_path / "mine" / "note"):
        with pytest.raises(InputError, match="not an empty folder"):
            export.export(results, taken)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["note"]


def test_what_fails_leaves_nothing(results, tmp_path, capsys):
    (results / "mixtures" / "test" / "audio" / "test_1.flac").unlink()
    before = sorted(tmp_path.iterdir())
    assert main(["export", str(results), str(tmp_path / "given")]) == 1
    assert "test_1.flac: there is no such file" in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before


def test_an_experiment_without_clips_or_predictions_is_named(results, tmp_path):
    with pytest.raises(InputError, match=r"absent.*holds no clips"):
        export.export(tmp_path / "absent", tmp_path / "given")
    shutil.rmtree(results / "predictions")
    with pytest.raises(InputError, match=r"predictions.*holds no predictions"):
        export.export(results, tmp_path / "given")
