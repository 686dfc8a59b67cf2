"""Finding a method, running it, and from attributions to frames."""

import numpy as np
import pytest
import torch

from igsed import attribution
from igsed.attribution.ig_captum import CaptumIntegratedGradients
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
    return Explanation(scores, *(torch.arange(len(targets)) * 1.0 + k for k in range(5)))

explained.explain = _explain

class Method:
    def __init__(self, factor=2):
        self.factor = factor

    def __call__(self, classifier, waveform, targets):
        return torch.full((len(targets), len(waveform) // 100), float(self.factor))

instance = Method(3)
constant = 3
"""
CLASSIFIER, WAVEFORM = Linear(3 * RATE, 4), torch.ones(3 * RATE)


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "own_methods.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "own_methods", raising=False)
    return "own_methods"


def test_built_in_methods_take_their_options():
    method = attribution.load("ig_captum", steps=7, rule="riemann_middle", batch=3)
    assert isinstance(method, CaptumIntegratedGradients)
    assert (method.steps, method.rule, method.batch) == (7, "riemann_middle", 3)


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
    method = attribution.load(f"{own}:{name}", **options)
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
        ("integrated", "No module named 'integrated'"),
        ("", "attribution method ''"),
        ("no_such_module:call", "No module named 'no_such_module'"),
        ("own_methods:absent", "has no attribute 'absent'"),
        ("own_methods", "attribution method 'own_methods'"),
        (".own_methods:ones", "attribution method"),
        ("own_methods:constant", "is no class or function"),
    ],
)
@pytest.mark.usefixtures("own")
def test_unknown_names_are_refused(name, problem):
    with pytest.raises(InputError) as caught:
        attribution.load(name)
    assert problem in str(caught.value)
    assert "package.module:callable" in str(caught.value)


@pytest.mark.parametrize("name", ["ig", "own_methods:Method", "own_methods:ones", "own_methods:instance"])
@pytest.mark.usefixtures("own")
def test_unknown_options_are_refused(name):
    with pytest.raises(InputError, match=f"attribution method '{name}': .*stepz.*Correct its options"):
        attribution.load(name, stepz=3)


@pytest.mark.parametrize(
    "scores",
    [
        torch.zeros(2, 29),
        torch.zeros(1, 30),
        torch.zeros(30),
        torch.zeros(2, 30, 1),
        torch.full((2, 30), torch.nan),
        torch.full((2, 30), torch.inf),
    ],
    ids=["a frame short", "a class short", "one axis", "three axes", "nan", "infinite"],
)
def test_scores_of_a_wrong_shape_or_not_finite_are_refused(scores):
    with pytest.raises(InputError, match=r"expected finite numbers of shape \(2, 30\) \(target, frame\)"):
        attribution.explain(lambda *_: scores, CLASSIFIER, WAVEFORM, [0, 1])


def test_too_little_memory_is_told():
    def large(*_):
        return torch.empty(1 << 60, dtype=torch.uint8)

    with pytest.raises(InputError, match="memory does not suffice even for one at a time"):
        attribution.explain(large, CLASSIFIER, WAVEFORM, [0])


def test_no_targets():
    found = attribution.explain(lambda c, w, t: torch.zeros(len(t), 30), CLASSIFIER, WAVEFORM, [])
    assert found.scores.shape == (0, 30)


def test_completeness_error():
    logit, baseline, total = torch.tensor([[3.0, 0.0], [1.0, 4.0], [2.5, -4.0]])
    unknown = torch.full((2,), torch.nan)
    explanation = attribution.Explanation(torch.zeros(2, 30), logit, baseline, total, unknown, unknown)
    assert explanation.completeness_error.tolist() == [0.25, 0.0]


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 32000, 44100])
def test_frame_scores_by_hand(rate):
    attributions = torch.from_numpy(np.random.default_rng(0).normal(size=(2, rate + rate // 7)))
    found = attribution.frame_scores(attributions, rate)
    assert found.shape == (2, 11)
    for target in range(2):
        for frame in range(11):
            samples = attributions[target, frame * rate // 10 : (frame + 1) * rate // 10].tolist()
            assert found[target, frame].item() == pytest.approx(sum(map(abs, samples)) / (rate // 10))


def test_frame_scores_keep_leading_axes():
    attributions = torch.randn(2, 3, 500, generator=torch.Generator().manual_seed(0))
    found = attribution.frame_scores(attributions, RATE)
    assert found.shape == (2, 3, 5)
    assert torch.equal(found[1, 2], attribution.frame_scores(attributions[1, 2], RATE))
