"""Activation maps against Captum's layer attributions, and against the clip head on frames."""

import captum.attr
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from igsed import detectors
from igsed.attribution.activation_maps import ActivationMaps, layer_count
from igsed.attribution.frames import of_spectrum
from igsed.classifier import Classifier
from igsed.errors import InputError
from igsed.timeline import resample
from tests.toys import RATE, Toy

SAMPLES = 2 * RATE
HOP = 25
TARGETS = [2, 0]


class Network(nn.Module):
    """An `igsed.backbones.Backbone` of four convolutions, each with a rectifier of its own; time is halved twice."""

    sample_rate, embedding = RATE, 5

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        sizes = [(1, 4, 1), (4, 4, 2), (4, 6, 2), (6, 5, 1)]
        self.convolutions = nn.ModuleList([nn.Conv2d(a, b, 3, stride, 1) for a, b, stride in sizes])
        self.activations = nn.ModuleList([nn.ReLU() for _ in sizes])
        for parameter in self.parameters():
            parameter.requires_grad_(False).copy_(torch.randn(parameter.shape, generator=generator) * 0.5)

    def activate(self, values, k):
        return self.activations[k](values)

    def spectrum(self, waveform):
        frames = waveform.shape[-1] // HOP
        return waveform[:, : frames * HOP].unflatten(-1, (frames, 5, HOP // 5)).abs().mean(-1)

    def body(self, spectrum):
        values = torch.log(spectrum + 0.01)[:, None]
        for k, convolution in enumerate(self.convolutions):
            values = self.activate(convolution(values), k)
        return values.mean(-1).transpose(1, 2)

    def project(self, channels):
        return channels

    def frame_times(self, samples):
        return (torch.arange(-(-samples // (4 * HOP))) + 0.5) * 4 * HOP / RATE - 0.02


class Shared(Network):
    """One module serves all."""

    def activate(self, values, k):
        return self.activations[0](values)


class Functions(Network):
    """Functions of all kinds instead of modules; the last change their argument."""

    def activate(self, values, k):
        if k < 2:
            return functional.relu(input=values) if k else values.relu()
        functional.relu(values, inplace=True) if k == 2 else torch.relu_(values)
        return values


class Smooth(Network):
    """Activations whose values are not needed for their derivative."""

    def activate(self, values, k):
        return functional.gelu(values) * 2


class ChangedAfterwards(Network):
    """The same, where a layer's values are overwritten by what follows."""

    def activate(self, values, k):
        values = functional.gelu(values)
        values *= 2
        return values


class Gated(Network):
    """Channels are weighed by what a rectifier makes of the whole clip."""

    def activate(self, values, k):
        return super().activate(values, k) * (1 + torch.relu(values.mean((2, 3), keepdim=True)))


class Bent(Network):
    """Activations that torch has no function for."""

    def activate(self, values, k):
        return values * torch.sigmoid(values)


def classifier(backbone):
    head = nn.Linear(backbone.embedding, 3)
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return Classifier(backbone, head).eval()


def on_grid(curves, backbone):
    columns = curves.shape[-1]
    if columns > 20:
        return of_spectrum(curves[..., None], 20, 2.0, "signed")
    assert columns == len(backbone.frame_times(SAMPLES))
    return torch.as_tensor(resample(curves, backbone.frame_times(SAMPLES), 20)).float()


@pytest.fixture
def waveform():
    noise = torch.randn(SAMPLES, generator=torch.Generator().manual_seed(4))
    return noise * torch.linspace(0, 12, SAMPLES).sin().abs() * 0.3


@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("layer", [0, 1, -2, -1])
def test_agrees_with_captum(layer, relu, waveform):
    model = classifier(Network())
    module = model.backbone.activations[layer]
    for weighting, captums in (("grad_cam", captum.attr.LayerGradCam), ("hires", captum.attr.LayerGradientXActivation)):
        parts = [captums(model, module).attribute(waveform[None].clone().requires_grad_(), target=t) for t in TARGETS]
        maps = torch.cat(parts).detach().sum(1)
        expected = on_grid((maps.clamp_min(0) if relu else maps).mean(-1), model.backbone)
        found = ActivationMaps([layer], weighting, relu)(model, waveform, TARGETS)
        assert expected.abs().sum(-1).min() > 0
        assert ((found - expected).abs().sum(-1) / expected.abs().sum(-1)).max() < 1e-4


def test_layer_cam_by_brute_force(waveform):
    model, kept = classifier(Network()), []
    handle = model.backbone.activations[1].register_forward_hook(lambda m, i, values: kept.append(values))
    logits = model(waveform[None].clone().requires_grad_())[0]
    handle.remove()
    parts = [torch.autograd.grad(logits[t], kept[0], retain_graph=True)[0] for t in TARGETS]
    maps = (torch.cat(parts).clamp_min(0) * kept[0].detach()).sum(1)
    found = ActivationMaps([1], "layer_cam")(model, waveform, TARGETS)
    torch.testing.assert_close(found, on_grid(maps.mean(-1), model.backbone))


def test_last_layer_without_rectifier_is_the_clip_head_on_frames(waveform):
    model = classifier(Network())
    frames = model.backbone.body(model.backbone.spectrum(waveform[None]))[0]
    expected = on_grid((frames @ model.head.weight.T).T.detach(), model.backbone)[TARGETS]
    found = ActivationMaps([-1], relu=False)(model, waveform, TARGETS)
    factor = (found * expected).sum() / expected.square().sum()
    assert factor > 0
    torch.testing.assert_close(found, factor * expected)


@pytest.mark.parametrize(("backbone", "same"), [(Shared, Network), (Functions, Network), (ChangedAfterwards, Smooth)])
@pytest.mark.parametrize("layers", [[0], [1], [2], [3], [0, 2, 3]])
def test_modules_and_functions_alike(backbone, same, layers, waveform):
    expected = ActivationMaps(layers)(classifier(same()), waveform, TARGETS)
    torch.testing.assert_close(ActivationMaps(layers)(classifier(backbone()), waveform, TARGETS), expected)


@pytest.mark.parametrize("backbone", [Network, Shared, Functions, ChangedAfterwards, Gated, Bent])
def test_layers_are_counted(backbone):
    assert layer_count(backbone()) == 4


def test_gates_are_no_layers(waveform):
    model = classifier(Gated())
    kept = []
    model.backbone.activations[1].register_forward_hook(lambda m, i, values: kept.append(values))
    logits = model(waveform[None].clone().requires_grad_())[0]
    (gradient,) = torch.autograd.grad(logits[2], kept[0])
    maps = (gradient.mean((2, 3), keepdim=True) * kept[0].detach()).sum(1).clamp_min(0)
    found = ActivationMaps([1])(model, waveform, [2])
    torch.testing.assert_close(found, on_grid(maps.mean(-1), model.backbone))


def test_convolutions_where_there_are_no_activations(waveform):
    model = classifier(Bent())
    convolution = model.backbone.convolutions[-1]
    maps = captum.attr.LayerGradCam(model, convolution).attribute(waveform[None].clone().requires_grad_(), target=1)
    expected = on_grid(maps.detach()[:, 0].clamp_min(0).mean(-1), model.backbone)
    torch.testing.assert_close(ActivationMaps()(model, waveform, [1]), expected)


def test_frames_are_the_layer_of_a_body_without_maps(waveform):
    model = classifier(Toy())
    assert layer_count(model.backbone) == 1
    frames = model.backbone.body(model.backbone.spectrum(waveform[None]))[0]
    curve = frames @ model.backbone.out @ model.head.weight[1].detach()
    expected = torch.as_tensor(resample(curve, model.backbone.frame_times(SAMPLES), 20)).float()
    found = ActivationMaps(relu=False)(model, waveform, [1])[0]
    torch.testing.assert_close(found / found.abs().max(), expected / expected.abs().max())


@pytest.mark.parametrize("fusion", ["maximum", "mean"])
def test_layers_are_scaled_and_fused(fusion, waveform):
    model = classifier(Network())
    curves, kept = [], []
    for module in model.backbone.activations:
        module.register_forward_hook(lambda m, i, values: kept.append(values))
    logits = model(waveform[None].clone().requires_grad_())[0]
    for layer in (0, 3):
        (gradient,) = torch.autograd.grad(logits[2], kept[layer], retain_graph=True)
        curve = (gradient * kept[layer].detach()).sum(1).mean(-1)
        curves.append(on_grid((curve - curve.min()) / (curve.max() - curve.min()), model.backbone))
    expected = torch.maximum(*curves) if fusion == "maximum" else sum(curves) / 2
    found = ActivationMaps([3, 0], "hires", False, fusion)(model, waveform, [2])
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(ActivationMaps([-1, -4], "hires", False, fusion)(model, waveform, [2]), expected)


def test_no_layers_named_are_the_last_of_each_resolution(waveform):
    model = classifier(Network())  # 80, 40, 20 and 20 columns
    expected = ActivationMaps([0, 1, 3])(model, waveform, TARGETS)
    torch.testing.assert_close(ActivationMaps(None)(model, waveform, TARGETS), expected)


@pytest.mark.parametrize("backbone", [Network, Functions, Toy])
@pytest.mark.parametrize("layers", [[-1], None])
def test_several_clips_in_a_pass(backbone, layers, waveform):
    model, method = classifier(backbone()), ActivationMaps(layers, "layer_cam")
    clips, targets = torch.stack([waveform, waveform.flip(0), torch.zeros_like(waveform)]), [[2, 0, 1], [], [1]]
    with torch.no_grad():
        together = method.explain_batch(model, clips, targets)
    for clip, classes, found in zip(clips, targets, together, strict=True):
        assert found.scores.shape == (len(classes), 20)
        torch.testing.assert_close(found.scores, method(model, clip, classes))


def test_short_clips(waveform):
    for layers in ([0], [-1], None):
        assert ActivationMaps(layers)(classifier(Network()), waveform[:130], [0]).isfinite().all()


@pytest.mark.parametrize("layer", [4, -5])
def test_a_layer_that_is_not_there(layer, waveform):
    with pytest.raises(InputError, match=f"layers: there is no {layer} .* 4, 0 to 3"):
        ActivationMaps([0, layer])(classifier(Network()), waveform, [0])


@pytest.mark.parametrize("name", ["grad_cam", "layer_cam"])
@pytest.mark.parametrize(
    "settings",
    [{"layers": []}, {"layers": [1, 1]}, {"layers": "last"}, {"weighting": "mean"}, {"fusion": "sum"}],
)
def test_settings_that_are_refused(name, settings):
    with pytest.raises(InputError, match=next(iter(settings))):
        detectors.load(name, **settings)


def test_layers_as_an_experiment_names_them(waveform):
    found = detectors.load("grad_cam", layers=[-2])(classifier(Network()), waveform, [0])
    assert np.array_equal(found, ActivationMaps([2])(classifier(Network()), waveform, [0]))
