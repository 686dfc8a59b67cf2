"""Entries of `detectors`: options of any detector, entries made of others, and what detectors share."""

import pydantic
import pytest

from igsed import preflight
from igsed.config import Config
from igsed.detectors import DETECTORS, OfClassifier, OfMasks, checked


def config(*entries, clips=None, **sections) -> Config:
    sections.setdefault(
        "evaluation", {"shared_from": (entries[0] if isinstance(entries[0], str) else entries[0]["name"])}
    )
    counts = {"train": 8, "validation": 4, "test": 4} | (clips or {})
    return Config.model_validate(
        {
            "experiment": "a",
            "seed": 1,
            "soundbank": {"kind": "procedural"},
            "mixtures": {"clips": counts, **sections.pop("mixtures", {})},
            "detectors": list(entries),
            **sections,
        }
    )


def refusal(*entries, **sections) -> str:
    with pytest.raises(pydantic.ValidationError) as caught:
        config(*entries, **sections)
    return str(caught.value)


QUIET = {"name": "quiet", "method": "ig", "baseline": "quiet_second", "domain": "mel", "n_steps": 4}


def test_an_entry_takes_the_keys_of_another_and_has_its_own():
    found = config(
        QUIET,
        {"name": "control", "of": "smooth", "control": "random_head"},
        {"name": "smooth", "of": "quiet", "smooth": 0.5, "n_steps": 8},
        "energy",
        {"name": "loud", "of": "energy", "smooth": 1},
    )
    control = found.chosen("control")
    assert (control.method, control.smooth, control.control) == ("ig", 0.5, "random_head")
    assert (control.settings["n_steps"], control.settings["baseline"]) == (8, "quiet_second")
    assert found.chosen("quiet").settings["n_steps"] == 4
    assert found.chosen("loud").method == "energy"
    assert config(*(chosen.model_dump() for chosen in found.detectors)).detectors == found.detectors


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([QUIET, {"name": "b", "of": "quite"}], "no detector 'quite' in the list (did you mean 'quiet'"),
        ([{"name": "b", "of": "c"}, {"name": "c", "of": "b"}], "leads back to itself"),
        ([{"name": "b", "of": "b"}], "leads back to itself"),
        (["energy", {"name": "b", "of": "energy", "control": "random_head"}], "control: energy has no model"),
        (["oracle", {"name": "b", "of": "oracle", "control": "random_body"}], "control: oracle has no model"),
        ([QUIET, {"name": "b", "of": "quiet", "control": "random"}], "control"),
        ([QUIET, {"name": "b", "of": "quiet", "smooth": -1}], "smooth"),
        ([QUIET, {"name": "b", "of": "quiet", "levels": False}], "there are no training.levels"),
        (["random", {"name": "b", "of": "random", "levels": False}], "levels: random has no model"),
        ([{**QUIET, "baseline": "median", "domain": "waveform"}], "domain: the baseline median is a spectrum"),
        (["ig", {"name": "b", "method": "occlusion", "hop": 0.5}], "hop: 0.5 s is more than window"),
        (["ig", {"name": "b", "method": "occlusion", "window": 0.25}], "window"),
        (["ig", {"name": "b", "method": "layer_cam", "layers": []}], "layers"),
        (["ig", {"name": "b", "method": "fw_ws", "pooling": "median"}], "pooling"),
    ],
)
def test_impossible_entries_are_refused(entries, message):
    assert message in refusal(*entries)


def test_detectors_share_what_they_can():
    found = config(
        QUIET,
        {"name": "smooth", "of": "quiet", "smooth": 0.5},
        {"name": "contrast", "of": "quiet", "contrast": True},
        {"name": "control", "of": "quiet", "control": "random_head"},
        {"name": "control_smooth", "of": "control", "smooth": 0.5},
        {"name": "plain", "of": "quiet", "levels": False},
        "rise",
        "lime",
        {"name": "rise_body", "of": "rise", "control": "random_body"},
        {"name": "rise_head", "of": "rise", "control": "random_head"},
        {"name": "rise_silence", "of": "rise", "filler": "silence"},
        "fw_ws",
        {"name": "fw_body", "of": "fw_ws", "control": "random_body"},
        {"name": "fw_mean", "of": "fw_ws", "pooling": "mean"},
        "cam",
        training={"levels": {"clips": 4}},
    )
    sources = {name: found.source_of(name) for name in ("quiet", "smooth", "contrast", "control_smooth", "plain")}
    assert sources == {
        "quiet": "quiet",
        "smooth": "quiet",
        "contrast": "quiet",
        "control_smooth": "control",
        "plain": "plain",
    }
    masks = {name: found.masks_of(name) for name in ("lime", "rise_body", "rise_head", "rise_silence")}
    assert masks == {"lime": "rise", "rise_body": "rise_body", "rise_head": "rise", "rise_silence": "rise_silence"}
    models = {name: found.model_of(name) for name in ("quiet", "plain", "fw_body", "fw_mean", "cam", "rise_head")}
    assert models == {
        "quiet": "clip",
        "plain": "clip_other_levels",
        "fw_body": "fw_ws",
        "fw_mean": "fw_mean",
        "cam": "clip",
        "rise_head": "clip",
    }
    assert list(found.models) == ["clip", "clip_other_levels", "fw_ws", "fw_mean"]


def test_scores_that_depend_on_predictions_have_the_seeds_of_the_models():
    found = config(
        "energy",
        {"name": "smooth", "of": "energy", "smooth": 1},
        {"name": "wrong", "of": "energy", "control": "wrong_class"},
        {"name": "contrast", "of": "energy", "contrast": True},
        training={"seeds": [3, 4]},
    )
    seeds = [found.seeds_of(name) for name in ("energy", "smooth", "wrong", "contrast")]
    assert seeds == [[0], [0], [3, 4], [3, 4]]


@pytest.mark.parametrize("gpu", [False, True])
def test_a_job_has_as_many_clips_as_take_some_minutes(gpu):
    found = config("ig", {"name": "fast", "method": "ig", "n_steps": 1}, "occlusion")
    assert found.clips_of_job("ig", gpu) < found.clips_of_job("occlusion", gpu)
    assert found.clips_of_job("ig", gpu) < found.clips_of_job("fast", gpu)
    assert found.clips_of_job("ig", True) > found.clips_of_job("ig", False)
    slower = config("ig", backbone={"name": "cnn14", "weights": "x.pth"})
    assert slower.clips_of_job("ig", gpu) < found.clips_of_job("ig", gpu)
    assert config("ig", clips_per_job=7).clips_of_job("ig", gpu) == 7


@pytest.mark.parametrize(
    ("entry", "sections", "message"),
    [
        (
            {"name": "b", "method": "occlusion", "window": 3.0},
            {"mixtures": {"duration": 3, "event_duration": [0.2, 1]}},
            "window",
        ),
        ({**QUIET, "baseline": "background", "draws": 9}, {}, "draws: 9 sounds"),
        ({**QUIET, "baseline": "training", "draws": 33}, {"clips": {"train": 100}}, "draws: 33 sounds"),
        (
            {"name": "b", "method": "cam", "control": "wrong_class"},
            {"labels": ["Dog"]},
            "wrong_class needs more classes",
        ),
    ],
)
def test_what_only_the_whole_experiment_makes_impossible_is_told_before_it_runs(entry, sections, message):
    problems = preflight.problems(config("ig", entry, **sections))
    assert any(message in problem and f"detectors: {entry['name']}: " in problem for problem in problems), problems
    fine = preflight.problems(config("ig", QUIET, "occlusion"))
    assert not [problem for problem in fine if problem.startswith("detectors")]


def test_every_method_says_what_it_costs():
    for detector in DETECTORS.built_in.values():
        settings = checked(detector, {}) if detector.name != "scores" else {}
        if isinstance(detector, OfClassifier):
            passes = detector.passes(settings)
            # A forward pass that each class has of its own is counted with its backward passes.
            assert passes.forward >= 0, detector.name
            assert passes.backward >= 1, detector.name
            assert passes.forward + passes.backward >= 2, detector.name
        elif isinstance(detector, OfMasks):
            assert detector.count(settings) >= 1


@pytest.mark.parametrize("everything", [True, False])
def test_levels_are_for_all_models_or_for_those_that_ask(everything):
    found = config(
        "ig",
        {"name": "with", "method": "ig", "levels": True},
        {"name": "without", "method": "ig", "levels": False},
        "fw_ws",
        {"name": "fw_with", "method": "fw_ws", "levels": True},
        "few_shot",
        training={"levels": {"clips": 4, "all": everything}},
    )
    assert found.with_levels() == everything
    learning = {name: found.with_levels(found.chosen(name)) for name in found.detector_names}
    assert learning == {
        "ig": everything,
        "with": True,
        "without": False,
        "fw_ws": everything,
        "fw_with": True,
        "few_shot": False,
    }
    other = "without" if everything else "with"
    assert [name for name in ("ig", "with", "without") if found.model_of(name) != "clip"] == [other]


@pytest.mark.parametrize("layers", [[-1], [0, 26], [-27, 5], None])
def test_layers_that_a_network_has_are_fine(layers):
    assert not preflight.problems(config("ig", {"name": "b", "method": "layer_cam", "layers": layers}))


@pytest.mark.parametrize("layers", [[27], [-28], [0, 99]])
def test_a_layer_that_is_not_there_is_told_before_a_run(layers):
    (problem,) = preflight.problems(config("ig", {"name": "b", "method": "layer_cam", "layers": layers}))
    assert problem.startswith("detectors: b: layers: there is no ")
    assert "0 to 26" in problem


def test_explanations_are_what_explains_the_clip_classifier():
    found = config(
        *("ig", "cam", "occlusion", "fw_ws", "fw_ss", "few_shot", "random", "energy", "oracle"),
        {"name": "ig_random_head", "of": "ig", "control": "random_head"},
        {"name": "ig_smooth", "of": "ig", "smooth": 0.5},
    )
    assert found.explanations == ["ig", "cam", "occlusion", "ig_smooth"]
    assert found.ranked == [name for name in found.detector_names if name != "oracle"]
