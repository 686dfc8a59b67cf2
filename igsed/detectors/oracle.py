"""Oracle: frames in perfect order, the most that scores can reach with a threshold rule.

Active frames come before all others, and within both the order is arbitrary, but never equal: a rule that asks for a
share of the frames gets that share from the oracle as from any other detector. So Pointing Game and average precision
are exactly 1, and IoU and F1 are the rule's ceiling.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from igsed.detectors import OfEvents, Style
from igsed.labels import of_frames
from igsed.timeline import frame_count

ORDER = 1e-3
"""By how much frames differ that are alike, so that none are equal."""


def oracle(events: pd.DataFrame, labels: Sequence[str], duration: float) -> np.ndarray:
    """1 in each 100 ms frame that an event of a label overlaps, 0 elsewhere, and below `ORDER` more: (label, frame).

    Parameters
    ----------
    events : pandas.DataFrame
        Those of one clip: `onset, offset` (s), `event_label`; those of other labels count for none.
    labels : sequence of str
    duration : float
        Length of the clip in seconds.
    """
    wanted = events[events["event_label"].isin(labels)].assign(clip="")
    active = of_frames(wanted, [""], labels, frame_count(duration))[0]
    # Multiples of the golden ratio modulo one: spread evenly over time, no two alike.
    return active + ORDER * (np.arange(active.shape[1]) * (5**0.5 - 1) / 2 % 1)


DETECTOR = OfEvents(
    name="oracle",
    title="Oracle",
    run=oracle,
    score="1 in events, 0 elsewhere, and an order within",
    style=Style("#707070", (0, (2, 1)), "H"),
    limit="ceiling",
)
