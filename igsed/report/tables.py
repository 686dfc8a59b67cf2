"""The paper's three tables from the evaluation's results, the paper's numbers beside ours, and further ones.

Conventions
-----------
Data frames become data frames of plain numbers; `csv` writes them for machines, `igsed.report.typesetting` and
`igsed.report.html_tables` for people. Rates lie in 0…1. What is undefined or missing is NaN, an empty cell in CSV; it
is never 0. Classes stand in the paper's order, others after them by name; detectors in the order asked for, else in
the paper's.

Source: Tables I-III of arXiv:2605.23293 (`igsed.report.paper`). The others are not in the paper.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from igsed import LABELS, thresholds
from igsed.metrics import Metric
from igsed.metrics import ranking as ranked_by
from igsed.names import ordered
from igsed.report import paper

FOREIGN = 2.0
"""How many times a baseline's logit, or its embedding's norm, may be as large as the clip's, for a background."""

_DETECTION_COLUMNS = [
    *("detector", "protocol", "iou", "iou_low", "iou_high", "iou_std", "f1", "f1_low", "f1_high"),
    *("pointing_game", "pg_low", "pg_high", "paper_iou", "paper_f1", "paper_pointing_game"),
    *("average_precision", "average_precision_low", "average_precision_high", "segment_f1", "event_f1"),
    *("pg_class_mean", "paper_iou_std", "pairs", "undefined", "neutral"),
    *(f"{name}_{side}_wide" for name in ("iou", "f1", "pg", "average_precision") for side in ("low", "high")),
]
_PER_CLASS_COLUMNS = [
    *("label", "detector", "protocol", "iou", "iou_low", "iou_high", "f1", "f1_low", "f1_high", "pairs"),
    *("paper_iou", "paper_f1", "clips", "undefined"),
    *("pointing_game", "pg_low", "pg_high", "average_precision", "average_precision_low", "average_precision_high"),
    *(f"{name}_{side}_wide" for name in ("iou", "f1", "pg", "average_precision") for side in ("low", "high")),
    "sources",
]
_BASELINE_COLUMNS = [
    *("detector", "logit", "baseline_logit", "norm", "baseline_norm", "n_steps"),
    *("completeness_error", "completeness_error_worst", "pairs", "neutral"),
]
SOUNDS: Mapping[str, str] = {"test": "synthetic", "recordings": "real", "recordings_unseen": "unseen"}
"""What the table of real recordings compares: split in the intervals, and the beginning of its columns."""

_SCORES = {"iou": "iou", "f1": "f1", "pointing_game": "pg"}
"""The paper's metrics → what the columns of their intervals begin with."""
RANKING = ranked_by()
"""The metrics by which detectors are ranked: they need no threshold."""
_COUNTED = ("iou", "f1", "pointing_game", "average_precision")
"""The means whose undefined values Table II counts."""
_NO_NUMBERS = paper.Detection(*[np.nan] * 4)
_NO_CELL = paper.Temporal(*[np.nan] * 2)
_MEANS = {"class_mean": "class mean", "all": "all"}


def classification(predictions: pd.DataFrame) -> pd.DataFrame:
    """Table I: precision, recall and F1 per class, mean and standard deviation over seeds.

    Parameters
    ----------
    predictions
        One row per (seed, clip, label) with `predicted` and `present` in {0, 1}; further columns are ignored.

    Returns
    -------
    One row per class and a last row `mean` (mean over the classes above it) with `label`, `clips`,
    `precision`, `recall`, `f1`, their `*_std` (sample standard deviation over seeds, NaN for a single seed),
    `undefined` (seeds in which precision or recall has no denominator and is left out of the mean) and
    `paper_*` (NaN for other classes). In the last row `clips` counts the clips of the split, `undefined`
    sums, `*_std` is that of the seeds' class means.

    Notes
    -----
    precision = TP / (TP + FP) is undefined where a class is never predicted, recall = TP / (TP + FN) where no
    clip holds it. F1 = 2 TP / (2 TP + FP + FN) needs neither and is 0 for a class that is present but never
    predicted.
    """
    predicted, present = predictions["predicted"].astype(bool), predictions["present"].astype(bool)
    counts = (
        pd.DataFrame({"tp": predicted & present, "fp": predicted & ~present, "fn": ~predicted & present})
        .groupby([predictions["label"], predictions["seed"]])
        .sum()
        .astype(float)
    )
    tp, fp, fn = counts["tp"], counts["fp"], counts["fn"]
    rates = pd.DataFrame({"precision": tp / (tp + fp), "recall": tp / (tp + fn), "f1": 2 * tp / (2 * tp + fp + fn)})
    labels = ordered(predictions["label"], LABELS)
    table = rates.groupby("label").mean().reindex(labels)
    table[["precision_std", "recall_std", "f1_std"]] = rates.groupby("label").std()
    table["undefined"] = rates.isna().any(axis=1).groupby("label").sum()
    table["clips"] = predictions[present].groupby("label")["clip"].nunique().reindex(labels, fill_value=0)
    for metric in paper.Classification._fields:
        table[f"paper_{metric}"] = [getattr(paper.CLASSIFICATION.get(x), metric, np.nan) for x in labels]
    summary = table.mean()
    summary[["precision_std", "recall_std", "f1_std"]] = rates.groupby("seed").mean().std().to_numpy()
    summary["undefined"] = table["undefined"].sum()
    summary["clips"] = predictions["clip"].nunique()
    table.loc["mean"] = summary
    columns = [c for m in paper.Classification._fields for c in (m, f"{m}_std", f"paper_{m}")]
    table = table.astype({"undefined": int, "clips": int})
    return table[["clips", *columns, "undefined"]].rename_axis("label").reset_index()


def detection(
    intervals: pd.DataFrame,
    metrics: pd.DataFrame | None = None,
    detectors: Sequence[str] | None = None,
    chosen: Sequence[Metric] = (),
    protocols: Sequence[str] | None = None,
    foreign: Sequence[str] = (),
) -> pd.DataFrame:
    """Table II: temporal detection on the test pairs, by protocol and detector.

    Parameters
    ----------
    intervals
        Rows (detector, protocol, label, metric) with `value`, `low`, `high`, `std`, `pairs`, `undefined` and, if known,
        `low_wide`, `high_wide`;
        read are the labels `all` (mean over pairs) and `class_mean` (mean over classes) and the metrics
        `iou`, `f1`, `pointing_game` and `average_precision`.
    metrics
        Tidy rows (detector, seed, split, protocol, label, metric, value); `segment_f1` and `event_f1` of
        label `all` on the test split are averaged over seeds. Without it both columns are NaN.
    detectors
        The detectors' order; one without results has a row of NaN. Default: those found, in the paper's
        order.
    chosen
        Metrics, of which those that want a column (`Metric.column`) and have none yet get one.
    protocols
        Their order; others come after them by name. Default: those of igsed's own threshold rules.
    foreign
        The detectors whose baseline is not neutral (see `baselines`).

    Returns
    -------
    The contract's columns, then average precision with its interval, `segment_f1`, `event_f1`,
    `pg_class_mean`, `paper_iou_std`, `pairs` (that entered the IoU, of all seeds together), and `undefined`:
    the most values that any of the four means leaves out as NaN; `neutral`, 0 for the detectors in `foreign`, else 1.
    `*_low` and `*_high` are the interval over clips and seeds, `*_low_wide` and `*_high_wide` the wider one, which the
    versions for people show (`igsed.statistics`). Then the further metrics by name, those of pairs with intervals.
    A detector has no row under a protocol that has no results of it, unless it has none at all.
    """
    detectors = list(detectors) if detectors is not None else ordered(intervals["detector"], paper.DETECTION)
    protocols = ordered(intervals["protocol"], _known(protocols))
    rows = pd.MultiIndex.from_product([protocols, detectors], names=["protocol", "detector"])
    over_pairs = intervals[intervals["label"] == "all"].set_index(["protocol", "detector", "metric"])
    table = pd.DataFrame(index=rows)
    for metric, begin in _SCORES.items():
        table[[metric, f"{begin}_low", f"{begin}_high"]] = _interval(over_pairs, metric, rows)
    columns = ["average_precision", "average_precision_low", "average_precision_high"]
    table[columns] = _interval(over_pairs, "average_precision", rows)
    for metric, begin in {**_SCORES, "average_precision": "average_precision"}.items():
        table[[f"{begin}_low_wide", f"{begin}_high_wide"]] = _wide(over_pairs, metric, rows)
    table["iou_std"] = _column(over_pairs, "iou", "std", rows)
    over_classes = intervals[intervals["label"] == "class_mean"].set_index(["protocol", "detector", "metric"])
    table["pg_class_mean"] = _column(over_classes, "pointing_game", "value", rows)
    table["pairs"] = _column(over_pairs, "iou", "pairs", rows).astype("Int64")
    counted = over_pairs[over_pairs.index.isin(_COUNTED, level="metric")]
    undefined = counted["undefined"].groupby(["protocol", "detector"]).max()
    table["undefined"] = undefined.reindex(rows).astype("Int64")
    added = further(chosen)
    for metric in ("segment_f1", "event_f1", *(metric.name for metric in added if not metric.of_pairs)):
        table[metric] = np.nan
        if metrics is not None:
            found = metrics.query("label == 'all' and split == 'test' and metric == @metric")
            table[metric] = found.groupby(["protocol", "detector"])["value"].mean().reindex(rows)
    for metric in (metric.name for metric in added if metric.of_pairs):
        table[[metric, f"{metric}_low", f"{metric}_high"]] = _interval(over_pairs, metric, rows)
        table[[f"{metric}_low_wide", f"{metric}_high_wide"]] = _wide(over_pairs, metric, rows)
    for metric in paper.Detection._fields:
        numbers = [getattr(paper.DETECTION.get(detector, _NO_NUMBERS), metric) for _, detector in rows]
        table[f"paper_{metric}"] = numbers
    table["neutral"] = [int(detector not in foreign) for _, detector in rows]
    columns = [column for metric in added for column in _columns(metric)]
    # A rule for logits has no results of other detectors.
    judged = table["pairs"].notna().groupby("detector").transform("any")
    return table[table["pairs"].notna() | ~judged].reset_index()[[*_DETECTION_COLUMNS, *columns]]


def further(chosen: Sequence[Metric]) -> list[Metric]:
    """The metrics that get columns in Table II beside the fixed ones."""
    return [metric for metric in chosen if metric.column and metric.name not in _DETECTION_COLUMNS]


def _columns(metric: Metric) -> list[str]:
    bounds = ("low", "high", "low_wide", "high_wide") if metric.of_pairs else ()
    return [metric.name, *(f"{metric.name}_{bound}" for bound in bounds)]


def _known(protocols: Sequence[str] | None) -> list[str]:
    """The protocols in their order; by default those of igsed's own threshold rules."""
    if protocols is not None:
        return list(protocols)
    return [protocol for rule in thresholds.built_in() for protocol in rule.protocols]


def per_class(
    intervals: pd.DataFrame, detectors: Sequence[str] | None = None, protocols: Sequence[str] | None = None
) -> pd.DataFrame:
    """Table III in long form: four metrics with their intervals, by protocol, class and detector.

    `intervals`, `detectors` and `protocols` as for `detection`; read are the rows whose label is a class. A (class,
    detector) without any scored pair has 0 `pairs` and `clips` and NaN. `undefined` counts the NaN left out of the IoU.
    The metrics are IoU, F1, Pointing Game and average precision; the columns of intervals are named as in `detection`.
    `sources` counts the source recordings that entered the IoU, NaN where `intervals` does not tell them.
    """
    detectors = list(detectors) if detectors is not None else ordered(intervals["detector"], paper.DETECTION)
    classes = intervals[~intervals["label"].isin(("all", "class_mean"))]
    keys = ["protocol", "label", "detector"]
    protocols = ordered(intervals["protocol"], _known(protocols))
    labels = ordered(classes["label"], LABELS)
    rows = pd.MultiIndex.from_product([protocols, labels, detectors], names=keys)
    classes = classes.set_index([*keys, "metric"])
    table = pd.DataFrame(index=rows)
    for metric in paper.Temporal._fields:
        table[[metric, f"{metric}_low", f"{metric}_high"]] = _interval(classes, metric, rows)
        numbers = [getattr(paper.PER_CLASS.get(key[1:], _NO_CELL), metric) for key in rows]
        table[f"paper_{metric}"] = numbers
    for metric, begin in {"pointing_game": "pg", "average_precision": "average_precision"}.items():
        table[[metric, f"{begin}_low", f"{begin}_high"]] = _interval(classes, metric, rows)
    for metric, begin in {**_SCORES, "average_precision": "average_precision"}.items():
        table[[f"{begin}_low_wide", f"{begin}_high_wide"]] = _wide(classes, metric, rows)
    for count in ("pairs", "clips", "undefined"):
        table[count] = _column(classes, "iou", count, rows).fillna(0).astype(int)
    table["sources"] = _sources(classes, rows)
    return table.reset_index()[_PER_CLASS_COLUMNS]


def recordings(
    intervals: pd.DataFrame,
    metrics: pd.DataFrame | None = None,
    detectors: Sequence[str] | None = None,
    protocols: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Table VII: detection on real recordings beside detection on the synthetic test clips.

    Parameters
    ----------
    intervals
        As for `detection`, with a column `split`: `test`, `recordings` and, where there is an overlap list,
        `recordings_unseen` (those not on it).
    metrics
        As for `detection`; `active_ratio` of these splits is averaged over seeds. Without it these columns are NaN.
    detectors
        As for `detection`.
    protocols
        Those that are read, in their order. Default: those of igsed's own threshold rules.

    Returns
    -------
    One row per protocol, label (the classes, then `class_mean` and `all`) and detector with `label`, `detector`,
    `protocol` and, beginning with `synthetic_`, `real_` and `unseen_` (the last only where there is an overlap list),
    the columns `iou`, `iou_low`, `iou_high`, `f1`, `f1_low`, `f1_high`, `pointing_game`, `pg_low`, `pg_high`,
    `average_precision` and `class_auc` with `*_low` and `*_high`, `active_ratio` (the mean share of active frames),
    `pairs`, `clips` (both that entered the IoU; 0 where a class has none), `undefined` (pairs that the IoU leaves
    out) and `sources` as in `per_class`. The intervals are the wider ones.
    """
    protocols = _known(protocols)
    intervals = intervals[intervals["protocol"].isin(protocols)]
    detectors = list(detectors) if detectors is not None else ordered(intervals["detector"], paper.DETECTION)
    labels = ordered(set(intervals["label"]) - {*_MEANS}, LABELS) + list(_MEANS)
    keys = ["protocol", "label", "detector"]
    rows = pd.MultiIndex.from_product([ordered(intervals["protocol"], protocols), labels, detectors], names=keys)
    table = pd.DataFrame(index=rows)
    found = set(intervals["split"])
    for split, sound in SOUNDS.items():
        if split not in found and split == "recordings_unseen":
            continue
        here = intervals[intervals["split"] == split].set_index([*keys, "metric"])
        for metric in dict.fromkeys([*_SCORES, *(one.name for one in RANKING)]):
            begin = f"{sound}_{short(metric)}"
            table[f"{sound}_{metric}"] = _column(here, metric, "value", rows)
            table[[f"{begin}_low", f"{begin}_high"]] = _wide(here, metric, rows)
        table[f"{sound}_active_ratio"] = np.nan
        if metrics is not None:
            active = metrics[(metrics["split"] == split) & (metrics["metric"] == "active_ratio")]
            table[f"{sound}_active_ratio"] = active.groupby(keys)["value"].mean().reindex(rows)
        for count in ("pairs", "clips", "undefined"):
            table[f"{sound}_{count}"] = _column(here, "iou", count, rows).fillna(0).astype(int)
        table[f"{sound}_sources"] = _sources(here, rows)
    return table.reset_index()[["label", "detector", "protocol", *table.columns]]


def ranking(
    ranks: pd.DataFrame,
    intervals: pd.DataFrame,
    differences: pd.DataFrame,
    protocol: str,
    detectors: Sequence[str],
    foreign: Sequence[str] = (),
    controls: Sequence[str] = (),
) -> pd.DataFrame:
    """Table IV: the detectors by threshold-free metrics, best first, with the intervals of their ranks.

    Parameters
    ----------
    ranks
        Rows (metric, detector) of one split as of `igsed.statistics.ranking`.
    intervals
        As for `detection`, of the same split.
    differences
        Rows (detector, protocol, label, metric) as of `igsed.evaluation.differences`, of the same split.
    protocol
        Whose rows are read; the metrics need no threshold.
    detectors
        In order; those without ranks, which know the truth, stand last.
    foreign
        The detectors whose baseline is not neutral (see `baselines`).
    controls
        The detectors that are there to be compared with.

    Returns
    -------
    Rows by detector: `detector`, `borda` with its rank; of every metric that ranks `<metric>` with `_low_wide` and
    `_high_wide`, `<metric>_rank`, `_rank_low`, `_rank_high`; of the difference of average precision from the reference
    `difference`, `difference_low`, `difference_high`, `p_holm` and `detectable` (NaN for the reference itself);
    `minus`, `neutral`, `control`.
    """
    keys = ["detector", "metric"]
    chosen = [metric for metric in ranks["metric"].unique() if metric != "borda"]
    here = intervals[(intervals["protocol"] == protocol) & (intervals["label"] == "all")]
    here = here.assign(protocol=protocol).set_index(["detector", "metric"])
    rows = pd.Index(detectors, name="detector")
    placed = ranks.set_index(keys)
    table = pd.DataFrame(index=rows)
    for metric in ["borda", *chosen]:
        of_metric = placed[placed.index.get_level_values("metric") == metric].droplevel("metric")
        if metric == "borda":
            table["borda"] = of_metric["value"].reindex(rows)
        else:
            of_values = here[here.index.get_level_values("metric") == metric].droplevel("metric").reindex(rows)
            table[metric] = of_values["value"]
            for side in ("low", "high"):
                wide = f"{side}_wide"
                table[f"{metric}_{wide}"] = of_values[wide if wide in of_values else side]
        for part in ("rank", "rank_low", "rank_high"):
            table[f"{metric}_{part}"] = of_metric[part].reindex(rows)
    compared = differences[
        (differences["protocol"] == protocol)
        & (differences["label"] == "all")
        & (differences["metric"] == "average_precision")
    ].set_index("detector")
    names = {"value": "difference", "low_wide": "difference_low", "high_wide": "difference_high"}
    names |= {"p_holm": "p_holm", "detectable": "detectable"}
    for column, name in names.items():
        table[name] = compared[column].reindex(rows) if column in compared else np.nan
    table["minus"] = compared["minus"].iloc[0] if len(compared) else ""
    table["neutral"] = [int(detector not in foreign) for detector in rows]
    table["control"] = [int(detector in controls) for detector in rows]
    return table.sort_values("borda", ascending=False, kind="stable", na_position="last").reset_index()


def baselines(attributions: Mapping[str, pd.DataFrame], detectors: Sequence[str]) -> pd.DataFrame:
    """Table V: what the classifier makes of the baselines that attributions start from.

    Parameters
    ----------
    attributions
        Detector → its rows of `<split>_completeness.csv`, of all seeds.
    detectors
        The detectors in order; those without a path from a baseline get no row.

    Returns
    -------
    `detector`, medians over the rows: `logit`, `baseline_logit` (absolute values), `norm`, `baseline_norm`, `n_steps`;
    `completeness_error` (median) and `completeness_error_worst`; `pairs`; `neutral` (1 or 0).

    Notes
    -----
    Not neutral is a baseline whose median absolute logit, or whose embedding's median norm, is more than `FOREIGN`
    times that of the clips. Both limits separate silence and constant spectra from played backgrounds and noise on the
    two banks on which they were chosen (docs/findings.md).
    """
    rows = []
    for detector in detectors:
        table = attributions.get(detector)
        if table is None or not table[["baseline_logit", "n_steps"]].notna().all(axis=1).any():
            continue
        medians = table[["logit", "baseline_logit", "norm", "baseline_norm", "n_steps"]].abs().median()
        error = table["completeness_error"].replace(np.inf, np.nan)
        foreign = medians["baseline_logit"] > FOREIGN * medians["logit"]
        foreign |= medians["baseline_norm"] > FOREIGN * medians["norm"]
        errors = {"completeness_error": error.median(), "completeness_error_worst": error.max()}
        numbers = {**medians, **errors, "pairs": len(table), "neutral": int(not foreign)}
        rows.append({"detector": detector, **numbers})
    return pd.DataFrame(rows, columns=_BASELINE_COLUMNS)


def bounds(metric: str) -> tuple[str, str]:
    """The columns of Tables II and III with the wider interval of a metric."""
    return f"{short(metric)}_low_wide", f"{short(metric)}_high_wide"


def short(metric: str) -> str:
    """What the columns of a metric's interval begin with."""
    return _SCORES.get(metric, metric)


def marked(baselines: pd.DataFrame) -> list[str]:
    """The detectors of a table of baselines whose baseline is not neutral."""
    return baselines.loc[baselines["neutral"] == 0, "detector"].tolist()


def _column(indexed: pd.DataFrame, metric: str, column: str, rows: pd.MultiIndex) -> pd.Series:
    """One column of one metric, in the order of `rows`; NaN where absent."""
    found = indexed[indexed.index.get_level_values("metric") == metric].droplevel("metric")
    return found[column].reindex(rows)


def _interval(indexed: pd.DataFrame, metric: str, rows: pd.MultiIndex) -> np.ndarray:
    """(row, 3): value, low and high of one metric."""
    return np.column_stack([_column(indexed, metric, part, rows) for part in ("value", "low", "high")])


def _wide(indexed: pd.DataFrame, metric: str, rows: pd.MultiIndex) -> np.ndarray:
    """(row, 2): the wider interval of one metric; that over clips where no other is known."""
    sides = []
    for side in ("low", "high"):
        known = f"{side}_wide" in indexed
        sides.append(_column(indexed, metric, f"{side}_wide" if known else side, rows))
    return np.column_stack(sides)


def _sources(indexed: pd.DataFrame, rows: pd.MultiIndex) -> pd.Series:
    """Source recordings that entered the IoU, in the order of `rows`; 0 where absent, NaN where they are not told."""
    if "sources" not in indexed:
        return pd.Series(np.nan, rows)
    return _column(indexed, "iou", "sources", rows).fillna(0).astype(int)


def csv(table: pd.DataFrame) -> str:
    """Comma-separated text with six decimals, so that equal results give equal bytes; missing is empty."""
    return table.to_csv(index=False, float_format="%.6f", lineterminator="\n")
