"""Means and intervals against plain loops, known cases and simulation; closed forms against enumeration."""

import doctest
import itertools
import math
import random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from igsed import metrics, statistics, thresholds

slow_machines_too = settings(deadline=None)
LABELS = ["Cat", "Dog", "Speech"]


def table(values, label="Dog", seed=0):
    """One pair per clip."""
    return pd.DataFrame(
        {"seed": seed, "clip": [f"c{k:04d}" for k in range(len(values))], "label": label, "iou": values}
    )


def crossed(rng, clips=30, seeds=3, clip_effect=0.2, noise=0.05):
    """Ragged pairs of several seeds and classes that share their clip's effect, a tenth of them undefined."""
    effect, rows = rng.normal(0, clip_effect, clips), []
    for seed, clip, label in itertools.product(range(seeds), range(clips), range(len(LABELS))):
        if rng.random() < 0.4 + 0.2 * label:
            value = 0.2 * label + effect[clip] + 0.03 * seed + rng.normal(0, noise)
            rows.append((seed, f"c{clip:04d}", LABELS[label], np.nan if rng.random() < 0.1 else value))
    return pd.DataFrame(rows, columns=["seed", "clip", "label", "iou"])


def means_by_hand(rows):
    """Values of each label of (seed, clip, label, value) rows, in plain Python; a row may occur several times."""
    per_seed = {}
    for seed, _, label, value in rows:
        if not math.isnan(value):
            for key in (label, "all"):
                per_seed.setdefault(key, {}).setdefault(seed, []).append(value)
    means = {key: {s: sum(v) / len(v) for s, v in seeds.items()} for key, seeds in per_seed.items()}
    means["class_mean"] = {}
    for seed in means.get("all", {}):
        classes = [means[label][seed] for label in LABELS if seed in means.get(label, {})]
        means["class_mean"][seed] = sum(classes) / len(classes)
    return means


def value_of(means, key, seeds):
    values = [means[key][s] for s in seeds if s in means.get(key, {})]
    return sum(values) / len(values) if values else float("nan")


def by_label(result):
    return result.set_index("label")


@pytest.mark.parametrize("seed", range(3))
def test_values_and_counts_equal_plain_loops(seed):
    pairs = crossed(np.random.default_rng(seed))
    pairs = pairs[(pairs["label"] != "Cat") | (pairs["seed"] != 2)]
    result = by_label(statistics.bootstrap(pairs, ["iou"], replicates=10))
    means = means_by_hand(pairs.itertuples(index=False, name=None))
    assert list(result.index) == [*LABELS, "class_mean", "all"]
    for label, row in result.iterrows():
        own = pairs if label in ("all", "class_mean") else pairs[pairs["label"] == label]
        defined = own.dropna()
        assert row["value"] == pytest.approx(value_of(means, label, range(3)), rel=1e-12)
        assert row["pairs"] == len(defined)
        assert row["undefined"] == len(own) - len(defined) > 0
        assert row["clips"] == len(set(defined["clip"]))
        assert row["seeds"] == len(set(defined["seed"]))
        assert row["std"] == pytest.approx(np.std(defined["iou"].tolist()), rel=1e-12)
        assert row["low"] <= row["value"] <= row["high"]
    assert result.loc["Cat", "seeds"] == 2


def test_interval_equals_a_plain_loop_bootstrap():
    """Independent draws, so edges agree within Monte-Carlo error: 0.1 standard errors for 1500 resamples."""
    pairs = crossed(np.random.default_rng(0), clips=25)
    result = by_label(statistics.bootstrap(pairs, ["iou"], replicates=4000, seed=1))
    of_clip = {clip: list(rows.itertuples(index=False, name=None)) for clip, rows in pairs.groupby("clip")}
    names, rng = sorted(of_clip), random.Random(0)
    resampled = {key: [] for key in result.index}
    for _ in range(1500):
        means = means_by_hand([row for clip in rng.choices(names, k=len(names)) for row in of_clip[clip]])
        seeds = rng.choices(range(3), k=3)
        for key, values in resampled.items():
            values.append(value_of(means, key, seeds))
    for key, values in resampled.items():
        low, high = np.nanpercentile(values, [2.5, 97.5])
        error = np.nanstd(values)
        assert result.loc[key, "low"] == pytest.approx(low, abs=0.4 * error)
        assert result.loc[key, "high"] == pytest.approx(high, abs=0.4 * error)


def test_standard_error_of_a_mean_over_clips():
    values = np.random.default_rng(3).normal(0.5, 0.2, 200)
    row = statistics.bootstrap(table(values), ["iou"], replicates=8000).iloc[0]
    half_width = 1.96 * values.std() / np.sqrt(len(values))
    assert (row["high"] - row["low"]) / 2 == pytest.approx(half_width, rel=0.05)
    assert (row["high"] + row["low"]) / 2 == pytest.approx(values.mean(), abs=0.1 * half_width)


def test_standard_error_of_a_mean_over_seeds():
    """Clips all alike: only the seeds vary."""
    effects = np.random.default_rng(4).normal(0.5, 0.1, 12)
    pairs = pd.concat([table([effect] * 5, seed=k) for k, effect in enumerate(effects)])
    row = statistics.bootstrap(pairs, ["iou"], replicates=8000).iloc[0]
    assert (row["high"] - row["low"]) / 2 == pytest.approx(1.96 * effects.std() / np.sqrt(12), rel=0.06)


def test_clips_and_seeds_are_drawn_independently():
    """As many clips as seeds, with the same effects: the same draws for both would double the variance."""
    effects = np.random.default_rng(5).normal(0, 0.1, 12)
    pairs = pd.concat([table(effects + effect, seed=k) for k, effect in enumerate(effects)])
    row = statistics.bootstrap(pairs, ["iou"], replicates=8000).iloc[0]
    assert (row["high"] - row["low"]) / 2 == pytest.approx(1.96 * np.sqrt(2 / 12) * effects.std(), rel=0.06)


def test_coverage_with_dependent_pairs():
    """95 % intervals hold the truth about 95 times in 100 although the pairs of a clip are copies of one another.

    Resampling pairs instead of clips would cover 74 % here (three copies: 1.96 / √3 standard errors).
    """
    rng, hits, trials = np.random.default_rng(5), 0, 150
    for trial in range(trials):
        values = rng.normal(0.4, 0.15, 40)
        pairs = pd.concat([table(values, label) for label in LABELS])
        row = by_label(statistics.bootstrap(pairs, ["iou"], replicates=400, seed=trial)).loc["all"]
        hits += row["low"] <= 0.4 <= row["high"]
    assert 0.89 <= hits / trials <= 0.98


def test_same_seed_same_interval():
    pairs = crossed(np.random.default_rng(6))
    once, again = (statistics.bootstrap(pairs, ["iou"], replicates=200, seed=7) for _ in range(2))
    pd.testing.assert_frame_equal(once, again, check_exact=True)
    shuffled = statistics.bootstrap(pairs.sample(frac=1, random_state=0), ["iou"], replicates=200, seed=7)
    pd.testing.assert_frame_equal(once, shuffled, check_exact=False, rtol=1e-12)
    other = statistics.bootstrap(pairs, ["iou"], replicates=200, seed=8)
    assert (once["low"] != other["low"]).any()
    assert (once["value"] == other["value"]).all()
    sequence = np.random.SeedSequence(7)
    for _ in range(2):
        found = statistics.bootstrap(pairs, ["iou"], replicates=200, seed=sequence)
        pd.testing.assert_frame_equal(once, found, check_exact=True)


def test_detectors_share_their_clips_whatever_their_seeds():
    """Three equal seeds give the interval of one, which holds only when both draw the same clips."""
    one = crossed(np.random.default_rng(8), seeds=1)
    three = pd.concat([one.assign(seed=k) for k in range(3)])
    columns = ["label", "value", "low", "high", "std"]
    found = [statistics.bootstrap(pairs, ["iou"], replicates=500)[columns] for pairs in (one, three)]
    pd.testing.assert_frame_equal(*found, rtol=1e-12)


def test_blocks_cover_all_replicates(monkeypatch):
    pairs = table(np.random.default_rng(9).normal(0.5, 0.2, 50))
    whole = statistics.bootstrap(pairs, ["iou"], replicates=3000)
    monkeypatch.setattr(statistics, "_BLOCK", 50 * 7)
    parts = statistics.bootstrap(pairs, ["iou"], replicates=3000)
    assert parts["low"].to_numpy() == pytest.approx(whole["low"].to_numpy(), abs=0.005)
    assert parts["high"].to_numpy() == pytest.approx(whole["high"].to_numpy(), abs=0.005)


def test_clips_without_pairs_widen_the_interval():
    """Fewer pairs survive a resample of a split whose other clips have none of them: their number varies too."""
    values = np.random.default_rng(10).normal(0.5, 0.2, 30)
    pairs = table(values)
    alone = statistics.bootstrap(pairs, ["iou"], replicates=4000).iloc[0]
    among = statistics.bootstrap(pairs, ["iou"], clips=[f"c{k:04d}" for k in range(300)], replicates=4000).iloc[0]
    assert alone["value"] == among["value"]
    assert among["clips"] == 30
    assert (among["high"] - among["low"]) == pytest.approx(alone["high"] - alone["low"], rel=0.15)


def test_empty_class_and_undefined_class():
    pairs = pd.concat([table([0.2, 0.4]), table([np.nan, np.nan], "Cat")])
    result = by_label(statistics.bootstrap(pairs, ["iou"], labels=LABELS, replicates=50))
    assert result.loc["Dog", "value"] == pytest.approx(0.3)
    assert result.loc[["Cat", "Speech"], ["value", "low", "high", "std"]].isna().all(axis=None)
    assert result.loc["Cat", ["pairs", "clips", "seeds", "undefined"]].tolist() == [0, 0, 0, 2]
    assert result.loc["Speech", ["pairs", "undefined"]].tolist() == [0, 0]
    assert result.loc["class_mean", "value"] == result.loc["all", "value"] == pytest.approx(0.3)
    assert result.loc["all", "undefined"] == 2


def test_categorical_columns_and_several_metrics():
    pairs = crossed(np.random.default_rng(11))
    pairs["f1"] = 2 * pairs["iou"]
    plain = statistics.bootstrap(pairs, ["iou", "f1"], replicates=50)
    categorical = pairs.astype({"clip": "category", "label": "category"})
    pd.testing.assert_frame_equal(plain, statistics.bootstrap(categorical, ["iou", "f1"], replicates=50))
    iou, f1 = (plain[plain["metric"] == m].set_index("label") for m in ("iou", "f1"))
    np.testing.assert_allclose(f1[["value", "low", "high", "std"]], 2 * iou[["value", "low", "high", "std"]])


def test_bad_tables_are_refused():
    pairs = table([0.1, 0.2])
    with pytest.raises(ValueError, match=r"lacks the columns \['f1'\]"):
        statistics.bootstrap(pairs, ["iou", "f1"])
    with pytest.raises(ValueError, match="occur twice"):
        statistics.bootstrap(pd.concat([pairs, pairs]), ["iou"])
    with pytest.raises(ValueError, match=r"unknown label .*'Dog'"):
        statistics.bootstrap(pairs, ["iou"], labels=["Cat"])
    with pytest.raises(ValueError, match=r"unknown clip .*'c0001'"):
        statistics.bootstrap(pairs, ["iou"], clips=["c0000"])


def test_difference_with_itself_is_nothing():
    pairs = crossed(np.random.default_rng(12))
    result = statistics.paired_difference(pairs, pairs, ["iou"], replicates=100)
    assert (result[["value", "low", "high", "std"]] == 0).all(axis=None)
    assert (result["p"] == 1).all()
    assert (result["unmatched"] == 0).all()


def test_difference_is_signed_and_paired():
    """Pairing takes the clips' own variation out: the interval of a constant shift has no width."""
    a = crossed(np.random.default_rng(13))
    b = a.assign(iou=a["iou"] - 0.1)
    forth = statistics.paired_difference(a, b, ["iou"], replicates=199)
    back = statistics.paired_difference(b, a, ["iou"], replicates=199)
    np.testing.assert_allclose(forth[["value", "low", "high"]], 0.1, atol=1e-12)
    np.testing.assert_allclose(back[["value", "low", "high"]], -0.1, atol=1e-12)
    assert (forth["p"] == 2 / 200).all()
    assert (back["p"] == 2 / 200).all()


def test_difference_equals_difference_of_means_on_common_pairs():
    rng = np.random.default_rng(14)
    a = crossed(rng)
    b = a.assign(iou=a["iou"] + rng.normal(0.02, 0.1, len(a))).sample(frac=0.9, random_state=1)
    result = by_label(statistics.paired_difference(a, b, ["iou"], replicates=50))
    common = a.merge(b, on=["seed", "clip", "label"]).dropna()
    keys = ["seed", "clip", "label"]
    parts = [common[[*keys, f"iou_{side}"]].itertuples(index=False, name=None) for side in "xy"]
    means = [means_by_hand(part) for part in parts]
    for label, row in result.iterrows():
        assert row["value"] == pytest.approx(value_of(means[0], label, range(3)) - value_of(means[1], label, range(3)))
    assert result.loc["all", "unmatched"] == len(a) - len(b)
    assert result.loc["Dog", "unmatched"] == (a["label"] == "Dog").sum() - (b["label"] == "Dog").sum()
    assert result.loc["all", "pairs"] == len(common)


def test_p_value_rejects_the_null_about_as_often_as_it_says():
    rng, rejected, trials = np.random.default_rng(15), 0, 100
    for trial in range(trials):
        a, b = table(rng.normal(0.4, 0.1, 40)), table(rng.normal(0.4, 0.1, 40))
        row = by_label(statistics.paired_difference(a, b, ["iou"], replicates=400, seed=trial)).loc["all"]
        rejected += row["p"] < 0.05
        assert (row["p"] > 0.07) <= (row["low"] <= 0 <= row["high"]) <= (row["p"] > 0.03)
    assert 0.015 <= rejected / trials <= 0.11


def test_difference_without_common_pairs():
    result = statistics.paired_difference(table([0.1, 0.2]), table([0.1], seed=1), ["iou"], replicates=20)
    assert result[["value", "low", "high", "p"]].isna().all(axis=None)
    assert (result["unmatched"] == 3).all()
    assert (result["pairs"] == 0).all()


@slow_machines_too
@given(st.integers(2, 120), st.integers(0, 100), st.randoms(use_true_random=False))
def test_kept_frames_of_distinct_scores(frames, percentile, random):
    if (frames - 1) * percentile % 100 == 0 and percentile % 100:
        return  # a whole rank, where rounding of the threshold decides
    scores = random.sample(range(1000), frames)
    assert statistics.kept_frames(percentile, frames) == thresholds.percentile_mask(scores, percentile).sum()


def test_kept_frames_of_the_default_clip():
    every = statistics.kept_frames(np.arange(1, 100), 100)
    masks = [thresholds.percentile_mask(np.random.default_rng(0).random(100), p).sum() for p in range(1, 100)]
    assert every.tolist() == masks
    assert statistics.kept_frames([0, 50, 100], 100).tolist() == [99, 50, 0]
    assert statistics.kept_frames(50, 1) == 0
    with pytest.raises(ValueError, match="0…100"):
        statistics.kept_frames(-1, 100)
    with pytest.raises(ValueError, match="positive"):
        statistics.kept_frames(50, 0)


def test_random_iou_equals_enumeration():
    frames = 7
    for active, kept in itertools.product(range(frames + 1), repeat=2):
        found = float(statistics.random_iou(active / frames, kept / frames, frames))
        if active + kept == 0:
            assert np.isnan(found)
            continue
        overlaps = [sum(k < active for k in chosen) for chosen in itertools.combinations(range(frames), kept)]
        expected = np.mean([x / (active + kept - x) for x in overlaps])
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-15)


@slow_machines_too
@given(st.integers(1, 300), st.floats(0, 1), st.floats(0, 1))
def test_laws_of_random_iou(frames, active, kept):
    active, kept = round(active * frames) / frames, round(kept * frames) / frames
    if active + kept == 0:
        return
    value = float(statistics.random_iou(active, kept, frames))
    assert 0 <= value <= 1 + 1e-12
    assert value == pytest.approx(float(statistics.random_iou(kept, active, frames)), abs=1e-12)
    assert float(statistics.random_iou(1.0, kept, frames)) == pytest.approx(kept)
    # x / (a + k − x) is convex in x, so the mean is at least the value at the mean overlap.
    assert value >= active * kept / (active + kept - active * kept) - 1e-12


def test_a_random_detector_behaves():
    """Random scores through the package's own masks reach the closed forms within four standard errors."""
    rng, frames, clips = np.random.default_rng(16), 100, 4000
    lengths = rng.integers(3, 60, clips)
    active = np.arange(frames) < lengths[:, None]
    scores = rng.random((clips, frames))
    ratio = metrics.active_ratio(active)
    for percentile in (10, 56, 90):
        kept = statistics.kept_frames(percentile, frames) / frames
        excess = metrics.iou(thresholds.percentile_mask(scores, percentile), active)
        excess = excess - statistics.random_iou(ratio, kept, frames)
        assert abs(excess.mean()) < 4 * excess.std() / np.sqrt(clips)
    hits = metrics.pointing_game(scores, active)
    assert abs((hits - ratio).mean()) < 4 * np.sqrt((ratio * (1 - ratio)).mean() / clips)


def test_random_iou_refuses_broken_frames():
    with pytest.raises(ValueError, match="active_ratio must be a whole number of 100 frames"):
        statistics.random_iou(0.123, 0.5, 100)
    with pytest.raises(ValueError, match="kept_ratio"):
        statistics.random_iou(0.5, 1.5, 100)


def test_examples_in_docstrings():
    assert doctest.testmod(statistics).failed == 0
    assert doctest.testmod(statistics).attempted > 0


def clustered(seed=0, seeds=(0, 1)):
    """Pairs of ten recordings, those of one alike; several in a clip, one without a value."""
    rng = np.random.default_rng(seed)
    of_source = rng.random(10)
    rows = [
        (number, f"c{k:02d}", ["Cat", "Dog"][source % 2], of_source[source] + 0.02 * rng.random(), f"r{source}")
        for number in seeds
        for k, source in enumerate(np.repeat(np.arange(10), 6))
    ]
    pairs = pd.DataFrame(rows, columns=["seed", "clip", "label", "iou", "source"])
    pairs.loc[3, "iou"] = np.nan
    return pairs.assign(f1=1 - pairs["iou"])


def test_recordings_are_drawn_whole():
    """Against loops over the same draws; each interval is wider than that of clips."""
    pairs = clustered(seeds=(0,))
    found = statistics.bootstrap(pairs, ["iou"], replicates=300, seed=5).set_index("label")
    stream = np.random.default_rng(np.random.SeedSequence(5, spawn_key=(2,)))
    sources = sorted(pairs["source"].unique())
    means = []
    for drawn in stream.integers(10, size=(300, 10)):
        values = pd.concat([pairs.loc[pairs["source"] == sources[k], "iou"] for k in drawn])
        means.append(values.mean())
    low, high = np.percentile(means, [2.5, 97.5])
    assert found.loc["all", ["low_sources", "high_sources"]].tolist() == pytest.approx([low, high])
    assert found.loc["all", "sources"] == 10
    assert found.loc["Cat", "sources"] == 5
    width = found["high"] - found["low"]
    assert (found["high_sources"] - found["low_sources"] > 1.5 * width).all()
    assert (found["low_wide"] == found["low_sources"]).all()


def test_without_recordings_the_wider_interval_is_that_of_clips():
    found = statistics.bootstrap(clustered().drop(columns="source"), ["iou"], replicates=100)
    assert found["low_sources"].isna().all()
    assert (found["sources"] == 0).all()
    pd.testing.assert_series_equal(found["high_wide"], found["high"], check_names=False)


def test_the_interval_of_clips_does_not_depend_on_recordings():
    columns = ["value", "low", "high", "std", "pairs", "undefined"]
    pairs = clustered()
    both = [
        statistics.bootstrap(table, replicates=100, metrics=["iou"]) for table in (pairs, pairs.drop(columns="source"))
    ]
    pd.testing.assert_frame_equal(both[0][columns], both[1][columns])


def test_thresholds_that_stay_change_nothing_and_others_do():
    pairs = clustered()
    same = {
        seed: statistics.Rethresholded(
            np.full(200, 50.0), {50.0: pairs.loc[pairs["seed"] == seed, ["iou"]].reset_index(drop=True)}
        )
        for seed in (0, 1)
    }
    settings = {"metrics": ["iou", "f1"], "replicates": 200, "seed": 1}
    plain, kept = statistics.bootstrap(pairs, **settings), statistics.bootstrap(pairs, **settings, rethresholded=same)
    pd.testing.assert_frame_equal(plain, kept)
    lower = {
        seed: statistics.Rethresholded(
            np.where(np.arange(200) % 2, 50.0, 60.0),
            dict(same[seed].metrics) | {60.0: same[seed].metrics[50.0] - 1},
        )
        for seed in (0, 1)
    }
    moved = statistics.bootstrap(pairs, **settings, rethresholded=lower)
    iou, f1 = (moved["metric"] == name for name in ("iou", "f1"))
    assert (moved.loc[iou, "low_sources"] < plain.loc[iou, "low_sources"] - 0.5).all()
    pd.testing.assert_frame_equal(moved[f1], plain[f1])
    pd.testing.assert_series_equal(moved["value"], plain["value"])


def test_detectable_difference_is_found_in_four_of_five_experiments():
    """Pairs whose difference is normal: the share of experiments in which a difference as large as the median
    `detectable` is significant."""
    rng = np.random.default_rng(8)
    sizes, hits = [], []
    for effect in (None, "detectable"):
        for _ in range(150):
            clips = [f"c{k}" for k in range(40)]
            base = pd.DataFrame({"seed": 0, "clip": clips, "label": "Dog", "iou": rng.random(40)})
            size = np.median(sizes) if effect else 0.0
            other = base.assign(iou=base["iou"] + size + 0.2 * rng.standard_normal(40))
            found = statistics.paired_difference(other, base, ["iou"], replicates=200).iloc[-1]
            if effect:
                hits.append(found["p"] < 0.05)
            else:
                sizes.append(found["detectable"])
    assert np.median(sizes) == pytest.approx(2.8 * 0.2 / np.sqrt(40), rel=0.1)
    assert 0.68 < np.mean(hits) < 0.9


@given(st.lists(st.one_of(st.floats(0, 1), st.just(float("nan"))), max_size=8))
def test_holm_by_its_steps(values):
    found = statistics.holm(values)
    known = sorted(v for v in values if not np.isnan(v))
    for value, corrected in zip(values, found, strict=True):
        if np.isnan(value):
            assert np.isnan(corrected)
        else:
            steps = [min(1, (len(known) - k) * v) for k, v in enumerate(known) if v <= value]
            first = [min(1, (len(known) - k) * v) for k, v in enumerate(known) if v < value]
            assert corrected >= max(first, default=0)
            assert corrected <= max(steps) + 1e-12
            assert corrected >= value


def test_ranks_share_their_mean_where_values_are_equal():
    tables = {
        name: pd.DataFrame({"seed": 0, "clip": ["a", "b"], "label": "Dog", "iou": value})
        for name, value in {"x": 0.5, "y": 0.5, "z": 0.9, "none": np.nan}.items()
    }
    found = statistics.ranking(tables, {"iou": True}, replicates=50).set_index(["metric", "detector"])["rank"]
    assert found.loc["iou"].fillna(-1).to_dict() == {"x": 2.5, "y": 2.5, "z": 1.0, "none": -1.0}
    falling = statistics.ranking(tables, {"iou": False}, replicates=50).set_index(["metric", "detector"])["rank"]
    assert falling.loc["iou"].fillna(-1).to_dict() == {"x": 1.5, "y": 1.5, "z": 3.0, "none": -1.0}
