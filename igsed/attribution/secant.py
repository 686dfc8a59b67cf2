"""Gradients averaged along a path through a rectifying network: a backward pass per piece of the path.

Between two inputs a and b a network made of linear maps and scalar functions f can be followed without error in its
output: where f takes its input from z(a) to z(b), the quotient (f(z(b)) − f(z(a))) / (z(b) − z(a)) stands in for f'.
The chain of these quotients is the multiplier of Shrikumar et al. 2017 (arXiv:1704.02685, rescale rule); times (b − a)
it sums to exactly the change of the output. A neuron that crosses its kink between a and b so counts with the share of
the way on which it is active, where a gradient at one point takes it wholly or not at all. On a path that is cut ever
finer the multipliers converge to the path's mean gradient, that is integrated gradients, faster than sampled
gradients do.

Convention: the rows of a batch are consecutive points of the path; the row before the first is remembered from the
batch before. A gradient row belongs to the piece that ends at its point.
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
_CLAMPS = (torch.clamp, torch.clamp_min, torch.Tensor.clamp, torch.Tensor.clamp_min)
_LOGARITHMS = {
    torch.log: 1.0,
    torch.Tensor.log: 1.0,
    torch.log10: 1 / math.log(10),
    torch.Tensor.log10: 1 / math.log(10),
}


class Path(TorchFunctionMode):
    """Within it, rectifiers, lower clamps and logarithms have quotients along the path instead of derivatives.

    ``with path:`` around each of the network's passes, first over the path's first point alone, then over the others in
    order, in batches of any size; `advance` between them.

    Attributes
    ----------
    elements : int
        Numbers in the inputs of these functions, in the first pass.
    """

    def __init__(self):
        super().__init__()
        self._before, self._now, self._position, self.elements = [], [], 0, 0

    def advance(self) -> None:
        """The batch is done: its last row is what the next one starts from."""
        self._before = self._now
        self.restart()

    def restart(self) -> None:
        """Forget the batch that is under way."""
        self._now, self._position = [], 0

    def maximum(self, values: Tensor) -> Tensor:
        """Maximum over axis 1 of (row, …, channel)."""
        return self._follow(_Maximum, values)

    def _follow(self, function: type[torch.autograd.Function], z: Tensor, *arguments) -> Tensor:
        if self._before:
            before = self._before[self._position]
        else:
            before, self.elements = z[:1].detach(), self.elements + z.numel()
        self._position += 1
        result = function.apply(z, before, *arguments)
        self._now.append(z[-1:].detach().clone() if len(z) > 1 else z.detach())
        return result

    def __torch_function__(self, function: Callable, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function in _RECTIFIERS:
            return self._follow(_Rectifier, args[0], 0.0)
        if function in _CLAMPS and (floor := _lower_bound(*args[1:], **kwargs)) is not None:
            return self._follow(_Rectifier, args[0], floor)
        if function in _LOGARITHMS:
            return self._follow(_Logarithm, args[0], _LOGARITHMS[function])
        if function is torch.conv2d and (faster := convolution.planned(*args, **kwargs)):
            return faster()
        return function(*args, **kwargs)


def _lower_bound(min: float | None = None, max: float | None = None) -> float | None:
    return min if max is None and not isinstance(min, Tensor) else None


def _differences(rows: Tensor, before: Tensor) -> Tensor:
    out = torch.empty_like(rows)
    torch.sub(rows[:1], before, out=out[:1])
    torch.sub(rows[1:], rows[:-1], out=out[1:])
    return out


class _Rectifier(torch.autograd.Function):
    """max(z, floor)."""

    @staticmethod
    def forward(context, z, before, floor):
        if floor:
            z, before = z - floor, before - floor
        y, slope = rectifier.rectify(z, before)
        context.save_for_backward(slope)
        return y + floor if floor else y

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


class _Maximum(torch.autograd.Function):
    """Maximum over axis 1; where it passes from one element to another, each has it for a part of the way."""

    @staticmethod
    def forward(context, z, before):
        y, now = z.max(1, keepdim=True)
        start = torch.cat([before, z[:-1]])
        held, then = start.max(1, keepdim=True)
        ahead, behind = held - start.gather(1, now), y - z.gather(1, then)
        way = ahead + behind
        context.save_for_backward(then, now, torch.where(way > 0, ahead / way, 1.0))
        context.shape = z.shape
        return y.squeeze(1)

    @staticmethod
    def backward(context, gradient):
        then, now, share = context.saved_tensors
        gradient = gradient.unsqueeze(1)
        out = gradient.new_zeros(context.shape).scatter_add_(1, then, gradient * share)
        return out.scatter_add_(1, now, gradient * (1 - share)), None
