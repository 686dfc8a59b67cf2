"""Quotients of the functions of a front end: whatever the number of points, the parts sum to the change."""

import pytest
import torch

from igsed.attribution.secant import Path


def change_and_sum(function, points, sizes, paths=1):
    """The change of Σ function along a path of rows, and the sum of the gradients' shares of it."""
    path = Path()
    path.begin(1)
    with path, torch.no_grad():
        values = [function(points[:paths])]
    path.advance()
    done, total = 1, 0.0
    for size in sizes:
        rows = points[done * paths : (done + size) * paths].clone().requires_grad_()
        path.begin(size)
        with path:
            values.append(function(rows))
        path.advance()
        weights = torch.randn(values[0].shape[1:], generator=torch.Generator().manual_seed(7))
        (gradient,) = torch.autograd.grad((values[-1] * weights).sum(), rows)
        steps = points[done * paths : (done + size) * paths] - points[(done - 1) * paths : (done + size - 1) * paths]
        total += (gradient * steps).sum().item()
        done += size
    ends = torch.cat(values).detach()
    return ((ends[-paths:] - ends[:paths]) * weights).sum().item(), total


def transform(rows):
    return torch.fft.rfft(rows.unflatten(-1, (3, 8)))


def inaudible(rows):
    bins = transform(rows)
    return bins.masked_fill(bins.abs() < 0.4, 0).abs()


def large(rows):
    return torch.masked_fill(rows, rows > 0.5, 0.3)


def own_mask(rows):
    return rows.masked_fill(torch.arange(24).expand_as(rows) % 3 == 0, 1.5).square()


FUNCTIONS = {
    "magnitude": lambda rows: transform(rows).abs(),
    "abs": lambda rows: abs(rows),
    "absolute": lambda rows: torch.abs(rows - 0.2),
    "power": lambda rows: rows**2,
    "pow": lambda rows: torch.pow(rows, 2.0) + rows.pow(exponent=2),
    "square": lambda rows: torch.square(rows) + rows.square(),
    "product": lambda rows: rows * rows,
    "mul": lambda rows: torch.mul(rows, rows),
    "power spectrum": lambda rows: transform(rows).real ** 2 + transform(rows).imag ** 2,
    "of the magnitude": lambda rows: transform(rows).abs().pow(2).mean(-1),
    "inaudible bins": inaudible,
    "large values": large,
    "fixed places": own_mask,
    "flattened": lambda rows: rows.unflatten(-1, (3, 8)).flatten(0, 1).abs().unflatten(0, (-1, 3)),
}


@pytest.mark.parametrize("paths", [1, 3])
@pytest.mark.parametrize("sizes", [[1], [5], [1, 3, 2]])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_parts_sum_to_the_change(name, sizes, paths):
    points = torch.randn((sum(sizes) + 1) * paths, 24, generator=torch.Generator().manual_seed(1))
    points[-paths:, 8:16] = 0
    change, total = change_and_sum(FUNCTIONS[name], points, sizes, paths)
    assert total == pytest.approx(change, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_are_the_function_s_own(name):
    points = torch.randn(4, 24, generator=torch.Generator().manual_seed(1))
    path = Path()
    path.begin(4)
    with path:
        found = FUNCTIONS[name](points)
    torch.testing.assert_close(found, FUNCTIONS[name](points))


@pytest.mark.parametrize("scale", [0.0, 1e-38, 1e-45, 1e18])
def test_finite_at_the_ends_of_the_numbers(scale):
    points = scale * torch.randn(3, 24, generator=torch.Generator().manual_seed(1))
    for name in ("magnitude", "abs", "inaudible bins", "power"):
        change, total = change_and_sum(FUNCTIONS[name], points, [2])
        assert total == pytest.approx(change, rel=1e-4, abs=1e-30)


@pytest.mark.parametrize("function", [lambda rows: rows**3, lambda rows: rows * (rows + 1)], ids=["cube", "product"])
def test_other_powers_and_products_have_their_derivative(function):
    first, last = points = torch.rand(2, 24, generator=torch.Generator().manual_seed(1)) + 0.5
    weights = torch.randn(24, generator=torch.Generator().manual_seed(7))
    (derivative,) = torch.autograd.grad((function(row := last.clone().requires_grad_()) * weights).sum(), row)
    change, total = change_and_sum(function, points, [1])
    assert total == pytest.approx((derivative * (last - first)).sum().item(), rel=1e-5)
    assert total != pytest.approx(change, rel=1e-3)


def test_maximum_of_several_paths_is_each_one_s_own():
    points = torch.randn(4 * 3, 5, 2, generator=torch.Generator().manual_seed(2))
    path = Path()
    for first, rows in ((0, 1), (1, 3)):
        path.begin(rows)
        part = points[first * 3 : (first + rows) * 3]
        torch.testing.assert_close(path.maximum(part).reshape(-1, 2), part.amax(1))
        path.advance()
