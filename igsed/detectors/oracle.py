"""Oracle: the known events themselves, the most that scores can reach with a threshold rule.

Its scores have two values: Pointing Game and average precision are exactly 1. IoU and F1 are less where a threshold
rule finds more or fewer frames than are active.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from igsed.detectors import OfEvents
from igsed.labels import of_frames
from igsed.timeline import frame_count


def oracle(events: pd.DataFrame, labels: Sequence[str], duration: float) -> np.ndarray:
    """1 in each 100 ms frame that an event of a label overlaps, 0 elsewhere: float64 (label, frame).

    Parameters
    ----------
    events : pandas.DataFrame
        Those of one clip: `onset, offset` (s), `event_label`; those of other labels count for none.
    labels : sequence of str
    duration : float
        Length of the clip in seconds.
    """
    wanted = events[events["event_label"].isin(labels)].assign(clip="")
    return of_frames(wanted, [""], labels, frame_count(duration))[0].astype(float)


DETECTOR = OfEvents(name="oracle", title="Oracle", run=oracle, score="1 in events, 0 elsewhere")
