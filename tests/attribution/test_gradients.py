"""Gradients against Captum, on networks of modules and of functions, and where they have a closed form."""

import captum.attr
import pytest
import torch
from torch import nn

from igsed import detectors
from igsed.attribution.frames import of_samples, of_spectrum
from igsed.attribution.gradients import GradientInput, GuidedBackpropagation, Saliency, SmoothGrad
from igsed.classifier import Classifier
from igsed.errors import InputError
from igsed.pooling import pooled
from tests.toys import HOP, RATE, Linear, Toy

SAMPLES = 2 * RATE
TARGETS = [2, 0]


class Modules(Toy):
    """`Toy` with a logarithm and two rectifiers that are modules."""

    def __init__(self, inplace=False):
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.first, self.second = nn.Linear(5, 6), nn.Linear(6, 4)
        for parameter in [*self.first.parameters(), *self.second.parameters()]:
            parameter.requires_grad_(False).copy_(torch.randn(parameter.shape, generator=generator))
        self.rectifiers = nn.ModuleList([nn.ReLU(inplace), nn.ReLU(inplace)])

    def rectify(self, values, k):
        return self.rectifiers[k](values)

    def body(self, spectrum):
        hidden = self.rectify(self.first(torch.log(spectrum + 0.01)), 0)
        return self.rectify(self.second(hidden) + 1, 1)


class Functions(Modules):
    """The same without modules."""

    def rectify(self, values, k):
        return torch.relu(values) if k else values.relu()


class InPlace(Modules):
    """The same with functions that change their argument."""

    def rectify(self, values, k):
        nn.functional.relu(values, inplace=True) if k else values.relu_()
        return values


class OfSpectra(nn.Module):
    """A classifier from its spectra on, for Captum."""

    def __init__(self, classifier):
        super().__init__()
        self.classifier = classifier

    def forward(self, spectra):
        frames = self.classifier.backbone.body(spectra)
        return self.classifier.head(self.classifier.backbone.project(pooled(frames)))


def classifier(backbone):
    head = nn.Linear(backbone.embedding, 3)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return Classifier(backbone, head).eval()


def by_captum(method, model, waveform, domain, sign):
    """Frame scores, a class at a time."""
    inputs, network = waveform[None], model
    if domain == "mel":
        inputs, network = model.backbone.spectrum(inputs), OfSpectra(model)
    parts = [method(network).attribute(inputs.clone(), target=t)[0].detach() for t in TARGETS]
    if domain == "mel":
        return of_spectrum(torch.stack(parts), 20, 2.0, sign)
    return of_samples(torch.stack(parts), RATE, sign)


class CaptumSaliency(captum.attr.Saliency):
    def attribute(self, *args, **kwargs):
        return super().attribute(*args, abs=False, **kwargs)


@pytest.fixture
def waveform():
    noise = torch.randn(SAMPLES, generator=torch.Generator().manual_seed(4))
    return noise * torch.linspace(0.01, 0.3, SAMPLES)


@pytest.mark.parametrize("sign", ["absolute", "positive", "signed"])
@pytest.mark.parametrize("domain", ["waveform", "mel"])
@pytest.mark.parametrize(
    ("method", "captums"),
    [
        (Saliency, CaptumSaliency),
        (GradientInput, captum.attr.InputXGradient),
        (GuidedBackpropagation, captum.attr.GuidedBackprop),
    ],
)
@pytest.mark.filterwarnings("ignore:Setting backward hooks", "ignore:Input Tensor 0 did not")
def test_agrees_with_captum(method, captums, domain, sign, waveform):
    model = classifier(Modules())
    expected = by_captum(captums, model, waveform, domain, sign)
    found = method(domain, sign)(model, waveform, TARGETS)
    assert expected.abs().sum(-1).min() > 0
    assert ((found - expected).abs().sum(-1) / expected.abs().sum(-1)).max() < 1e-4


@pytest.mark.parametrize("backbone", [Functions, InPlace, lambda: Modules(inplace=True)])
@pytest.mark.parametrize("domain", ["waveform", "mel"])
def test_guided_backpropagation_catches_every_kind_of_rectifier(backbone, domain, waveform):
    method = GuidedBackpropagation(domain)
    expected = method(classifier(Modules()), waveform, TARGETS)
    torch.testing.assert_close(method(classifier(backbone()), waveform, TARGETS), expected)
    assert not torch.allclose(Saliency(domain)(classifier(Modules()), waveform, TARGETS), expected, rtol=0.1)


@pytest.mark.parametrize("method", [Saliency, GradientInput, GuidedBackpropagation])
@pytest.mark.parametrize("domain", ["waveform", "mel"])
def test_several_clips_in_a_pass(method, domain, waveform):
    model, explainer = classifier(Modules()), method(domain)
    clips, targets = torch.stack([waveform, waveform.flip(0), torch.zeros_like(waveform)]), [[2, 0, 1], [], [1]]
    together = explainer.explain_batch(model, clips, targets)
    for clip, classes, found in zip(clips, targets, together, strict=True):
        assert found.scores.shape == (len(classes), 20)
        torch.testing.assert_close(found.scores, explainer(model, clip, classes))


def test_one_forward_pass_and_one_backward_pass_per_place(waveform, monkeypatch):
    model, forwards, backwards, grad = classifier(Modules()), [], [], torch.autograd.grad
    model.backbone.first.register_forward_hook(lambda *_: forwards.append(1))
    monkeypatch.setattr(torch.autograd, "grad", lambda *a, **k: backwards.append(1) or grad(*a, **k))
    Saliency().explain_batch(model, torch.stack([waveform] * 3), [[0, 1], [2], []])
    assert (len(forwards), len(backwards)) == (1, 2)


def test_linear_classifier_has_the_closed_form(waveform):
    linear = Linear(SAMPLES, 4)
    expected = of_samples(waveform * linear.weight[[3, 1]], RATE)
    torch.testing.assert_close(GradientInput("waveform")(linear, waveform, [3, 1]), expected)
    torch.testing.assert_close(SmoothGrad(0.5, 3)(linear, waveform, [3, 1]), expected)
    torch.testing.assert_close(
        SmoothGrad(times_input=False)(linear, waveform, [3]), of_samples(linear.weight[[3]], RATE)
    )


@pytest.mark.parametrize("times_input", [False, True])
@pytest.mark.parametrize("domain", ["waveform", "mel"])
def test_smoothgrad_is_the_mean_over_noisy_copies(domain, times_input, waveform):
    model, level = classifier(Modules()), 0.2 * waveform.square().mean().sqrt()
    torch.manual_seed(7)
    found = SmoothGrad(0.2, 5, times_input, domain, "signed", batch=2)(model, waveform, TARGETS)
    torch.manual_seed(7)
    total = 0
    for _ in range(5):
        noisy = (waveform + level * torch.randn(SAMPLES))[None]
        inputs = (noisy if domain == "waveform" else model.backbone.spectrum(noisy)).requires_grad_()
        logits = (model if domain == "waveform" else OfSpectra(model))(inputs)[0]
        total = total + torch.cat([torch.autograd.grad(logits[t], inputs, retain_graph=True)[0] for t in TARGETS]) / 5
    if domain == "waveform":
        expected = of_samples(total * (waveform if times_input else 1), RATE, "signed")
    else:
        expected = of_spectrum(
            total * (model.backbone.spectrum(waveform[None]) if times_input else 1), 20, 2.0, "signed"
        )
    torch.testing.assert_close(found, expected)


def test_smoothgrad_does_not_depend_on_the_batch_or_on_other_classes(waveform):
    model, found = classifier(Modules()), []
    for batch, targets in ((1, [0, 2]), (3, [0, 2]), (20, [2])):
        torch.manual_seed(1)
        found.append(SmoothGrad(0.3, 7, batch=batch)(model, waveform, targets)[-1])
    torch.testing.assert_close(found[1], found[0])
    torch.testing.assert_close(found[2], found[0])
    assert not torch.allclose(SmoothGrad(0.3, 7)(model, waveform, [2])[0], found[0])


@pytest.mark.parametrize("method", [Saliency(), GradientInput("waveform"), GuidedBackpropagation(), SmoothGrad()])
def test_without_recording_and_of_odd_lengths(method, waveform):
    model = classifier(Modules())
    with torch.no_grad():
        assert method(model, waveform[: HOP + 99], [1]).shape == (1, 3)
        assert method(model, waveform, []).shape == (0, 20)
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("saliency", {"domain": "log_mel"}),
        ("gradient_input", {"sign": "squared"}),
        ("guided_backprop", {"times_input": True}),
        ("smoothgrad", {"samples": 0}),
        ("smoothgrad", {"noise": 0}),
        ("smoothgrad", {"batch": 0}),
    ],
)
def test_settings_that_are_refused(name, settings):
    with pytest.raises(InputError, match=next(iter(settings))):
        detectors.load(name, **settings)
