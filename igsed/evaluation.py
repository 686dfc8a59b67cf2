"""From frame scores to the numbers of each (clip, class) pair.

Protocol of arXiv:2605.23293: a detector's frame scores are thresholded at a percentile of the clip's own scores; the
percentile is swept on validation and the best is used on test. Two protocols answer the question of whose best it is:

- ``own``: each detector uses the percentile that is best for itself;
- ``shared``: all use the percentile that is best for one of them (IG). The paper's Table II reads as if made so.

Other choices of the scored pairs are protocols of their own, ``own_<pairs>`` and ``shared_<pairs>``, with thresholds of
their own.

The clip classifier of a seed decides which pairs are scored (predicted and present, by default), for all detectors
alike; detectors without a model have one set of scores, judged on each seed's pairs.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from igsed import metrics, statistics, thresholds, timeline
from igsed.errors import InputError
from igsed.scores import FrameScores
from igsed.statistics import METRICS

PROTOCOLS = ("own", "shared")
"""`own`: each detector at its best validation percentile; `shared`: every detector at that of one, by default IG."""


def select(predictions: pd.DataFrame, rule: str) -> pd.DataFrame:
    """The (clip, label) pairs to score.

    Parameters
    ----------
    predictions : pandas.DataFrame
        `clip, label, predicted, present` of one seed's clip classifier.
    rule : {"predicted_present", "present"}

    Returns
    -------
    pandas.DataFrame
        `clip, label`.
    """
    chosen = predictions["present"] == 1
    if rule == "predicted_present":
        chosen &= predictions["predicted"] == 1
    return predictions.loc[chosen, ["clip", "label"]].reset_index(drop=True)


def rows_of(scores: FrameScores, pairs: pd.DataFrame) -> np.ndarray:
    """Frame scores of the given pairs, (pair, frame).

    Raises
    ------
    InputError
        Some pair has no scores.
    """
    known = pd.MultiIndex.from_frame(scores.pairs)
    place = known.get_indexer(pd.MultiIndex.from_frame(pairs))
    if (place < 0).any():
        clip, label = pairs.iloc[int(np.argmin(place))]
        raise InputError(
            f"no frame scores of {label} in clip {clip}: the scores were made for other predictions. Remake them."
        )
    return scores.values[place]


def pair_metrics(scores: np.ndarray, active: np.ndarray, percentile: float, clips: Sequence[str]) -> pd.DataFrame:
    """The metrics of each pair at a threshold.

    Parameters
    ----------
    scores, active : numpy.ndarray (pair, frame)
        Frame scores, and bool ground truth.
    percentile : float
        0…100.
    clips : sequence of str (pair,)
        The clip of each pair.

    Returns
    -------
    pandas.DataFrame
        `iou, f1, precision, recall, pointing_game, average_precision, class_correlation, active_ratio`, a row per pair.
    """
    if not len(scores):
        return pd.DataFrame(columns=[*METRICS, "active_ratio"], dtype=float)
    predicted = thresholds.percentile_mask(scores, percentile)
    return pd.DataFrame(
        {
            "iou": metrics.iou(predicted, active),
            "f1": metrics.f1(predicted, active),
            "precision": metrics.precision(predicted, active),
            "recall": metrics.recall(predicted, active),
            "pointing_game": metrics.pointing_game(scores, active),
            "average_precision": metrics.average_precision(scores, active),
            "class_correlation": metrics.class_correlation(scores, clips),
            "active_ratio": metrics.active_ratio(active),
        }
    )


def detected_events(scores: FrameScores, predictions: pd.DataFrame, percentile: float) -> pd.DataFrame:
    """Events that a detector reports: runs of frames above the threshold, for the classes predicted in each clip.

    Returns
    -------
    pandas.DataFrame
        `clip, label, onset, offset`, seconds.
    """
    pairs = predictions.loc[predictions["predicted"] == 1, ["clip", "label"]].reset_index(drop=True)
    masks = thresholds.percentile_mask(rows_of(scores, pairs), percentile) if len(pairs) else np.zeros((0, 0), bool)
    found = [
        (*pair, *run)
        for pair, mask in zip(pairs.itertuples(index=False), masks, strict=True)
        for run in timeline.segments(mask)
    ]
    return pd.DataFrame(found, columns=["clip", "label", "onset", "offset"])


def sweep_curve(scores: np.ndarray, active: np.ndarray, percentiles: np.ndarray, seed: int) -> pd.DataFrame:
    """Mean IoU and F1 over pairs at each percentile: `seed, percentile, iou, f1, n`; n pairs entered the means.

    Raises
    ------
    InputError
        There is no pair, so no threshold can be chosen.
    """
    if not len(scores):
        raise InputError(
            f"seed {seed}: the clip classifier found none of the classes present on validation, so no threshold can be "
            "chosen. Train on more clips (mixtures.clips.train) or set evaluation.pairs to present."
        )
    curve = thresholds.sweep(scores, active, percentiles)
    means = {"iou": np.nanmean(curve.iou, axis=0), "f1": np.nanmean(curve.f1, axis=0)}
    return pd.DataFrame({"seed": seed, "percentile": percentiles, **means, "n": len(scores)})


def tidy(pairs: pd.DataFrame, detections: pd.DataFrame) -> pd.DataFrame:
    """All numbers as rows of `metrics.csv`: `detector, seed, split, protocol, label, metric, value, n`.

    Parameters
    ----------
    pairs : pandas.DataFrame
        `pair_metrics` of all detectors, with `detector, seed, split, protocol, percentile, clip, label`.
    detections : pandas.DataFrame
        sed_eval's numbers: `detector, seed, split, protocol, label, metric, value, n`.

    Returns
    -------
    pandas.DataFrame
        Labels are the classes, `all` (mean over pairs) and `class_mean` (mean over classes); `n` counts the values that
        entered a mean, so NaN is never left out unseen.
    """
    keys, names = ["detector", "seed", "split", "protocol"], [*METRICS, "active_ratio"]

    def means(table: pd.DataFrame, by: list[str], metric: str) -> pd.DataFrame:
        return table.groupby(by)[metric].agg(value="mean", n="count").reset_index().assign(metric=metric)

    # A metric at a time: all of them below each other would be a table many times as long as the pairs.
    per_class = pd.concat([means(pairs, [*keys, "label"], name) for name in names])
    over_pairs = [means(pairs, keys, name).assign(label="all") for name in names]
    over_classes = per_class.groupby([*keys, "metric"])["value"].agg(value="mean", n="count").reset_index()
    chosen = pairs.groupby(keys)["percentile"].agg(value="first", n="size").reset_index()
    chosen = chosen.assign(label="all", metric="percentile")
    rows = pd.concat([per_class, *over_pairs, over_classes.assign(label="class_mean"), chosen, detections])
    columns = ["detector", "seed", "split", "protocol", "label", "metric", "value", "n"]
    return rows[columns].sort_values(columns[:6], ignore_index=True)


def compared(
    pairs: pd.DataFrame, subsets: dict[str, list[str]], detectors: list[str], reference: str, **settings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Bootstrap intervals of every detector, and of its paired difference from one of them.

    Parameters
    ----------
    pairs : pandas.DataFrame
        As for `tidy`.
    subsets : dict
        Value of the column `split` → all its clips.
    reference : str
        The detector that the others are compared with.
    settings
        Of `igsed.statistics.bootstrap`.

    Returns
    -------
    intervals, differences : pandas.DataFrame
        Rows by `detector, split, protocol, label, metric`.
    """
    intervals, differences = [], []
    for (split, protocol), rows in pairs.groupby(["split", "protocol"], sort=False):
        tables = {name: rows[rows["detector"] == name] for name in detectors}
        for name, table in tables.items():
            key = {"detector": name, "split": split, "protocol": protocol}
            found = statistics.bootstrap(table, clips=subsets[split], **settings)
            intervals.append(found.assign(**key))
            if name != reference:
                found = statistics.paired_difference(table, tables[reference], clips=subsets[split], **settings)
                differences.append(found.assign(**key, minus=reference))
    columns = ["split", "protocol", "label", "metric", "value", "low", "high"]
    counts = ["pairs", "clips", "seeds", "undefined"]
    differences = pd.concat(differences) if differences else []
    return (
        pd.concat(intervals)[["detector", *columns, "std", *counts]],
        pd.DataFrame(differences, columns=["detector", "minus", *columns, "p", *counts, "unmatched"]),
    )


def representative(pairs: pd.DataFrame, count: int) -> pd.DataFrame:
    """Pairs to show as examples: spread evenly over a detector's ranking, not picked by hand.

    `pairs` are one detector's, one seed's, one protocol's. The pairs are ranked by IoU and taken at evenly spaced ranks
    between the best and the worst tenth, of different classes as far as there are.
    """
    ranked = pairs.sort_values(["iou", "clip", "label"], ascending=[False, True, True], ignore_index=True)
    chosen: list[int] = []
    for rank in np.linspace(0.1, 0.9, count) if count > 1 else [0.5]:
        distance = (ranked.index.to_series() - rank * (len(ranked) - 1)).abs()
        order = ranked.assign(
            used=ranked["label"].isin([ranked.label[k] for k in chosen]) & (distance < len(ranked) / count),
            distance=distance,
        ).drop(index=chosen)
        if len(order):
            chosen.append(order.sort_values(["used", "distance"], kind="stable").index[0])
    return ranked.loc[chosen]


def best_percentile(sweep: pd.DataFrame, seed: int, criterion: str) -> float:
    """The percentile at which a validation sweep (`seed, percentile, iou, f1`) of a seed is best."""
    rows = sweep[sweep["seed"] == seed]
    return thresholds.best(rows["percentile"].to_numpy(float), rows[criterion].to_numpy(float))
