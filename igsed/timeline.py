"""Time and frames.

All detectors are compared on one grid: frames of 100 ms, frame k covering [0.1 k, 0.1 (k + 1)) seconds of the clip
(arXiv:2605.23293, section on evaluation). An event marks every frame that it overlaps: floor of the onset, ceiling of
the offset, the rule of sed_eval and of DESED's many-hot encoder (`igsed.labels`).
"""

import numpy as np

FRAME = 0.1
"""Length of an evaluation frame in seconds."""


def frame_count(duration: float, frame: float = FRAME) -> int:
    """Number of whole frames in a clip of `duration` seconds; a rest shorter than a frame is not scored."""
    return int(np.floor(round(duration / frame, 6)))


def marked(onsets, offsets, frame: float = FRAME, start: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """The first frame that each event marks, and the one after its last.

    Parameters
    ----------
    onsets, offsets : array_like (event,)
        Seconds.
    frame, start : float
        Length of a frame and beginning of frame 0 in seconds.

    Returns
    -------
    first, end : numpy.ndarray of float64 (event,)
        Whole numbers, as floats: times that no clip has stay in range.

    Examples
    --------
    >>> marked([0.25, 1.0], [0.3, 1.001])
    (array([ 2., 10.]), array([ 3., 11.]))
    """
    onsets, offsets = (np.round((np.asarray(times, float) - start) / frame, 6) for times in (onsets, offsets))
    return np.floor(onsets), np.ceil(offsets)


def segments(mask, frame: float = FRAME) -> np.ndarray:
    """Runs of active frames as events.

    Parameters
    ----------
    mask : array_like of bool (frame,)

    Returns
    -------
    numpy.ndarray (event, 2)
        Onset and offset in seconds.

    Examples
    --------
    >>> segments([0, 1, 1, 0, 1]).tolist()
    [[0.1, 0.3], [0.4, 0.5]]
    """
    edges = np.diff(np.concatenate([[0], np.asarray(mask, dtype=np.int8), [0]]))
    runs = np.stack([np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)], axis=1)
    return np.round(runs * frame, 6)


def resample(scores, times, count: int, frame: float = FRAME, rule: str = "linear") -> np.ndarray:
    """Scores of a network's coarse frames on the evaluation grid.

    Parameters
    ----------
    scores : array_like (…, coarse frame)
    times : array_like (coarse frame,)
        Centre of each coarse frame in seconds, increasing.
    count : int
        Number of evaluation frames.
    rule : {"linear", "nearest"}
        Interpolate between the centres, or take the coarse frame whose centre is nearest. Beyond the first and the
        last centre the outermost score is held.

    Returns
    -------
    numpy.ndarray (…, count)
    """
    scores, times = np.asarray(scores, float), np.asarray(times, float)
    centres = (np.arange(count) + 0.5) * frame
    right = np.clip(np.searchsorted(times, centres), 1, len(times) - 1) if len(times) > 1 else np.zeros(count, int)
    left = np.maximum(right - 1, 0)
    if rule == "nearest":
        nearer = np.abs(centres - times[left]) <= np.abs(centres - times[right])
        return scores[..., np.where(nearer, left, right)]
    span = np.where(right > left, times[right] - times[left], 1.0)
    weight = np.clip((centres - times[left]) / span, 0.0, 1.0)
    return scores[..., left] * (1 - weight) + scores[..., right] * weight
