"""Metrics of events, counted over all clips by sed_eval, as in DCASE task 4.

Source: Mesaros, Heittola and Virtanen 2016, "Metrics for polyphonic sound event detection".
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from igsed.metrics.metric import Metric

if TYPE_CHECKING:  # A configuration, which names metrics, is read without pandas.
    import pandas as pd


def segment_based(
    reference: pd.DataFrame,
    estimated: pd.DataFrame,
    durations: Mapping[str, float],
    labels: Sequence[str],
    resolution: float = 1.0,
) -> pd.DataFrame:
    """Segment-based F1 and error rate by sed_eval, as in DCASE task 4 (segments of 1 s).

    sed_eval cuts every clip into segments, calls a class active in each segment that one of its events overlaps (floor
    of onset / resolution, ceiling of offset / resolution), and counts over all clips. `all` counts over classes as well
    (micro average, with substitutions in the error rate); `class_mean` is the mean of the classes that have a value.
    Below 1 s the division is not exact in floating point: at 0.1 s an onset of 0.3 s falls into the segment before.

    Parameters
    ----------
    reference, estimated : pandas.DataFrame
        Columns clip, label, onset, offset (s). Rows without a label (a clip without events) are passed over.
    durations : mapping of clip to seconds
        All clips that are evaluated, also those without any event.
    labels : sequence of str
        The classes, in the order of the result.
    resolution : float
        Length of a segment in seconds, > 0.

    Returns
    -------
    pandas.DataFrame
        label (each class, `class_mean`, `all`), metric (`segment_f1`, 0…1; `segment_error_rate`, ≥ 0), value, n (number
        of reference events). NaN where sed_eval has no value: F1 without an estimated event (SegmentBasedMetrics knows
        no "zero_score") or without a reference event. An error rate without a reference event, for which sed_eval
        divides by 2e-16, is NaN too.

    Raises
    ------
    ValueError
        If an event's clip is not in `durations`, its label not in `labels`, or its offset not after its onset.
    """
    # Events need no merging here: a segment is active once, by however many events.
    evaluator = _sed_eval().SegmentBasedMetrics(list(labels), time_resolution=float(resolution))
    reference, estimated = checked(reference, estimated, durations, labels)
    real, found = _segments(reference, estimated, durations, labels, float(resolution))
    # What `evaluate` counts, segment by segment and class by class; here for all at once.
    counts = {
        "Ntp": real & found,
        "Ntn": ~real & ~found,
        "Nfp": ~real & found,
        "Nfn": real & ~found,
        "Nref": real,
        "Nsys": found,
    }
    for name, cells in counts.items():
        evaluator.overall[name] += float(cells.sum())
        for label, number in zip(labels, cells.sum(0), strict=True):
            evaluator.class_wise[label][name] += float(number)
    both, of_real, of_found = (cells.sum(1) for cells in (real & found, real, found))
    evaluator.overall["S"] += float((np.minimum(of_real, of_found) - both).sum())
    evaluator.overall["D"] += float(np.maximum(of_real - of_found, 0).sum())
    evaluator.overall["I"] += float(np.maximum(of_found - of_real, 0).sum())
    return _summary(evaluator, reference, labels, "segment")


def event_based(
    reference: pd.DataFrame,
    estimated: pd.DataFrame,
    durations: Mapping[str, float],
    labels: Sequence[str],
    collar: float = 0.2,
    percentage: float = 0.2,
    merge: float | None = 0.15,
) -> pd.DataFrame:
    """Event-based F1 and error rate by sed_eval, as in DCASE task 4 (collar of 200 ms, 20 % of the length).

    First, events of one class that overlap or lie less than `merge` apart become one, real and estimated alike
    (`igsed.events.merged`): frames cannot tell them apart. So a detector that marks exactly the true frames has F1 1,
    if the collar is at least a frame and clips last whole frames.

    sed_eval matches estimated to reference events of one class, one to one and as many as possible: the onsets may
    differ by `collar`, the offsets by `collar` or `percentage` of the reference event's length, whichever is more.
    Called with `empty_system_output_handling="zero_score"`: a class with reference events but without estimated ones
    has F1 0. `all` counts over classes (micro average, with substitutions in the error rate); `class_mean` is the mean
    of the classes that have a value.

    Parameters
    ----------
    reference, estimated, durations, labels
        See `segment_based`; only the clips of `durations` count here, not their lengths.
    collar : float
        Seconds, > 0.
    percentage : float
        Share of the reference event's length, 0…1.
    merge : float, optional
        Seconds, ≥ 0. None: events stay as they are.

    Returns
    -------
    pandas.DataFrame
        label (each class, `class_mean`, `all`), metric (`event_f1`, 0…1; `event_error_rate`, ≥ 0), value, n (number of
        reference events after merging). NaN without a reference event.

    Raises
    ------
    ValueError
        If an event's clip is not in `durations`, its label not in `labels`, or its offset not after its onset.
    """
    evaluator = _sed_eval().EventBasedMetrics(
        list(labels),
        t_collar=float(collar),
        percentage_of_length=float(percentage),
        empty_system_output_handling="zero_score",
    )
    reference, estimated = checked(reference, estimated, durations, labels)
    if merge is not None:
        from igsed.events import merged

        reference, estimated = (merged(events, merge, ("clip", "label")) for events in (reference, estimated))
    # An event that meets none of the other side matches nothing and replaces nothing, so it need only be counted.
    met, meeting = _meeting(reference, estimated, float(collar), float(percentage))
    lists = _event_lists(reference[met]), _event_lists(estimated[meeting])
    for clip in sorted(lists[0].keys() | lists[1].keys()):
        evaluator.evaluate(*(by_clip.get(clip, []) for by_clip in lists))
    for total, error, events in (("Nref", "Nfn", reference[~met]), ("Nsys", "Nfp", estimated[~meeting])):
        for name in (total, error):
            evaluator.overall[name] += float(len(events))
            for label, number in events["label"].value_counts().items():
                evaluator.class_wise[label][name] += float(number)
    return _summary(evaluator, reference, labels, "event")


def _sed_eval():
    with warnings.catch_warnings():  # dcase_util announces the end of pkg_resources, which the locked setuptools has
        warnings.simplefilter("ignore")
        import sed_eval.sound_event
    return sed_eval.sound_event


def checked(
    reference: pd.DataFrame, estimated: pd.DataFrame, durations: Mapping, labels: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The events that have a label."""
    tables = []
    for name, events in (("reference", reference), ("estimated", estimated)):
        events = events.dropna(subset=["label"])
        for column, known in (("clip", list(durations)), ("label", list(labels))):
            unknown = events.loc[~events[column].isin(known), column]
            if len(unknown):
                raise ValueError(f"{name} has {len(unknown)} events of unknown {column}, first {unknown.iloc[0]!r}")
        backward = events.loc[~(events["offset"] > events["onset"])]
        if len(backward):
            raise ValueError(
                f"{name} has {len(backward)} events without offset > onset, first in {backward['clip'].iloc[0]!r}"
            )
        tables.append(events[["clip", "label", "onset", "offset"]].reset_index(drop=True))
    return tables[0], tables[1]


def _segments(reference, estimated, durations: Mapping, labels: Sequence[str], resolution: float):
    """Active segments of all clips below each other, bool (segment, class) for each of the two tables.

    By sed_eval's arithmetic: floor and ceiling of the time divided by the resolution, both tables cut or filled up to
    the length of the clip.
    """
    lengths = np.array([math.ceil(float(duration) * 1 / resolution) for duration in durations.values()], dtype=int)
    start = dict(zip(durations, np.concatenate([[0], lengths.cumsum()[:-1]]), strict=True))
    length = dict(zip(durations, lengths, strict=True))
    place = {label: k for k, label in enumerate(labels)}
    rolls = []
    for events in (reference, estimated):
        edges = np.zeros((int(lengths.sum()) + 1, len(labels)), dtype=np.int32)
        first, end = np.floor(events["onset"] * 1 / resolution), np.ceil(events["offset"] * 1 / resolution)
        limit, begin = events["clip"].map(length).to_numpy(float), events["clip"].map(start).to_numpy(int)
        column = events["label"].map(place).to_numpy(int)
        # Every clip ends what it began, so that the running sum is that of each clip.
        np.add.at(edges, (begin + np.minimum(first, limit).to_numpy().astype(int), column), 1)
        np.add.at(edges, (begin + np.minimum(end, limit).to_numpy().astype(int), column), -1)
        rolls.append(edges[:-1].cumsum(0) > 0)
    return rolls[0], rolls[1]


def _meeting(reference, estimated, collar: float, percentage: float) -> tuple[np.ndarray, np.ndarray]:
    """Which events have one of the other table in their clip, of any class, whose onset and offset agree."""
    left, right = (table.assign(row=np.arange(len(table))) for table in (reference, estimated))
    both = left.merge(right, on="clip", suffixes=("", "_found"))
    length = both["offset"] - both["onset"]
    agree = ((both["onset"] - both["onset_found"]).abs() <= collar) & (
        (both["offset"] - both["offset_found"]).abs() <= np.maximum(collar, percentage * length)
    )
    met, meeting = np.zeros(len(reference), dtype=bool), np.zeros(len(estimated), dtype=bool)
    met[both.loc[agree, "row"]] = meeting[both.loc[agree, "row_found"]] = True
    return met, meeting


def _event_lists(events: pd.DataFrame) -> dict[str, list[dict]]:
    """Events per clip as plain dicts without a file name, the least that sed_eval turns into its own container."""
    lists: dict[str, list[dict]] = {}
    for clip, label, onset, offset in events[["clip", "label", "onset", "offset"]].itertuples(index=False, name=None):
        lists.setdefault(clip, []).append({"event_label": label, "onset": onset, "offset": offset})
    return lists


def _summary(evaluator, reference: pd.DataFrame, labels: Sequence[str], prefix: str) -> pd.DataFrame:
    import pandas as pd

    counts = dict.fromkeys(labels, 0) | reference["label"].value_counts().to_dict()
    rows = []
    for metric, class_wise, overall in (
        ("f_measure", evaluator.class_wise_f_measure, evaluator.overall_f_measure),
        ("error_rate", evaluator.class_wise_error_rate, evaluator.overall_error_rate),
    ):
        values = pd.Series(
            {label: class_wise(label)[metric] if counts[label] else math.nan for label in labels}, dtype=float
        )
        total = sum(counts.values())
        values["class_mean"] = values.mean()
        values["all"] = overall()[metric] if total else math.nan
        name = f"{prefix}_{'f1' if metric == 'f_measure' else metric}"
        rows += [(label, name, value, counts.get(label, total)) for label, value in values.items()]
    return pd.DataFrame(rows, columns=["label", "metric", "value", "n"])


_SOURCE = "A. Mesaros, T. Heittola and T. Virtanen 2016, Metrics for polyphonic sound event detection"
_CHANCE = "not known in closed form; compare with the detector `random`"
_NONE = "no event of the class in the clips"

SEGMENT_F1 = Metric(
    name="segment_f1",
    title="Segment-based F1",
    citation=_SOURCE,
    needs="events",
    function=segment_based,
    arguments={"resolution": "segment"},
    definition="F1 of the segments in which a class is active",
    undefined=f"{_NONE}, or none detected",
    chance=_CHANCE,
)
SEGMENT_ERROR_RATE = Metric(
    name="segment_error_rate",
    title="Segment-based error rate",
    citation=_SOURCE,
    needs="events",
    function=segment_based,
    arguments={"resolution": "segment"},
    range=(0, math.inf),
    higher_is_better=False,
    definition="substitutions, deletions and insertions of active segments, divided by the active ones",
    undefined=_NONE,
    chance=_CHANCE,
    column=False,
)
EVENT_F1 = Metric(
    name="event_f1",
    title="Event-based F1",
    citation=_SOURCE,
    needs="events",
    function=event_based,
    arguments={"collar": "collar", "merge": "merge"},
    definition="F1 of the events whose onsets and offsets are met; 0 where none is detected",
    undefined=_NONE,
    chance=_CHANCE,
)
EVENT_ERROR_RATE = Metric(
    name="event_error_rate",
    title="Event-based error rate",
    citation=_SOURCE,
    needs="events",
    function=event_based,
    arguments={"collar": "collar", "merge": "merge"},
    range=(0, math.inf),
    higher_is_better=False,
    definition="substitutions, deletions and insertions of events, divided by the annotated ones",
    undefined=_NONE,
    chance=_CHANCE,
    column=False,
)
