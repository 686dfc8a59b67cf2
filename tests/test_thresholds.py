"""Percentile masks, and the sweep against them to the last bit."""

import dataclasses
import doctest
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from igsed import metrics, thresholds
from igsed.errors import InputError
from igsed.metrics import METRICS
from igsed.thresholds import RULES, Rule, percentile, rule

slow_machines_too = settings(deadline=None)
PERCENTILES = np.arange(1, 100)
PERCENTILE = RULES.find("percentile")
MASK_METRICS = [metric for metric in metrics.built_in() if metric.needs == "mask"]


def swept(scores, active, percentiles):
    """IoU and F1 of each pair at each percentile, (pair, percentile)."""
    curves = PERCENTILE.curves(np.asarray(scores, float), active, percentiles, MASK_METRICS)
    return curves["iou"], curves["f1"]


@st.composite
def pair_tables(draw):
    """Scores (pair, frame) with many ties or none, and active frames, possibly none."""
    shape = (draw(st.integers(1, 4)), draw(st.integers(1, 30)))
    values = draw(st.sampled_from([st.integers(-3, 3), st.floats(-1e9, 1e9), st.floats(0.5, 0.5000001)]))
    return draw(hnp.arrays(np.float64, shape, elements=values)), draw(hnp.arrays(bool, shape))


percentiles = st.one_of(st.integers(0, 100), st.floats(0, 100))


def percentile_by_hand(scores, percentile):
    ordered = sorted(scores)
    rank = (len(ordered) - 1) * percentile / 100
    low = min(math.floor(rank), len(ordered) - 1)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (rank - low)


def test_mask_equals_definition_by_hand():
    rng = np.random.default_rng(0)
    for frames in (2, 7, 31, 100):
        scores = rng.integers(0, 12, frames) / 4
        for value in PERCENTILES:
            limit = percentile_by_hand(scores.tolist(), float(value))
            clear = np.abs(scores - limit) > 1e-9
            expected = scores > limit
            found = thresholds.percentile_mask(scores, value)
            np.testing.assert_array_equal(found[clear], expected[clear])


@slow_machines_too
@given(pair_tables(), percentiles)
def test_laws_of_percentile_masks(table, percentile):
    scores, _ = table
    mask = thresholds.percentile_mask(scores, percentile)
    assert mask.shape == scores.shape
    assert mask.dtype == bool
    assert not mask.all(-1).any()
    assert not mask[scores == scores.min(-1, keepdims=True)].any()
    assert mask.sum(-1).max() <= (1 - percentile / 100) * scores.shape[-1] + 1
    higher = thresholds.percentile_mask(scores, min(100, percentile + 10))
    assert not (higher & ~mask).any()
    assert not thresholds.percentile_mask(scores, 100).any()
    for row in range(len(scores)):
        kept, left = scores[row][mask[row]], scores[row][~mask[row]]
        assert not len(kept) or kept.min() > left.max()


@slow_machines_too
@given(pair_tables(), st.lists(percentiles, min_size=1, max_size=8))
def test_sweep_equals_masks_bit_for_bit(table, several):
    scores, active = table
    found = PERCENTILE.curves(scores, active, several, MASK_METRICS)
    assert list(found) == ["iou", "f1", "precision", "recall"]
    for k, value in enumerate(several):
        mask = thresholds.percentile_mask(scores, value)
        for name, values in found.items():
            np.testing.assert_array_equal(values[:, k], getattr(metrics, name)(mask, active))


def test_sweep_equals_masks_across_blocks():
    rng = np.random.default_rng(1)
    scores, active = rng.random((2500, 20)), rng.random((2500, 20)) < 0.3
    scores[::3] = np.round(scores[::3], 1)
    active[::7] = False
    iou, f1 = swept(scores, active, PERCENTILES)
    assert iou.shape == f1.shape == (2500, 99)
    for k in (0, 42, 98):
        mask = thresholds.percentile_mask(scores, PERCENTILES[k])
        np.testing.assert_array_equal(iou[:, k], metrics.iou(mask, active))
        np.testing.assert_array_equal(f1[:, k], metrics.f1(mask, active))


@slow_machines_too
@given(
    hnp.arrays(np.int64, st.tuples(st.just(2), st.integers(2, 60)), elements=st.integers(-40, 40)),
    st.randoms(use_true_random=False),
)
def test_sweep_depends_on_ranks_only(scores, random):
    """Linear interpolation stays between two neighbours, so any increasing map of the scores keeps every mask.

    Except by rounding, where the rank (frames − 1)·p / 100 is whole: those percentiles are left out.
    """
    frames = scores.shape[-1]
    several = PERCENTILES[((frames - 1) * PERCENTILES) % 100 != 0]
    active = np.array([[random.random() < 0.3 for _ in range(frames)] for _ in range(2)])
    expected = percentile.counts(scores, active, several)
    for changed in (3.0 * scores - 700, scores.astype(float) ** 3, np.exp(scores / 10)):
        np.testing.assert_array_equal(percentile.counts(changed, active, several), expected)


def test_constant_scores_detect_nothing():
    active = np.array([[True, False, True], [False, False, False]])
    for found in swept(np.full((2, 3), 0.3), active, [1, 50, 99]):
        np.testing.assert_array_equal(found, [[0, 0, 0], [np.nan] * 3])


def test_no_pairs():
    none, active = np.zeros((0, 100)), np.zeros((0, 100), bool)
    assert thresholds.percentile_mask(none, 50).shape == (0, 100)
    assert swept(none, active, PERCENTILES)[0].shape == (0, 99)


def test_perfect_scores_reach_one_at_their_share():
    active = np.zeros((1, 100), bool)
    active[0, 30:55] = True
    iou, _ = swept(active.astype(float) + np.linspace(0, 0.1, 100), active, PERCENTILES)
    assert PERCENTILE.best(PERCENTILES, iou.mean(0)) == 75
    assert iou.max() == 1


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        ([0.1, 0.5, 0.2, 0.3, 0.1], 20),
        ([0.1, 0.5, 0.5, 0.5, 0.1], 30),
        ([0.1, 0.5, 0.5, 0.1, 0.1], 20),
        ([0.5, 0.1, 0.5, 0.5, 0.5], 10),
        ([0.2, 0.2, 0.2, 0.2, 0.2], 30),
        ([np.nan, 0.1, 0.2, np.nan, 0.2], 30),
        ([0.1, 0.2, 0.3, 0.4, 0.5], 50),
    ],
)
def test_best_percentile(curve, expected):
    assert PERCENTILE.best([10, 20, 30, 40, 50], curve) == expected


@slow_machines_too
@given(hnp.arrays(np.float64, st.integers(1, 99), elements=st.integers(0, 3)))
def test_best_percentile_is_a_maximum(curve):
    chosen = PERCENTILE.best(PERCENTILES[: len(curve)], curve)
    assert curve[list(PERCENTILES).index(chosen)] == curve.max()


def test_bad_arguments_are_refused():
    scores, active = np.zeros((2, 5)), np.zeros((2, 5), bool)
    with pytest.raises(ValueError, match="0, 100"):
        thresholds.percentile_mask(scores, 101)
    with pytest.raises(ValueError, match="not finite"):
        thresholds.percentile_mask([0.0, np.nan], 50)
    with pytest.raises(ValueError, match="no frames"):
        thresholds.percentile_mask(np.zeros((3, 0)), 50)
    with pytest.raises(ValueError, match="must be"):
        percentile.counts(scores, active[:1], [50])
    with pytest.raises(ValueError, match="must be"):
        percentile.counts(scores, active, 50)
    with pytest.raises(ValueError, match="boolean"):
        percentile.counts(scores, scores, [50])
    with pytest.raises(ValueError, match="no pair was scored"):
        PERCENTILE.best([1, 2], [np.nan, np.nan])
    with pytest.raises(ValueError, match="one length"):
        PERCENTILE.best([1, 2, 3], [0.1, 0.2])


def test_examples_in_docstrings():
    for module in (percentile, rule):
        assert doctest.testmod(module).failed == 0
        assert doctest.testmod(module).attempted > 0


def test_a_rule_without_a_fast_path_is_swept_by_its_masks():
    """The same percentiles, once through counts, once mask by mask; a metric without counts too."""
    slow = Rule(
        name="slow", title="Slow", function=thresholds.percentile_mask, parameter="p", swept=lambda _: PERCENTILES
    )
    rng = np.random.default_rng(2)
    scores, active = rng.integers(0, 9, (7, 30)).astype(float), rng.random((7, 30)) < 0.3
    active[0] = False
    expected = PERCENTILE.curves(scores, active, PERCENTILES, MASK_METRICS)
    plain = [dataclasses.replace(metric, of_counts=None) for metric in MASK_METRICS]
    for tried, chosen in ((slow, MASK_METRICS), (PERCENTILE, plain)):
        found = tried.curves(scores, active, PERCENTILES, chosen)
        assert found.keys() == expected.keys()
        for name in expected:
            np.testing.assert_array_equal(found[name], expected[name])


def test_a_rule_says_what_protocols_it_makes():
    assert PERCENTILE.protocols == {"own": False, "shared": True}
    otsu = Rule(name="otsu", title="Otsu's threshold", function=lambda scores: scores > scores.mean())
    assert (otsu.protocols, otsu.note) == ({"otsu": False}, "Protocol otsu: Otsu's threshold.")


def test_a_rule_that_returns_no_mask_is_refused():
    scores = np.zeros((2, 5))
    for function in (lambda scores: scores, lambda scores: scores[0] > 0):
        broken = Rule(name="broken", title="Broken", function=function)
        with pytest.raises(InputError, match=r"threshold rule broken: .*boolean mask of their shape"):
            broken.mask(scores)
    with pytest.raises(InputError, match="both a parameter and what is swept"):
        Rule(name="half", title="Half", function=np.isfinite, parameter="k")


def test_every_rule_and_metric_is_declared_once():
    assert RULES.names == ["percentile"]
    assert RULES.find("percentile") is percentile.PERCENTILE
    assert [METRICS.find(metric.name) for metric in metrics.built_in()] == metrics.built_in()
