"""Bad input gets a clear error in the terminal, before any traceback, and nothing made before is lost."""

import copy
import os
import shlex
import shutil
import subprocess
import sys

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
        (changed(soundbank={"kind": "folder", "path": "nowhere"}), ["soundbank.path", "nowhere"]),
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


def test_a_run_that_starts_elsewhere_is_told_where_to_start(project, tmp_path):
    snakefile = project.folder / "Snakefile"
    command = [sys.executable, "-m", "snakemake", "--snakefile", snakefile, "--cores", "1", "--dry-run"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0
    assert f"There is no config.yaml in {tmp_path}" in done.stdout
    assert f"add --directory {shlex.quote(str(project.folder))}, or go there" in done.stdout
    done = subprocess.run([*command, "--directory", project.folder], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("seed=abc", "--config, seed: Input should be a valid integer"),
        ("sead=1", "--config, sead: unknown key (did you mean 'seed'?)"),
        ("mixtures=5", "--config, mixtures: must be a section with keys of its own: clips, "),
        ("training={seeds: [1, 1]}", "--config, training.seeds: [1, 1] names a seed twice"),
    ],
)
def test_a_wrong_override_is_told_as_one(project, override, expected):
    assert expected in complaint(project, MINIATURE, "--dry-run", "--config", override)


def make_run(project, *arguments, **environment):
    command = [sys.executable, "-m", "workflow.run", "--cores", "1", "--gpus", "0", *arguments]
    environment = {**os.environ, **environment}
    done = subprocess.run(command, cwd=project.folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("variable", ["HOME", "XDG_CACHE_HOME"])
def test_a_home_that_takes_no_files_is_told_with_the_remedy(project, tmp_path, variable):
    (tmp_path / "file").write_text("no folder")
    said = make_run(project, "config.yaml", **{variable: str(tmp_path / "file")})
    assert f"because {variable} says so" in said
    assert "export XDG_CACHE_HOME=" in said


def test_a_configuration_that_is_not_there_is_told(project):
    assert "nope.yaml: " in make_run(project, "nope.yaml")
    assert "EXPERIMENT=it's.yaml: No closing quotation. Close the quote." in make_run(project, "it's.yaml")


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
