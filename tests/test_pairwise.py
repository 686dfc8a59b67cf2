"""Every detector against every other one: the same as comparing two by two."""

import itertools

import numpy as np
import pandas as pd
import pytest

from igsed import evaluation, pairwise, statistics
from igsed.metrics import METRICS

CLASSES = ["Cat", "Dog", "Speech"]
CHOICES = {"own": "present", "peak": "present", "own_predicted": "predicted_present"}
CHOSEN = [METRICS.find(name) for name in ("iou", "average_precision", "onset_bias", "class_auc")]
RESAMPLING = evaluation.Resampling(60, 0.9, 3, 3)
_KEY = ["split", "protocol", "label", "metric"]


def judged(draw, detector, clips=12, sources=True):
    """Pairs of two seeds under three protocols, of which the first two share what sees no mask.

    Of `class_auc` the same pairs have no value for any detector.
    """
    pairs = [(seed, f"c{k:02d}", CLASSES[k * j % 3]) for seed in (0, 1) for k in range(clips) for j in (1, 2)]
    table = pd.DataFrame(pairs, columns=["seed", "clip", "label"]).drop_duplicates(ignore_index=True)
    table = table.assign(split="test", detector=detector)
    if sources:
        table["source"] = "r" + (table["clip"].str[1:].astype(int) % 5).astype(str) + table["label"]
    tables = []
    for choice in dict.fromkeys(CHOICES.values()):
        rows = table[table["clip"] != "c00"] if choice == "predicted_present" else table
        common = rows.assign(**{metric.name: draw.random(len(rows)).round(1) for metric in CHOSEN})
        common.loc[common["clip"].isin(["c01", "c02"]), "class_auc"] = np.nan
        for protocol in (name for name, of in CHOICES.items() if of == choice):
            tables.append(common.assign(protocol=protocol, iou=draw.random(len(rows)).round(1)))
    return pd.concat(tables, ignore_index=True)


def all_of(tables, clips=12):
    subsets = {"test": [f"c{k:02d}" for k in range(clips)]}
    settings = subsets, CHOICES, CHOSEN, CLASSES, RESAMPLING
    drawn = {name: pairwise.draw(table, *settings) for name, table in tables.items()}
    return pairwise.table(drawn, RESAMPLING.confidence), settings


@pytest.mark.parametrize("sources", [False, True])
def test_all_pairs_are_what_two_by_two_gives(sources):
    """Values of one decimal: many differences are 0 but for their rounding."""
    draw = np.random.default_rng(5)
    tables = {name: judged(draw, name, sources=sources) for name in ("ig", "cam", "energy")}
    found, settings = all_of(tables)
    assert len(found) == 6 * 3 * 5 * 3
    for minus, reference in tables.items():
        others = [evaluation.differences(t, reference, *settings) for name, t in tables.items() if name != minus]
        expected = evaluation.corrected(others, RESAMPLING.confidence)
        expected = expected[expected["metric"] != "onset_bias"].set_index(["detector", *_KEY])
        here = found[found["minus"] == minus].set_index(["detector", *_KEY])
        assert set(here.index) == set(expected.index)
        expected = expected.reindex(here.index)[list(here.columns)]
        pd.testing.assert_frame_equal(here, expected, check_exact=False, atol=1e-11, rtol=0, check_dtype=False)


def test_the_other_way_round_the_sign_changes():
    draw = np.random.default_rng(0)
    found, _ = all_of({name: judged(draw, name) for name in ("ig", "cam", "energy")})
    found = found.set_index(["detector", "minus", *_KEY]).sort_index()
    for one, other in itertools.permutations(("ig", "cam", "energy"), 2):
        forth, back = found.loc[one, other], found.loc[other, one]
        np.testing.assert_allclose(forth["value"], -back["value"])
        np.testing.assert_allclose(forth[["low_wide", "high_wide"]], -back[["high_wide", "low_wide"]])
        np.testing.assert_array_equal(forth["p"], back["p"])


def test_detectors_with_the_same_numbers_do_not_differ():
    table = judged(np.random.default_rng(1), "ig")
    found, _ = all_of({"ig": table, "same": table.sample(frac=1, random_state=0).assign(detector="same")})
    assert (found[["value", "low_wide", "high_wide"]] == 0).all(axis=None)
    assert (found[["p", "p_sources", "p_holm"]] == 1).all(axis=None)


def test_means_of_other_pairs_are_not_compared():
    """A detector without a value of one pair has no comparison by that metric, and keeps those by others."""
    draw = np.random.default_rng(2)
    one, other = judged(draw, "ig"), judged(draw, "cam")
    other.loc[(other["protocol"] == "peak") & (other["clip"] == "c05"), "iou"] = np.nan
    found, _ = all_of({"ig": one, "cam": other})
    by = found.groupby(["protocol", "metric"]).size()
    assert ("peak", "iou") not in by
    assert (by[("own", "iou")], by[("peak", "average_precision")]) == (10, 10)


@pytest.mark.parametrize("names", [["iou"], ["average_precision"], ["onset_bias"]])
def test_any_choice_of_metrics_will_do(names):
    draw, chosen = np.random.default_rng(3), list(map(METRICS.find, names))
    settings = {"test": [f"c{k:02d}" for k in range(12)]}, CHOICES, chosen, CLASSES, RESAMPLING
    drawn = {name: pairwise.draw(judged(draw, name), *settings) for name in ("ig", "cam")}
    found = pairwise.table(drawn, 0.9)
    assert list(found.columns) == pairwise.COLUMNS
    assert set(found["metric"]) == {name for name in names if name != "onset_bias"}


def test_one_detector_has_nobody_to_be_compared_with():
    found, _ = all_of({"ig": judged(np.random.default_rng(4), "ig")})
    assert found.empty
    assert list(found.columns) == pairwise.COLUMNS


def test_what_is_drawn_of_a_table_that_is_none_is_refused():
    with pytest.raises(ValueError, match="lacks the columns"):
        statistics.draws(pd.DataFrame({"seed": [0], "clip": ["c"], "label": ["Cat"]}), ["iou"], CLASSES, ["c"])
