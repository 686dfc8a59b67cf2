"""Metrics and threshold rules of one's own, in a folder outside the package: from their names to the tables."""

import numpy as np
import pandas as pd
import pydantic
import pytest

from igsed import evaluation, labels, metrics
from igsed.clips import Split
from igsed.config.evaluation import Evaluation
from igsed.errors import InputError
from igsed.report import figures, tables, typesetting
from igsed.scores import FrameScores

MODULE = """
import pandas as pd

from igsed.metrics import Metric
from igsed.thresholds import Rule

HITS = Metric(
    name="hits",
    title="Share of hits",
    needs="mask",
    function=lambda predicted, active: (predicted & active).mean(-1),
    definition="H / number of frames",
)
PEAK = Metric(name="peak", title="Peak", needs="scores", function=lambda s, a: s.max(-1), range=(0, 10), column=False)
WRONG = Metric(name="wrong", title="Wrong", needs="scores", function=lambda scores, active: scores.max(-1) + 1)
SHAPE = Metric(name="shape", title="Shape", needs="scores", function=lambda scores, active: scores)


def count(reference, estimated, durations, labels, collar):
    rows = [(label, "found", (estimated["label"] == label).sum() + collar, 1) for label in labels]
    return pd.DataFrame([*rows, ("all", "found", float(len(estimated)), 1)], columns=["label", "metric", "value", "n"])


FOUND = Metric(
    name="found", title="Found", needs="events", function=count, range=(0, 1e9), arguments={"collar": "collar"}
)
MEAN = Rule(name="mean", title="Above the mean", function=lambda scores: scores > scores.mean(-1, keepdims=True))
SHARE = Rule(
    name="share",
    title="Share of the maximum",
    function=lambda scores, share: scores > share * scores.max(-1, keepdims=True),
    parameter="share",
    swept=lambda evaluation: (0.25, 0.5, 0.75),
    protocols={"share_own": False, "share_common": True},
)
CLASH = Metric(name="iou", title="Another", needs="mask", function=lambda predicted, active: active.mean(-1))
"""
CLIPS = [f"c{k}" for k in range(12)]
OWN = ["own_judges:HITS", "own_judges:PEAK", "own_judges:FOUND"]
RULES = ["percentile", "own_judges:MEAN", "own_judges:SHARE"]


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    (tmp_path / "own_judges.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)


def settings(**changes):
    names = [metric.name for metric in metrics.built_in()]
    return Evaluation(**{"metrics": [*names, *OWN], "thresholds": RULES, "also": ["present"]} | changes)


@pytest.fixture
def given():
    """Scores of a detector in [0, 1), its predictions, and events of two classes in every clip."""
    rng = np.random.default_rng(4)
    pairs = pd.DataFrame([(clip, label) for clip in CLIPS for label in ("Cat", "Dog")], columns=["clip", "label"])
    predictions = pairs.assign(probability=0.9, predicted=(np.arange(24) % 5 > 0).astype(int), present=1)
    events = pairs.rename(columns={"label": "event_label"})
    events["onset"] = rng.integers(0, 50, 24) / 10
    events["offset"] = events["onset"] + rng.integers(5, 50, 24) / 10
    scores = FrameScores(pairs, rng.random((24, 100)))
    return scores, predictions, Split(events, dict.fromkeys(CLIPS, 10.0), {"test": CLIPS})


def judged(given, section, detector="mine", other=None):
    """Sweep and judgement of a detector as the workflow makes them; the sweep of the scores `other` is shared."""
    scores, predictions, split = given
    own = evaluation.sweep(
        scores, predictions, split.events, section.swept(logits=False), section.choices, section.select, 0
    )
    shared = evaluation.sweep(
        other or scores, predictions, split.events, section.swept(logits=False), section.choices, section.select, 0
    )
    judging = evaluation.Judging(
        ["Cat", "Dog"],
        {name: tuple(protocol) for name, protocol in section.protocols.items()},
        section.metrics,
        section.select,
        section.arguments,
    )
    sweeps = evaluation.Sweeps(own, shared)
    return sweeps, *evaluation.judge(scores, predictions, split, sweeps, judging, detector, 0)


def test_masks_of_own_rules_reach_the_pairs(given):
    section = settings()
    truth = labels.of_pairs(given[2].events, given[0].pairs, 100)
    sweeps, pairs, _ = judged(given, section, other=FrameScores(given[0].pairs, np.where(truth, 1.0, 0.6)))
    main = ["own", "shared", "mean", "share_own", "share_common"]
    assert list(pairs["protocol"].unique()) == [*main, *(f"{name}_present" for name in main)]
    assert section.main_protocols == main
    values = dict(zip(map(tuple, given[0].pairs.to_numpy()), given[0].values, strict=True))
    active = {
        (e.clip, e.event_label): (np.arange(100) >= round(e.onset * 10)) & (np.arange(100) < round(e.offset * 10))
        for e in given[2].events.itertuples()
    }
    for row in pairs[pairs["protocol"].isin(["mean", "share_own", "share_common"])].itertuples():
        scores, real = values[row.clip, row.label], active[row.clip, row.label]
        limit = scores.mean() if np.isnan(row.share) else row.share * scores.max()
        assert row.iou == pytest.approx(((scores > limit) & real).sum() / ((scores > limit) | real).sum())
        assert row.hits == pytest.approx(((scores > limit) & real).sum() / 100)
        assert row.peak == scores.max()
        assert np.isnan(row.percentile)
        assert np.isnan(row.share) == (row.protocol == "mean")
    chosen = pairs.groupby("protocol")["share"].first()
    for protocol, sweep in (("share_own", sweeps.own), ("share_common", sweeps.shared)):
        rows = sweep[(sweep["pairs"] == "predicted_present") & sweep["share"].notna()]
        assert rows["share"].tolist() == [0.25, 0.5, 0.75]
        assert chosen[protocol] == rows["share"].iloc[rows["iou"].argmax()]
    assert (chosen["share_own"], chosen["share_common"]) == (0.25, 0.75)


def test_own_components_reach_every_table(given):
    section = settings()
    made = [judged(given, section, "mine"), judged(given, section, "ig")]
    pairs, detections = pd.concat([made[0][1], made[1][1]]), pd.concat([made[0][2], made[1][2]])
    names = metrics.of_pairs(section.chosen_metrics)
    assert names == [*metrics.of_pairs(), "hits", "peak"]
    tidy = evaluation.tidy(pairs, detections, names, section.parameters)
    here = tidy[(tidy["detector"] == "mine") & (tidy["label"] == "all")].set_index(["protocol", "metric"])["value"]
    hits = pairs[(pairs["detector"] == "mine") & (pairs["protocol"] == "mean")]["hits"].mean()
    assert here["mean", "hits"] == hits > 0
    assert here["share_own", "share"] in (0.25, 0.5, 0.75)
    assert here["mean", "found"] == len(
        evaluation.detected_events(given[0], given[1], section.rules["own_judges:MEAN"].mask)
    )
    assert ("mean", "percentile") not in here.index
    assert ("own", "share") not in here.index
    assert ("mean", "event_f1") in here.index

    split = given[2]
    judging = evaluation.Judging(["Cat", "Dog"], section.protocols, section.metrics, section.select, section.arguments)
    resampling = evaluation.Resampling(100, 0.95, 0, 0)
    swept = section.swept(logits=False)
    curves = evaluation.by_clip(given[0], given[1], split, swept, section.choices, section.select)
    intervals = pd.concat(
        evaluation.intervals(
            pairs[pairs["detector"] == name], {0: given[0]}, split, {0: (curves, curves)}, swept, judging, resampling
        )
        for name in ("ig", "mine")
    )
    mine, ig = (pairs[pairs["detector"] == name] for name in ("mine", "ig"))
    choices = {protocol: pairs for protocol, (_, _, pairs) in section.protocols.items()}
    differences = evaluation.differences(
        mine, ig, {"test": CLIPS}, choices, judging.of_pairs, ["Cat", "Dog"], resampling
    )
    assert {"hits", "peak"} <= set(intervals["metric"])
    assert {"hits", "peak"} <= set(differences["metric"])
    found = intervals.set_index(["detector", "protocol", "label", "metric"]).loc["mine", "mean", "all", "hits"]
    assert found["value"] == pytest.approx(hits)

    table = tables.detection(intervals, tidy, ["ig", "mine"], section.chosen_metrics, section.main_protocols)
    fixed = tables.detection(intervals, tidy, ["ig", "mine"])
    bounds = ("", "_low", "_high", "_low_wide", "_high_wide")
    columns = {name: [f"{name}{bound}" for bound in bounds] for name in ("class_auc", "hits")}
    further = [*columns["class_auc"], "psds1", "psds2", *columns["hits"], "found"]
    assert list(table.columns) == [*fixed.columns, *further]
    row = table[(table["detector"] == "mine") & (table["protocol"] == "mean")].iloc[0]
    assert row["hits"] == pytest.approx(hits)
    assert row["hits_low"] <= row["hits"] <= row["hits_high"]
    assert row["found"] == here["mean", "found"]
    assert list(table["protocol"].unique())[:5] == section.main_protocols
    text = typesetting.markdown(table, chosen=section.chosen_metrics, rules=list(section.rules.values()))
    assert "Share of hits: H / number of frames." in text
    assert "Protocol mean: Above the mean." in text
    assert "| Share of hits | Found |" in text
    assert "Peak" not in text
    assert r"Share of hits & Found \\" in typesetting.latex(table, chosen=section.chosen_metrics)

    classes = tables.per_class(intervals, ["ig", "mine"], section.main_protocols)
    assert "mean" in set(classes["protocol"])
    assert figures.per_class(classes[classes["protocol"].isin(section.main_protocols)]).axes


def test_figure_3_has_a_row_for_each_parameter(given):
    section = settings(also=[])
    sweep = judged(given, section)[0].own.assign(detector="mine")
    figure = figures.thresholds(sweep, rules=list(section.rules.values()))
    labels = [ax.get_xlabel() for ax in figure.axes]
    assert labels == ["Threshold: percentile"] * 2 + ["Threshold: share of the maximum"] * 2
    lines = [line for line in figure.axes[2].lines if len(line.get_xdata()) == 3]
    np.testing.assert_allclose(lines[0].get_ydata(), sweep.loc[sweep["share"].notna(), "iou"])
    only = settings(thresholds=["own_judges:MEAN"], also=[])
    swept = judged(given, only)[0].own.assign(detector="mine")
    assert list(swept.columns) == ["seed", "iou", "f1", "n", "pairs", "detector"]
    assert not figures.thresholds(swept, rules=list(only.rules.values())).axes


def test_a_rule_without_a_parameter_alone(given):
    section = settings(thresholds=["own_judges:MEAN"], also=[], metrics=["iou", "f1", "own_judges:HITS"])
    _, pairs, detections = judged(given, section)
    assert list(pairs.columns[-4:]) == ["detector", "seed", "split", "protocol"]
    assert len(detections) == 0
    table = evaluation.tidy(pairs, detections, ["iou", "hits"], section.parameters)
    assert set(table["metric"]) == {"iou", "hits", "active_ratio"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metrics": ["iou", "iuo"]}, r"metrics: metric 'iuo' is unknown"),
        ({"metrics": ["iou", "own_judges:NONE"]}, r"metrics: metric 'own_judges:NONE': .*no attribute"),
        ({"metrics": ["iou", "own_judges:MEAN"]}, r"is a Rule, no igsed\.metrics"),
        ({"metrics": ["iou", "own_judges:CLASH"]}, r"metrics: the name 'iou' is used twice"),
        ({"thresholds": ["own_judges:MEAN", "own_judges:MEAN"]}, r"thresholds: the name 'mean' is used twice"),
        ({"thresholds": ["percentil"]}, r"thresholds: threshold rule 'percentil' is unknown.*percentile"),
        ({"metrics": ["f1"]}, r"select: 'iou' is no metric of masks in metrics; use one of f1"),
        (
            {"metrics": ["precision"], "select": "precision"},
            r"metrics: tables and figures show iou and f1; add iou, f1",
        ),
        ({"metrics": ["iou", "own_judges:HITS"]}, r"metrics: tables and figures show iou and f1; add f1"),
        ({"select": "pointing_game"}, r"select: 'pointing_game' is no metric of masks"),
    ],
)
def test_names_that_cannot_be_used_are_refused(changes, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        settings(**changes)


@pytest.mark.parametrize(
    ("name", "message"), [("WRONG", r"metric wrong: 1\.\d+ lies outside its range, 0 to 1"), ("SHAPE", "not one each")]
)
def test_a_metric_that_breaks_its_word_is_named(given, name, message):
    section = settings(metrics=["iou", "f1", f"own_judges:{name}"], also=[])
    with pytest.raises(InputError, match=message):
        judged(given, section)


def test_own_metric_of_masks_chooses_the_threshold(given):
    section = settings(select="own_judges:HITS", also=[], thresholds=["percentile"])
    sweeps, pairs, _ = judged(given, section)
    assert list(sweeps.own.columns) == ["seed", "percentile", "iou", "f1", "hits", "n", "pairs"]
    best = sweeps.own["percentile"].iloc[sweeps.own["hits"].argmax()]
    assert pairs["percentile"].iloc[0] == best == 1
