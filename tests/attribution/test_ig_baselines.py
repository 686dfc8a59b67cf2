"""Other baselines than silence, the mel domain, signs, and several clips at once."""

import captum.attr
import pydantic
import pytest
import torch
from torch import nn

from igsed import conformance, detectors
from igsed.attribution import baselines
from igsed.attribution.frames import of_spectrum
from igsed.attribution.ig import IntegratedGradients
from igsed.attribution.ig_captum import CaptumIntegratedGradients
from igsed.backbones.cnn14 import network as cnn14
from igsed.backbones.yamnet.network import YAMNet
from igsed.classifier import Classifier
from igsed.detectors.ig import DETECTOR, Settings
from igsed.pooling import pooled
from igsed.timeline import frame_count
from tests import checkpoints
from tests.toys import HOP, RATE, Toy

SAMPLES = 3 * RATE
SOUNDS = 0.1 * torch.randn(5, RATE, generator=torch.Generator().manual_seed(9))
NARROW = (4, 8, 8, 8, 8, 16)


class Decibel(Toy):
    """A power spectrum through decibels with a floor, a rectified layer and a rectified projection."""

    def spectrum(self, waveform):
        return super().spectrum(waveform) ** 2

    def body(self, spectrum):
        decibel = 10 * torch.log10(torch.clamp(spectrum, min=1e-6))
        return torch.relu(decibel @ self.mix / 20 + 1)

    def project(self, channels):
        return torch.relu(channels @ self.out + 1)


class OneFrame(Toy):
    """Of modules that Captum's DeepLIFT knows, with one frame, whose maximum is no bend."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.ReLU(), nn.ReLU()

    def body(self, spectrum):
        return self.first(spectrum @ self.mix - 0.05).mean(1, keepdim=True)

    def project(self, channels):
        return self.second(channels @ self.out)


class Spectra(nn.Module):
    """The classifier from its spectra on."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, spectra):
        backbone = self.model.backbone
        return self.model.head(backbone.project(pooled(backbone.body(spectra))))


def classifier(backbone):
    torch.manual_seed(5)
    return Classifier(backbone.requires_grad_(False).eval(), nn.Linear(backbone.embedding, 3).requires_grad_(False))


def sound(samples, rate=RATE, seed=4):
    """Noise that comes and goes, with a gap of digital silence."""
    noise = 0.2 * torch.randn(samples, generator=torch.Generator().manual_seed(seed))
    noise *= (3 * torch.arange(samples) / rate).sin().abs()
    noise[samples // 3 : samples // 2] = 0
    return noise


def distance(found, expected):
    return ((found - expected).abs().sum(-1) / expected.abs().sum(-1)).max().item()


@pytest.fixture(scope="module")
def yamnet():
    torch.manual_seed(6)
    network = YAMNet()
    for layer in network.layers:
        nn.init.kaiming_normal_(layer.convolution.weight)
        nn.init.normal_(layer.convolution.bias, 0, 0.1)
    return classifier(network), sound(17600, 16000)


@pytest.fixture(scope="module")
def slim_cnn14(tmp_path_factory):
    file = checkpoints.write_cnn14(tmp_path_factory.mktemp("cnn14") / "slim.pth", checkpoints.cnn14(widths=NARROW))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cnn14, "WIDTHS", NARROW)
        patch.setattr(cnn14.CNN14, "embedding", NARROW[-1])
        model = classifier(cnn14.CNN14.from_file(file))
    return model, sound(40000, 32000)


@pytest.fixture(scope="module")
def toy():
    return classifier(Toy()), sound(SAMPLES)


@pytest.fixture(scope="module")
def decibel():
    return classifier(Decibel()), sound(SAMPLES)


@pytest.fixture(scope="module")
def squares():
    model = conformance._classifier()
    return model, sound(16000, model.sample_rate)


POSSIBLE = [("waveform", name) for name in (*baselines.WAVEFORMS, *baselines.SOUNDS)]
POSSIBLE += [("mel", name) for name in (*baselines.WAVEFORMS, *baselines.SOUNDS, *baselines.SPECTRA)]


@pytest.mark.parametrize(("domain", "baseline"), POSSIBLE)
@pytest.mark.parametrize("name", ["toy", "decibel", "squares", "yamnet", "slim_cnn14"])
def test_complete_with_any_number_of_pieces(name, domain, baseline, request):
    model, clip = request.getfixturevalue(name)
    for pieces in (1, 3):
        torch.manual_seed(1)
        method = IntegratedGradients(pieces, None, baseline=baseline, domain=domain, draws=2, sounds=SOUNDS)
        found = method.explain(model, clip, [2, 0])
        difference = found.logit - found.baseline_logit
        rounding = 1e-6 * found.logit.abs().max()
        assert ((found.total - difference).abs() < 1e-4 * difference.abs() + rounding).all()
        assert found.scores.isfinite().all()
        with torch.no_grad():
            torch.testing.assert_close(found.logit, model(clip[None])[0, [2, 0]], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("backbone", [Toy, Decibel])
def test_agrees_with_captum_on_the_waveform(backbone):
    model, clip = classifier(backbone()), sound(SAMPLES)
    found = IntegratedGradients(400, None, baseline="quiet_second").explain(model, clip, [0, 2])
    captum = CaptumIntegratedGradients(8000, "riemann_middle", 1000, "quiet_second").explain(model, clip, [0, 2])
    assert distance(found.scores, captum.scores) < 1e-3
    for name in ("logit", "baseline_logit", "norm", "baseline_norm"):
        torch.testing.assert_close(getattr(found, name), getattr(captum, name))


@pytest.mark.parametrize("sign", ["absolute", "positive", "signed"])
def test_agrees_with_captum_on_the_spectra(decibel, sign):
    model, clip = decibel
    # no silence, next to which even steps, Captum's and the engine's, resolve decibels slowly
    clip = clip + 0.05 * torch.randn(SAMPLES, generator=torch.Generator().manual_seed(8))
    found = IntegratedGradients(400, None, baseline="quiet_second", domain="mel", sign=sign)(model, clip, [1])
    spectra = model.backbone.spectrum(torch.stack([clip, baselines.quiet_second(clip, RATE)]))
    ig = captum.attr.IntegratedGradients(Spectra(model))
    parts = ig.attribute(spectra[:1], spectra[1:], 1, n_steps=4000, method="riemann_middle", internal_batch_size=500)
    means = {"absolute": parts.abs(), "positive": parts.clamp(min=0), "signed": parts}[sign][0].mean(-1).tolist()
    expected = []
    for frame in range(30):  # of 100 ms; a spectrum is of 250 ms
        first, last = frame * 100 // HOP, (frame * 100 + 99) // HOP
        share = (last * HOP - frame * 100) / 100 if first < last else 1.0
        expected.append(share * means[first] + (1 - share) * means[last])
    assert distance(found, torch.tensor([expected])) < 1e-3


def test_one_piece_is_the_rescale_rule_of_deeplift():
    model, clip = classifier(OneFrame()), sound(SAMPLES)
    ends = model.backbone.spectrum(torch.stack([clip, baselines.quiet_second(clip, RATE)]))
    parts = captum.attr.DeepLift(Spectra(model)).attribute(ends[:1], ends[1:], target=1)
    expected = of_spectrum(parts.detach(), SAMPLES * 10 // RATE, SAMPLES / RATE)
    found = IntegratedGradients(1, None, baseline="quiet_second", domain="mel").explain(model, clip, [1])
    assert distance(found.scores, expected) < 1e-4
    assert found.error.isnan().all()
    finer = IntegratedGradients(64, None, baseline="quiet_second", domain="mel")(model, clip, [1])
    assert distance(finer, expected) > 1e-3


def test_several_sounds_are_averaged(decibel):
    model, clip = decibel
    method = IntegratedGradients(4, None, baseline="training", sign="signed", draws=5, sounds=SOUNDS)
    parts = [
        IntegratedGradients(4, None, baseline="training", sign="signed", sounds=part[None]).explain(model, clip, [1])
        for part in SOUNDS
    ]
    found = method.explain(model, clip, [1])
    for name in ("scores", "total", "baseline_logit", "norm", "baseline_norm"):
        mean = torch.stack([getattr(part, name) for part in parts]).mean(0)
        torch.testing.assert_close(getattr(found, name), mean, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("q", [0.0, 50.0])
def test_baseline_that_is_a_spectrum(decibel, q):
    model, clip = decibel
    method = IntegratedGradients(4, None, baseline="percentile", domain="mel", percentile=q)
    spectrum = model.backbone.spectrum(clip[None])
    low = spectrum.amin(1, keepdim=True) if q == 0 else spectrum.median(1, keepdim=True).values
    if q == 50:  # of an even number torch takes the lower one
        low = spectrum.sort(1).values[:, 5:7].mean(1, keepdim=True)
    expected = Spectra(model)(low.expand_as(spectrum))[0, 1]
    assert method.explain(model, clip, [1]).baseline_logit.item() == pytest.approx(expected.item(), rel=1e-5)
    if q == 50:
        median = IntegratedGradients(4, None, baseline="median", domain="mel")
        assert torch.equal(median(model, clip, [1]), method(model, clip, [1]))


@pytest.mark.parametrize(
    "settings",
    [
        {"batch": 6},
        {"n_steps": 2, "batch": 64},
        {"n_steps": 2, "baseline": "noise", "domain": "mel"},
        {"n_steps": 2, "baseline": "phase", "batch": 10},
        {"n_steps": 1, "baseline": "median", "domain": "mel", "tolerance": None},
        {"n_steps": 2, "baseline": "training", "sounds": SOUNDS, "draws": 3, "batch": 7},
    ],
)
@pytest.mark.parametrize(("name", "limit"), [("decibel", 32), ("yamnet", 4)])
def test_several_clips_at_once(name, limit, settings, request):
    """As one at a time, in the same order of random draws; silence and clips without targets among them."""
    model, clip = request.getfixturevalue(name)
    clips = torch.stack([clip, clip.flip(0), 0 * clip, 0.01 * clip])
    targets = [[0], [2, 1, 0], [1], []]
    method = IntegratedGradients(**{"n_steps": 3, "tolerance": 0.1, "max_steps": limit} | settings)
    torch.manual_seed(2)
    together = method.explain_batch(model, clips, targets)
    torch.manual_seed(2)
    for found, clip, own in zip(together, clips, targets, strict=True):
        alone = method.explain(model, clip, own)
        assert found.n_steps.tolist() == alone.n_steps.tolist()
        largest = max(alone.scores.flatten().tolist(), default=0)
        torch.testing.assert_close(found.scores, alone.scores, rtol=1e-4, atol=1e-4 * largest)
        for one, other in zip(found[1:], alone[1:], strict=True):
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4, equal_nan=True)


def test_every_clip_and_class_is_doubled_for_itself(decibel):
    model, clip = decibel
    clips, method = torch.stack([clip, clip.flip(0), 0 * clip]), IntegratedGradients(2, 0.1, 512)
    found = method.explain_batch(model, clips, [[0], [2, 1, 0], [1]])
    pieces = [part.n_steps.tolist() for part in found]
    assert len({number for row in pieces for number in row}) > 2
    assert pieces[2] == [2.0]
    assert all((part.error <= 0.1).all() for part in found)


def test_too_many_clips_at_once_are_halved(toy):
    model, clip = toy
    clips = torch.stack([clip, clip.flip(0), -clip, 0.1 * clip, clip.roll(99)])

    class Small(Toy):
        def body(self, spectrum):
            if len(spectrum) > 2:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return super().body(spectrum)

    targets, method = [[0], [1, 2], [0], [2], [1]], IntegratedGradients(4, None, batch=64)
    expected = method.explain_batch(model, clips, targets)
    for found, other in zip(method.explain_batch(classifier(Small()), clips, targets), expected, strict=True):
        torch.testing.assert_close(found.scores, other.scores, rtol=1e-4, atol=1e-7)


def test_scores_repeat_with_the_seed_alone(decibel):
    model, clip = decibel
    for baseline in ("noise", "shuffled", "phase", "training"):
        method = IntegratedGradients(2, None, baseline=baseline, draws=2, sounds=SOUNDS)
        torch.manual_seed(1)
        one = method(model, clip, [0, 2])
        torch.manual_seed(1)
        torch.testing.assert_close(method(model, clip, [2]), one[1:])
        assert not torch.allclose(method(model, clip, [2]), one[1:])


def test_signs(decibel):
    model, clip = decibel
    of = {
        sign: IntegratedGradients(4, None, baseline="quiet_second", sign=sign)(model, clip, [0])
        for sign in ("absolute", "positive", "signed")
    }
    assert of["signed"].min() < 0
    torch.testing.assert_close(2 * of["positive"] - of["absolute"], of["signed"], rtol=1e-4, atol=1e-7)


def weights_of(spectra: int, samples: int, sample_rate: int):
    """How much each spectrum counts in each frame: (frame, spectrum)."""
    duration = samples / sample_rate
    return of_spectrum(torch.eye(spectra, dtype=torch.float64)[..., None], frame_count(duration), duration).T


@pytest.mark.parametrize("samples", [16000, 16100, 24159, 3200])
def test_spectra_of_yamnet_lie_where_they_are(yamnet, samples):
    count = yamnet[0].backbone.spectrum(torch.zeros(1, samples)).shape[1]
    check_weights(weights_of(count, samples, 16000), 200 + 160 * torch.arange(count), 16000, 400)


@pytest.mark.parametrize("samples", [32000, 40319])
def test_spectra_of_cnn14_lie_where_they_are(slim_cnn14, samples):
    count = slim_cnn14[0].backbone.spectrum(torch.zeros(1, samples)).shape[1]
    check_weights(weights_of(count, samples, 32000), 320 * torch.arange(count), 32000, 1024)


def check_weights(weights, centres, sample_rate, window):
    """A spectrum counts in the frame that its centre lies in, to within half a window, and every frame is a mean."""
    torch.testing.assert_close(weights.sum(1), torch.ones(len(weights), dtype=torch.float64))
    slack = float(centres[1] - centres[0]) / 2 + window / 2 + 1
    size = sample_rate / 10
    for frame, row in enumerate(weights):
        counted = centres[row > 0]
        inside = (counted >= frame * size - slack) & (counted <= (frame + 1) * size + slack)
        if frame + 1 < len(weights):
            assert inside.all()
        else:
            assert inside.any() or centres[-1] < frame * size


@pytest.mark.parametrize("samples", [1000, 2000])
def test_spectra_of_the_toy_lie_where_they_are(samples):
    count = samples // HOP
    for frame, row in enumerate(weights_of(count, samples, RATE)):
        first, last = (min(time // HOP, count - 1) for time in (frame * 100, frame * 100 + 99))
        assert (row > 1e-9).nonzero().flatten().tolist() == sorted({first, last})


@pytest.mark.parametrize("samples", [250, 800, 1000])
def test_short_clips_and_silence(toy, samples):
    for domain, baseline in POSSIBLE:
        method = IntegratedGradients(2, baseline=baseline, domain=domain, draws=2, sounds=SOUNDS)
        for clip in (torch.zeros(samples), sound(samples)):
            assert method(toy[0], clip, [1]).shape == (1, samples // 100)
            assert method(toy[0], clip, [1]).isfinite().all()


def test_no_clips_and_no_targets(toy):
    model, clip = toy
    method = IntegratedGradients(2, baseline="noise", domain="mel")
    assert method.explain(model, clip, []).scores.shape == (0, 30)
    assert [found.scores.shape for found in method.explain_batch(model, clip[None], [[]])] == [(0, 30)]


def test_a_classifier_with_a_forward_pass_of_its_own(decibel):
    class Own(Classifier):
        def forward(self, clips):
            return 3 * super().forward(clips)

    plain, clip = decibel
    method = IntegratedGradients(8, None, baseline="quiet_second", domain="mel")
    found = method.explain(Own(plain.backbone, plain.head), clip, [0])
    assert found.completeness_error.item() == pytest.approx(2 / 3, abs=1e-3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"baseline": "percentile"}, "domain: "),
        ({"baseline": "median", "domain": "waveform"}, "domain: "),
        ({"n_steps": 20, "max_steps": 10}, "max_steps: "),
        ({"baseline": "loud"}, "baseline"),
        ({"percentile": 101}, "percentile"),
        ({"draws": 0}, "draws"),
    ],
)
def test_settings_that_are_refused(settings, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        Settings(**settings)
    if "max_steps" not in settings and "percentile" not in settings:
        with pytest.raises(ValueError, match=message):
            IntegratedGradients(**settings)


@pytest.mark.parametrize("sounds", [None, torch.zeros(0, 100)])
@pytest.mark.parametrize("baseline", ["background", "training"])
def test_sounds_of_training_clips_must_be_there(baseline, sounds):
    with pytest.raises(ValueError, match="baseline: "):
        IntegratedGradients(baseline=baseline, sounds=sounds)


def test_declaration():
    assert set(Settings.model_fields["baseline"].annotation.__args__) == {
        *baselines.WAVEFORMS, *baselines.SPECTRA, *baselines.SOUNDS,
    }  # fmt: skip
    plain, several = (
        detectors.checked(DETECTOR, settings) for settings in ({}, {"baseline": "training", "n_steps": 2, "draws": 3})
    )
    assert (DETECTOR.passes(plain), DETECTOR.sounds(plain)) == ((17, 16), "")
    assert (DETECTOR.passes(several), DETECTOR.sounds(several)) == ((9, 6), "clips")
    assert DETECTOR.sounds(several | {"baseline": "background"}) == "backgrounds"


@pytest.mark.parametrize(
    "settings",
    [
        {"baseline": "quiet_second", "domain": "mel", "n_steps": 4},
        {"baseline": "noise"},
        {"baseline": "median", "domain": "mel", "sign": "signed"},
        {"baseline": "shuffled", "sign": "positive"},
        {"baseline": "phase", "domain": "mel"},
    ],
)
def test_conforms(settings):
    assert [check for check in conformance.run("ig", **settings) if not check.passed] == []
