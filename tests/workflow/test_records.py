"""Records speak of what was made, not of what was intended: partial runs with other settings."""

import copy
import json

import pytest
import yaml

from igsed import __main__
from tests.workflow.project import MINIATURE, contents

RECORDS = ("config.yaml", "manifest.json", "report.html")
MORE = copy.deepcopy(MINIATURE) | {"training": {"seeds": [0, 1, 2, 3, 4]}}
MORE["mixtures"]["clips"] = {"train": 1000, "validation": 96, "test": 500}


def problems(project, monkeypatch, capsys) -> list[str]:
    monkeypatch.chdir(project.folder)
    status = __main__.main(["verify", "results/miniature"])
    lines = capsys.readouterr().out.splitlines()
    assert status == (": files are as" not in lines[-1] and "made them." not in lines[-1])
    return lines[:-2] if status else [line for line in lines if not line.startswith("note: ")][:-1]


def test_the_records_state_the_settings_that_made_what_lies_there(finished):
    settings = yaml.safe_load((finished.results / "config.yaml").read_text())
    assert settings == json.loads((finished.results / "manifest.json").read_text())["config"]
    assert settings["mixtures"]["clips"] == {"train": 32, "validation": 5, "test": 6}
    assert "training seeds: 0" in (finished.results / "report.html").read_text()


@pytest.mark.parametrize("how", [["--until", "figure_pipeline"], ["results/miniature/figures/pipeline.svg"]])
def test_a_partial_run_with_other_settings_leaves_the_records_alone(finished, monkeypatch, capsys, how):
    before = contents(finished.results, *RECORDS)
    (finished.results / "figures" / "pipeline.svg").unlink()
    finished.run(*how, settings=MORE)
    assert (finished.results / "figures" / "pipeline.svg").exists()
    assert contents(finished.results, *RECORDS) == before
    assert problems(finished, monkeypatch, capsys) == []
    finished.run()


def test_what_a_partial_run_made_with_other_settings_is_named(finished, monkeypatch, capsys):
    before = contents(finished.results, *RECORDS)
    other = copy.deepcopy(MINIATURE)
    other["training"]["learning_rate"] = 0.01
    finished.run("results/miniature/models/clip/seed0.safetensors", settings=other)
    assert contents(finished.results, *RECORDS) == before
    newer = "newer than manifest.json: results/miniature/models/clip/seed0."
    assert problems(finished, monkeypatch, capsys) == [f"{newer}csv", f"{newer}safetensors"]
    finished.run()
    assert problems(finished, monkeypatch, capsys) == []


def test_results_are_not_declared_to_be_those_of_other_settings(finished):
    before = contents(finished.results, *RECORDS)
    done = finished.snakemake("--touch", settings=MORE)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "made with other settings (mixtures.clips.train, mixtures.clips.validation, mixtures.clips.test" in said
    assert contents(finished.results, *RECORDS) == before
    finished.run("--touch")
    assert contents(finished.results, *RECORDS) == before
    assert finished.plan() == {}
