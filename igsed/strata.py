"""What detectors reach under each condition: means and intervals of strata of pairs.

A condition (`igsed.conditions`) is cut at fixed edges, so that experiments can be compared (`CONDITIONS`). Every pair
lies in exactly one stratum of each condition: in `UNKNOWN` where the condition is not known of it (the SNR of real
recordings), in `MANY` where the condition has names for values and too many of them.

Intervals are percentile intervals of a bootstrap (`igsed.statistics`) over seeds and over *source recordings*: the same
few recordings are heard in many clips, and the pairs of one recording are alike, so that resampled clips, which take
them for independent, give intervals that are too narrow. That classes heard in one clip disturb each other is left
out. Where test clips are variants of base clips (`mixtures.conditions`), all variants of a class in a base are drawn
together: they belong to the recording of its longest event in the variant with the most events.

A stratum says where a detector is good, not why: in clips drawn at random, conditions come together (long events
overlap more). Only variants of the same base clips differ in nothing else.
"""

import logging
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from igsed import statistics
from igsed.conditions import drawn_together

UNKNOWN = "unknown"
"""The stratum of pairs of which a condition is not known."""

MOST = 12
"""Most values of a condition without edges; with more, its pairs are not told apart."""

MANY = f"any of more than {MOST}"
"""The stratum of all pairs of a condition that has more values than that."""

_TAKEN = ["value", "low", "high", "pairs", "seeds", "undefined"]
COLUMNS = [
    *("detector", "split", "protocol", "condition", "stratum", "low_edge", "high_edge", "metric", "value", "low"),
    *("high", "pairs", "clips", "sources", "seeds", "undefined", "title"),
]


class Scale(NamedTuple):
    """How a condition is cut.

    Attributes
    ----------
    title : str
        For people.
    unit : str
        "" for a number without one.
    edges : tuple of float
        Ascending; infinite ends are open. Empty: each value is a stratum.
    upper : bool
        Whether a value at an edge belongs to the stratum below it, else to the one above.
    names : tuple of str
        Of the strata; empty: made of the edges.
    """

    title: str
    unit: str = ""
    edges: tuple[float, ...] = ()
    upper: bool = False
    names: tuple[str, ...] = ()

    def strata(self) -> list[tuple[str, float, float]]:
        """Name, lower and upper edge of each stratum, from low to high; none for a scale without edges."""
        bounds = list(zip(self.edges[:-1], self.edges[1:], strict=True))
        return [(self.names[k] if self.names else _name(low, high), low, high) for k, (low, high) in enumerate(bounds)]

    def place(self, values: np.ndarray) -> np.ndarray:
        """The number of the stratum of each value; -1 for NaN."""
        found = np.searchsorted(self.edges[1:-1], values, side="left" if self.upper else "right")
        return np.where(np.isnan(values), -1, found)


_INF = math.inf

CONDITIONS = {
    "snr": Scale("SNR", "dB", (-_INF, *range(-30, 65, 5), _INF)),
    "active_seconds": Scale("Active time", "s", (-_INF, 0.8, 1.7, 3, _INF)),
    "active_ratio": Scale("Active share of the clip", "", (-_INF, 0.1, 0.2, 0.4, _INF)),
    "events": Scale("Events in the clip", "", (1, 2, 3, 4, _INF), names=("1", "2", "3", "more")),
    "overlap": Scale(
        "Overlap with other classes", "", (0, 0, 0.5, 1), upper=True, names=("none", "up to half", "more")
    ),
    "background": Scale("Background"),
}
"""The conditions, by their columns in `igsed.conditions`; edges in their units."""


def assigned(conditions: pd.DataFrame) -> pd.DataFrame:
    """The stratum of every pair under every condition.

    Parameters
    ----------
    conditions : pandas.DataFrame
        As of `igsed.conditions.table`.

    Returns
    -------
    pandas.DataFrame
        In the order of `conditions`: `clip, label`, `unit` (what a bootstrap draws) and a column for each of
        `CONDITIONS`, of names.
    """
    found = conditions[["clip", "label"]].assign(unit=drawn_together(conditions))
    for name, scale in CONDITIONS.items():
        values = conditions[name]
        if scale.edges:
            names = np.array([*(stratum for stratum, *_ in scale.strata()), UNKNOWN], dtype=object)
            found[name] = names[scale.place(values.to_numpy(float))]
        elif values[values != ""].nunique() > MOST:
            found[name] = MANY
        else:
            found[name] = values.where(values != "", UNKNOWN)
    return found


def titles(conditions: pd.DataFrame) -> pd.DataFrame:
    """What people call the strata; their names in `assigned` stay the same in all experiments.

    Parameters
    ----------
    conditions : pandas.DataFrame
        As of `igsed.conditions.table`, of a split.

    Returns
    -------
    pandas.DataFrame
        `condition, stratum, title`, a row for each stratum in which a pair lies. The title is the value where the edges
        are numbers and all pairs have the same one, as in a paired design; a background's class where the split has no
        other background of that class; else the stratum's name.
    """
    strata = assigned(conditions)
    found = []
    for condition, scale in CONDITIONS.items():
        for stratum, values in conditions.groupby(strata[condition])[condition]:
            one = scale.edges and not scale.names and values.nunique() == 1
            found.append((condition, stratum, f"{values.iloc[0]:g}" if one else stratum))
    table = pd.DataFrame(found, columns=["condition", "stratum", "title"])
    files = conditions[["background", "background_label"]].drop_duplicates()
    # Files of two classes may have one name, and are one stratum.
    shared = files["background_label"].duplicated(keep=False) | files["background"].duplicated(keep=False)
    alone = files[(files["background_label"] != "") & ~shared]
    classes = table["stratum"].map(alone.set_index("background")["background_label"])
    return table.assign(title=classes.where(table["condition"] == "background").fillna(table["title"]))


def table(pairs: pd.DataFrame, conditions: pd.DataFrame, metrics: Sequence[str], **settings) -> pd.DataFrame:
    """Means and intervals in the strata of each condition.

    Parameters
    ----------
    pairs : pandas.DataFrame
        Of one detector, split and protocol: `clip, label, detector, seed, split, protocol`, the metrics and
        `active_ratio`.
    conditions : pandas.DataFrame
        Of the split, all clips; as of `igsed.conditions.table`. All detectors share the resamples that are drawn from
        its sources.
    metrics : sequence of str
        Columns of `pairs`.
    settings
        Of `igsed.statistics.bootstrap`: replicates, confidence, seed.

    Returns
    -------
    pandas.DataFrame
        A row for each condition, stratum that a pair of the split lies in, and metric, `active_ratio` at last (what
        chance reaches of some metrics): `COLUMNS`. `low_edge` and `high_edge` are the stratum's, in the condition's
        unit, NaN where it is open or has none; `low` and `high` are the interval's. `sources` counts what the bootstrap
        draws from; `title` is as of `titles`; the other columns are those of `igsed.statistics.bootstrap`.

    Raises
    ------
    ValueError
        A pair has no conditions, or the pairs are of several detectors, splits or protocols.
    """
    metrics = [*metrics, "active_ratio"]
    keys = pairs[["detector", "split", "protocol"]].drop_duplicates()
    if len(keys) > 1:
        raise ValueError(f"pairs of {len(keys)} detectors, splits or protocols: give those of one")
    strata = assigned(conditions)
    place = pd.MultiIndex.from_frame(strata[["clip", "label"]]).get_indexer(
        pd.MultiIndex.from_frame(pairs[["clip", "label"]])
    )
    if (place < 0).any():
        raise ValueError(f"no conditions of the pair {tuple(pairs[['clip', 'label']].iloc[int(np.argmin(place))])}")
    units = sorted(strata["unit"].unique())
    # Each pair is a unit's; several of one clip may lie in one stratum.
    rows = pairs[["seed", *metrics]].assign(clip=place, unit=strata["unit"].to_numpy()[place])
    found = []
    for condition in CONDITIONS if len(pairs) else ():
        names = ordered(condition, strata[condition])
        here = rows.assign(label=strata[condition].to_numpy()[place])
        means = statistics.bootstrap(here, metrics, names, units, unit="unit", **settings)
        # Without the means over strata, which stand last.
        means = means.iloc[: len(names) * len(metrics)][["label", "metric", *_TAKEN]]
        here["clip"] = pairs["clip"].to_numpy()
        found.append(
            means.merge(_counts(here, metrics), on=["label", "metric"], how="left").assign(condition=condition)
        )
    if not found:
        return pd.DataFrame(columns=COLUMNS)
    edges = pd.DataFrame(
        [(name, *stratum) for name, scale in CONDITIONS.items() for stratum in scale.strata()],
        columns=["condition", "stratum", "low_edge", "high_edge"],
    ).replace([-_INF, _INF], np.nan)
    whole = pd.concat(found, ignore_index=True).rename(columns={"label": "stratum"})
    whole = whole.merge(edges, on=["condition", "stratum"], how="left").assign(**keys.iloc[0])
    whole = whole.merge(titles(conditions), on=["condition", "stratum"], how="left")
    return whole.fillna({"clips": 0, "sources": 0}).astype({"clips": int, "sources": int})[COLUMNS]


def tell_left_out(conditions: pd.DataFrame, split: str) -> None:
    """Report the conditions of a split whose values are too many to be told apart."""
    for name, strata in assigned(conditions).items():
        if name in CONDITIONS and (strata == MANY).any():
            logging.warning(
                "%s: %s has %d values, more than %d: its pairs are one stratum",
                split, name, conditions[name].nunique(), MOST,
            )  # fmt: skip


def ordered(condition: str, names: Sequence[str]) -> list[str]:
    """The strata among some names, each once, from low to high; those without edges by name, the unknown last."""
    present = set(names)
    known = [name for name, *_ in CONDITIONS[condition].strata()] or sorted(present - {UNKNOWN})
    return [name for name in [*known, UNKNOWN] if name in present]


def _counts(rows: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """`label, metric, clips, sources`: of how many the values are."""
    counts = [
        rows[rows[metric].notna()]
        .groupby("label")
        .agg(clips=("clip", "nunique"), sources=("unit", "nunique"))
        .reset_index()
        .assign(metric=metric)
        for metric in metrics
    ]
    return pd.concat(counts)


def _name(low: float, high: float) -> str:
    if math.isinf(low) or math.isinf(high):
        return f"below {high:g}" if math.isinf(low) else f"{low:g} or more"
    return f"{low:g} to {high:g}"
