"""Gradients averaged along a path through a rectifying network: a backward pass per piece of the path.

Between two inputs a and b a network made of linear maps and scalar functions f can be followed without error in its
output: where f takes its input from z(a) to z(b), the quotient (f(z(b)) − f(z(a))) / (z(b) − z(a)) stands in for f'.
The chain of these quotients is the multiplier of Shrikumar et al. 2017 (arXiv:1704.02685, rescale rule); times (b − a)
it sums to exactly the change of the output. A neuron that crosses its kink between a and b thus counts with the
share of the path on which it is active, where a gradient at one point takes it wholly or not at all. On a path that is
cut ever finer the multipliers converge to the path's mean gradient, that is integrated gradients, faster than sampled
gradients do.

Followed are rectifiers, lower clamps, logarithms and the maximum over frames, and what a front end is made of:
magnitudes of real and complex numbers, squares, and places that are filled with a number. Any other function that bends
has its derivative at the piece's end, which converges too, but no faster than a sum of sampled gradients and without
completeness.

Convention: the rows of a batch, the first axis, are consecutive points of the path; the row before the first is
remembered from the batch before. A first axis of rows × others is taken apart: of frames, as linear layers like it, or
of several paths that are followed at once. One of frames alone is not known. A gradient row belongs to the piece that
ends at its point.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from igsed.attribution import convolution, rectifier

_RECTIFIERS = (
    functional.relu,
    torch.relu,
    torch.relu_,
    torch.Tensor.relu,
    torch.Tensor.relu_,
)
_IN_PLACE = (torch.relu_, torch.Tensor.relu_)
_CLAMPS = (torch.clamp, torch.clamp_min, torch.clip, torch.Tensor.clamp, torch.Tensor.clamp_min, torch.Tensor.clip)
_LOGARITHMS = {
    torch.log: 1.0,
    torch.Tensor.log: 1.0,
    torch.log10: 1 / math.log(10),
    torch.Tensor.log10: 1 / math.log(10),
    torch.log2: 1 / math.log(2),
    torch.Tensor.log2: 1 / math.log(2),
}
_LOGARITHMS_OF_ONE_MORE = (torch.log1p, torch.Tensor.log1p)
_MAGNITUDES = (torch.abs, torch.absolute, torch.Tensor.abs, torch.Tensor.absolute, torch.Tensor.__abs__)
_POWERS = (torch.pow, torch.Tensor.pow, torch.Tensor.__pow__)
_SQUARES = (torch.square, torch.Tensor.square)
_PRODUCTS = (torch.mul, torch.multiply, torch.Tensor.mul, torch.Tensor.multiply, torch.Tensor.__mul__)
_FILLINGS = (torch.masked_fill, torch.Tensor.masked_fill)


class Path(TorchFunctionMode):
    """Within it, the functions that are followed have quotients along the path instead of derivatives.

    ``with path:`` around each of the network's passes, first over the path's first point alone, then over the others in
    order, in batches of any size; `advance` between them.

    Attributes
    ----------
    elements : int
        Numbers in the inputs of these functions, in the first pass.
    """

    def __init__(self):
        super().__init__()
        self._before, self._now, self._position, self.elements, self._rows = [], [], 0, 0, 1

    def begin(self, rows: int) -> None:
        """A pass over so many points of each path begins."""
        self._rows = rows

    def advance(self) -> None:
        """The batch is done: its last row is what the next one starts from."""
        self._before = self._now
        self.restart()

    def restart(self) -> None:
        """Forget the batch that is under way."""
        self._now, self._position = [], 0

    def maximum(self, values: Tensor) -> Tensor:
        """Maximum over frames of (row, frame, channel)."""
        result = self._follow(_Maximum, values)
        assert result is not None, "frames lie on the path"
        return result

    def _remembered(self, values: Tensor) -> tuple[Tensor, Tensor] | None:
        """The rows of the next tensor of the pass and the row before them; None where it is not on the path."""
        before = self._before[self._position] if self._before else None
        self._position += 1
        rows = values.unflatten(0, (self._rows, -1)) if self._is_flat(values) else values
        if len(rows) != self._rows or (before is not None and before.shape[1:] != rows.shape[1:]):
            self._now.append(before)
            return None
        if before is None:
            before, self.elements = rows[:1].detach(), self.elements + values.numel() * (1 + values.is_complex())
        self._now.append(rows[-1:].detach().clone())
        return rows, before

    def _is_flat(self, values: Tensor) -> bool:
        return len(values) > self._rows and len(values) % self._rows == 0

    def _follow(self, function: type[torch.autograd.Function], z: Tensor, *arguments) -> Tensor | None:
        """The function's value with quotients; None where `z` is not on the path, as a parameter is not."""
        if not z.ndim or not (z.is_floating_point() or z.is_complex()) or (remembered := self._remembered(z)) is None:
            return None
        result = function.apply(*remembered, *arguments)
        return result.flatten(0, 1) if self._is_flat(z) else result

    def _fill(self, z: Tensor, mask: Tensor, value: float) -> Tensor | None:
        """`z` with a number where a mask, which may follow from `z`, says so; None as in `_follow`."""
        if not z.ndim or mask.shape != z.shape:
            return None
        remembered = self._remembered(z), self._remembered(mask)
        if remembered[0] is None or remembered[1] is None:
            return None
        result = _Filling.apply(*remembered[0], *remembered[1], value)
        return result.flatten(0, 1) if self._is_flat(z) else result

    def _faster_or_followed(self, function: Callable, args: tuple, kwargs: dict) -> Tensor | None:
        if not args or not isinstance(args[0], Tensor) or "out" in kwargs:
            return None
        if function in _RECTIFIERS:
            result = self._follow(_Rectifier, args[0], 0.0)
            in_place = function in _IN_PLACE or kwargs.get("inplace") or True in args[1:]
            return args[0].copy_(result) if in_place and result is not None else result
        if function in _CLAMPS and (floor := _lower_bound(*args[1:], **kwargs)) is not None:
            return self._follow(_Rectifier, args[0], float(floor))
        if function in _LOGARITHMS:
            return self._follow(_Logarithm, args[0], _LOGARITHMS[function])
        if function in _LOGARITHMS_OF_ONE_MORE:
            return self._follow(_Logarithm, args[0] + 1, 1.0)
        if function in _MAGNITUDES:
            return self._follow(_Magnitude, args[0])
        if _squares(function, args, kwargs) and not args[0].is_complex():
            return self._follow(_Square, args[0])
        if function in _FILLINGS and len(args) == 3 and isinstance(args[2], int | float):
            return self._fill(*args)
        if function is torch.conv2d and len(args) > 1 and (faster := convolution.planned(*args, **kwargs)):
            return faster()
        return None

    def __torch_function__(self, function: Callable, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if not args and "input" in kwargs:
            args = (kwargs.pop("input"),)
        result = self._faster_or_followed(function, args, kwargs)
        return function(*args, **kwargs) if result is None else result


def _lower_bound(min: float | None = None, max: float | None = None) -> float | None:
    return min if max is None and isinstance(min, int | float) and min > -math.inf else None


def _squares(function: Callable, args: tuple, kwargs: dict) -> bool:
    """Whether a call is that of the square of its first argument."""
    if function in _POWERS:
        exponent = args[1] if len(args) > 1 else kwargs.get("exponent")
        return isinstance(exponent, int | float) and exponent == 2
    return function in _SQUARES or (function in _PRODUCTS and len(args) == 2 and args[0] is args[1])


def _differences(rows: Tensor, before: Tensor) -> Tensor:
    out = torch.empty_like(rows)
    torch.sub(rows[:1], before, out=out[:1])
    torch.sub(rows[1:], rows[:-1], out=out[1:])
    return out


class _Rectifier(torch.autograd.Function):
    """max(z, floor)."""

    @staticmethod
    def forward(context, z, before, floor):
        y, slope = rectifier.rectify(z - floor, before - floor) if floor else rectifier.rectify(z, before)
        context.save_for_backward(slope)
        return z.clamp_min(floor) if floor else y

    @staticmethod
    def backward(context, gradient):
        return gradient * context.saved_tensors[0], None, None


class _Logarithm(torch.autograd.Function):
    """scale · ln z."""

    @staticmethod
    def forward(context, z, before, scale):
        y = z.log().mul_(scale)
        if context.needs_input_grad[0]:
            step = _differences(z, before)
            middle = z - step / 2
            # the difference of logarithms cancels where z hardly moves; 1 / middle is within 1e-5 of the quotient there
            slope = torch.where(
                step.abs() < 0.02 * middle, scale / middle, _differences(y, before.log() * scale) / step
            )
            context.save_for_backward(slope)
        return y

    @staticmethod
    def backward(context, gradient):
        return gradient * context.saved_tensors[0], None, None


class _Magnitude(torch.autograd.Function):
    """|z| of real or complex numbers: Re of the conjugate of (z₀ + z₁) / (|z₀| + |z₁|) times the step is its change."""

    @staticmethod
    def forward(context, z, before):
        y = z.abs()
        if context.needs_input_grad[0]:
            size = rectifier.sums(y, before.abs()).clamp_min_(torch.finfo(y.dtype).tiny)
            context.save_for_backward(rectifier.sums(z, before).div_(size))
        return y

    @staticmethod
    def backward(context, gradient):
        return gradient * context.saved_tensors[0], None


class _Square(torch.autograd.Function):
    """z² of real numbers."""

    @staticmethod
    def forward(context, z, before):
        if context.needs_input_grad[0]:
            context.save_for_backward(rectifier.sums(z, before))
        return z.square()

    @staticmethod
    def backward(context, gradient):
        return gradient * context.saved_tensors[0], None


class _Filling(torch.autograd.Function):
    """A number where a mask says so, else z; a place filled at one end of a piece alone has its quotient too."""

    @staticmethod
    def forward(context, z, before, mask, mask_before, value):
        y = z.masked_fill(mask, value)
        if context.needs_input_grad[0]:
            slope = (~mask).to(z.dtype.to_real())
            changes = mask ^ torch.cat([mask_before, mask[:-1]])
            if changes.any():
                step = _differences(z, before)
                quotient = _differences(y, before.masked_fill(mask_before, value)) / step
                slope = torch.where(changes & (step != 0), quotient.conj(), slope)
            context.save_for_backward(slope)
        return y

    @staticmethod
    def backward(context, gradient):
        return gradient * context.saved_tensors[0], None, None, None, None


class _Maximum(torch.autograd.Function):
    """Maximum over the last axis but one; where it passes to another element, each has it for a part of the way."""

    @staticmethod
    def forward(context, z, before):
        y, now = z.max(-2, keepdim=True)
        start = torch.cat([before, z[:-1]])
        held, then = start.max(-2, keepdim=True)
        ahead, behind = held - start.gather(-2, now), y - z.gather(-2, then)
        way = ahead + behind
        context.save_for_backward(then, now, torch.where(way > 0, ahead / way, 1.0))
        context.shape = z.shape
        return y.squeeze(-2)

    @staticmethod
    def backward(context, gradient):
        then, now, share = context.saved_tensors
        gradient = gradient.unsqueeze(-2)
        out = gradient.new_zeros(context.shape).scatter_add_(-2, then, gradient * share)
        return out.scatter_add_(-2, now, gradient * (1 - share)), None
