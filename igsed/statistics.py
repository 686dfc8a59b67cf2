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

from collections.abc import Hashable, Mapping, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import pandas as pd

from igsed.metrics import of_pairs

_BLOCK = 2**22
"""Resampling weights held at a time (replicates × clips), 32 MB."""


POWER = 0.8
"""With which probability a difference of the size `detectable` would have been found."""


_COLUMNS = [
    *("label", "metric", "value", "low", "high", "std"),
    *("pairs", "clips", "sources", "seeds", "undefined"),
]


class Rethresholded(NamedTuple):
    """What other validation clips would have made of the pairs of one seed.

    `chosen`: the value of the threshold's parameter in each replicate, (replicate,); `metrics`: of each value that
    occurs the metrics that depend on it, a row for each pair of the seed, in the order of the table of pairs.
    """

    chosen: np.ndarray
    metrics: Mapping[float, pd.DataFrame]


class _Units(NamedTuple):
    """Sums and counts of defined values, (metric, seed, unit, label); a unit is a clip or a source recording."""

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
    rethresholded: Mapping[int, Rethresholded] | None = None,
    unit: str = "clip",
) -> pd.DataFrame:
    """Means of each metric with percentile intervals over resampled clips and seeds, and over recordings and seeds.

    Parameters
    ----------
    pairs : pandas.DataFrame
        Columns seed, clip, label and the metrics; one detector, one protocol; and, if known, `source`, the recording
        that the class in the clip comes from. Other columns are passed over.
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
    rethresholded : mapping, optional
        Seed → `Rethresholded`: thresholds resampled together with the recordings. Without it they stay.
    unit : str
        Column of what is drawn instead of clips, such as the recordings that clips are made of; `clips` are then all
        of its values.

    Returns
    -------
    pandas.DataFrame
        One row per label (classes, `class_mean`, `all`) and metric: label, metric, value, low, high, std, pairs, clips,
        seeds, undefined; `low_sources, high_sources, sources` (the interval over recordings, and their number; NaN and
        0 without a column `source`); `low_wide, high_wide` (the wider of the two intervals). `std` is the standard
        deviation (divisor: number of pairs) over the pairs of all seeds together, for `class_mean` too: the paper's
        "std IoU". `pairs`, `clips` and `seeds` count what entered the mean, `undefined` the pairs left out as NaN. A
        resample in which a label has no pair is left out of its interval.

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
    labels = sorted(pairs["label"].unique()) if labels is None else labels
    table, _ = _interval_table(pairs, metrics, labels, clips, replicates, confidence, seed, unit)
    return _with_sources(table, pairs, metrics, labels, replicates, confidence, seed, rethresholded)[0]


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
        The columns of `bootstrap`, all of the difference, and p (NaN where there is no pair), `p_sources` (the same
        over recordings; NaN without a column `source`), `detectable` (the difference that would have been found with
        probability `POWER`, from the larger standard error of the two) and unmatched (number of pairs of the label that
        only one of the detectors has, left out). A pair is undefined where either is NaN. Thresholds stay.

    Raises
    ------
    ValueError
        As `bootstrap`.
    """
    metrics = of_pairs() if metrics is None else metrics
    keys = ["seed", "clip", "label"]
    for table in (a, b):
        validate(table, metrics)
    sources = [name for name in ("source",) if name in a and name in b]
    both = a[[*keys, *sources, *metrics]].merge(
        b[[*keys, *metrics]], on=keys, how="outer", suffixes=("_a", "_b"), indicator=True
    )
    matched = both["_merge"] == "both"
    pairs = both.loc[matched, [*keys, *sources]].copy()
    for metric in metrics:
        pairs[metric] = (both[f"{metric}_a"] - both[f"{metric}_b"])[matched]
    labels = sorted(both["label"].unique()) if labels is None else labels
    clips = sorted(both["clip"].unique()) if clips is None else clips
    table, resampled = _interval_table(pairs, metrics, labels, clips, replicates, confidence, seed)
    table["p"] = _p_value(resampled, table["pairs"])
    table, over_sources = _with_sources(table, pairs, metrics, labels, replicates, confidence, seed)
    table["p_sources"] = np.nan if over_sources is None else _p_value(over_sources, table["pairs"])
    errors = [_deviation(values) for values in (resampled, over_sources) if values is not None]
    table["detectable"] = standard_errors(confidence) * np.fmax.reduce(errors)
    unmatched = both.loc[~matched, "label"].value_counts()
    table["unmatched"] = [int(unmatched.get(x, 0)) if x in labels else int(unmatched.sum()) for x in table["label"]]
    return table


class Draws(NamedTuple):
    """One detector's means with their bootstrap, to be compared with others' (`difference`).

    `table`: rows label, metric, value, pairs, clips, sources, seeds; `judged`: of each row's metric, which pairs have a
    value, as a number that is the same for the same pairs; `by_clip`, `by_source`: means (replicate, row) over
    resampled clips and recordings, the latter None without a column `source`.
    """

    table: pd.DataFrame
    judged: np.ndarray
    by_clip: np.ndarray
    by_source: np.ndarray | None


def draws(
    pairs: pd.DataFrame,
    metrics: Sequence[str],
    labels: Sequence[str],
    clips: Sequence[Hashable],
    replicates: int = 2000,
    seed: int | np.random.SeedSequence = 0,
) -> Draws:
    """What `difference` needs of one detector. Parameters as of `bootstrap`."""
    validate(pairs, metrics)
    table, by_clip = _interval_table(pairs, metrics, labels, clips, replicates, 0.5, seed)
    by_source = None
    if "source" in pairs:
        units = _all_sources([pairs])
        found, by_source = _interval_table(pairs, metrics, labels, units, replicates, 0.5, seed, "source", 2)
        table["sources"] = found["sources"]
    else:
        table["sources"] = 0
    # A sum, so that the order of the pairs does not count.
    rows = pd.util.hash_pandas_object(pairs[["seed", "clip", "label"]], index=False).to_numpy()
    judged = {metric: rows[pairs[metric].notna().to_numpy()].sum() for metric in metrics}
    columns = ["label", "metric", "value", "pairs", "clips", "sources", "seeds"]
    return Draws(table[columns], table["metric"].map(judged).to_numpy(), by_clip, by_source)


def difference(a: Draws, b: Draws, confidence: float = 0.95) -> pd.DataFrame:
    """Difference a − b of two detectors that were judged on the same pairs, from what was drawn of each.

    The same as `paired_difference` without drawing again: the mean of paired differences is the difference of the
    means, and both rest on the same resamples.

    Parameters
    ----------
    a, b : Draws
        With the same metrics, labels, clips, replicates and seed.
    confidence : float
        Coverage of the interval, 0…1.

    Returns
    -------
    pandas.DataFrame
        Rows (label, metric) with value, low, high, p, low_sources, high_sources, low_wide, high_wide, p_sources, pairs,
        clips, sources, seeds, as of `paired_difference`; without the metrics that have values of other pairs in a than
        in b, where the two means do not compare.
    """
    same = a.judged == b.judged
    table = a.table[same].reset_index(drop=True)
    table["value"] -= b.table.loc[same, "value"].to_numpy()
    bounds = [50 - 50 * confidence, 50 + 50 * confidence]
    for end, one, other in (("", a.by_clip, b.by_clip), ("_sources", a.by_source, b.by_source)):
        columns = [f"low{end}", f"high{end}", f"p{end}"]
        if one is None or other is None:
            table[columns] = np.nan
            continue
        drawn = one[:, same] - other[:, same]
        low, high = _percentiles(drawn, bounds)
        table[columns] = np.stack([low, high, _p_value(drawn, table["pairs"])], axis=1)
    return _with_wider(table)


def reversed_difference(table: pd.DataFrame) -> pd.DataFrame:
    """The table of `difference` for b − a."""
    ends = [name.removeprefix("low") for name in table if name.startswith("low")]
    # 0 − x, since −x would make −0 of 0.
    signs = {f"low{end}": 0 - table[f"high{end}"] for end in ends} | {
        f"high{end}": 0 - table[f"low{end}"] for end in ends
    }
    return table.assign(value=0 - table["value"], **signs)


def standard_errors(confidence: float, comparisons: int = 1) -> float:
    """How many standard errors a difference must have to be found with the probability `POWER`.

    Parameters
    ----------
    confidence : float
        1 − α, 0…1.
    comparisons : int
        Of how many it is found with the strictest correction, α / comparisons.

    Examples
    --------
    >>> round(standard_errors(0.95), 2), round(standard_errors(0.95, 10), 2)
    (2.8, 3.65)
    """
    normal = NormalDist()
    return normal.inv_cdf(1 - (1 - confidence) / (2 * comparisons)) + normal.inv_cdf(POWER)


def holm(p) -> np.ndarray:
    """p-values corrected for their number (Holm 1979): NaN stays, and is no comparison.

    Parameters
    ----------
    p : array_like (comparison,)
        0…1 or NaN.

    Returns
    -------
    numpy.ndarray of float64 (comparison,)

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p, dtype=np.float64)
    order = np.argsort(p)[: int((~np.isnan(p)).sum())]
    corrected = np.full(p.shape, np.nan)
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(1, np.maximum.accumulate(p[order] * factors))
    return corrected


def ranking(
    tables: Mapping[str, pd.DataFrame],
    directions: Mapping[str, bool],
    clips: Sequence[Hashable] | None = None,
    replicates: int = 2000,
    confidence: float = 0.95,
    seed: int | np.random.SeedSequence = 0,
) -> pd.DataFrame:
    """Ranks of detectors by several metrics, with intervals, and by all of them together.

    In every replicate all detectors are judged on the same resampled recordings (clips, where no column `source` says
    which) and ranked; the interval holds the middle `confidence` of the ranks. `borda` is the share of the other
    detectors that one is better than, equal ones counting half, mean over the metrics.

    Parameters
    ----------
    tables : mapping
        Detector → its table of pairs (see `bootstrap`).
    directions : mapping
        Metric → whether higher is better.
    clips, replicates, confidence, seed
        See `bootstrap`.

    Returns
    -------
    pandas.DataFrame
        Rows by metric and detector, `borda` last: detector, metric, value, rank (1 is best; equal ones share the mean
        of their ranks), rank_low, rank_high. A detector without a value has no rank.
    """
    points, draws = [], []
    units = _all_sources(tables.values()) if all("source" in table for table in tables.values()) else None
    for table in tables.values():
        validate(table, list(directions))
        labels = sorted(table["label"].unique())
        column, known, key = ("clip", clips, 0) if units is None else ("source", units, 2)
        found, resampled = _interval_table(
            table, list(directions), labels, known, replicates, confidence, seed, column, key
        )
        everything = (found["label"] == "all").to_numpy()
        points.append(found.loc[everything, "value"].to_numpy())
        draws.append(resampled[:, everything])
    signs = np.array([1 if higher else -1 for higher in directions.values()])
    value, drawn = np.stack(points) * signs, np.stack(draws, axis=1) * signs  # (detector, metric), (replicate, …, …)
    rows = []
    shares, drawn_shares = _beaten(value), _beaten(drawn)
    for k, metric in enumerate([*directions, "borda"]):
        if metric == "borda":
            own, others, shown = _mean(shares), _mean(drawn_shares), _mean(shares)
        else:
            own, others, shown = value[:, k], drawn[..., k], value[:, k] * signs[k]
        rank, ranks = _ranks(own), _ranks(others)
        low, high = _percentiles(ranks, [50 - 50 * confidence, 50 + 50 * confidence])
        rows += [
            dict(zip(("detector", "metric", "value", "rank", "rank_low", "rank_high"), row, strict=True))
            for row in zip(tables, [metric] * len(tables), shown, rank, low, high, strict=True)
        ]
    return pd.DataFrame(rows)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks over the last axis, 1 for the highest, equal ones at their mean, NaN for NaN."""
    defined = ~np.isnan(values)
    higher = (values[..., None, :] > values[..., :, None]).sum(-1)
    equal = (values[..., None, :] == values[..., :, None]).sum(-1)
    return np.where(defined, higher + (equal + 1) / 2, np.nan)


def _beaten(values: np.ndarray) -> np.ndarray:
    """The share of the other detectors with a value that each is better than, over (…, detector, metric)."""
    values = np.swapaxes(values, -1, -2)
    others = (~np.isnan(values)).sum(-1, keepdims=True) - 1
    share = _divide(others + 1 - _ranks(values), np.broadcast_to(others, values.shape))
    return np.swapaxes(share, -1, -2)


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis without NaN."""
    return _divide(np.nansum(values, axis=-1), (~np.isnan(values)).sum(-1))


def _all_sources(tables) -> list[str]:
    return sorted(set().union(*(table["source"].unique() for table in tables)))


def _p_value(resampled: np.ndarray, pairs) -> np.ndarray:
    """Two-sided, of differences (replicate, row); NaN where a row has no pair.

    Equal means count on both sides, though their sums were rounded.
    """
    defined = np.isfinite(resampled)
    resampled = np.round(resampled, 12)
    tail = 1 + np.minimum(((resampled <= 0) & defined).sum(0), ((resampled >= 0) & defined).sum(0))
    return np.where(pairs > 0, np.minimum(1, 2 * tail / (1 + defined.sum(0))), np.nan)


def _deviation(resampled: np.ndarray) -> np.ndarray:
    """Standard deviation over replicates, NaN where fewer than two have a value."""
    defined = np.isfinite(resampled)
    count = defined.sum(0)
    mean = _divide(np.where(defined, resampled, 0).sum(0), count)
    square = np.where(defined, (resampled - np.nan_to_num(mean)) ** 2, 0).sum(0)
    return np.sqrt(_divide(square, np.where(count > 1, count - 1, 0)))


def _with_sources(table, pairs, metrics, labels, replicates, confidence, seed, rethresholded=None):
    """The table with the interval over recordings and the wider one, and the resampled values; None without them."""
    low, high, resampled, sources = np.nan, np.nan, None, 0
    if "source" in pairs:
        units = _all_sources([pairs])
        found, resampled = _interval_table(
            pairs, metrics, labels, units, replicates, confidence, seed, "source", 2, rethresholded
        )
        low, high, sources = found["low"], found["high"], found["sources"]
    table = table.drop(columns="sources").assign(low_sources=low, high_sources=high, sources=sources)
    return _with_wider(table), resampled


def _with_wider(table: pd.DataFrame) -> pd.DataFrame:
    """The table with `low_wide` and `high_wide`, the wider of its two intervals."""
    wider = (table["high_sources"] - table["low_sources"]) > (table["high"] - table["low"])
    wide = {f"{side}_wide": table[side].where(~wider, table[f"{side}_sources"]) for side in ("low", "high")}
    return table.assign(**wide)


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
    pairs, metrics, labels, known, replicates, confidence, seed, column="clip", key=0, rethresholded=None
) -> tuple[pd.DataFrame, np.ndarray]:
    """The table of `bootstrap` and the resampled values (replicate, row of the table).

    `column` is what is resampled, `known` all of its values; `key` and the next number are the keys of the two streams.
    """
    labels = list(labels)
    known = sorted(pairs[column].unique()) if known is None else list(known)
    values = pairs[list(metrics)].to_numpy(dtype=np.float64)
    units = _units(pairs, values, labels, column, known)
    point = _seed_mean(_per_seed(units.sums.sum(2), units.counts.sum(2)))
    drawn = _resample(units, replicates, seed, key)
    if rethresholded:
        drawn = _resample_thresholds(pairs, metrics, labels, column, known, replicates, seed, key, rethresholded)
    resampled = np.concatenate(list(drawn))
    low, high = _percentiles(resampled, [50 - 50 * confidence, 50 + 50 * confidence])
    rows = []
    codes = {name: pd.factorize(pairs[name])[0] for name in {"clip", column, "seed"}}
    places = pd.Index(labels).get_indexer(pairs["label"])
    for place, label in enumerate([*labels, "class_mean", "all"]):
        of_label = np.ones(len(pairs), dtype=bool) if place >= len(labels) else places == place
        for m, metric in enumerate(metrics):
            entered = of_label & ~np.isnan(values[:, m])
            clips, sources, seeds = (len(np.unique(codes[name][entered])) for name in ("clip", column, "seed"))
            rows.append(
                {
                    "label": label,
                    "metric": metric,
                    "value": point[m, place],
                    "low": low[m, place],
                    "high": high[m, place],
                    "std": values[entered, m].std() if entered.any() else np.nan,
                    "pairs": int(entered.sum()),
                    "clips": clips,
                    "sources": sources,
                    "seeds": seeds,
                    "undefined": int(of_label.sum() - entered.sum()),
                }
            )
    return pd.DataFrame(rows, columns=_COLUMNS), np.swapaxes(resampled, 1, 2).reshape(replicates, -1)


def _units(pairs: pd.DataFrame, values: np.ndarray, labels: Sequence[str], column: str, units: Sequence) -> _Units:
    seeds = np.unique(pairs["seed"].to_numpy())
    places = []
    for name, known in (("seed", seeds), (column, units), ("label", labels)):
        place = pd.Index(known).get_indexer(pairs[name])
        if (place < 0).any():
            raise ValueError(f"unknown {name} in the table of pairs: {pairs[name].iloc[int(np.argmin(place))]!r}")
        places.append(place)
    shape = (values.shape[1], max(len(seeds), 1), len(units), len(labels))
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


def _streams(seed, key: int) -> tuple[np.random.Generator, np.random.Generator]:
    """One for the units and one for the seeds, so that the units drawn do not depend on how many seeds there are."""
    root = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    first, second = (
        np.random.default_rng(np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, k)))
        for k in (key, key + 1)
    )
    return first, second


def _blocks(replicates: int, units: int):
    """Slices of the replicates, each with resampling weights of bounded size."""
    block = max(1, _BLOCK // max(units, 1))
    return [slice(start, min(start + block, replicates)) for start in range(0, replicates, block)]


def _resample(units: _Units, replicates: int, seed, key: int):
    """Blocks (replicate, metric, label + 2) of means over resampled units and seeds."""
    unit_stream, seed_stream = _streams(seed, key)
    metrics, seeds, count, labels = units.sums.shape
    by_unit = np.stack(units).transpose(3, 0, 1, 2, 4).reshape(count, -1)
    for rows in _blocks(replicates, count):
        size = rows.stop - rows.start
        drawn = _multiplicities(unit_stream, size, count) @ by_unit
        sums, counts = np.moveaxis(drawn.reshape(size, 2, metrics, seeds, labels), 1, 0)
        weights = _multiplicities(seed_stream, size, seeds)
        yield _seed_mean(_per_seed(sums, counts), weights[:, None, :, None])


def _resample_thresholds(
    pairs, metrics, labels, column, known, replicates, seed, key, rethresholded: Mapping[int, Rethresholded]
):
    """As `_resample`, each replicate with the metrics at the threshold that it chose."""
    unit_stream, seed_stream = _streams(seed, key)
    seeds = np.unique(pairs["seed"].to_numpy())
    by_threshold = []
    for number in seeds:
        rows = pairs[pairs["seed"] == number]
        tables = {}
        for value, changed in rethresholded[number].metrics.items():
            values = rows[list(metrics)].to_numpy(dtype=np.float64)
            for place, metric in enumerate(metrics):
                if metric in changed:
                    values[:, place] = changed[metric]
            units = _units(rows, values, labels, column, known)
            tables[value] = np.stack(units)[:, :, 0].transpose(2, 0, 1, 3).reshape(len(known), -1)
        by_threshold.append(tables)
    for rows in _blocks(replicates, len(known)):
        size = rows.stop - rows.start
        drawn = _multiplicities(unit_stream, size, len(known))
        both = np.zeros((size, 2, len(metrics), max(len(seeds), 1), len(labels)))
        for place, (number, tables) in enumerate(zip(seeds, by_threshold, strict=True)):
            chosen = rethresholded[number].chosen[rows]
            for value, by_unit in tables.items():
                here = chosen == value
                both[here, :, :, place] = (drawn[here] @ by_unit).reshape(-1, 2, len(metrics), len(labels))
        weights = _multiplicities(seed_stream, size, max(len(seeds), 1))
        yield _seed_mean(_per_seed(both[:, 0], both[:, 1]), weights[:, None, :, None])


def multiplicities(seed: int | np.random.SeedSequence, replicates: int, units: int) -> np.ndarray:
    """How often each unit is drawn, (replicate, unit), when as many are drawn with replacement as there are."""
    return _multiplicities(np.random.default_rng(seed), replicates, units)


def _multiplicities(stream: np.random.Generator, replicates: int, units: int) -> np.ndarray:
    """How often each unit is drawn, (replicate, unit), when as many are drawn with replacement as there are."""
    if not units:
        return np.zeros((replicates, 0))
    drawn = stream.integers(units, size=(replicates, units)) + units * np.arange(replicates)[:, None]
    return np.bincount(drawn.ravel(), minlength=replicates * units).reshape(replicates, units).astype(np.float64)


def _percentiles(resampled: np.ndarray, percentiles: Sequence[float]) -> np.ndarray:
    """Percentiles over replicates of (replicate, …), each without its NaN."""
    columns = resampled.reshape(len(resampled), -1)
    result = np.full((len(percentiles), columns.shape[1]), np.nan)
    undefined = np.isnan(columns)
    whole = ~undefined.any(axis=0)
    if len(columns) and whole.any():
        result[:, whole] = np.percentile(columns[:, whole], percentiles, axis=0)
    for place in np.flatnonzero(~whole & ~undefined.all(axis=0)):
        result[:, place] = np.percentile(columns[~undefined[:, place], place], percentiles)
    return result.reshape(len(percentiles), *resampled.shape[1:])


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
