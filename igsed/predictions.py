"""What a clip classifier predicts for every clip and class."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import expit


def table(
    clips: Sequence[str], labels: Sequence[str], logits: np.ndarray, present: np.ndarray, decision: float
) -> pd.DataFrame:
    """Predictions as a table.

    Parameters
    ----------
    logits : numpy.ndarray (clip, class)
    present : numpy.ndarray of bool (clip, class)
    decision : float
        A class is predicted where its sigmoid exceeds this, 0…1 (0.5 in arXiv:2605.23293).

    Returns
    -------
    pandas.DataFrame
        `clip, label, probability, predicted, present`, every clip × every class.
    """
    probability = expit(np.asarray(logits, dtype=np.float64))
    return pd.DataFrame(
        {
            "clip": np.repeat(np.asarray(clips, dtype=object), len(labels)),
            "label": np.tile(np.asarray(labels, dtype=object), len(clips)),
            "probability": probability.ravel(),
            "predicted": (probability > decision).ravel().astype(int),
            "present": np.asarray(present).ravel().astype(int),
        }
    )


class Wanted:
    """Which classes of each clip are scored: the predicted ones, and all present ones if wanted.

    Parameters
    ----------
    predictions : pandas.DataFrame
        See `table`.
    labels : sequence of str
        The classes.
    all_present : bool
        Whether the present classes are scored that are not predicted.
    """

    def __init__(self, predictions: pd.DataFrame, labels: Sequence[str], all_present: bool):
        there = (predictions["predicted"] == 1) | (predictions["present"] == 1)
        wanted = there if all_present else predictions["predicted"] == 1
        self._targets, self._there = (_by_clip(predictions[rows], labels) for rows in (wanted, there))

    def targets(self, clip: str) -> list[int]:
        """Indices of the scored classes; none where no class is predicted or asked for."""
        return self._targets.get(clip, [])

    def there(self, clip: str) -> list[int]:
        """Indices of the classes that are predicted or present."""
        return self._there.get(clip, [])


def _by_clip(rows: pd.DataFrame, labels: Sequence[str]) -> dict[str, list[int]]:
    return {clip: [labels.index(label) for label in own] for clip, own in rows.groupby("clip", sort=False)["label"]}
