"""How well a detector says *when*.

Two families. The frame metrics compare a mask, or the scores it comes from, with the active frames of one class in one
clip, a *pair*: intersection over union, precision, recall, F1, Pointing Game and average precision
(arXiv:2605.23293, section on evaluation: 100 ms frames, averaged over pairs). They take arrays (…, frame) and return
one float64 per pair, the leading axes broadcast together. The collection metrics compare lists of events over all
clips, as DCASE task 4 does, and are computed by sed_eval (Mesaros, Heittola and Virtanen 2016, "Metrics for polyphonic
sound event detection").

Conventions
-----------
- A pair without any active frame, neither predicted nor real, has no score: NaN. Whoever averages reports how many
  were left out. Any other empty denominator gives 0: nothing predicted but something active has precision 0.
- Metrics of scores (Pointing Game, average precision) have no value, NaN, where no frame is active.
- All rates lie in 0…1. `class_correlation`, the one metric of pairs that asks *which class* and not *when*, lies in
  −1…1.

Examples
--------
>>> import numpy as np
>>> predicted = np.array([False, True, True, False])
>>> active = np.array([False, False, True, True])
>>> float(iou(predicted, active)), float(f1(predicted, active))
(0.3333333333333333, 0.5)
"""

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from igsed.events import merged


def validate_masks(predicted, active) -> tuple[np.ndarray, np.ndarray]:
    """Check that two masks are boolean and have the same frames.

    Raises
    ------
    ValueError
        If a mask is not boolean, has no frames, or the shapes do not fit together.
    """
    predicted, active = np.asarray(predicted), np.asarray(active)
    for name, mask in (("predicted", predicted), ("active", active)):
        if mask.dtype != bool:
            raise ValueError(f"{name} must be a boolean mask, not {mask.dtype}: threshold scores first")
    _check_frames("predicted", predicted, active)
    return predicted, active


def validate_scores(scores, active) -> tuple[np.ndarray, np.ndarray]:
    """Check that scores are finite and have the same frames as the boolean mask of active frames.

    Raises
    ------
    ValueError
        If a score is NaN or infinite, the mask is not boolean, there are no frames, or the shapes do not fit together.
    """
    scores, active = np.asarray(scores, dtype=np.float64), np.asarray(active)
    if active.dtype != bool:
        raise ValueError(f"active must be a boolean mask, not {active.dtype}")
    _check_frames("scores", scores, active)
    if not np.isfinite(scores).all():
        raise ValueError(f"{int((~np.isfinite(scores)).sum())} of {scores.size} scores are not finite")
    return scores, active


def _check_frames(name: str, first: np.ndarray, active: np.ndarray) -> None:
    shapes = f"{name} {first.shape} and active {active.shape}"
    if not first.ndim or not active.ndim or first.shape[-1] != active.shape[-1]:
        raise ValueError(f"{shapes} must have the same number of frames on the last axis")
    if not first.shape[-1]:
        raise ValueError(f"{shapes} have no frames")
    try:
        np.broadcast_shapes(first.shape, active.shape)
    except ValueError:
        raise ValueError(f"{shapes} do not broadcast together") from None


def _counts(predicted, active) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    predicted, active = validate_masks(predicted, active)
    return (predicted & active).sum(-1), predicted.sum(-1), active.sum(-1)


def _ratio(numerator, denominator, undefined) -> np.ndarray:
    value = np.divide(numerator, denominator, out=np.zeros(np.shape(numerator)), where=denominator > 0)
    return np.where(undefined, np.nan, value)


def iou(predicted, active) -> np.ndarray:
    """Intersection over union (Jaccard index) of two masks.

    Parameters
    ----------
    predicted, active : array_like of bool (…, frame)

    Returns
    -------
    numpy.ndarray of float64 (…)
        In 0…1; NaN where neither mask has an active frame.

    Raises
    ------
    ValueError
        If a mask is not boolean or the shapes do not fit together.
    """
    hits, kept, real = _counts(predicted, active)
    return _ratio(hits, kept + real - hits, kept + real == 0)


def precision(predicted, active) -> np.ndarray:
    """Share of the predicted frames that are active; 0 where nothing is predicted. Arguments and errors: see `iou`."""
    hits, kept, real = _counts(predicted, active)
    return _ratio(hits, np.broadcast_to(kept, hits.shape), kept + real == 0)


def recall(predicted, active) -> np.ndarray:
    """Share of the active frames that are predicted; 0 where nothing is active. Arguments and errors: see `iou`."""
    hits, kept, real = _counts(predicted, active)
    return _ratio(hits, np.broadcast_to(real, hits.shape), kept + real == 0)


def f1(predicted, active) -> np.ndarray:
    """Harmonic mean of precision and recall, 2·IoU / (1 + IoU) of the pair. Arguments and errors: see `iou`."""
    hits, kept, real = _counts(predicted, active)
    return _ratio(2 * hits, kept + real, kept + real == 0)


def active_ratio(active) -> np.ndarray:
    """Share of active frames, which is also the Pointing Game that random scores are expected to reach.

    Parameters
    ----------
    active : array_like of bool (…, frame)

    Returns
    -------
    numpy.ndarray of float64 (…)
        In 0…1.

    Raises
    ------
    ValueError
        If the mask is not boolean or has no frames.
    """
    _, active = validate_masks(active, active)
    return active.mean(-1)


def class_correlation(scores: np.ndarray, clips: Sequence[str]) -> np.ndarray:
    """How much a pair's scores are like those of the other classes in its clip: their mean correlation (Pearson's).

    Near 1 the scores say when something sounds, but not what.

    Parameters
    ----------
    scores : numpy.ndarray (pair, frame)
    clips : sequence of str (pair,)
        The clip of each pair.

    Returns
    -------
    numpy.ndarray of float64 (pair,)
        In −1…1. NaN for the only pair of a clip, and where scores of the clip are constant.

    Examples
    --------
    >>> class_correlation(np.array([[0, 1], [0, 2], [5, 4], [0, 1]]), ["a", "a", "a", "b"])
    array([ 0.,  0., -1., nan])
    """
    scores = np.asarray(scores)
    unit = scores - scores.mean(-1, keepdims=True, dtype=np.float64)
    unit[np.ptp(scores, axis=-1) == 0] = np.nan
    unit /= np.linalg.norm(unit, axis=-1, keepdims=True)
    names, place = np.unique(np.asarray(clips, dtype=str), return_inverse=True)
    together = np.zeros((len(names), scores.shape[-1]))
    np.add.at(together, place, unit)
    others = np.bincount(place)[place] - 1
    similar = np.einsum("pf,pf->p", together[place] - unit, unit)
    return np.divide(similar, others, out=np.full(len(scores), np.nan), where=others > 0)


def pointing_game(scores, active) -> np.ndarray:
    """Whether the highest score lies in an active frame (Zhang et al. 2016, "Top-down neural attention").

    Parameters
    ----------
    scores : array_like (…, frame)
        Of several equal maxima the first counts.
    active : array_like of bool (…, frame)

    Returns
    -------
    numpy.ndarray of float64 (…)
        1.0 for a hit, 0.0 for a miss, NaN where nothing is active.

    Raises
    ------
    ValueError
        If a score is not finite, the mask is not boolean, or the shapes do not fit together.
    """
    scores, active = np.broadcast_arrays(*validate_scores(scores, active))
    hit = np.take_along_axis(active, scores.argmax(-1)[..., None], axis=-1)[..., 0]
    return np.where(active.any(-1), hit.astype(np.float64), np.nan)


def average_precision(scores, active) -> np.ndarray:
    """Area under the precision-recall curve over all thresholds, as a step function.

    The sum over thresholds of precision times the gain in recall, frames with equal scores entering together: the
    definition (and value) of scikit-learn's `average_precision_score`. No threshold is chosen, so detectors whose
    scores have different scales can be compared.

    Parameters
    ----------
    scores : array_like (…, frame)
    active : array_like of bool (…, frame)

    Returns
    -------
    numpy.ndarray of float64 (…)
        In 0…1; the active ratio for constant scores; NaN where nothing is active.

    Raises
    ------
    ValueError
        If a score is not finite, the mask is not boolean, or the shapes do not fit together.
    """
    scores, active = np.broadcast_arrays(*validate_scores(scores, active))
    order = np.argsort(-scores, axis=-1)
    ranked = np.take_along_axis(scores, order, axis=-1)
    relevant = np.take_along_axis(active, order, axis=-1)
    frames = scores.shape[-1]
    ends_tie = np.ones(ranked.shape, dtype=bool)
    ends_tie[..., :-1] = ranked[..., 1:] != ranked[..., :-1]
    last = np.where(ends_tie, np.arange(frames), frames)
    last = np.minimum.accumulate(last[..., ::-1], axis=-1)[..., ::-1]
    at_tie = np.take_along_axis(relevant.cumsum(-1), last, axis=-1) / (last + 1)
    return _ratio((at_tie * relevant).sum(-1), relevant.sum(-1), ~active.any(-1))


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
    lists = [
        _event_lists(name, e, durations, labels) for name, e in (("reference", reference), ("estimated", estimated))
    ]
    for clip, duration in durations.items():
        evaluator.evaluate(*(by_clip.get(clip, []) for by_clip in lists), evaluated_length_seconds=float(duration))
    return _summary(evaluator, lists[0], labels, "segment")


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
    lists = [
        _event_lists(name, e, durations, labels, merge)
        for name, e in (("reference", reference), ("estimated", estimated))
    ]
    for clip in sorted(lists[0].keys() | lists[1].keys()):
        evaluator.evaluate(*(by_clip.get(clip, []) for by_clip in lists))
    return _summary(evaluator, lists[0], labels, "event")


def _sed_eval():
    with warnings.catch_warnings():  # dcase_util announces the end of pkg_resources, which the locked setuptools has
        warnings.simplefilter("ignore")
        import sed_eval.sound_event
    return sed_eval.sound_event


def _event_lists(
    name: str, events: pd.DataFrame, durations: Mapping, labels: Sequence[str], merge: float | None = None
) -> dict[str, list[dict]]:
    """Events per clip as plain dicts without a file name, the least that sed_eval turns into its own container."""
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
    if merge is not None:
        events = merged(events, merge, ("clip", "label"))
    lists: dict[str, list[dict]] = {}
    for clip, label, onset, offset in events[["clip", "label", "onset", "offset"]].itertuples(index=False, name=None):
        lists.setdefault(clip, []).append({"event_label": label, "onset": onset, "offset": offset})
    return lists


def _summary(evaluator, reference: dict[str, list[dict]], labels: Sequence[str], prefix: str) -> pd.DataFrame:
    counts = dict.fromkeys(labels, 0)
    for events in reference.values():
        for event in events:
            counts[event["event_label"]] += 1
    rows = []
    for metric, class_wise, overall in (
        ("f_measure", evaluator.class_wise_f_measure, evaluator.overall_f_measure),
        ("error_rate", evaluator.class_wise_error_rate, evaluator.overall_error_rate),
    ):
        values = pd.Series(
            {label: class_wise(label)[metric] if counts[label] else np.nan for label in labels}, dtype=float
        )
        total = sum(counts.values())
        values["class_mean"] = values.mean()
        values["all"] = overall()[metric] if total else np.nan
        name = f"{prefix}_{'f1' if metric == 'f_measure' else metric}"
        rows += [(label, name, value, counts.get(label, total)) for label, value in values.items()]
    return pd.DataFrame(rows, columns=["label", "metric", "value", "n"])
