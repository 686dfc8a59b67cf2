"""Metrics of scores, classes and boundaries against brute force, on random and degenerate pairs."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import roc_auc_score

from igsed import metrics
from igsed.metrics import METRICS

slow_machines_too = settings(deadline=None)
NEAR = METRICS.find("pointing_game_200ms")
BOUNDARIES = [METRICS.find(name) for name in ("onset_bias", "onset_error", "offset_bias", "offset_error")]


ONE = st.just(1)


@st.composite
def scored(draw, pairs=ONE):
    """Scores with many ties, constant ones, and any mask: (pair, frame) both."""
    shape = (draw(pairs), draw(st.integers(1, 25)))
    values = draw(st.sampled_from([st.integers(-2, 2), st.just(0.5), st.floats(-1e6, 1e6)]))
    kind = draw(st.sampled_from(["any", "all", "none"]))
    active = draw(hnp.arrays(bool, shape)) if kind == "any" else np.full(shape, kind == "all")
    return draw(hnp.arrays(np.float64, shape, elements=values)), active


def same(found, expected, **tolerance):
    np.testing.assert_allclose(found, expected, **({"rtol": 1e-9, "atol": 1e-12} | tolerance))


@slow_machines_too
@given(scored())
def test_roc_auc_is_scikit_learn_s(case):
    scores, active = case
    expected = math.nan if active.all() or not active.any() else roc_auc_score(active[0], scores[0])
    same(metrics.roc_auc(scores, active), [expected])


@slow_machines_too
@given(scored())
def test_roc_auc_counts_the_pairs_of_frames(case):
    scores, active = case
    wins = [(a > b) + (a == b) / 2 for a in scores[active] for b in scores[~active]]
    same(metrics.roc_auc(scores, active), [np.mean(wins) if wins else math.nan])


@slow_machines_too
@given(scored())
def test_rank_accuracy_is_the_mean_over_orders_of_equal_scores(case):
    scores, active = case[0][0], case[1][0]
    count = int(active.sum())
    if not count:
        assert math.isnan(metrics.rank_accuracy(scores, active))
        return
    last = sorted(scores, reverse=True)[count - 1]
    sure = [k for k in range(len(scores)) if scores[k] > last]
    tied = [k for k in range(len(scores)) if scores[k] == last]
    expected = sum(active[sure]) + (count - len(sure)) * np.mean(active[tied])
    same(metrics.rank_accuracy(scores, active), expected / count)


@slow_machines_too
@given(scored())
def test_rank_accuracy_is_the_f1_of_as_many_frames_as_are_active(case):
    scores, active = case[0][0] + np.arange(case[0].shape[1]) * 1e-3, case[1][0]
    if active.any() and len(set(scores)) == len(scores):
        mask = np.zeros(len(scores), bool)
        mask[np.argsort(-scores)[: active.sum()]] = True
        same(metrics.rank_accuracy(scores, active), metrics.f1(mask, active))


@slow_machines_too
@given(scored())
def test_relevance_mass_is_a_share_of_the_positive_sum(case):
    scores, active = case[0][0], case[1][0]
    positive = [max(score, 0) for score in scores]
    total = math.fsum(positive)
    inside = math.fsum(value for value, real in zip(positive, active, strict=True) if real)
    expected = inside / total if total and active.any() else math.nan
    same(metrics.relevance_mass(scores, active), expected)


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e307])
def test_relevance_mass_of_very_small_and_large_scores(scale):
    same(metrics.relevance_mass(np.array([3.0, 1.0, -2.0]) * scale, np.array([True, False, True])), 0.75)


@slow_machines_too
@given(scored(), st.integers(0, 4))
def test_pointing_game_with_a_tolerance(case, tolerance):
    scores, active = case[0][0], case[1][0]
    at = list(scores).index(max(scores))
    distances = [abs(at - k) for k in np.flatnonzero(active)]
    expected = float(min(distances) <= tolerance) if distances else math.nan
    same(metrics.pointing_game(scores, active, tolerance), expected)
    same(NEAR.function(scores, active), metrics.pointing_game(scores, active, 2))


@slow_machines_too
@given(scored(st.integers(1, 6)), st.data())
def test_class_auc_by_loops(case, data):
    scores, active = case
    clips = data.draw(st.lists(st.sampled_from("ab"), min_size=len(scores), max_size=len(scores)))
    expected = []
    for i, clip in enumerate(clips):
        values = []
        for j, other in enumerate(clips):
            if i != j and clip == other:
                own, foreign = scores[i][active[i] & ~active[j]], scores[i][active[j] & ~active[i]]
                if len(own) and len(foreign):
                    values.append(np.mean([(a > b) + (a == b) / 2 for a in own for b in foreign]))
        expected.append(np.mean(values) if values else math.nan)
    same(metrics.class_auc(scores, active, clips), expected)


def test_scores_that_are_the_same_for_both_classes_have_class_auc_one_half():
    rng = np.random.default_rng(0)
    shared = rng.random((50, 1, 40)).repeat(2, axis=1).reshape(100, 40)
    active = rng.random((100, 40)) < 0.4
    found = metrics.class_auc(shared, active, np.repeat(np.arange(50).astype(str), 2))
    same(found.reshape(50, 2).mean(-1), np.full(50, 0.5))


def runs(mask):
    found, begin = [], None
    for k, marked in enumerate([*mask, False]):
        if marked and begin is None:
            begin = k
        if not marked and begin is not None:
            found.append((begin, k))
            begin = None
    return found


@slow_machines_too
@given(st.integers(1, 4).flatmap(lambda n: st.tuples(hnp.arrays(bool, (n, 12)), hnp.arrays(bool, (n, 12)))))
def test_boundaries_by_loops(masks):
    predicted, active = masks
    expected = []
    for own, real in zip(predicted, active, strict=True):
        early, late = [], []
        for onset, offset in runs(real):
            touching = [run for run in runs(own) if run[0] < offset and run[1] > onset]
            if touching:
                early.append(100 * (touching[0][0] - onset))
                late.append(100 * (touching[-1][1] - offset))
        sides = (early, np.abs(early), late, np.abs(late))
        expected.append([np.mean(side) if len(side) else math.nan for side in sides])
    same(np.transpose([metric.function(predicted, active) for metric in BOUNDARIES]), expected)


def test_a_perfect_mask_has_no_deviation_and_a_late_one_has():
    active = np.array([[False, True, True, True, False, False, True, False]])
    for metric in BOUNDARIES:
        assert metric.function(active, active) == 0
    late = np.roll(active, 1, axis=-1)
    assert [float(metric.function(late, active)[0]) for metric in BOUNDARIES] == pytest.approx([100.0] * 4)


RANDOM = {
    "pointing_game": lambda active: active.mean(),
    "pointing_game_200ms": lambda active: np.mean(
        [any(row[max(0, k - 2) : k + 3]) for row in active for k in range(active.shape[1])]
    ),
    "roc_auc": lambda active: 0.5,
    "class_auc": lambda active: 0.5,
    "rank_accuracy": lambda active: active.mean(),
    "relevance_mass": lambda active: active.mean(),
}


@pytest.mark.parametrize("name", RANDOM)
def test_random_scores_give_the_stated_chance_level(name):
    """Within four standard errors of the mean over 3000 pairs, two classes a clip."""
    rng = np.random.default_rng(3)
    pairs, frames = 3000, 50
    begin, length = rng.integers(0, 30, pairs), rng.integers(3, 20, pairs)
    place = np.arange(frames)
    active = (place >= begin[:, None]) & (place < (begin + length)[:, None])
    scores, clips = rng.random((pairs, frames)), np.repeat(np.arange(pairs // 2), 2).astype(str)
    found = METRICS.find(name).values(active, scores, active, clips)
    defined = found[~np.isnan(found)]
    assert len(defined) > pairs / 2
    error = defined.std() / math.sqrt(len(defined))
    assert abs(defined.mean() - RANDOM[name](active)) < 4 * error


@pytest.mark.parametrize("metric", [metric for metric in metrics.built_in() if metric.needs.startswith("scores")])
def test_scores_that_are_the_mask_reach_the_best_value(metric):
    """But for the correlation of classes, which has none."""
    active = np.array([[True, True, False, False], [False, False, True, False]])
    found = metric.values(active, active.astype(float), active, ["a", "a"])
    if metric.higher_is_better:
        same(found, [metric.range[1]] * 2)


@pytest.mark.parametrize("metric", [metric for metric in metrics.built_in() if metric.of_pairs])
def test_pairs_without_a_value_touch_no_others(metric):
    """A table with undefined pairs has the values that the others have without them."""
    rng = np.random.default_rng(1)
    active, scores, masks = rng.random((6, 20)) < 0.4, rng.random((6, 20)), rng.random((6, 20)) < 0.5
    clips = ["a", "a", "b", "b", "c", "c"]
    alone = metric.values(masks, scores, active, clips)
    none = np.zeros((2, 20), bool)
    together = metric.values(
        np.concatenate([masks, none]),
        np.concatenate([scores, np.zeros((2, 20))]),
        np.concatenate([active, none]),
        [*clips, "d", "e"],
    )
    np.testing.assert_array_equal(together[:6], alone)
    assert np.isnan(together[6:]).all()
    assert metric.values(masks[:0], scores[:0], active[:0], []).shape == (0,)
