"""The figure of strata: what every detector reaches under each condition.

Small multiples: a row of panels for each metric, a column for each condition, as wide as the condition has strata.
Conditions that do not fit side by side go on below. See `igsed.report.figures` for what all figures have in common.
"""

import re
import textwrap
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from igsed.detectors import Style, title_of
from igsed.metrics import METRICS, Metric, ranking
from igsed.report.colours import pale
from igsed.report.figures import FEW, RC, WIDTH
from igsed.report.styles import styles
from igsed.strata import CONDITIONS, MANY, UNKNOWN, ordered

_SIDE_BY_SIDE = 13
"""Strata that fit into the figure's width."""

_CHANCE: dict = {"color": "#666666", "linewidth": 1.0, "linestyle": (0, (1, 1.2))}
_SHARE = "share of active frames"
_LONGEST = 16
"""Letters of the name of a value."""
_SPREAD = 0.8
"""How much of a stratum's width its points take."""


@matplotlib.rc_context(RC)
def figure(table: pd.DataFrame) -> Figure:
    """Points with bootstrap intervals, one for each detector, in every stratum.

    Parameters
    ----------
    table
        `igsed.strata.table` of one split and of the detectors that are drawn, in their order. Conditions that are not
        known of any pair, or have too many values, are left out. Rows: the first and the last of the metrics by which
        detectors are ranked (one says when, one what), as far as they are there; IoU where none is.
    """
    metrics = [METRICS.find(name) for name in _rows(table["metric"].unique())]
    shown = {
        name: strata
        for name in CONDITIONS
        for strata in [[s for s in ordered(name, table.loc[table["condition"] == name, "stratum"]) if s != UNKNOWN]]
        if strata and strata != [MANY]
    }
    blocks = _blocks({name: len(strata) for name, strata in shown.items()})
    look = styles(table["detector"])
    legend = 0.18 * (2 + len(look) // 5)
    height = 0.5 + len(blocks) * (0.55 + 1.45 * len(metrics))
    whole = Figure(figsize=(WIDTH, height + legend), layout="constrained")
    if not blocks:
        whole.text(0.5, 0.5, "No condition is known of the clips.", ha="center")
        return whole
    parts = np.atleast_1d(whole.subfigures(len(blocks), 1))
    for part, block in zip(parts, blocks, strict=True):
        widths = [len(shown[name]) for name in block]
        spare = _SIDE_BY_SIDE - sum(widths)
        # What is over stays empty, so that a stratum is about as wide in all blocks.
        ratios = [*widths, spare] if spare > 3 else widths
        panels = part.subplots(len(metrics), len(ratios), sharey="row", squeeze=False, width_ratios=ratios)
        for k, (row, metric) in enumerate(zip(panels, metrics, strict=True)):
            for ax, name in zip(row, block, strict=False):
                rows = table[table["condition"] == name]
                _draw(ax, rows, metric, shown[name], look)
                _label(ax, rows, metric, shown[name], name if k == len(metrics) - 1 else None)
            for ax in row[len(block) :]:
                ax.set_visible(False)
            row[0].set_ylabel(metric.title)
    handles = [Line2D([], [], **_marker(style), label=title_of(detector)) for detector, style in look.items()]
    grey = Style("#666666", "", "o")
    handles.append(Line2D([], [], **_marker(grey) | {"linestyle": "solid"}, linewidth=1, label="mean, interval"))
    if (table["clips"] < FEW).any():
        handles.append(Line2D([], [], **_marker(grey, weak=True), label=f"fewer than {FEW} clips"))
    handles.append(Line2D([], [], **_CHANCE, label="chance"))
    handles.append(Line2D([], [], linestyle="", label="n: clips"))
    whole.legend(handles=handles, loc="outside lower center", ncols=5, columnspacing=1.2)
    return whole


def chance(metric: Metric, active_ratio: np.ndarray) -> np.ndarray | None:
    """What scores that know nothing reach, by the metric's declaration: a number, or the share of active frames.

    >>> from igsed.metrics import METRICS
    >>> chance(METRICS.find("pointing_game"), np.array([0.2])).tolist(), chance(METRICS.find("iou"), np.array([0.2]))
    ([0.2], None)
    """
    if number := re.match(r"-?\d+(\.\d+)?(?![\w.])", metric.chance):
        return np.full(len(active_ratio), float(number[0]))
    return active_ratio if re.match(rf"(about )?the {_SHARE}", metric.chance) else None


def _rows(there: Sequence[str]) -> list[str]:
    """The metrics that are drawn: of those that rank detectors and are there the first and the last, else IoU."""
    found = [metric.name for metric in ranking() if metric.name in there]
    return list(dict.fromkeys([*found[:1], *found[-1:]])) or ["iou"]


def _blocks(counts: Mapping[str, int]) -> list[list[str]]:
    """Conditions that stand side by side, by their numbers of strata, in as few blocks as their order allows."""
    blocks: list[list[str]] = []
    for name, count in counts.items():
        if not blocks or sum(counts[other] for other in blocks[-1]) + count > _SIDE_BY_SIDE:
            blocks.append([])
        blocks[-1].append(name)
    return blocks


def _draw(ax: Axes, rows: pd.DataFrame, metric: Metric, strata: Sequence[str], look: Mapping[str, Style]) -> None:
    """One panel: the strata of a condition, side by side."""
    values = rows[rows["metric"] == metric.name].set_index(["detector", "stratum"])
    step = _SPREAD / max(len(look), 1)
    for place, (detector, style) in enumerate(look.items()):
        here = values.loc[detector].reindex(strata)
        across = np.arange(len(strata)) + (place - (len(look) - 1) / 2) * step
        for x, row in zip(across, here.itertuples(), strict=True):
            weak = row.clips < FEW
            ax.vlines(x, row.low, row.high, color=pale(style.colour) if weak else style.colour, linewidth=1)
            ax.plot(x, row.value, **_marker(style, weak), zorder=4, clip_on=False)
    shares = rows[rows["metric"] == "active_ratio"].groupby("stratum")["value"].max().reindex(strata).to_numpy()
    level = chance(metric, shares)
    if level is not None:
        for x, y in enumerate(level):
            ax.hlines(y, x - 0.5, x + 0.5, **_CHANCE, zorder=1)
    for boundary in np.arange(1, len(strata)) - 0.5:
        ax.axvline(boundary, color="#CCCCCC", linewidth=0.5)
    low, high = metric.range
    ax.set(xlim=(-0.5, len(strata) - 0.5), ylim=(low, high) if np.isfinite([low, high]).all() else None)
    ax.grid(axis="y", color="#E5E5E5", linewidth=0.5)
    ax.set_axisbelow(True)


def _label(ax: Axes, rows: pd.DataFrame, metric: Metric, strata: Sequence[str], condition: str | None) -> None:
    """Numbers of clips below the strata, and below the last panels the strata's names and the condition's."""
    of_strata = rows[rows["metric"] == metric.name].groupby("stratum")
    clips = of_strata["clips"].max().reindex(strata)
    labels = [f"n = {number}" for number in clips]
    ax.tick_params(axis="x", length=0)
    if condition is None:
        ax.set_xticks(range(len(strata)), labels)
        return
    scale = CONDITIONS[condition]
    if scale.edges:
        edges = of_strata[["low_edge", "high_edge"]].first().reindex(strata).to_numpy()
        names = [name if name in scale.names else _short(*pair) for name, pair in zip(strata, edges, strict=True)]
        ax.set_xticks(range(len(strata)), [f"{n}\n{name}" for n, name in zip(labels, names, strict=True)])
    else:
        names = [name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…" for name in strata]
        labels = [f"{name}, {n}" for n, name in zip(labels, names, strict=True)]
        ax.set_xticks(range(len(strata)), labels, rotation=90)
    title = f"{scale.title} / {scale.unit}" if scale.unit else scale.title
    ax.set_xlabel(textwrap.fill(title, max(10, 8 * len(strata))))


def _short(low: float, high: float) -> str:
    if np.isnan(low):
        return f"< {high:g}"
    return f"≥ {low:g}" if np.isnan(high) else f"{low:g} – {high:g}".replace("-", "−")


def _marker(style: Style, weak: bool = False) -> dict:
    return {
        "marker": style.marker,
        "markersize": 3 if weak else 3.5,
        "color": pale(style.colour) if weak else style.colour,
        "markeredgecolor": "white",
        "markeredgewidth": 0.3,
        "linestyle": "",
    }
