"""`igsed show`: finds the experiment, prints table, answer and page, and says what is missing."""

import itertools
import os
import pty
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from igsed import config
from igsed.__main__ import main

ROOT = Path(__file__).parents[1]
QUALITY = {"ig": 0.6, "cam": 0.8, "random": 0.25, "energy": 0.4}
PROTOCOLS = ("own", "shared")


def make(folder: Path, splits=("test",), finished: bool = True) -> Path:
    """The files of an experiment that are read, with made-up numbers."""
    folder.mkdir(parents=True)
    values = config.merge([ROOT / "config.yaml"]) | {"experiment": folder.name, "detectors": [*QUALITY]}
    settings = config.load(values)
    (folder / "config.yaml").write_text(yaml.safe_dump(settings.model_dump(mode="json")))
    rows = []
    for detector, split, protocol in itertools.product(QUALITY, splits, settings.evaluation.protocols):
        for metric, label in itertools.product(
            ("average_precision", "pointing_game", "class_auc", "iou", "f1"), ("all", "Dog", "Speech")
        ):
            value = QUALITY[detector] - 0.1 * (split == "recordings")
            rows.append((detector, split, protocol, label, metric, value, value - 0.1, value + 0.1, 30))
    names = ["detector", "split", "protocol", "label", "metric", "value", "low_wide", "high_wide", "pairs"]
    intervals = pd.DataFrame(rows, columns=names).assign(low=0.0, high=1.0)
    intervals.to_csv(folder / "intervals.csv", index=False)
    metrics = intervals[intervals["metric"] == "iou"].assign(metric="active_ratio", value=0.2, seed=0)
    metrics[["detector", "seed", "split", "protocol", "label", "metric", "value"]].to_csv(folder / "metrics.csv")
    ranks = [(split, "borda", name, value) for split in splits for name, value in QUALITY.items()]
    pd.DataFrame(ranks, columns=["split", "metric", "detector", "value"]).to_csv(folder / "ranking.csv", index=False)
    if finished:
        (folder / "manifest.json").write_text("{}")
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def test_the_results_end_in_the_answer_and_the_one_page(here, capsys):
    folder = make(here / "results" / "mine")
    assert main(["show"]) == 0
    assert "The report is missing" in capsys.readouterr().out.splitlines()[-1]
    (folder / "report.html").touch()
    assert main(["show"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("mine: synthetic test clips, 3 seeds\n\nDetector")
    order = [line.split()[0] for line in told.splitlines() if "0." in line and "[" in line]
    assert order == ["CAM", "IG", "Energy", "Random"]
    flat = " ".join(told.split())
    assert (
        "The best explanation by average precision, CAM, points right in 80 % [70, 90] of the cases; chance is 20 %."
        in flat
    )
    assert told.endswith("\nOpen results/mine/report.html\n")
    assert max(map(len, told.splitlines())) <= 80
    assert "\x1b" not in told
    (folder / "index.html").touch()
    assert main(["show", "mine"]) == 0
    assert capsys.readouterr().out.endswith("\nOpen results/mine/index.html\n")


def test_an_experiment_is_found_by_name_by_folder_and_as_the_one_finished_last(here, capsys):
    for k, name in enumerate(("first", "second", "third")):
        os.utime(make(here / "results" / name, finished=name != "third") / "config.yaml")
        if name != "third":
            os.utime(here / "results" / name / "manifest.json", (1000 + k, 1000 + k))
    make(here / "elsewhere" / "fourth")
    for words, name in (
        ([], "second"),
        (["first"], "first"),
        (["results/first/"], "first"),
        (["elsewhere/fourth"], "fourth"),
    ):
        assert main(["show", *words]) == 0
        assert capsys.readouterr().out.startswith(f"{name}: ")
    (here / "first").mkdir()  # a folder of the same name that is no experiment
    assert main(["show", "first"]) == 0


def test_a_protocol_adds_its_masks_and_a_split_has_its_own_numbers(here, capsys):
    make(here / "results" / "mine", ("test", "recordings"))
    assert main(["show", "--protocol", "shared"]) == 0
    told = capsys.readouterr().out
    assert "protocol shared" in told
    assert told.splitlines()[2].split() == ["Detector", "AP", "IoU", "F1", "PG", "/", "%", "Class", "AUC"]
    assert main(["show", "--split", "recordings"]) == 0
    told = capsys.readouterr().out
    assert "real recordings" in told
    assert "CAM" in told
    assert "0.70 [0.60, 0.80]" in told


def test_files_are_listed_also_of_a_run_that_has_not_finished(here, capsys):
    folder = make(here / "results" / "mine", finished=False)
    assert main(["show", "mine", "--files"]) == 0
    assert capsys.readouterr().out.splitlines() == ["results/mine holds:", "  results/mine/metrics.csv"]
    assert folder.exists()


def test_what_is_missing_is_told(here, capsys):
    def complaint(*words: str) -> str:
        assert main(["show", *words]) == 1
        return capsys.readouterr().err

    assert complaint() == "ERROR: results: there is no finished experiment yet. This makes one: make run\n"
    assert "results/mine: there is no such experiment. There is none yet." in complaint("mine")
    folder = make(here / "results" / "mine", finished=False)
    assert "results/mine: there is no manifest.json, so its run has not finished." in complaint("mine")
    (folder / "manifest.json").touch()
    assert "(did you mean 'mine'?). There are mine." in complaint("mime")
    assert "no protocol 'sharde' (did you mean 'shared'?). There are own, shared" in complaint("--protocol", "sharde")
    assert "no results of recordings under own. There are results of test." in complaint("--split", "recordings")
    (folder / "ranking.csv").unlink()
    assert "results/mine: there is no ranking.csv" in complaint("mine")


@pytest.mark.parametrize(("variables", "styled"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_only_a_terminal_that_wants_it_gets_bold_text(here, variables, styled):
    make(here / "results" / "mine")
    inside, outside = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {"TERM": "xterm"} | variables
    command = [sys.executable, "-m", "igsed", "show"]
    done = subprocess.run(command, stdout=outside, env=environment | {"PYTHONPATH": str(ROOT)}, cwd=here)
    os.close(outside)
    told = os.read(inside, 65536).decode()
    os.close(inside)
    assert done.returncode == 0
    assert ("\x1b[1mDetector" in told) == styled
    assert ("\x1b" in told) == styled
