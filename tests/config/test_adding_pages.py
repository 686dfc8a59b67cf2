"""The pages on adding a component: what they show works as it stands, and they leave nothing out."""

import dataclasses
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from igsed import backbones, config, detectors, export, forecast, preflight
from igsed.components import Component
from igsed.config import adding_pages
from igsed.config.detectors import Chosen
from igsed.config.evaluation import Evaluation
from tests.test_export import make
from tests.toys import recording

ROOT = Path(__file__).parents[2]
SCORES = (ROOT / "docs" / "adding" / "scores.md").read_text(encoding="utf-8")


def shown(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, flags=re.DOTALL)


@pytest.fixture
def example(tmp_path, monkeypatch):
    """Writes the modules that a page shows into a folder on the path; gives the section of the configuration."""
    known = set(sys.modules)

    def write(page: str) -> dict:
        for code in shown(adding_pages.markdown(page), "python"):
            name = "my_network" if "the network itself" in code else f"my_{page.partition('_')[2] or page}"
            (tmp_path / f"{name}.py").write_text(code, encoding="utf-8")
        return yaml.safe_load(shown(adding_pages.markdown(page), "yaml")[0])

    monkeypatch.syspath_prepend(tmp_path)
    yield write
    for name in set(sys.modules) - known:
        if name.startswith("my_"):
            del sys.modules[name]


def load(**sections):
    values = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    return config.load(values | {"sources": str(ROOT / "config" / "sources.csv")} | sections)


@pytest.mark.parametrize("name", adding_pages.FAMILIES)
def test_a_page_says_every_field_method_and_built_in_component(name):
    page, family = adding_pages.markdown(name), adding_pages.FAMILIES[name]
    described = re.findall(r"^- \*\*(.+?)\*\*", page, flags=re.MULTILINE)
    fields = {field.name for field in dataclasses.fields(family.kind)}
    assert fields <= {each for entry in described for each in re.findall(r"`(\w+)`", entry)}
    if name not in ("metric", "threshold_rule"):
        assert all(f"- `{built_in}`: " in page for built_in in family.built_in)
        judged = backbones.Backbone if name == "backbone" else family.kind
        assert adding_pages.methods(judged)
        assert all(
            meaning and f"- **`{call}`**: {meaning}" in page for call, meaning in adding_pages.methods(judged).items()
        )
    assert f'[project.entry-points."{family.package}"]' in page


def test_fields_of_a_declaration_without_a_description_are_found():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Two(Component):
        """Two fields.

        Attributes
        ----------
        first, second : int
            In words,
            on two lines.

        Notes
        -----
        none : int
            Not a field.
        """

        first: int
        second: int = 0

    own, *inherited = adding_pages.fields(Two)
    assert own == (["first", "second"], "int", True, "In words,\non two lines.")
    assert [name for field in inherited for name in field.names] == ["name", "title", "settings", "citation"]


def test_the_metric_is_computed(example):
    evaluation = Evaluation(**example("metric")["evaluation"])
    scores, active = np.array([[0.0, 3.0, 1.0], [2.0, 0.0, 1.0]]), np.array([[False, True, True]] * 2)
    masks = scores > scores.mean(-1, keepdims=True)
    assert evaluation.chosen_metrics[-1].values(masks, scores, active, ["a", "b"]).tolist() == [1, 0]


def test_the_rules_make_masks_and_protocols(example):
    evaluation = Evaluation(**example("threshold_rule")["evaluation"])
    assert evaluation.main_protocols == ["own", "shared", "mean", "deviations"]
    scores = np.array([[0.0, 3.0, 1.0, 0.0]])
    assert evaluation.rules["my_rule:MEAN"].mask(scores).tolist() == [[False, True, False, False]]
    rule = evaluation.rules["my_rule:DEVIATIONS"]
    assert [rule.mask(scores, value).sum() for value in rule.swept(evaluation)] == [1, 1, 1, 1, 0]


def test_the_backbone_is_loaded_and_does_what_a_backbone_must(example, tmp_path, monkeypatch):
    section = example("backbone")["backbone"]
    monkeypatch.chdir(tmp_path)
    network = runpy.run_path(str(tmp_path / "my_network.py"))["Mine"]()
    torch.save(network.state_dict(), tmp_path / "mine.pt")
    chosen = load(backbone=section)
    assert preflight.problems(chosen, tmp_path) == []
    loaded = backbones.load(**chosen.backbone.model_dump())
    waveform = torch.randn(1, 16_000, generator=torch.Generator().manual_seed(1))
    spectrum = loaded.spectrum(waveform)
    torch.testing.assert_close(loaded.spectrum(3 * waveform), 9 * spectrum)
    assert loaded.project(loaded.body(spectrum)).shape == (1, 10, loaded.embedding)
    assert loaded.frame_times(16_000).tolist() == pytest.approx([0.05 + 0.1 * k for k in range(10)])
    silence = torch.zeros(1, 16_000, requires_grad=True)
    (gradient,) = torch.autograd.grad(loaded.body(loaded.spectrum(silence)).sum(), silence)
    assert gradient.isfinite().all()


def test_the_soundbank_is_indexed(example, tmp_path):
    section = example("soundbank")
    for part, names in {"train": "ab", "eval": "c"}.items():
        for k, label in enumerate(("Cat", "Dog", "background")):
            for name in names:
                recording(tmp_path / part / label / f"{name}.wav", seconds=0.5, rate=8000, seed=10 * k + ord(name))
    section["soundbank"]["path"] = str(tmp_path)
    chosen = load(**section)
    table = chosen.soundbank.component.index({}, chosen.classes, chosen.soundbank)
    assert table["split"].value_counts().to_dict() == {"train": 3, "validation": 3, "test": 3}
    assert forecast.inputs_of(chosen, tmp_path).recordings == 9


def test_the_recordings_are_found(example, tmp_path):
    section = example("recordings")["recordings"]
    real = tmp_path / "real"
    recording(real / "a.wav", seconds=1, rate=8000)
    (real / "events.tsv").write_text("filename\tonset\toffset\tevent_label\na.wav\t0.1\t0.5\tDog\n")
    chosen = load(recordings=section | {"path": str(real)})
    assert preflight.problems(chosen, tmp_path) == []
    assert forecast.inputs_of(chosen, tmp_path).real_clips == 1
    assert chosen.recordings.component.find(chosen.recordings, None) == (str(real), real / "events.tsv")


def test_the_scores_of_the_page_are_taken(tmp_path):
    (code,) = shown(SCORES, "python")
    (tmp_path / "my_scores.py").write_text(code, encoding="utf-8")
    given = export.export(make(tmp_path / "results" / "tiny"), tmp_path / "for_them").folder
    command = [sys.executable, "my_scores.py", "for_them", "for_us"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    clips = pd.read_csv(given / "test" / "clips.csv")
    judged = detectors.load("scores", path=str(tmp_path / "for_us"))
    scores = dict(judged("test", clips, (given / "labels.txt").read_text().split()))
    assert [scores[clip].shape for clip in clips["clip"]] == [(3, int(length * 10)) for length in clips["duration"]]
    (section,) = shown(SCORES, "yaml")
    names = [Chosen.model_validate(each).name for each in yaml.safe_load(section)["detectors"]]
    assert names == ["ig", "theirs", "random", "energy"]
    assert load(**yaml.safe_load(section)).detector_names == names
