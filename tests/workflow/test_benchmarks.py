"""What `make bench` runs, on the miniature and with as little of everything as there can be."""

import json
import shutil
import sys

import pytest
import torch

from benchmarks import attribution, stages
from tests.workflow.project import ROOT


@pytest.fixture
def bench(finished, monkeypatch):
    """Runs a module as the command line does, in the finished miniature; gives the report that it writes."""
    monkeypatch.chdir(finished.folder)
    reports = finished.folder / "benchmarks" / "results"
    reports.mkdir(parents=True)

    def run(module, *arguments):
        monkeypatch.setattr(module, "ROOT", finished.folder)
        monkeypatch.setattr(sys, "argv", [module.__name__, *map(str, arguments), "--name", "here"])
        module.main()
        return json.loads((reports / "here.json").read_text(encoding="utf-8"))

    threads = torch.get_num_threads()
    yield run
    torch.set_num_threads(threads)
    shutil.rmtree(finished.folder / "benchmarks")


def test_the_stages_are_measured(bench, finished, monkeypatch, capsys):
    monkeypatch.setattr(stages, "start_up", lambda script: 0.01)  # of each script a second, else
    report = bench(stages, "--experiment", finished.results, "--clips", "2")
    rates = {row["what"]: row["clips_per_second"] for row in report["rates"]}
    assert {"features, the bare yamnet", "mixtures, drawn, checked, rendered, written"} <= set(rates)
    assert all(rate > 0 for rate in rates.values())
    assert {"attribute", "mix", "page"} <= {row["rule"] for row in report["stages"]}
    assert 0 <= report["not_computation"] < 1
    told = capsys.readouterr()
    assert "a few minutes" in told.err
    assert "clips_per_second" in told.out


def test_attribution_is_measured(bench, finished, capsys):
    few = [
        "--clips",
        "1",
        "--seconds",
        "1",
        "--reference",
        "16",
        "--pieces",
        "4",
        "--tolerances",
        "0.5",
        "--steps",
        "4",
    ]
    weights = finished.folder / "resources" / "yamnet" / "yamnet.safetensors"
    report = bench(
        attribution, finished.results / "mixtures" / "test" / "audio", *few, "--growth", "--weights", weights
    )
    assert {row["method"] for row in report["summary"]} == {"Captum 4", "engine 4", "engine, tolerance 0.5"}
    assert {row["classes"] for row in report["growth"]} == {1, 2, 4}
    assert "takes about" in capsys.readouterr().err


def test_the_makefile_calls_what_is_tested_here():
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").split("\nbench:")[1].split("\n\n")[0]
    modules = {line.split()[2] for line in lines.splitlines() if "python -m" in line}
    assert modules == {attribution.__name__, stages.__name__}
