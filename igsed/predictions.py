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


def targets(predictions: pd.DataFrame, labels: Sequence[str], all_present: bool) -> dict[str, list[int]]:
    """Clip → indices of the classes to explain: the predicted ones, and all present if wanted; no clip without any."""
    wanted = (predictions["predicted"] == 1) | ((predictions["present"] == 1) & all_present)
    by_clip = predictions[wanted].groupby("clip", sort=False)["label"]
    return {clip: [labels.index(label) for label in found] for clip, found in by_clip}
