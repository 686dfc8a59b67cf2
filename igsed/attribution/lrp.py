"""Layer-wise relevance propagation: a logit is handed down layer by layer until it lies on the log-mel spectrum.

Each neuron z = Σ_j x_j w_j + b has some relevance R and gives each of its inputs a share of it; what all neurons above
give to an input is its relevance (S. Bach et al., "On pixel-wise explanations for non-linear classifier decisions by
layer-wise relevance propagation", PLoS ONE 2015; rules as in G. Montavon et al., "Layer-wise relevance propagation: an
overview", 2019). With the contributions c_j = x_j w_j the input's share is

    epsilon   R c_j / (z + ε m sign z), m the mean |z| of the clip's layer;
    gamma     R g_j c_j / (z + γ Σ' c), g_j = 1 + γ where c_j has the sign of z, else 1; Σ' is over the former;
    z_plus    R c_j / (z − Σ'' c) where c_j has the sign of z, else 0; Σ'' is over the others: gamma without bound.

For inputs that are never negative and z > 0, as between rectifiers, the latter two are the published ones; following
the sign of z, they serve inputs and outputs of any sign, and no divisor is smaller than |z|.

- *Biases* hold a part of R, and so does ε. It is shared among the inputs by the size of their (weighted)
  contributions; if all of these are zero, by the squares of the weights, so that it stays at its place. Then each
  layer conserves the sum. With `biases` "kept" this part is lost, as published.
- *The head's bias* is no evidence: relevance begins as the logit less this bias.
- *The first layer* gives its relevance to the log-mel spectrum by the squares of its weights (G. Montavon et al.,
  "Explaining nonlinear classification decisions with deep Taylor decomposition", 2017: w² for real inputs). Its inputs
  have no zero that means absence: 0 is a rather loud band, silence is far below. What pads the spectrum gets none.
- *Averages and sums*, of neurons or of two branches, share by contribution. So the pooling over frames, maximum plus
  mean, splits relevance as the two have made its value; the maximum gives all to its frame (frames that tie share).
- *Functions of single numbers* (rectifiers, logarithms, affine maps of a band, a bias that is added by itself, ...)
  hand relevance on as it is.
- *What only moves numbers* (padding, reshaping, joining, maxima) moves relevance alike.
- *What is none of these* has gradient × input's treatment: x · Jᵀ (R / y), which is by contribution where it is linear,
  and loses or doubles relevance where it is not (products of two branches double it).

Inside the mode `Propagation` the network's functions have these rules in place of derivatives, so autograd's gradient
of any tensor *is* its relevance. Modules and weights stay as they are; hence it works for whatever calls torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from igsed.attribution import Explanation
from igsed.attribution.frames import Sign, of_spectrum
from igsed.pooling import pooled
from igsed.timeline import frame_count

_STABLE = 1e-6
"""ε of averages, sums and unknown functions."""

_SCALARS = {
    "abs", "add", "alpha_dropout", "batch_norm", "celu", "clamp", "clamp_max", "clamp_min", "clip", "div",
    "divide", "dropout", "dropout1d", "dropout2d", "dropout3d", "elu", "exp", "expm1", "feature_alpha_dropout",
    "feature_dropout", "gelu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "log", "log10", "log1p",
    "log2", "logsigmoid", "maximum", "minimum", "mish", "mul", "multiply", "neg", "negative", "pow", "relu", "relu6",
    "rrelu", "rsqrt", "selu", "sigmoid", "silu", "softplus", "softsign", "sqrt", "square", "sub", "subtract", "tanh",
    "threshold", "true_divide", "truediv",
}  # fmt: skip
_MOVES = {
    "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d", "adjoint", "amax", "amin", "cat",
    "channel_shuffle", "chunk", "clone", "concat", "concatenate", "contiguous", "copy", "cpu", "cuda", "detach",
    "double", "expand", "expand_as", "flatten", "flip", "float", "gather", "get", "getitem", "hstack",
    "index_select", "masked_fill", "masked_select", "max", "max_pool1d", "max_pool2d", "max_pool3d", "maximum",
    "min", "minimum", "moveaxis", "movedim", "narrow", "pad", "permute", "pixel_shuffle", "pixel_unshuffle",
    "ravel", "repeat", "repeat_interleave", "reshape", "reshape_as", "roll", "rot90", "select", "setitem", "sort",
    "split", "squeeze", "stack", "swapaxes", "swapdims", "t", "take_along_dim", "tensor_split", "tile", "to",
    "topk", "transpose", "type", "type_as", "unbind", "unflatten", "unfold", "unsqueeze", "view", "view_as",
    "vstack", "where",
}  # fmt: skip
_SUMS = {
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d",
    "mean", "sum",
}  # fmt: skip
_WEIGHTED = {"linear", "conv1d", "conv2d", "conv3d"}
_PRODUCTS = {"matmul", "rmatmul", "mm", "bmm"}


class LayerwiseRelevance:
    """Relevance of the log-mel spectrum for class logits, as frame scores.

    Parameters
    ----------
    rule : {"gamma", "epsilon", "z_plus"}
    epsilon : float
        ε of the rule epsilon. The default is that of Montavon's published example (there of the outputs' root mean
        square).
    gamma : float
        γ of the rule gamma.
    first_layer : {"w_square", "same"}
        "same": the first layer has the rule of the others.
    biases : {"shared", "kept"}
        See the module.
    sign : {"positive", "absolute", "signed"}
        What of a band's relevance counts. "positive" by default: negative relevance speaks against the class, so
        its size is no sign that the class sounds; and where something in a frame speaks for the class, what speaks
        against it in another band, such as a second sound, shall not hide that. A class whose logit less the head's
        bias is negative has mostly negative relevance, by z_plus no other: its positive scores may all be zero.

    Examples
    --------
    >>> lrp = LayerwiseRelevance(rule="z_plus")  # doctest: +SKIP
    >>> lrp(classifier, waveform, [4]).shape  # doctest: +SKIP
    torch.Size([1, 100])
    """

    def __init__(
        self,
        rule: str = "gamma",
        epsilon: float = 0.25,
        gamma: float = 0.25,
        first_layer: str = "w_square",
        biases: str = "shared",
        sign: Sign = "positive",
    ):
        self.rule = Rule(rule, epsilon, gamma, shared=biases == "shared")
        self.first = None if first_layer == "w_square" else self.rule
        self.sign = sign

    def __call__(self, classifier, waveform: Tensor, targets: Sequence[int]) -> Tensor:
        """Frame scores (target, frame) of one clip, `waveform` (samples,)."""
        return self.explain(classifier, waveform, targets).scores

    def explain(self, classifier, waveform: Tensor, targets: Sequence[int]) -> Explanation:
        """Frame scores and conservation of one clip; see `explain_batch`."""
        return self.explain_batch(classifier, waveform[None], [targets])[0]

    def explain_batch(self, classifier, waveforms: Tensor, targets: Sequence[Sequence[int]]) -> list[Explanation]:
        """Frame scores and conservation of several clips, `waveforms` (clip, samples), with `targets` of each.

        What stands for a baseline is an embedding of zeros, to which nothing contributes: its logit is the head's bias,
        its norm 0. `Explanation.total` is the sum of the relevance of the spectrum, so that the completeness error says
        how much was lost on the way.
        """
        relevance, logits, embeddings = self.relevance(classifier, waveforms, targets)
        duration = waveforms.shape[-1] / classifier.sample_rate
        count = frame_count(duration)
        bias = torch.zeros_like(logits[0]) if classifier.head.bias is None else classifier.head.bias.detach()
        found = []
        for maps, logit, embedding, wanted in zip(relevance, logits, embeddings, targets, strict=True):
            rows = list(wanted)
            unknown = torch.full((len(rows),), torch.nan)
            parts = (
                of_spectrum(maps, count, duration, self.sign),
                logit[rows],
                bias[rows],
                maps.double().sum((-2, -1)).to(maps.dtype),
                unknown,
                unknown,
                embedding.norm().expand(len(rows)),
                torch.zeros_like(unknown),
            )
            found.append(Explanation(*(part.cpu() for part in parts)))
        return found

    def relevance(
        self, classifier, waveforms: Tensor, targets: Sequence[Sequence[int]]
    ) -> tuple[list[Tensor], Tensor, Tensor]:
        """What relevance each clip's spectrum has, a list of (target, time, band), and what it began from.

        That is the logits (clip, class) and the pooled embeddings (clip, embedding).
        """
        backbone, head = classifier.backbone, classifier.head
        with torch.no_grad():
            spectra = backbone.spectrum(waveforms.detach())
        propagation = Propagation(self.rule, self.first)
        with torch.enable_grad():
            start = spectra.clone().requires_grad_()
            with propagation:
                embeddings = backbone.project(pooled(backbone.body(propagation.begin(start))))
                evidence = functional.linear(embeddings, head.weight)
        rounds = max(map(len, targets), default=0)
        found = spectra.new_zeros(rounds, *spectra.shape)
        for k in range(rounds):
            own = torch.zeros_like(evidence)
            for clip, wanted in enumerate(targets):
                if k < len(wanted):
                    own[clip, wanted[k]] = evidence[clip, wanted[k]].detach()
            (found[k],) = torch.autograd.grad(evidence, start, own, retain_graph=k + 1 < rounds)
        relevance = [found[: len(wanted), clip] for clip, wanted in enumerate(targets)]
        logits = evidence.detach() if head.bias is None else evidence.detach() + head.bias.detach()
        return relevance, logits, embeddings.detach()


class Rule(NamedTuple):
    """How a neuron's relevance is shared, see the module; `shared`: what biases and ε hold too."""

    name: str
    epsilon: float = 0.25
    gamma: float = 0.25
    shared: bool = True

    def shares(self, z: Tensor, positive: Tensor, negative: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What a positive and a negative contribution gets for each unit of it and of R, and whether R is left over.

        Parameters
        ----------
        z, positive, negative : Tensor (row, …)
            The outputs, and of each the sum of its positive and of its negative contributions.
        """
        up = z >= 0
        grown = {"epsilon": 1.0, "gamma": 1 + self.gamma, "z_plus": 1.0}[self.name]
        other = 0.0 if self.name == "z_plus" else 1.0
        for_positive, for_negative = torch.where(up, grown, other).to(z), torch.where(up, other, grown).to(z)
        divisor = z + (for_positive - 1) * positive + (for_negative - 1) * negative
        if self.name == "epsilon":
            mean = z.abs().mean(tuple(range(1, z.ndim)), keepdim=True) if z.ndim > 1 else z.abs()
            divisor = divisor + torch.where(up, self.epsilon, -self.epsilon) * mean
        size = for_positive * positive - for_negative * negative
        limits = torch.finfo(z.dtype)
        least = limits.tiny / limits.eps
        # What has cancelled to less than rounding is no number to divide by.
        inverse = torch.where(divisor.abs() > (limits.eps * size).clamp_min(least), 1 / divisor, 0.0)
        to_positive, to_negative = for_positive * inverse, for_negative * inverse
        if not self.shared:
            return to_positive, to_negative, torch.zeros_like(up)
        held = 1 - to_positive * positive - to_negative * negative
        contributes = size > least
        spread = torch.where(contributes, held / size, 0.0)
        return to_positive + for_positive * spread, to_negative - for_negative * spread, ~contributes


class Propagation(TorchFunctionMode):
    """Within it, what is computed from `begin`'s result has relevance in place of gradients.

    Parameters
    ----------
    rule : Rule
        Of layers with weights.
    first : Rule or None
        Of those that see the input; None: by the squares of the weights.
    """

    def __init__(self, rule: Rule, first: Rule | None = None):
        super().__init__()
        self.rule, self.first = rule, first
        self._reached = WeakTensorKeyDictionary()

    def begin(self, values: Tensor) -> Tensor:
        """A copy of `values`, from which on relevance is followed; relevance comes out as the gradient of `values`."""
        copy = values.clone()
        self._reached[copy] = _Place(True, None)
        return copy

    def __torch_function__(self, function: Callable, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        sources = [value for value in _tensors((args, kwargs)) if value in self._reached]
        if not sources:
            return function(*args, **kwargs)
        call = _Call(function, args, kwargs, sources)
        places = [self._reached[source] for source in sources]
        result, place = self._followed(call, places)
        if call.in_place and result is not args[0]:
            result = args[0].copy_(result)
        reached = args[0] if call.name == "setitem" else result
        for value, mask in zip(_tensors(reached), place.masks(call, reached), strict=True):
            if value.requires_grad and value.is_floating_point():
                self._reached[value] = _Place(place.is_input, mask)
        return result

    def _followed(self, call: _Call, places: list[_Place]) -> tuple[Any, _Place]:
        is_input, only = all(place.is_input for place in places), call.sources[0]
        if len(places) == 1 and call.name in _SCALARS and "out" not in call.kwargs:
            result = _Scalar.apply(only, call)
            if result.shape == only.shape:
                return result, places[0]
            return _unknown(call), _NOWHERE
        if call.name in _MOVES or "out" in call.kwargs:
            mask = places[0].mask if len(places) == 1 else None
            if call.name == "pad" and mask is None:
                mask = torch.ones_like(only)
            return call.function(*call.args, **call.kwargs), _Place(is_input, mask)
        if len(places) == 1 and (layer := _weighted(call)):
            return _Layer.apply(only, layer, self.first if is_input else self.rule, places[0].mask), _NOWHERE
        if len(places) == 1 and call.name in _SUMS:
            return _Layer.apply(only, _Sum(call.on), _BY_CONTRIBUTION, places[0].mask), _NOWHERE
        if call.name == "add" and len(places) == 2 and len(call.args) == 2 and not call.kwargs:
            both = torch.stack(torch.broadcast_tensors(*call.args))
            return _Layer.apply(both, _Sum(lambda branches: branches.sum(0)), _BY_CONTRIBUTION, None), _NOWHERE
        return _unknown(call), _NOWHERE


class _Place(NamedTuple):
    """Of a tensor: whether no layer lies between the input and it, and where it is not padding (1; else 0)."""

    is_input: bool
    mask: Tensor | None

    def masks(self, call: _Call, result) -> Iterator[Tensor | None]:
        """That of each tensor of a result."""
        values = list(_tensors(result))
        if self.mask is None or call.name == "setitem" or not any(value.requires_grad for value in values):
            return iter([None] * len(values))
        if call.name in _SCALARS:
            return iter([self.mask] * len(values))
        # Padding with other numbers than zero cancels in the difference.
        twice, once = (_tensors(call.on(factor * self.mask)) for factor in (2, 1))
        return (two - one for two, one in zip(twice, once, strict=True))


_NOWHERE = _Place(False, None)
"""Behind a layer."""


class _Call:
    """A call of one of torch's functions, some of whose arguments, the `sources`, carry relevance."""

    def __init__(self, function: Callable, args: tuple, kwargs: dict, sources: list[Tensor]):
        self.function, self.args, self.kwargs, self.sources = function, args, kwargs, sources
        full = function.__name__
        self.name = full.strip("_")
        if full.startswith("__") and self.name[1:] in {"add", "sub", "mul", "truediv", "div", "pow"}:
            self.name = self.name[1:]  # __radd__, __iadd__
        in_place = full.startswith("__i") or (full.endswith("_") and not full.endswith("__"))
        self.in_place = in_place and self.name not in _MOVES

    def on(self, *values: Tensor):
        """The call with other tensors in the place of `sources`."""
        exchange = {id(source): value for source, value in zip(self.sources, values, strict=True)}
        return self.function(*_exchanged(self.args, exchange), **_exchanged(self.kwargs, exchange))


class _Weighted(NamedTuple):
    """A layer with weights: `product(x, weight)` is linear in both, `value(x)` what the network computes."""

    value: Callable[[Tensor], Tensor]
    product: Callable[[Tensor, Tensor], Tensor]
    weight: Tensor

    def contributions(self, positive: Tensor, negative: Tensor | None) -> tuple[Tensor, Tensor]:
        """Of the positive and the negative inputs, which are None if there are none."""
        above, below = self.weight.clamp_min(0), self.weight.clamp_max(0)
        one, other = self.product(positive, above), self.product(positive, below)
        if negative is None:
            return one, other
        return one + self.product(negative, below), other + self.product(negative, above)

    def squares(self, ones: Tensor) -> Tensor:
        return self.product(ones, self.weight.square())


class _Sum(NamedTuple):
    """A sum or mean of numbers, `value`, as a layer."""

    value: Callable[[Tensor], Tensor]

    def contributions(self, positive: Tensor, negative: Tensor | None) -> tuple[Tensor, Tensor]:
        above = self.value(positive)
        return above, torch.zeros_like(above) if negative is None else self.value(negative)

    def squares(self, ones: Tensor) -> Tensor:
        return self.value(ones)


_BY_CONTRIBUTION = Rule("epsilon", _STABLE)


def _weighted(call: _Call) -> _Weighted | None:
    """The layer that a call is, if its input alone carries relevance."""
    (source,), function = call.sources, call.function
    if call.name in _WEIGHTED:
        names = ("input", "weight", "bias")
        given = dict(zip(names, call.args[:3], strict=False)) | call.kwargs
        if given["input"] is not source:
            return None
        rest, options = call.args[3:], {key: value for key, value in given.items() if key not in names}
        return _Weighted(
            call.on, lambda x, weight: function(x, weight, None, *rest, **options), given["weight"].detach()
        )
    if call.name in _PRODUCTS:
        left, right = (*call.args, *call.kwargs.values())[:2]
        if left is source:
            return _Weighted(call.on, lambda x, weight: function(x, weight), right.detach())
        return _Weighted(call.on, lambda x, weight: function(weight, x), left.detach())
    return None


def _unknown(call: _Call):
    """Gradient × input's treatment."""
    inputs = [_ToGradient.apply(source) for source in call.sources]
    result = call.on(*inputs)
    return _mapped(result, lambda value: _ToRelevance.apply(value) if value.requires_grad else value)


class _Layer(torch.autograd.Function):
    """A layer whose backward pass hands relevance down by a rule; None: by the squares of the weights alone."""

    @staticmethod
    def forward(context, x, layer, rule, mask):
        z = layer.value(x)
        context.parts = None
        left = None if rule is None else torch.zeros_like(z, dtype=torch.bool)
        with torch.enable_grad():
            if rule is not None:
                inputs = [x.detach().clamp_min(0).requires_grad_()]
                if (x < 0).any():
                    inputs.append(x.detach().clamp_max(0).requires_grad_())
                sums = layer.contributions(inputs[0], inputs[1] if len(inputs) > 1 else None)
                *shares, left = rule.shares(z, *(part.detach() for part in sums))
                used = [pair for pair in zip(sums, shares, strict=True) if pair[0].requires_grad]
                context.parts = inputs, *zip(*used, strict=True)
            context.rest = None
            if left is None or left.any():
                ones = (torch.ones_like(x) if mask is None else mask.detach().clone()).requires_grad_()
                total = layer.squares(ones)
                inverse = torch.where(total > 0, 1 / total, 0.0).detach()
                context.rest = ones, total, inverse if left is None else inverse * left
        return z

    @staticmethod
    def backward(context, relevance):
        shares = []
        if context.parts:
            inputs, sums, weights = context.parts
            pulled = torch.autograd.grad(sums, inputs, [w * relevance for w in weights], retain_graph=True)
            shares += [part.detach() * gradient for part, gradient in zip(inputs, pulled, strict=True)]
        if context.rest:
            ones, total, inverse = context.rest
            (pulled,) = torch.autograd.grad(total, ones, inverse * relevance, retain_graph=True)
            shares.append(ones.detach() * pulled)
        return sum(shares), None, None, None


class _Scalar(torch.autograd.Function):
    """A function of single numbers, which hands relevance on."""

    @staticmethod
    def forward(context, x, call):
        copy = x.clone()
        before = copy._version
        result = call.on(copy)
        call.in_place |= copy._version != before
        return result

    @staticmethod
    def backward(context, relevance):
        return relevance, None


class _ToGradient(torch.autograd.Function):
    """Below it gradients are relevance, above it what times the input is relevance."""

    @staticmethod
    def forward(context, x):
        context.save_for_backward(x.clone())
        return x.clone()

    @staticmethod
    def backward(context, gradient):
        return gradient * context.saved_tensors[0]


class _ToRelevance(torch.autograd.Function):
    """The reverse of `_ToGradient`."""

    @staticmethod
    def forward(context, y):
        context.save_for_backward(y.clone())
        return y.clone()

    @staticmethod
    def backward(context, relevance):
        (y,) = context.saved_tensors
        divisor = y + torch.where(y >= 0, _STABLE, -_STABLE) * y.abs().mean()
        return torch.where(divisor == 0, 0.0, relevance / divisor)


def _tensors(item) -> Iterator[Tensor]:
    if isinstance(item, Tensor):
        yield item
    elif isinstance(item, dict):
        yield from _tensors(tuple(item.values()))
    elif isinstance(item, tuple | list):
        for part in item:
            yield from _tensors(part)


def _mapped(item, change: Callable[[Tensor], Tensor]):
    if isinstance(item, Tensor):
        return change(item)
    if isinstance(item, dict):
        return {key: _mapped(part, change) for key, part in item.items()}
    if isinstance(item, tuple | list):
        return type(item)([_mapped(part, change) for part in item])
    return item


def _exchanged(item, exchange: dict[int, Tensor]):
    return _mapped(item, lambda value: exchange.get(id(value), value))
