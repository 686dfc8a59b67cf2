"""Finding a detector by name, with its settings, wherever it is declared."""

import numpy as np
import pytest
import torch

from igsed import attribution, detectors
from igsed.attribution.ig_captum import CaptumIntegratedGradients
from igsed.components import Family
from igsed.errors import InputError
from tests.toys import RATE, Linear

OWN = """\
import torch

def ones(classifier, waveform, targets, value=1.0):
    return torch.full((len(targets), len(waveform) // 100), value, requires_grad=True)

def lists(classifier, waveform, targets):
    return [[0] * (len(waveform) // 100) for _ in targets]

def explained(classifier, waveform, targets, factor=1):
    raise AssertionError("explain is preferred")

def _explain(classifier, waveform, targets, factor=1):
    from igsed.attribution import Explanation
    scores = torch.full((len(targets), len(waveform) // 100), float(factor))
    return Explanation(scores, *(torch.arange(len(targets)) * 1.0 + k for k in range(7)))

explained.explain = _explain

class Method:
    def __init__(self, factor=2):
        self.factor = factor

    def __call__(self, classifier, waveform, targets):
        return torch.full((len(targets), len(waveform) // 100), float(self.factor))

instance = Method(3)
constant = 3

from igsed import detectors
from igsed.settings import Positive, Section
import numpy as np

class Settings(Section):
    level: Positive = 1.0

def level(waveform, sample_rate, labels, seed, clip, level):
    return np.full((len(labels), len(waveform) * 10 // sample_rate), level)

DETECTOR = detectors.OfWaveform(name="level", title="Level", settings=Settings, run=level, score="a constant")
"""
CLASSIFIER, WAVEFORM = Linear(3 * RATE, 4), torch.ones(3 * RATE)


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "own_methods.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "own_methods", raising=False)
    return "own_methods"


def test_built_in_methods_take_their_options():
    method = detectors.load("ig_captum", n_steps=7, rule="riemann_middle", batch=3)
    assert isinstance(method, CaptumIntegratedGradients)
    assert (method.n_steps, method.rule, method.batch) == (7, "riemann_middle", 3)


@pytest.mark.parametrize(
    ("name", "options", "value"),
    [
        ("ones", {}, 1),
        ("ones", {"value": 4.5}, 4.5),
        ("Method", {}, 2),
        ("Method", {"factor": 5}, 5),
        ("instance", {}, 3),
        ("explained", {"factor": 6}, 6),
        ("lists", {}, 0),
    ],
)
def test_own_functions_classes_and_instances(own, name, options, value):
    method = detectors.load(f"{own}:{name}", **options)
    found = attribution.explain(method, CLASSIFIER, WAVEFORM, [0, 2])
    assert found.scores.tolist() == [[value] * 30] * 2
    assert not found.scores.requires_grad
    reported = [found.logit, found.baseline_logit, found.total]
    if name == "explained":
        assert [x.tolist() for x in reported] == [[0, 1], [1, 2], [2, 3]]
    else:
        assert all(x.isnan().all() and x.shape == (2,) for x in [*reported, found.completeness_error])


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("integrated", "detector 'integrated' is unknown. Use one of cam, deep_lift, energy, few_shot, "),
        ("energi", "did you mean 'energy'?"),
        ("", "detector '' is unknown"),
        ("no_such_module:call", "No module named 'no_such_module'"),
        ("own_methods:absent", "has no attribute 'absent'"),
        (".own_methods:ones", "detector '.own_methods:ones'"),
        ("own_methods:constant", "neither"),
    ],
)
@pytest.mark.usefixtures("own")
def test_unknown_names_are_refused(name, problem):
    with pytest.raises(InputError) as caught:
        detectors.load(name)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    "name", ["ig", "fw_ws", "energy", "own_methods:Method", "own_methods:ones", "own_methods:instance"]
)
@pytest.mark.usefixtures("own")
def test_unknown_settings_are_refused(name):
    with pytest.raises(InputError, match=r"^detector '.*stepz"):
        detectors.load(name, stepz=3)


@pytest.mark.usefixtures("own")
def test_a_declaration_of_one_s_own_has_checked_settings():
    scores = detectors.load("own_methods:DETECTOR", level=2)(np.zeros(3200, np.float32), 16000, ["Dog"], 0, "a")
    assert scores.tolist() == [[2, 2]]
    with pytest.raises(InputError, match="level: Input should be greater than 0"):
        detectors.load("own_methods:DETECTOR", level=-1)


def test_every_built_in_detector_says_what_it_is():
    found = detectors.DETECTORS.built_in
    assert {"ig", "ig_captum", "fw_ws", "fw_ss", "random", "energy", "scores"} <= set(found)
    assert {"oracle", "quiet_distance", "few_shot"} <= set(found)
    for name, detector in found.items():
        assert detector.name == name
        assert detector.title
        assert detector.score
        assert detector.needs in ("waveform", "events", "frames", "classifier", "masks", "files")
        assert all(field.description for field in detector.settings.model_fields.values())
        assert detectors.DETECTORS.module_of(name).startswith("igsed.detectors.")


def test_the_paper_s_detectors_stand_in_its_order():
    assert [detector.title for detector in detectors.published()] == ["IG", "FW-WS", "FW-SS", "Random", "Energy"]


def test_an_installed_package_brings_detectors(monkeypatch):
    class Point:
        name, value = "theirs", "own_methods:DETECTOR"

    family = Family("detector", "igsed.detectors", detectors.Detector)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [Point] if group == "igsed.detectors" else [])
    assert family.names[-1] == "theirs"
    assert family.module_of("theirs") == "own_methods"
