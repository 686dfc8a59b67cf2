"""Masks of the threshold rules, and the sweeps against them to the last bit."""

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


@pytest.mark.parametrize("rule", [rule for rule in thresholds.built_in() if rule.counts], ids=lambda rule: rule.name)
@slow_machines_too
@given(table=pair_tables(), several=st.lists(percentiles, min_size=1, max_size=8))
def test_sweep_equals_masks_bit_for_bit(rule, table, several):
    scores, active = table
    values = [rule.span[1] * percentile / 100 for percentile in several]
    found = rule.curves(scores, active, values, MASK_METRICS)
    assert sorted(found) == sorted(metric.name for metric in MASK_METRICS)
    for k, value in enumerate(values):
        mask = rule.mask(scores, value)
        for metric in MASK_METRICS:
            np.testing.assert_array_equal(found[metric.name][:, k], metric.function(mask, active))


@slow_machines_too
@given(pair_tables(), st.floats(0, 1))
def test_laws_of_masks_at_a_share_of_the_range(table, share):
    scores, _ = table
    mask = thresholds.peak_mask(scores, share)
    low, high = scores.min(-1, keepdims=True), scores.max(-1, keepdims=True)
    assert not mask[(low == high)[:, 0]].any()
    assert not mask[scores == low].any()
    clear = np.abs((scores - low) - share * (high - low)) > 1e-9 * (1 + np.abs(high) + np.abs(low))
    np.testing.assert_array_equal(mask[clear], ((scores - low) > share * (high - low))[clear])
    assert not thresholds.peak_mask(scores, 1).any()
    np.testing.assert_array_equal(thresholds.peak_mask(scores, 0), scores > low)


def otsu_by_hand(scores):
    """The cut between two different scores at which n₀ n₁ (μ₀ − μ₁)² is largest; the lowest of equal ones."""
    best, mask = -1.0, [False] * len(scores)
    for cut in sorted(set(scores))[:-1]:
        low, high = [s for s in scores if s <= cut], [s for s in scores if s > cut]
        between = len(low) * len(high) * (math.fsum(low) / len(low) - math.fsum(high) / len(high)) ** 2
        if between > best * (1 + 1e-9):
            best, mask = between, [s > cut for s in scores]
    return mask, best


@slow_machines_too
@given(hnp.arrays(np.int64, st.integers(1, 15), elements=st.integers(-9, 9)))
def test_otsu_by_hand(scores):
    mask, best = otsu_by_hand(scores.tolist())
    found = thresholds.otsu_mask(scores)
    assert found.any() == any(mask)
    if found.any():
        low, high = scores[~found], scores[found]
        assert low.max() < high.min()
        assert len(low) * len(high) * (low.mean() - high.mean()) ** 2 == pytest.approx(best)


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_otsu_of_very_small_and_large_scores(scale):
    scores = np.array([[0.0, 1.0, 0.1, 0.9], [5.0, 5.0, 5.0, 5.0]]) * scale
    np.testing.assert_array_equal(thresholds.otsu_mask(scores), [[False, True, False, True], [False] * 4])


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
def test_a_fixed_probability_is_that_of_the_sigmoid(probability):
    scores = np.linspace(-5, 5, 101)
    expected = 1 / (1 + np.exp(-scores)) > probability
    np.testing.assert_array_equal(thresholds.probability_mask(scores, probability), expected)


@pytest.mark.parametrize("name", ["peak", "otsu"])
def test_the_events_themselves_have_iou_1(name):
    """What a percentile cannot give, see `test_perfect_scores_reach_one_at_their_share`."""
    rng = np.random.default_rng(4)
    active = rng.random((200, 50)) < rng.random((200, 1))
    active[:, 0], active[:, 1] = True, False
    scores = active + 1e-3 * rng.random(active.shape)
    rule = RULES.find(name)
    mask = rule.mask(scores, 0.5)
    assert (metrics.iou(mask, active) == 1).all()


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
    assert sorted(RULES.names) == ["otsu", "peak", "percentile", "probability"]
    assert RULES.find("percentile") is percentile.PERCENTILE
    assert [METRICS.find(metric.name) for metric in metrics.built_in()] == metrics.built_in()
