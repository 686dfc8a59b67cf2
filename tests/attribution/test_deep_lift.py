"""DeepLIFT: completeness, and Captum where Captum is right."""

import captum.attr
import pytest
import torch
from torch import nn

from igsed import detectors
from igsed.attribution.baselines import quiet_second
from igsed.attribution.deep_lift import DeepLift
from igsed.attribution.frames import of_spectrum
from igsed.classifier import Classifier
from igsed.errors import InputError
from tests.toys import RATE, Toy

SAMPLES = 2 * RATE


class Averaged(Toy):
    """`Toy` with a logarithm and two rectifiers that are modules, and one frame, the mean over time."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 4), nn.ReLU())
        generator = torch.Generator().manual_seed(3)
        for parameter in self.net.parameters():
            parameter.requires_grad_(False).copy_(torch.randn(parameter.shape, generator=generator))

    def of_logarithms(self, values):
        return self.net(values).mean(1, keepdim=True)

    def body(self, spectrum):
        return self.of_logarithms(torch.log(spectrum + 0.01))


class Maximal(Averaged):
    """The same with all frames, of which the maximum is taken too."""

    def of_logarithms(self, values):
        return self.net(values)


class OfLogarithms(nn.Module):
    """A classifier with one frame, from the logarithms on."""

    def __init__(self, classifier):
        super().__init__()
        self.backbone, self.head = classifier.backbone, classifier.head

    def forward(self, values):
        frames = self.backbone.of_logarithms(values)
        return self.head(self.backbone.project(2 * frames.squeeze(1)))


def classifier(backbone):
    head = nn.Linear(backbone.embedding, 3)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return Classifier(backbone, head).eval()


@pytest.fixture
def waveform():
    noise = torch.randn(SAMPLES, generator=torch.Generator().manual_seed(4))
    return noise * torch.linspace(0.01, 0.3, SAMPLES)


@pytest.mark.filterwarnings("ignore:Setting forward, backward hooks", "ignore:Input Tensor 0 did not")
@pytest.mark.parametrize("sign", ["absolute", "positive", "signed"])
def test_agrees_with_captum_from_the_logarithms_on(sign, waveform):
    """The logarithm is taken band by band, so the contributions of spectra are those of their logarithms."""
    model = classifier(Averaged())
    quiet = quiet_second(waveform, RATE)
    clip, baseline = (torch.log(model.backbone.spectrum(sound[None]) + 0.01) for sound in (waveform, quiet))
    captums = captum.attr.DeepLift(OfLogarithms(model))
    contributions = torch.cat([captums.attribute(clip, baseline, target=t).detach() for t in (2, 0)])
    expected = of_spectrum(contributions, 20, 2.0, sign)
    found = DeepLift(sign=sign).explain(model, waveform, [2, 0])
    assert ((found.scores - expected).abs().sum(-1) / expected.abs().sum(-1)).max() < 1e-3
    torch.testing.assert_close(found.total, contributions.sum((1, 2)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("baseline", ["silence", "quiet_second", "noise"])
@pytest.mark.parametrize("backbone", [Toy, Averaged, Maximal])
def test_complete(backbone, baseline, waveform):
    model = classifier(backbone())
    found = DeepLift(baseline).explain(model, waveform, [0, 1, 2])
    assert found.completeness_error.max() < 1e-3
    torch.testing.assert_close(found.logit, model(waveform[None])[0].detach())


def test_baseline_is_told(waveform):
    model = classifier(Maximal())
    found, quiet = DeepLift().explain(model, waveform, [1]), quiet_second(waveform, RATE)
    torch.testing.assert_close(found.baseline_logit, model(quiet[None])[0, [1]].detach())
    assert found.norm.item() != found.baseline_norm.item()
    assert found.n_steps.tolist() == [1]


def test_signed_scores_sum_to_the_change(waveform):
    """Frames and spectra are equally long in sum: 20 frames of the mean over 8 spectra and 5 bands."""
    found = DeepLift(sign="signed").explain(classifier(Maximal()), waveform, [0, 1])
    torch.testing.assert_close(found.scores.sum(-1) * 8 * 5 / 20, found.total)


def test_nothing_from_the_baseline_to_itself():
    found = DeepLift("silence").explain(classifier(Maximal()), torch.zeros(SAMPLES), [0, 1])
    assert found.scores.abs().max() == 0
    assert found.total.abs().max() == 0


def test_no_classes(waveform):
    with torch.no_grad():
        assert DeepLift()(classifier(Toy()), waveform, []).shape == (0, 20)


@pytest.mark.parametrize("settings", [{"baseline": "clip"}, {"sign": "negative"}, {"n_steps": 2}])
def test_settings_that_are_refused(settings):
    with pytest.raises(InputError, match=next(iter(settings))):
        detectors.load("deep_lift", **settings)
