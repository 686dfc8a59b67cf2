"""max(z, 0) along a path, with the quotient of its change.

From z₀ to z₁ the quotient is (y₀ + y₁) / (|z₀| + |z₁|), y = max(z, 0): 1 or 0 where z stays on one side of the kink,
and nowhere a difference of numbers that are nearly equal. On a CPU, where most of its time goes into moving tensors
through memory, one loop compiled by numba does what takes PyTorch six passes; without numba PyTorch does it.
"""

import functools

import torch
from torch import Tensor

_BLOCK = 16384
"""Numbers of a row at a time, so that the row before is still in a cache."""


def rectify(z: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
    """The rectified rows, and the quotient from each row's predecessor to it.

    Parameters
    ----------
    z : Tensor, shape (row, …)
        Consecutive points of the path.
    before : Tensor, shape (1, …)
        The point before the first.
    """
    order = _order(z)
    fits = z.is_cpu and z.dtype == torch.float32 and len(z) and z.shape[1:] == before.shape[1:]
    if fits and order and order == _order(before) and (run := _compiled()):
        rows, last = (part.detach().permute(order) for part in (z, before))
        y, slope = rows.new_empty(rows.shape), rows.new_empty(rows.shape)
        run(*(part.flatten(1).numpy() for part in (rows, last, y, slope)))
        back = sorted(range(z.ndim), key=order.__getitem__)
        return y.permute(back), slope.permute(back)
    y = z.clamp_min(0)
    slope = sums(y, before.clamp_min(0))
    slope /= sums(z.abs(), before.abs()).clamp_min_(torch.finfo(z.dtype).tiny)
    return y, slope


def _order(rows: Tensor) -> list[int] | None:
    """The order of the axes in which the numbers of each row follow one another in memory, if there is one."""
    if rows.is_contiguous():
        return list(range(rows.ndim))
    order = [0, *sorted(range(1, rows.ndim), key=rows.stride().__getitem__, reverse=True)]
    return order if rows.permute(order).is_contiguous() else None


def sums(rows: Tensor, before: Tensor) -> Tensor:
    """The sum of each row and its predecessor."""
    out = torch.empty_like(rows)
    torch.add(rows[:1], before, out=out[:1])
    torch.add(rows[1:], rows[:-1], out=out[1:])
    return out


@functools.cache
def _compiled():
    """The loop over (row, number) arrays; None without numba."""
    try:
        import numba
    except ImportError:
        return None
    import numpy as np

    zero, tiny = np.float32(0), np.finfo(np.float32).tiny
    compiled = numba.njit(error_model="numpy")

    @compiled
    def row(before, z, y, slope):
        for k in range(z.size):
            # NaN passes, as in PyTorch.
            low = zero if before[k] < zero else before[k]
            high = zero if z[k] < zero else z[k]
            size = abs(before[k]) + abs(z[k])
            y[k] = high
            slope[k] = (low + high) / (tiny if size < tiny else size)

    @compiled
    def rows(z, before, y, slope):
        for start in range(0, z.shape[1], _BLOCK):
            part = slice(start, min(start + _BLOCK, z.shape[1]))
            row(before[0, part], z[0, part], y[0, part], slope[0, part])
            for k in range(1, len(z)):
                row(z[k - 1, part], z[k, part], y[k, part], slope[k, part])

    return rows
