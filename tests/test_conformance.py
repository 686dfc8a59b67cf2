"""Every built-in detector conforms; detectors that are wrong in one way are caught by the check of this way."""

import itertools
import random
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import Field

from igsed import conformance, detectors
from igsed.attribution import Explanation, frame_scores
from igsed.detectors import DETECTORS, OfClassifier, OfEvents, OfFiles, OfFrames, OfMasks, OfWaveform
from igsed.detectors.energy import energy
from igsed.detectors.oracle import oracle
from igsed.detectors.scores import Settings as PathSettings
from igsed.detectors.scores import read
from igsed.errors import InputError
from igsed.perturbation.masks import cells
from igsed.perturbation.scoring import occlusion
from igsed.perturbation.settings import RandomCells
from igsed.settings import Section

ROOT = Path(__file__).parents[1]
FEW_STEPS = {"ig_captum": {"n_steps": 4}, "forest": {"trees": 3}}


def failed(detector, **settings):
    return {check.name: check.told for check in conformance.run(detector, **settings) if not check.passed}


@pytest.mark.parametrize("name", DETECTORS.built_in)
def test_every_built_in_detector_conforms(name):
    checks = conformance.run(name, **FEW_STEPS.get(name, {}))
    assert [check for check in checks if not check.passed] == []
    # Nothing was left out: all checks of what it needs, and that of the declaration.
    assert len(checks) == 1 + len(conformance._CHECKS[DETECTORS.built_in[name].needs])


def test_the_example_conforms():
    (detector,) = conformance.find(str(ROOT / "examples" / "my_methods.py"))
    assert detector.name == "gradient_times_input"
    assert failed(detector) == {}


def right(classifier, waveform, targets):
    clip = waveform[None].clone().requires_grad_()
    logits = classifier(clip)[0]
    gradients = [torch.autograd.grad(logits[target], clip, retain_graph=True)[0][0] for target in targets]
    return frame_scores(torch.stack(gradients) * waveform, classifier.sample_rate)


def changes_parameters(classifier, waveform, targets):
    scores = right(classifier, waveform, targets)
    with torch.no_grad():
        classifier.head.bias += 1
    return scores


def changes_training(classifier, *others):
    classifier.backbone.train()
    return right(classifier, *others)


def changes_requires_grad(classifier, *others):
    classifier.backbone.requires_grad_(True)
    return right(classifier, *others)


def leaves_a_hook(classifier, *others):
    classifier.head.register_forward_hook(lambda *_: None)
    return right(classifier, *others)


def switches_gradients_off(*arguments):
    scores = right(*arguments)
    torch.set_grad_enabled(False)
    return scores


def changes_threads(*arguments):
    torch.set_num_threads(2)
    return right(*arguments)


def changes_the_dtype(*arguments):
    scores = right(*arguments)
    torch.set_default_dtype(torch.float64)
    return scores


def asks_for_deterministic_algorithms(*arguments):
    torch.use_deterministic_algorithms(True)
    return right(*arguments)


def seeds_torch(*arguments):
    torch.manual_seed(0)
    return right(*arguments)


def seeds_numpy(*arguments):
    np.random.seed(0)
    return right(*arguments)


def changes_the_clip(classifier, waveform, targets):
    scores = right(classifier, waveform, targets)
    waveform *= 0.5
    return scores


def changes_the_targets(classifier, waveform, targets):
    scores = right(classifier, waveform, targets)
    targets.clear()
    return scores


def divides_by_the_loudest(classifier, waveform, targets):
    scores = right(classifier, waveform, targets)
    return scores / scores.amax(-1, keepdim=True)


def takes_8_khz_for_granted(classifier, waveform, targets):
    return frame_scores(right(classifier, waveform, targets).repeat_interleave(len(waveform) // 20, -1), 8000)[:, :20]


def ignores_the_targets(classifier, waveform, targets):
    return right(classifier, waveform, range(4))[: len(targets)]


class Explains:
    """A method with an `explain` of its own."""

    def __init__(self, change=lambda explanation: explanation):
        self.change = change

    def __call__(self, *arguments):
        return right(*arguments)

    def explain(self, *arguments):
        scores = right(*arguments)
        return self.change(Explanation(scores, *[torch.zeros(len(scores))] * 7))


def unlike_the_call():
    return Explains(lambda e: e._replace(scores=e.scores + 1))


def one_number_for_all():
    return Explains(lambda e: e._replace(error=torch.tensor(0.0)))


def no_explanation():
    return Explains(lambda e: e.scores)


def nothing_declared(function):
    return OfClassifier(name="wrong", title="Wrong", run=function, score="none")


def made(maker):
    """A detector that is made by calling."""
    return nothing_declared(type("Made", (), {"__new__": lambda cls: maker()}))


WRONG_CLASSIFIER = {
    "shape": [
        lambda *a: right(*a).T,
        lambda *a: right(*a)[:, :-1],
        lambda *a: right(*a).mean(0),
        lambda *a: None,
        lambda c, w, t: 1 / 0,
    ],
    "finite numbers": [
        lambda c, w, t: right(c, w, t).where((torch.tensor(t) != 3)[:, None] | (w == 0).all(), torch.nan)
    ],
    "silence": [divides_by_the_loudest],
    "one class": [lambda *a: right(*a).squeeze(0)],
    "other classes": [lambda *a: right(*a).softmax(0), ignores_the_targets],
    "repeatable": [
        lambda *a: right(*a) + np.random.random(),
        lambda *a: right(*a) + random.random(),
        lambda *a: right(*a) * (1 + torch.rand(1, generator=torch.Generator().manual_seed(next(COUNT)))),
    ],
    "classifier unchanged": [changes_parameters, changes_training, changes_requires_grad, leaves_a_hook],
    "torch unchanged": [
        switches_gradients_off,
        changes_threads,
        changes_the_dtype,
        asks_for_deterministic_algorithms,
        seeds_torch,
        seeds_numpy,
    ],
    "arguments unchanged": [changes_the_clip, changes_the_targets, lambda c, w, t: right(c, w.requires_grad_(), t)],
    "other length and rate": [lambda c, w, t: frame_scores(w.expand(len(t), -1), 8000)],
}
COUNT = iter(range(10**6))


@pytest.mark.parametrize(
    ("check", "function"),
    [(check, function) for check, functions in WRONG_CLASSIFIER.items() for function in functions],
)
def test_a_wrong_detector_of_the_classifier_is_caught(check, function):
    problems = failed(nothing_declared(function))
    # What differs from call to call also differs from one class to several.
    assert problems.keys() - ({"other classes"} if check == "repeatable" else set()) == {check}
    assert re.match("expected .*, found .*", problems[check])


@pytest.mark.parametrize("maker", [unlike_the_call, one_number_for_all, no_explanation])
def test_a_wrong_explanation_is_caught(maker):
    assert failed(made(Explains)) == {}
    assert failed(made(maker)).keys() == {"explanation"}


def test_random_numbers_that_are_drawn_once_for_all_classes_conform():
    assert failed(nothing_declared(lambda c, w, t: right(c, w + torch.randn(w.shape), t))) == {}
    for_each = nothing_declared(lambda c, w, t: torch.stack([right(c, w + torch.randn(w.shape), [k])[0] for k in t]))
    assert failed(for_each).keys() == {"other classes"}


def of_masks(masks=cells, run=occlusion, count=lambda settings: settings["masks"], settings=RandomCells):
    return OfMasks(name="w", title="W", settings=settings, masks=masks, run=run, count=count, score="s")


def other_masks(change):
    """Random cells that are changed."""

    def masks(count, generator, masks, cell, keep):
        return change(cells(count, generator, masks, cell, keep))

    return of_masks(masks=masks)


def other_scores(change):
    """Occlusion's scores, changed by a function of them and of the logits of the masked clips."""

    def run(masks, logits, logit):
        return change(occlusion(masks, logits, logit), logits)

    return of_masks(run=run)


class Unfilled(Section):
    """Without a filler."""

    masks: int = Field(9, description="number of masks")


SHARES = itertools.cycle(np.array([1, 0.5, 0.7], np.float32))


def changes_the_masks(masks, logits, logit):
    scores = occlusion(masks, logits, logit)
    masks *= 0.5
    return scores


def changes_the_logits(masks, logits, logit):
    logits -= logit
    return -occlusion(masks, logits, 0 * logit)


def too_few_of_fifteen(count, generator, masks, cell, keep):
    return cells(14 if count == 15 else count, generator, masks, cell, keep)


@pytest.mark.parametrize(
    ("checks", "detector"),
    [
        ({"shape"}, other_scores(lambda scores, logits: scores.T)),
        ({"shape"}, other_scores(lambda scores, logits: scores[:, 1:])),
        ({"masks"}, other_masks(lambda masks: masks.astype(np.float64))),
        ({"masks"}, other_masks(lambda masks: 2 * masks)),
        ({"masks", "other length and rate"}, of_masks(masks=too_few_of_fifteen)),
        ({"same masks", "repeatable", "other classes", "by hand"}, other_masks(lambda masks: masks * next(SHARES))),
        ({"number of masks"}, other_masks(lambda masks: masks[1:])),
        ({"number of masks"}, of_masks(count=lambda settings: 3)),
        (
            {"finite numbers", "one class", "other length and rate"},
            other_scores(lambda s, _: np.where(s > s.mean(1, keepdims=True) + 1e-3, np.nan, s)),
        ),
        ({"other classes"}, other_scores(lambda scores, logits: scores - logits.max())),
        ({"by hand"}, of_masks(run=changes_the_masks)),
        ({"by hand"}, of_masks(run=changes_the_logits)),
        ({"declaration", "shape"}, of_masks(settings=Unfilled)),
    ],
)
def test_a_wrong_detector_of_masks_is_caught(checks, detector):
    assert failed(of_masks()) == {}
    assert failed(detector).keys() == checks


def drawn(waveform, rate, labels, seed, clip):
    return energy(waveform, rate, labels, seed, clip) + np.random.default_rng(seed).random((len(labels), 1))


def changes_the_sound(waveform, *others):
    scores = energy(waveform, *others)
    waveform[:] = 0
    return scores


WRONG_SOUND = {
    "shape": [lambda *a: energy(*a).T, lambda *a: energy(*a)[0]],
    "finite numbers": [
        lambda w, r, labels, *o: np.where(
            [[x == "Speech" and w.any()] for x in labels], np.nan, energy(w, r, labels, *o)
        )
    ],
    "silence": [lambda *a: energy(*a) / energy(*a).max() if energy(*a).any() else np.full((3, 20), np.nan)],
    "one class": [lambda *a: energy(*a).squeeze()],
    "other classes": [drawn],
    "repeatable": [lambda *a: energy(*a) + np.random.random((len(a[2]), 1))],
    "arguments unchanged": [changes_the_sound],
    "other length and rate": [lambda w, r, labels, *o: energy(w, 8000, labels, *o)],
}


@pytest.mark.parametrize(
    ("check", "function"), [(check, function) for check, functions in WRONG_SOUND.items() for function in functions]
)
def test_a_wrong_detector_of_the_sound_is_caught(check, function):
    problems = failed(OfWaveform(name="wrong", title="Wrong", run=function, score="none"))
    assert problems.keys() - ({"other classes"} if check == "repeatable" else set()) == {check}


@pytest.mark.parametrize(
    ("check", "pool"),
    [
        ("shape", lambda x: x.amax(-1)),
        ("finite numbers", lambda x: x.exp().mean(-2).log()),
        ("gradient", lambda x: x.detach().amax(-2)),
        ("gradient", lambda x: x.amax(-2).clamp(max=0)),
        ("gradient", lambda x: x.square().sum(-2).sqrt()),
        ("other clips", lambda x: x.amax(-2) - x.mean((0, -2))),
        ("other classes", lambda x: x.amax(-2) - x.mean((-2, -1))[:, None]),
    ],
)
def test_a_wrong_pooling_is_caught(check, pool):
    problems = failed(OfFrames(name="wrong", title="W", run=pool, score="s", learns_from="clip"))
    # What is infinite has no finite gradient either.
    assert problems.keys() - ({"gradient"} if check == "finite numbers" else set()) == {check}


@pytest.mark.parametrize("pooling", ["max", "mean", "linear_softmax", "exponential_softmax", "attention"])
def test_every_pooling_conforms(pooling):
    assert failed("fw_ws", pooling=pooling) == {}


@pytest.mark.parametrize(
    ("checks", "outputs", "pool"),
    [
        (set(), 2, lambda x: x[..., : x.shape[-1] // 2].amax(-2) + x[..., x.shape[-1] // 2 :].mean(-2)),
        ({"shape"}, 2, lambda x: x.amax(-2)),
        ({"shape"}, 0, lambda x: x.amax(-2)),
        ({"gradient"}, 2, lambda x: x[..., : x.shape[-1] // 2].amax(-2)),
        ({"other classes"}, 2, lambda x: x.unflatten(-1, (-1, 2)).amax(-3).sum(-1)),
    ],
)
def test_several_outputs_per_class(checks, outputs, pool):
    detector = OfFrames(name="d", title="D", run=pool, score="s", learns_from="clip", outputs=lambda settings: outputs)
    assert failed(detector).keys() == checks


def changes_the_events(events, labels, duration):
    scores = oracle(events, labels, duration)
    events["onset"] = 0.0
    return scores


def takes_all_labels_for_granted(events, labels, duration):
    for label in set(events["event_label"]):
        labels.index(label)
    return oracle(events, labels, duration)


WRONG_EVENTS = {
    "shape": [lambda *a: oracle(*a).T, lambda *a: None, takes_all_labels_for_granted],
    "finite numbers": [
        lambda e, labels, d: np.where([[x == "Speech" and len(e)] for x in labels], np.nan, oracle(e, labels, d))
    ],
    "no event": [
        lambda e, *o: oracle(e, *o) / np.float64(len(e)),
        lambda e, *o: oracle(e, *o) if len(e) else np.zeros(20),
    ],
    "one class": [lambda *a: oracle(*a).squeeze()],
    "other classes": [lambda *a: oracle(*a) * len(a[1])],
    "repeatable": [lambda *a: oracle(*a) + np.random.random((len(a[1]), 1))],
    "arguments unchanged": [changes_the_events],
    "other length": [lambda e, labels, duration: oracle(e, labels, 2.0)],
}


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize(
    ("check", "function"), [(check, function) for check, functions in WRONG_EVENTS.items() for function in functions]
)
def test_a_wrong_detector_of_the_events_is_caught(check, function):
    problems = failed(OfEvents(name="wrong", title="Wrong", run=function, score="none"))
    assert problems.keys() - ({"other classes"} if check == "repeatable" else set()) == {check}


def of_files(run):
    return OfFiles(name="wrong", title="Wrong", settings=PathSettings, run=run, score="none")


def zeros_for_what_lacks(split, clips, labels, path):
    """Reads what is right, and gives zeros for what is not."""
    try:
        yield from list(read(split, clips, labels, path))
    except InputError:
        for clip in clips["clip"]:
            yield clip, np.zeros((len(labels), 10))


def only(suffix):
    def run(split, clips, labels, path):
        if list(Path(path).rglob(f"*.{suffix}")):
            yield from read(split, clips, labels, path)
        else:
            raise InputError("none")

    return run


@pytest.mark.parametrize(
    ("checks", "run"),
    [
        ({"damaged tables", "damaged Parquet"}, zeros_for_what_lacks),
        ({"Parquet"}, only("tsv")),
        ({"tables"}, only("parquet")),
        ({"tables", "Parquet"}, lambda *a, **k: ((clip, 2 * scores) for clip, scores in read(*a, **k))),
        ({"tables", "Parquet"}, lambda *a, **k: reversed(list(read(*a, **k)))),
    ],
)
def test_a_wrong_reader_is_caught(checks, run):
    assert failed(of_files(run)).keys() == checks


class Undescribed(Section):
    """Without a description."""

    width: int = 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "My-Detector"}, "My-Detector"),
        ({"title": " "}, "title"),
        ({"settings": Undescribed}, "width"),
    ],
)
def test_a_wrong_declaration_is_caught(changes, message):
    detector = replace(nothing_declared(lambda c, w, t, width=3: right(c, w, t)), **changes)
    problems = failed(detector)
    assert problems.keys() == {"declaration"}
    assert message in problems["declaration"]


def test_settings_reach_the_detector():
    class Settings(Section):
        """One."""

        frames: int = Field(0, description="frames that are cut off")

    def cut(classifier, waveform, targets, frames):
        return right(classifier, waveform, targets)[:, frames:]

    detector = replace(nothing_declared(cut), settings=Settings)
    assert failed(detector) == {}
    assert "(3, 19)" in failed(detector, frames=1)["shape"]
    with pytest.raises(InputError, match="framez"):
        conformance.run(detector, framez=1)


def test_the_state_of_the_caller_is_kept():
    torch.manual_seed(3)
    np.random.seed(3)
    expected = torch.rand(1), np.random.random(), torch.get_num_threads()
    torch.manual_seed(3)
    np.random.seed(3)
    for function in WRONG_CLASSIFIER["torch unchanged"]:
        failed(nothing_declared(function))
    assert torch.is_grad_enabled()
    assert torch.get_default_dtype() == torch.float32
    assert not torch.are_deterministic_algorithms_enabled()
    assert (torch.rand(1), np.random.random(), torch.get_num_threads()) == expected


FILE = """
from igsed.detectors import OfClassifier

def used(classifier, waveform, targets): ...
def named(classifier, waveform, targets): ...
def plain(classifier, waveform, targets, *, width=3): ...
def needs_more(classifier, waveform, targets, width): ...
def helper(waveform): ...
def _hidden(classifier, waveform, targets): ...

class Method:
    def __init__(self, width=3): ...
    def __call__(self, classifier, waveform, targets): ...

class Other:
    pass

FIRST = OfClassifier(name="first", title="First", run=used, score="s")
SECOND = OfClassifier(name="second", title="Second", run="{stem}:named", score="s")
AGAIN = SECOND
"""


@pytest.fixture
def imports(monkeypatch):
    """What is imported, and where from, is as before afterwards."""
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in set(sys.modules) - before:
        if name.startswith("found_"):
            del sys.modules[name]


@pytest.mark.usefixtures("imports")
def test_the_detectors_of_a_file_are_found(tmp_path):
    path = tmp_path / "found_several.py"
    path.write_text(FILE.format(stem="found_several"))
    assert [detector.name for detector in conformance.find(str(path))] == ["first", "second", "plain", "Method"]


@pytest.mark.usefixtures("imports")
def test_a_name_is_found_in_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "found_here.py").write_text(FILE.format(stem="found_here"))
    monkeypatch.chdir(tmp_path)
    assert [detector.name for detector in conformance.find("found_here:SECOND")] == ["second"]
    assert [detector.name for detector in conformance.find("energy")] == ["energy"]


@pytest.mark.usefixtures("imports")
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("found_none.py", "def f(x): ...", "holds no detector"),
        ("found_broken.py", "def", "SyntaxError"),
        ("found_raising.py", "raise RuntimeError('no')", "RuntimeError: no"),
        ("json.py", "", "another module is called 'json'"),
        ("found_absent.py", None, "no such file"),
    ],
)
def test_a_file_without_detectors_is_refused(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=re.escape(name) + ".*" + message):
        conformance.find(str(tmp_path / name))


@pytest.mark.usefixtures("imports")
@pytest.mark.parametrize("content", ["raise RuntimeError('no')", "X = y", "X = 3", "Y = 3", "def"])
def test_a_name_that_is_no_detector_is_refused(tmp_path, monkeypatch, content):
    (tmp_path / "found_wrong.py").write_text(content)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="found_wrong:X"):
        conformance.find("found_wrong:X")


def test_detectors_of_the_package_that_need_no_path_are_found_by_name():
    assert [conformance.find(name)[0] for name in detectors.DETECTORS.built_in] == list(DETECTORS.built_in.values())
