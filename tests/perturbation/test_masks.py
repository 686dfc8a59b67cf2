"""Which parts of a clip masks keep."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from igsed.perturbation.masks import cell_count, cells, coalitions, to_cells, windows


@given(st.integers(1, 40), st.integers(1, 12), st.integers(1, 12))
def test_windows_cover_the_clip(count, width, step):
    step = min(step, width)
    removed = windows(count, None, width / 10, step / 10) == 0
    assert removed.any(0).all()
    starts = removed.argmax(1)
    assert starts.tolist() == list(range(0, starts[-1] + 1, step))
    # No window is longer than asked for, and only the last one may be cut off by the clip's end.
    assert (removed[:-1].sum(1) == min(width, count)).all()
    assert removed[-1].sum() == min(width, count - starts[-1])
    assert len(removed) == 1 or starts[-2] + width < count


@given(st.integers(1, 40), st.integers(1, 12))
def test_cells_are_kept_or_removed_whole(count, size):
    masks = cells(count, np.random.default_rng(0), 5, size / 10, 0.5)
    assert masks.dtype == np.float32
    assert to_cells(masks, size / 10).shape == (5, cell_count(count, size / 10))
    for frame in range(count):
        assert np.array_equal(masks[:, frame], masks[:, frame - frame % size])


def test_cells_are_kept_with_a_probability():
    masks = cells(100, np.random.default_rng(0), 1000, 0.1, 0.3)
    assert masks.mean() == pytest.approx(0.3, abs=0.01)
    assert np.abs(np.corrcoef(masks.T) - np.eye(100)).max() < 0.2


def test_all_coalitions_where_there_are_no_more_than_asked_for():
    for masks in (16, 17):
        kept = to_cells(coalitions(11, np.random.default_rng(0), masks, 0.3), 0.3)
        assert kept[:2].tolist() == [[1] * 4, [0] * 4]
        assert sorted(map(tuple, kept.astype(int).tolist())) == list(product([0, 1], repeat=4))


@pytest.mark.parametrize("masks", [31, 30, 4, 5])
def test_coalitions_are_drawn_in_pairs(masks):
    kept = coalitions(5, np.random.default_rng(0), masks, 0.1)
    assert kept.shape == (masks, 5)
    assert kept[:2].tolist() == [[1] * 5, [0] * 5]
    assert (kept[2:-1:2] + kept[3::2] == 1).all()
    assert ((kept[2:].sum(1) > 0) & (kept[2:].sum(1) < 5)).all()


def test_sizes_of_coalitions_follow_the_shapley_kernel():
    kept = coalitions(20, np.random.default_rng(0), 100_002, 0.1)[2:]
    found = np.bincount(kept.sum(1).astype(int), minlength=20)[1:] / len(kept)
    size = np.arange(1, 20)
    expected = 1 / (size * (20 - size))
    np.testing.assert_allclose(found, expected / expected.sum(), rtol=0.1)
    # Within a size, each cell is as likely as the others.
    np.testing.assert_allclose(kept[kept.sum(1) == 1].mean(0), 1 / 20, rtol=0.1)


def test_one_cell_is_kept_or_not():
    assert coalitions(2, np.random.default_rng(0), 9, 0.3).tolist() == [[1, 1], [0, 0]]
