"""What scores that know nothing reach at a percentile: the lowest line of the figure of thresholds."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from igsed.statistics import kept_frames, random_iou


def of_percentiles(active: np.ndarray, percentiles: Sequence[float]) -> pd.DataFrame:
    """Expected IoU and F1 of random scores over pairs, at each percentile.

    A percentile keeps a fixed number k of the n frames, of which x of the a active ones are hit: IoU as in
    `igsed.statistics.random_iou`; F1 is 2 x / (k + a), and x is k a / n in the mean.

    Parameters
    ----------
    active : numpy.ndarray of bool (pair, frame)
        At least one pair.
    percentiles : sequence of float
        0…100.

    Returns
    -------
    pandas.DataFrame
        `percentile`, `iou`, `f1`; pairs without any active or kept frame are left out of the means.

    Examples
    --------
    >>> of_percentiles(np.array([[True, False, False, False]]), [50]).round(3).to_dict("list")
    {'percentile': [50.0], 'iou': [0.25], 'f1': [0.333]}
    """
    frames = active.shape[-1]
    counts, pairs = np.unique(active.sum(-1), return_counts=True)
    kept = kept_frames(np.asarray(percentiles, dtype=float), frames)
    iou = random_iou(counts[:, None] / frames, kept / frames, frames)
    both = counts[:, None] + kept
    f1 = np.divide(2 * counts[:, None] * kept / frames, both, out=np.full(both.shape, np.nan), where=both > 0)
    means = {}
    for name, values in (("iou", iou), ("f1", f1)):
        known = pairs[:, None] * ~np.isnan(values)
        total = known.sum(0)
        sums = (np.nan_to_num(values) * known).sum(0)
        means[name] = np.divide(sums, total, out=np.full(len(total), np.nan), where=total > 0)
    return pd.DataFrame({"percentile": np.asarray(percentiles, dtype=float), **means})
