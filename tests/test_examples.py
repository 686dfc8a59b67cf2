"""The examples of the README, docs/running.md and docs/detectors.md work, and the page shows the file as it is."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import torch
import yaml
from torch import nn

from igsed import attribution, config, detectors
from igsed.classifier import Classifier
from igsed.errors import InputError
from tests.weights import yamnet_files

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "my_methods.py"
OF_THE_SITE = {"index", "contributing", "changelog"}  # pages that include a file beside docs/
METHOD = "my_methods:gradient_times_input"
SAMPLE_RATE = 1600


class Energies(nn.Module):
    """A body whose only channel is the mean square of each 160 samples, so that gradients are known."""

    sample_rate = SAMPLE_RATE

    def spectrum(self, waveform):
        return waveform.unflatten(-1, (-1, 160)).pow(2).mean(-1, keepdim=True)

    def body(self, spectrum):
        return spectrum

    def project(self, channels):
        return channels


@pytest.fixture
def classifier():
    head = nn.Linear(1, 2)
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[1.0], [-3.0]]))
    return Classifier(Energies(), head)


@pytest.fixture
def method(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLE.parent)
    return detectors.load(METHOD)


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def test_scores_are_those_of_the_closed_form(classifier, method):
    waveform = torch.randn(SAMPLE_RATE, generator=torch.Generator().manual_seed(1))
    scores = attribution.explain(method, classifier, waveform, [1, 0]).scores
    # logit = w · (max + mean over frames) of the frames' mean squares, so gradient × input = w · c · 2x² / 160 with
    # c = 1 / frames, and 1 more in the loudest frame.
    energy = waveform.unflatten(0, (10, 160)).pow(2).mean(-1)
    share = torch.full((10,), 0.1)
    share[energy.argmax()] += 1
    expected = 2 * energy * share / 160
    torch.testing.assert_close(scores, torch.stack([3 * expected, expected]))
    assert not scores.requires_grad


def test_highest_score_lies_in_the_event(classifier, method):
    waveform = torch.zeros(SAMPLE_RATE)
    waveform[800:960] = torch.sin(torch.arange(160.0))
    assert attribution.explain(method, classifier, waveform, [0]).scores.argmax() == 5


def test_a_method_with_another_shape_is_refused(classifier):
    with pytest.raises(InputError, match=r"\(1, 9\).*expected.*\(1, 10\)"):
        attribution.explain(lambda *_: torch.zeros(1, 9), classifier, torch.zeros(SAMPLE_RATE), [0])


def test_page_shows_the_file():
    shown = blocks((ROOT / "docs" / "detectors.md").read_text(encoding="utf-8"), "python")[0]
    assert shown == EXAMPLE.read_text(encoding="utf-8")


def test_the_example_s_configuration_is_valid(monkeypatch):
    monkeypatch.chdir(ROOT)
    files = ["config.yaml", "config/own_detector.yaml"]
    checked = config.load(config.merge(files), files)
    assert list(checked.detectors_of("classifier")) == ["ig", "gradient_times_input"]


def test_a_module_that_cannot_be_imported_is_named():
    own = {"detectors": ["ig", {"name": "my_method", "method": "no_such_module:f"}]}
    with pytest.raises(InputError, match="no_such_module"):
        config.load(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")) | own)


def test_the_readme_is_short_and_begins_with_the_question_the_picture_and_the_answer():
    """600 words, without tables, pictures and the entries to cite."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = text.splitlines()
    counted = re.sub(r"```bibtex\n.*?```", "", text, flags=re.DOTALL).splitlines()
    assert sum(len(line.split()) for line in counted if not line.startswith(("|", "![", "```"))) <= 600
    question = next(k for k, line in enumerate(lines) if "can its explanation say *when*?" in line)
    picture = next(k for k, line in enumerate(lines) if line.startswith("![") and "headline" in line)
    answers = [k for k, line in enumerate(lines) if line.startswith("- **")][:3]
    assert question < picture < answers[0]
    assert answers[-1] < lines.index("## Install and run")
    assert "recorded sounds" in lines[answers[0]]
    assert {"    make run", "    make test"} <= {line.partition("   #")[0].rstrip() for line in lines}
    adding = {path.stem for path in (ROOT / "docs" / "adding").glob("*.md")}
    assert adding == {name for line in lines for name in re.findall(r"\(docs/adding/(\w+)\.md\)", line)}
    listed = {name for line in lines if line.startswith("| [") for name in re.findall(r"\(docs/(\w+)\.md\)", line)}
    assert listed == {path.stem for path in (ROOT / "docs").glob("*.md")} - {"third_party", *OF_THE_SITE}


def test_the_version_and_what_is_cited_are_the_same_everywhere():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    (entries,) = blocks((ROOT / "README.md").read_text(encoding="utf-8"), "bibtex")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert citation["version"] == version == re.search(r"version = \{(.*)\}", entries)[1]
    assert re.search(r"^## \[(.*)\] - (.*)$", changes, flags=re.MULTILINE).groups() == (
        version,
        str(citation["date-released"]),
    )
    paper = citation["references"][0]
    names = " and ".join(f"{author['family-names']}, {author['given-names']}" for author in paper["authors"])
    assert [f"{{{words}}}" in entries for words in (names, paper["title"], citation["title"])] == [True] * 3


@pytest.mark.parametrize(("kind", "page"), [("checkout", "README.md"), ("installed", "docs/running.md")])
def test_the_python_of_pages_runs_in_an_empty_folder(tmp_path, kind, page):
    """On a fresh copy; once the weights are there, nothing is told. What would come from the network is linked."""
    copy, empty = tmp_path / "copy", tmp_path / "empty"
    shutil.copytree(ROOT / "igsed", copy / "igsed", ignore=shutil.ignore_patterns("__pycache__"))
    if kind == "checkout":
        (copy / "Snakefile").touch()
    home = (copy / "resources" if kind == "checkout" else tmp_path / "cache" / "igsed") / "yamnet"
    home.mkdir(parents=True)
    (home / "yamnet").symlink_to(yamnet_files()[0].parent)
    empty.mkdir()
    (code,) = blocks((ROOT / page).read_text(encoding="utf-8"), "python")
    code += "assert scores.shape == (1, 100) and scores.isfinite().all()\n"
    environment = os.environ | {"PYTHONPATH": str(copy), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    for told in (f"YAMNet's weights (16 MB) are fetched once, into {home}\n", "")[: 1 if kind == "checkout" else 2]:
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=empty, env=environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", told)
    assert list(empty.iterdir()) == []
    assert (home / "yamnet.safetensors").is_file()
