"""Uncertainty of the metrics: means, bootstrap intervals, paired comparisons, and what chance would give.

The unit is a *pair*, one class in one clip, scored for one seed of the models. Pairs of one clip are not independent,
nor are those of one seed, so intervals come from a bootstrap that draws whole clips and whole seeds with replacement
(Efron and Tibshirani 1993, "An Introduction to the Bootstrap", percentile interval; two crossed factors resampled
independently: Owen 2007, "The pigeonhole bootstrap"). The readers of arXiv:2605.23293 asked for both.

Conventions
-----------
- A table of pairs has the columns seed, clip, label and one column per metric, one row per pair, of one detector under
  one protocol.
- A value is the mean over seeds of the mean over the pairs of that seed. `label` is a class, `all` (mean over pairs) or
  `class_mean` (mean over the classes that have a value).
- NaN, a pair without a score, never enters a mean; the number left out is the column `undefined`.
- The same seed of the bootstrap and the same clips give the same resamples for every detector, however many seeds the
  detector has, so intervals of several detectors rest on the same draws.
- Three seeds are few: resampling them understates the variance between seeds by a factor 2/3.
"""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from igsed.metrics import of_pairs

_BLOCK = 2**22
"""Resampling weights held at a time (replicates × clips), 32 MB."""


class _Units(NamedTuple):
    """Sums and counts of defined values, (metric, seed, clip, label)."""

    sums: np.ndarray
    counts: np.ndarray


def bootstrap(
    pairs: pd.DataFrame,
    metrics: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    clips: Sequence[Hashable] | None = None,
    replicates: int = 2000,
    confidence: float = 0.95,
    seed: int | np.random.SeedSequence = 0,
    unit: str = "clip",
) -> pd.DataFrame:
    """Means of each metric with percentile intervals over resampled clips and seeds.

    Parameters
    ----------
    pairs : pandas.DataFrame
        Columns seed, clip, label and the metrics; one detector, one protocol. Other columns are passed over.
    metrics : sequence of str, optional
        Columns; by default those of igsed's own metrics of pairs.
    labels : sequence of str, optional
        Classes in the order of the result; by default those in `pairs`, sorted.
    clips : sequence, optional
        All clips of the split, from which resamples are drawn; by default those in `pairs`, sorted. Give it so that
        detectors with different pairs share their resamples.
    replicates : int
        Number of resamples.
    confidence : float
        Coverage of the interval, 0…1.
    seed : int or numpy.random.SeedSequence
    unit : str
        Column of what is drawn instead of clips, such as the recordings that clips are made of; `clips` are then all
        of its values.

    Returns
    -------
    pandas.DataFrame
        One row per label (classes, `class_mean`, `all`) and metric: label, metric, value, low, high, std, pairs, clips,
        seeds, undefined. `std` is the standard deviation (divisor: number of pairs) over the pairs of all seeds
        together, for `class_mean` too: the paper's "std IoU". `pairs`, `clips` and `seeds` count what entered the mean,
        `undefined` the pairs left out as NaN. A resample in which a label has no pair is left out of its interval.

    Raises
    ------
    ValueError
        If a column is missing, a pair occurs twice (two detectors or protocols in one table), or a clip (a value of
        `unit`) or label of `pairs` is not among those given.

    Examples
    --------
    >>> pairs = pd.DataFrame({"seed": 0, "clip": ["a", "b", "c"], "label": "Dog", "iou": [0.2, 0.4, float("nan")]})
    >>> columns = ["label", "metric", "value", "pairs", "undefined"]
    >>> print(bootstrap(pairs, ["iou"])[columns].round(3).to_string(index=False))
         label metric  value  pairs  undefined
           Dog    iou    0.3      2          1
    class_mean    iou    0.3      2          1
           all    iou    0.3      2          1
    """
    metrics = of_pairs() if metrics is None else metrics
    validate(pairs, metrics)
    table, _ = _interval_table(pairs, metrics, labels, clips, replicates, confidence, seed, unit)
    return table


def paired_difference(
    a: pd.DataFrame,
    b: pd.DataFrame,
    metrics: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    clips: Sequence[Hashable] | None = None,
    replicates: int = 2000,
    confidence: float = 0.95,
    seed: int | np.random.SeedSequence = 0,
) -> pd.DataFrame:
    """Difference a − b of two detectors on the pairs that both have, with interval and two-sided p-value.

    The differences of the pairs are averaged and resampled as in `bootstrap`. The p-value is
    min(1, 2 · (1 + min(#{d* ≤ 0}, #{d* ≥ 0})) / (1 + R)) over the R resampled differences d*: the smallest α (up to the
    resolution 2 / (R + 1)) at which the percentile interval of coverage 1 − α excludes 0. It is not corrected for the
    number of comparisons.

    Parameters
    ----------
    a, b : pandas.DataFrame
        Tables of pairs. They are joined on seed, clip and label.
    metrics, labels, clips, replicates, confidence, seed
        See `bootstrap`.

    Returns
    -------
    pandas.DataFrame
        The columns of `bootstrap`, all of the difference, and p (NaN where there is no pair) and unmatched (number of
        pairs of the label that only one of the detectors has, left out). A pair is undefined where either is NaN.

    Raises
    ------
    ValueError
        As `bootstrap`.
    """
    metrics = of_pairs() if metrics is None else metrics
    keys = ["seed", "clip", "label"]
    for table in (a, b):
        validate(table, metrics)
    both = a[[*keys, *metrics]].merge(b[[*keys, *metrics]], on=keys, how="outer", suffixes=("_a", "_b"), indicator=True)
    matched = both["_merge"] == "both"
    pairs = both.loc[matched, keys].copy()
    for metric in metrics:
        pairs[metric] = (both[f"{metric}_a"] - both[f"{metric}_b"])[matched]
    labels = sorted(both["label"].unique()) if labels is None else labels
    clips = sorted(both["clip"].unique()) if clips is None else clips
    table, resampled = _interval_table(pairs, metrics, labels, clips, replicates, confidence, seed)
    defined = np.isfinite(resampled)
    tail = 1 + np.minimum(((resampled <= 0) & defined).sum(0), ((resampled >= 0) & defined).sum(0))
    p = np.minimum(1, 2 * tail / (1 + defined.sum(0)))
    table["p"] = np.where(table["pairs"] > 0, p, np.nan)
    unmatched = both.loc[~matched, "label"].value_counts()
    table["unmatched"] = [int(unmatched.get(x, 0)) if x in labels else int(unmatched.sum()) for x in table["label"]]
    return table


def validate(pairs: pd.DataFrame, metrics: Sequence[str]) -> None:
    """Check that a table of pairs has its columns and each pair once.

    Raises
    ------
    ValueError
        If a column is missing or a pair occurs twice.
    """
    keys = ["seed", "clip", "label"]
    missing = [column for column in (*keys, *metrics) if column not in pairs.columns]
    if missing:
        raise ValueError(f"the table of pairs lacks the columns {missing}; it has {list(pairs.columns)}")
    twice = pairs.duplicated(keys)
    if twice.any():
        first = pairs.loc[twice, keys].iloc[0].tolist()
        raise ValueError(f"{int(twice.sum())} pairs occur twice, first {first}: give one detector and one protocol")


def _interval_table(
    pairs, metrics, labels, clips, replicates, confidence, seed, unit="clip"
) -> tuple[pd.DataFrame, np.ndarray]:
    """The table of `bootstrap` and the resampled values (replicate, row of the table)."""
    labels = sorted(pairs["label"].unique()) if labels is None else list(labels)
    clips = sorted(pairs[unit].unique()) if clips is None else list(clips)
    values = pairs[list(metrics)].to_numpy(dtype=np.float64)
    units = _units(pairs.assign(clip=pairs[unit]), values, labels, clips)
    point = _seed_mean(_per_seed(units.sums.sum(2), units.counts.sum(2)))
    resampled = np.concatenate(list(_resample(units, replicates, seed)))
    low, high = _percentiles(resampled, [50 - 50 * confidence, 50 + 50 * confidence])
    rows = []
    for place, label in enumerate([*labels, "class_mean", "all"]):
        of_label = np.ones(len(pairs), dtype=bool) if place >= len(labels) else (pairs["label"] == label).to_numpy()
        for m, metric in enumerate(metrics):
            entered = of_label & ~np.isnan(values[:, m])
            rows.append(
                {
                    "label": label,
                    "metric": metric,
                    "value": point[m, place],
                    "low": low[m, place],
                    "high": high[m, place],
                    "std": values[entered, m].std() if entered.any() else np.nan,
                    "pairs": int(entered.sum()),
                    "clips": pairs.loc[entered, "clip"].nunique(),
                    "seeds": pairs.loc[entered, "seed"].nunique(),
                    "undefined": int(of_label.sum() - entered.sum()),
                }
            )
    return pd.DataFrame(rows), np.swapaxes(resampled, 1, 2).reshape(replicates, -1)


def _units(pairs: pd.DataFrame, values: np.ndarray, labels: Sequence[str], clips: Sequence[Hashable]) -> _Units:
    seeds = np.unique(pairs["seed"].to_numpy())
    places = []
    for column, known in (("seed", seeds), ("clip", clips), ("label", labels)):
        place = pd.Index(known).get_indexer(pairs[column])
        if (place < 0).any():
            raise ValueError(f"unknown {column} in the table of pairs: {pairs[column].iloc[int(np.argmin(place))]!r}")
        places.append(place)
    shape = (values.shape[1], max(len(seeds), 1), len(clips), len(labels))
    units = _Units(np.zeros(shape), np.zeros(shape))
    defined = ~np.isnan(values)
    # A unit may hold several pairs of a seed and label.
    np.add.at(units.sums, (slice(None), *places), np.where(defined, values, 0).T)
    np.add.at(units.counts, (slice(None), *places), defined.T)
    return units


def _per_seed(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean of each label, then of the classes, then of all pairs: (…, seed, label) to (…, seed, label + 2)."""
    means = _divide(sums, counts)
    pooled = _divide(sums.sum(-1), counts.sum(-1))
    defined = ~np.isnan(means)
    class_mean = _divide(np.where(defined, means, 0).sum(-1), defined.sum(-1))
    return np.concatenate([means, class_mean[..., None], pooled[..., None]], axis=-1)


def _seed_mean(values: np.ndarray, weights=1.0) -> np.ndarray:
    """Mean over seeds of (…, seed, label), without the seeds that have no value."""
    weights = np.where(np.isnan(values), 0.0, weights)
    return _divide((weights * np.nan_to_num(values)).sum(-2), weights.sum(-2))


def _divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0)


def _resample(units: _Units, replicates: int, seed):
    """Blocks (replicate, metric, label + 2) of means over resampled clips and seeds."""
    root = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    # One stream each, so that the clips drawn do not depend on how many seeds a detector has.
    clip_stream, seed_stream = (
        np.random.default_rng(np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, k))) for k in (0, 1)
    )
    metrics, seeds, clips, labels = units.sums.shape
    by_clip = np.stack(units).transpose(3, 0, 1, 2, 4).reshape(clips, -1)
    block = max(1, _BLOCK // max(clips, 1))
    for start in range(0, replicates, block):
        size = min(block, replicates - start)
        drawn = _multiplicities(clip_stream, size, clips) @ by_clip
        sums, counts = np.moveaxis(drawn.reshape(size, 2, metrics, seeds, labels), 1, 0)
        weights = _multiplicities(seed_stream, size, seeds)
        yield _seed_mean(_per_seed(sums, counts), weights[:, None, :, None])


def _multiplicities(stream: np.random.Generator, replicates: int, units: int) -> np.ndarray:
    """How often each unit is drawn, (replicate, unit), when as many are drawn with replacement as there are."""
    if not units:
        return np.zeros((replicates, 0))
    drawn = stream.integers(units, size=(replicates, units)) + units * np.arange(replicates)[:, None]
    return np.bincount(drawn.ravel(), minlength=replicates * units).reshape(replicates, units).astype(np.float64)


def _percentiles(resampled: np.ndarray, percentiles: Sequence[float]) -> np.ndarray:
    """Percentiles over replicates of (replicate, metric, label), each without its NaN."""
    result = np.full((len(percentiles), *resampled.shape[1:]), np.nan)
    for place in np.ndindex(resampled.shape[1:]):
        values = resampled[(slice(None), *place)]
        values = values[~np.isnan(values)]
        if len(values):
            result[(slice(None), *place)] = np.percentile(values, percentiles)
    return result


def kept_frames(percentile, frames: int) -> np.ndarray:
    """How many of `frames` distinct scores lie strictly above their percentile (numpy's linear rule).

    The percentile lies at rank h = (frames − 1)·percentile / 100, counted from 0, so the frames above are those of rank
    ⌊h⌋ + 1 and more. Where h is whole only up to rounding, the interpolated threshold may miss the score of that rank
    by one unit in the last place; with 100 frames no whole percentile from 1 to 99 is such a case.

    Parameters
    ----------
    percentile : array_like (…)
        0…100.
    frames : int
        > 0.

    Returns
    -------
    numpy.ndarray of int (…)
        In 0…frames − 1.

    Raises
    ------
    ValueError
        If a percentile is outside 0…100 or there are no frames.
    """
    percentile = np.asarray(percentile, dtype=np.float64)
    if not ((percentile >= 0) & (percentile <= 100)).all():
        raise ValueError("percentiles must lie in 0…100")
    if frames < 1:
        raise ValueError(f"frames must be positive, not {frames}")
    return frames - 1 - np.floor((frames - 1) * (percentile / 100)).astype(int)


def random_iou(active_ratio, kept_ratio, frames: int) -> np.ndarray:
    """Expected IoU of random scores whose mask keeps exactly k of n frames, of which a are active.

    The overlap x of a random choice of k frames with the a active ones is hypergeometric, so the expectation is the
    exact sum over x of P(x) · x / (k + a − x). (The expected Pointing Game of random scores is simply the active ratio
    a / n, the expected precision too, and the expected recall k / n.)

    Parameters
    ----------
    active_ratio : array_like (…)
        a / n, a whole number of frames.
    kept_ratio : array_like (…)
        k / n, a whole number of frames (see `kept_frames`). Broadcast with `active_ratio`.
    frames : int
        n, > 0.

    Returns
    -------
    numpy.ndarray of float64 (…)
        In 0…1; NaN where a = k = 0.

    Raises
    ------
    ValueError
        If a ratio is outside 0…1 or not a whole number of frames.

    Examples
    --------
    >>> float(random_iou(0.5, 0.5, 2))
    0.5
    """
    active, kept = np.broadcast_arrays(
        _whole(active_ratio, frames, "active_ratio"), _whole(kept_ratio, frames, "kept_ratio")
    )
    active, kept = active[..., None], kept[..., None]
    overlap = np.arange(frames + 1)
    possible = (overlap >= active + kept - frames) & (overlap <= np.minimum(active, kept))
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, frames + 1)))])

    def log_choose(n, k):
        n = np.broadcast_to(n, possible.shape)
        k = np.clip(k, 0, n)
        return log_factorial[n] - log_factorial[k] - log_factorial[n - k]

    log_p = log_choose(active, overlap) + log_choose(frames - active, kept - overlap) - log_choose(frames, kept)
    union = active + kept - overlap
    terms = np.where(possible, np.exp(np.where(possible, log_p, 0)) * overlap / np.maximum(union, 1), 0)
    return np.where((active + kept)[..., 0] > 0, terms.sum(-1), np.nan)


def _whole(ratio, frames: int, name: str) -> np.ndarray:
    exact = np.asarray(ratio, dtype=np.float64) * frames
    count = np.rint(exact)
    if not ((count >= 0) & (count <= frames) & (np.abs(exact - count) < 1e-6)).all():
        raise ValueError(f"{name} must be a whole number of {frames} frames, in 0…1")
    return count.astype(int)
