"""Frame scores of logits, against their definitions and scikit-learn."""

import subprocess
import sys
from itertools import combinations
from math import factorial

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import Ridge
from sklearn.metrics import pairwise_distances

from igsed import detectors
from igsed.perturbation import masks_of, recipe, scores_of, scoring
from igsed.perturbation.masks import cells, coalitions, to_cells

NAMES = ["occlusion", "rise", "lime", "kernel_shap", "forest"]


def worth(kept):
    """Logits (mask, 2) of cells (mask, cell), which help and hinder each other."""
    kept = np.asarray(kept, float)
    weights = np.random.default_rng(5).normal(size=(2, kept.shape[1]))
    return np.stack([kept @ weights[0] + np.prod(kept[:, :2], 1), np.maximum(kept @ weights[1], 0)], 1) - 1


@pytest.fixture
def drawn():
    """Masks (mask, frame) of cells of 0.3 s, their logits, and those of the whole clip, which has 20 frames."""
    masks = cells(20, np.random.default_rng(2), 25, 0.3, 0.5)
    return masks, worth(to_cells(masks, 0.3)), worth(np.ones((1, 7)))[0]


def test_occlusion_is_the_mean_fall():
    masks = np.array([[0, 0, 1, 1], [1, 0, 0.5, 1]])
    found = scoring.occlusion(masks, np.array([[1.0], [2.0]]), np.array([5.0]))
    np.testing.assert_allclose(found, [[4, 3.5, 3, 3.5]])  # no mask removes the last frame: the mean of all


def test_rise_is_the_mean_probability_where_kept(drawn):
    masks, logits, logit = drawn
    masks = masks.copy()
    masks[:, 4] = 0
    found = scoring.rise(masks, logits, logit)
    for label in range(2):
        for frame in range(20):
            kept = masks[:, frame] > 0
            expected = expit(logits[kept if kept.any() else slice(None), label]).mean()
            assert found[label, frame] == pytest.approx(expected)


@pytest.mark.parametrize(("kernel_width", "penalty"), [(0.25, 1.0), (0.05, 0.01), (10.0, 3.0)])
def test_lime_is_a_weighted_ridge_regression(drawn, kernel_width, penalty):
    masks, logits, logit = drawn
    samples = np.vstack([np.ones(7), to_cells(masks, 0.3)])
    distances = pairwise_distances(samples, samples[:1], metric="cosine").ravel()
    weight = np.sqrt(np.exp(-(distances**2) / kernel_width**2))  # as lime's own lime_base and lime_image
    ridge = Ridge(alpha=penalty).fit(samples, np.vstack([logit, logits]), sample_weight=weight)
    found = scoring.lime(masks, logits, logit, 0.3, kernel_width, penalty)
    np.testing.assert_allclose(found, np.repeat(ridge.coef_, 3, axis=1)[:, :20], rtol=1e-6, atol=1e-9)


def shapley(count):
    """Shapley values (2, cell) of `worth`, by their definition."""
    values = np.zeros((2, count))
    for cell in range(count):
        others = [other for other in range(count) if other != cell]
        for size in range(count):
            share = factorial(size) * factorial(count - size - 1) / factorial(count)
            for coalition in combinations(others, size):
                kept = np.zeros((2, count))
                kept[:, coalition] = 1
                kept[1, cell] = 1
                without, joined = worth(kept)
                values[:, cell] += share * (joined - without)
    return values


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_kernel_shap_of_all_coalitions_is_exact(count):
    frames = 3 * count - 1  # the last cell is shorter
    masks = coalitions(frames, np.random.default_rng(0), 128, 0.3)
    kept = to_cells(masks, 0.3)
    logits, expected = worth(kept), shapley(count)
    found = scoring.kernel_shap(masks, logits, logits[0], 0.3)
    np.testing.assert_allclose(np.add.reduceat(found, np.arange(0, frames, 3), axis=1), expected, atol=1e-9)


@pytest.mark.parametrize("masks", [4, 9, 40, 127])
def test_kernel_shap_of_some_coalitions_sums_to_the_difference(masks):
    drawn = coalitions(20, np.random.default_rng(1), masks, 0.3)
    logits = worth(to_cells(drawn, 0.3))
    found = scoring.kernel_shap(drawn, logits, logits[0], 0.3)
    np.testing.assert_allclose(found.sum(1), logits[0] - logits[1], atol=1e-9)


def test_kernel_shap_of_many_coalitions_is_near():
    drawn = coalitions(36, np.random.default_rng(1), 2000, 0.3)
    logits, expected = worth(to_cells(drawn, 0.3)), shapley(12)
    found = scoring.kernel_shap(drawn, logits, logits[0], 0.3)[:, ::3] * 3
    assert np.abs(found - expected).sum() < 0.05 * np.abs(expected).sum()


def test_the_forest_finds_the_cell_that_matters():
    masks = cells(20, np.random.default_rng(2), 60, 0.3, 0.5)
    logits = masks[:, [4, 18]] * [3, -2]
    found = scoring.forest(masks, logits, logits[0], 0.3, 10)
    assert found.argmax(1).tolist() == [3, 18]
    assert (found >= 0).all()
    np.testing.assert_allclose(np.add.reduceat(found, [0, 3], axis=1)[0, 1] > 2.9, True)


def test_the_forest_repeats_and_does_not_turn_on_rounding(drawn):
    masks, logits, logit = drawn
    first = scoring.forest(masks, logits, logit, 0.3, 10)
    np.random.seed(1)
    assert np.array_equal(first, scoring.forest(masks, logits, logit, 0.3, 10))
    rounding = 1 + 1e-7 * np.random.default_rng(3).normal(size=logits.shape)
    np.testing.assert_allclose(scoring.forest(masks, logits * rounding, logit, 0.3, 10), first, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_equal_logits_give_finite_scores(name):
    detector = detectors.find(name)
    settings = detectors.checked(detector, {"trees": 3} if name == "forest" else {})
    masks = masks_of(detector, settings, 20, np.random.default_rng(0))
    for value in (-300.0, 0.0):
        scores = scores_of(detector, settings, masks, np.full((len(masks), 2), value), np.full(2, value))
        assert scores.shape == (2, 20)
        assert np.isfinite(scores).all()
        assert np.ptp(scores) < 1e-9


def test_detectors_of_random_cells_share_their_masked_clips():
    def of(name, **settings):
        detector = detectors.find(name)
        return recipe(detector, detectors.checked(detector, settings))

    assert of("rise") == of("lime", penalty=3) == of("forest", trees=7)
    assert of("rise")["masks"] == "igsed.perturbation.masks:cells"
    assert of("rise") != of("rise", filler="silence") != of("rise", filler="silence", keep=0.3)
    assert of("rise") != of("kernel_shap", masks=60)


def test_neither_masks_nor_scores_need_torch():
    code = f"""
import sys
import numpy as np
from igsed import detectors
from igsed.perturbation import masks_of, scores_of
for name in {NAMES!r}:
    detector = detectors.find(name)
    settings = detectors.checked(detector, {{}})
    masks = masks_of(detector, settings, 20, np.random.default_rng(0))
    scores_of(detector, settings, masks, np.ones((len(masks), 1)), np.ones(1))
print({{"torch", "captum"}} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
