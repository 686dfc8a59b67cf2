"""The detectors of a comparison as people see them: titles, what they are there for, their order and colour."""

from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd

from igsed.compare import differences
from igsed.compare.tables import Comparison
from igsed.detectors import Style, title_of
from igsed.report.styles import merged


class Shown(NamedTuple):
    """A row: its name in the tables, its title, whether it is a control or made from the events, how it is drawn."""

    name: str
    title: str
    control: bool
    truth: bool
    style: Style


def shown(comparison: Comparison) -> list[Shown]:
    """The rows, first the methods by their mean rank, then the controls, last what is made from the events.

    Of each, those that some bank lacks stand below the ranked ones, by their mean value. All look as in the figures of
    their experiments (`igsed.report.styles.merged`).
    """
    found: dict[str, Shown] = {}
    styles = merged((one.detectors, one.drawn) for one in comparison.experiments)
    for (experiment, detector), row in differences.rows_of(comparison.experiments).items():
        (one,) = (one for one in comparison.experiments if one.name == experiment)
        chosen = one.detectors[detector]
        found[row] = Shown(
            row,
            title_of(detector) + row.removeprefix(detector),
            differences.is_control(chosen),
            differences.made_from_events(chosen),
            styles[detector],
        )
    ranks = first_ranks(comparison)
    values = of_first_metric(comparison).groupby("detector")["value"].mean().dropna()
    best_first = values.sort_values(ascending=comparison.metrics[0].higher_is_better is False, kind="stable")
    places = {name: place for place, name in enumerate(best_first.index)}
    unknown = float("inf")
    order = sorted(found.values(), key=lambda one: (ranks.get(one.name, unknown), places.get(one.name, unknown)))
    return sorted(order, key=lambda one: 2 if one.truth else int(one.control))


def first_ranks(comparison: Comparison) -> dict[str, float]:
    """Detector → its mean rank by the first metric over pairs, of those that are ranked."""
    ranks = of_first_metric(comparison).dropna(subset=["mean_rank"])
    return ranks.set_index("detector")["mean_rank"].to_dict()


def titles(rows: Iterable[Shown]) -> dict[str, str]:
    """Name → title."""
    return {row.name: row.title for row in rows}


def of_first_metric(comparison: Comparison) -> pd.DataFrame:
    """The rows of the table that the answer and the figure are of: the first metric, the mean over pairs."""
    table = comparison.table
    return table[(table["metric"] == comparison.metrics[0].name) & (table["label"] == "all")]
