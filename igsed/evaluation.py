"""From frame scores to the numbers of each (clip, class) pair.

Protocol of arXiv:2605.23293: a detector's frame scores are thresholded, the threshold's parameter is swept on
validation and the best is used on test. The threshold rules (`igsed.thresholds`) declare which masks are
made and under which protocols; the metrics (`igsed.metrics`) declare what is computed from them. Other choices of the
scored pairs are protocols of their own, with thresholds of their own.

The clip classifier of a seed decides which pairs are scored (predicted and present, by default), for all detectors
alike; detectors without a model have one set of scores, judged on each seed's pairs.
"""

import functools
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd

from igsed import labels, metrics, statistics, thresholds, timeline
from igsed.clips import Split
from igsed.errors import InputError
from igsed.metrics import DRAWN, METRICS, Metric, scored_events
from igsed.scores import FrameScores
from igsed.thresholds import RULES, Rule

Protocol = tuple[str, bool, str]
"""Threshold rule, whether its parameter is that of the shared sweep, choice of pairs."""


class Sweeps(NamedTuple):
    """The sweeps (`sweep`) of the detector itself, and of the one whose best parameter is shared."""

    own: pd.DataFrame
    shared: pd.DataFrame


@dataclass(frozen=True)
class Judging:
    """How a detector is judged, from the section `evaluation` of a configuration.

    Attributes
    ----------
    labels : sequence of str
        The classes.
    protocols : mapping
        Name → threshold rule, whether the parameter is shared, choice of pairs; in the order of the result.
    metrics : sequence of str
        Names as the configuration has them.
    select : str
        The metric that the best parameter maximises.
    arguments : mapping
        Settings of metrics of events.
    scale : {"minmax", "rank", "raw"}
        See `igsed.metrics.scored_events.scaled`.
    """

    labels: Sequence[str]
    protocols: Mapping[str, Protocol]
    metrics: Sequence[str]
    select: str
    arguments: Mapping[str, float] = field(default_factory=dict)
    scale: str = "minmax"

    @functools.cached_property
    def of_pairs(self) -> list[Metric]:
        """The metrics of pairs."""
        return [metric for metric in map(METRICS.find, self.metrics) if metric.of_pairs]

    @functools.cached_property
    def of_events(self) -> list[Metric]:
        """The metrics of events."""
        return [metric for metric in map(METRICS.find, self.metrics) if metric.needs == "events"]

    @functools.cached_property
    def of_scored_events(self) -> list[Metric]:
        """The metrics of events at every threshold."""
        return [metric for metric in map(METRICS.find, self.metrics) if metric.needs == "scored_events"]


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


def sweep(
    scores: FrameScores,
    predictions: pd.DataFrame,
    events: pd.DataFrame,
    swept: Mapping[str, Sequence[float]],
    choices: Sequence[str],
    criterion: str,
    seed: int,
) -> pd.DataFrame:
    """Means over the scored validation pairs at every value of every rule's parameter, for one seed.

    Parameters
    ----------
    scores : FrameScores
    predictions : pandas.DataFrame
        As for `select`.
    events : pandas.DataFrame
        `clip, onset, offset, event_label`, seconds.
    swept : mapping
        Threshold rule → values of its parameter.
    choices : sequence of str
        The choices of pairs (see `select`).
    criterion : str
        The metric of masks that is to choose; it stands beside `DRAWN`.
    seed : int

    Returns
    -------
    pandas.DataFrame
        `seed`, a column for each parameter (NaN in the rows of other rules), the metrics, `n` (pairs) and
        `pairs` (their choice).

    Raises
    ------
    InputError
        There is no pair, so no threshold can be chosen.
    """
    chosen = {metric.name: metric for metric in map(METRICS.find, [*DRAWN, criterion])}
    curves = [pd.DataFrame(columns=["seed", *chosen, "n", "pairs"])] if not swept else []
    for choice in choices if swept else ():
        pairs = select(predictions, choice)
        active = labels.of_pairs(events, pairs, scores.values.shape[1])
        values = rows_of(scores, pairs)
        for rule, tried in swept.items():
            curves.append(
                sweep_curve(RULES.find(rule), values, active, tried, [*chosen.values()], seed).assign(pairs=choice)
            )
    return pd.concat(curves)


def by_clip(
    scores: FrameScores,
    predictions: pd.DataFrame,
    split: Split,
    swept: Mapping[str, Sequence[float]],
    choices: Sequence[str],
    criterion: str,
) -> dict[str, np.ndarray]:
    """What each validation clip adds to the means of a sweep's criterion, so that clips can be drawn again.

    Parameters
    ----------
    scores, predictions, swept, choices, criterion
        As for `sweep`.
    split : Split
        Validation.

    Returns
    -------
    dict
        `curve_key` of rule and choice of pairs → sums and numbers of defined values, float64 (2, clip, value), for the
        clips of the split in order.
    """
    place, found = {clip: k for k, clip in enumerate(split.durations)}, {}
    metric = METRICS.find(criterion)
    for choice in choices if swept else ():
        pairs = select(predictions, choice)
        active, values = labels.of_pairs(split.events, pairs, scores.values.shape[1]), rows_of(scores, pairs)
        row = pairs["clip"].map(place).to_numpy(int)
        for name, tried in swept.items():
            curve = RULES.find(name).curves(values, active, tried, [metric])[metric.name]
            both = np.zeros((2, len(place), len(tried)))
            np.add.at(both[0], row, np.nan_to_num(curve))
            np.add.at(both[1], row, ~np.isnan(curve))
            found[curve_key(name, choice)] = both
    return found


def curve_key(rule: str, choice: str) -> str:
    """What `by_clip` calls the curves of a rule and a choice of pairs."""
    return f"{choice} {rule}"


def curves_of(seed: int, given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The curves of a seed, from those of all seeds under `"<seed> <curve_key>"`."""
    return {key.removeprefix(f"{seed} "): given[key] for key in given if key.startswith(f"{seed} ")}


def redrawn_parameters(
    rule: Rule, curves: np.ndarray, values: Sequence[float], chosen: float, weights: np.ndarray
) -> np.ndarray:
    """The parameter that is best on each resample of the validation clips, (replicate,).

    Parameters
    ----------
    curves : numpy.ndarray (2, clip, value)
        Of `by_clip`.
    values : sequence of float (value,)
        What was swept.
    chosen : float
        The best on the clips as they are: taken where a resample has no pair.
    weights : numpy.ndarray (replicate, clip)
        How often each clip is drawn.
    """
    sums, counts = weights @ curves[0], weights @ curves[1]
    means = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    defined = np.isfinite(means).any(-1)
    return np.array([rule.best(values, mean) if known else chosen for mean, known in zip(means, defined, strict=True)])


def sweep_curve(
    rule: Rule, scores: np.ndarray, active: np.ndarray, values: Sequence[float], chosen: Sequence[Metric], seed: int
) -> pd.DataFrame:
    """Means over pairs at each value of a rule's parameter: `seed`, the parameter, the metrics, `n` (pairs).

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
    curves = rule.curves(scores, active, values, chosen)
    means = {metric.name: np.nanmean(curves[metric.name], axis=0) for metric in chosen}
    return pd.DataFrame({"seed": seed, rule.parameter: values, **means, "n": len(scores)})


def best_parameter(rule: Rule, sweep: pd.DataFrame, seed: int, pairs: str, criterion: str) -> float | None:
    """The value of a rule's parameter at which a validation sweep of a seed is best; None where it has no parameter."""
    if not rule.parameter:
        return None
    rows = sweep[(sweep["seed"] == seed) & (sweep["pairs"] == pairs) & sweep[rule.parameter].notna()]
    return rule.best(rows[rule.parameter].to_numpy(float), rows[METRICS.find(criterion).name].to_numpy(float))


def judge(
    scores: FrameScores,
    predictions: pd.DataFrame,
    split: Split,
    sweeps: Sweeps,
    judging: Judging,
    detector: str,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A detector's numbers on a split, for one seed, under every protocol.

    Parameters
    ----------
    scores : FrameScores
    predictions : pandas.DataFrame
        As for `select`.
    split : Split
    sweeps : Sweeps
        On validation.
    judging : Judging

    Returns
    -------
    pairs : pandas.DataFrame
        `clip, label`, the columns of `pair_metrics`, `detector, seed, split, protocol` and a column for the parameter.
    detections : pandas.DataFrame
        `label, metric, value, n` of the metrics of events, `detector, seed, split, protocol` and the parameter.
    """
    tables, detections, names = [], [], metrics.of_pairs(judging.of_pairs)
    of_scores, of_masks = _by_protocol(judging.of_pairs)
    for name, clips in split.subsets.items():
        here = predictions[predictions["clip"].isin(clips)]
        at_every_threshold = scored_event_metrics(split, clips, scores, here, judging)
        of_events: dict[tuple, list[pd.DataFrame]] = {}  # by rule and parameter, which protocols may have in common
        of_choices: dict[str, tuple] = {}
        for protocol, (rule_name, shared, choice) in judging.protocols.items():
            rule = RULES.find(rule_name)
            found = sweeps.shared if shared else sweeps.own
            parameter = best_parameter(rule, found, seed, choice, judging.select)
            key = {"detector": detector, "seed": seed, "split": name, "protocol": protocol}
            key |= {rule.parameter: parameter} if rule.parameter else {}
            if choice not in of_choices:
                pairs = select(here, choice)
                values, active = rows_of(scores, pairs), labels.of_pairs(split.events, pairs, scores.values.shape[1])
                free = pair_metrics(values, np.zeros(values.shape, bool), active, pairs["clip"], of_scores)
                of_choices[choice] = pairs, values, active, free
            pairs, values, active, free = of_choices[choice]
            masks = rule.mask(values, parameter) if len(pairs) else np.zeros(values.shape, bool)
            bound = pair_metrics(values, masks, active, pairs["clip"], of_masks)
            numbers = bound.join(free.drop(columns="active_ratio"))[[*names, "active_ratio"]]
            tables.append(pairs.join(numbers).assign(**key))
            if (rule_name, parameter) not in of_events:
                estimated = detected_events(scores, here, functools.partial(rule.mask, parameter=parameter))
                of_events[rule_name, parameter] = event_metrics(split, clips, estimated, judging)
            detections += [table.assign(**key) for table in (*of_events[rule_name, parameter], *at_every_threshold)]
    empty = pd.DataFrame(columns=["label", "metric", "value", "n", "detector", "seed", "split", "protocol"])
    return pd.concat(tables), pd.concat(detections) if detections else empty


def pair_metrics(
    scores: np.ndarray,
    predicted: np.ndarray,
    active: np.ndarray,
    clips: Sequence[str],
    chosen: Sequence[Metric] | None = None,
) -> pd.DataFrame:
    """The metrics of each pair.

    Parameters
    ----------
    scores, predicted, active : numpy.ndarray (pair, frame)
        Frame scores, bool detections, and bool ground truth.
    clips : sequence of str (pair,)
        The clip of each pair.
    chosen : sequence of Metric, optional
        Of pairs; by default igsed's own.

    Returns
    -------
    pandas.DataFrame
        A row per pair, a column per metric, and `active_ratio`.
    """
    chosen = [metric for metric in metrics.built_in() if metric.of_pairs] if chosen is None else chosen
    if not len(scores):
        return pd.DataFrame(columns=[*metrics.of_pairs(chosen), "active_ratio"], dtype=float)
    values = {metric.name: metric.values(predicted, scores, active, clips) for metric in chosen}
    return pd.DataFrame(values | {"active_ratio": metrics.active_ratio(active)})


def detected_events(scores: FrameScores, predictions: pd.DataFrame, mask: Callable) -> pd.DataFrame:
    """Events that a detector reports: runs of detected frames, for the classes predicted in each clip.

    `mask` makes bool (pair, frame) of scores (pair, frame).

    Returns
    -------
    pandas.DataFrame
        `clip, label, onset, offset`, seconds.
    """
    pairs = predictions.loc[predictions["predicted"] == 1, ["clip", "label"]].reset_index(drop=True)
    masks = mask(rows_of(scores, pairs)) if len(pairs) else np.zeros((0, 0), bool)
    found = [
        (*pair, *run)
        for pair, mask in zip(pairs.itertuples(index=False), masks, strict=True)
        for run in timeline.segments(mask)
    ]
    return pd.DataFrame(found, columns=["clip", "label", "onset", "offset"])


def event_metrics(split: Split, clips: Sequence[str], estimated: pd.DataFrame, judging: Judging) -> list[pd.DataFrame]:
    """Tables `label, metric, value, n` of the metrics of events in some clips of a split; one for each function."""
    reference, durations = _known_events(split, clips)
    return [
        table[table["metric"].isin(names)]
        for function, names, arguments in _functions(judging.of_events, judging)
        for table in [function(reference, estimated, durations, judging.labels, **arguments)]
    ]


def scored_event_metrics(
    split: Split, clips: Sequence[str], scores: FrameScores, predictions: pd.DataFrame, judging: Judging
) -> list[pd.DataFrame]:
    """The same of the metrics that see every threshold, from the scores of the classes predicted in each clip."""
    if not judging.of_scored_events:
        return []
    reference, durations = _known_events(split, clips)
    given = ScoresOfClips(scores, predictions, clips, judging)
    return [
        table[table["metric"].isin(names)]
        for function, names, arguments in _functions(judging.of_scored_events, judging)
        for table in [function(given, reference, durations, judging.labels, **arguments)]
    ]


class ScoresOfClips(Mapping):
    """Clip → scores (frame, class) on the scale that `judging` names; −inf, below every threshold, if not predicted.

    An array is made when it is asked for: all together they would take many times the memory of the scores.
    """

    def __init__(self, scores: FrameScores, predictions: pd.DataFrame, clips: Sequence[str], judging: Judging):
        chosen = predictions[predictions["predicted"] == 1].reset_index(drop=True)
        values = rows_of(scores, chosen[["clip", "label"]]) if len(chosen) else np.zeros((0, scores.values.shape[1]))
        self._values = scored_events.scaled(values, chosen["probability"].to_numpy(float), judging.scale)
        self._columns = pd.Index(list(judging.labels)).get_indexer(chosen["label"])
        self._rows = chosen.groupby("clip", sort=False).indices
        self._clips = dict.fromkeys(clips, (scores.values.shape[1], len(judging.labels)))

    def __getitem__(self, clip: str) -> np.ndarray:
        found = np.full(self._clips[clip], -np.inf)
        rows = self._rows.get(clip, np.zeros(0, int))
        found[:, self._columns[rows]] = self._values[rows].T
        return found

    def __iter__(self):
        return iter(self._clips)

    def __len__(self) -> int:
        return len(self._clips)


def _known_events(split: Split, clips: Sequence[str]) -> tuple[pd.DataFrame, dict[str, float]]:
    """The events of some clips as metrics take them, and the clips' lengths."""
    reference = split.events[split.events["clip"].isin(clips)].rename(columns={"event_label": "label"})
    return reference, {clip: split.durations[clip] for clip in clips}


def _functions(chosen: Sequence[Metric], judging: Judging) -> list[tuple[Callable, list[str], dict[str, float]]]:
    """The functions of metrics of events, each once, with the names of its metrics and its arguments."""
    return [
        (
            function,
            [metric.name for metric in together],
            {name: judging.arguments[key] for metric in together for name, key in metric.arguments.items()},
        )
        for function in dict.fromkeys(metric.function for metric in chosen)
        for together in [[metric for metric in chosen if metric.function is function]]
    ]


def tidy(
    pairs: pd.DataFrame,
    detections: pd.DataFrame,
    metrics_of_pairs: Sequence[str] | None = None,
    parameters: Sequence[str] | None = None,
) -> pd.DataFrame:
    """All numbers as rows of `metrics.csv`: `detector, seed, split, protocol, label, metric, value, n`.

    Parameters
    ----------
    pairs : pandas.DataFrame
        `judge`'s of all detectors, below each other.
    detections : pandas.DataFrame
        `judge`'s of all detectors: `detector, seed, split, protocol, label, metric, value, n`; perhaps empty.
    metrics_of_pairs, parameters : sequence of str, optional
        The metrics and the thresholds' parameters among the columns of `pairs`; by default those of igsed's own, the
        parameters as far as they are there.

    Returns
    -------
    pandas.DataFrame
        Labels are the classes, `all` (mean over pairs) and `class_mean` (mean over classes); `n` counts the values that
        entered a mean, so NaN is never left out unseen.
    """
    names = [*(metrics.of_pairs() if metrics_of_pairs is None else metrics_of_pairs), "active_ratio"]
    if parameters is None:
        parameters = [rule.parameter for rule in thresholds.built_in() if rule.parameter in pairs]
    keys = ["detector", "seed", "split", "protocol"]

    def means(table: pd.DataFrame, by: list[str], metric: str) -> pd.DataFrame:
        return table.groupby(by)[metric].agg(value="mean", n="count").reset_index().assign(metric=metric)

    # A metric at a time: all of them below each other would be a table many times as long as the pairs.
    per_class = pd.concat([means(pairs, [*keys, "label"], name) for name in names])
    over_pairs = [means(pairs, keys, name).assign(label="all") for name in names]
    over_classes = per_class.groupby([*keys, "metric"])["value"].agg(value="mean", n="count").reset_index()
    chosen = [
        found.assign(label="all", metric=name)
        for name in parameters
        if name in pairs
        for found in [pairs.groupby(keys)[name].agg(value="first", n="size").reset_index().dropna(subset=["value"])]
    ]
    return gathered([per_class, *over_pairs, over_classes.assign(label="class_mean"), *chosen, detections])


def gathered(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables of numbers as one, in the order of `metrics.csv`: by detector, seed, split, protocol, label and metric."""
    columns = ["detector", "seed", "split", "protocol", "label", "metric", "value", "n"]
    rows = pd.concat([table for table in tables if len(table)])
    return rows[columns].sort_values(columns[:6], ignore_index=True)


class Resampling(NamedTuple):
    """How often what is drawn anew: settings of `igsed.statistics.bootstrap`, and the stream of validation clips."""

    replicates: int
    confidence: float
    seed: int | np.random.SeedSequence
    validation: int | np.random.SeedSequence


def intervals(
    pairs: pd.DataFrame,
    scores: Mapping[int, FrameScores],
    split: Split,
    curves: Mapping[int, tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]]],
    swept: Mapping[str, Sequence[float]],
    judging: Judging,
    resampling: Resampling,
) -> pd.DataFrame:
    """Bootstrap intervals of one detector on a split, over clips and over recordings and validation clips.

    Parameters
    ----------
    pairs : pandas.DataFrame
        `judge`'s of all seeds, with the column `source` where the recordings are known.
    scores : mapping
        Seed → frame scores.
    split : Split
    curves : mapping
        Seed → `by_clip` of the detector itself, and of the one whose best parameter is shared.
    swept : mapping
        Threshold rule → values of its parameter.
    judging : Judging
    resampling : Resampling

    Returns
    -------
    pandas.DataFrame
        Rows `detector, split, protocol, label, metric` with the columns of `igsed.statistics.bootstrap`.
    """
    of_scores, of_masks = _by_protocol(judging.of_pairs)
    weights: dict[int, np.ndarray] = {}
    once: dict[tuple, pd.DataFrame] = {}
    found = []
    for (subset, protocol), rows in pairs.groupby(["split", "protocol"], sort=False):
        name, shared, choice = judging.protocols[str(protocol)]
        rule, redrawn = RULES.find(name), {}
        for seed, own in rows.groupby("seed") if rule.parameter and len(swept[name]) > 1 else ():
            curve = curves[seed][int(shared)][curve_key(name, choice)]
            count = curve.shape[1]
            if count not in weights:
                weights[count] = statistics.multiplicities(resampling.validation, resampling.replicates, count)
            parameter = float(own[rule.parameter].iloc[0])
            chosen = redrawn_parameters(rule, curve, swept[name], parameter, weights[count])
            values = rows_of(scores[seed], own[["clip", "label"]])
            active = labels.of_pairs(split.events, own, values.shape[1])
            tables = {}
            for value in np.unique(chosen):
                mask = rule.mask(values, value)
                tables[value] = pd.DataFrame({m.name: m.values(mask, values, active, own["clip"]) for m in of_masks})
            redrawn[seed] = statistics.Rethresholded(chosen, tables)
        drawn = functools.partial(
            statistics.bootstrap,
            rows,
            labels=judging.labels,
            clips=split.subsets[str(subset)],
            replicates=resampling.replicates,
            confidence=resampling.confidence,
            seed=resampling.seed,
        )
        if (subset, choice) not in once:
            once[subset, choice] = drawn(metrics.of_pairs(of_scores))
        both = [once[subset, choice], drawn(metrics.of_pairs(of_masks), rethresholded=redrawn)]
        key = {"detector": rows["detector"].iloc[0], "split": subset, "protocol": protocol}
        found.append(_in_order(both, judging.labels, judging.of_pairs).assign(**key))
    return pd.concat(found)[INTERVALS] if found else pd.DataFrame(columns=INTERVALS)


def _by_protocol(chosen: Sequence[Metric]) -> tuple[list[Metric], list[Metric]]:
    """The metrics of pairs that every protocol of a choice of pairs has the same values of, and those that see a mask.

    The former are computed and resampled once for each choice.
    """
    of_scores = [metric for metric in chosen if metric.needs != "mask"]
    return of_scores, [metric for metric in chosen if metric.needs == "mask"]


def _in_order(tables: Sequence[pd.DataFrame], classes: Sequence[str], chosen: Sequence[Metric]) -> pd.DataFrame:
    """Tables of `igsed.statistics` by label and metric, as if it had been made of all metrics together."""
    table, names = pd.concat([table for table in tables if len(table)]), pd.Index(metrics.of_pairs(chosen))
    places = pd.Index([*classes, "class_mean", "all"]).get_indexer(table["label"]), names.get_indexer(table["metric"])
    return table.iloc[np.lexsort(places[::-1])]


_NUMBERS = ["split", "protocol", "label", "metric", "value", "low", "high"]
_COUNTS = ["pairs", "clips", "seeds", "undefined"]
_SOURCES = ["low_sources", "high_sources", "sources", "low_wide", "high_wide"]
_DIFFERENCES = ["detector", "minus", *_NUMBERS, "p", *_COUNTS, "unmatched", *_SOURCES, "p_sources", "detectable"]
INTERVALS = ["detector", *_NUMBERS, "std", *_COUNTS, *_SOURCES]
"""The columns of `intervals.csv`."""


def differences(
    pairs: pd.DataFrame,
    reference: pd.DataFrame,
    subsets: Mapping[str, Sequence[str]],
    choices: Mapping[str, str],
    chosen: Sequence[Metric],
    classes: Sequence[str],
    resampling: Resampling,
) -> pd.DataFrame:
    """Paired differences of one detector from another.

    Parameters
    ----------
    pairs, reference : pandas.DataFrame
        `judge`'s of the one and of the other, with `source` where the recordings are known.
    subsets : mapping
        Value of the column `split` → all its clips.
    choices : mapping
        Protocol → its choice of pairs (see `select`).
    chosen : sequence of Metric
        Of pairs.
    classes : sequence of str

    Returns
    -------
    pandas.DataFrame
        Rows `detector, minus, split, protocol, label, metric` with the columns of `statistics.paired_difference`, for
        the protocols that both have.
    """
    found, others = [], dict(iter(reference.groupby(["split", "protocol"])))
    of_scores, of_masks = _by_protocol(chosen)
    once: dict[tuple, pd.DataFrame] = {}
    for (split, protocol), rows in pairs.groupby(["split", "protocol"], sort=False):
        if (split, protocol) in others:
            other, choice = others[split, protocol], choices[str(protocol)]
            drawn = functools.partial(
                statistics.paired_difference,
                rows,
                other,
                labels=classes,
                clips=subsets[split],
                replicates=resampling.replicates,
                confidence=resampling.confidence,
                seed=resampling.seed,
            )
            if (split, choice) not in once:
                once[split, choice] = drawn(metrics.of_pairs(of_scores))
            table = _in_order([once[split, choice], drawn(metrics.of_pairs(of_masks))], classes, chosen)
            key = {"detector": rows["detector"].iloc[0], "minus": other["detector"].iloc[0]}
            found.append(table.assign(**key, split=split, protocol=protocol))
    return pd.concat(found, ignore_index=True)[_DIFFERENCES] if found else pd.DataFrame(columns=_DIFFERENCES)


def corrected(tables: Sequence[pd.DataFrame], confidence: float) -> pd.DataFrame:
    """The `differences` of all detectors with `p_holm`, the larger of the two p-values corrected by Holm.

    Corrected is for the detectors under the same split, protocol, label and metric, which is what a table shows beside
    each other. `detectable`, where it is there, becomes that of the strictest step of the correction.
    """
    tables = [table for table in tables if len(table)]
    if not tables:
        return pd.DataFrame(columns=[*_DIFFERENCES, "p_holm"])
    differences = pd.concat(tables, ignore_index=True)
    larger = differences[["p", "p_sources"]].astype(float).max(axis=1)
    groups = larger.groupby([differences[key] for key in ("split", "protocol", "label", "metric")], sort=False)
    differences["p_holm"] = groups.transform(statistics.holm)
    if "detectable" in differences:
        single = statistics.standard_errors(confidence)
        several = groups.transform("count").map(lambda n: statistics.standard_errors(confidence, max(int(n), 1)))
        differences["detectable"] *= several / single
    return differences


def tell_floor(comparisons: int, resampling: Resampling) -> None:
    """Warn where no difference can be found: a p-value of a bootstrap has a floor, and the correction multiplies it."""
    floor = comparisons * 2 / (resampling.replicates + 1)
    if floor > 1 - resampling.confidence:
        logging.warning(
            "No corrected p-value of %d comparisons can be below %.2g with evaluation.bootstrap: %d; give at least %d.",
            comparisons,
            min(floor, 1),
            resampling.replicates,
            math.ceil(comparisons * 2 / (1 - resampling.confidence)),
        )


def ranking(
    pairs: Mapping[str, pd.DataFrame],
    subsets: Mapping[str, Sequence[str]],
    chosen: Sequence[Metric],
    resampling: Resampling,
) -> pd.DataFrame:
    """`igsed.statistics.ranking` of detectors on every split, by the metrics that rank.

    Parameters
    ----------
    pairs : mapping
        Detector → `judge`'s of it under one protocol, with `source` where the recordings are known.
    subsets
        As for `differences`.
    chosen : sequence of Metric
        The experiment's.

    Returns
    -------
    pandas.DataFrame
        `split` and the columns of `igsed.statistics.ranking`.
    """
    directions = {metric.name: bool(metric.higher_is_better) for metric in metrics.ranking(chosen)}
    columns = ["split", "metric", "detector", "value", "rank", "rank_low", "rank_high"]
    found = []
    for split, clips in subsets.items() if directions and pairs else ():
        tables = {name: table[table["split"] == split] for name, table in pairs.items()}
        settings = resampling.replicates, resampling.confidence, resampling.seed
        found.append(statistics.ranking(tables, directions, clips, *settings).assign(split=split))
    return pd.concat(found)[columns] if found else pd.DataFrame(columns=columns)


def representative(pairs: pd.DataFrame, count: int, metric: str = DRAWN[0]) -> pd.DataFrame:
    """Pairs to show as examples: spread evenly over a detector's ranking, not picked by hand.

    `pairs` are one detector's, one seed's, one protocol's. The pairs are ranked by a metric and taken at evenly spaced
    ranks between the best and the worst tenth, of different classes as far as there are.
    """
    ranked = pairs.sort_values([metric, "clip", "label"], ascending=[False, True, True], ignore_index=True)
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
