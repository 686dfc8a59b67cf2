"""Convolutions of frozen networks on a CPU, faster than PyTorch's own, with gradients for their inputs alone.

Three kinds are known; `planned` says which of them a call is, if any. All compute the same sums in another order.

- 1 × 1: a plain product of matrices, where PyTorch unfolds the input first.
- From a single channel: the gradient is a product with the kernels, laid over each other, where PyTorch computes it for
  as many channels as come out.
- 3 × 3, stride 1, many channels: Winograd's F(2 × 2, 3 × 3), which takes 16 products for four outputs where the sum
  takes 36 (A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308). It rounds
  to about 1e-6 of the largest output.

Inside, channels are the innermost axis; tensors come and go as (row, channel, time, frequency) in that memory format.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import linear, pad
from torch.utils.weak import WeakTensorKeyDictionary

_FEW = 128
"""Channels below which Winograd's transforms cost more than they save."""

_PIECE = 8e6
"""Numbers in a transformed piece of the input. Small pieces stay in caches, large ones use the weights more often."""

_INPUT = torch.tensor([[1.0, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
_KERNEL = torch.tensor([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
_OUTPUT = torch.tensor([[1.0, 1, 1, 0], [0, 1, -1, -1]])
_FLIPPED = [3, 1, 2, 0]
"""Turning a kernel round permutes its transform so."""

_transformed = WeakTensorKeyDictionary()


def planned(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, stride=1, padding=0, dilation=1, groups=1
) -> Callable[[], Tensor] | None:
    """How to compute ``torch.conv2d`` of the same arguments faster; None where PyTorch's way is as good.

    Gradients of weights are not provided, so these must not ask for any.
    """
    if x.ndim != 4 or x.device.type != "cpu" or x.dtype != torch.float32 or groups != 1 or weight.requires_grad:
        return None
    outputs, inputs, *size = weight.shape
    stride, padding, dilation = (_pair(value) for value in (stride, padding, dilation))
    if isinstance(padding, str) or dilation != (1, 1):
        return None
    if size == [1, 1] and stride == (1, 1) and padding == (0, 0) and _channels_last(x):
        return lambda: linear(x.permute(0, 2, 3, 1), weight.flatten(1), bias).permute(0, 3, 1, 2)
    if inputs == 1:
        return lambda: _FromOne.apply(x, weight, bias, stride, padding)
    if size == [3, 3] and stride == (1, 1) and padding == (1, 1):
        last = x.contiguous(memory_format=torch.channels_last)
        if min(outputs, inputs) >= _FEW:
            return lambda: _Winograd.apply(last, weight, bias)
        kernels = weight.contiguous(memory_format=torch.channels_last)
        return lambda: torch.conv2d(last, kernels, bias, padding=1)
    return None


class _FromOne(torch.autograd.Function):
    """A convolution of a single channel."""

    @staticmethod
    def forward(context, x, weight, bias, stride, padding):
        context.save_for_backward(weight)
        context.size, context.stride, context.padding = x.shape[-2:], stride, padding
        kernels = weight.contiguous(memory_format=torch.channels_last)
        return torch.conv2d(x, kernels, bias, stride, padding)

    @staticmethod
    def backward(context, gradient):
        (weight,), padding, size = context.saved_tensors, context.padding, context.size
        out = gradient.new_zeros(len(gradient), 1, *(s + 2 * p for s, p in zip(size, padding, strict=True)))
        parts = (gradient.permute(0, 2, 3, 1) @ weight.flatten(1)).unflatten(-1, weight.shape[-2:])
        across, along = (range(length) for length in weight.shape[-2:])
        for i in across:
            for j in along:
                rows, columns = (
                    slice(start, start + step * (count - 1) + 1, step)
                    for start, step, count in zip((i, j), context.stride, gradient.shape[-2:], strict=True)
                )
                out[:, 0, rows, columns] += parts[..., i, j]
        inside = (slice(p, p + s) for s, p in zip(size, padding, strict=True))
        return out[:, :, *inside], None, None, None, None


class _Winograd(torch.autograd.Function):
    """A convolution by 3 × 3 kernels of an input that is surrounded by one zero."""

    @staticmethod
    def forward(context, x, weight, bias):
        context.save_for_backward(weight)
        return _winograd(x, _transform(weight).transpose(1, 2), _INPUT, _OUTPUT, bias)

    @staticmethod
    def backward(context, gradient):
        kernels = _transform(*context.saved_tensors)
        return _winograd(gradient, kernels, _INPUT[_FLIPPED], _OUTPUT[:, _FLIPPED]), None, None


def _winograd(x: Tensor, kernels: Tensor, into: Tensor, out_of: Tensor, bias: Tensor | None = None) -> Tensor:
    """`kernels` are (4 · 4, channel in, channel out)."""
    rows, channels, *size = x.shape
    tiles = [-(-length // 2) for length in size]
    into, out_of = torch.kron(into, into), torch.kron(out_of, out_of)
    result = x.new_empty(rows, *size, kernels.shape[-1])
    step = max(1, int(_PIECE / (16 * tiles[0] * tiles[1] * channels)))
    for start in range(0, rows, step):
        piece = x[start : start + step].permute(0, 2, 3, 1)
        piece = pad(piece, (0, 0, 1, 1 + size[1] % 2, 1, 1 + size[0] % 2)).contiguous()
        row, time, frequency, _ = piece.stride()
        patches = piece.as_strided(
            (4, 4, len(piece), *tiles, channels), (time, frequency, row, 2 * time, 2 * frequency, 1)
        )
        products = torch.bmm((into @ patches.reshape(16, -1)).view(16, -1, channels), kernels)
        values = (out_of @ products.view(16, -1)).view(2, 2, len(piece), *tiles, -1)
        values = values.permute(2, 3, 0, 4, 1, 5).flatten(1, 2).flatten(2, 3)[:, : size[0], : size[1]]
        target = result[start : start + step]
        torch.add(values, bias, out=target) if bias is not None else target.copy_(values)
    return result.permute(0, 3, 1, 2)


def _transform(weight: Tensor) -> Tensor:
    """Transformed kernels, (4 · 4, channel out, channel in); kept as long as the weights live and do not change.

    PyTorch does not tell of numbers that are changed through ``weight.data``.
    """
    now = weight._version, weight.data_ptr()
    version, kernels = _transformed.get(weight, (None, None))
    if version != now:
        kernels = torch.einsum("ai,ocij,bj->aboc", _KERNEL, weight.detach(), _KERNEL).flatten(0, 1).contiguous()
        _transformed[weight] = now, kernels
    return kernels


def _pair(value):
    if isinstance(value, str):  # "same", "valid"
        return value
    return (value, value) if isinstance(value, int) else tuple(value) * (2 // len(value))


def _channels_last(x: Tensor) -> bool:
    return x.is_contiguous(memory_format=torch.channels_last)
