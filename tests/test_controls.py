"""Controls: a head and a body that know nothing, other classes, and what is done with any detector's scores."""

import numpy as np
import pandas as pd
import pytest
import torch

from igsed import controls, predictions
from igsed.backbones.yamnet.network import YAMNet
from igsed.controls import Options

LABELS = ["Cat", "Dog", "Frying", "Speech"]


def test_a_random_head_is_as_training_begins_and_of_its_seed():
    head = controls.random_head(4, 100, seed=1)
    assert head["weight"].shape == (4, 100)
    assert head["weight"].dtype == np.float32
    assert 0.09 < np.abs(head["weight"]).max() <= 0.1  # of the square root of the embedding's size
    assert not head["bias"].any()
    np.testing.assert_array_equal(head["weight"], controls.random_head(4, 100, seed=1)["weight"])
    assert (head["weight"] != controls.random_head(4, 100, seed=2)["weight"]).all()


def test_a_shuffled_body_keeps_its_numbers_and_its_front_end():
    torch.manual_seed(0)
    network = YAMNet().requires_grad_(False)
    clip = torch.randn(1, 16000)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    spectrum, frames = network.spectrum(clip), network.body(network.spectrum(clip))
    controls.shuffle(network, 3)
    for name, value in network.named_parameters():
        assert torch.equal(value.flatten().sort()[0], before[name].flatten().sort()[0])
    moved = [name for name, value in network.named_parameters() if not torch.equal(value, before[name])]
    assert len(moved) == len(list(network.named_parameters()))
    assert torch.equal(network.spectrum(clip), spectrum)
    assert not torch.allclose(network.body(spectrum), frames)
    other = YAMNet().requires_grad_(False)
    other.load_state_dict(before)
    assert all(
        torch.equal(a, b) for a, b in zip(controls.shuffle(other, 3).parameters(), network.parameters(), strict=True)
    )


def table(**clips: tuple[list, list]) -> pd.DataFrame:
    rows = [
        (clip, label, 0.5, int(label in predicted), int(label in present))
        for clip, (predicted, present) in clips.items()
        for label in LABELS
    ]
    return pd.DataFrame(rows, columns=["clip", "label", "probability", "predicted", "present"])


def test_scored_are_the_predicted_classes_and_if_wanted_the_present_ones():
    found = table(a=(["Dog"], ["Cat", "Dog"]), b=([], ["Speech"]))
    some, everything = (predictions.Wanted(found, LABELS, wanted) for wanted in (False, True))
    assert (some.targets("a"), some.targets("b"), some.targets("unknown")) == ([1], [], [])
    assert (everything.targets("a"), everything.targets("b")) == ([0, 1], [3])
    assert some.there("a") == everything.there("a") == [0, 1]


def test_for_the_wrong_class_one_is_asked_that_is_not_in_the_clip():
    wrong = Options(control="wrong_class")
    for clip in map(str, range(20)):
        assert set(controls.asked([0, 1], [0, 1], 4, wrong, 5, clip)) <= {2, 3}
    assert controls.asked([0, 1], [0, 1], 4, Options(), 5, "a") == [0, 1]
    drawn = {tuple(controls.asked([0], [0], 4, wrong, 5, clip)) for clip in map(str, range(50))}
    assert drawn == {(1,), (2,), (3,)}


def test_a_detector_of_every_class_scores_all_or_those_that_its_variant_needs(tmp_path):
    path = tmp_path / "predictions.csv"
    table(a=(["Dog", "Speech"], ["Dog"])).to_csv(path, index=False)
    names, rows = controls.chooser([], LABELS, False, Options(smooth=0.5), 5)("a")
    assert (list(names), list(rows)) == (LABELS, [0, 1, 2, 3])
    names, rows = controls.chooser([path], LABELS, False, Options(contrast=True), 5)("a")
    assert (names, rows) == (["Dog", "Speech"], [1, 3])
    names, rows = controls.chooser([path], LABELS, False, Options(control="wrong_class"), 5)("a")
    assert names == ["Dog", "Speech"]
    assert set(rows) <= {0, 2}


@pytest.mark.parametrize("options", [Options(), Options(smooth=0.3), Options(contrast=True), Options(None, 0.3, True)])
def test_scores_are_contrasted_and_smoothed_as_asked(options):
    scores = np.random.default_rng(0).random((3, 20))
    found = controls.finished(scores, options)
    assert found.shape == scores.shape
    assert np.array_equal(found, scores) == (options == Options())
    if options.contrast:
        np.testing.assert_allclose(found.sum(0), 0, atol=1e-9)  # what all have in common is gone
    if options.smooth:
        assert np.abs(np.diff(found)).mean() < np.abs(np.diff(scores)).mean() * (4 if options.contrast else 1)


def test_a_random_head_stands_for_the_trained_one_only_in_its_control():
    trained = {"weight": np.ones((6, 10), np.float32), "bias": np.ones(6, np.float32)}
    for control in (None, "random_body", "wrong_class"):
        assert controls.head_of(trained, 3, Options(control), 1, 0) is trained
    one, other = (controls.head_of(trained, 3, Options("random_head"), 1, seed)["weight"] for seed in (0, 1))
    assert one.shape == (3, 10)
    assert (one != other).all()
