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
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import text_to_path

from igsed.detectors import Style, title_of
from igsed.metrics import METRICS, Metric, ranking
from igsed.report import few
from igsed.report.figures import RC, WIDTH, few_note, readable, whisker, wrapped
from igsed.report.styles import styles
from igsed.strata import CONDITIONS, MANY, UNKNOWN, Scale, ordered

_SIDE_BY_SIDE = 13
"""Strata that fit into the figure's width."""

_CHANCE: dict = {"color": "#666666", "linewidth": 1.0, "linestyle": (0, (1, 1.2))}
_SHARE = "share of active frames"
_LONGEST = 22
"""Letters of the name of a value."""
_LETTER = 0.055
"""How wide a letter below a stratum is about, in inches."""
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
        detectors are ranked (one says when, one what), as far as they are there; IoU where none is. Strata bear their
        titles (`igsed.strata.titles`) and their numbers of clips and source recordings. Where these are few
        (`igsed.report.few`), markers are small and intervals dashed; of one recording there is no interval.
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
    handles = _handles(table, look)
    lengths = [len(str(handle.get_label())) for handle in handles]
    columns = max(n for n in range(1, 6) if n == 1 or _legend_width(lengths, n) <= WIDTH)
    legend = 0.18 * -(-len(handles) // columns)
    height = 0.5 + len(blocks) * (0.55 + 1.45 * len(metrics))
    whole = Figure(figsize=(WIDTH, height + legend), layout="constrained")
    if not blocks:
        whole.text(0.5, 0.5, "No condition is known of the clips.", ha="center")
        return whole
    parts = np.atleast_1d(whole.subfigures(len(blocks), 1))
    for part, block in zip(parts, blocks, strict=True):
        widths = [float(len(shown[name])) for name in block]
        spare = _SIDE_BY_SIDE - sum(widths)
        for k, name in enumerate(block):
            if not CONDITIONS[name].edges:  # names of values are longer than numbers
                more = min(spare, widths[k] / 2)
                widths[k], spare = widths[k] + more, spare - more
        # What is over stays empty, so that a stratum is about as wide in all blocks.
        ratios = [*widths, spare] if spare > 3 else widths
        panels = part.subplots(len(metrics), len(ratios), sharey="row", squeeze=False, width_ratios=ratios)
        for k, (row, metric) in enumerate(zip(panels, metrics, strict=True)):
            for ax, name in zip(row, block, strict=False):
                rows = table[table["condition"] == name]
                _draw(ax, rows, metric, shown[name], look)
                width = (WIDTH - 0.5 - 0.2 * len(block)) * widths[block.index(name)] / sum(ratios) / len(shown[name])
                _label(ax, rows, metric, shown[name], name if k == len(metrics) - 1 else None, width)
            for ax in row[len(block) :]:
                ax.set_visible(False)
            row[0].set_ylabel(metric.title)
    whole.legend(handles=handles, loc="outside lower center", ncols=columns, columnspacing=1.2)
    return whole


def _handles(table: pd.DataFrame, look: Mapping[str, Style]) -> list[Line2D]:
    """Of the legend: the detectors, then what the marks mean."""
    grey = Style("#666666", "", "o")
    return [
        *(Line2D([], [], **_marker(style), label=title_of(detector)) for detector, style in look.items()),
        Line2D([], [], **_marker(grey) | {"linestyle": "solid"}, linewidth=1, label="mean, interval"),
        *few_note(bool(few.few(table["clips"], table["sources"]).any())),
        Line2D([], [], **_CHANCE, label="chance"),
        Line2D([], [], linestyle="", label="numbers: clips / source recordings"),
    ]


def _legend_width(lengths: Sequence[int], columns: int) -> float:
    """About how wide the legend is, in inches, whose labels have so many letters."""
    rows = -(-len(lengths) // columns)
    return sum(0.5 + 0.06 * max(lengths[k : k + rows]) for k in range(0, len(lengths), rows))


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
            weak = bool(few.few(row.clips, row.sources))
            ends = few.known(row.low, row.high, row.sources)
            if not np.isnan(ends).any():
                ax.vlines(x, *ends, **whisker(style.colour, weak) | {"linewidth": 0.8 if weak else 1})
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


def _label(
    ax: Axes, rows: pd.DataFrame, metric: Metric, strata: Sequence[str], condition: str | None, width: float
) -> None:
    """Numbers of sounds below the strata, and below the last panels the strata's titles and the condition's.

    `width` is that of a stratum in inches.
    """
    of_strata = rows[rows["metric"] == metric.name].groupby("stratum")
    numbers = of_strata[["clips", "sources"]].max().reindex(strata).to_numpy(float)
    labels = [few.counts(*number) for number in numbers]
    ax.tick_params(axis="x", length=0)
    if condition is None:
        ax.set_xticks(range(len(strata)), labels)
        return
    scale = CONDITIONS[condition]
    told = of_strata[["title", "low_edge", "high_edge"]].first()
    names = [_name(stratum, scale, *told.loc[stratum]) for stratum in strata]
    if not scale.edges:
        letters = int(width / _LETTER)
        lines = [wrapped(name, letters, break_long_words=False) for name in names]
        upright = any(_inches(line) > 0.95 * width for name in lines for line in name.split("\n"))
        names = [_cut(name) for name in names] if upright else lines
    if not scale.edges and upright:
        ax.set_xticks(range(len(strata)), [f"{name}, {n}" for n, name in zip(labels, names, strict=True)], rotation=90)
    else:
        ax.set_xticks(range(len(strata)), [f"{n}\n{name}" for n, name in zip(labels, names, strict=True)])
    title = f"{scale.title} / {scale.unit}" if scale.unit else scale.title
    ax.set_xlabel(textwrap.fill(title, max(10, 8 * len(strata))))


def _name(stratum: str, scale: Scale, title: str, low: float, high: float) -> str:
    """What stands below a stratum: its title, shorter where that is made of the edges."""
    if not scale.edges:
        return readable(title) if title != stratum else title
    if title == stratum and title not in scale.names:
        title = f"< {high:g}" if np.isnan(low) else f"≥ {low:g}" if np.isnan(high) else f"{low:g} – {high:g}"
    return title.replace("-", "−")


def _inches(line: str) -> float:
    """How wide a line below a stratum is."""
    points = text_to_path.get_text_width_height_descent(line, FontProperties(size=RC["xtick.labelsize"]), ismath=False)
    return points[0] / 72


def _cut(name: str) -> str:
    """The end of a long name, in which files of one recording differ."""
    return name if len(name) <= _LONGEST else f"…{name[1 - _LONGEST :]}"


def _marker(style: Style, weak: bool = False) -> dict:
    return {
        "marker": style.marker,
        "markersize": 2.6 if weak else 3.8,
        "color": style.colour,
        "markeredgecolor": "white",
        "markeredgewidth": 0.3,
        "linestyle": "",
    }
