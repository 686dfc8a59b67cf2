"""Metrics of events at every threshold at once: nothing is chosen on validation, and one threshold holds for all clips.

Lowering a threshold adds runs of frames, makes them longer and joins them. A *run* is such an event: frames whose
scores all reach `score`, between frames that do not. It is there for thresholds from its lowest score down to, but
without, the higher of the two scores beside it (`below`), where it becomes part of a longer run. A clip of n frames
has at most n runs over all thresholds. What they hit or miss is counted once for each run and added up from the
highest threshold down.

The numbers are those of sed_scores_eval 0.0.4 on the same scores (Ebbers, Serizel and Haeb-Umbach 2022,
"Threshold-independent evaluation of sound event detection scores"; the tests compare them), for a score of −inf
too: it is below every threshold. Here no table is made for each clip and no mask for each threshold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from igsed.metrics.events import checked
from igsed.metrics.metric import Metric
from igsed.timeline import FRAME

if TYPE_CHECKING:  # A configuration, which names metrics, is read without pandas.
    import pandas as pd

FILTERS = (0.0, 0.3, 0.5, 0.9, 1.7, 3.3)
"""Lengths of the median filters that `any_filter_psds` tries, in seconds: odd numbers of frames, 0 for none."""

MAX_FALSE_POSITIVES = 100.0
"""Per hour: how far the area of a PSDS reaches."""

_MICRO = 1e6  # sed_scores_eval compares times to six decimals; here they are whole microseconds.


class _Kind(NamedTuple):
    """A polyphonic sound detection score: its thresholds of detection, ground truth and cross-trigger tolerance."""

    detection: float
    truth: float
    cross: float | None
    cross_weight: float


_PSDS = {"psds1": _Kind(0.7, 0.7, None, 0.0), "psds2": _Kind(0.1, 0.1, 0.3, 0.5)}


class _Events(NamedTuple):
    """Events in the order of their clips: number of the clip and of the class, onset and offset (µs)."""

    clip: np.ndarray
    label: np.ndarray
    onset: np.ndarray
    offset: np.ndarray


class _Runs(NamedTuple):
    """All runs of a class, in the order of their pairs: number of the clip, onset and offset (µs), `score`, `below`.

    The last two are places in the class's scores in rising order, of which there are `levels`; −1 is below all.
    """

    clip: np.ndarray
    onset: np.ndarray
    offset: np.ndarray
    score: np.ndarray
    below: np.ndarray
    levels: int


class _Meetings(NamedTuple):
    """Every run with every event of its clip: their numbers, and how long they overlap (µs)."""

    run: np.ndarray
    event: np.ndarray
    overlap: np.ndarray


class _Curve(NamedTuple):
    """True positive rate and effective false positive rate (1/h), both rising."""

    hits: np.ndarray
    false: np.ndarray


def psds(
    scores: Mapping[str, np.ndarray],
    reference: pd.DataFrame,
    durations: Mapping[str, float],
    labels: Sequence[str],
    merge: float = 0.15,
) -> pd.DataFrame:
    """Polyphonic sound detection scores 1 and 2 of DCASE task 4 (Bilen et al. 2020).

    The area under a curve of true against effective false positives per hour, up to 100, divided by 100. A detection is
    right if a share `dtc` of it lies in events of its class; an event is found if right detections cover a share `gtc`
    of it; a wrong detection that lies in events of another class by a share `cttc` is a cross trigger, which counts
    more. PSDS 1: dtc = gtc = 0.7, no cross triggers. PSDS 2: dtc = gtc = 0.1, cttc = 0.3, weight 0.5.

    A class's own value is the area under its own curve. `class_mean` is their mean; `all` is the area under the mean
    of the curves minus their standard deviation (α_st = 1), the PSDS of the literature. Classes without an event do not
    count, not even as a cause of cross triggers.

    Parameters
    ----------
    scores : mapping of clip to numpy.ndarray (frame, class)
        On frames of 100 ms, classes as `labels`; −inf is below every threshold. Read once, clip by clip.
    reference : pandas.DataFrame
        Columns clip, label, onset, offset (s). Rows without a label are passed over. Events of one class that overlap
        or lie less than `merge` seconds apart become one (`igsed.events.merged`).
    durations : mapping of clip to seconds
        All clips that are evaluated; `scores` must have them.
    labels : sequence of str
        The classes, in the order of the result.
    merge : float
        Seconds, ≥ 0.

    Returns
    -------
    pandas.DataFrame
        label (each class, `class_mean`, `all`), metric (`psds1`, `psds2`, 0…1), value, n (number of events after
        merging). NaN without an event of the class.

    Raises
    ------
    ValueError
        If an event's clip is not in `durations`, its label not in `labels`, its offset not after its onset, or scores
        are not finite (but for −inf) or not of shape (frame, class).
    """
    events = _events(reference, durations, labels, merge)
    curves = _curves(_rows(scores, durations, labels), events, durations, len(labels))
    return _psds_table({name: _area(curve, labels) for name, curve in curves.items()}, events, labels)


def any_filter_psds(
    scores: Mapping[str, np.ndarray],
    reference: pd.DataFrame,
    durations: Mapping[str, float],
    labels: Sequence[str],
    merge: float = 0.15,
) -> pd.DataFrame:
    """PSDS at the best of the median filters `FILTERS`, for each class and each rate of false positives.

    So smooth scores have no advantage over rough ones that a filter would have helped as well (arXiv:2306.15440).
    Outside of the clip the filters find −inf. Arguments, result (`psds1_any_filter`, `psds2_any_filter`) and errors:
    see `psds`.
    """
    from scipy.ndimage import median_filter

    events = _events(reference, durations, labels, merge)
    rows = _rows(scores, durations, labels)
    found: dict[str, dict[int, list[_Curve]]] = {name: {} for name in _PSDS}
    for length in FILTERS:
        frames = round(length / FRAME)
        filtered = {
            label: (clips, median_filter(values, (1, frames), mode="constant", cval=-np.inf) if frames else values)
            for label, (clips, values) in rows.items()
        }
        for name, own in _curves(filtered, events, durations, len(labels)).items():
            for label, curve in own.items():
                found[name].setdefault(label, []).append(curve)
    areas = {}
    for name, curves in found.items():
        best = {k: _rising(*(np.concatenate(values) for values in zip(*of, strict=True))) for k, of in curves.items()}
        areas[f"{name}_any_filter"] = _area(best, labels)
    return _psds_table(areas, events, labels)


def collar_based(
    scores: Mapping[str, np.ndarray],
    reference: pd.DataFrame,
    durations: Mapping[str, float],
    labels: Sequence[str],
    collar: float = 0.2,
    percentage: float = 0.2,
    merge: float = 0.15,
) -> pd.DataFrame:
    """Event-based F1 at the threshold that is best for each class on these very clips: an upper bound.

    Events match as in `igsed.metrics.event_based`: one to one and as many as possible, onsets within `collar`, offsets
    within `collar` or `percentage` of the real event's length, whichever is more. Detected events are not merged. `all`
    counts over classes (micro average), each at its own threshold; of equally good thresholds it is the highest one.

    Parameters
    ----------
    scores, reference, durations, labels, merge
        See `psds`.
    collar : float
        Seconds, > 0.
    percentage : float
        Share of the real event's length, 0…1.

    Returns
    -------
    pandas.DataFrame
        As `psds` with the metric `collar_f1`.

    Raises
    ------
    ValueError
        As `psds`.
    """
    events, rows = _events(reference, durations, labels, merge), _rows(scores, durations, labels)
    tolerated = np.round(np.maximum(collar * _MICRO, percentage * (events.offset - events.onset)))
    values, total = {}, np.zeros(3)
    for label in np.unique(events.label):
        runs, own = _runs(*rows[label]), np.flatnonzero(events.label == label)
        meetings = _meet(runs, events, own)
        run, event = meetings.run, meetings.event
        near = (np.abs(runs.onset[run] - events.onset[event]) <= round(collar * _MICRO)) & (
            np.abs(runs.offset[run] - events.offset[event]) <= tolerated[event]
        )
        hits = _above(runs.levels, *_matches(runs, run[near], event[near]))
        detected = _above(runs.levels, runs.score, runs.below, np.ones(len(runs.score)))
        precision = np.divide(hits, detected, out=np.ones(len(hits)), where=detected > 0)
        recall = hits / len(own)
        f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-15)
        best = len(f1) - 1 - int(np.argmax(f1[::-1]))
        values[label] = f1[best]
        total += hits[best], detected[best], len(own)
    overall = 2 * total[0] / (total[1] + total[2]) if len(values) else math.nan
    return _table("collar_f1", values, overall, events, labels)


def scaled(values: np.ndarray, probability: np.ndarray, scale: str) -> np.ndarray:
    """Scores that can be compared across clips.

    Parameters
    ----------
    values : numpy.ndarray (pair, frame)
        Finite.
    probability : numpy.ndarray (pair,)
        Of the class in the clip.
    scale : {"minmax", "rank", "raw"}
        `minmax`: from 0 at the pair's lowest score to the probability at its highest; `rank`: the share of the pair's
        frames that score no higher, times the probability; `raw`: as they are. A constant score becomes the
        probability under the first two.

    Returns
    -------
    numpy.ndarray of float64 (pair, frame)

    Examples
    --------
    >>> scaled(np.array([[-1.0, 0.0, 3.0, 0.0]]), np.array([0.8]), "minmax")
    array([[0. , 0.2, 0.8, 0.2]])
    >>> scaled(np.array([[-1.0, 0.0, 3.0, 0.0]]), np.array([0.8]), "rank")
    array([[0.2, 0.6, 0.8, 0.6]])
    """
    values = np.asarray(values, dtype=np.float64)
    if scale == "raw" or not values.size:
        return values
    if scale == "rank":
        from scipy.stats import rankdata

        share = rankdata(values, method="max", axis=1) / values.shape[1]
    else:
        low, high = values.min(1, keepdims=True), values.max(1, keepdims=True)
        share = np.divide(values - low, high - low, out=np.ones_like(values), where=high > low)
    return share * np.asarray(probability, dtype=np.float64)[:, None]


def _events(reference: pd.DataFrame, durations: Mapping, labels: Sequence[str], merge: float) -> _Events:
    import pandas as pd

    from igsed.events import merged

    known = merged(checked(reference, reference.iloc[:0], durations, labels)[0], merge, ("clip", "label"))
    clip = pd.Index(list(durations)).get_indexer(known["clip"])
    order = np.argsort(clip, kind="stable")
    micro = [np.rint(known[column].to_numpy(float) * _MICRO)[order] for column in ("onset", "offset")]
    return _Events(clip[order], pd.Index(list(labels)).get_indexer(known["label"])[order], *micro)


def _rows(
    scores: Mapping[str, np.ndarray], durations: Mapping, labels: Sequence[str]
) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Class → number of the clip (pair,) and scores (pair, frame) where some score is above −inf; filled up by −inf."""
    clips: list[list[int]] = [[] for _ in labels]
    found: list[list[np.ndarray]] = [[] for _ in labels]
    for number, clip in enumerate(durations):
        values = np.asarray(scores[clip], dtype=np.float64)
        if values.ndim != 2 or values.shape[1] != len(labels):
            raise ValueError(f"{clip}: scores of shape {values.shape} are not (frame, class) of {len(labels)} classes")
        if np.isnan(values).any() or (values == np.inf).any():
            raise ValueError(f"{clip}: scores are neither finite nor −inf")
        for label in np.flatnonzero((values > -np.inf).any(0)).tolist():
            clips[label].append(number)
            found[label].append(values[:, label].copy())
    rows = {}
    for k, own in enumerate(found):
        filled = np.full((len(own), max(map(len, own), default=0)), -np.inf)
        for row, values in zip(filled, own, strict=True):
            row[: len(values)] = values
        rows[k] = np.array(clips[k], dtype=int), filled
    return rows


def _runs(clips: np.ndarray, rows: np.ndarray) -> _Runs:
    """The runs of scores (pair, frame)."""
    padded = np.pad(rows, ((0, 0), (1, 1)), constant_values=-np.inf).T  # (frame, pair)
    before, repeated = _last_lower(padded)
    after = len(padded) - 1 - _last_lower(padded[::-1])[0][::-1]
    # A run is known by the first of its frames with its lowest score.
    pair, frame = np.nonzero(((padded > -np.inf) & ~repeated).T)
    first, end = before[frame, pair], after[frame, pair]
    points, score = np.unique(padded[frame, pair], return_inverse=True)
    below = np.searchsorted(points, np.maximum(padded[first, pair], padded[end, pair]), side="right") - 1
    step = round(FRAME * _MICRO)
    return _Runs(clips[pair], first * step, (end - 1) * step, score, below, len(points))


def _last_lower(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For scores (frame, pair): the last lower frame before each (0 if none), whether an equal one follows.

    From a frame that is not lower, its own last lower one is next: what lies between is not lower either.
    """
    last, repeated = np.zeros(scores.shape, dtype=np.int64), np.zeros(scores.shape, dtype=bool)
    for frame in range(1, len(scores)):
        place = np.full(scores.shape[1], frame - 1)
        pairs = np.flatnonzero((scores[frame - 1] >= scores[frame]) & (frame > 1))
        while len(pairs):
            passed = place[pairs]
            repeated[frame, pairs[scores[passed, pairs] == scores[frame, pairs]]] = True
            place[pairs] = last[passed, pairs]
            pairs = pairs[(place[pairs] > 0) & (scores[place[pairs], pairs] >= scores[frame, pairs])]
        last[frame] = place
    return last, repeated


def _meet(runs: _Runs, events: _Events, among: np.ndarray) -> _Meetings:
    """Each run with each of some events (in the order of their clips) of its clip."""
    start, stop = (np.searchsorted(events.clip[among], runs.clip, side=side) for side in ("left", "right"))
    count = stop - start
    run = np.repeat(np.arange(len(count)), count)
    event = among[np.arange(len(run)) - np.repeat(np.cumsum(count) - count - start, count)]
    ends = np.minimum(runs.offset[run], events.offset[event]) - np.maximum(runs.onset[run], events.onset[event])
    return _Meetings(run, event, np.maximum(ends, 0.0))


def _above(levels: int, score: np.ndarray, below: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """The sum of the amounts that are there at the threshold of each level and, last, above all.

    An amount is there from its score down to, but without, what is below.
    """
    change = np.bincount(score + 1, amount, levels + 1) - np.bincount(below + 1, amount, levels + 1)
    return np.append(np.cumsum(change[:0:-1])[::-1], 0.0)


def _reached(
    score: np.ndarray, below: np.ndarray, owner: np.ndarray, amount: np.ndarray, needed: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Where the amounts of each owner, added up from above, begin and cease to reach what it needs.

    Returns, for each stretch, the owner and what `_above` takes, with an amount of 1.
    """
    ends = below >= 0
    owner = np.concatenate([owner, owner[ends]])
    score, amount = np.concatenate([score, below[ends]]), np.concatenate([amount, -amount[ends]])
    order = np.lexsort((-score, owner))
    owner, score, total = owner[order], score[order], np.cumsum(amount[order])
    first = np.append(True, owner[1:] != owner[:-1])[: len(owner)]
    total -= np.concatenate([[0.0], total])[:-1][first][np.cumsum(first) - 1]
    last = np.append((owner[1:] != owner[:-1]) | (score[1:] != score[:-1]), True)[: len(owner)]
    owner, score, enough = owner[last], score[last], total[last] >= needed[owner[last]]
    first = np.append(True, owner[1:] != owner[:-1])[: len(owner)]
    earlier = np.append(False, enough[:-1])[: len(owner)] & ~first
    begins, ceases = enough & ~earlier, ~enough & earlier
    # Every stretch but the last one of an owner is followed by its end.
    starts = np.flatnonzero(begins)
    following = np.searchsorted(np.flatnonzero(ceases), starts)
    stops = np.append(np.flatnonzero(ceases), len(owner))[following]
    closed = (stops < len(owner)) & (np.append(owner, -1)[stops] == owner[starts])
    below = np.where(closed, np.append(score, -1)[stops], -1)
    return owner[starts], score[starts], below, np.ones(len(starts))


def _curves(
    rows: dict[int, tuple[np.ndarray, np.ndarray]], events: _Events, durations: Mapping, classes: int
) -> dict[str, dict[int, _Curve]]:
    """PSDS → class with events → its curve."""
    curves: dict[str, dict[int, _Curve]] = {name: {} for name in _PSDS}
    present, number = np.unique(events.label, return_counts=True)
    length = np.bincount(events.label, events.offset - events.onset, classes) / _MICRO
    for label, count in zip(present, number, strict=True):
        runs, everything = _runs(*rows[label]), np.arange(len(events.clip))
        meetings, span = _meet(runs, events, everything), runs.offset - runs.onset
        within = np.bincount(
            meetings.run * classes + events.label[meetings.event], meetings.overlap, len(span) * classes
        ).reshape(-1, classes)
        others = [other for other in present if other != label]
        mine = (events.label[meetings.event] == label) & (meetings.overlap > 0)
        for name, kind in _PSDS.items():
            right = within[:, label] >= np.rint(kind.detection * span)
            hitting = mine & right[meetings.run]
            run, event = meetings.run[hitting], meetings.event[hitting]
            needed = np.rint(kind.truth * (events.offset - events.onset))
            _, *found = _reached(runs.score[run], runs.below[run], event, meetings.overlap[hitting], needed)
            rate = _above(runs.levels, runs.score, runs.below, (~right).astype(float)) / sum(durations.values())
            if kind.cross is not None and others:
                crossed = ~right[:, None] & (within >= np.rint(kind.cross * span)[:, None])
                rates = [
                    _above(runs.levels, runs.score[wrong], runs.below[wrong], np.ones(int(wrong.sum()))) / length[other]
                    for other in others
                    for wrong in [crossed[:, other]]
                ]
                rate = rate + kind.cross_weight * np.mean(rates, axis=0)
            curve = _rising(_above(runs.levels, *found) / count, rate * 3600.0)
            kept = curve.false <= MAX_FALSE_POSITIVES
            curves[name][label] = _Curve(curve.hits[kept], curve.false[kept])
    return curves


def _rising(hits: np.ndarray, false: np.ndarray) -> _Curve:
    """The points at which more is hit than at any lower rate of false positives."""
    order = np.lexsort((hits, false))
    hits, false = hits[order], false[order]
    more = np.append(True, np.maximum.accumulate(hits)[1:] > np.maximum.accumulate(hits)[:-1])
    hits, false = hits[more], false[more]
    last = np.append(false[1:] != false[:-1], True)
    return _Curve(hits[last], false[last])


def _area(curves: dict[int, _Curve], labels: Sequence[str]) -> tuple[dict[int, float], float]:
    """The normalised area under each class's curve, and that under the mean minus the standard deviation of all."""
    if not curves:
        return {}, math.nan
    steps = np.unique(np.concatenate([curve.false for curve in curves.values()]))
    heights = []
    for curve in curves.values():
        place = np.searchsorted(curve.false, steps, side="right")
        heights.append(np.append(0.0, curve.hits)[place])
    together = np.maximum(np.mean(heights, axis=0) - np.std(heights, axis=0), 0.0)
    areas = {label: _staircase(curve) for label, curve in curves.items()}
    return areas, _staircase(_Curve(together, steps))


def _staircase(curve: _Curve) -> float:
    return float(curve.hits @ np.diff(curve.false, append=MAX_FALSE_POSITIVES)) / MAX_FALSE_POSITIVES


def _matches(runs: _Runs, run: np.ndarray, event: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numbers of matched pairs of runs and events that agree: `score`, `below` and amounts, see `_above`."""
    score, below, ones = runs.score[run], runs.below[run], np.ones(len(run))
    # Where no run agrees with two events, as many are matched as have a run. Other clips are looked at threshold by
    # threshold.
    unclear = np.isin(runs.clip[run], runs.clip[run[np.bincount(run, minlength=1)[run] > 1]])
    needed = np.ones(int(event.max(initial=-1)) + 1)
    found = [_reached(score[~unclear], below[~unclear], event[~unclear], ones[~unclear], needed)[1:]]
    for clip in np.unique(runs.clip[run[unclear]]):
        here = unclear & (runs.clip[run] == clip)
        found.append(_matched_in_clip(run[here], event[here], score[here], below[here]))
    scores, belows, amounts = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return scores, belows, amounts


def _matched_in_clip(
    run: np.ndarray, event: np.ndarray, score: np.ndarray, below: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    _, run = np.unique(run, return_inverse=True)
    _, event = np.unique(event, return_inverse=True)
    thresholds = np.unique(np.concatenate([score, below[below >= 0]]))[::-1]
    counts = []
    for threshold in thresholds:
        there = (score >= threshold) & (below < threshold)
        graph = csr_array((np.ones(there.sum()), (run[there], event[there])), shape=(run.max() + 1, event.max() + 1))
        counts.append((maximum_bipartite_matching(graph, perm_type="column") >= 0).sum())
    return thresholds, np.append(thresholds[1:], -1), np.array(counts, dtype=float)


def _psds_table(
    areas: Mapping[str, tuple[dict[int, float], float]], events: _Events, labels: Sequence[str]
) -> pd.DataFrame:
    import pandas as pd

    return pd.concat([_table(name, *found, events, labels) for name, found in areas.items()], ignore_index=True)


def _table(
    metric: str, values: Mapping[int, float], overall: float, events: _Events, labels: Sequence[str]
) -> pd.DataFrame:
    import pandas as pd

    counts = np.bincount(events.label, minlength=len(labels))
    of_classes = [values.get(k, math.nan) for k in range(len(labels))]
    mean = float(np.mean(list(values.values()))) if values else math.nan
    return pd.DataFrame(
        {
            "label": [*labels, "class_mean", "all"],
            "metric": metric,
            "value": np.array([*of_classes, mean, overall], dtype=float),
            "n": [*counts, counts.sum(), counts.sum()],
        }
    )


_EBBERS = (
    "J. Ebbers, R. Serizel and R. Haeb-Umbach 2022, Threshold-independent evaluation of sound event detection scores"
)
_BILEN = "C. Bilen et al. 2020, A framework for the robust evaluation of sound event detection"
_ANY_FILTER = "J. Ebbers, R. Haeb-Umbach and R. Serizel 2023, arXiv:2306.15440"
_NONE = "no event of the class in the clips"
_CHANCE = "not known in closed form; compare with the detector `random`"
_SCALED = "of scores on the scale `evaluation.scale`"
_AREA = "divided by 100. For one class its own curve, for `all` the mean of the curves minus their standard deviation"
_FILTERED = (
    f"with the best of no filter and median filters of {', '.join(f'{length:g}' for length in FILTERS[1:])} s, chosen "
    "on the clips themselves for each class and rate of false detections: an upper bound"
)

PSDS1 = Metric(
    name="psds1",
    title="PSDS 1",
    citation=_BILEN,
    needs="scored_events",
    function=psds,
    arguments={"merge": "merge"},
    definition=f"area {_SCALED} under the share of events found (0.7 of them covered by detections of which 0.7 lie in "
    f"events) against false detections per hour, up to 100, {_AREA}",
    undefined=_NONE,
    chance=_CHANCE,
)
PSDS2 = Metric(
    name="psds2",
    title="PSDS 2",
    citation=_BILEN,
    needs="scored_events",
    function=psds,
    arguments={"merge": "merge"},
    definition=f"area {_SCALED} under the share of events found (0.1 of them covered by detections of which 0.1 lie in "
    "events) against false detections per hour and, by half, detections that lie to 0.3 in another class's events, per "
    f"hour of these, up to 100, {_AREA}",
    undefined=_NONE,
    chance=_CHANCE,
)
PSDS1_ANY_FILTER = Metric(
    name="psds1_any_filter",
    title="PSDS 1, any filter",
    citation=_ANY_FILTER,
    needs="scored_events",
    function=any_filter_psds,
    arguments={"merge": "merge"},
    definition=f"`psds1` {_FILTERED}",
    undefined=_NONE,
    chance=_CHANCE,
    column=False,
    default=False,
)
PSDS2_ANY_FILTER = Metric(
    name="psds2_any_filter",
    title="PSDS 2, any filter",
    citation=_ANY_FILTER,
    needs="scored_events",
    function=any_filter_psds,
    arguments={"merge": "merge"},
    definition=f"`psds2` {_FILTERED}",
    undefined=_NONE,
    chance=_CHANCE,
    column=False,
    default=False,
)
COLLAR_F1 = Metric(
    name="collar_f1",
    title="Event F1, best threshold",
    citation=_EBBERS,
    needs="scored_events",
    function=collar_based,
    arguments={"collar": "collar", "merge": "merge"},
    definition=f"F1 {_SCALED} of the events whose onsets and offsets are met, at the threshold that is best for the "
    "class on the clips themselves: an upper bound of what a threshold chosen elsewhere reaches",
    undefined=_NONE,
    chance=_CHANCE,
    column=False,
)
