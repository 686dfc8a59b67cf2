"""CNN14 against the network in its published form, `tests.backbones.cnn14_reference`, with random weights.

Where a test needs no full width it uses a narrow network, written and read as a narrow checkpoint.
"""

import copy
import math
import os
import pickle
from functools import partial
from typing import NamedTuple

import librosa
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from igsed import backbones
from igsed.attribution.ig import IntegratedGradients
from igsed.attribution.ig_captum import CaptumIntegratedGradients
from igsed.backbones.cnn14 import network as cnn14
from igsed.backbones.cnn14.network import CNN14
from igsed.backbones.yamnet.network import YAMNet
from igsed.classifier import Classifier
from igsed.errors import InputError
from tests import checkpoints

RATE = 32000
NARROW = (4, 4, 6, 6, 8, 8)


class Pair(NamedTuple):
    """A network in its published form, and this project's from the file it was written to."""

    published: torch.nn.Module
    ours: CNN14


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    path = tmp_path_factory.mktemp("cnn14") / "random.pth"
    published = checkpoints.cnn14()
    pair = Pair(published, backbones.load("cnn14", checkpoints.write_cnn14(path, published)))
    path.unlink()
    return pair


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    published = checkpoints.cnn14(widths=NARROW)
    path = checkpoints.write_cnn14(tmp_path_factory.mktemp("cnn14") / "narrow.pth", published)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cnn14, "WIDTHS", NARROW)
        return Pair(published, backbones.load("cnn14", path))


def noise(samples=RATE, seed=0):
    return torch.randn(samples, generator=torch.Generator().manual_seed(seed))


def sine(hertz, samples=RATE):
    return (2 * math.pi * hertz * torch.arange(samples) / RATE).sin()


def impulse(position, samples=RATE):
    return (torch.arange(samples) == position).float()


SIGNALS = {
    "noise": 0.1 * noise(),
    "silence": torch.zeros(RATE),
    "sine": sine(1000),
    "high sine": 0.5 * sine(13990.5),
    "rising tone": checkpoints.sounds(samples=RATE)[1],
    "impulse": impulse(16000),
    "impulse at the end": impulse(RATE - 1),
    "clipped": (50 * checkpoints.sounds(samples=RATE)[1]).clamp(-1, 1),
    "offset": 0.9 + 1e-4 * noise(),
    "faint": 1e-5 * noise(),
    "too faint": 1e-20 * noise(),
    "beyond full scale": 30 * sine(440),
    "half silent": noise() * (torch.arange(RATE) < RATE // 2),
    "shortest": 0.1 * noise(9920),
    "odd": 0.1 * noise(12345),
}


def outputs(network, waveform):
    spectrum = network.spectrum(waveform)
    frames = network.body(spectrum)
    return network.log_mel(spectrum), frames, network.project(frames.amax(1) + frames.mean(1)), network.logits(waveform)


def assert_alike(pair, waveform):
    with torch.no_grad():
        found, expected = outputs(pair.ours, waveform), pair.published(waveform)
        extractor = copy.deepcopy(pair.published.spectrogram_extractor).double()
        filters = copy.deepcopy(pair.published.logmel_extractor).double()
        exact = filters(extractor(waveform.double()))[:, 0]
    # a band lies under the noise of 32-bit numbers where the original itself is off
    noisy = (exact - expected.log_mel).abs() > 5e-4
    error = (found[0] - expected.log_mel).abs()
    assert error.masked_fill(noisy, 0).max() < 1e-3
    assert error.max() < 0.3
    for name, ours, theirs in zip(expected._fields[1:], found[1:], expected[1:], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-3, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.parametrize("name", SIGNALS)
def test_is_the_published_network(pair, name):
    assert_alike(pair, SIGNALS[name][None])


def test_is_the_published_network_on_a_batch(pair):
    batch = torch.stack([SIGNALS[name] for name in ("noise", "silence", "rising tone")])
    assert_alike(pair, batch)
    with torch.no_grad():
        torch.testing.assert_close(pair.ours.logits(batch)[2:], pair.ours.logits(batch[2:]), rtol=0, atol=1e-5)
        torch.testing.assert_close(pair.ours.classify(batch), pair.ours.logits(batch).sigmoid())


@given(
    samples=st.integers(9920, 40000),
    level=st.floats(-8, 1),
    hertz=st.floats(20, 16000),
    share=st.floats(0, 1),
    limit=st.sampled_from([math.inf, 1.0, 0.01]),
)
@settings(max_examples=30, deadline=None)
def test_is_the_published_network_on_any_input(narrow, samples, level, hertz, share, limit):
    waveform = 10**level * (share * sine(hertz, samples) + (1 - share) * noise(samples))
    assert_alike(narrow, waveform.clamp(-limit, limit)[None])


def test_random_weights_leave_something_to_compare(pair):
    with torch.no_grad():
        found = pair.published(checkpoints.sounds(seed=1))
    for values in found[1:]:
        assert 0.1 < values.std() < 10
    assert (found.frames.std((0, 1)) > 0).float().mean() > 0.9


def test_ten_seconds_are_1001_spectra_and_31_frames(narrow):
    waveform = noise(10 * RATE).expand(2, -1)
    with torch.no_grad():
        spectrum = narrow.ours.spectrum(waveform)
        assert spectrum.shape == (2, 1001, 64)
        assert narrow.ours.body(spectrum).shape == (2, 31, 8)
    assert narrow.ours.frame_times(10 * RATE).shape == (31,)


@pytest.mark.parametrize("samples", [9920, 9919 + 32 * 320, 9920 + 32 * 320, 50001])
def test_frames_and_their_times_are_as_many(narrow, samples):
    with torch.no_grad():
        frames = narrow.ours.body(narrow.ours.spectrum(noise(samples)[None]))
    assert frames.shape[1] == len(narrow.ours.frame_times(samples))


@pytest.mark.parametrize("name", ["noise", "rising tone", "odd"])
def test_spectrum_is_the_windowed_transform_in_librosa_s_mel_bands(narrow, name):
    waveform = SIGNALS[name].double().numpy()
    mirrored = np.pad(waveform, 512, mode="reflect")
    starts = 320 * np.arange(1 + len(waveform) // 320)
    frames = mirrored[starts[:, None] + np.arange(1024)] * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024))
    expected = (
        np.abs(np.fft.rfft(frames)) ** 2 @ librosa.filters.mel(sr=RATE, n_fft=1024, n_mels=64, fmin=50, fmax=14000).T
    )
    np.testing.assert_allclose(narrow.ours.spectrum(SIGNALS[name][None])[0], expected, rtol=1e-4, atol=1e-8)


@given(exponent=st.integers(-12, 3), seed=st.integers(0, 9))
@settings(max_examples=20, deadline=None)
def test_spectrum_is_homogeneous(narrow, exponent, seed):
    waveform, factor = noise(3200, seed)[None], 10.0**exponent
    found, expected = narrow.ours.spectrum(factor * waveform), factor**CNN14.degree * narrow.ours.spectrum(waveform)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=0)


@pytest.mark.parametrize("level", [0.0, 1e-45, 1e-38, 1e-30, 1e-18, 1e-5])
def test_gradient_is_finite_at_and_near_silence(narrow, level):
    waveform = (level * noise()[None]).requires_grad_()
    narrow.ours.logits(waveform).sum().backward()
    assert torch.isfinite(waveform.grad).all()
    if level == 0:
        assert not waveform.grad.any()


def test_gradient_is_the_slope(narrow):
    network = copy.deepcopy(narrow.ours).double()
    clip = SIGNALS["noise"][None].double().requires_grad_()
    (gradient,) = torch.autograd.grad(network.logits(clip).sum(), clip)
    step = 1e-7 * gradient / gradient.norm()
    with torch.no_grad():
        above, below = (network.logits(clip + sign * step).sum() for sign in (1, -1))
    assert (above - below).item() == pytest.approx(2 * (gradient * step).sum().item(), rel=1e-3)


@pytest.mark.parametrize("samples", [320000, 160000, 163201])
def test_frame_times_are_the_middle_of_what_each_frame_sees(narrow, samples):
    """With every weight positive a frame's gradient covers its receptive field, and nothing else."""
    network = copy.deepcopy(narrow.ours)
    with torch.no_grad():
        for layer in network.blocks.modules():
            if isinstance(layer, torch.nn.Conv2d):
                layer.weight.fill_(1 / layer.weight[0].numel())
                layer.bias.zero_()
        network.shift.fill_(10)
        network.scale.fill_(1)
    spectra = 1 + samples // 320
    spectrum = torch.ones(1, spectra, 64, requires_grad=True)
    frames = network.body(spectrum)[0].sum(-1)
    whole = 0
    for frame, time in zip(frames, network.frame_times(samples).tolist(), strict=True):
        (gradient,) = torch.autograd.grad(frame, spectrum, retain_graph=True)
        weight = gradient[0].sum(-1).numpy()
        seen = weight.nonzero()[0]
        assert 0.010 * seen[0] < time < 0.010 * seen[-1]
        if seen[0] > 0 and seen[-1] < spectra - 1:  # none of the field lies in the padding
            whole += 1
            assert time == pytest.approx(0.010 * (seen[0] + seen[-1]) / 2, abs=1e-6)
            assert time == pytest.approx(0.010 * np.average(np.arange(spectra), weights=weight), abs=1e-3)
            # spectrum t spans 16 ms to either side of 0.010 t
            assert 0.010 * (seen[-1] - seen[0]) / 2 + 0.016 == pytest.approx(1.43, abs=0.005)
    assert whole >= len(frames) - 10


@pytest.mark.parametrize("instant", [1.3, 2.0])
def test_an_instant_moves_the_frames_around_its_time(narrow, instant):
    clip = 0.01 * noise(110000)[None]
    times = narrow.ours.frame_times(110000).numpy()
    touched = clip.clone()
    touched[0, int(instant * RATE) : int(instant * RATE) + 160] += 0.3
    with torch.no_grad():
        before, after = (narrow.ours.body(narrow.ours.spectrum(waveform)) for waveform in (clip, touched))
    change = (after - before).abs().sum(-1)[0].numpy()
    assert abs(np.average(times, weights=change) - instant) < 0.32
    assert np.abs(times[change > 0] - instant).max() < 1.45


def test_stays_frozen_in_training(narrow):
    classifier = Classifier(narrow.ours, torch.nn.Linear(8, 2))
    classifier.train()
    assert not any(module.training for module in narrow.ours.modules())
    assert classifier.head.training
    assert not any(parameter.requires_grad for parameter in narrow.ours.parameters())
    narrow.ours.train(True)
    assert not narrow.ours.training
    assert not any(isinstance(module, torch.nn.Dropout | torch.nn.BatchNorm2d) for module in narrow.ours.modules())


def test_every_activation_is_a_module_used_once(narrow):
    calls = []
    activations = [module for module in narrow.ours.modules() if isinstance(module, torch.nn.ReLU)]
    hooks = [module.register_forward_hook(lambda module, *_: calls.append(module)) for module in activations]
    narrow.ours.logits(noise()[None])
    for hook in hooks:
        hook.remove()
    assert len(calls) == len(set(calls)) == len(activations) == 13


def test_its_own_head_makes_the_classifier(narrow):
    """What the project builds on every backbone is, for CNN14 and its own last layer, the published network."""
    waveform = SIGNALS["rising tone"][None]
    with torch.no_grad():
        found = Classifier(narrow.ours, narrow.ours.dense)(waveform)
        torch.testing.assert_close(found, narrow.published(waveform).logits, rtol=0, atol=1e-3)


def distance(found, expected):
    return ((found - expected).abs().sum(-1) / expected.sum(-1)).max().item()


def test_both_integrated_gradients_agree(narrow):
    """On a faint sound, whose path Captum's even steps resolve: it is under the floor of decibels for a part of it."""
    classifier = Classifier(narrow.ours, narrow.ours.dense)
    clip = checkpoints.sounds(seed=2)[0, :12800] * 1e-3
    captum = CaptumIntegratedGradients(n_steps=500, rule="riemann_middle", batch=50).explain(classifier, clip, [3])
    found = IntegratedGradients(128, tolerance=None).explain(classifier, clip, [3])
    assert distance(found.scores, captum.scores) < 0.02
    torch.testing.assert_close(found.total, captum.total, rtol=0.03, atol=0)


@pytest.mark.parametrize("name", ["noise", "sine", "clipped", "faint", "half silent", "odd"])
def test_spectral_integrated_gradients_are_complete(narrow, name):
    classifier = Classifier(narrow.ours, narrow.ours.dense)
    found = IntegratedGradients(8, tolerance=None).explain(classifier, SIGNALS[name], [0, 5])
    assert found.completeness_error.max() < 1e-3


def test_silence_explains_nothing(narrow):
    classifier = Classifier(narrow.ours, narrow.ours.dense)
    assert IntegratedGradients(2)(classifier, torch.zeros(RATE), [0]).tolist() == [[0.0] * 10]


def write(path, contents):
    torch.save(contents, path)


class Command:
    """Runs a shell command when it is unpickled."""

    def __init__(self, text):
        self.text = text

    def __reduce__(self):
        return os.system, (self.text,)


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no checkpoint at all"),
        lambda path: path.write_bytes(b"PK\x03\x04" + bytes(100)),
        lambda path: path.mkdir(),
        lambda path: None,
        lambda path: path.write_bytes(pickle.dumps({"model": {"bn0.weight": "text"}}, protocol=2)),
        lambda path: save_file(YAMNet().state_dict(), path),
        partial(write, contents=[1, 2]),
        partial(write, contents={"model": [torch.zeros(2)]}),
        partial(write, contents={"model": {}}),
        partial(write, contents={"model": {3: torch.zeros(2)}}),
        partial(write, contents=torch.zeros(3)),
        partial(write, contents={"model": YAMNet().state_dict()}),
    ],
    ids=[
        "empty", "text", "broken archive", "folder", "absent", "plain pickle", "safetensors",
        "list", "list of tensors", "no tensors", "no names", "one tensor", "another network",
    ],
)  # fmt: skip
def test_a_foreign_file_is_named(tmp_path, make):
    path = tmp_path / "Cnn14_mAP=0.431.pth"
    make(path)
    with pytest.raises(
        InputError, match=r"Cnn14_mAP=0.431.pth: (no readable PyTorch|not the weights of CNN14|there is no such)"
    ):
        backbones.load("cnn14", path)


@pytest.mark.parametrize("modern", [True, False])
def test_a_file_that_would_run_code_is_refused(tmp_path, modern):
    path, proof = tmp_path / "model.pth", tmp_path / "proof"
    torch.save({"model": Command(f"touch {proof}")}, path, _use_new_zipfile_serialization=modern)
    with pytest.raises(InputError, match=r"model.pth: no readable PyTorch checkpoint"):
        backbones.load("cnn14", path)
    assert not proof.exists()


@pytest.fixture
def narrow_widths(monkeypatch):
    monkeypatch.setattr(cnn14, "WIDTHS", NARROW)


@pytest.mark.parametrize("modern", [True, False])
@pytest.mark.parametrize("share", [0.001, 0.3, 0.9, 0.9999])
def test_a_cut_file_is_named(tmp_path, narrow, narrow_widths, modern, share):
    path = tmp_path / "model.pth"
    torch.save({"model": narrow.published.state_dict()}, path, _use_new_zipfile_serialization=modern)
    backbones.load("cnn14", path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(InputError, match=r"model.pth: no readable PyTorch checkpoint"):
        backbones.load("cnn14", path)


@pytest.mark.parametrize(
    "change",
    [
        {"fc1.bias": None},
        {"logmel_extractor.melW": None},
        {"fc1.bias": torch.zeros(9)},
        {"fc1.bias": torch.zeros(8, dtype=torch.int64)},
        {"att_block.att.weight": torch.zeros(8)},
    ],
    ids=["missing", "no filters", "shape", "type", "unknown"],
)
def test_other_tensors_are_named(tmp_path, narrow, narrow_widths, change):
    tensors = {**narrow.published.state_dict(), **change}
    write(tmp_path / "model.pth", {"model": {name: tensor for name, tensor in tensors.items() if tensor is not None}})
    (name,) = change
    with pytest.raises(InputError, match=rf"model.pth: not the weights of CNN14: 1 tensors .*'{name}'"):
        backbones.load("cnn14", tmp_path / "model.pth")


def test_bare_tensors_and_old_checkpoints_without_counters_load(tmp_path, narrow, narrow_widths):
    tensors = {name: value for name, value in narrow.published.state_dict().items() if "num_batches" not in name}
    assert len(tensors) < len(narrow.published.state_dict())
    write(tmp_path / "model.pth", tensors)
    assert_alike(narrow._replace(ours=backbones.load("cnn14", tmp_path / "model.pth")), SIGNALS["noise"][None])


def test_loading_draws_no_random_numbers(tmp_path, narrow, narrow_widths):
    path = checkpoints.write_cnn14(tmp_path / "model.pth", narrow.published)
    before = torch.random.get_rng_state()
    backbones.load("cnn14", path)
    assert torch.equal(torch.random.get_rng_state(), before)
