"""Training of linear heads on features of known classes."""

import functools

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from igsed import heads
from igsed.detectors.fw_ws import maximum, outputs, pooled
from igsed.errors import InputError

CLASSES, EMBEDDING, FRAMES = 3, 6, 8


def data(kind, clips, seed, noise=0.3):
    """Features in which class k of a frame raises dimension k, and the targets of a kind of model."""
    rng = np.random.default_rng(seed)
    active = rng.random((clips, FRAMES, CLASSES)) < 0.2
    frames = rng.normal(0, noise, (clips, FRAMES, EMBEDDING)).astype(np.float32)
    frames[..., :CLASSES] += 2 * active
    if kind == "fw_ss":
        return frames, active
    present = active.any(1)
    return (frames.max(1) if kind == "clip" else frames), present


def trained(kind, seed=0, **options):
    return train(*data(kind, 64, 1), *data(kind, 32, 2), seed=seed, **options)


def train(*arrays, seed=0, **options):
    return heads.train(*arrays, seed, heads.Settings(1e-3, 16, 100, 10)._replace(**options), maximum)


def loss_of(kind, made, features, targets):
    logits = torch.from_numpy(features) @ torch.from_numpy(made.weight.T) + torch.from_numpy(made.bias)
    logits = logits.amax(1) if kind == "fw_ws" else logits
    return float(binary_cross_entropy_with_logits(logits, torch.from_numpy(targets).float()))


@pytest.mark.parametrize("kind", ["clip", "fw_ws", "fw_ss"])
def test_training_learns(kind):
    made = trained(kind, learning_rate=0.03, max_epochs=60)
    assert (made.weight.shape, made.bias.shape) == ((CLASSES, EMBEDDING), (CLASSES,))
    curve = made.curve
    assert list(curve.columns) == ["epoch", "train_loss", "validation_loss"]
    assert curve["epoch"].tolist() == list(range(1, len(curve) + 1))
    assert curve["train_loss"].iloc[-1] < 0.6 * curve["train_loss"].iloc[0]
    assert (made.weight[:, :CLASSES].argmax(1) == np.arange(CLASSES)).all()


@pytest.mark.parametrize("kind", ["clip", "fw_ws", "fw_ss"])
def test_features_in_a_file_train_the_same_head(kind, tmp_path):
    features, targets = data(kind, 64, 1)
    np.save(tmp_path / "features.npy", features)
    stored = heads.Stored(tmp_path / "features.npy")
    made = train(stored, targets, stored, targets, max_epochs=3)
    expected = train(features, targets, features, targets, max_epochs=3)
    np.testing.assert_array_equal(made.weight, expected.weight)
    np.testing.assert_array_equal(made.bias, expected.bias)


@pytest.mark.parametrize("kind", ["clip", "fw_ws", "fw_ss"])
def test_weights_are_those_of_the_best_epoch(kind):
    noisy = [*data(kind, 24, 1, noise=2), *data(kind, 32, 2, noise=2)]
    made = train(*noisy, learning_rate=1.0, max_epochs=25, patience=25)
    losses = made.curve["validation_loss"]
    assert losses.iloc[-1] > losses.min()
    assert loss_of(kind, made, *noisy[2:]) == pytest.approx(losses.min(), rel=1e-5)


@pytest.mark.parametrize("patience", [1, 4])
def test_training_stops_at_patience(patience):
    noisy = [*data("clip", 24, 1, noise=2), *data("clip", 32, 2, noise=2)]
    made = train(*noisy, learning_rate=0.3, max_epochs=200, patience=patience)
    losses = made.curve["validation_loss"].to_numpy()
    best = int(losses.argmin())
    assert len(losses) == best + 1 + patience
    waits = [k - int(losses[: k + 1].argmin()) for k in range(len(losses) - 1)]
    assert max(waits) < patience, "an earlier epoch had waited as long"


def test_training_stops_at_the_last_epoch():
    assert len(trained("clip", max_epochs=3).curve) == 3


@pytest.mark.parametrize("kind", ["clip", "fw_ws", "fw_ss"])
def test_same_seed_same_bytes_another_seed_others(kind):
    one, two, other = (trained(kind, seed, max_epochs=5) for seed in (7, 7, 8))
    assert one.weight.tobytes() == two.weight.tobytes()
    assert one.bias.tobytes() == two.bias.tobytes()
    assert one.curve.equals(two.curve)
    assert one.weight.tobytes() != other.weight.tobytes()


def test_torch_s_own_seed_does_not_matter():
    made = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        made.append(trained("clip", max_epochs=2).weight.tobytes())
    assert made[0] == made[1]


def test_memory_mapped_features_give_the_same(tmp_path, recwarn):
    arrays = [*data("fw_ss", 64, 1), *data("fw_ss", 32, 2)]
    expected = train(*arrays, max_epochs=4)
    mapped = []
    for place, array in enumerate(arrays):
        np.save(tmp_path / f"{place}.npy", array)
        mapped.append(np.load(tmp_path / f"{place}.npy", mmap_mode="r"))
    found = train(*mapped, max_epochs=4)
    assert found.weight.tobytes() == expected.weight.tobytes()
    assert found.curve.equals(expected.curve)
    assert not [warning for warning in recwarn if "writable" in str(warning.message)]


def test_validation_of_many_clips_is_a_mean_over_clips():
    training, validation = data("clip", 16, 1), data("clip", 300, 2)  # more than are looked at together
    made = train(*training, *validation, max_epochs=1)
    assert made.curve["validation_loss"][0] == pytest.approx(loss_of("clip", made, *validation), rel=1e-5)


def test_divergence_is_told():
    features, targets = data("clip", 16, 1)
    features[:] = np.inf
    with pytest.raises(InputError, match=r"training\.learning_rate: training diverges"):
        train(features, targets, features, targets, max_epochs=3)


def test_clip_logits_of_framewise_models_are_maxima_over_frames():
    logits = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(maximum(logits), logits.max(dim=1).values)


@pytest.mark.parametrize("pooling", ["mean", "linear_softmax", "exponential_softmax", "attention"])
def test_every_pooling_learns(pooling):
    settings = heads.Settings(0.03, 16, 60, 10)
    count, pool = outputs({"pooling": pooling}), functools.partial(pooled, pooling=pooling)
    made = heads.train(*data("fw_ws", 64, 1), *data("fw_ws", 32, 2), 0, settings, pool, count)
    assert (made.weight.shape, made.bias.shape) == ((count * CLASSES, EMBEDDING), (count * CLASSES,))
    assert made.curve["train_loss"].iloc[-1] < 0.8 * made.curve["train_loss"].iloc[0]
    assert (made.weight[:CLASSES, :CLASSES].argmax(1) == np.arange(CLASSES)).all()


def test_only_the_first_outputs_learn_from_frame_labels():
    arrays = [*data("fw_ss", 64, 1), *data("fw_ss", 32, 2)]
    made = heads.train(*arrays, 0, heads.Settings(0.03, 16, 5, 10), None, 2)
    assert made.weight.shape == (2 * CLASSES, EMBEDDING)
    assert made.bias[:CLASSES].all()
    assert not made.bias[CLASSES:].any()


@pytest.mark.parametrize(("count", "held"), [(2, 1), (3, 1), (5, 1), (7, 1), (8, 2), (20, 4), (96, 19), (250, 50)])
def test_a_fifth_of_the_clips_is_held_back(count, held):
    training, validation = heads.four_fifths(count, 3)
    assert len(validation) == held
    assert sorted([*training, *validation]) == list(range(count))
    assert (np.diff(training) > 0).all()
    assert (np.diff(validation) > 0).all()


def test_which_clips_are_held_back_depends_on_the_seed_alone():
    assert [rows.tolist() for rows in heads.four_fifths(50, 1)] == [rows.tolist() for rows in heads.four_fifths(50, 1)]
    held = np.concatenate([heads.four_fifths(10, seed)[1] for seed in range(500)])
    assert np.abs(np.bincount(held, minlength=10) - 100).max() < 5 * np.sqrt(80)


@pytest.mark.parametrize(("count", "told"), [(0, "0 clips;"), (1, "1 clip;")])
def test_too_few_clips_to_hold_one_back_are_refused(count, told):
    with pytest.raises(InputError, match=f"{told}.*mixtures.clips.validation"):
        heads.four_fifths(count, 0)


def test_chosen_rows_of_a_file_train_the_same_head(tmp_path):
    features, targets = data("fw_ss", 30, 1)
    np.save(tmp_path / "features.npy", features)
    training, validation = heads.four_fifths(30, 0)
    stored = [heads.Stored(tmp_path / "features.npy", rows) for rows in (training, validation)]
    assert stored[0].shape == (24, FRAMES, EMBEDDING)
    made = train(stored[0], targets[training], stored[1], targets[validation], max_epochs=3)
    arrays = features[training], targets[training], features[validation], targets[validation]
    np.testing.assert_array_equal(made.weight, train(*arrays, max_epochs=3).weight)


@pytest.mark.parametrize(
    ("clips", "others", "expected"),
    [(16, 400, (2500, 250)), (77, 823, (1040, 104)), (400, 400, (100, 10)), (9, 5, (100, 10))],
)
def test_few_clips_are_learnt_from_for_as_many_steps(clips, others, expected):
    settings = heads.Settings(1e-3, 16, 100, 10)
    found = heads.as_long(settings, clips, others)
    assert (found.max_epochs, found.patience) == expected
    assert found[:2] == settings[:2]
