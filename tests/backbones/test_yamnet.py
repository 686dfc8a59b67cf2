"""YAMNet against the published network.

``yamnet_reference.npz`` holds what TensorFlow 2.21 made of a synthetic signal; ``yamnet_reference.py`` beside it is
the program that wrote it, and says what is in it.
"""

import copy
import csv
import json
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from scipy.signal import resample_poly

import igsed
from igsed import backbones
from igsed.backbones.yamnet.conversion import store
from igsed.backbones.yamnet.network import YAMNet, mel_matrix
from igsed.errors import InputError
from tests.backbones import yamnet_reference as reference
from tests.weights import yamnet_files, yamnet_weights

MINIBANK = Path(__file__).parents[2] / "../shared/minibank/audio"


@pytest.fixture(scope="module")
def yamnet():
    return backbones.load("yamnet", yamnet_weights())


@pytest.fixture(scope="module")
def published():
    return np.load(reference.FILE)


@pytest.fixture(scope="module")
def waveform():
    return torch.from_numpy(reference.signal())


def patches(waveform):
    return waveform.unfold(0, reference.PATCH, reference.PATCH_HOP)[: reference.PATCHES]


def test_scores_are_those_of_the_published_graph(yamnet, published, waveform):
    with torch.no_grad():
        scores = yamnet.classify(patches(waveform)).numpy()
    assert published["scores"].max() > 0.8  # the comparison is not one of zeros
    np.testing.assert_allclose(scores, published["scores"], atol=3e-4)


def test_log_mel_is_that_of_the_published_graph(yamnet, published, waveform):
    with torch.no_grad():
        log_mel = torch.log(yamnet.spectrum(waveform[None]) + 0.001)[0, ::5].numpy()
    count = 1 + ((reference.PATCHES - 1) * reference.PATCH_HOP + reference.PATCH - 400) // 160 // 5
    # 32-bit rounding of a loud neighbour's leakage: the published values lie as far from exact ones
    np.testing.assert_allclose(log_mel[:count], published["log_mel"][:count], atol=5e-3)
    assert np.abs(log_mel[:count] - published["log_mel"][:count]).mean() < 2e-4


@pytest.mark.parametrize("samples", reference.LENGTHS)
def test_frames_of_any_length_match_tensorflows_same_padding(yamnet, published, waveform, samples):
    with torch.no_grad():
        frames = yamnet.body(yamnet.spectrum(waveform[None, :samples]))[0].numpy()
    expected = published[f"frames_{samples}"]
    assert frames.shape == (len(expected), 1024)
    np.testing.assert_allclose(frames[:, ::16], expected, atol=2e-3)
    assert np.abs(frames[:, ::16] - expected).mean() < 1e-4


def test_ten_seconds_are_998_spectra_and_32_frames():
    network = YAMNet()
    spectrum = network.spectrum(torch.zeros(2, 160000))
    assert spectrum.shape == (2, 998, 64)
    assert network.body(spectrum).shape == (2, 32, 1024)
    assert network.frame_times(160000).shape == (32,)


@pytest.mark.parametrize("samples", [400, 1600, 16001, 80000])
def test_frames_and_their_times_are_as_many(samples):
    network = YAMNet()
    with torch.no_grad():
        frames = network.body(network.spectrum(torch.zeros(1, samples)))
    assert frames.shape[1] == len(network.frame_times(samples))


def test_mel_bands_peak_where_the_scale_says():
    weights = mel_matrix()
    assert weights.shape == (257, 64)
    assert weights.min() >= 0
    assert weights.max() <= 1
    assert not weights[0].any()
    edges = 700 * np.expm1(np.linspace(np.log1p(125 / 700), np.log1p(7500 / 700), 66))
    bins = np.arange(257) * 31.25
    assert not weights[(bins <= 125) | (bins >= 7500)].any()
    np.testing.assert_allclose(bins[weights[:, 20:].argmax(0)], edges[21:-1], atol=31.25)
    # neighbouring triangles share their edges, so between the outermost centres the weights of a bin sum to 1
    inside = (bins > edges[1]) & (bins < edges[-2])
    np.testing.assert_allclose(weights[inside].sum(1), 1)


def test_spectrum_is_the_windowed_discrete_fourier_transform():
    waveform = np.random.default_rng(1).standard_normal(1000)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    frames = np.stack([waveform[start : start + 400] * window for start in (0, 160, 320, 480)])
    expected = np.abs(frames @ np.exp(-2j * np.pi * np.outer(np.arange(400), np.arange(257)) / 512)) @ mel_matrix()
    spectrum = YAMNet().spectrum(torch.from_numpy(waveform[None]).float())[0]
    np.testing.assert_allclose(spectrum, expected, rtol=1e-4)


@given(exponent=st.integers(-12, 3), seed=st.integers(0, 9))
@settings(max_examples=20, deadline=None)
def test_spectrum_is_homogeneous(exponent, seed):
    waveform = torch.from_numpy(np.random.default_rng(seed).standard_normal((1, 1600))).float()
    network = YAMNet()
    torch.testing.assert_close(
        network.spectrum(10.0**exponent * waveform), 10.0**exponent * network.spectrum(waveform), rtol=1e-4, atol=0
    )


@pytest.mark.parametrize("level", [0.0, 1e-45, 1e-40, 1e-38, 1e-30])
def test_gradient_is_finite_at_and_near_silence(yamnet, level):
    waveform = level * torch.from_numpy(np.random.default_rng(3).standard_normal((1, 16000))).float()
    waveform.requires_grad_()
    yamnet.body(yamnet.spectrum(waveform)).sum().backward()
    assert torch.isfinite(waveform.grad).all()
    if level == 0:
        assert not waveform.grad.any()


def test_gradient_is_the_slope(yamnet, waveform):
    network = copy.deepcopy(yamnet).double()
    clip = waveform[None, 16000:32000].double().requires_grad_()
    (gradient,) = torch.autograd.grad(network.body(network.spectrum(clip)).sum(), clip)
    step = 1e-10 * gradient / gradient.norm()
    with torch.no_grad():
        above, below = (network.body(network.spectrum(clip + sign * step)).sum() for sign in (1, -1))
    assert (above - below).item() == pytest.approx(2 * (gradient * step).sum().item(), rel=1e-3)


@pytest.mark.parametrize("samples", [160000, 65000, 80000, 100001])
def test_frame_times_are_the_middle_of_what_each_frame_sees(samples):
    """With every weight positive a frame's gradient covers its receptive field, and nothing else."""
    network = YAMNet()
    with torch.no_grad():
        for layer in network.layers:
            layer.convolution.weight.fill_(1 / layer.convolution.weight[0].numel())
            layer.convolution.bias.zero_()
    spectra = 1 + (samples - 400) // 160
    spectrum = torch.ones(1, spectra, 64, requires_grad=True)
    frames = network.body(spectrum)[0].sum(-1)
    whole = 0
    for frame, time in zip(frames, network.frame_times(samples).tolist(), strict=True):
        (gradient,) = torch.autograd.grad(frame, spectrum, retain_graph=True)
        weight = gradient[0].sum(-1).numpy()
        seen = weight.nonzero()[0]
        assert seen[0] <= (time - 0.0125) / 0.010 + 1e-6
        if seen[0] > 0 and seen[-1] < spectra - 1:  # none of the field lies in the padding
            whole += 1
            # spectrum t spans 0.010 t to 0.010 t + 0.025 s
            assert time == pytest.approx(0.010 * (seen[0] + seen[-1]) / 2 + 0.0125, abs=1e-6)
            assert time == pytest.approx(0.010 * np.average(np.arange(spectra), weights=weight) + 0.0125, abs=1e-3)
            assert 0.010 * (seen[-1] - seen[0]) / 2 + 0.0125 == pytest.approx(1.58, abs=0.01)
    assert whole >= len(frames) - 10


def test_an_instant_moves_the_frames_around_its_time(yamnet, waveform):
    clip = waveform[None]
    times = yamnet.frame_times(160000).numpy()
    with torch.no_grad():
        before = yamnet.body(yamnet.spectrum(clip))
        for instant in (2.0, 4.7, 6.1):
            touched = clip.clone()
            touched[0, int(instant * 16000) : int(instant * 16000) + 80] += 0.3
            change = (yamnet.body(yamnet.spectrum(touched)) - before).abs().sum(-1)[0].numpy()
            assert abs(np.average(times, weights=change) - instant) < 0.16
            assert np.abs(times[change > 0] - instant).max() < 1.6


def test_stays_frozen_in_training(yamnet):
    classifier = torch.nn.Sequential(yamnet, torch.nn.Linear(1024, 2))
    classifier.train()
    assert not any(module.training for module in yamnet.modules())
    assert classifier[1].training
    assert not any(parameter.requires_grad for parameter in yamnet.parameters())
    yamnet.train(True)
    assert not yamnet.training


def test_every_activation_is_a_module_used_once(yamnet):
    calls = []
    activations = [module for module in yamnet.modules() if isinstance(module, torch.nn.ReLU)]
    hooks = [module.register_forward_hook(lambda module, *_: calls.append(module)) for module in activations]
    yamnet.body(torch.zeros(1, 96, 64))
    for hook in hooks:
        hook.remove()
    assert len(calls) == len(set(calls)) == len(activations) == 27


def test_convert_has_the_module_s_names_and_shapes():
    weights = load_file(yamnet_weights())
    module = YAMNet().state_dict()
    assert {name: tensor.shape for name, tensor in weights.items()} == {
        name: tensor.shape for name, tensor in module.items()
    }
    assert sum(tensor.numel() for tensor in weights.values()) == 3729481


def test_store_gives_the_same_bytes_and_says_where_they_come_from(tmp_path):
    index, data, _ = yamnet_files()
    first, second = store(index, data, tmp_path / "new/a.safetensors"), store(index, data, tmp_path / "b.safetensors")
    assert first.read_bytes() == second.read_bytes()
    assert [path.name for path in first.parent.iterdir()] == ["a.safetensors"]
    with safe_open(first, "pt") as file:
        source = json.loads(file.metadata()["source"])
    assert source["licence"] == "Apache-2.0"
    assert set(source["sha256"]) == {"variables.index", "variables.data"}


def test_unknown_network_names_the_known(tmp_path):
    with pytest.raises(InputError, match=r"'yamnett'.*Use one of cnn14, yamnet, or package"):
        backbones.load("yamnett", tmp_path)


@pytest.mark.parametrize(
    "contents",
    [b"", b"not safetensors at all", struct.pack("<Q", 1 << 60) + b"{}", struct.pack("<Q", 2) + b"{}"],
    ids=["empty", "text", "endless header", "no tensors"],
)
def test_a_damaged_file_is_named(tmp_path, contents):
    path = tmp_path / "yamnet.safetensors"
    path.write_bytes(contents)
    with pytest.raises(InputError, match=r"yamnet.safetensors"):
        backbones.load("yamnet", path)


def test_a_missing_file_is_named(tmp_path):
    for name, remedy in (("yamnet", "Leave the file out to have the weights fetched"), ("cnn14", "Correct the name")):
        with pytest.raises(InputError, match=rf"absent.x: there is no such file. {remedy}, or let a run"):
            backbones.load(name, tmp_path / "absent.x")


def test_weights_that_are_not_fetched_must_be_named():
    with pytest.raises(InputError, match=r"backbone 'cnn14': .* Name their file"):
        backbones.load("cnn14")


def test_weights_are_fetched_into_the_users_cache_or_told_why_not(tmp_path, monkeypatch):
    monkeypatch.setattr(igsed, "__file__", str(tmp_path / "site" / "igsed" / "__init__.py"))
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # which is to be ignored
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".cache").write_text("no folder")
    with pytest.raises(InputError, match=r"\.cache/igsed/yamnet: YAMNet's weights cannot be written there"):
        backbones.load("yamnet")


def test_a_foreign_or_cut_file_is_named(tmp_path):
    path = tmp_path / "weights.safetensors"
    weights = YAMNet().state_dict()
    save_file({name: tensor for name, tensor in weights.items() if name != "dense.bias"}, path)
    with pytest.raises(InputError, match=r"weights.safetensors: not the weights of YAMNet: 1 tensors .*'dense.bias'"):
        backbones.load("yamnet", path)
    save_file(weights | {"dense.bias": torch.zeros(520)}, path)
    with pytest.raises(InputError, match=r"'dense.bias'"):
        backbones.load("yamnet", path)
    save_file(weights | {"dense.bias": torch.zeros(521, dtype=torch.int64)}, path)
    with pytest.raises(InputError, match=r"'dense.bias'"):
        backbones.load("yamnet", path)
    save_file(weights, path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"weights.safetensors"):
        backbones.load("yamnet", path)


@pytest.mark.parametrize(
    ("folder", "names"),
    [
        ("train/soundbank/foreground/Dog", {"Dog", "Bark", "Animal", "Domestic animals, pets", "Bow-wow", "Yip"}),
        ("eval/soundbank/foreground/Speech", {"Speech"}),
        ("train/soundbank/foreground/Cat", {"Cat", "Meow", "Animal", "Domestic animals, pets", "Caterwaul"}),
    ],
)
def test_real_sounds_get_their_names(yamnet, folder, names):
    files = sorted((MINIBANK / folder).glob("*.wav"))
    if not files:
        pytest.skip("the minibank of real recordings is not here")
    with open(yamnet_files()[2], newline="") as file:
        classes = [row["display_name"] for row in csv.DictReader(file)]
    right = 0
    for path in files:
        samples, rate = soundfile.read(path, dtype="float32")
        samples = resample_poly(samples, 16000, rate).astype(np.float32)
        samples = np.pad(samples, (0, max(0, reference.PATCH - len(samples))))
        with torch.no_grad():
            scores = yamnet.classify(torch.from_numpy(samples[None]))[0]
        right += classes[scores.argmax()] in names
    assert right / len(files) > 0.7
