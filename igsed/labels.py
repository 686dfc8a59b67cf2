"""Events as arrays: what a clip holds, and which of its frames.

Numbers of classes and frames follow the order of the arguments `labels` and `clips`. The rule for frames is that of
`igsed.timeline`: an event marks every frame that it overlaps.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from igsed import timeline
from igsed.timeline import FRAME


def of_clips(events: pd.DataFrame, clips: Sequence[str], labels: Sequence[str]) -> np.ndarray:
    """Which classes occur in which clip: bool (clip, class)."""
    present = np.zeros((len(clips), len(labels)), dtype=bool)
    row, column = _places(events, clips, labels)
    present[row, column] = True
    return present


def of_frames(
    events: pd.DataFrame,
    clips: Sequence[str],
    labels: Sequence[str],
    count: int,
    frame: float = FRAME,
    start: float = 0.0,
) -> np.ndarray:
    """Which classes are active in which frame.

    Parameters
    ----------
    events : pandas.DataFrame
        `clip, onset, offset, event_label`, seconds.
    count : int
        Frames per clip.
    frame, start : float
        Length of a frame and beginning of frame 0 in seconds.

    Returns
    -------
    numpy.ndarray of bool (clip, class, frame)
    """
    row, column = _places(events, clips, labels)
    first, end = (
        np.clip(place, 0, count).astype(int)
        for place in timeline.marked(events["onset"], events["offset"], frame, start)
    )
    # A class turns on at the first frame of an event and off after its last: the running sum counts events.
    edges = np.zeros((len(clips), len(labels), count + 1), dtype=np.int16)
    np.add.at(edges, (row, column, first), 1)
    np.add.at(edges, (row, column, end), -1)
    return np.cumsum(edges[..., :count], axis=-1, dtype=np.int16) > 0


def of_pairs(events: pd.DataFrame, pairs: pd.DataFrame, count: int) -> np.ndarray:
    """Active frames of (clip, label) pairs: bool (pair, frame); `pairs` has the columns `clip, label`."""
    clips, labels = pd.Index(pairs["clip"].unique()), pd.Index(pairs["label"].unique())
    relevant = events[events["clip"].isin(clips) & events["event_label"].isin(labels)]
    active = of_frames(relevant, clips, labels, count)
    return active[clips.get_indexer(pairs["clip"]), labels.get_indexer(pairs["label"])]


def coarse(events: pd.DataFrame, clips: Sequence[str], labels: Sequence[str], times: np.ndarray) -> np.ndarray:
    """Frame labels on a network's own frames, the training targets of FW-SS.

    `times` (frame,) are the centres of equally spaced frames in seconds; a frame reaches half a spacing to both sides.
    Returns bool (clip, frame, class).
    """
    hop = float(times[1] - times[0])
    return of_frames(events, clips, labels, len(times), hop, float(times[0]) - hop / 2).swapaxes(1, 2)


def _places(events, clips, labels):
    places = []
    for name, known in (("clip", clips), ("event_label", labels)):
        place = pd.Index(known).get_indexer(events[name])
        if (place < 0).any():
            raise ValueError(f"unknown {name}: {events[name].iloc[int(np.argmin(place))]!r}")
        places.append(place)
    return places
