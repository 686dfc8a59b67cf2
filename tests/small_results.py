"""Made-up results of a small experiment, as far as the page of results reads them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from igsed import audio, events, labels, scores, timeline
from igsed.evaluation import pair_metrics
from igsed.metrics import METRICS
from igsed.report import figures, page
from igsed.thresholds import RULES

DETECTORS = ("ig", "cam", "energy", "oracle")
LABELS = ("Dog", "Speech")
PROTOCOLS = {
    "own": ("percentile", False, "predicted_present"),
    "peak": ("peak", False, "predicted_present"),
    "otsu": ("otsu", False, "predicted_present"),
}
METRIC_NAMES = ("iou", "f1", "pointing_game", "average_precision", "psds1")
PARAMETERS = {"own": 60.0, "peak": 0.4}
RATE, FRAMES = 32000, 23


@dataclass(frozen=True)
class Small:
    """The page's inputs, and what they were made from: scores and active frames of (detector, clip, label)."""

    results: page.Results
    settings: page.Settings
    curves: dict[tuple[str, str, str], np.ndarray]
    active: dict[tuple[str, str], np.ndarray]


def make(folder: Path, clip_names=("a", "b", "c"), names=DETECTORS, of_labels=LABELS, **section) -> Small:
    """Results in a folder; `section` are keys of the section `page` of the configuration."""
    draw = np.random.default_rng(7)
    duration = FRAMES * timeline.FRAME
    table = pd.DataFrame(
        {"clip": clip_names, "path": [str(folder / f"{k}.flac") for k in range(len(clip_names))], "duration": duration}
    )
    for path in table["path"]:
        audio.write_flac(path, 0.1 * draw.normal(size=round(duration * RATE)).clip(-3, 3), RATE)
    table.to_csv(folder / "clips.csv", index=False)
    rows = []
    for k, clip in enumerate(clip_names[:-1]):
        rows += [(f"{clip}.flac", 0.33 + 0.2 * k, 0.92 + 0.2 * k, label) for label in of_labels[: k + 1]]
        rows.append((f"{clip}.flac", 1.5, 2.0, of_labels[0]))
    known = pd.DataFrame(rows, columns=events.COLUMNS)
    events.write(folder / "events.tsv", known, [f"{clip}.flac" for clip in clip_names])
    known = known.assign(clip=known["filename"].str.removesuffix(".flac"))
    pairs = known[["clip", "event_label"]].drop_duplicates().set_axis(["clip", "label"], axis=1)
    truth = labels.of_pairs(known, pairs, FRAMES)
    curves, judged = {}, {}
    for name in names:
        values = _scores(draw, truth, name == names[-1])
        with scores.Writer(folder / f"{names.index(name)}.parquet") as writer:
            for clip, group in pairs.reset_index(drop=True).groupby("clip", sort=False):
                writer.add(clip, list(group["label"]), values[group.index])
        keys = [(name, *pair) for pair in pairs.itertuples(index=False)]
        curves |= dict(zip(keys, values, strict=True))
        judged[name] = folder / f"{names.index(name)}_pairs.parquet"
        _judged(pairs, values, truth, name).to_parquet(judged[name])
    source = page.Source(
        "test",
        judged,
        {name: folder / f"{k}.parquet" for k, name in enumerate(names)},
        folder / "clips.csv",
        folder / "events.tsv",
    )
    drawn = folder / "figure.svg"
    figure = Figure(figsize=(3, 2))
    figure.subplots().plot([0, 1], [0, 1], label="line")
    figure.text(0.1, 0.5, "<script>window.hacked = 1</script>")
    figures.save(figure, drawn)
    intervals, metrics, differences, pairwise = _numbers(draw, names, of_labels)
    detection = pd.DataFrame({"detector": names, "protocol": "own", "neutral": [0, *[1] * (len(names) - 1)]})
    data = pd.DataFrame({"split": ["test"], "kind": ["foreground"], "label": [of_labels[0]], "seconds": [1.25]})
    results = page.Results(
        intervals,
        metrics,
        differences,
        pairwise,
        detection,
        data,
        {"headline": drawn, "headline_column": drawn, "thresholds": drawn},
        [source],
        caveats=["Cat is <b>narrow</b>."],
        downloads=["metrics.csv", "tables/detection.csv"],
    )
    settings = page.Settings(
        experiment="small",
        labels=of_labels,
        detectors=names,
        drawn=names,
        controls=[names[2]],
        explanations=names[:2],
        truth=[names[3]],
        reference=names[0],
        protocols=PROTOCOLS,
        metrics=METRIC_NAMES,
        seed=0,
        passes={names[0]: (1.0, 16.0)},
        facts={"Experiment": "small"},
        software="The igsed developers: igsed.",
        **section,
    )
    active = {tuple(pair): mask for pair, mask in zip(pairs.itertuples(index=False), truth, strict=True)}
    return Small(results, settings, curves, active)


def _scores(draw, truth, exact: bool) -> np.ndarray:
    """Scores (pair, frame) with much that is awkward: ties, a constant curve, very large and very small numbers."""
    if exact:
        return truth.astype(float)
    values = draw.normal(size=truth.shape) + truth
    values[0] = np.round(values[0], 1)
    values[1] *= 1e-300
    values[-1] = draw.integers(0, 3, truth.shape[1]) * 1e300
    if len(values) > 3:
        values[2] = 0.1
    return values


def _judged(pairs, values, truth, name) -> pd.DataFrame:
    chosen = [METRICS.find(metric) for metric in METRIC_NAMES if METRICS.find(metric).of_pairs]
    tables = []
    for protocol, (rule_name, *_) in PROTOCOLS.items():
        rule = RULES.find(rule_name)
        mask = rule.mask(values, PARAMETERS.get(protocol))
        numbers = pair_metrics(values, mask, truth, pairs["clip"], chosen)
        key = {"detector": name, "seed": 0, "split": "test", "protocol": protocol}
        key |= {rule.parameter: PARAMETERS[protocol]} if rule.parameter else {}
        tables.append(pairs.reset_index(drop=True).join(numbers).assign(**key))
    return pd.concat(tables, ignore_index=True)


def _numbers(draw, names, of_labels) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    keys = [
        (detector, "test", protocol, label, metric)
        for protocol in PROTOCOLS
        for label in ("all", "class_mean", *of_labels)
        for metric in METRIC_NAMES
        for detector in names
    ]
    columns = ["detector", "split", "protocol", "label", "metric"]
    intervals = pd.DataFrame(keys, columns=columns).assign(pairs=6, clips=2)
    metrics = pd.concat([intervals[columns].assign(seed=seed, n=3) for seed in (0, 1)], ignore_index=True)
    metrics["value"] = draw.uniform(0.2, 0.8, len(metrics)).round(6)
    means = metrics.groupby(columns, sort=False)["value"].mean()
    intervals["value"] = means.reindex(pd.MultiIndex.from_frame(intervals[columns])).to_numpy()
    intervals = intervals[intervals["metric"] != "psds1"]
    for side, by in (("low", -0.05), ("high", 0.05)):
        intervals = intervals.assign(**{side: intervals["value"] + by, f"{side}_wide": intervals["value"] + 2 * by})
    differences = intervals[intervals["detector"] != names[0]].assign(minus=names[0], value=0.125, p=0.01, p_holm=0.03)
    few = intervals[intervals["metric"].isin(["average_precision", "iou"])].drop(columns=["low", "high"])
    pairwise = pd.concat(
        [few[few["detector"] != minus].assign(minus=minus, value=-0.25, p_holm=0.02) for minus in names]
    )
    ratio = metrics[metrics["metric"] == "iou"].assign(metric="active_ratio", value=0.2)
    chosen = metrics[(metrics["metric"] == "iou") & metrics["protocol"].isin(PARAMETERS)]
    chosen = chosen.assign(
        metric=chosen["protocol"].map({"own": "percentile", "peak": "share"}),
        value=chosen["protocol"].map(PARAMETERS),
    )
    return intervals, pd.concat([metrics, ratio, chosen], ignore_index=True), differences, pairwise
