"""The figures that come from results: examples, thresholds, detection per class, real recordings, training.

Conventions
-----------
Every function returns a `matplotlib.figure.Figure` as wide as two columns of a paper (7.1 in; `examples_column` and
`headline_column` as one, 3.5 in) with no text below 7 pt; `save` writes it. Nothing here touches pyplot, so no figure
outlives its caller. One `Style` per detector holds in all figures (`igsed.report.styles`); styles differ in line and
marker too, so that they stay apart in greyscale. The paper's own values are hollow markers. Time is in seconds, scores
are per 100 ms frame, rates lie in 0…1, percentiles in 0…100.

The data flow (`igsed.report.pipeline_figure`) and the strata (`igsed.report.strata_figure`) have modules of their own.
Lines and markers have a contrast of 3 : 1 against white (`igsed.report.colours`). What rests on few sounds
(`igsed.report.few`) keeps its colour: its marker is small, its interval dashed.
"""

import itertools
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import mlab
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import Bbox

from igsed import labels as frame_labels
from igsed.detectors import Style, limits, title_of
from igsed.metrics import ranking
from igsed.report import few, paper, typesetting
from igsed.report.styles import styles
from igsed.report.tables import bounds, short
from igsed.thresholds import Rule, built_in
from igsed.timeline import FRAME, segments

WIDTH = 7.1
"""Width of a double-column figure in inches."""

COLUMN = 3.5
"""Width of a figure in one column."""

RC = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "hatch.linewidth": 0.5,
    "svg.hashsalt": "igsed",
    "svg.fonttype": "path",
}


_GREY = Style("#666666", "", "o")
"""For legends that speak of all detectors."""

_TRUTH = "#E3E3E3"
_INK = "#333333"


@dataclass(frozen=True)
class Example:
    """One (clip, class) pair of the figure of examples.

    Parameters
    ----------
    clip, label
        The clip's name and the target class.
    waveform, sample_rate
        (samples,) and its rate in hertz.
    events
        The clip's ground truth: `onset` and `offset` in seconds, `label`; all classes.
    scores, masks, iou, average_precision
        By detector: (frame,) scores, (frame,) bool detections, the IoU of these with the target's active frames, and
        the average precision of the scores.
    """

    clip: str
    label: str
    waveform: np.ndarray
    sample_rate: int
    events: pd.DataFrame
    scores: Mapping[str, np.ndarray] = field(default_factory=dict)
    masks: Mapping[str, np.ndarray] = field(default_factory=dict)
    iou: Mapping[str, float] = field(default_factory=dict)
    average_precision: Mapping[str, float] = field(default_factory=dict)

    @property
    def duration(self) -> float:
        """Length of the clip in seconds."""
        return len(self.waveform) / self.sample_rate


def save(figure: Figure, *paths: str | Path) -> None:
    """Write the figure to each path, as its ending (`.svg`, `.png`) says; folders are made.

    The same figure gives the same bytes: no date, no program's version, fixed ids in the SVG. PNG has 200
    dpi.
    """
    with matplotlib.rc_context(RC):
        if isinstance(figure.get_layout_engine(), ConstrainedLayoutEngine):
            _settle(figure)
        for path in map(Path, paths):
            path.parent.mkdir(parents=True, exist_ok=True)
            metadata = {"Date": None, "Creator": None} if path.suffix == ".svg" else {"Software": None}
            figure.savefig(path, dpi=200, metadata=metadata)


def _settle(figure: Figure) -> None:
    """Lay out once, for all formats: the layout would move a little at every further drawing.

    The layout's solver leaves noise in the last digit, which changes from run to run and would show in the
    ids of an SVG; so positions are rounded.
    """
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for part in figure.subfigs:
        part.bbox_relative.set_points(np.round(part.bbox_relative.get_points(), 6))
    for ax in figure.axes:
        ax.set_position(Bbox(np.round(ax.get_position().get_points(), 6)))
    for text in figure.texts:
        text.set_position(np.round(text.get_position(), 6))


def log_spectrogram(waveform: np.ndarray, sample_rate: int, bands: int = 96) -> tuple[np.ndarray, ...]:
    """Spectrogram on a logarithmic frequency axis, for looking at.

    Returns time (frame,) in seconds, frequency (bands,) in hertz from 60 Hz to 14 kHz (or Nyquist), and level
    (bands, frame) in decibels below the clip's maximum, cut at -70. Hann window of 32 ms, hop of 20 ms.
    """
    time, wanted, power = band_power(waveform, sample_rate, bands)
    return time, wanted, level(power)


def band_power(waveform: np.ndarray, sample_rate: int, bands: int = 96) -> tuple[np.ndarray, ...]:
    """What `log_spectrogram` shows, as power: it depends on no other part of the sound, so it can be made in pieces."""
    window, hop = window_and_hop(sample_rate)
    power, frequency, time = mlab.specgram(waveform, window, sample_rate, detrend="mean", noverlap=window - hop)
    wanted = np.geomspace(60, min(14_000, sample_rate / 2), bands)
    upper = np.clip(np.searchsorted(frequency, wanted), 1, len(frequency) - 1)
    weight = ((wanted - frequency[upper - 1]) / (frequency[upper] - frequency[upper - 1]))[:, None]
    return time, wanted, (1 - weight) * power[upper - 1] + weight * power[upper]


def window_and_hop(sample_rate: int) -> tuple[int, int]:
    """Samples of a window of `log_spectrogram`, and from one to the next."""
    return round(0.032 * sample_rate), round(0.02 * sample_rate)


def level(power: np.ndarray) -> np.ndarray:
    """Decibels below the maximum, cut at -70."""
    return np.maximum(10 * np.log10(np.maximum(power, 1e-20) / max(power.max(), 1e-20)), -70)


def scaled(scores: np.ndarray) -> np.ndarray:
    """Scores (frame,) moved and scaled to 0…1 within the clip; a constant score becomes 0."""
    low, high = np.nanmin(scores), np.nanmax(scores)
    return (scores - low) / (high - low) if high > low else np.zeros(len(scores))


def readable(label: str) -> str:
    """A class name with spaces for underscores."""
    return label.replace("_", " ")


def threshold(scores: np.ndarray, mask: np.ndarray) -> float:
    """Half way between the lowest detected and the highest other score; NaN where no level separates the two.

    A rule's own threshold gives the same mask, and may lie anywhere between the two.

    >>> threshold(np.array([0.0, 0.2, 1.0]), np.array([False, False, True]))
    0.6
    """
    mask = np.asarray(mask, dtype=bool)
    if mask.all() or not mask.any() or scores[mask].min() <= scores[~mask].max():
        return np.nan
    return float(scores[mask].min() + scores[~mask].max()) / 2


@matplotlib.rc_context(RC)
def examples(examples: Sequence[Example]) -> Figure:
    """One column per example: spectrogram, ground truth, and every detector's scores.

    Scores are scaled to 0…1 within the clip. The target's ground truth is shaded behind them; a dashed line is the
    threshold, the bar below a curve marks the frames above it, a triangle the (first) maximum, which is filled if it
    lies in an event. The detectors are those of all examples, in order of appearance.
    """
    return _examples(examples, WIDTH)


@matplotlib.rc_context(RC)
def examples_column(examples: Sequence[Example]) -> Figure:
    """The same as `examples`, as wide as one column of a paper; meant for two examples of few detectors."""
    return _examples(examples, COLUMN)


def _examples(examples: Sequence[Example], width: float) -> Figure:
    narrow = width < WIDTH
    look = styles(detector for example in examples for detector in example.scores)
    names = [wrapped(title_of(detector), 10) if narrow else title_of(detector) for detector in look]
    inches = (width - (1.15 if narrow else 1.8)) / len(examples) - 0.1
    truths = [_placed(example, inches) for example in examples]
    lines = max(event.text.count("\n") + 1 for truth in truths for event in truth)
    lanes = max(2, *(event.lane + 1 for truth in truths for event in truth))
    heights = [1.0, lanes * (_BAR + _LINE * lines), *[0.62] * len(look)]
    figure = Figure(figsize=(width, sum(heights) + (2.05 if narrow else 1.3)), layout="constrained")
    axes = figure.subplots(
        len(heights), len(examples), sharex="col", squeeze=False, gridspec_kw={"height_ratios": heights}
    )
    for column, example, truth in zip(axes.T, examples, truths, strict=True):
        title = textwrap.fill(readable(example.label), round(inches / 0.065))
        column[0].set_title(f"{title}\n{example.clip}")
        image = _draw_spectrogram(column[0], example)
        _draw_truth(column[1], truth, heights[1], lines)
        for ax, detector in zip(column[2:], look, strict=True):
            _draw_scores(ax, example, detector, look[detector])
        column[-1].set(xlim=(0, example.duration), xlabel="Time / s")
        column[-1].xaxis.set_major_locator(MaxNLocator(5, integer=True))
    for ax in axes[:, 1:].flat:
        ax.tick_params(labelleft=False)
    axes[0, 0].set_ylabel("Frequency / kHz")
    axes[1, 0].set_ylabel("Ground\ntruth", rotation=0, ha="right", va="center")
    for ax, name in zip(axes[2:, 0], names, strict=True):
        ax.set_ylabel(name, rotation=0, ha="right", va="center", fontweight="bold", fontsize=7 if narrow else 8)
    middle = ((1.2 if narrow else 0.9) + 0.36 * len(look)) / figure.get_figheight()
    figure.supylabel("Frame score,\nscaled to 0…1 within the clip", fontsize=8, y=middle, multialignment="center")
    place = {"location": "top", "aspect": 30, "pad": 0.08} if narrow else {"aspect": 12, "pad": 0.01}
    bar = figure.colorbar(image, ax=list(axes[0]), ticks=[-60, -40, -20, 0], **place)
    bar.set_label("Level / dB")
    triangle = {"marker": "v", "markersize": 4, "markeredgecolor": _INK, "markeredgewidth": 0.8, "linestyle": ""}
    handles = [
        Patch(facecolor=_TRUTH, edgecolor=_INK, linewidth=0.6, label="target event (ground truth)"),
        Patch(facecolor="white", edgecolor="#777777", hatch="////", label="other event"),
        Line2D([], [], color=_INK, label="frame score"),
        Line2D([], [], color=_INK, linewidth=0.7, linestyle=_DASHES, label="threshold"),
        Patch(facecolor=_INK, label="detected frames (bar)"),
        Line2D([], [], **triangle, markerfacecolor=_INK, label="maximum, in an event"),
        Line2D([], [], **triangle, markerfacecolor="white", label="maximum, elsewhere"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2 if narrow else 4, columnspacing=1.2)
    return figure


def wrapped(name: str, letters: int, **more) -> str:
    """A name in lines, broken at spaces, hyphens and underscores; `more` is for `textwrap.fill`."""
    return textwrap.fill(name.replace("_", "_ "), letters, **more).replace("_ ", "_")


def _draw_spectrogram(ax: Axes, example: Example):
    time, frequency, level = log_spectrogram(example.waveform, example.sample_rate)
    image = ax.pcolormesh(time, frequency, level, cmap="magma", vmin=-70, vmax=0, shading="nearest", rasterized=True)
    ax.set_yscale("log")
    ax.set_yticks([100, 1000, 10_000], minor=False)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda hertz, _: f"{hertz / 1000:g}"))
    ax.minorticks_off()
    return image


_BAR, _LINE, _LETTER = 0.13, 0.12, 0.06
"""Inches: how high an event and a line of its name are, and how wide a letter."""
_LANES = 8
"""More lanes than this are not opened for names; events beyond bear none."""


class _Placed(NamedTuple):
    """An event in the panel of ground truth: its lane, and where its name begins in seconds."""

    onset: float
    offset: float
    target: bool
    lane: int
    text: str
    start: float


def _placed(example: Example, inches: float) -> list[_Placed]:
    """The example's events in lanes, the target's first, so that no name touches another; `inches`: panel's width."""
    second = inches / example.duration
    others = example.events[example.events["label"] != example.label].sort_values("onset", kind="stable")
    own = example.events[example.events["label"] == example.label].sort_values("onset", kind="stable")
    taken: list[list[tuple[float, float]]] = []
    placed = []
    for event in pd.concat([own, others]).itertuples():
        text = textwrap.fill(readable(event.label), max(8, int(inches / _LETTER)))
        width = _LETTER * max(map(len, text.split("\n"))) / second
        start = max(0.0, min(event.onset, example.duration - width))
        here = (min(start, event.onset), max(start + width, event.offset) + _LETTER / second)
        lane = _free(taken, here)
        if lane == _LANES:
            text, start, here = "", event.onset, (event.onset, event.offset)
            lane = min(_free(taken, here), _LANES - 1)
        if lane == len(taken):
            taken.append([])
        taken[lane].append(here)
        placed.append(_Placed(event.onset, event.offset, event.label == example.label, lane, text, start))
    return placed


def _free(taken: Sequence[Sequence[tuple[float, float]]], here: tuple[float, float]) -> int:
    """The first lane in which nothing lies at this place."""
    free = (k for k, lane in enumerate(taken) if all(here[1] <= low or high <= here[0] for low, high in lane))
    return next(free, len(taken))


def _draw_truth(ax: Axes, truth: Sequence[_Placed], height: float, lines: int) -> None:
    """Events with their names above them; the panel is so many inches high, a name has up to so many lines."""
    for event in truth:
        bottom = -(event.lane + 1) * (_BAR + _LINE * lines)
        ax.broken_barh(
            [(event.onset, event.offset - event.onset)],
            (bottom + 0.01, _BAR - 0.03),
            facecolor=_TRUTH if event.target else "white",
            edgecolor=_INK if event.target else "#777777",
            hatch=None if event.target else "//////",
            linewidth=0.6,
        )
        if event.text:
            style = {"fontsize": 7, "va": "bottom", "color": _INK, "linespacing": 1.0}
            ax.text(event.start, bottom + _BAR - 0.02, event.text, **style)
    ax.set(ylim=(-height, 0.02), yticks=[])
    ax.spines["left"].set_visible(False)


_DASHES = (0, (4, 2))


def _draw_scores(ax: Axes, example: Example, detector: str, style: Style) -> None:
    targets = example.events[example.events["label"] == example.label]
    for event in targets.itertuples():
        ax.axvspan(event.onset, event.offset, color=_TRUTH, linewidth=0)
    ax.set(ylim=(-0.32, 1.4), yticks=[0, 1])
    if detector not in example.scores:
        return
    scores = scaled(np.asarray(example.scores[detector], dtype=float))
    edges = np.arange(len(scores) + 1) * FRAME
    ax.stairs(scores, edges, color=style.colour, linewidth=1, baseline=None)
    detected = [(onset, offset - onset) for onset, offset in segments(example.masks[detector])]
    ax.broken_barh(detected, (-0.27, 0.17), facecolor=style.colour, linewidth=0)
    level = threshold(scores, example.masks[detector])
    if not np.isnan(level):
        ax.axhline(level, color=_INK, linewidth=0.7, linestyle=_DASHES)
    peak = edges[np.argmax(scores)] + FRAME / 2
    pair = pd.DataFrame({"clip": [example.clip], "label": [example.label]})
    truth = targets.rename(columns={"label": "event_label"}).assign(clip=example.clip)
    active = frame_labels.of_pairs(truth, pair, len(scores))[0]
    ax.plot(
        peak,
        1.2,
        marker="v",
        markersize=4,
        markeredgecolor=style.colour,
        markeredgewidth=0.8,
        markerfacecolor=style.colour if active[np.argmax(scores)] else "white",
        clip_on=False,
    )
    numbers = [
        f"{name} {'–' if np.isnan(value) else f'{value:.2f}'}"
        for name, values in (("IoU", example.iou), ("AP", example.average_precision))
        for value in [values.get(detector, np.nan)]
    ]
    ax.set_title("  ".join(numbers), loc="right", fontsize=7, pad=1)


@matplotlib.rc_context(RC)
def thresholds(
    sweep: pd.DataFrame,
    chosen: pd.DataFrame | None = None,
    rules: Sequence[Rule] | None = None,
    chance: pd.DataFrame | None = None,
) -> Figure:
    """Validation IoU and F1 against the parameter of each threshold rule, for the paper the percentile.

    Parameters
    ----------
    sweep
        detector, seed, iou, f1 and each rule's parameter, NaN in the rows of other rules. Lines are the mean over
        seeds, bands the seeds' range. Of `igsed.detectors.limits` the lines are chance and ceiling.
    chosen
        detector and each rule's parameter: where each detector's threshold lies. Default: the maximum of each line.
    rules
        A row of panels for each of whose parameter several values were tried. Default: igsed's own.
    chance
        A rule's parameter, iou, f1: what random scores are expected to reach, where that is known
        (`igsed.report.chance`); elsewhere the detector of chance shows it, if it is there.
    """
    rules = [rule for rule in (built_in() if rules is None else rules) if _swept(rule, sweep)]
    lines_of = limits()
    look = styles(detector for detector in sweep["detector"] if detector not in lines_of)
    curves = {limit: sweep[sweep["detector"] == name] for name, limit in lines_of.items()}
    figure = Figure(figsize=(WIDTH, 3.3 + 2.7 * max(len(rules) - 1, 0)), layout="constrained")
    if not rules:
        figure.text(0.5, 0.5, "No threshold rule has a parameter.", ha="center")
        return figure
    panels = figure.subplots(len(rules), 2, sharex="row", sharey=True, squeeze=False)
    for rule, row in zip(rules, panels, strict=True):
        swept = sweep.dropna(subset=[rule.parameter])
        for ax, metric, title in zip(row, ("iou", "f1"), ("IoU", "F1"), strict=True):
            for limit, rows in curves.items():
                known = chance if limit == "chance" and chance is not None and rule.parameter in chance else rows
                curve = known.dropna(subset=[rule.parameter]).groupby(rule.parameter)[metric].mean()
                ax.plot(curve.index, curve, **_LIMITS[limit], zorder=1.9)
            _draw_sweep(ax, swept, metric, rule, look, chosen)
            ax.set(xlabel=f"Threshold: {rule.title[0].lower()}{rule.title[1:]}", ylabel=f"{title} (validation)")
            ax.set_xlim(rule.span or (swept[rule.parameter].min(), swept[rule.parameter].max()))
            ax.tick_params(labelleft=True)
            ax.grid(color="#E5E5E5", linewidth=0.5)
            ax.set_axisbelow(True)
    panels[0, 0].set_ylim(bottom=0)
    lines = [
        Line2D([], [], **_LIMITS[limit], label=f"{limit}: {_MEANINGS[limit]}")
        for limit, rows in curves.items()
        if len(rows) or (limit == "chance" and chance is not None)
    ]
    _legend(figure, look, "validation optimum", "the paper's peak, on DESED and CNN14", lines)
    return figure


_LIMITS: Mapping[str, dict] = {
    "chance": {"color": "black", "linewidth": 1.0, "linestyle": (0, (1, 1.5))},
    "ceiling": {"color": "#666666", "linewidth": 1.0, "linestyle": (0, (4, 2))},
}
"""What is drawn as a line without an optimum."""
_MEANINGS = {"chance": "random scores", "ceiling": "oracle"}


def _swept(rule: Rule, sweep: pd.DataFrame) -> bool:
    """Whether several values of a rule's parameter were tried."""
    return rule.parameter in sweep and sweep[rule.parameter].nunique() > 1


def _draw_sweep(
    ax: Axes, sweep: pd.DataFrame, metric: str, rule: Rule, look: Mapping[str, Style], chosen: pd.DataFrame | None
) -> None:
    """A line per detector, its optimum, and the paper's peaks where they are of this rule's parameter."""
    for offset, (detector, style) in enumerate(look.items()):
        curve = sweep[sweep["detector"] == detector].groupby(rule.parameter)[metric].agg(["mean", "min", "max"])
        ax.fill_between(curve.index, curve["min"], curve["max"], color=style.colour, alpha=0.18, linewidth=0)
        ax.plot(curve.index, curve["mean"], color=style.colour, linestyle=style.line, linewidth=1.4)
        if chosen is None:
            best = [rule.best(curve.index.to_numpy(float), curve["mean"].to_numpy())]
        else:
            best = chosen.loc[chosen["detector"] == detector, rule.parameter]
        ax.plot(best, np.interp(best, curve.index, curve["mean"]), **_marker(style), zorder=4 + offset / 100)
    for peak in paper.PEAKS if rule.parameter in paper.Peak._fields else ():
        if peak.metric == metric and peak.detector in look:
            place = getattr(peak, rule.parameter)
            ax.plot(place, peak.value, **_marker(look[peak.detector], hollow=True), zorder=3.5)


@matplotlib.rc_context(RC)
def per_class(table: pd.DataFrame, protocol: str | None = None) -> Figure:
    """Average precision, Pointing Game and IoU per class and detector, a panel each; `table`: `tables.per_class`.

    Lines are the wider intervals. The IoU, beside the paper's, is that of one protocol, by default the table's first;
    the other metrics need none. Below each class stand its numbers of clips and of source recordings. Where these are
    few (`igsed.report.few`), markers are small and intervals dashed; of one recording there is no interval.
    """
    protocol = table["protocol"].iloc[0] if protocol is None else protocol
    table = table[table["protocol"] == protocol]
    look = styles(table["detector"])
    labels = table["label"].unique()
    counts = table.groupby("label")[["clips", "sources"]].max().loc[labels].astype(float)
    height_of = max(0.32, 0.085 * (len(look) + 1))
    figure = Figure(figsize=(WIDTH, 1.2 + height_of * len(labels)), layout="constrained")
    shown = {metric.name: metric.title for metric in ranking() if metric.name in table}
    shown["iou"] = f"IoU (protocol {protocol})"
    panels = figure.subplots(1, len(shown), sharex=True, sharey=True, squeeze=False)[0]
    step = 0.8 / max(len(look), 1)
    for ax, (metric, title) in zip(panels, shown.items(), strict=True):
        for place, (detector, style) in enumerate(look.items()):
            rows = table[table["detector"] == detector].set_index("label").reindex(labels)
            height = np.arange(len(labels)) + (place - (len(look) - 1) / 2) * step
            known, weak_rows = rows[metric].notna().to_numpy(), few.few(*_counts(rows))
            for here, weak in ((known & ~weak_rows, False), (known & weak_rows, True)):
                if not here.any():
                    continue  # a line without points has no extent, which the layout cannot take
                low, high = (rows.loc[here, end] for end in bounds(metric))
                _intervals(ax, height[here], low, high, rows.loc[here, "sources"], style.colour, weak)
                ax.plot(rows.loc[here, metric], height[here], **_marker(style, weak=weak), zorder=4, clip_on=False)
            if metric == "iou" and rows["paper_iou"].notna().any():
                marker = _marker(style, hollow=True) | {"markeredgewidth": 0.7, "markersize": 4.5}
                ax.plot(rows["paper_iou"], height, **marker, zorder=3)
        for boundary in np.arange(1, len(labels)) - 0.5:
            ax.axhline(boundary, color="#CCCCCC", linewidth=0.5)
        ax.set(xlabel=title, xlim=(0, 1), xticks=[0, 0.25, 0.5, 0.75, 1], xticklabels=["0", "0.25", "0.5", "0.75", "1"])
        ax.grid(axis="x", color="#E5E5E5", linewidth=0.5)
        ax.set_axisbelow(True)
        ax.tick_params(axis="y", length=0)
    tick_labels = [
        f"{readable(label)}\n{few.counts(*number)}" for label, number in zip(labels, counts.to_numpy(), strict=True)
    ]
    panels[0].set_yticks(range(len(labels)), tick_labels)
    panels[0].set_ylim(len(labels) - 0.5, -0.5)
    solid = {detector: style._replace(line="solid") for detector, style in look.items()}
    _legend(
        figure, solid, "mean, bootstrap interval", "the paper's IoU", few_note(bool(few.few(*_counts(counts)).any()))
    )
    figure.supylabel("Class; clips /\nsource recordings", fontsize=8, multialignment="center")
    return figure


def _counts(rows: pd.DataFrame, sound: str = "") -> tuple[np.ndarray, np.ndarray]:
    """Clips and source recordings of each row, of one kind of sound where there are several."""
    return rows[f"{sound}clips"].to_numpy(float), rows[f"{sound}sources"].to_numpy(float)


def whisker(colour: str, weak: bool) -> dict:
    """How an interval is drawn: dashed and thin if it rests on few sounds."""
    return {"color": colour, "linewidth": 0.8 if weak else 1.4, "linestyle": _WEAK if weak else "solid"}


_WEAK = (0, (2.2, 1.6))


def _intervals(ax: Axes, height, low, high, sources, colour: str, weak: bool) -> None:
    """Horizontal intervals, except of one recording."""
    low, high = few.known(low, high, sources.to_numpy(float))
    there = ~np.isnan(low)
    if there.any():
        ax.hlines(np.asarray(height)[there], low[there], high[there], **whisker(colour, weak))


def few_note(needed: bool) -> list[Line2D]:
    """The legend's word on small markers with dashed intervals, where there are any."""
    weak = whisker(_GREY.colour, True)
    return [Line2D([], [], **_marker(_GREY, weak=True) | weak, label=few.RULE)] if needed else []


@matplotlib.rc_context(RC)
def headline(table: pd.DataFrame, controls: Iterable[str], mark: str = "", drawn: Iterable[str] = ()) -> Figure:
    """Every detector with its intervals, the best average precision first, controls below a line.

    Parameters
    ----------
    table
        `tables.detection`, of one protocol. Dotted lines: chance and ceiling (`igsed.detectors.limits`), where they
        are. A metric that the experiment has not is left out.
    controls
        The detectors that are there to be compared with.
    mark
        Stands behind the names of detectors whose baseline is not neutral.
    drawn
        The detectors that the other figures draw, so that all look there as here (see `styles`).
    """
    return _headline(table, controls, mark, drawn, WIDTH)


@matplotlib.rc_context(RC)
def headline_column(table: pd.DataFrame, controls: Iterable[str], mark: str = "", drawn: Iterable[str] = ()) -> Figure:
    """The same as `headline`, as wide as one column of a paper, or a phone."""
    return _headline(table, controls, mark, drawn, COLUMN)


def _headline(table: pd.DataFrame, controls: Iterable[str], mark: str, drawn: Iterable[str], width: float) -> Figure:
    narrow = width < WIDTH
    ranked = table.sort_values("average_precision", ascending=False, kind="stable")
    below = ranked["detector"].isin(set(controls))
    rows = pd.concat([ranked[~below], ranked[below]]).set_index("detector")
    look = styles(table["detector"], drawn)
    heights = np.arange(len(rows)) + 0.6 * below.sort_values(kind="stable").to_numpy()
    names = [title_of(name) + (f" {mark}" if not neutral else "") for name, neutral in rows["neutral"].items()]
    names = [wrapped(name, 16) for name in names] if narrow else names
    row = 0.17 if not narrow else 0.26 if any("\n" in name for name in names) else 0.2
    figure = Figure(figsize=(width, (0.9 if narrow else 0.7) + row * (len(rows) + 1)), layout="constrained")
    shown = {metric.name: metric.title for metric in ranking() if metric.name in rows}
    panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for ax, (metric, title) in zip(panels, shown.items(), strict=True):
        for reference in (name for name in limits() if name in rows.index):
            ax.axvline(rows.loc[reference, metric], color="#888888", linewidth=0.8, linestyle=(0, (1, 1.5)), zorder=1)
        for height, (name, row) in zip(heights, rows.iterrows(), strict=True):
            style = look[name]
            # Ends higher than the marker, which may be wider than the interval.
            ends = {"marker": "|", "markersize": 6, "markeredgewidth": 1.0, "color": style.colour, "linewidth": 1.0}
            ax.plot(row[list(bounds(metric))], [height] * 2, **ends, zorder=3.5, clip_on=False)
            ours = _marker(style) | {"markersize": 3.2 if narrow else 3.8, "markeredgewidth": 0}
            ax.plot(row[metric], height, **ours, zorder=4, clip_on=False)
            if pd.notna(row.get(f"paper_{metric}")):
                theirs = _marker(style, hollow=True) | {"markersize": 4.5, "markeredgewidth": 0.8}
                # Below ours, since where the two agree it would cover the interval.
                ax.plot(row[f"paper_{metric}"], height + 0.32, **theirs, zorder=3, clip_on=False)
        if below.any() and not below.all():
            ax.axhline((~below).sum() - 0.2, color="#CCCCCC", linewidth=0.8)
        ax.set(xlim=(0, 1), xlabel=textwrap.fill(title, 10) if narrow else title, ylim=(heights[-1] + 0.7, -0.7))
        if narrow:
            ax.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        ax.grid(axis="x", color="#E5E5E5", linewidth=0.5)
        ax.set_axisbelow(True)
    figure.axes[0].set_yticks(heights, names)
    if narrow:
        figure.axes[0].tick_params(axis="y", labelsize=7.5, length=0)
        # Letters are a little wider at some resolutions than at the one of the layout.
        figure.get_layout_engine().set(w_pad=0.08)
    return figure


_SYNTHETIC = Style("#555555", "solid", "|")
_SOUNDS = {"synthetic": "synthetic", "real": "real", "unseen": "real, not on the overlap list"}
_MEANS = {"class_mean": "Class mean", "all": "All pairs"}


@matplotlib.rc_context(RC)
def recordings(table: pd.DataFrame, protocol: str | None = None) -> Figure:
    """Synthetic clips against real recordings: every metric over all pairs, then average precision per class.

    Parameters
    ----------
    table
        `tables.recordings`. Below each other: synthetic (grey bar), real (the detector's marker), and, where there is
        an overlap list, real without the recordings on it (cross); lines are bootstrap intervals.
    protocol
        The one whose IoU is drawn. Default: the table's first.

    Returns
    -------
    Above, a panel for each metric that ranks detectors, and last the IoU, which depends on the share of active frames;
    where that differs (`typesetting.shifted`), its title says so. Below, a panel for each detector but the ceiling;
    beside each class stand the numbers of clips and of source recordings. Values of few sounds (`igsed.report.few`) are
    small, their intervals dashed; of one recording there is no interval.
    """
    protocol = table["protocol"].iloc[0] if protocol is None else protocol
    table = table[table["protocol"] == protocol]
    look, labels = styles(table["detector"]), table["label"].unique()
    sounds = [sound for sound in _SOUNDS if f"{sound}_iou" in table]
    there = table.columns[table.notna().any()]
    metrics = {metric.name: metric.title for metric in ranking() if f"real_{metric.name}" in there}
    metrics["iou"] = f"IoU (protocol {protocol})"
    first = next(iter(metrics))
    apart = {name: style for name, style in look.items() if limits().get(name) != "ceiling"} or look
    columns = min(len(apart), 5)
    lines = -(-len(apart) // columns)
    row = 0.18 + 0.06 * len(sounds)
    heights = [0.75 + row * len(look), lines * (0.65 + row * len(labels)) + 0.3]
    figure = Figure(figsize=(WIDTH, sum(heights) + 0.5), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=heights)
    _draw_metrics(above, table[table["label"] == "all"].set_index("detector"), metrics, sounds, look)
    if typesetting.shifted(table):
        synthetic, real = typesetting.active_shares(table)
        note = f"Says little: active share\n{100 * synthetic:.0f} % synthetic, {100 * real:.0f} % real"
        above.axes[-1].set_title(note, fontsize=7)
    panels = below.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for ax, (detector, style) in zip(panels.flat, apart.items(), strict=False):
        rows = table[table["detector"] == detector].set_index("label").loc[labels]
        _draw_sounds(ax, rows, first, sounds, [style] * len(labels))
        for boundary in np.arange(1, len(labels)) - 0.5:
            upper, lower = labels[int(boundary)], labels[int(boundary) + 1]
            strong = lower in _MEANS and upper not in _MEANS
            ax.axhline(boundary, color="#777777" if strong else "#CCCCCC", linewidth=0.5)
        ax.set_title(wrapped(title_of(detector), 16), fontweight="bold")
    for ax in panels.flat[len(apart) :]:
        ax.set_visible(False)
    for ax in panels.flat[max(len(apart) - columns, 0) : len(apart)]:
        ax.set_xlabel(metrics[first])
        ax.tick_params(labelbottom=True)
    names = [_MEANS.get(label, readable(label)) for label in labels]
    panels[0, 0].set(xlim=(0, 1), ylim=(len(labels) - 0.5, -0.5), xticks=[0, 0.5, 1], xticklabels=["0", "0.5", "1"])
    panels[0, 0].set_yticks(range(len(labels)), map("\n".join, zip(names, _both_counts(table, labels), strict=True)))
    below.supylabel("Class; clips / source recordings, synthetic and real", fontsize=8)
    handles = [
        Line2D([], [], **_sound_marker(sound, _SYNTHETIC if sound == "synthetic" else _GREY), label=_SOUNDS[sound])
        for sound in sounds
    ]
    handles.append(Line2D([], [], color=_GREY.colour, linewidth=1, label="bootstrap interval"))
    handles += few_note(any(few.few(*_counts(table, f"{sound}_")).any() for sound in sounds))
    figure.legend(handles=handles, loc="outside lower center", ncols=3 if len(handles) > 3 else 4, columnspacing=1.2)
    return figure


def _both_counts(table: pd.DataFrame, labels: Sequence[str]) -> list[str]:
    """Clips and source recordings of each label, synthetic and real."""
    most = table.groupby("label").max(numeric_only=True).loc[labels]
    both = [zip(*_counts(most, f"{sound}_"), strict=True) for sound in ("synthetic", "real")]
    return [f"{few.counts(*a)}, {few.counts(*b)}" for a, b in zip(*both, strict=True)]


def _draw_metrics(
    part: SubFigure, rows: pd.DataFrame, metrics: Mapping[str, str], sounds: Sequence[str], look: Mapping[str, Style]
) -> None:
    """A panel for each metric, a line for each detector."""
    panels = part.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
    for ax, (metric, title) in zip(panels, metrics.items(), strict=True):
        _draw_sounds(ax, rows.loc[list(look)], metric, sounds, look.values())
        for boundary in np.arange(1, len(look)) - 0.5:
            ax.axhline(boundary, color="#CCCCCC", linewidth=0.5)
        ax.set(xlabel=title, xlim=(0, 1), xticks=[0, 0.5, 1], xticklabels=["0", "0.5", "1"])
    part.supylabel("Mean over all pairs", fontsize=8)
    panels[0].set_yticks(range(len(look)), [title_of(detector) for detector in look])
    panels[0].set_ylim(len(look) - 0.5, -0.5)


def _draw_sounds(ax: Axes, rows: pd.DataFrame, metric: str, sounds: Sequence[str], look: Iterable[Style]) -> None:
    """A metric of each row, of one kind of sound below the other."""
    for (place, sound), (k, style) in itertools.product(enumerate(sounds), enumerate(look)):
        here, row = _SYNTHETIC if sound == "synthetic" else style, rows.iloc[[k]]
        height = k + 0.26 * (place - (len(sounds) - 1) / 2)
        weak = bool(few.few(*_counts(row, f"{sound}_"))[0])
        low, high = (row[f"{sound}_{short(metric)}_{end}"] for end in ("low", "high"))
        _intervals(ax, [height], low, high, row[f"{sound}_sources"], here.colour, weak)
        ax.plot(row[f"{sound}_{metric}"], [height], **_sound_marker(sound, here, weak), zorder=4, clip_on=False)
    ax.grid(axis="x", color="#E5E5E5", linewidth=0.5)
    ax.set_axisbelow(True)
    ax.tick_params(axis="y", length=0)


def _sound_marker(sound: str, style: Style, weak: bool = False) -> dict:
    """A bar for synthetic clips, the detector's marker for real ones, a cross for those not on the overlap list."""
    marker = _marker(style, weak=weak)
    if sound == "synthetic":
        return marker | {"markersize": 6 if weak else 8, "markeredgecolor": style.colour, "markeredgewidth": 1.8}
    if sound == "unseen":
        return marker | {"marker": "x", "markeredgecolor": style.colour, "markeredgewidth": 1.2}
    return marker


CLIP_HEAD = "clip"
"""The model of which there is one in every experiment; the others bear the names of detectors."""


@matplotlib.rc_context(RC)
def training(curves: pd.DataFrame) -> Figure:
    """Training and validation loss against the epoch, one panel per model, one pair of lines per seed.

    `curves`: model, seed, epoch, train_loss, validation_loss; panels stand in the order of models there. A dot marks
    each seed's lowest validation loss.
    """
    models = list(dict.fromkeys(curves["model"]))
    figure = Figure(figsize=(WIDTH, 2.5), layout="constrained")
    panels = figure.subplots(1, len(models), squeeze=False)[0]
    train = {"color": "#0072B2", "linestyle": "solid"}
    validation = {"color": "#D55E00", "linestyle": (0, (4, 1.5))}
    for ax, model in zip(panels, models, strict=True):
        for _, rows in curves[curves["model"] == model].sort_values("epoch").groupby("seed"):
            ax.plot(rows["epoch"], rows["train_loss"], **train, linewidth=0.9)
            ax.plot(rows["epoch"], rows["validation_loss"], **validation, linewidth=0.9)
            best = rows.loc[rows["validation_loss"].idxmin()]
            ax.plot(
                best["epoch"],
                best["validation_loss"],
                "o",
                color=validation["color"],
                markersize=4,
                mec="white",
            )
        ax.set(title="Clip head" if model == CLIP_HEAD else f"{title_of(model)} head", xlabel="Epoch")
        ax.set_ylim(bottom=0)
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        ax.grid(color="#E5E5E5", linewidth=0.5)
    panels[0].set_ylabel("Binary cross-entropy")
    handles = [
        Line2D([], [], **train, label="training"),
        Line2D([], [], **validation, label="validation"),
        Line2D(
            [],
            [],
            color=validation["color"],
            marker="o",
            linestyle="",
            mec="white",
            label="lowest validation loss",
        ),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _marker(style: Style, hollow: bool = False, weak: bool = False) -> dict:
    """Filled for ours, small if weak; hollow and larger, so that it shows around ours, for the paper's."""
    return {
        "marker": style.marker,
        "markersize": 6.5 if hollow else 3.4 if weak else 5,
        "color": style.colour,
        "markerfacecolor": "none" if hollow else style.colour,
        "markeredgecolor": style.colour if hollow else "white",
        "markeredgewidth": 1.0 if hollow else 0.3 if weak else 0.5,
        "linestyle": "",
    }


def _legend(figure: Figure, look: Mapping[str, Style], ours: str, theirs: str, further: Sequence[Line2D] = ()) -> None:
    """Below the panels: every detector, then what filled, hollow and further markers mean."""
    handles = [
        Line2D([], [], **_marker(style) | {"linestyle": style.line}, linewidth=1.4, label=title_of(detector))
        for detector, style in look.items()
    ]
    meanings = [
        Line2D([], [], **_marker(_GREY), label=ours),
        Line2D([], [], **_marker(_GREY, hollow=True), label=theirs),
    ]
    meanings += further
    rows = next(rows for rows in itertools.count(2) if _legend_width(handles, meanings, rows=rows) <= WIDTH)
    # The legend fills its columns from above; no marker's meaning shares one with a detector.
    handles += [Line2D([], [], linestyle="none", label=" ")] * (-len(handles) % rows)
    handles += meanings
    columns = -(-len(handles) // rows)
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, handlelength=3)


def _legend_width(*groups: Sequence[Line2D], rows: int = 2) -> float:
    """About how wide a legend is, in inches, of which each column holds so many of one group."""
    lengths = [[len(str(handle.get_label())) for handle in group] for group in groups]
    columns = [max(group[k : k + rows]) for group in lengths for k in range(0, len(group), rows)]
    return sum(0.55 + 0.06 * length for length in columns)
