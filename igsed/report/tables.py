"""The paper's three tables from the evaluation's results, the paper's numbers beside ours, and further ones.

Conventions
-----------
`classification`, `detection`, `per_class` and `recordings` turn data frames into data frames of plain numbers;
`csv` writes those for machines, `markdown`, `latex` and `igsed.report.html_tables` for people. Rates lie in 0…1; the
people's versions show the Pointing Game (PG) in per cent. What is undefined or missing is NaN, an empty cell in CSV and
"–" for people; it is never 0. Classes stand in the paper's order, others after them by name; detectors in the order
asked for, else in the paper's.

Source: Tables I-III of arXiv:2605.23293 (`igsed.report.paper`). The others are not in the paper.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from igsed import LABELS, thresholds
from igsed.detectors import title_of
from igsed.metrics import METRICS, Metric
from igsed.names import ordered
from igsed.report import paper
from igsed.thresholds import Rule

CAPTIONS = {
    "classification": (
        "Clip classification on the test clips: mean ± standard deviation over seeds, the paper's value "
        "beside it. Clips: test clips that hold the class. A precision is undefined (–) where the class "
        "is never predicted; the mean is over the other seeds. F1 of such a class is 0 while clips hold "
        "it. The last row is the mean of the column over these classes, and all test clips."
    ),
    "detection": (
        "Temporal detection on the test clips: mean over (clip, class) pairs with the wider of two bootstrap "
        "intervals, over clips and seeds, or over source recordings, validation clips and seeds; the paper's value "
        "beside it. {protocols} The paper "
        "presumably uses one percentile for all, so its values are to be compared with the shared rows; they "
        "are repeated in all others. A protocol with an addition, such as own_present, scores the pairs that it "
        "names, with thresholds chosen on such pairs. PG (Pointing Game) and AP (average precision) need no threshold; "
        "by class: PG's mean over classes. Pairs: those of all seeds together, and those left out because a metric is "
        "undefined. † marks detectors whose baseline the network does not take for a background (table of baselines)."
    ),
    "per_class": (
        "Temporal detection per class, IoU / F1 / Pointing Game in %, with the paper's IoU and F1 in parentheses. "
        "{protocols} The Pointing Game needs no threshold. Average precision and all intervals are in the CSV version."
    ),
    "recordings": (
        "Detection on real recordings and on the synthetic test clips, mean over (clip, class) pairs: AP (average "
        "precision), PG (Pointing Game) and class AUC need no threshold; IoU and F1 under each protocol are at "
        "thresholds of synthetic validation clips, except otsu's. Real, unseen: without the recordings on the overlap "
        "list, which the network may have been trained on. Pairs: those of all seeds together; clips: windows with "
        "such a pair. The classes are in the CSV version. {warning}"
    ),
    "ranking": (
        "The detectors by what needs no threshold, on the test clips: average precision (AP) and Pointing Game (PG) "
        "ask when, class AUC asks what; mean over (clip, class) pairs with the wider of two bootstrap intervals, and "
        "in parentheses the rank with its interval over source recordings and seeds. Borda: the share of the other "
        "detectors that one is better than, mean over the three. Difference: of AP from {reference}, paired, p "
        "Holm-corrected for the detectors of this table; detectable: the difference that this experiment would have "
        "found in four of five cases. Controls stand below the others; the oracle knows the events and has no rank. "
        "† marks detectors whose baseline the network does not take for a background (table of baselines)."
    ),
    "baselines": (
        "What the classifier makes of the baselines that attributions start from: medians over the explained (clip, "
        "class) pairs of the test clips and all seeds. |Logit|: of the class; norm: of the pooled embedding, which the "
        "head sees. A baseline is not neutral, marked † here and in Table II, where its median |logit| or its norm "
        "is more than twice the clip's: the network takes it for something else than background, and the attribution "
        "explains that too. Completeness error: of the difference of the logits."
    ),
}
"""The caption of each table, in plain text.

`{protocols}` stands for the notes of the threshold rules, `{warning}` for `shifted`, `{reference}` for the detector
that the others are compared with.
"""

MISSING = "–"
MARK = "†"
"""Stands behind the name of a detector whose baseline is not neutral."""

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
]
_BASELINE_COLUMNS = [
    *("detector", "logit", "baseline_logit", "norm", "baseline_norm", "n_steps"),
    *("completeness_error", "completeness_error_worst", "pairs", "neutral"),
]
SOUNDS: Mapping[str, str] = {"test": "synthetic", "recordings": "real", "recordings_unseen": "unseen"}
"""What the table of real recordings compares: split in the intervals, and the beginning of its columns."""

SHIFT = 1.5
"""How many times as active real recordings may be as synthetic clips, or the reverse, for thresholds to carry over."""

_SCORES = {"iou": "iou", "f1": "f1", "pointing_game": "pg"}
"""The paper's metrics → what the columns of their intervals begin with."""
_THRESHOLD_FREE = ("average_precision", "class_auc")
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
    for metric, short in _SCORES.items():
        table[[metric, f"{short}_low", f"{short}_high"]] = _interval(over_pairs, metric, rows)
    columns = ["average_precision", "average_precision_low", "average_precision_high"]
    table[columns] = _interval(over_pairs, "average_precision", rows)
    for metric, short in {**_SCORES, "average_precision": "average_precision"}.items():
        table[[f"{short}_low_wide", f"{short}_high_wide"]] = _wide(over_pairs, metric, rows)
    table["iou_std"] = _column(over_pairs, "iou", "std", rows)
    over_classes = intervals[intervals["label"] == "class_mean"].set_index(["protocol", "detector", "metric"])
    table["pg_class_mean"] = _column(over_classes, "pointing_game", "value", rows)
    table["pairs"] = _column(over_pairs, "iou", "pairs", rows).astype("Int64")
    counted = over_pairs[over_pairs.index.isin(_COUNTED, level="metric")]
    undefined = counted["undefined"].groupby(["protocol", "detector"]).max()
    table["undefined"] = undefined.reindex(rows).astype("Int64")
    further = _further(chosen)
    for metric in ("segment_f1", "event_f1", *(metric.name for metric in further if not metric.of_pairs)):
        table[metric] = np.nan
        if metrics is not None:
            found = metrics.query("label == 'all' and split == 'test' and metric == @metric")
            table[metric] = found.groupby(["protocol", "detector"])["value"].mean().reindex(rows)
    for metric in (metric.name for metric in further if metric.of_pairs):
        table[[metric, f"{metric}_low", f"{metric}_high"]] = _interval(over_pairs, metric, rows)
        table[[f"{metric}_low_wide", f"{metric}_high_wide"]] = _wide(over_pairs, metric, rows)
    for metric in paper.Detection._fields:
        numbers = [getattr(paper.DETECTION.get(detector, _NO_NUMBERS), metric) for _, detector in rows]
        table[f"paper_{metric}"] = numbers
    table["neutral"] = [int(detector not in foreign) for _, detector in rows]
    columns = [column for metric in further for column in _columns(metric)]
    # A rule for logits has no results of other detectors.
    judged = table["pairs"].notna().groupby("detector").transform("any")
    return table[table["pairs"].notna() | ~judged].reset_index()[[*_DETECTION_COLUMNS, *columns]]


def _further(chosen: Sequence[Metric]) -> list[Metric]:
    """The metrics that get columns beside the fixed ones."""
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
    for metric, short in {"pointing_game": "pg", "average_precision": "average_precision"}.items():
        table[[metric, f"{short}_low", f"{short}_high"]] = _interval(classes, metric, rows)
    for metric, short in {**_SCORES, "average_precision": "average_precision"}.items():
        table[[f"{short}_low_wide", f"{short}_high_wide"]] = _wide(classes, metric, rows)
    for count in ("pairs", "clips", "undefined"):
        table[count] = _column(classes, "iou", count, rows).fillna(0).astype(int)
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
    `pairs`, `clips` (both that entered the IoU; 0 where a class has none) and `undefined` (pairs that the IoU leaves
    out). The intervals are the wider ones.
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
        for metric, short in {**_SCORES, **dict.fromkeys(_THRESHOLD_FREE)}.items():
            name = short or metric
            table[f"{sound}_{metric}"] = _column(here, metric, "value", rows)
            table[[f"{sound}_{name}_low", f"{sound}_{name}_high"]] = _wide(here, metric, rows)
        table[f"{sound}_active_ratio"] = np.nan
        if metrics is not None:
            active = metrics[(metrics["split"] == split) & (metrics["metric"] == "active_ratio")]
            table[f"{sound}_active_ratio"] = active.groupby(keys)["value"].mean().reindex(rows)
        for count in ("pairs", "clips", "undefined"):
            table[f"{sound}_{count}"] = _column(here, "iou", count, rows).fillna(0).astype(int)
    return table.reset_index()[["label", "detector", "protocol", *table.columns]]


def shifted(table: pd.DataFrame) -> str:
    """A warning where real recordings are active for another share of the time than synthetic clips; else empty.

    `table` is `recordings`'s. Another share is one that is more than `SHIFT` times as large, or as small.
    """
    means = table[table["label"] == "all"][["synthetic_active_ratio", "real_active_ratio"]].mean()
    synthetic, real = means["synthetic_active_ratio"], means["real_active_ratio"]
    if not (max(synthetic, real) > SHIFT * min(synthetic, real)):
        return ""
    return (
        f"Warning: the scored classes are active in {100 * synthetic:.0f} % of the frames of synthetic clips and in "
        f"{100 * real:.0f} % of those of real recordings. A percentile chosen on the former marks as many frames of "
        "the latter, so IoU and F1 under own and shared say little of real recordings, and random scores may lead; "
        "compare by AP, PG and class AUC."
    )


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
    begin = _SCORES.get(metric, metric)
    return f"{begin}_low_wide", f"{begin}_high_wide"


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


def csv(table: pd.DataFrame) -> str:
    """Comma-separated text with six decimals, so that equal results give equal bytes; missing is empty."""
    return table.to_csv(index=False, float_format="%.6f", lineterminator="\n")


def caption_of(
    kind: str,
    chosen: Sequence[Metric] = (),
    rules: Sequence[Rule] | None = None,
    table: pd.DataFrame | None = None,
) -> str:
    """The caption of a table: `CAPTIONS`, with the notes of the threshold rules, and the definitions of metrics.

    `rules` are by default igsed's own; `chosen` is what `detection` was given; `table` what the caption speaks of.
    """
    notes = " ".join(rule.note for rule in (thresholds.built_in() if rules is None else rules))
    definitions = [f"{m.title}: {m.definition}." for m in _further(chosen) if m.definition]
    of_table = {"warning": "", "reference": ""}
    if table is not None:
        of_table["warning"] = shifted(table) if kind == "recordings" else ""
        of_table["reference"] = title_of(table["minus"].iloc[0]) if kind == "ranking" and len(table) else ""
    text = CAPTIONS[kind].format(protocols=notes, **of_table).strip()
    return " ".join([text, *(definitions if kind == "detection" else [])])


def markdown(
    table: pd.DataFrame, caption: str | None = None, chosen: Sequence[Metric] = (), rules: Sequence[Rule] | None = None
) -> str:
    """Any of the tables in (GitHub's) Markdown, below its caption (default and other arguments: `caption_of`)."""
    kind, shown, _ = display(table, chosen)
    heads = [" ".join(filter(None, column)) for column in shown.columns]
    align = ["---" if column[1] in LEFT else "---:" for column in shown.columns]
    rows = [[cell.replace("|", r"\|") for cell in cells] for cells in (heads, align, *shown.to_numpy().tolist())]
    lines = ["| " + " | ".join(cells) + " |" for cells in rows]
    return f"{caption_of(kind, chosen, rules, table) if caption is None else caption}\n\n" + "\n".join(lines) + "\n"


def latex(
    table: pd.DataFrame,
    caption: str | None = None,
    label: str | None = None,
    chosen: Sequence[Metric] = (),
    rules: Sequence[Rule] | None = None,
) -> str:
    """Any of the tables as a LaTeX `table*` that needs the package booktabs.

    `caption` is plain text and is escaped (default and further arguments: `caption_of`); `label` is the key for `\\ref`
    (default: `tab:` and the kind). A rule separates the protocols, the row of means from the classes, and each detector
    of Table VII.
    """
    kind, shown, block = display(table, chosen)
    groups: list[list] = []
    for group, _ in shown.columns:
        if group and groups and groups[-1][0] == group:
            groups[-1][1] += 1
        else:
            groups.append([group, 1])
    spans, below, start = [], [], 1
    for group, width in groups:
        spans.append(rf"\multicolumn{{{width}}}{{c}}{{{escape(group)}}}" if group else "")
        below += [rf"\cmidrule(lr){{{start}-{start + width - 1}}}"] if group else []
        start += width
    body = []
    for position, (cells, here) in enumerate(zip(shown.to_numpy().tolist(), block, strict=True)):
        if position and here != block[position - 1]:
            body.append(r"\midrule")
        body.append(" & ".join(map(escape, cells)) + r" \\")
    lines = [
        r"\begin{table*}[t]",
        r"\centering",
        rf"\caption{{{escape(caption_of(kind, chosen, rules, table) if caption is None else caption)}}}",
        rf"\label{{{label or 'tab:' + kind}}}",
        r"\scriptsize",
        r"\setlength{\tabcolsep}{2pt}",
        rf"\begin{{tabular}}{{{''.join('l' if name in LEFT else 'r' for _, name in shown.columns)}}}",
        r"\toprule",
        " & ".join(spans) + r" \\",
        " ".join(below),
        " & ".join(escape(name) for _, name in shown.columns) + r" \\",
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "–": "--",
        "±": r"$\pm$",
        "†": r"$\dagger$",
        **{special: "\\" + special for special in "&%$#_{}"},
    }
)


def escape(text: str) -> str:
    r"""Plain text as LaTeX source.

    >>> escape("Alarm_bell_ringing, 95 %")
    'Alarm\\_bell\\_ringing, 95 \\%'
    """
    return text.translate(_LATEX)


LEFT = ("Class", "Protocol", "Detector", "Sound")
"""The columns that say what a row is."""


def _number(value: float, scale: float = 1, digits: int = 2) -> str:
    return MISSING if pd.isna(value) else f"{value * scale:.{digits}f}"


def _count(value) -> str:
    return MISSING if pd.isna(value) else str(int(value))


def _with_std(value: float, std: float) -> str:
    return _number(value) if pd.isna(value) or pd.isna(std) else f"{value:.2f} ± {std:.2f}"


def _with_interval(value: float, low: float, high: float, scale: float = 1, digits: int = 2) -> str:
    shown = _number(value, scale, digits)
    if pd.isna(value) or pd.isna(low) or pd.isna(high):
        return shown
    return f"{shown} [{_number(low, scale, digits)}, {_number(high, scale, digits)}]"


def _three(iou: float, f1: float, pointing_game: float) -> str:
    shown = _number(pointing_game, 100, 0)
    return MISSING if pd.isna([iou, f1, pointing_game]).all() else f"{_number(iou)} / {_number(f1)} / {shown}"


def _two(iou: float, f1: float) -> str:
    return MISSING if pd.isna(iou) and pd.isna(f1) else f"{_number(iou)} / {_number(f1)}"


def display(table: pd.DataFrame, chosen: Sequence[Metric] = ()) -> tuple[str, pd.DataFrame, list]:
    """What people see: the kind of table, its text under (group, name) columns, and each row's block."""
    if "baseline_norm" in table:
        return "baselines", _display_baselines(table), [0] * len(table)
    if "real_iou" in table:
        return "recordings", *_display_recordings(table)
    if "borda" in table:
        return "ranking", _display_ranking(table), sorted(_blocks(table))
    if "segment_f1" in table:
        return "detection", _display_detection(table, chosen), list(table["protocol"])
    if "detector" in table:
        shown = _display_per_class(table)
        return "per_class", shown, list(shown["", "Protocol"])
    return "classification", _display_classification(table), list(table["label"] == "mean")


def _display_classification(table: pd.DataFrame) -> pd.DataFrame:
    shown = {("", "Class"): table["label"], ("", "Clips"): table["clips"].map(_count)}
    for metric, title in {"precision": "Precision", "recall": "Recall", "f1": "F1"}.items():
        shown[title, "ours"] = map(_with_std, table[metric], table[f"{metric}_std"])
        shown[title, "paper"] = map(_number, table[f"paper_{metric}"])
    shown["", "Undefined seeds"] = table["undefined"].map(_count)
    return _text(shown)


def _display_detection(table: pd.DataFrame, chosen: Sequence[Metric]) -> pd.DataFrame:
    rows = table.to_dict("records")
    percent = {"scale": 100, "digits": 1}
    shown = {
        ("", "Protocol"): table["protocol"],
        ("", "Detector"): [title_of(row["detector"]) + ("" if row["neutral"] else f" {MARK}") for row in rows],
        ("IoU", "ours"): [_with_interval(row["iou"], row["iou_low_wide"], row["iou_high_wide"]) for row in rows],
        ("IoU", "paper"): table["paper_iou"].map(_number),
        ("IoU std", "ours"): table["iou_std"].map(_number),
        ("IoU std", "paper"): table["paper_iou_std"].map(_number),
        ("F1", "ours"): [_with_interval(row["f1"], row["f1_low_wide"], row["f1_high_wide"]) for row in rows],
        ("F1", "paper"): table["paper_f1"].map(_number),
        ("PG / %", "ours"): [
            _with_interval(row["pointing_game"], row["pg_low_wide"], row["pg_high_wide"], **percent) for row in rows
        ],
        ("PG / %", "paper"): [_number(value, **percent) for value in table["paper_pointing_game"]],
        ("PG / %", "by class"): [_number(value, **percent) for value in table["pg_class_mean"]],
        ("", "AP"): [
            _with_interval(*(row[f"average_precision{part}"] for part in ("", "_low_wide", "_high_wide")))
            for row in rows
        ],
        ("F1 (sed_eval)", "segment"): table["segment_f1"].map(_number),
        ("F1 (sed_eval)", "event"): table["event_f1"].map(_number),
        ("Pairs", "all"): table["pairs"].map(_count),
        ("Pairs", "undef."): table["undefined"].map(_count),
    }
    for metric in _further(chosen):
        parts = ("", "_low_wide", "_high_wide") if metric.of_pairs else ("",)
        cells = [[row[f"{metric.name}{part}"] for part in parts] for row in rows]
        shown["", metric.title] = [_with_interval(*cell) if metric.of_pairs else _number(*cell) for cell in cells]
    return _text(shown)


def _display_per_class(table: pd.DataFrame) -> pd.DataFrame:
    """A row for each detector, below it the paper's; a column for each class, with its number of pairs."""
    labels = table["label"].unique()
    cells = table.set_index(["protocol", "detector", "label"]).sort_index()
    pairs = table.groupby("label")["pairs"].max()
    keys, rows = [], []
    for protocol, detector in table[["protocol", "detector"]].drop_duplicates().to_numpy():
        own = cells.loc[(protocol, detector)].reindex(labels)
        keys.append((protocol, title_of(detector)))
        rows.append([_three(*values) for values in own[["iou", "f1", "pointing_game"]].to_numpy()])
        if own["paper_iou"].notna().any():
            keys.append((protocol, f"{title_of(detector)}, paper"))
            rows.append([f"({_two(*values)})" for values in own[["paper_iou", "paper_f1"]].to_numpy(float)])
    shown = {("", "Protocol"): [protocol for protocol, _ in keys], ("", "Detector"): [title for _, title in keys]}
    for k, label in enumerate(labels):
        shown[label, f"{pairs[label]} pairs"] = [row[k] for row in rows]
    return _text(shown)


def _display_recordings(table: pd.DataFrame) -> tuple[pd.DataFrame, list]:
    """A row for each detector and sound, the means over all pairs; what needs no threshold first."""
    sounds = [sound for sound in SOUNDS.values() if f"{sound}_iou" in table]
    means = table[table["label"] == "all"]
    protocols = list(means["protocol"].unique())
    cells = means.set_index(["detector", "protocol"])
    keys = [(detector, sound) for detector in means["detector"].unique() for sound in sounds]
    first = [cells.loc[(detector, protocols[0])] for detector, _ in keys]
    pairs = [(row, sound) for row, (_, sound) in zip(first, keys, strict=True)]

    def interval(name: str, short: str, **options) -> list[str]:
        return [
            _with_interval(row[f"{s}_{name}"], row[f"{s}_{short}_low"], row[f"{s}_{short}_high"], **options)
            for row, s in pairs
        ]

    shown = {
        ("", "Detector"): [title_of(detector) for detector, _ in keys],
        ("", "Sound"): ["real, unseen" if sound == "unseen" else sound for _, sound in keys],
        ("", "AP"): interval("average_precision", "average_precision"),
        ("", "PG / %"): interval("pointing_game", "pg", scale=100, digits=1),
        ("", "Class AUC"): interval("class_auc", "class_auc"),
    }
    for protocol in protocols:
        rows = [(cells.loc[(detector, protocol)], sound) for detector, sound in keys]
        shown["IoU / F1", protocol] = [_two(row[f"{sound}_iou"], row[f"{sound}_f1"]) for row, sound in rows]
    shown["", "Active / %"] = [_number(row[f"{sound}_active_ratio"], 100, 0) for row, sound in pairs]
    for count in ("pairs", "clips"):
        shown["", count.capitalize()] = [_count(row[f"{sound}_{count}"]) for row, sound in pairs]
    return _text(shown), [detector for detector, _ in keys]


def _blocks(table: pd.DataFrame) -> list[int]:
    """0 for the methods of a ranking, 1 for the controls, 2 for what has no rank."""
    return [2 if pd.isna(borda) else int(control) for borda, control in table[["borda", "control"]].to_numpy(float)]


def _display_ranking(table: pd.DataFrame) -> pd.DataFrame:
    """Methods first, below them the controls, then what knows the truth; each by Borda."""
    place = _blocks(table)
    rows = [
        row for block in (0, 1, 2) for row, here in zip(table.to_dict("records"), place, strict=True) if here == block
    ]
    shown = {
        ("", "Detector"): [title_of(row["detector"]) + ("" if row["neutral"] else f" {MARK}") for row in rows],
        ("", "Borda"): [_ranked(row, "borda", _number(row["borda"])) for row in rows],
    }
    chosen = [name.removesuffix("_rank") for name in table if name.endswith("_rank") and name != "borda_rank"]
    for metric in chosen:
        options = {"scale": 100, "digits": 1} if METRICS.find(metric).percent else {}
        cells = [
            _with_interval(*(row[f"{metric}{part}"] for part in ("", "_low_wide", "_high_wide")), **options)
            for row in rows
        ]
        shown["", METRICS.find(metric).heading] = [
            _ranked(row, metric, cell) for row, cell in zip(rows, cells, strict=True)
        ]
    shown["Difference of AP", "value"] = [
        _with_interval(row["difference"], row["difference_low"], row["difference_high"]) for row in rows
    ]
    shown["Difference of AP", "p"] = [
        MISSING if pd.isna(row["p_holm"]) else f"{row['p_holm']:.3f}" if row["p_holm"] >= 0.001 else "< 0.001"
        for row in rows
    ]
    shown["Difference of AP", "detectable"] = [_number(row["detectable"]) for row in rows]
    return _text(shown)


def _ranked(row: dict, metric: str, value: str) -> str:
    rank, low, high = (row[f"{metric}_{part}"] for part in ("rank", "rank_low", "rank_high"))
    if pd.isna(rank):
        return value
    return f"{value} ({rank:g}; {low:.0f}–{high:.0f})"


def _display_baselines(table: pd.DataFrame) -> pd.DataFrame:
    names = [title_of(d) + ("" if neutral else f" {MARK}") for d, neutral in table[["detector", "neutral"]].to_numpy()]
    return _text(
        {
            ("", "Detector"): names,
            ("|Logit|", "clip"): [_number(value, digits=1) for value in table["logit"]],
            ("|Logit|", "baseline"): [_number(value, digits=1) for value in table["baseline_logit"]],
            ("Norm", "clip"): [_number(value, digits=0) for value in table["norm"]],
            ("Norm", "baseline"): [_number(value, digits=0) for value in table["baseline_norm"]],
            ("", "Pieces"): [_number(value, digits=0) for value in table["n_steps"]],
            ("Completeness error", "median"): [_small(value) for value in table["completeness_error"]],
            ("Completeness error", "worst"): [_small(value) for value in table["completeness_error_worst"]],
            ("", "Pairs"): table["pairs"].map(_count),
        }
    )


def _small(value: float) -> str:
    return MISSING if pd.isna(value) else f"{value:.0e}"


def _text(columns: dict) -> pd.DataFrame:
    return pd.DataFrame({key: list(values) for key, values in columns.items()})
