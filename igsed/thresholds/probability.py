"""From frame scores to detections: a fixed probability, for detectors whose scores are logits of one.

Framewise models have been trained to say in which frames a class is active; their own decision is a probability above
`evaluation.decision`, like that of the clip classifier. Attributions have no such scale, so the rule leaves them out.
"""

import numpy as np

from igsed.thresholds import above
from igsed.thresholds.rule import Rule


def probability_mask(scores, probability: float) -> np.ndarray:
    """Frames whose probability, the sigmoid of the score, lies strictly above a fixed one.

    Parameters
    ----------
    scores : array_like (…, frame)
        Logits, finite.
    probability : float
        Strictly between 0 and 1.

    Returns
    -------
    numpy.ndarray of bool (…, frame)

    Raises
    ------
    ValueError
        If there are no frames, a score is not finite, or the probability is not between 0 and 1.

    Examples
    --------
    >>> probability_mask([-1.0, 0.1, 3.0], 0.5).astype(int)
    array([0, 1, 1])
    """
    if not 0 < probability < 1:
        raise ValueError(f"the probability must lie between 0 and 1, not {probability}")
    return above.validate(scores) > np.log(probability / (1 - probability))


def swept(evaluation) -> list[float]:
    """The one probability that `evaluation.decision` names."""
    return [evaluation.decision]


PROBABILITY = Rule(
    name="probability",
    title="Fixed probability",
    function=probability_mask,
    parameter="probability",
    swept=swept,
    of_logits=True,
    note="Protocol probability: framewise models only, at the probability above which a class counts as predicted.",
)
