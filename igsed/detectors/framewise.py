"""FW-WS, FW-SS and few-shot as detectors: a framewise head's logits on the evaluation grid (arXiv:2605.23293)."""

import numpy as np

from igsed import timeline


def scores(
    frames: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray,
    times,
    count: int,
    rule: str,
    classes: int | None = None,
) -> np.ndarray:
    """Frame scores of clips from the cached output of the frozen body.

    Parameters
    ----------
    frames : numpy.ndarray (…, coarse frame, embedding)
        See `igsed.features`.
    weight, bias : numpy.ndarray (output, embedding), (output,)
        The head.
    times : numpy.ndarray (coarse frame,)
        Centres of the coarse frames in seconds.
    count : int
        Number of evaluation frames.
    rule : {"linear", "nearest"}
        See `igsed.timeline.resample`.
    classes : int, optional
        How many of the outputs, the first ones, are scores; by default all.

    Returns
    -------
    numpy.ndarray (…, class, frame)
        Logits.
    """
    logits = np.asarray(frames) @ weight[:classes].T + bias[:classes]
    return timeline.resample(np.swapaxes(logits, -1, -2), times, count, rule=rule)
