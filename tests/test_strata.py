"""Strata against counting by hand; every pair in exactly one; what the bootstrap draws."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from igsed import conditions, statistics, strata

KEY = {"detector": "ig", "split": "test", "protocol": "own"}


def conditions_of(rows: int, seed: int = 0, sources: int = 6, backgrounds: int = 3) -> pd.DataFrame:
    """Conditions of `rows` pairs, two in a clip."""
    rng = np.random.default_rng(seed)
    clips = [f"test_{k // 2:05d}" for k in range(rows)]
    ratio = rng.integers(1, 100, rows) / 100
    return pd.DataFrame(
        {
            "clip": clips,
            "label": ["Cat", "Dog"] * (rows // 2) + ["Cat"] * (rows % 2),
            "snr": rng.uniform(-35, 70, rows).round(3),
            "active_seconds": (10 * ratio).round(6),
            "active_ratio": ratio,
            "events": rng.integers(1, 7, rows),
            "overlap": rng.integers(0, 5, rows) / 4,
            "background": [f"b{k % backgrounds}" for k in range(rows)],
            "source": [f"s{k}" for k in rng.integers(0, sources, rows)],
            "base": clips,
            "background_label": [f"class {k % backgrounds}" for k in range(rows)],
        }
    )[conditions.COLUMNS]


def pairs_of(told: pd.DataFrame, seeds=(0, 1), undefined: float = 0.2) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    tables = [told[["clip", "label", "active_ratio"]].assign(seed=seed, **KEY) for seed in seeds]
    pairs = pd.concat(tables, ignore_index=True)
    pairs["iou"] = rng.uniform(size=len(pairs))
    pairs["f1"] = np.where(rng.uniform(size=len(pairs)) < undefined, np.nan, rng.uniform(size=len(pairs)))
    # Not every seed predicts every pair.
    return pairs[rng.uniform(size=len(pairs)) < 0.8].reset_index(drop=True)


@pytest.mark.parametrize(
    ("condition", "value", "stratum"),
    [
        ("snr", -31.0, "below -30"),
        ("snr", -15.0, "-15 to -10"),
        ("snr", 14.999, "10 to 15"),
        ("snr", 15.0, "15 to 20"),
        ("snr", 60.0, "60 or more"),
        ("snr", math.nan, strata.UNKNOWN),
        ("active_seconds", 0.7, "below 0.8"),
        ("active_seconds", 0.8, "0.8 to 1.7"),
        ("active_seconds", 1.7, "1.7 to 3"),
        ("active_seconds", 3.0, "3 or more"),
        ("active_ratio", 0.09, "below 0.1"),
        ("active_ratio", 10 / 100, "0.1 to 0.2"),
        ("active_ratio", 14 / 70, "0.2 to 0.4"),
        ("active_ratio", 1.0, "0.4 or more"),
        ("events", 1, "1"),
        ("events", 3, "3"),
        ("events", 9, "more"),
        ("overlap", 0.0, "none"),
        ("overlap", 0.001, "up to half"),
        ("overlap", 0.5, "up to half"),
        ("overlap", 0.51, "more"),
        ("overlap", math.nan, strata.UNKNOWN),
        ("background", "rain", "rain"),
        ("background", "", strata.UNKNOWN),
    ],
)
def test_edges_belong_where_they_should(condition, value, stratum):
    told = conditions_of(1).assign(**{condition: value})
    assert strata.assigned(told)[condition].tolist() == [stratum]


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 60), st.integers(1, 20), st.booleans())
def test_every_pair_is_counted_once_in_every_condition(rows, backgrounds, real):
    told = conditions_of(rows, backgrounds=backgrounds)
    if real:
        told = told.assign(snr=np.nan, background="", background_label="")
    pairs = pairs_of(told)
    if pairs.empty:
        return
    table = strata.table(pairs, told, ["iou", "f1"], replicates=5)
    assert list(table.columns) == strata.COLUMNS
    whole = table.groupby(["condition", "metric"])[["pairs", "undefined"]].sum()
    assert set(whole.index.get_level_values(0)) == set(strata.CONDITIONS)
    assert (whole.sum(axis=1) == len(pairs)).all()
    assert (whole.xs("f1", level="metric")["undefined"] == pairs["f1"].isna().sum()).all()
    assert not table.duplicated(["condition", "stratum", "metric"]).any()
    few = table[table["condition"] == "background"]["stratum"].nunique()
    assert few <= strata.MOST


def test_values_and_counts_are_what_counting_by_hand_gives():
    told = conditions_of(50)
    pairs = pairs_of(told)
    table = strata.table(pairs, told, ["iou", "f1"], replicates=5)
    joined = pairs.merge(told.drop(columns="active_ratio"), on=["clip", "label"])
    for row in table[table["condition"] == "active_seconds"].itertuples():
        low = -math.inf if math.isnan(row.low_edge) else row.low_edge
        high = math.inf if math.isnan(row.high_edge) else row.high_edge
        here = joined[(joined["active_seconds"] >= low) & (joined["active_seconds"] < high)]
        entered = here[here[row.metric].notna()]
        assert row.value == pytest.approx(entered.groupby("seed")[row.metric].mean().mean())
        assert (row.pairs, row.clips) == (len(entered), entered["clip"].nunique())
        assert (row.sources, row.undefined) == (entered["source"].nunique(), len(here) - len(entered))


def test_order_is_from_low_to_high_and_edges_are_open_where_they_are():
    told = conditions_of(200)
    table = strata.table(pairs_of(told), told, ["iou"], replicates=5)
    for condition in ("snr", "active_seconds", "active_ratio", "events", "overlap"):
        rows = table[(table["condition"] == condition) & (table["metric"] == "iou")]
        assert rows["high_edge"].dropna().is_monotonic_increasing
        assert rows["high_edge"].iloc[:-1].tolist() == rows["low_edge"].iloc[1:].tolist()
    assert table[table["condition"] == "background"][["low_edge", "high_edge"]].isna().all(axis=None)


def test_a_stratum_of_one_value_is_called_by_it():
    told = conditions_of(6).assign(snr=[-15.0, -15.0, 5.0, 5.5, np.nan, 25.0], active_ratio=0.2, overlap=0.5, events=3)
    titles = strata.titles(told).set_index(["condition", "stratum"])["title"]
    expected = {"-15 to -10": "-15", "5 to 10": "5 to 10", "25 to 30": "25", strata.UNKNOWN: strata.UNKNOWN}
    assert titles["snr"].to_dict() == expected
    assert titles["active_ratio"].to_dict() == {"0.2 to 0.4": "0.2"}
    assert titles["overlap"].to_dict() == {"up to half": "up to half"}
    assert titles["events"].to_dict() == {"3": "3"}
    table = strata.table(pairs_of(told), told, ["iou"], replicates=5)
    assert set(table.loc[table["condition"] == "snr", "title"]) <= {*expected.values()}


def test_a_background_is_called_by_its_class_where_that_is_its_alone():
    told = conditions_of(8, backgrounds=4)
    told["background_label"] = told["background"].map({"b0": "office", "b1": "", "b2": "wind", "b3": "wind"})
    titles = strata.titles(told).query("condition == 'background'").set_index("stratum")["title"]
    assert titles.to_dict() == {"b0": "office", "b1": "b1", "b2": "b2", "b3": "b3"}
    homonyms = strata.titles(told.assign(background="b", background_label=["office", "wind"] * 4))
    assert homonyms.query("condition == 'background'")["title"].tolist() == ["b"]
    unknown = strata.titles(told.assign(background="", background_label=""))
    assert unknown.query("condition == 'background'")["title"].tolist() == [strata.UNKNOWN]


def test_the_bootstrap_draws_recordings():
    """Of one recording heard in many clips nothing is known but one value: the interval is a point."""
    told = conditions_of(40).assign(source="s", snr=17.0)
    table = strata.table(pairs_of(told, seeds=(0,)), told, ["iou"], replicates=50)
    row = table[(table["condition"] == "snr") & (table["metric"] == "iou")].iloc[0]
    assert row["low"] == pytest.approx(row["value"])
    assert row["high"] == pytest.approx(row["value"])
    # Of two with opposite values the interval is the whole range, however many clips there are.
    told["source"] = np.where(np.arange(40) % 2, "a", "b")
    pairs = told[["clip", "label", "active_ratio"]].assign(seed=0, iou=(np.arange(40) % 2).astype(float), **KEY)
    row = strata.table(pairs, told, ["iou"], replicates=200).query("condition == 'snr' and metric == 'iou'").iloc[0]
    assert (row["low"], row["high"], row["sources"]) == (0, 1, 2)


def test_variants_of_a_base_are_drawn_together():
    told = conditions_of(4)
    told["clip"] = ["v0", "v1", "v2", "v3"]
    told = told.assign(base="v0", label="Dog", events=[1, 2, 3, 1], source=["a", "a", "b", "a"])
    assert strata.assigned(told)["unit"].tolist() == ["b"] * 4
    told["base"] = ["v0", "v1", "v2", "v3"]
    assert strata.assigned(told)["unit"].tolist() == ["a", "a", "b", "a"]


def test_more_backgrounds_than_a_dozen_are_one_stratum_and_said_so(caplog):
    told = conditions_of(26, backgrounds=13)
    assert set(strata.assigned(told)["background"]) == {strata.MANY}
    strata.tell_left_out(told, "test")
    assert "background has 13 values" in caplog.text
    caplog.clear()
    strata.tell_left_out(conditions_of(26, backgrounds=12), "test")
    assert not caplog.text


def test_pairs_without_conditions_and_mixed_tables_are_refused():
    told = conditions_of(6)
    pairs = pairs_of(told)
    with pytest.raises(ValueError, match="no conditions"):
        strata.table(pairs, told[told["clip"] != pairs["clip"].iloc[0]], ["iou"])
    with pytest.raises(ValueError, match="2 detectors"):
        strata.table(pd.concat([pairs, pairs.assign(detector="cam")]), told, ["iou"])
    assert strata.table(pairs[:0], told, ["iou"]).empty


def test_units_of_one_pair_each_give_the_intervals_of_clips():
    rng = np.random.default_rng(0)
    pairs = pd.DataFrame(
        {"seed": 0, "clip": [f"c{k:02d}" for k in range(30)], "label": "Dog", "iou": rng.uniform(size=30)}
    )
    by_clip = statistics.bootstrap(pairs, ["iou"], replicates=200)
    by_unit = statistics.bootstrap(pairs.assign(unit=pairs["clip"]), ["iou"], replicates=200, unit="unit")
    pd.testing.assert_frame_equal(by_clip, by_unit)
