"""Any name that the file system allows; the copies of the project themselves lie in a folder with such a name."""

import copy
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml

from igsed import events
from igsed.names import normal
from tests.workflow.conftest import ODD
from tests.workflow.project import MINIATURE, ROOT

NAMES = ["bark {1}", "bark{", "}{", "<results>", 'it\'s "it"', "-n", "a  b", "e\u0301", "é%s$x#1`;&|*?[a]\\", "ru\nn"]
LABELS = MINIATURE["labels"]


@pytest.fixture(scope="module")
def project(new_project):
    return new_project()


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """A soundbank and real recordings under such names, in such a folder."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp(f"bank of {ODD}")

    def sound(path, seconds=1.0):
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.1 * rng.standard_normal(int(16000 * seconds)), 16000)

    for part in ("train", "eval"):
        for label in LABELS:
            for name in NAMES if label == "Dog" else ("1_0", "2_0"):
                sound(folder / "bank" / "audio" / part / "soundbank" / "foreground" / label / f"{name}.wav")
        for name in NAMES[:3]:
            sound(folder / "bank" / "audio" / part / "soundbank" / "background" / f"my {name}" / f"{name}.wav")
    shown = [name for name in NAMES if "\n" not in name]
    for name in shown:
        sound(folder / "real" / f"{name}.wav", 10.0)
    rows = "".join(f"{name}.wav\t1\t2\tDog\n" for name in shown)
    (folder / "events {0}.tsv").write_text(f"{'	'.join(events.COLUMNS)}\n{rows}", encoding="utf-8")
    (folder / "over{lap}.txt").write_text("dQw4w9WgXcQ\nbark {1}.wav\n")
    settings = copy.deepcopy(MINIATURE)
    settings["experiment"] = "odd"
    settings["soundbank"] = {"kind": "folder", "path": str(folder / "bank")}
    settings["recordings"] = {
        "kind": "folder",
        "audio": str(folder / "real"),
        "annotations": str(folder / "events {0}.tsv"),
        "overlap": str(folder / "over{lap}.txt"),
    }
    return settings


def test_any_name_works_and_an_added_file_is_noticed(project, settings):
    targets = [f"results/odd/mixtures/{split}/events.tsv" for split in ("train", "recordings")]
    project.run(*targets, settings=settings)
    index = pd.read_csv(project.folder / "results" / "odd" / "soundbank.csv")
    used = {path.rsplit("/", 1)[-1] for path in index.loc[index.label == "Dog", "path"]}
    assert used == {f"{name}.wav" for name in NAMES}
    clips = pd.read_csv(project.folder / "results" / "odd" / "mixtures" / "recordings" / "clips.csv")
    assert set(clips["recording"]) == {normal(f"{name}.wav") for name in NAMES if "\n" not in name}
    assert clips["overlap"].sum() == 1
    assert project.plan_of(*targets, settings=settings) == {}
    added = Path(settings["soundbank"]["path"], "audio", "train", "soundbank", "foreground", "Dog", "{x}.wav")
    soundfile.write(added, 0.1 * np.random.default_rng(1).standard_normal(16000), 16000)
    plan = project.plan_of(*targets, settings=settings)
    assert (plan["soundbank"], plan["mix"]) == (1, 2)
    assert "recordings" not in plan


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("config.yaml", ["config.yaml"]),
        ("my bank.yaml", ["my bank.yaml"]),
        ("my bank.yaml config.yaml", ["my bank.yaml", "config.yaml"]),
        ("config.yaml  my bank.yaml", ["config.yaml", "my bank.yaml"]),
        ("-b {1} $x.yaml it's.yaml", ["-b {1} $x.yaml", "it's.yaml"]),
        ("'no such.yaml' config.yaml", ["no such.yaml", "config.yaml"]),
        ("no such.yaml", ["no", "such.yaml"]),
    ],
)
def test_an_experiment_may_be_several_files_and_have_any_name(tmp_path, monkeypatch, typed, meant):
    monkeypatch.chdir(tmp_path)
    for name in ("config.yaml", "my bank.yaml", "-b {1} $x.yaml", "it's.yaml"):
        (tmp_path / name).write_text("")
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from workflow import run; print(run.split({typed!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{meant}\n"


def test_make_run_takes_an_experiment_as_it_is_typed(project):
    """An error in it shows that it was read."""
    (project.folder / "Makefile").write_text((ROOT / "Makefile").read_text().replace("run: setup", "run:"))
    (project.folder / "my 'b' {1} $x.yaml").write_text(yaml.safe_dump({"experiment": "a", "mixtures": {"snr": [3, 1]}}))
    environment = {**os.environ, "PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])}
    command = ["make", "run", "EXPERIMENT=my 'b' {1} $x.yaml"]
    done = subprocess.run(command, cwd=project.folder, env=environment, capture_output=True, text=True)
    assert done.returncode != 0
    assert "my 'b' {1} $x.yaml, line 3, mixtures.snr: the lower end 3.0 is above" in done.stderr
