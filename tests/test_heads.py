"""Training of linear heads on features of known classes; the classifier against computation by hand."""

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from igsed import heads, timeline
from igsed.detectors import framewise
from igsed.errors import InputError
from tests.toys import HOP, RATE, Toy

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
    return heads.train(*data(kind, 64, 1), *data(kind, 32, 2), seed=seed, **options)


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
    made = heads.train(stored, targets, stored, targets, seed=0, max_epochs=3)
    expected = heads.train(features, targets, features, targets, seed=0, max_epochs=3)
    np.testing.assert_array_equal(made.weight, expected.weight)
    np.testing.assert_array_equal(made.bias, expected.bias)


@pytest.mark.parametrize("kind", ["clip", "fw_ws", "fw_ss"])
def test_weights_are_those_of_the_best_epoch(kind):
    noisy = [*data(kind, 24, 1, noise=2), *data(kind, 32, 2, noise=2)]
    made = heads.train(*noisy, seed=0, learning_rate=1.0, max_epochs=25, patience=25)
    losses = made.curve["validation_loss"]
    assert losses.iloc[-1] > losses.min()
    assert loss_of(kind, made, *noisy[2:]) == pytest.approx(losses.min(), rel=1e-5)


@pytest.mark.parametrize("patience", [1, 4])
def test_training_stops_at_patience(patience):
    noisy = [*data("clip", 24, 1, noise=2), *data("clip", 32, 2, noise=2)]
    made = heads.train(*noisy, seed=0, learning_rate=0.3, max_epochs=200, patience=patience)
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
    expected = heads.train(*arrays, seed=0, max_epochs=4)
    mapped = []
    for place, array in enumerate(arrays):
        np.save(tmp_path / f"{place}.npy", array)
        mapped.append(np.load(tmp_path / f"{place}.npy", mmap_mode="r"))
    found = heads.train(*mapped, seed=0, max_epochs=4)
    assert found.weight.tobytes() == expected.weight.tobytes()
    assert found.curve.equals(expected.curve)
    assert not [warning for warning in recwarn if "writable" in str(warning.message)]


def test_validation_of_many_clips_is_a_mean_over_clips():
    training, validation = data("clip", 16, 1), data("clip", 300, 2)  # more than are looked at together
    made = heads.train(*training, *validation, seed=0, max_epochs=1)
    assert made.curve["validation_loss"][0] == pytest.approx(loss_of("clip", made, *validation), rel=1e-5)


def test_divergence_is_told():
    features, targets = data("clip", 16, 1)
    features[:] = np.inf
    with pytest.raises(InputError, match=r"training\.learning_rate: training diverges"):
        heads.train(features, targets, features, targets, seed=0, max_epochs=3)


@pytest.fixture
def classifier():
    generator = torch.Generator().manual_seed(3)
    head = torch.nn.Linear(Toy.embedding, CLASSES)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return heads.Classifier(Toy(), head).eval()


def by_hand(classifier, waveform):
    """Clip and frame logits of one waveform, in loops."""
    mix, out = classifier.backbone.mix.numpy(), classifier.backbone.out.numpy()
    weight, bias = (parameter.detach().numpy() for parameter in classifier.head.parameters())
    frames = []
    for start in range(0, len(waveform) - HOP + 1, HOP):
        bands = [np.abs(waveform[start + k * HOP // 5 : start + (k + 1) * HOP // 5]).mean() for k in range(5)]
        frames.append(np.maximum(bands @ mix, 0))
    frames = np.array(frames)
    return weight @ ((frames.max(0) + frames.mean(0)) @ out) + bias, (frames @ out) @ weight.T + bias


def test_classifier_by_hand(classifier):
    waveforms = np.random.default_rng(0).normal(size=(4, 10 * RATE)).astype(np.float32)
    with torch.no_grad():
        clip, frames = classifier(torch.from_numpy(waveforms)), classifier.frames(torch.from_numpy(waveforms))
    assert (clip.shape, frames.shape) == ((4, CLASSES), (4, 40, CLASSES))
    for place, waveform in enumerate(waveforms):
        expected = by_hand(classifier, waveform)
        np.testing.assert_allclose(clip[place], expected[0], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(frames[place], expected[1], rtol=1e-4, atol=1e-5)
    assert classifier.sample_rate == RATE


@pytest.mark.parametrize("rule", ["linear", "nearest"])
def test_framewise_scores_are_the_classifier_s_frames_on_the_grid(classifier, rule):
    waveform = torch.from_numpy(np.random.default_rng(1).normal(size=(2, 10 * RATE)).astype(np.float32))
    toy, head = classifier.backbone, classifier.head
    times = toy.frame_times(10 * RATE).numpy()
    with torch.no_grad():
        embedded = toy.project(toy.body(toy.spectrum(waveform))).numpy()
        expected = timeline.resample(classifier.frames(waveform).swapaxes(1, 2).numpy(), times, 100, rule=rule)
    weight, bias = head.weight.detach().numpy(), head.bias.detach().numpy()
    found = framewise.scores(embedded, weight, bias, times, 100, rule)
    assert found.shape == (2, CLASSES, 100)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(framewise.scores(embedded[1], weight, bias, times, 100, rule), found[1])


def test_clip_logits_of_framewise_models_are_maxima_over_frames():
    logits = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(heads.clip_logits(logits), logits.max(dim=1).values)
