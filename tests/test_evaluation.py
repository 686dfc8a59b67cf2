"""From frame scores to tidy numbers; chance comes out as chance."""

import functools
import tracemalloc
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

from igsed import evaluation, labels, metrics, statistics, thresholds
from igsed.clips import Split
from igsed.detectors.random import random
from igsed.errors import InputError
from igsed.metrics import METRICS
from igsed.scores import FrameScores
from igsed.thresholds import RULES

RESAMPLING = evaluation.Resampling(100, 0.95, 0, 0)
CLASSES = ["Cat", "Dog", "Speech"]
PERCENTILE = RULES.find("percentile")
DRAWN = [METRICS.find(name) for name in metrics.DRAWN]


def above(percentile):
    return functools.partial(thresholds.percentile_mask, percentile=percentile)


@pytest.fixture
def predictions():
    rows = [("a", "Cat", 1, 1), ("a", "Dog", 0, 1), ("a", "Speech", 1, 0), ("b", "Dog", 1, 1), ("b", "Cat", 0, 0)]
    return pd.DataFrame(rows, columns=["clip", "label", "predicted", "present"])


@pytest.fixture
def found():
    """Scores of six pairs, row k rising from k."""
    pairs = pd.DataFrame([(c, k) for c in "ab" for k in CLASSES], columns=["clip", "label"])
    return FrameScores(pairs, np.arange(6)[:, None] + np.arange(10) / 10)


def test_pairs_that_are_scored(predictions):
    both = evaluation.select(predictions, "predicted_present")
    assert both.values.tolist() == [["a", "Cat"], ["b", "Dog"]]
    present = evaluation.select(predictions, "present")
    assert present.values.tolist() == [["a", "Cat"], ["a", "Dog"], ["b", "Dog"]]
    assert list(present.index) == [0, 1, 2]
    assert predictions.shape == (5, 4)


def test_rows_of_pairs_in_their_order(found):
    pairs = pd.DataFrame([("b", "Dog"), ("a", "Cat"), ("b", "Dog")], columns=["clip", "label"])
    np.testing.assert_array_equal(evaluation.rows_of(found, pairs), found.values[[4, 0, 4]])
    assert evaluation.rows_of(found, pairs[:0]).shape == (0, 10)


def test_pair_without_scores_is_named(found):
    pairs = pd.DataFrame([("a", "Cat"), ("b", "Frying")], columns=["clip", "label"])
    with pytest.raises(InputError, match=r"no frame scores of Frying in clip b: .*Remake them"):
        evaluation.rows_of(found, pairs)


def test_metrics_of_pairs_are_those_of_each_pair():
    rng = np.random.default_rng(0)
    scores, active = rng.normal(size=(20, 100)), rng.random((20, 100)) < 0.3
    active[3] = False
    clips = ["a", "b"] * 9 + ["c", "d"]
    table = evaluation.pair_metrics(scores, above(60)(scores), active, clips)
    assert list(table.columns) == [*metrics.of_pairs(), "active_ratio"]
    for k in range(20):
        mask = scores[k] > np.percentile(scores[k], 60)
        hits = (mask & active[k]).sum()
        assert table["iou"][k] == pytest.approx(hits / (mask | active[k]).sum())
        assert table["precision"][k] == pytest.approx(hits / mask.sum())
        assert table["f1"][k] == pytest.approx(2 * hits / (mask.sum() + active[k].sum()))
        assert table["active_ratio"][k] == pytest.approx(active[k].mean())
        assert np.isnan(table["class_correlation"][k]) == (k >= 18)
        if k == 3:
            assert np.isnan(table["pointing_game"][k])
            assert np.isnan(table["average_precision"][k])
        else:
            assert table["recall"][k] == pytest.approx(hits / active[k].sum())
            assert table["pointing_game"][k] == active[k][scores[k].argmax()]


@pytest.mark.parametrize("shape", [(0, 0), (0, 100)])
def test_no_pairs_give_an_empty_table(shape):
    table = evaluation.pair_metrics(np.zeros(shape), np.zeros(shape, bool), np.zeros(shape, bool), [])
    assert list(table.columns) == [*metrics.of_pairs(), "active_ratio"]
    assert len(table) == 0
    assert set(table.dtypes) == {np.dtype(float)}


def test_detected_events_are_runs_of_predicted_classes(predictions, found):
    events = evaluation.detected_events(found, predictions, above(69))
    # Rising scores: the last three of ten frames lie above the 69th percentile.
    expected = [("a", "Cat", 0.7, 1.0), ("a", "Speech", 0.7, 1.0), ("b", "Dog", 0.7, 1.0)]
    assert list(events.itertuples(index=False, name=None)) == expected
    assert list(events.columns) == ["clip", "label", "onset", "offset"]


def test_detected_events_of_several_runs(predictions):
    values = np.array([[0, 1, 1, 0, 1, 0, 0, 0, 0, 1.0]])
    scores = FrameScores(pd.DataFrame({"clip": ["a"], "label": ["Cat"]}), values)
    events = evaluation.detected_events(scores, predictions[:1], above(50))
    assert events[["onset", "offset"]].values.tolist() == [[0.1, 0.3], [0.4, 0.5], [0.9, 1.0]]


def test_no_predicted_class_no_event(predictions, found):
    events = evaluation.detected_events(found, predictions.assign(predicted=0), above(50))
    assert (len(events), list(events.columns)) == (0, ["clip", "label", "onset", "offset"])


def test_sweep_is_the_mean_over_pairs():
    rng = np.random.default_rng(1)
    scores, active, percentiles = rng.normal(size=(15, 100)), rng.random((15, 100)) < 0.4, np.arange(1, 100)
    curve = evaluation.sweep_curve(PERCENTILE, scores, active, percentiles, DRAWN, 3)
    assert list(curve.columns) == ["seed", "percentile", "iou", "f1", "n"]
    assert set(curve["seed"]) == {3}
    assert set(curve["n"]) == {15}
    for row in curve.itertuples():
        masks = thresholds.percentile_mask(scores, row.percentile)
        assert row.iou == pytest.approx(metrics.iou(masks, active).mean())
        assert row.f1 == pytest.approx(metrics.f1(masks, active).mean())


@pytest.mark.parametrize("shape", [(0, 0), (0, 100)])
def test_sweep_without_pairs_says_what_to_do(shape):
    with pytest.raises(InputError, match=r"seed 2: .*mixtures\.clips\.train.*evaluation\.pairs"):
        evaluation.sweep_curve(PERCENTILE, np.zeros(shape), np.zeros(shape, bool), np.arange(1, 100), DRAWN, 2)


def test_best_percentile_is_that_of_the_seed():
    sweep = pd.DataFrame(
        {"seed": [0] * 3 + [1] * 3, "percentile": [10, 20, 30] * 2, "iou": [1, 3, 2, 5, 4, 0], "f1": [0, 0, 1, 0, 1, 0]}
    )
    others = sweep.assign(pairs="present", iou=sweep["iou"].to_numpy()[::-1])
    both = pd.concat([sweep.assign(pairs="predicted_present"), others])

    def best(seed, criterion, pairs="predicted_present"):
        return evaluation.best_parameter(PERCENTILE, both, seed, pairs, criterion)

    assert [best(seed, "iou") for seed in (0, 1)] == [20, 10]
    assert [best(seed, "f1") for seed in (0, 1)] == [30, 20]
    assert [best(seed, "iou", "present") for seed in (0, 1)] == [30, 20]


def pair_table(rows, **key):
    table = pd.DataFrame(rows, columns=["clip", "label", "iou"])
    for name in [*metrics.of_pairs(), "active_ratio"][1:]:
        table[name] = 0.25
    return table.assign(**({"detector": "ig", "seed": 0, "split": "test", "protocol": "own", "percentile": 50} | key))


def test_tidy_counts_what_entered_each_mean():
    nan = np.nan
    rows = [("a", "Cat", 0.2), ("b", "Cat", nan), ("c", "Cat", 0.4), ("a", "Dog", 0.9), ("b", "Speech", nan)]
    pairs = pd.concat([pair_table(rows), pair_table(rows[3:4], seed=1, percentile=70)], ignore_index=True)
    columns = ["label", "metric", "value", "n"]
    detections = pd.DataFrame([("Cat", "event_f1", 0.5, 7)], columns=columns).assign(
        detector="ig", seed=0, split="test", protocol="own"
    )
    table = evaluation.tidy(pairs, detections)
    assert list(table.columns) == ["detector", "seed", "split", "protocol", "label", "metric", "value", "n"]
    assert set(table["split"]) == {"test"}
    assert not table.duplicated(["detector", "seed", "protocol", "label", "metric"]).any()

    def entry(label, metric, seed=0):
        row = table[(table["label"] == label) & (table["metric"] == metric) & (table["seed"] == seed)]
        return row[["value", "n"]].values.tolist()

    assert entry("Cat", "iou") == [[pytest.approx(0.3), 2]]
    assert entry("Dog", "iou") == [[0.9, 1]]
    assert entry("all", "iou") == [[pytest.approx(0.5), 3]]
    assert entry("class_mean", "iou") == [[pytest.approx(0.6), 2]]
    assert np.isnan(entry("Speech", "iou")[0][0])
    assert entry("Speech", "iou")[0][1] == 0
    assert entry("all", "recall") == [[0.25, 5]]
    assert entry("all", "percentile") == [[50, 5]]
    assert entry("all", "percentile", seed=1) == [[70, 1]]
    assert entry("all", "iou", seed=1) == [[0.9, 1]]
    assert entry("Cat", "event_f1") == [[0.5, 7]]


def test_tidy_needs_less_memory_than_the_pairs():
    rows = [(f"clip_{k}", "Cat", 0.5) for k in range(1000)]
    pairs = pd.concat([pair_table(rows, seed=seed) for seed in range(20)], ignore_index=True)
    tracemalloc.start()
    evaluation.tidy(pairs, pd.DataFrame())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < pairs.memory_usage().sum()


def test_tidy_keeps_detectors_splits_and_protocols_apart():
    keys = [("ig", "recordings", "own"), ("ig", "test", "own"), ("ig", "test", "shared"), ("random", "test", "own")]
    tables = [
        pair_table([("a", "Cat", value)], detector=detector, split=split, protocol=protocol)
        for value, (detector, split, protocol) in enumerate(keys)
    ]
    table = evaluation.tidy(pd.concat(tables), pd.DataFrame())
    found = table[(table["label"] == "all") & (table["metric"] == "iou")]
    rows = [[*key, float(value)] for value, key in enumerate(keys)]
    assert found[["detector", "split", "protocol", "value"]].values.tolist() == rows


def test_detectors_are_compared_within_a_split_and_a_protocol():
    rows = [(f"c{k}", "Cat", 0.1 * k) for k in range(4)]
    better = [(clip, label, value + 0.25) for clip, label, value in rows]
    tables = [
        pair_table(values, detector=detector, split=split)
        for detector, values in (("ig", rows), ("fw_ss", better))
        for split in ("test", "recordings")
    ]
    subsets = {split: [f"c{k}" for k in range(4)] for split in ("test", "recordings")}
    both = pd.concat(tables)
    ig, fw_ss = (both[both["detector"] == name] for name in ("ig", "fw_ss"))
    differences = evaluation.differences(
        fw_ss, ig, subsets, {"own": "present"}, [METRICS.find("iou")], ["Cat"], RESAMPLING
    )
    found = differences[differences["label"] == "all"].set_index(["detector", "minus", "split"])["value"]
    assert found.to_dict() == pytest.approx({("fw_ss", "ig", "test"): 0.25, ("fw_ss", "ig", "recordings"): 0.25})


@pytest.mark.parametrize("names", [["iou", "average_precision", "f1", "roc_auc"], ["f1"], ["pointing_game"]])
def test_what_protocols_have_in_common_is_compared_as_if_each_had_its_own(names):
    """Metrics without a threshold are the same under protocols of one choice of pairs, and differ between choices."""
    rng = np.random.default_rng(1)
    chosen, clips = [*map(METRICS.find, names)], [f"c{k:02d}" for k in range(12)]
    choices = {"own": "present", "peak": "present", "own_predicted": "predicted_present"}

    def judged(detector):
        tables = []
        for choice in dict.fromkeys(choices.values()):
            rows = [(c, CLASSES[k % 3], 0.5) for k, c in enumerate(clips) if choice == "present" or k % 4]
            common = pair_table(rows, detector=detector).assign(source=[f"r{k % 5}" for k in range(len(rows))])
            for metric in chosen:
                common[metric.name] = rng.random(len(rows))
            for protocol in (name for name, of in choices.items() if of == choice):
                own = {m.name: rng.random(len(rows)) for m in chosen if m.needs == "mask"}
                tables.append(common.assign(protocol=protocol, **own))
        return pd.concat(tables)

    one, other = judged("cam"), judged("ig")
    found = evaluation.differences(one, other, {"test": clips}, choices, chosen, CLASSES, RESAMPLING)
    for protocol in choices:
        rows, others = (table[table["protocol"] == protocol] for table in (one, other))
        expected = statistics.paired_difference(rows, others, names, CLASSES, clips, 100, 0.95, 0)
        here = found[found["protocol"] == protocol].reset_index(drop=True)
        expected = expected.drop(columns="std")  # of differences it is not written
        pd.testing.assert_frame_equal(here[expected.columns], expected, check_exact=True)


def test_comparisons_are_corrected_for_their_number():
    """Among the detectors of a split, protocol, metric and class."""
    rng = np.random.default_rng(0)
    clips = [f"c{k:02d}" for k in range(30)]
    values = rng.random(30)
    tables = [
        pair_table([(c, CLASSES[k % 2], v) for k, (c, v) in enumerate(zip(clips, own, strict=True))], detector=name)
        for name, own in {
            "ig": values,
            "better": values + 0.05 + 0.1 * rng.random(30),
            "alike": values + 0.1 * rng.standard_normal(30),
            "near": values + 0.05 + 0.1 * rng.standard_normal(30),
        }.items()
    ]
    ig, *others = (table.assign(source="r" + table["clip"].str[1]) for table in tables)
    settings = {"test": clips}, {"own": "present"}, [*map(METRICS.find, ["iou", "f1"])], CLASSES[:2], RESAMPLING
    tables = [evaluation.differences(table, ig, *settings) for table in others]
    found = evaluation.corrected(tables, 0.9)
    for metric in ("iou", "f1"):
        for label in ("all", "class_mean", *CLASSES[:2]):
            rows = found[(found["metric"] == metric) & (found["label"] == label)]
            assert len(rows) == 3
            larger = rows[["p", "p_sources"]].max(axis=1)
            np.testing.assert_allclose(rows["p_holm"], statistics.holm(larger))
    ratio = found["detectable"] / pd.concat(tables, ignore_index=True)["detectable"]
    quantile = NormalDist().inv_cdf
    strictest, single = quantile(1 - 0.1 / 6), quantile(0.95)
    expected = (strictest + quantile(0.8)) / (single + quantile(0.8))
    np.testing.assert_allclose(ratio[found["metric"] == "iou"], expected)
    shown = found[(found["metric"] == "iou") & (found["label"] == "all")].set_index("detector")
    assert shown.loc["better", "p_holm"] < 0.1 < shown.loc["alike", "p_holm"]
    assert (shown["detectable"] > 0).all()


def test_what_differs_in_every_clip_is_found_in_every_class():
    """Ten detectors and ten classes, as in the default experiment: the correction must leave room below 0.05."""
    classes, clips = [f"Class{k}" for k in range(10)], [f"c{k:02d}" for k in range(40)]
    values = {f"d{k}": 0.05 * k for k in range(11)}
    tables = {
        name: pair_table([(c, classes[k % 10], value) for k, c in enumerate(clips)], detector=name)
        for name, value in values.items()
    }
    settings = {"test": clips}, {"own": "present"}, [METRICS.find("iou")], classes
    resampling = evaluation.Resampling(2000, 0.95, 0, 0)
    found = evaluation.corrected(
        [evaluation.differences(tables[name], tables["d0"], *settings, resampling) for name in list(tables)[1:]], 0.95
    )
    assert len(found) == 10 * 12
    assert (found["p_holm"] < 0.05).all()


@pytest.mark.parametrize(("detectors", "told"), [(10, False), (50, False), (51, True), (5000, True)])
def test_a_correction_that_leaves_no_room_is_told(detectors, told, caplog):
    evaluation.tell_floor(detectors, evaluation.Resampling(2000, 0.95, 0, 0))
    assert ("evaluation.bootstrap: 2000" in caplog.text) == told
    if told:
        enough = int(caplog.text.rstrip().rstrip(".").rpartition(" ")[2])
        caplog.clear()
        evaluation.tell_floor(detectors, evaluation.Resampling(enough, 0.95, 0, 0))
        assert not caplog.text


def test_ranks_are_those_of_the_means():
    rows = {"best": 0.9, "middle": 0.5, "worst": 0.1}
    tables = {
        name: pair_table([(f"c{k}", "Cat", 0.5) for k in range(5)], detector=name).assign(
            pointing_game=value, average_precision=value, class_auc=1 - value
        )
        for name, value in rows.items()
    }
    chosen = [METRICS.find(name) for name in ("pointing_game", "average_precision", "class_auc", "iou")]
    subsets = {"test": [f"c{k}" for k in range(5)]}
    found = evaluation.ranking(tables, subsets, chosen, RESAMPLING)
    assert found["metric"].unique().tolist() == ["pointing_game", "average_precision", "class_auc", "borda"]
    ranks = found.pivot(index="detector", columns="metric", values="rank")
    assert ranks["pointing_game"].to_dict() == {"best": 1, "middle": 2, "worst": 3}
    assert ranks["class_auc"].to_dict() == {"best": 3, "middle": 2, "worst": 1}
    points = found[found["metric"] == "borda"].set_index("detector")["value"]
    assert points.to_dict() == pytest.approx({"best": 2 / 3, "middle": 1 / 2, "worst": 1 / 3})
    assert (found["rank_low"] == found["rank"]).all()
    assert (found["rank_high"] == found["rank"]).all()


def test_other_validation_clips_choose_other_thresholds():
    """Each resample's parameter is the best on the clips that it draws, as often as it draws them."""
    rng = np.random.default_rng(5)
    clips = [f"c{k}" for k in range(6)]
    pairs = pd.DataFrame([(clip, "Cat") for clip in clips[:5]], columns=["clip", "label"])
    events = pairs.assign(onset=rng.uniform(0, 1, 5), offset=rng.uniform(1.2, 2, 5)).rename(
        columns={"label": "event_label"}
    )
    predictions = pairs.assign(predicted=1, present=1)
    scores = FrameScores(pairs, rng.random((5, 20)))
    split = Split(events, dict.fromkeys(clips, 2.0), {"validation": clips})
    swept = {"percentile": [10, 30, 50, 70, 90]}
    curves = evaluation.by_clip(scores, predictions, split, swept, ["present"], "iou")
    weights = statistics.multiplicities(3, 40, 6)
    rule = RULES.find("percentile")
    key = evaluation.curve_key("percentile", "present")
    found = evaluation.redrawn_parameters(rule, curves[key], swept["percentile"], 50.0, weights)
    active = labels.of_pairs(events, pairs, 20)
    for row, chosen in zip(weights.astype(int), found, strict=True):
        drawn = [k for k in range(5) for _ in range(row[k])]
        means = [
            metrics.iou(rule.mask(scores.values[drawn], value), active[drawn]).mean() for value in swept["percentile"]
        ]
        assert chosen == swept["percentile"][int(np.argmax(means))]
    assert len(set(found)) > 1
    none = np.zeros((1, 6))
    none[0, 5] = 6
    assert evaluation.redrawn_parameters(rule, curves[key], swept["percentile"], 42.0, none).tolist() == [42.0]


def test_representative_pairs_span_the_ranking_over_different_classes():
    rng = np.random.default_rng(2)
    rows = [(f"c{k:02d}", CLASSES[k % 3], value) for k, value in enumerate(rng.permutation(60) / 60)]
    shown = evaluation.representative(pair_table(rows), 3)
    assert shown["label"].nunique() == 3
    assert shown["iou"].is_monotonic_decreasing
    np.testing.assert_allclose(shown["iou"], [0.9, 0.5, 0.1], atol=0.08)
    again = evaluation.representative(pair_table(rows).sample(frac=1, random_state=0), 3)
    assert again[["clip", "label"]].values.tolist() == shown[["clip", "label"]].values.tolist()
    assert evaluation.representative(pair_table(rows), 1)["iou"].item() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(("pairs", "count", "expected"), [(2, 3, 2), (1, 6, 1), (0, 3, 0), (6, 6, 6)])
def test_representative_pairs_are_at_most_all(pairs, count, expected):
    rows = [(f"c{k}", "Dog", k / 10) for k in range(pairs)]
    shown = evaluation.representative(pair_table(rows), count)
    assert len(shown) == expected
    assert not shown.duplicated(["clip", "label"]).any()


@pytest.mark.parametrize("percentile", [20, 50, 80])
def test_random_detector_reaches_what_chance_gives(percentile):
    """400 pairs in 200 clips: Pointing Game = active ratio, IoU = the closed form, within their 99 % intervals."""
    rng = np.random.default_rng(3)
    clips = [f"test_{k:05d}" for k in range(200)]
    pairs = pd.DataFrame([(c, k) for c in clips for k in ("Cat", "Dog")], columns=["clip", "label"])
    silence = np.zeros(1000, np.float32)
    scores = np.concatenate([random(silence, 100, ["Cat", "Dog"], 11, clip) for clip in clips])
    onsets, lengths = rng.integers(0, 60, 400)[:, None], rng.integers(2, 40, 400)[:, None]
    active = (np.arange(100) >= onsets) & (np.arange(100) < onsets + lengths)
    table = pairs.join(evaluation.pair_metrics(scores, above(percentile)(scores), active, pairs["clip"])).assign(seed=0)
    kept = statistics.kept_frames(percentile, 100) / 100
    table["expected"] = statistics.random_iou(table["active_ratio"], kept, 100)
    intervals = statistics.bootstrap(table, ["pointing_game", "iou"], confidence=0.99, replicates=1000)
    intervals = intervals[intervals["label"] == "all"].set_index("metric")
    for metric, expected in (("pointing_game", table["active_ratio"].mean()), ("iou", table["expected"].mean())):
        row = intervals.loc[metric]
        assert row["low"] < expected < row["high"]
        assert row["high"] - row["low"] < 0.15
    # Tighter: pair by pair, the differences from chance have mean 0.
    for difference in (table["pointing_game"] - table["active_ratio"], table["iou"] - table["expected"]):
        assert abs(difference.mean()) < 3.3 * difference.std() / np.sqrt(400)
