"""Metrics against brute force, scikit-learn and sed_eval, and their algebraic laws."""

import doctest
import math
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import average_precision_score

from igsed import events as annotations
from igsed import labels, metrics, timeline

slow_machines_too = settings(deadline=None)
LABELS = ["Cat", "Dog", "Speech"]
MASK_METRICS = (metrics.iou, metrics.precision, metrics.recall, metrics.f1)


@st.composite
def mask_pairs(draw):
    frames = draw(st.integers(1, 40))
    return draw(hnp.arrays(bool, frames)), draw(hnp.arrays(bool, frames))


@st.composite
def scored_pairs(draw):
    """Scores with many ties or none, and a mask."""
    frames = draw(st.integers(1, 40))
    values = draw(st.sampled_from([st.integers(-3, 3), st.floats(-1e6, 1e6)]))
    return draw(hnp.arrays(np.float64, frames, elements=values)), draw(hnp.arrays(bool, frames))


def by_hand(predicted, active):
    both = only_predicted = only_active = 0
    for p, a in zip(predicted, active, strict=True):
        both += bool(p and a)
        only_predicted += bool(p and not a)
        only_active += bool(a and not p)
    if both + only_predicted + only_active == 0:
        return (math.nan,) * 4
    precision = both / (both + only_predicted) if both + only_predicted else 0.0
    recall = both / (both + only_active) if both + only_active else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return both / (both + only_predicted + only_active), precision, recall, f1


def mask(text):
    return np.array([c == "x" for c in text])


# (estimate, reference, (IoU, precision, recall, F1))
TRIPLES = [
    ("xx..", "xx..", (1.0, 1.0, 1.0, 1.0)),
    ("xx..", "..xx", (0.0, 0.0, 0.0, 0.0)),
    (".xx.", "..xx", (1 / 3, 1 / 2, 1 / 2, 1 / 2)),
    ("xxxx", "..x.", (1 / 4, 1 / 4, 1.0, 2 / 5)),
    ("....", "..xx", (0.0, 0.0, 0.0, 0.0)),
    ("x...", "....", (0.0, 0.0, 0.0, 0.0)),
    ("....", "....", (math.nan, math.nan, math.nan, math.nan)),
]


@pytest.mark.parametrize(("estimate", "reference", "expected"), TRIPLES)
def test_regression_triples(estimate, reference, expected):
    found = [metric(mask(estimate), mask(reference)) for metric in MASK_METRICS]
    np.testing.assert_allclose(found, expected, rtol=1e-15)


@slow_machines_too
@given(mask_pairs())
def test_mask_metrics_equal_brute_force(pair):
    np.testing.assert_allclose([metric(*pair) for metric in MASK_METRICS], by_hand(*pair), rtol=1e-14)


@slow_machines_too
@given(mask_pairs())
def test_laws_of_mask_metrics(pair):
    predicted, active = pair
    assume(predicted.any() or active.any())
    iou, precision, recall, f1 = (float(metric(*pair)) for metric in MASK_METRICS)
    assert all(0 <= value <= 1 for value in (iou, precision, recall, f1))
    assert iou == metrics.iou(active, predicted)
    assert precision == metrics.recall(active, predicted)
    assert f1 == pytest.approx(2 * iou / (1 + iou), rel=1e-14)
    assert iou <= min(precision, recall) or not predicted.any() or not active.any()
    assert (iou == 1) == np.array_equal(predicted, active)


def test_leading_axes_broadcast():
    rng = np.random.default_rng(0)
    predicted, active = rng.random((4, 3, 20)) < 0.4, rng.random((3, 20)) < 0.3
    scores = rng.random((4, 3, 20))
    for metric, first in [(m, predicted) for m in MASK_METRICS] + [
        (metrics.pointing_game, scores),
        (metrics.average_precision, scores),
    ]:
        together = metric(first, active)
        assert together.shape == (4, 3)
        assert together.dtype == np.float64
        alone = [[float(metric(first[d, k], active[k])) for k in range(3)] for d in range(4)]
        np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(metrics.active_ratio(active), [row.sum() / 20 for row in active])


def test_undefined_pairs_do_not_touch_others():
    predicted = np.array([[False, False], [True, False], [False, False]])
    active = np.array([[False, False], [True, True], [False, True]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(metrics.iou(predicted, active), [np.nan, 0.5, 0.0])
        np.testing.assert_array_equal(metrics.precision(predicted, active), [np.nan, 1.0, 0.0])
        np.testing.assert_array_equal(metrics.pointing_game(np.zeros((3, 2)), active), [np.nan, 1.0, 0.0])
        np.testing.assert_array_equal(metrics.average_precision(np.zeros((3, 2)), active), [np.nan, 1.0, 0.5])


@slow_machines_too
@given(scored_pairs())
def test_pointing_game_is_the_first_maximum(pair):
    scores, active = pair
    found = float(metrics.pointing_game(scores, active))
    if not active.any():
        assert math.isnan(found)
    else:
        assert found == float(active[list(scores).index(max(scores))])


@slow_machines_too
@given(scored_pairs())
def test_average_precision_equals_scikit_learn(pair):
    scores, active = pair
    found = float(metrics.average_precision(scores, active))
    if not active.any():
        assert math.isnan(found)
    else:
        assert found == pytest.approx(average_precision_score(active, scores), abs=1e-12)


@slow_machines_too
@given(scored_pairs())
def test_average_precision_depends_on_ranks_only(pair):
    scores, active = pair
    assume(active.any())
    ranks = np.unique(scores, return_inverse=True)[1]
    assert metrics.average_precision(scores, active) == pytest.approx(metrics.average_precision(ranks**3, active))
    assert metrics.average_precision(active, active) == 1
    assert metrics.average_precision(np.full(len(scores), 7.0), active) == pytest.approx(active.mean())


@given(
    clips=st.lists(st.sampled_from("abc"), min_size=1, max_size=9),
    seed=st.integers(0, 99),
    constant=st.lists(st.integers(0, 8), max_size=2),
)
def test_class_correlation_is_the_mean_of_numpy_s(clips, seed, constant):
    scores = np.random.default_rng(seed).normal(0, 1, (len(clips), 7)) + 5
    for row in constant:
        scores[row % len(clips)] = 0.1
    found = metrics.class_correlation(scores, clips)
    for row, clip in enumerate(clips):
        mine = [k for k, other in enumerate(clips) if other == clip]
        others = [k for k in mine if k != row]
        if not others or any(np.ptp(scores[k]) == 0 for k in mine):
            assert np.isnan(found[row])
        else:
            assert found[row] == pytest.approx(np.mean([np.corrcoef(scores[row], scores[k])[0, 1] for k in others]))
    assert np.all(np.isnan(found) | (abs(found) <= 1 + 1e-12))


@pytest.mark.parametrize("function", [*MASK_METRICS, metrics.pointing_game, metrics.average_precision])
@pytest.mark.parametrize(
    ("shapes", "message"),
    [(((4,), (5,)), "same number of frames"), (((2, 5), (3, 5)), "broadcast"), (((0,), (0,)), "no frames")],
)
def test_wrong_shapes_are_refused(function, shapes, message):
    with pytest.raises(ValueError, match=message):
        function(np.zeros(shapes[0], bool), np.zeros(shapes[1], bool))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite_are_refused(bad):
    for metric in (metrics.pointing_game, metrics.average_precision):
        with pytest.raises(ValueError, match="1 of 3 scores are not finite"):
            metric([0.1, bad, 0.2], np.array([True, False, True]))


def test_scores_in_place_of_a_mask_are_refused():
    with pytest.raises(ValueError, match="boolean"):
        metrics.iou([0.1, 0.9], np.array([True, False]))
    with pytest.raises(ValueError, match="boolean"):
        metrics.pointing_game([0.1, 0.9], [1, 0])


def events(rows):
    return pd.DataFrame(rows, columns=["clip", "label", "onset", "offset"])


def random_events(rng, clips, count):
    """Events whose edges lie well inside a 100 ms frame, where binary floating point cannot move them."""
    rows = []
    for clip in clips:
        for _ in range(rng.integers(0, count + 1)):
            onset, offset = np.sort(rng.choice(100, 2, replace=False)) * 0.1 + rng.uniform(0.01, 0.09, 2)
            rows.append((clip, LABELS[rng.integers(len(LABELS))], onset, min(offset, 10.0)))
    return events(rows)


def values_of(table):
    return table.set_index(["label", "metric"])["value"]


def raster(table, clips):
    return labels.of_frames(table.rename(columns={"label": "event_label"}), clips, LABELS, 100)


@pytest.mark.parametrize("seed", range(3))
def test_sed_eval_segments_of_100_ms_count_our_frames(seed):
    rng = np.random.default_rng(seed)
    clips = [f"test_{k:05d}" for k in range(12)]
    reference, estimated = random_events(rng, clips, 3), random_events(rng, clips, 4)
    found = metrics.segment_based(reference, estimated, dict.fromkeys(clips, 10.0), LABELS, resolution=0.1)
    real, predicted = raster(reference, clips), raster(estimated, clips)
    value = values_of(found)
    assert value["all", "segment_f1"] == pytest.approx(float(metrics.f1(predicted.ravel(), real.ravel())), abs=1e-12)
    per_class = [float(metrics.f1(predicted[:, j].ravel(), real[:, j].ravel())) for j in range(len(LABELS))]
    np.testing.assert_allclose([value[label, "segment_f1"] for label in LABELS], per_class, atol=1e-12)
    assert value["class_mean", "segment_f1"] == pytest.approx(np.mean(per_class))
    wrong = (real != predicted).sum((0, 2)) / real.sum((0, 2))
    np.testing.assert_allclose([value[label, "segment_error_rate"] for label in LABELS], wrong)
    substituted = np.minimum((real & ~predicted).sum(1), (predicted & ~real).sum(1)).sum()
    overall = ((real != predicted).sum() - substituted) / real.sum()
    assert value["all", "segment_error_rate"] == pytest.approx(overall)


def most_matches(reference, estimated, fits):
    """Largest one-to-one matching, by trying all."""
    if not reference:
        return 0
    first, rest = reference[0], reference[1:]
    counts = [most_matches(rest, estimated, fits)]
    for k, other in enumerate(estimated):
        if fits(first, other):
            counts.append(1 + most_matches(rest, estimated[:k] + estimated[k + 1 :], fits))
    return max(counts)


@pytest.mark.parametrize("seed", range(3))
def test_event_based_equals_brute_force_matching(seed):
    rng = np.random.default_rng(seed)
    clips = [f"c{k}" for k in range(15)]
    reference = random_events(rng, clips, 4)
    near = reference.sample(frac=0.8, random_state=seed)
    near = near.assign(onset=near["onset"] + rng.uniform(-0.3, 0.3, len(near)), offset=near["offset"] + 0.25)
    near = near[near["offset"] > near["onset"]]
    estimated = pd.concat([near, near.assign(onset=near["onset"] - 0.05), random_events(rng, clips, 1)])

    def fits(a, b):
        return abs(a[0] - b[0]) <= 0.2 and abs(a[1] - b[1]) <= max(0.2, 0.2 * (a[1] - a[0]))

    value = values_of(metrics.event_based(reference, estimated, dict.fromkeys(clips, 10.0), LABELS, merge=None))
    matched = dict.fromkeys(LABELS, 0)
    for clip in clips:
        for label in LABELS:
            lists = [
                list(t.loc[(t["clip"] == clip) & (t["label"] == label), ["onset", "offset"]].itertuples(index=False))
                for t in (reference, estimated)
            ]
            matched[label] += most_matches(*lists, fits)
    assert 0 < sum(matched.values()) < len(reference)
    for label in LABELS:
        sizes = [(t["label"] == label).sum() for t in (reference, estimated)]
        assert value[label, "event_f1"] == pytest.approx(2 * matched[label] / sum(sizes))
        assert value[label, "event_error_rate"] == pytest.approx((sum(sizes) - 2 * matched[label]) / sizes[0])
    total = 2 * sum(matched.values()) / (len(reference) + len(estimated))
    assert value["all", "event_f1"] == pytest.approx(total)


# (reference, estimate, event F1 of Dog)
EVENT_TRIPLES = [
    ([("a", "Dog", 1.0, 2.0)], [("a", "Dog", 1.15, 2.15)], 1.0),
    ([("a", "Dog", 1.0, 2.0)], [("a", "Dog", 1.25, 2.0)], 0.0),
    ([("a", "Dog", 1.0, 2.0)], [("a", "Dog", 1.0, 2.25)], 0.0),
    ([("a", "Dog", 1.0, 4.0)], [("a", "Dog", 1.0, 4.55)], 1.0),
    ([("a", "Dog", 1.0, 2.0)], [("b", "Dog", 1.0, 2.0)], 0.0),
    ([("a", "Dog", 1.0, 2.0)], [("a", "Dog", 1.0, 2.0), ("a", "Dog", 1.1, 2.1)], 1.0),
    ([("a", "Dog", 1.0, 2.0)], [("a", "Dog", 1.0, 2.0), ("a", "Dog", 2.3, 2.6)], 2 / 3),
    ([("a", "Dog", 1.0, 1.5), ("a", "Dog", 1.6, 2.0)], [("a", "Dog", 1.0, 2.0)], 1.0),
    ([("a", "Dog", 1.05, 1.5), ("a", "Dog", 1.67, 2.0)], [("a", "Dog", 1.0, 1.5), ("a", "Dog", 1.6, 2.0)], 1.0),
    ([("a", "Dog", 1.0, 1.5), ("a", "Dog", 1.7, 2.0)], [("a", "Dog", 1.0, 2.0)], 0.0),
    ([("a", "Dog", 1.0, 1.5), ("a", "Cat", 1.5, 2.0)], [("a", "Dog", 1.0, 1.5), ("a", "Cat", 1.5, 2.0)], 1.0),
    ([("a", "Dog", 9.0, 10.0), ("b", "Dog", 0.0, 1.0)], [("a", "Dog", 9.0, 10.0), ("b", "Dog", 0.0, 1.0)], 1.0),
    ([("a", "Dog", 2.0, 3.0)] * 2, [("a", "Dog", 2.0, 3.0)], 1.0),
    ([("a", "Dog", 1.0, 2.0)], [], 0.0),
]


@pytest.mark.parametrize(("reference", "estimated", "expected"), EVENT_TRIPLES)
def test_event_based_triples(reference, estimated, expected):
    found = metrics.event_based(events(reference), events(estimated), {"a": 10.0, "b": 10.0}, LABELS)
    assert values_of(found)["Dog", "event_f1"] == pytest.approx(expected)


milliseconds = st.tuples(
    st.sampled_from(["a", "b"]), st.sampled_from(LABELS), st.integers(0, 9999), st.integers(1, 5000)
)


@settings(deadline=None, max_examples=60)
@given(st.lists(milliseconds, min_size=1, max_size=12), st.sampled_from([0, 0.05, 0.1, 0.15, 0.2, 0.3, 1, 60]))
def test_a_perfect_frame_detector_has_f1_1(drawn, merge):
    """Whatever the annotation: events that overlap, touch, or leave less than a frame between them."""
    truth = events([(clip, label, a / 1000, min(a + b, 10_000) / 1000) for clip, label, a, b in drawn])
    clips = ["a", "b"]
    marked = raster(truth, clips)
    estimated = events(
        [
            (clip, label, *run)
            for clip, of_clip in zip(clips, marked, strict=True)
            for label, mask in zip(LABELS, of_clip, strict=True)
            for run in timeline.segments(mask)
        ]
    )
    durations = dict.fromkeys(clips, 10.0)
    for table, name in (
        (metrics.event_based(truth, estimated, durations, LABELS, merge=merge), "event"),
        (metrics.segment_based(truth, estimated, durations, LABELS), "segment"),
    ):
        value = values_of(table)
        for label in (*truth["label"].unique(), "class_mean", "all"):
            assert value[label, f"{name}_f1"] == 1
            assert value[label, f"{name}_error_rate"] == 0


def counted_by_sed_eval(evaluator, reference, estimated, clips, **options):
    """Clip by clip, as sed_eval is meant to be used; F1 and error rate of every class and of all."""
    for clip in clips:
        lists = [
            [
                {"event_label": e.label, "onset": e.onset, "offset": e.offset}
                for e in table[table["clip"] == clip].itertuples()
            ]
            for table in (reference, estimated)
        ]
        evaluator.evaluate(*lists, **options)
    rows = dict.fromkeys(LABELS, (evaluator.class_wise_f_measure, evaluator.class_wise_error_rate))
    found = {label: (f(label)["f_measure"], e(label)["error_rate"]) for label, (f, e) in rows.items()}
    overall = evaluator.overall_f_measure()["f_measure"], evaluator.overall_error_rate()["error_rate"]
    return found | {"all": overall}


@settings(deadline=None, max_examples=60)
@given(st.lists(milliseconds, max_size=9), st.lists(milliseconds, max_size=9), st.booleans(), st.integers(0, 2**20))
def test_values_are_sed_eval_s_own(real, found, near, seed):
    """To the last bit, of any events: most of the estimates near real ones, or anywhere."""
    from sed_eval import sound_event

    reference, estimated = (
        events([(clip, label, a / 1000, (a + b) / 1000) for clip, label, a, b in rows]).drop_duplicates()
        for rows in (real, found)
    )
    if near and len(reference):
        rng = np.random.default_rng(seed)
        moved = reference.assign(
            onset=(reference["onset"] + rng.choice([-0.2, 0.0, 0.1], len(reference))).clip(lower=0)
        )
        moved["label"] = np.where(rng.random(len(moved)) < 0.3, "Dog", moved["label"])
        estimated = pd.concat([moved[moved["offset"] > moved["onset"]], estimated])
    clips, durations = ["a", "b"], {"a": 10.0, "b": 7.3}
    for name, ours, evaluator, options in (
        (
            "event",
            metrics.event_based(reference, estimated, durations, LABELS, merge=None),
            sound_event.EventBasedMetrics(
                LABELS, t_collar=0.2, percentage_of_length=0.2, empty_system_output_handling="zero_score"
            ),
            {},
        ),
        (
            "segment",
            metrics.segment_based(reference, estimated, dict.fromkeys(clips, 7.3), LABELS),
            sound_event.SegmentBasedMetrics(LABELS, time_resolution=1.0),
            {"evaluated_length_seconds": 7.3},
        ),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = counted_by_sed_eval(evaluator, reference, estimated, clips, **options)
        value = values_of(ours)
        for label, (f1, error_rate) in expected.items():
            if (label == "all" and len(reference)) or (reference["label"] == label).any():
                np.testing.assert_array_equal(value[label, f"{name}_f1"], f1)
                np.testing.assert_array_equal(value[label, f"{name}_error_rate"], error_rate)


def test_segments_are_active_once_by_however_many_events():
    truth = events([("a", "Dog", 0.0, 2.0), ("a", "Cat", 0.0, 1.0)])
    often = events([("a", "Dog", 0.0, 2.0), ("a", "Dog", 0.5, 1.5), ("a", "Dog", 0.0, 2.0), ("a", "Cat", 0.0, 1.0)])
    estimated = events([("a", "Dog", 1.0, 3.0), ("a", "Cat", 2.0, 3.0)])
    once, thrice = (metrics.segment_based(e, estimated, {"a": 4.0}, LABELS) for e in (truth, often))
    pd.testing.assert_series_equal(once["value"], thrice["value"])
    assert values_of(once)["Dog", "segment_f1"] == 0.5


def test_a_row_told_twice_counts_once(tmp_path):
    path = tmp_path / "truth.tsv"
    path.write_text("filename\tonset\toffset\tevent_label\n" + "a.wav\t2.0\t3.0\tDog\n" * 2)
    truth = annotations.read(path).rename(columns={"filename": "clip", "event_label": "label"})
    estimated = truth.assign(clip="a.wav")
    found = metrics.event_based(truth, estimated, {"a.wav": 10.0}, LABELS, merge=None)
    assert values_of(found)["Dog", "event_f1"] == 1


def test_merged_events_are_counted_once():
    truth = events([("a", "Dog", 1.0, 2.0), ("a", "Dog", 1.5, 3.0), ("a", "Cat", 1.0, 2.0)])
    found = metrics.event_based(truth, events([]), {"a": 10.0}, LABELS)
    assert found.groupby("label")["n"].first().to_dict() == {"Cat": 1, "Dog": 1, "Speech": 0, "class_mean": 2, "all": 2}
    unmerged = metrics.event_based(truth, events([]), {"a": 10.0}, LABELS, merge=None)
    assert unmerged.loc[unmerged["label"] == "all", "n"].tolist() == [3, 3]


def test_collection_metrics_account_for_what_is_undefined():
    reference = events([("a", "Dog", 1.0, 2.0), ("a", "Cat", 3.0, 4.0), ("b", np.nan, np.nan, np.nan)])
    estimated = events([("a", "Dog", 1.0, 2.0), ("b", "Speech", 0.0, 1.0)])
    durations = {"a": 10.0, "b": 10.0}
    segment = metrics.segment_based(reference, estimated, durations, LABELS)
    event = metrics.event_based(reference, estimated, durations, LABELS)
    assert list(segment["label"].unique()) == [*LABELS, "class_mean", "all"]
    assert segment.groupby("label")["n"].first().to_dict() == {
        "Cat": 1,
        "Dog": 1,
        "Speech": 0,
        "class_mean": 2,
        "all": 2,
    }
    s, e = values_of(segment), values_of(event)
    assert math.isnan(s["Cat", "segment_f1"])
    assert e["Cat", "event_f1"] == 0
    assert s["class_mean", "segment_f1"] == 1
    assert e["class_mean", "event_f1"] == 0.5
    for value, name in ((s, "segment"), (e, "event")):
        assert value["Dog", f"{name}_f1"] == 1
        assert math.isnan(value["Speech", f"{name}_f1"])
        assert math.isnan(value["Speech", f"{name}_error_rate"])
        assert value["class_mean", f"{name}_error_rate"] == pytest.approx(0.5)
    empty = values_of(metrics.event_based(events([]), events([]), durations, LABELS))
    assert empty.isna().all()


def test_segments_end_with_the_clip():
    reference, estimated = events([("a", "Dog", 0.0, 3.0)]), events([("a", "Dog", 0.0, 5.0)])
    value = values_of(metrics.segment_based(reference, estimated, {"a": 3.0}, LABELS))
    assert value["Dog", "segment_f1"] == 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("z", "Dog", 1.0, 2.0), "unknown clip, first 'z'"),
        (("a", "Wolf", 1.0, 2.0), "unknown label, first 'Wolf'"),
        (("a", "Dog", 2.0, 2.0), "offset > onset"),
    ],
)
def test_wrong_events_are_refused(row, message):
    for function in (metrics.segment_based, metrics.event_based):
        with pytest.raises(ValueError, match=message):
            function(events([]), events([row]), {"a": 10.0}, LABELS)


def test_import_is_light():
    code = "import sys, igsed.metrics, igsed.thresholds, igsed.statistics; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "igsed.metrics" in loaded
    assert not {"torch", "sed_eval", "scipy"} & set(loaded)


def test_examples_in_docstrings():
    assert doctest.testmod(metrics).failed == 0
    assert doctest.testmod(metrics).attempted > 0
