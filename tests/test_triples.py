"""Regression triples: reference, estimate (events or scores) and expected values, a folder of `tests/data/metrics`.

`reference.tsv` and `estimate.tsv` are in DESED's format; `scores.tsv` has a row per pair with its scores, of which
frames above `percentile` are detected. `expected.json` holds `how` (where the numbers come from, never from igsed),
`clip_seconds`, `pairs` ("clip label" → metric → value), and perhaps `events` (label → metric → value) and `counted`
(metric → number of reference events). `scored_events` is like `events`, for metrics at every threshold: classes of a
clip without scores are not predicted, and a clip counts as `counted_seconds` long, so that false positives are rare.
Values are numbers or fractions; null is no value (NaN).
"""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from igsed import labels, metrics, thresholds
from igsed.timeline import FRAME

CASES = sorted((Path(__file__).parent / "data" / "metrics").iterdir())


def number(value):
    return np.nan if value is None else float(Fraction(value))


def expectation(case):
    return json.loads((case / "expected.json").read_text(encoding="utf-8"))


def table(path):
    found = pd.read_csv(path, sep="\t")
    return found.assign(clip=found["filename"].astype(str).str.removesuffix(".wav"))


@pytest.mark.parametrize("case", [c for c in CASES if expectation(c)["pairs"]], ids=lambda case: case.name)
def test_metrics_of_pairs(case):
    expected = expectation(case)
    pairs = pd.DataFrame([name.split() for name in expected["pairs"]], columns=["clip", "label"])
    count = round(expected["clip_seconds"] / FRAME)
    active = labels.of_pairs(table(case / "reference.tsv"), pairs, count)
    if (case / "scores.tsv").exists():
        given = table(case / "scores.tsv").set_index(["clip", "event_label"])["scores"]
        scores = np.array([np.array(given[tuple(pair)].split(), float) for pair in pairs.to_numpy()])
        predicted = thresholds.percentile_mask(scores, expected.get("percentile", 50))
    else:
        scores, predicted = np.zeros(active.shape), labels.of_pairs(table(case / "estimate.tsv"), pairs, count)
    for metric in metrics.built_in():
        wanted = [number(values.get(metric.name, "-99")) for values in expected["pairs"].values()]
        asked = np.not_equal(wanted, -99)
        if asked.any():
            found = metric.values(predicted, scores, active, pairs["clip"])
            np.testing.assert_allclose(found[asked], np.array(wanted)[asked], rtol=1e-12, err_msg=metric.name)


@pytest.mark.parametrize("case", [c for c in CASES if "events" in expectation(c)], ids=lambda case: case.name)
def test_metrics_of_events(case):
    expected = expectation(case)
    reference, estimated = (
        table(case / name).rename(columns={"event_label": "label"}) for name in ("reference.tsv", "estimate.tsv")
    )
    pairs = [name.split() for name in expected["pairs"]]
    durations = {clip: expected["clip_seconds"] for clip, _ in pairs}
    classes = sorted({label for _, label in pairs})
    found = pd.concat(
        function(reference, estimated, durations, classes)
        for function in dict.fromkeys(m.function for m in metrics.built_in() if m.needs == "events")
    ).set_index(["label", "metric"])
    for label, values in expected["events"].items():
        for metric, value in values.items():
            np.testing.assert_allclose(found.loc[(label, metric), "value"], number(value), err_msg=f"{label} {metric}")
    for metric, count in expected.get("counted", {}).items():
        assert found.loc[("all", metric), "n"] == count


@pytest.mark.parametrize("case", [c for c in CASES if "scored_events" in expectation(c)], ids=lambda case: case.name)
def test_metrics_of_scored_events(case):
    expected, reference = expectation(case), table(case / "reference.tsv").rename(columns={"event_label": "label"})
    classes = [label for label in expected["scored_events"] if label not in ("class_mean", "all")]
    durations = dict.fromkeys(reference["clip"], expected["counted_seconds"])
    scores = {clip: np.full((round(expected["clip_seconds"] / FRAME), len(classes)), -np.inf) for clip in durations}
    for row in table(case / "scores.tsv").itertuples():
        scores[row.clip][:, classes.index(row.event_label)] = np.array(row.scores.split(), float)
    found = pd.concat(
        function(scores, reference, durations, classes)
        for function in dict.fromkeys(m.function for m in metrics.built_in() if m.needs == "scored_events")
    ).set_index(["label", "metric"])
    for label, values in expected["scored_events"].items():
        for metric, value in values.items():
            np.testing.assert_allclose(
                found.loc[(label, metric), "value"], number(value), atol=1e-9, err_msg=f"{label} {metric}"
            )


def test_every_metric_has_a_case():
    asked = {
        metric
        for case in CASES
        for part in ("pairs", "events", "scored_events")
        for values in expectation(case).get(part, {}).values()
        for metric in values
    }
    assert asked == {metric.name for metric in metrics.built_in()}
    assert all(expectation(case)["how"] for case in CASES)
