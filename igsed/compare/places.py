"""How far a detector's place can be trusted: what its interval says of its rank, and which changes of place are real.

Intervals are those of single detectors, so what is said here is cautious: two detectors whose intervals overlap may
still differ, as a paired comparison (`differences.csv` of an experiment) can show.
"""

import itertools
from typing import NamedTuple

import numpy as np
import pandas as pd


class Changes(NamedTuple):
    """How many pairs of detectors there are, how many change places between two banks, and of which it is certain.

    `certain`: pairs of detectors of which one lies above the other on one bank, and below it on the other, with
    intervals that lie apart on both; the first is the better one on the first bank.
    """

    pairs: int
    changed: int
    certain: list[tuple[str, str]]


def with_intervals(table: pd.DataFrame, better: dict[str, bool | None]) -> pd.DataFrame:
    """The table with `rank_low` and `rank_high`, the places that a detector's interval leaves open in its bank.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows by `metric, label, detector, bank` with `value`, `low`, `high` and `rank`.
    better : dict
        Metric → whether high values are good.

    Returns
    -------
    pandas.DataFrame
        `rank_low` is 1 and the number of ranked detectors whose whole interval is better, `rank_high` the number of
        those whose whole interval is not worse, both over the bank's ranked detectors; NaN without rank or interval.
    """
    low, high = np.full(len(table), np.nan), np.full(len(table), np.nan)
    groups = table.reset_index(drop=True).groupby(["metric", "label", "bank"], sort=False)
    for (metric, *_), rows in groups:
        rows = rows[rows["rank"].notna() & rows["low"].notna()]
        worst, best = rows["low"].to_numpy(), rows["high"].to_numpy()
        if better[metric] is False:
            worst, best = -best, -worst
        low[rows.index] = 1 + (worst[None] > best[:, None]).sum(1)
        high[rows.index] = len(rows) - (best[None] < worst[:, None]).sum(1)
    return table.assign(rank_low=low, rank_high=high)


def changes(table: pd.DataFrame, higher_is_better: bool) -> Changes:
    """Which detectors change places between any two banks.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows by `detector, bank` of one metric and label, with `value`, `low`, `high` and `rank`.
    higher_is_better : bool
    """
    table = table[table["rank"].notna()]
    sign = 1 if higher_is_better else -1
    wide = {name: table.pivot(index="detector", columns="bank", values=name) for name in ("value", "low", "high")}
    names = list(dict.fromkeys(table["detector"]))
    value, low, high = (wide[name].reindex(names).to_numpy() * sign for name in ("value", "low", "high"))
    if sign < 0:
        low, high = high, low
    changed, certain = 0, []
    pairs = list(itertools.combinations(range(len(names)), 2))
    for one, other in pairs:
        difference = value[one] - value[other]
        changed += bool((difference > 0).any() and (difference < 0).any())
        above, below = low[one] > high[other], high[one] < low[other]
        if above.any() and below.any():
            first = above[np.flatnonzero(above | below)[0]]
            certain.append((names[one], names[other]) if first else (names[other], names[one]))
    return Changes(len(pairs), changed, certain)
