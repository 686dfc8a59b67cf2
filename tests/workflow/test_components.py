"""The proof: components of every family from a folder outside the package, through the whole workflow.

No file of the package or of the workflow knows them; the experiment names each as `package.module:name`.
"""

import os
import sys

import numpy as np
import pandas as pd
import pytest

from igsed import config, forecast
from igsed.config import pages
from igsed.config.experiment import BACKBONE, SOUNDBANK
from igsed.report import figures
from tests.workflow.project import ROOT, Project

MODULES = {
    "theirs/__init__.py": '"""Components of somebody else."""\n',
    "theirs/bank.py": '''
"""Tones, a pitch for each label."""

import numpy as np
from pydantic import Field

from igsed import audio
from igsed.settings import Count
from igsed.soundbanks import Kind, Settings, soundbank


class Tones(Settings):
    """Tones of a pitch for each label."""

    number: Count = Field(description="recordings of each label")


class ToneKind(Kind):
    def classes(self, settings):
        return ["Cat", "Dog"]

    def recipe(self, settings, labels, seed, sample_rate):
        return {"number": settings.number, "labels": list(labels), "seed": seed}

    def make(self, folder, downloads, progress, number, labels, seed):
        rng = np.random.default_rng(seed)
        for part in ("train", "eval"):
            for pitch, name in enumerate(progress([*(f"foreground/{x}" for x in labels), "background/room"])):
                for k in range(number):
                    time = np.arange(16000) / 16000
                    tone = np.sin(2 * np.pi * 500 * 2**pitch * time) if "foreground" in name else 0
                    place = folder / "audio" / part / "soundbank" / name
                    place.mkdir(parents=True, exist_ok=True)
                    sound = 0.3 * tone + 0.05 * rng.standard_normal(16000)
                    audio.write_wav(place / f"{part}{pitch}{k}.wav", sound, 16000)

    def index(self, places, labels, settings, progress=iter):
        return soundbank.index(places[self.name], labels, settings.validation_share, progress=progress)

    def count(self, settings, labels):
        return 2 * settings.number * (len(labels) + 1)


KIND = ToneKind(name="tones", title="tones", settings=Tones, makes=True)
''',
    "theirs/tiny.py": '''
"""A tiny network: the declaration."""

from pydantic import Field

from igsed.backbones import Network
from igsed.settings import Section


class Settings(Section):
    """A tiny network."""

    weights: str = Field(description="its file")


TINY = Network(name="tiny", title="Tiny", settings=Settings, network="theirs.code:Tiny", file="tiny.safetensors")
''',
    "theirs/code.py": """
import torch
from safetensors.torch import load_file
from torch import nn


class Tiny(nn.Module):
    sample_rate, embedding = 8000, 3

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 3)

    @classmethod
    def from_file(cls, path):
        network = cls()
        network.load_state_dict(load_file(path))
        return network

    def spectrum(self, waveform):
        return waveform.unfold(-1, 800, 800).reshape(len(waveform), -1, 4, 200).square().mean(-1)

    def body(self, spectrum):
        return self.linear(spectrum).relu()

    def project(self, channels):
        return channels

    def frame_times(self, samples):
        return 0.05 + 0.1 * torch.arange(samples // 800, dtype=torch.float64)
""",
    "theirs/say_when.py": '''
"""A detector of each need."""

from pathlib import Path

import numpy as np
from pydantic import Field

from igsed.detectors import OfClassifier, OfFiles, OfFrames, OfWaveform
from igsed.settings import Positive, Section


class Power(Section):
    """Loudness to some power."""

    power: Positive = Field(1.0, description="of the mean magnitude")


def loud(waveform, sample_rate, labels, seed, clip, power):
    frames = np.abs(waveform[: len(waveform) // (sample_rate // 10) * (sample_rate // 10)])
    return np.tile(frames.reshape(-1, sample_rate // 10).mean(1) ** power, (len(labels), 1))


def mean(logits):
    return logits.mean(-2)


def change(classifier, waveform, targets):
    return classifier.frames(waveform[None])[0].T[list(targets)].detach()


class Folder(Section):
    """Scores from a file."""

    path: str = Field(description="its folder")


def from_file(split, clips, labels, path):
    slope = float(Path(path, "slope.tsv").read_text())
    for clip in clips.itertuples():
        yield clip.clip, np.tile(slope * np.arange(round(clip.duration * 10)), (len(labels), 1))


LOUD = OfWaveform(name="loud", title="Loud", settings=Power, run=loud, score="mean magnitude")
MEAN = OfFrames(name="mean_head", title="Mean head", run=mean, learns_from="clip", score="logit")
CHANGE = OfClassifier(name="change", title="Change", run=change, score="logit")
GIVEN = OfFiles(name="from_file", title="From a file", settings=Folder, run=from_file, score="anything")
''',
    "theirs/judge.py": """
from igsed.metrics import Metric
from igsed.thresholds import Rule

HITS = Metric(
    name="hits",
    title="Hits",
    needs="mask",
    function=lambda predicted, active: (predicted & active).mean(-1),
    definition="H / number of frames",
)
MEAN = Rule(name="mean", title="Above the mean", function=lambda scores: scores > scores.mean(-1, keepdims=True))
""",
}
DETECTORS = {"loud": "waveform", "mean_head": "frames", "change": "classifier", "plain": "classifier", "given": "files"}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """A finished run in a project whose only additions are the folder `theirs` and its files."""
    folder = tmp_path_factory.mktemp("proof")
    settings = {
        "experiment": "proof",
        "soundbank": {"kind": "theirs.bank:KIND", "number": 3},
        "backbone": {"name": "theirs.tiny:TINY", "weights": "theirs/tiny.safetensors"},
        "mixtures": {"clips": {"train": 24, "validation": 4, "test": 4}, "events": [1, 2], "sample_rate": 16000},
        "training": {"seeds": [0], "max_epochs": 3},
        "detectors": [
            {"name": "loud", "method": "theirs.say_when:LOUD", "power": 2},
            {"name": "mean_head", "method": "theirs.say_when:MEAN"},
            {"name": "change", "method": "theirs.say_when:CHANGE"},
            {"name": "plain", "method": "theirs.say_when:change"},
            {"name": "given", "method": "theirs.say_when:GIVEN", "path": "theirs"},
        ],
        "evaluation": {
            "pairs": "present",
            "shared_from": "loud",
            "bootstrap": 100,
            "thresholds": ["percentile", "theirs.judge:MEAN"],
            "metrics": ["iou", "f1", "pointing_game", "average_precision", "theirs.judge:HITS"],
        },
        "figures": {"examples": 1},
    }
    project = Project(folder, settings)
    for name, text in MODULES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text.lstrip("\n"))
    (folder / "theirs" / "slope.tsv").write_text("0.5")
    import torch
    from safetensors.torch import save_file

    draw = torch.Generator().manual_seed(0)
    save_file(
        {"linear.weight": torch.randn(3, 4, generator=draw), "linear.bias": torch.zeros(3)},
        folder / "theirs" / "tiny.safetensors",
    )
    project.run()
    return project


@pytest.fixture
def there(project, monkeypatch):
    """The test process in the project's folder, with `theirs` to be imported."""
    monkeypatch.chdir(project.folder)
    monkeypatch.syspath_prepend(project.folder)
    yield project
    for name in [name for name in sys.modules if name.partition(".")[0] == "theirs"]:
        del sys.modules[name]


def test_each_is_in_the_scores_and_tables(project):
    for name, needs in DETECTORS.items():
        seed = "seed0"
        assert (project.results / "scores" / name / seed / "test.parquet").exists(), needs
    table = pd.read_csv(project.results / "tables" / "detection.csv")
    assert set(table["detector"]) == set(DETECTORS)
    assert set(table["protocol"]) == {"own", "shared", "mean"}
    assert table["hits"].between(0, 1).all()
    numbers = pd.read_csv(project.results / "metrics.csv")
    assert set(DETECTORS) <= set(numbers["detector"])
    assert "hits" in set(numbers["metric"])
    per_class = pd.read_csv(project.results / "tables" / "per_class.csv")
    assert set(per_class["label"]) - {"all", "class_mean"} == {"Cat", "Dog"}
    assert "tones" in (project.results / "report.html").read_text()


def test_what_they_say_is_what_is_judged(project):
    """A plain function and a declaration of it give the same; scores from a file are the file's."""
    scores = {name: pd.read_parquet(project.results / "scores" / name / "seed0" / "test.parquet") for name in DETECTORS}
    pd.testing.assert_frame_equal(scores["plain"], scores["change"])
    assert np.allclose(scores["given"]["score"], 0.5 * scores["given"]["frame"])


def test_each_is_in_the_figures(project):
    per_class = pd.read_csv(project.results / "tables" / "per_class.csv")
    drawn = figures.per_class(per_class)
    words = {text.get_text() for legend in drawn.legends for text in legend.get_texts()}
    assert set(DETECTORS) <= words
    for name in ("examples", "thresholds", "per_class", "pipeline", "training"):
        assert (project.results / "figures" / f"{name}.svg").stat().st_size > 0


def test_each_is_in_the_forecast(there):
    experiment = config.load(config.merge(["config.yaml", "experiment.yaml"]), ["config.yaml", "experiment.yaml"])
    jobs = forecast.planned(["experiment.yaml"], there.folder)
    named = {job.wildcards["detector"]: job.rule for job in jobs if "detector" in job.wildcards and job.level}
    rules = {"waveform": "baseline", "frames": "framewise", "classifier": "merge", "files": "given"}
    found = {(job.wildcards.get("detector"), job.rule) for job in jobs}
    assert set(named) == set(DETECTORS)
    assert {(name, rules[needs]) for name, needs in DETECTORS.items()} <= found
    explained = {job.wildcards["source"] for job in jobs if job.rule == "attribute"}
    assert explained == {name for name, needs in DETECTORS.items() if needs == "classifier"}
    costs = {"light": forecast.Cost(1.0, memory=1e6), "features": forecast.Cost(1.0, 1.0, memory=1e6)}
    table = forecast.forecast(jobs, experiment, costs, forecast.inputs_of(experiment))
    assert {"make_soundbank", "weights", "attribute", "given"} <= set(table.index)


def test_each_is_in_the_configuration_page(there):
    assert "recordings of each label" in pages.component_markdown(SOUNDBANK, "soundbank", "theirs.bank:KIND")
    assert "its file" in pages.component_markdown(BACKBONE, "backbone", "theirs.tiny:TINY")


def test_an_edit_of_theirs_reruns_what_it_touches_and_no_more(project):
    path = project.folder / "theirs" / "say_when.py"
    before = path.read_text()
    path.write_text(before.replace("return logits.mean(-2)", "return logits.amax(-2)"))
    os.utime(path)
    try:
        plan = project.plan()
    finally:
        path.write_text(before)
    assert plan["train"] == 1
    assert "mix" not in plan
    assert "features" not in plan


def test_no_file_of_the_package_was_edited(project):
    for part in ("igsed", "workflow"):
        for path in (project.folder / part).rglob("*.py"):
            assert path.read_bytes() == (ROOT / path.relative_to(project.folder)).read_bytes()
