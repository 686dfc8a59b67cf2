"""Layer-wise relevance propagation: against Captum, against sums written out, and by its law of conservation."""

import pytest
import torch
from captum.attr import LRP
from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule, EpsilonRule, GammaRule
from torch import nn
from torch.nn import functional

from igsed import conformance, detectors
from igsed.attribution.lrp import LayerwiseRelevance, Propagation, Rule
from igsed.backbones.yamnet.network import _Convolution
from igsed.classifier import Classifier
from igsed.errors import InputError
from igsed.pooling import pooled

RULES = ("epsilon", "gamma", "z_plus")


@pytest.fixture(autouse=True)
def one_thread():
    """For numbers as small as these, several are far slower on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def randomised(module, seed=0):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * parameter.shape[-1] ** -0.5)
    return module.requires_grad_(False).eval()


def noise(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def relevance(network, x, rule, first=None, start=None):
    """Relevance of `x` for the largest output of each row, or for what `start` makes of the output."""
    propagation, x = Propagation(rule, first), x.clone().requires_grad_()
    with propagation:
        output = network(propagation.begin(x))
    if start is None:
        start = output * (output == output.amax(-1, keepdim=True))
    return torch.autograd.grad(output, x, start.detach())[0], output.detach()


class Deep(nn.Module):
    """A `igsed.backbones.Backbone` with all that YAMNet's and CNN14's have: see `body`."""

    sample_rate, embedding = 1000, 7

    def __init__(self):
        super().__init__()
        self.stem = _Convolution(1, 6, 3, 2)
        self.layers = nn.Sequential(
            _Convolution(6, 6, 3, 2, groups=6),
            _Convolution(6, 8, 1),
            nn.Conv2d(8, 8, 3, padding=1, groups=2),
            nn.ReLU(inplace=True),
            nn.AvgPool2d((2, 1)),
            nn.MaxPool2d((1, 2)),
        )
        self.projection = nn.Sequential(nn.Linear(8, self.embedding), nn.ReLU())

    def spectrum(self, waveform):
        frames = waveform.shape[-1] // 20
        return waveform[:, : frames * 20].reshape(len(waveform), frames, 10, 2).pow(2).sum(-1)

    def body(self, spectrum):
        decibels = 10 * torch.log10(torch.clamp(spectrum, min=1e-6)) * 0.1 + 0.3
        return self.layers(self.stem(decibels.unsqueeze(1))).mean(-1).transpose(1, 2)

    def project(self, channels):
        return self.projection(channels)

    def frame_times(self, samples):
        return (torch.arange(samples // 160) + 0.5) * 0.16


class Sequential(nn.Module):
    """Modules that Captum knows."""

    def __init__(self):
        super().__init__()
        self.maps = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1),
            nn.ReLU(),
            nn.AvgPool2d(2),
            nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=4),
            nn.ReLU(),
            nn.MaxPool2d((2, 1)),
        )
        self.numbers = nn.Sequential(nn.Linear(32, 5), nn.ReLU(), nn.Linear(5, 3))

    def forward(self, x):
        return self.numbers(self.maps(x).flatten(1))


@pytest.fixture
def classifier():
    return Classifier(randomised(Deep(), 5), randomised(nn.Linear(Deep.embedding, 4), 6))


@pytest.fixture
def clips():
    clips = 0.3 * noise(3, 2010)
    clips[1, 700:1300] = 0
    clips[2] = 0
    return clips


def test_an_output_is_what_the_network_computes(classifier, clips):
    _, logits, embeddings = LayerwiseRelevance().relevance(classifier, clips, [[0]] * 3)
    backbone = classifier.backbone
    expected = backbone.project(pooled(backbone.body(backbone.spectrum(clips))))
    torch.testing.assert_close(logits, classifier(clips))
    torch.testing.assert_close(embeddings, expected)


@pytest.mark.parametrize(
    ("rule", "of_captum"),
    [
        (Rule("epsilon", 1e-9, shared=False), EpsilonRule),
        (Rule("gamma", gamma=0.25, shared=False), lambda: GammaRule(0.25)),
        (Rule("gamma", gamma=2.0, shared=False), lambda: GammaRule(2.0)),
        (Rule("z_plus", shared=False), Alpha1_Beta0_Rule),
    ],
)
def test_captum_agrees_where_it_has_the_rules(rule, of_captum):
    """Inputs and explained outputs are positive, as Captum's rules want them."""
    network = randomised(Sequential())
    x = noise(2, 1, 8, 16).abs()
    found, output = relevance(network, x, rule, rule)
    targets = output.argmax(1)
    assert (output.amax(1) > 0).all()
    for layer in network.modules():  # Captum deletes them after each call
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.rule = of_captum()
    expected = LRP(network).attribute(x.requires_grad_(), target=targets).detach()
    assert (found - expected).abs().sum() < 1e-3 * expected.abs().sum()


def by_hand(x, weight, bias, r, rule):
    """Relevance of a linear layer's inputs, neuron by neuron; inputs (j,), weight (k, j)."""
    result = torch.zeros_like(x)
    z = weight @ x + bias
    for k in range(len(z)):
        contributions = x * weight[k]
        along = contributions * z[k].sign() > 0
        factor = torch.ones_like(x)
        if rule.name == "gamma":
            factor[along] = 1 + rule.gamma
        elif rule.name == "z_plus":
            factor[~along] = 0
        weighed = factor * contributions
        size = weighed.abs() if weighed.any() else weight[k] ** 2
        divisor = weighed.sum() + bias[k]
        if rule.name == "epsilon":
            divisor = divisor + rule.epsilon * z.abs().mean() * z[k].sign()
        share = weighed / divisor
        if rule.shared:
            share = share + (1 - share.sum()) * size / size.sum()
        result += share * r[k]
    return result


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("seed", range(4))
def test_two_layers_are_as_written_out(name, shared, seed):
    """With inputs and outputs of any sign."""
    network = randomised(nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)), seed).double()
    rule, x = Rule(name, 0.3, 0.7, shared), noise(6, seed=seed).double()
    found, output = relevance(network, x[None], rule, rule, start=network(x[None]))
    first, second = network[0], network[2]
    hidden = by_hand(network[1](first(x)), second.weight, second.bias, output[0], rule)
    torch.testing.assert_close(found[0], by_hand(x, first.weight, first.bias, hidden, rule))


def test_the_first_layer_shares_by_squares_of_weights():
    layer = randomised(nn.Linear(3, 2))
    found, _ = relevance(layer, torch.tensor([[0.0, -1.0, 4.0]]), Rule("gamma"), start=torch.tensor([[1.0, -2.0]]))
    squares = layer.weight.square()
    torch.testing.assert_close(found[0], (squares / squares.sum(1, keepdim=True)).T @ torch.tensor([1.0, -2.0]))


@pytest.mark.parametrize("value", [0.0, -3.0])
def test_padding_of_the_spectrum_has_no_relevance(value):
    layer = randomised(nn.Conv2d(1, 2, 3))

    def network(x):
        return layer(functional.pad(x, (1, 1, 2, 0), value=value))

    found, _ = relevance(network, noise(1, 1, 4, 4), Rule("gamma"), start=torch.ones(1, 2, 4, 4))
    torch.testing.assert_close(found.sum(), torch.tensor(32.0))
    assert (found > 0).all()


@pytest.mark.parametrize("first_layer", ["w_square", "same"])
@pytest.mark.parametrize("name", RULES)
def test_relevance_is_conserved_in_every_layer(classifier, clips, name, first_layer):
    """Maximum plus mean, padding, grouped convolutions, poolings and layers without any input included."""
    backbone, head = classifier.backbone, classifier.head
    rule = Rule(name)
    propagation = Propagation(rule, None if first_layer == "w_square" else rule)
    outputs, hooks = [], []
    for module in backbone.modules():
        if not list(module.children()):
            hooks.append(module.register_forward_hook(lambda module, inputs, output: outputs.append(output)))
    start = backbone.spectrum(clips).requires_grad_()
    with propagation:
        frames = backbone.body(propagation.begin(start))
        evidence = functional.linear(backbone.project(pooled(frames)), head.weight)
    for hook in hooks:
        hook.remove()
    assert len(outputs) == 12
    for target in range(4):
        own = torch.zeros_like(evidence)
        own[:, target] = evidence[:, target].detach()
        for part in torch.autograd.grad(evidence, [*outputs, frames, start], own, retain_graph=True):
            torch.testing.assert_close(part.flatten(1).sum(1), own[:, target], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", RULES)
def test_relevance_of_the_spectrum_is_the_logit_less_the_heads_bias(classifier, clips, name):
    for found in LayerwiseRelevance(name).explain_batch(classifier, clips, [[0, 1, 2, 3]] * 3):
        assert found.completeness_error.max() < 1e-4
        torch.testing.assert_close(found.baseline_logit, classifier.head.bias)
    (kept, _, _) = LayerwiseRelevance(name, biases="kept").explain_batch(classifier, clips, [[0, 1, 2, 3]] * 3)
    assert kept.completeness_error.max() > 0.01


def test_pooling_splits_by_value_and_does_not_double():
    frames = torch.tensor([[[1.0], [3.0], [0.0], [4.0]]])
    found, _ = relevance(pooled, frames, Rule("gamma"), start=torch.tensor([[12.0]]))
    # 4 of 6 for the maximum, 2 of 6 for the mean, which shares by contribution
    torch.testing.assert_close(found.flatten(), torch.tensor([0.5, 1.5, 0.0, 8 + 2.0]))


def test_branches_share_by_contribution():
    def network(x):
        y = torch.relu(x)
        y += 3 * x
        return y.mul(torch.tensor([2.0, 5.0]))

    ones = torch.ones(1, 2)
    found, _ = relevance(network, torch.tensor([[1.0, 2.0]]), Rule("gamma"), start=ones)
    torch.testing.assert_close(found, ones)


def test_functions_and_modules_are_alike():
    """But for biases that are added on their own, which hand all to the product."""
    first, second = randomised(nn.Linear(5, 4), 1), randomised(nn.Linear(4, 2), 2)
    for layer in (first, second):
        layer.bias.zero_()
    modules = nn.Sequential(first, nn.ReLU(), second)

    def functions(x):
        hidden = x @ first.weight.T
        hidden += first.bias
        functional.leaky_relu(hidden, 0.0, True)
        return torch.matmul(second.weight, hidden.unsqueeze(-1)).squeeze(-1) + second.bias

    rule = Rule("z_plus")
    expected, _ = relevance(modules, noise(3, 5), rule)
    found, _ = relevance(functions, noise(3, 5), rule)
    torch.testing.assert_close(found, expected)


def test_what_no_rule_knows_has_gradient_times_input():
    x, r = noise(2, 5), noise(2, 5, seed=2)
    once = x.clone().requires_grad_()
    values = torch.softmax(once, -1)
    (gradient,) = torch.autograd.grad(values, once, r / values.detach())
    found, _ = relevance(lambda x: torch.softmax(x, -1), x, Rule("gamma"), start=r)
    torch.testing.assert_close(found, x * gradient, rtol=1e-4, atol=1e-5)


def test_clips_together_are_as_one_at_a_time(classifier, clips):
    targets = [[0, 3, 1], [2], []]
    for settings in ({}, {"rule": "epsilon", "biases": "kept"}, {"rule": "z_plus", "first_layer": "same"}):
        method = LayerwiseRelevance(**settings)
        together = method.explain_batch(classifier, clips, targets)
        for clip, wanted, found in zip(clips, targets, together, strict=True):
            for part, alone in zip(found, method.explain(classifier, clip, wanted), strict=True):
                torch.testing.assert_close(part, alone, equal_nan=True)
            assert found.scores.shape == (len(wanted), 20)


@pytest.mark.parametrize("sign", ["positive", "absolute", "signed"])
@pytest.mark.parametrize("name", RULES)
def test_scores_repeat_are_finite_and_change_nothing(classifier, clips, name, sign):
    before = {key: value.clone() for key, value in classifier.state_dict().items()}
    for clip in clips:
        method = LayerwiseRelevance(name, sign=sign)
        found = method(classifier, clip, [1, 2])
        assert found.isfinite().all()
        assert torch.equal(found, method(classifier, clip, [1, 2]))
        assert sign == "signed" or (found >= 0).all()
    assert all(torch.equal(value, before[key]) for key, value in classifier.state_dict().items())
    assert not any(module._forward_hooks or module._backward_hooks for module in classifier.modules())
    assert not any(parameter.grad is not None for parameter in classifier.parameters())


@pytest.mark.parametrize("name", RULES)
def test_every_rule_conforms(name):
    assert [check for check in conformance.run("lrp", rule=name) if not check.passed] == []


@pytest.mark.parametrize(
    ("key", "value"), [("rule", "flat"), ("epsilon", 0), ("gamma", -1), ("gamma", float("inf")), ("biases", "none")]
)
def test_impossible_settings_are_refused(key, value):
    with pytest.raises(InputError, match=f"{key}:"):
        detectors.load("lrp", **{key: value})
