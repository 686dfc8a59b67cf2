"""Bad input gets a clear error in the terminal, before any traceback, and nothing made before is lost."""

import copy
import shutil

import numpy as np
import pytest
import soundfile

from tests.workflow.project import MINIATURE


def changed(section=None, **values) -> dict:
    settings = copy.deepcopy(MINIATURE)
    if section:
        settings.setdefault(section, {}).update(values)
    else:
        settings.update(values)
    return settings


def complaint(project, settings, *arguments) -> str:
    done = project.snakemake(*arguments, settings=settings)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    return said


@pytest.fixture(scope="module")
def project(new_project):
    return new_project()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (changed("mixtures", clipz=3), ["experiment.yaml, line", "mixtures.clipz", "did you mean 'clips'"]),
        (changed(sead=1), ["experiment.yaml, line", "sead", "did you mean 'seed'"]),
        (changed("mixtures", event_duration=[0.25, 12]), ["mixtures", "event_duration", "10", "lower event_duration"]),
        (changed(detectors=["ig", "fw_sw"]), ["detectors", "'fw_sw'", "did you mean"]),
        (changed("soundbank", kind="folder", path="nowhere"), ["soundbank.path", "nowhere"]),
    ],
)
def test_impossible_settings_are_refused_before_anything_runs(project, settings, expected):
    said = complaint(project, settings, "--dry-run")
    assert all(piece in said for piece in expected), said


def test_the_file_with_the_wrong_value_is_named_among_several(project):
    """Snakemake lists the file of the Snakefile last, though the others are merged over it."""
    (project.folder / "mine.yaml").write_text("experiment: mine\ntraining: {seeds: 5}\n")
    said = complaint(project, None, "--dry-run", "--configfile", "mine.yaml")
    assert "mine.yaml, line 2, training.seeds" in said


@pytest.fixture
def bank(project, tmp_path):
    """A small folder of one's own: three classes, two sources each per part, and the settings that use it."""
    rng = np.random.default_rng(0)
    for part in ("train", "eval"):
        for folder in [*(f"foreground/{label}" for label in MINIATURE["labels"]), "background/room"]:
            here = tmp_path / "bank" / "audio" / part / "soundbank" / folder
            here.mkdir(parents=True)
            for name in ("1_0", "2_0"):
                soundfile.write(here / f"{name}.wav", 0.1 * rng.standard_normal(16000), 16000)
    shutil.rmtree(project.results, ignore_errors=True)
    settings = changed(soundbank={"kind": "folder", "path": str(tmp_path / "bank")}, experiment="own")
    return tmp_path / "bank" / "audio", settings


def test_a_class_without_recordings_in_one_part_is_named(project, bank):
    audio, settings = bank
    shutil.rmtree(audio / "eval" / "soundbank" / "foreground" / "Dog")
    said = complaint(project, settings, "--dry-run")
    assert "no recording of Dog for the test split" in said
    assert "`labels`" in said


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "the file is empty"), (b"this is a text, not a sound\n" * 40, "cannot be read as audio")],
    ids=["empty", "text"],
)
def test_a_file_that_is_no_sound_is_named(project, bank, content, reason):
    audio, settings = bank
    bad = audio / "train" / "soundbank" / "foreground" / "Dog" / "2_0.wav"
    bad.write_bytes(content)
    said = complaint(project, settings, "results/own/soundbank.csv")
    assert str(bad) in said
    assert reason in said
    assert not (project.folder / "results" / "own" / "soundbank.csv").exists()


def test_a_good_folder_passes(project, bank):
    _, settings = bank
    project.run("results/own/mixtures/test/events.tsv", settings=settings)


def test_a_job_that_the_system_ends_is_named(new_project):
    project = new_project()
    project.edit("workflow/scripts/figure_pipeline.py", "with job(", "import os\nos.kill(os.getpid(), 9)\nwith job(")
    said = complaint(project, MINIATURE, "results/miniature/figures/pipeline.svg")
    assert "ERROR: a job of the rule figure_pipeline was ended from outside (SIGKILL)" in said
