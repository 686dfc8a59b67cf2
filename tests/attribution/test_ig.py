"""The engine against Captum, against closed forms, and against itself in other batches."""

import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from igsed import attribution, backbones
from igsed.attribution import frame_scores
from igsed.attribution.ig import IntegratedGradients
from igsed.attribution.ig_captum import CaptumIntegratedGradients
from igsed.classifier import Classifier
from tests.toys import RATE, Toy
from tests.weights import yamnet_weights

SAMPLES = 2 * RATE
ROOT = Path(__file__).parents[2]


class Decibel(Toy):
    """A power spectrum, degree 2, through decibels with a floor, two rectified layers and a rectified projection."""

    path_span = 7.0

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(2)
        self.hidden = nn.Parameter(torch.randn(4, 4, generator=generator), requires_grad=False)

    def spectrum(self, waveform):
        return super().spectrum(waveform) ** 2

    def body(self, spectrum):
        decibel = 10 * torch.log10(torch.clamp(spectrum, min=1e-6))
        return nn.functional.relu(torch.relu(decibel @ self.mix / 20 + 1) @ self.hidden)

    def project(self, channels):
        return nn.functional.relu_(channels @ self.out + 1)


class Small(Toy):
    """Has no memory for more than `rows` points at once."""

    def __init__(self, rows, problem):
        super().__init__()
        self.rows, self.problem, self.seen = rows, problem, []

    def body(self, spectrum):
        values = super().body(spectrum)
        self.seen.append(len(spectrum))
        if len(spectrum) > self.rows:
            raise self.problem
        return values


def classifier(backbone, classes=3, seed=5):
    head = nn.Linear(backbone.embedding, classes).requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    head.weight.copy_(torch.randn(head.weight.shape, generator=generator) * backbone.embedding**-0.5)
    return Classifier(backbone, head).eval()


def distance(found, expected):
    """Relative L1 distance of frame scores."""
    return ((found - expected).abs().sum(-1) / expected.sum(-1)).max().item()


@pytest.fixture
def waveform():
    """A sound that comes and goes."""
    noise = torch.randn(SAMPLES, generator=torch.Generator().manual_seed(4))
    return noise * torch.linspace(0, 4 * math.pi, SAMPLES).sin().abs() * 0.2


@pytest.fixture(scope="module")
def yamnet():
    backbone = backbones.load("yamnet", yamnet_weights())
    return Classifier(backbone, backbone.dense).eval()


@pytest.fixture
def chirp():
    """A second of a rising tone with two gaps."""
    time = torch.arange(16000) / 16000
    return 0.2 * (2 * math.pi * (300 + 900 * time) * time).sin() * ((time * 5).floor() % 2 == 0)


@pytest.mark.parametrize("backbone", [Toy, Decibel])
def test_agrees_with_captum_at_many_steps(backbone, waveform):
    model = classifier(backbone())
    captum = CaptumIntegratedGradients(n_steps=1000, rule="riemann_middle", batch=500).explain(model, waveform, [0, 2])
    found = IntegratedGradients(500, tolerance=None).explain(model, waveform, [0, 2])
    assert distance(found.scores, captum.scores) < 0.01
    torch.testing.assert_close(found.logit, captum.logit)
    torch.testing.assert_close(found.baseline_logit, captum.baseline_logit)


def test_agrees_with_captum_on_yamnet(yamnet, chirp):
    """On a faint sound, whose path Captum's even steps resolve: YAMNet's logarithm bends where α · mel is 0.001."""
    faint = chirp[:8000] * 0.1
    captum = CaptumIntegratedGradients(n_steps=500, rule="riemann_middle", batch=20).explain(yamnet, faint, [304])
    found = IntegratedGradients(64, tolerance=None).explain(yamnet, faint, [304])
    assert distance(found.scores, captum.scores) < 0.01


@pytest.mark.parametrize("pieces", [1, 3, 16])
@pytest.mark.parametrize("backbone", [Toy, Decibel])
def test_complete_with_any_number_of_pieces(backbone, pieces, waveform):
    method = IntegratedGradients(pieces, tolerance=None)
    assert method.explain(classifier(backbone()), waveform, [0, 1, 2]).completeness_error.max() < 1e-3


def test_complete_on_yamnet(yamnet, chirp):
    assert IntegratedGradients(8, None).explain(yamnet, chirp, [0, 304]).completeness_error.max() < 1e-3


def test_total_is_the_sum_of_the_samples(waveform):
    """Euler's theorem: the spectrum is homogeneous, so the sum over its bins is that over the samples."""
    from igsed.attribution.ig import _pull_back

    model, method = classifier(Decibel()), IntegratedGradients(16, None)
    spectra = model.backbone.spectrum(torch.stack([waveform, 0 * waveform]))
    multipliers, _ = method._integrate(model, spectra[None, 1:], spectra[:1], [[1]], 16)
    samples = _pull_back(model.backbone, waveform, multipliers[0, 0]).mean(1)
    found = method.explain(model, waveform, [1])
    torch.testing.assert_close(samples.sum(-1), found.total, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(frame_scores(samples, RATE), found.scores)


def flattened(z, body):
    return torch.relu(z.flatten(0, 1)).unflatten(0, z.shape[:2])


def in_place(z, body):
    nn.functional.relu(z, inplace=True)
    return z


def changed_afterwards(z, body):
    rectified = torch.relu(z)
    z *= -0.3
    return rectified + z


def far_floor(z, body):
    return torch.relu(torch.clamp(z, min=-1e9)) + torch.clamp(z, min=-math.inf) / 2


def parameters_bend_too(z, body):
    gain = torch.relu(body.gain) * torch.log(torch.tensor(2.0)) * torch.clamp(torch.tensor(3), min=1)
    return torch.relu(z) * gain + torch.clamp(input=z, min=0.0)


def other_logarithms(z, body):
    return torch.log1p(torch.relu(z)) + torch.log2(torch.clip(z, 0.0) + 1)


def chosen_values(z, body):
    return torch.relu(z) + torch.relu(z[z > 1.5]).sum() * 0


@pytest.mark.parametrize("batch", [1, 7, None])
@pytest.mark.parametrize(
    "act",
    [flattened, in_place, changed_afterwards, far_floor, parameters_bend_too, other_logarithms, chosen_values],
)
def test_functions_are_followed_however_they_are_written(act, batch, waveform):
    class Body(Decibel):
        gain = torch.tensor([0.5, -1.0, 1.0, 2.0])

        def body(self, spectrum):
            spectrum *= 1.0
            return act(10 * torch.log10(torch.clamp(spectrum, min=1e-6)) @ self.mix / 20 + 1, self)

    model = classifier(Body())
    found = IntegratedGradients(64, None, batch=batch).explain(model, waveform, [0, 2])
    exact = CaptumIntegratedGradients(2000, "riemann_middle", batch=500).explain(model, waveform, [0, 2])
    assert distance(found.scores, exact.scores) < 0.02
    assert found.completeness_error.max() < 2e-3
    with torch.no_grad():
        torch.testing.assert_close(found.logit, model(waveform[None])[0, [0, 2]])


@pytest.mark.parametrize("bend", [torch.sigmoid, nn.functional.leaky_relu, nn.functional.silu, nn.functional.gelu])
def test_functions_that_are_not_followed_converge(bend, waveform):
    class Body(Decibel):
        def body(self, spectrum):
            return bend(super().body(spectrum) @ self.hidden)

    model = classifier(Body())
    coarse, fine = (IntegratedGradients(16, t).explain(model, waveform, [0, 1, 2]) for t in (None, 0.02))
    assert coarse.completeness_error.max() > 1e-3
    assert ((fine.completeness_error <= 0.02) | (fine.n_steps == 256)).all()
    assert fine.completeness_error.max() < coarse.completeness_error.max()
    exact = CaptumIntegratedGradients(2000, "riemann_middle", batch=500)(model, waveform, [0, 1, 2])
    assert distance(fine.scores, exact) < 0.05


def test_completeness_tells_what_the_path_does_not_know(waveform):
    """A classifier with a forward pass of its own has other logits."""

    class Own(Classifier):
        def forward(self, clips):
            return 3 * super().forward(clips)

    plain = classifier(Decibel())
    found = IntegratedGradients(32, None).explain(Own(plain.backbone, plain.head), waveform, [0])
    assert found.completeness_error.item() == pytest.approx(2 / 3, abs=0.01)


def test_gradients_are_taken_where_none_are_recorded(waveform):
    model, method = classifier(Decibel()), IntegratedGradients(8, None)
    with torch.no_grad():
        found = method(model, waveform, [0])
    torch.testing.assert_close(found, method(model, waveform, [0]))


def test_double_precision(waveform):
    model, method = classifier(Decibel()), IntegratedGradients(8, None)
    single = method.explain(model, waveform, [0, 1])
    double = method.explain(model.double(), waveform.double(), [0, 1])
    assert double.scores.dtype == torch.float64
    assert distance(double.scores, single.scores) < 1e-3
    assert double.completeness_error.max() < 1e-9


@pytest.mark.parametrize("options", [{"n_steps": 0}, {"batch": 0}, {"batch": -1}, {"span": 0.0}])
def test_impossible_options_are_refused(options):
    with pytest.raises(ValueError, match="must be positive"):
        IntegratedGradients(**options)


@pytest.mark.parametrize("batch", [1, 2, 5, 64, None])
def test_batch_does_not_change_the_result(batch, waveform):
    model = classifier(Decibel())
    one = IntegratedGradients(17, None, batch=3).explain(model, waveform, [0, 2])
    other = IntegratedGradients(17, None, batch=batch).explain(model, waveform, [0, 2])
    torch.testing.assert_close(other.scores, one.scores, rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(other.total, one.total, rtol=1e-4, atol=1e-5)


def test_targets_do_not_touch_each_other(waveform):
    """Refinement included: every class is doubled for its own error only."""
    model, method = classifier(Decibel(), classes=6), IntegratedGradients(16, tolerance=0.0335, max_steps=128)
    together = method.explain(model, waveform, range(6))
    assert len(set(together.n_steps.tolist())) > 1
    for target in range(6):
        alone = method.explain(model, waveform, [target])
        torch.testing.assert_close(alone.scores[0], together.scores[target], rtol=1e-4, atol=1e-7)
        assert alone.n_steps[0] == together.n_steps[target]


def test_refines_until_the_tolerance_or_the_limit(waveform):
    model = classifier(Decibel())
    coarse, fine = IntegratedGradients(2, None), IntegratedGradients(2, 0.01, max_steps=512)
    expected = IntegratedGradients(1024, None)(model, waveform, [0, 1, 2])
    assert distance(coarse(model, waveform, [0, 1, 2]), expected) > 0.02
    found = fine.explain(model, waveform, [0, 1, 2])
    assert distance(found.scores, expected) < 0.02
    assert found.error.max() <= 0.01
    limited = IntegratedGradients(2, 0.0, max_steps=9).explain(model, waveform, [0])
    assert limited.n_steps.tolist() == [8]
    assert limited.error.item() > 0


@pytest.mark.parametrize("backbone", [Toy, Decibel])
def test_silence_explains_nothing(backbone):
    found = IntegratedGradients(4).explain(classifier(backbone()), torch.zeros(SAMPLES), [0, 1])
    assert found.scores.tolist() == [[0.0] * 20] * 2
    assert found.total.tolist() == [0.0, 0.0]
    torch.testing.assert_close(found.logit, found.baseline_logit)


def test_silence_on_yamnet(yamnet):
    assert IntegratedGradients(2)(yamnet, torch.zeros(8000), [0]).tolist() == [[0.0] * 5]


def test_clipped_input(yamnet, chirp):
    clipped = (chirp * 50).clamp(-1, 1)
    found = IntegratedGradients(8, None).explain(yamnet, clipped, [0])
    assert found.scores.isfinite().all()
    assert found.scores.max() > 0
    assert found.completeness_error.max() < 1e-3


def test_silent_half_stays_silent(waveform):
    waveform[: SAMPLES // 2] = 0
    scores = IntegratedGradients(8, None)(classifier(Toy()), waveform, [0])
    assert scores[0, :10].max() == 0 < scores[0, 10:].min()


@pytest.mark.parametrize(
    "problem",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried"),
    ],
)
def test_too_large_batches_are_halved(problem, waveform):
    small = Small(3, problem)
    found = IntegratedGradients(16, None, batch=16)(classifier(small), waveform, [0, 1])
    assert small.seen[:4] == [1, 16, 8, 4]  # the path's start, then what is too much
    assert small.seen[4:] == [2] * 8  # the path; its ends give logits and norms
    expected = IntegratedGradients(16, None)(classifier(Toy()), waveform, [0, 1])
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-7)


def test_other_errors_and_too_little_memory_for_one_point_are_raised(waveform):
    for problem in (RuntimeError("shapes do not fit"), torch.OutOfMemoryError("full")):
        with pytest.raises(type(problem), match=str(problem)):
            IntegratedGradients(4, batch=4)(classifier(Small(0, problem)), waveform, [0])


def test_no_targets(waveform):
    found = attribution.explain(IntegratedGradients(), classifier(Toy()), waveform, [])
    assert found.scores.shape == (0, 20)
    assert found.completeness_error.shape == (0,)


def test_nothing_needs_a_gradient(waveform):
    found = IntegratedGradients(4).explain(classifier(Toy()), waveform.requires_grad_(), [2, 1])
    assert not any(part.requires_grad for part in found)
    assert all(part.dtype == torch.float32 and part.device.type == "cpu" for part in found)
    assert waveform.grad is None


def test_backbone_says_over_which_range_the_path_bends(waveform):
    model = classifier(Decibel())
    expected = IntegratedGradients(512, None)(model, waveform, [0])
    default = IntegratedGradients(16, None)(model, waveform, [0])
    asked = IntegratedGradients(16, None, span=12.0)(model, waveform, [0])
    model.backbone.path_span, model.backbone.degree = 12.0, 2
    told = IntegratedGradients(16, None)(model, waveform, [0])
    assert torch.equal(told, asked)
    assert distance(told, expected) < distance(default, expected) / 2


def test_two_runs_are_equal(waveform):
    model = classifier(Decibel())
    runs = [IntegratedGradients()(model, waveform, [0, 1]) for _ in range(2)]
    assert torch.equal(*runs)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_agrees_with_cpu(yamnet, chirp):
    method = IntegratedGradients(16, None)
    on_cpu = method.explain(yamnet, chirp, [0, 304])
    try:
        on_cuda = method.explain(yamnet.cuda(), chirp.cuda(), [0, 304])
    finally:
        yamnet.cpu()
    assert distance(on_cuda.scores, on_cpu.scores) < 0.01
    torch.testing.assert_close(on_cuda.logit, on_cpu.logit, rtol=1e-3, atol=1e-3)


BARE = """
import sys
KNOWN = {"torch", "torchaudio", "numpy", "safetensors", "igsed", "typing_extensions", *sys.stdlib_module_names}
KNOWN |= {"pydantic", "pydantic_core", "annotated_types", "typing_inspection"}
OF_TORCH = {"torchgen", "functorch", "filelock", "fsspec", "jinja2", "markupsafe", "mpmath", "networkx", "sympy"}

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in KNOWN | OF_TORCH and not name.startswith("_"):
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Absent())
import torch
from igsed import attribution, backbones
from igsed.attribution.ig import IntegratedGradients
from igsed.attribution.rectifier import _compiled
from igsed.backbones.yamnet.network import YAMNet
from igsed.classifier import Classifier

network = YAMNet().eval().requires_grad_(False)
classifier = Classifier(network, network.dense)
found = attribution.explain(IntegratedGradients(2, None), classifier, torch.ones(8000), [3])
assert found.scores.shape == (1, 5) and _compiled() is None
"""


def test_needs_nothing_but_torch_torchaudio_numpy_safetensors_and_pydantic():
    done = subprocess.run([sys.executable, "-c", BARE], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
