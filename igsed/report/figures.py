"""The figures that come from results: examples, thresholds, detection per class, real recordings, training.

Conventions
-----------
Every function returns a `matplotlib.figure.Figure` as wide as two columns of a paper (7.1 in) with no text
below 7 pt; `save` writes it. Nothing here touches pyplot, so no figure outlives its caller. One `Style` per
detector holds in all figures; styles differ in line and marker too, so that they stay apart in greyscale. The
paper's own values are hollow markers. Time is in seconds, scores are per 100 ms frame, rates lie in 0…1,
percentiles in 0…100.

Figure 1 (`igsed.report.pipeline_figure`) has a module of its own. Colours: Okabe and Ito, "Color Universal Design"
(2008).
"""

import itertools
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import mlab
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import Bbox

from igsed.detectors import DETECTORS, Style, title_of
from igsed.report import paper
from igsed.thresholds import Rule, built_in
from igsed.timeline import FRAME, segments

WIDTH = 7.1
"""Width of a double-column figure in inches."""

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

STYLE: Mapping[str, Style] = {name: found.style for name, found in DETECTORS.built_in.items() if found.style}
"""The detectors that declare a style of their own."""

_MORE_COLOURS = ("#D55E00", "#56B4E9", "#8C6D31", "#777777")
_MORE_LINES = ((0, (8, 2)), (0, (8, 2, 1, 2)), (0, (2, 1)), (0, (8, 2, 3, 2)), (0, (1, 3)))
_MORE_MARKERS = ("<", ">", "p", "X", "P", "h", "*")

_TRUTH = "#E3E3E3"
_INK = "#333333"


def styles(detectors: Iterable[str]) -> dict[str, Style]:
    """The style of each detector; those outside `STYLE` get further ones in the order of their names.

    Up to 140 further detectors differ from each other (4 colours, 5 lines, 7 markers that cycle side by
    side).
    """
    detectors = list(dict.fromkeys(detectors))
    more = sorted(set(detectors) - set(STYLE))
    further = {
        detector: Style(
            _MORE_COLOURS[i % len(_MORE_COLOURS)],
            _MORE_LINES[i % len(_MORE_LINES)],
            _MORE_MARKERS[i % len(_MORE_MARKERS)],
        )
        for i, detector in enumerate(more)
    }
    return {detector: STYLE.get(detector) or further[detector] for detector in detectors}


@dataclass(frozen=True)
class Example:
    """One (clip, class) pair of Figure 2.

    Parameters
    ----------
    clip, label
        The clip's name and the target class.
    waveform, sample_rate
        (samples,) and its rate in hertz.
    events
        The clip's ground truth: `onset` and `offset` in seconds, `label`; all classes.
    scores, masks, iou
        By detector: (frame,) scores, (frame,) bool detections, and the IoU of these with the target's active
        frames.
    """

    clip: str
    label: str
    waveform: np.ndarray
    sample_rate: int
    events: pd.DataFrame
    scores: Mapping[str, np.ndarray] = field(default_factory=dict)
    masks: Mapping[str, np.ndarray] = field(default_factory=dict)
    iou: Mapping[str, float] = field(default_factory=dict)

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
    for ax in figure.axes:
        ax.set_position(Bbox(np.round(ax.get_position().get_points(), 6)))
    for text in figure.texts:
        text.set_position(np.round(text.get_position(), 6))


def log_spectrogram(waveform: np.ndarray, sample_rate: int, bands: int = 96) -> tuple[np.ndarray, ...]:
    """Spectrogram on a logarithmic frequency axis, for looking at.

    Returns time (frame,) in seconds, frequency (bands,) in hertz from 60 Hz to 14 kHz (or Nyquist), and level
    (bands, frame) in decibels below the clip's maximum, cut at -70. Hann window of 32 ms, hop of 20 ms.
    """
    window, hop = round(0.032 * sample_rate), round(0.02 * sample_rate)
    power, frequency, time = mlab.specgram(waveform, window, sample_rate, detrend="mean", noverlap=window - hop)
    wanted = np.geomspace(60, min(14_000, sample_rate / 2), bands)
    upper = np.clip(np.searchsorted(frequency, wanted), 1, len(frequency) - 1)
    weight = ((wanted - frequency[upper - 1]) / (frequency[upper] - frequency[upper - 1]))[:, None]
    power = (1 - weight) * power[upper - 1] + weight * power[upper]
    level = 10 * np.log10(np.maximum(power, 1e-20) / max(power.max(), 1e-20))
    return time, wanted, np.maximum(level, -70)


def scaled(scores: np.ndarray) -> np.ndarray:
    """Scores (frame,) moved and scaled to 0…1 within the clip; a constant score becomes 0."""
    low, high = np.nanmin(scores), np.nanmax(scores)
    return (scores - low) / (high - low) if high > low else np.zeros(len(scores))


def readable(label: str) -> str:
    """A class name with spaces for underscores."""
    return label.replace("_", " ")


@matplotlib.rc_context(RC)
def examples(examples: Sequence[Example]) -> Figure:
    """Figure 2: one column per example: spectrogram, ground truth, and every detector's scores.

    Scores are scaled to 0…1 within the clip. The target's ground truth is shaded behind them; the bar below a
    curve marks the frames that the detector detects. The detectors are those of all examples, in order of
    appearance.
    """
    look = styles(detector for example in examples for detector in example.scores)
    lanes = max(2, *(example.events["label"].nunique() for example in examples))
    heights = [1.0, 0.26 * lanes, *[0.62] * len(look)]
    figure = Figure(figsize=(WIDTH, sum(heights) + 1.15), layout="constrained")
    axes = figure.subplots(
        len(heights), len(examples), sharex="col", squeeze=False, gridspec_kw={"height_ratios": heights}
    )
    inches = (WIDTH - 1.8) / len(examples) - 0.1
    for column, example in zip(axes.T, examples, strict=True):
        title = textwrap.fill(readable(example.label), round(inches / 0.065))
        column[0].set_title(f"{title}\n{example.clip}")
        image = _draw_spectrogram(column[0], example)
        _draw_truth(column[1], example, lanes, inches)
        for ax, detector in zip(column[2:], look, strict=True):
            _draw_scores(ax, example, detector, look[detector])
        column[-1].set(xlim=(0, example.duration), xlabel="Time / s")
        column[-1].xaxis.set_major_locator(MaxNLocator(5, integer=True))
    for ax in axes[:, 1:].flat:
        ax.tick_params(labelleft=False)
    axes[0, 0].set_ylabel("Frequency / kHz")
    axes[1, 0].set_ylabel("Ground\ntruth", rotation=0, ha="right", va="center")
    for ax, detector in zip(axes[2:, 0], look, strict=True):
        ax.set_ylabel(title_of(detector), rotation=0, ha="right", va="center", fontweight="bold")
    middle = (0.75 + 0.36 * len(look)) / figure.get_figheight()
    figure.supylabel("Frame score,\nscaled to 0…1 within the clip", fontsize=8, y=middle, multialignment="center")
    bar = figure.colorbar(image, ax=list(axes[0]), pad=0.01, aspect=12)
    bar.set_label("Level / dB")
    handles = [
        Patch(facecolor=_TRUTH, edgecolor=_INK, linewidth=0.6, label="target event (ground truth)"),
        Patch(facecolor="white", edgecolor="#777777", hatch="////", label="other event"),
        Line2D([], [], color=_INK, label="frame score"),
        Patch(facecolor=_INK, label="detected frames (bar)"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    return figure


def _draw_spectrogram(ax: Axes, example: Example):
    time, frequency, level = log_spectrogram(example.waveform, example.sample_rate)
    image = ax.pcolormesh(time, frequency, level, cmap="magma", vmin=-70, vmax=0, shading="nearest", rasterized=True)
    ax.set_yscale("log")
    ax.set_yticks([100, 1000, 10_000], minor=False)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda hertz, _: f"{hertz / 1000:g}"))
    ax.minorticks_off()
    return image


def _draw_truth(ax: Axes, example: Example, lanes: int, inches: float) -> None:
    """A lane per class, the target's first: its name above its events; `inches` is the panel's width."""
    others = [label for label in dict.fromkeys(example.events["label"]) if label != example.label]
    for lane, label in enumerate([example.label, *others]):
        target = label == example.label
        events = example.events[example.events["label"] == label]
        ax.broken_barh(
            list(zip(events["onset"], events["offset"] - events["onset"], strict=True)),
            (-lane - 0.92, 0.42),
            facecolor=_TRUTH if target else "white",
            edgecolor=_INK if target else "#777777",
            hatch=None if target else "//////",
            linewidth=0.6,
        )
        width = 0.06 * len(label) / inches * example.duration
        start = max(0.0, min(events["onset"].min(), example.duration - width))
        ax.text(start, -lane - 0.46, readable(label), fontsize=7, va="bottom", color=_INK)
    ax.set(ylim=(-lanes, 0.02), yticks=[])
    ax.spines["left"].set_visible(False)


def _draw_scores(ax: Axes, example: Example, detector: str, style: Style) -> None:
    for event in example.events[example.events["label"] == example.label].itertuples():
        ax.axvspan(event.onset, event.offset, color=_TRUTH, linewidth=0)
    ax.set(ylim=(-0.32, 1.45), yticks=[0, 1])
    if detector not in example.scores:
        return
    scores = scaled(np.asarray(example.scores[detector], dtype=float))
    edges = np.arange(len(scores) + 1) * FRAME
    ax.stairs(scores, edges, color=style.colour, linewidth=1, baseline=None)
    detected = [(onset, offset - onset) for onset, offset in segments(example.masks[detector])]
    ax.broken_barh(detected, (-0.27, 0.17), facecolor=style.colour, linewidth=0)
    value = example.iou.get(detector, np.nan)
    shown = "–" if np.isnan(value) else f"{value:.2f}"
    ax.text(0.99, 0.99, f"IoU {shown}", transform=ax.transAxes, ha="right", va="top", fontsize=7)


@matplotlib.rc_context(RC)
def thresholds(sweep: pd.DataFrame, chosen: pd.DataFrame | None = None, rules: Sequence[Rule] | None = None) -> Figure:
    """Figure 3: validation IoU and F1 against the parameter of each threshold rule, for the paper the percentile.

    Parameters
    ----------
    sweep
        detector, seed, iou, f1 and each rule's parameter, NaN in the rows of other rules. Lines are the mean over
        seeds, bands the seeds' range.
    chosen
        detector and each rule's parameter: where each detector's threshold lies. Default: the maximum of each line.
    rules
        A row of panels for each of whose parameter several values were tried. Default: igsed's own.
    """
    rules = [rule for rule in (built_in() if rules is None else rules) if _swept(rule, sweep)]
    look = styles(sweep["detector"])
    figure = Figure(figsize=(WIDTH, 3.3 + 2.7 * max(len(rules) - 1, 0)), layout="constrained")
    if not rules:
        figure.text(0.5, 0.5, "No threshold rule has a parameter.", ha="center")
        return figure
    panels = figure.subplots(len(rules), 2, sharex="row", sharey=True, squeeze=False)
    for rule, row in zip(rules, panels, strict=True):
        swept = sweep.dropna(subset=[rule.parameter])
        for ax, metric, title in zip(row, ("iou", "f1"), ("IoU", "F1"), strict=True):
            _draw_sweep(ax, swept, metric, rule, look, chosen)
            ax.set(xlabel=f"{rule.title} threshold", ylabel=f"{title} (validation)")
            ax.set_xlim(rule.span or (swept[rule.parameter].min(), swept[rule.parameter].max()))
            ax.tick_params(labelleft=True)
            ax.grid(color="#E5E5E5", linewidth=0.5)
            ax.set_axisbelow(True)
    panels[0, 0].set_ylim(bottom=0)
    _legend(figure, look, "validation optimum", "the paper's peak")
    return figure


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


FEW = 10
"""Fewer clips than this say little of a class; it is drawn pale."""
PALE = 0.35
"""How opaque that is."""


@matplotlib.rc_context(RC)
def per_class(table: pd.DataFrame) -> Figure:
    """IoU per class and detector with its bootstrap interval, one panel per protocol; `table`: `tables.per_class`.

    Below each class stands the number of clips; points of fewer than `FEW` clips are pale.
    """
    look = styles(table["detector"])
    labels, protocols = table["label"].unique(), table["protocol"].unique()
    clips = table.groupby("label")["clips"].max().loc[labels]
    figure = Figure(figsize=(WIDTH, 1.2 + 0.105 * len(labels) * (len(look) + 1)), layout="constrained")
    panels = figure.subplots(1, len(protocols), sharex=True, sharey=True, squeeze=False)[0]
    step = 0.8 / max(len(look), 1)
    for ax, protocol in zip(panels, protocols, strict=True):
        for place, (detector, style) in enumerate(look.items()):
            here = table[(table["protocol"] == protocol) & (table["detector"] == detector)]
            rows = here.set_index("label").reindex(labels)
            height = np.arange(len(labels)) + (place - (len(look) - 1) / 2) * step
            few = rows["clips"] < FEW
            pale = np.where(few, PALE, 1.0)
            ax.hlines(height, rows["iou_low"], rows["iou_high"], color=style.colour, alpha=pale, linewidth=1.2)
            ax.plot(rows["paper_iou"], height, **_marker(style, hollow=True), zorder=3)
            ax.plot(rows["iou"].mask(few), height, **_marker(style), zorder=4)
            ax.plot(rows["iou"].where(few), height, **_marker(style), alpha=PALE, zorder=4)
        for boundary in np.arange(1, len(labels)) - 0.5:
            ax.axhline(boundary, color="#CCCCCC", linewidth=0.5)
        ax.set(xlabel="IoU", title=f"Protocol: {protocol}", xlim=(0, 1))
        ax.grid(axis="x", color="#E5E5E5", linewidth=0.5)
        ax.set_axisbelow(True)
    tick_labels = [f"{readable(label)}\n{number} clip{'s' * (number != 1)}" for label, number in clips.items()]
    panels[0].set_yticks(range(len(labels)), tick_labels)
    panels[0].set_ylim(len(labels) - 0.5, -0.5)
    solid = {detector: style._replace(line="solid") for detector, style in look.items()}
    note = [Line2D([], [], **_marker(_GREY), alpha=PALE, label=f"fewer than {FEW} clips")] if clips.min() < FEW else []
    _legend(figure, solid, "mean, bootstrap interval", "the paper's value", note)
    return figure


_HEADLINE = {
    "average_precision": ("Average precision", "average_precision"),
    "pointing_game": ("Pointing Game", "pg"),
    "class_auc": ("Class AUC", "class_auc"),
}
"""Metric → axis and short name: two say *when*, one *what*."""


@matplotlib.rc_context(RC)
def headline(table: pd.DataFrame, controls: Iterable[str], mark: str = "") -> Figure:
    """Every detector with its intervals, the best average precision first, controls below a line.

    Colours are those of the detectors that declare a style, since figures of fewer detectors colour others otherwise.

    Parameters
    ----------
    table
        `tables.detection`, of one protocol. Dotted lines: what `random` and `oracle` reach, where they are. A metric
        that the experiment has not is left out.
    controls
        The detectors that are there to be compared with.
    mark
        Stands behind the names of detectors whose baseline is not neutral.
    """
    ranked = table.sort_values("average_precision", ascending=False, kind="stable")
    below = ranked["detector"].isin(set(controls))
    rows = pd.concat([ranked[~below], ranked[below]]).set_index("detector")
    look = {name: STYLE.get(name, Style(_INK, "solid", "o")) for name in table["detector"]}
    heights = np.arange(len(rows)) + 0.6 * below.sort_values(kind="stable").to_numpy()
    names = [title_of(name) + (f" {mark}" if not neutral else "") for name, neutral in rows["neutral"].items()]
    figure = Figure(figsize=(WIDTH, 0.7 + 0.17 * (len(rows) + 1)), layout="constrained")
    shown = {metric: head for metric, head in _HEADLINE.items() if metric in rows}
    panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for ax, (metric, (title, short)) in zip(panels, shown.items(), strict=True):
        for reference in (name for name in ("random", "oracle") if name in rows.index):
            ax.axvline(rows.loc[reference, metric], color="#888888", linewidth=0.8, linestyle=(0, (1, 1.5)), zorder=1)
        for height, (name, row) in zip(heights, rows.iterrows(), strict=True):
            interval = row[f"{short}_low_wide"], row[f"{short}_high_wide"]
            ax.hlines(height, *interval, color=look[name].colour, linewidth=1.2)
            ax.plot(row[metric], height, **_marker(look[name]), zorder=4, clip_on=False)
            if pd.notna(row.get(f"paper_{metric}")):
                ax.plot(row[f"paper_{metric}"], height, **_marker(look[name], hollow=True), zorder=3, clip_on=False)
        if below.any() and not below.all():
            ax.axhline((~below).sum() - 0.2, color="#CCCCCC", linewidth=0.8)
        ax.set(xlim=(0, 1), xlabel=title, ylim=(heights[-1] + 0.7, -0.7))
        ax.grid(axis="x", color="#E5E5E5", linewidth=0.5)
        ax.set_axisbelow(True)
    figure.axes[0].set_yticks(heights, names)
    return figure


_SYNTHETIC = Style("#555555", "solid", "|")
_SOUNDS = {"synthetic": "synthetic", "real": "real", "unseen": "real, not on the overlap list"}
_MEANS = {"class_mean": "Class mean", "all": "All pairs"}


@matplotlib.rc_context(RC)
def recordings(table: pd.DataFrame, protocol: str | None = None) -> Figure:
    """IoU per class on synthetic clips against real recordings, one panel per detector.

    Parameters
    ----------
    table
        `tables.recordings`. Below each other: synthetic (grey bar), real (the detector's marker), and, where there is
        an overlap list, real without the recordings on it (white cross); lines are bootstrap intervals.
    protocol
        The one drawn. Default: the table's first.

    Returns
    -------
    Beside each class stand the numbers of clips, synthetic and real; points of fewer than `FEW` clips are pale.
    """
    table = table[table["protocol"] == (table["protocol"].iloc[0] if protocol is None else protocol)]
    look, labels = styles(table["detector"]), table["label"].unique()
    sounds = [sound for sound in ("synthetic", "real", "unseen") if f"{sound}_iou" in table]
    counts = table.groupby("label")[[f"{sound}_clips" for sound in sounds[:2]]].max().loc[labels]
    columns = min(len(look), 5)
    lines = -(-len(look) // columns)
    figure = Figure(
        figsize=(WIDTH, lines * (0.6 + (0.18 + 0.06 * len(sounds)) * len(labels)) + 0.5), layout="constrained"
    )
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for ax, (detector, style) in zip(panels.flat, look.items(), strict=False):
        rows = table[table["detector"] == detector].set_index("label").loc[labels]
        for place, sound in enumerate(sounds):
            height = np.arange(len(labels)) + 0.26 * (place - (len(sounds) - 1) / 2)
            here = _SYNTHETIC if sound == "synthetic" else style
            pale = np.where(rows[f"{sound}_clips"] < FEW, PALE, 1.0)
            ax.hlines(height, rows[f"{sound}_iou_low"], rows[f"{sound}_iou_high"], here.colour, alpha=pale, linewidth=1)
            for value, y, alpha in zip(rows[f"{sound}_iou"], height, pale, strict=True):
                ax.plot(value, y, **_sound_marker(sound, here), alpha=alpha, zorder=4, clip_on=False)
        for boundary in np.arange(1, len(labels)) - 0.5:
            above, below = labels[int(boundary)], labels[int(boundary) + 1]
            strong = below in _MEANS and above not in _MEANS
            ax.axhline(boundary, color="#777777" if strong else "#CCCCCC", linewidth=0.5)
        ax.set_title(title_of(detector), fontweight="bold")
        ax.grid(axis="x", color="#E5E5E5", linewidth=0.5)
        ax.set_axisbelow(True)
        ax.tick_params(axis="y", length=0)
    for ax in panels.flat[len(look) :]:
        ax.set_visible(False)
    for ax in panels.flat[max(len(look) - columns, 0) : len(look)]:
        ax.set_xlabel("IoU")
        ax.tick_params(labelbottom=True)
    names = [_MEANS.get(label, readable(label)) for label in labels]
    tick_labels = [f"{name}\n{a} / {b}" for name, (a, b) in zip(names, counts.to_numpy(), strict=True)]
    panels[0, 0].set(xlim=(0, 1), ylim=(len(labels) - 0.5, -0.5), xticks=[0, 0.5, 1], xticklabels=["0", "0.5", "1"])
    panels[0, 0].set_yticks(range(len(labels)), tick_labels)
    figure.supylabel("Class, number of clips: synthetic / real", fontsize=8)
    handles = [
        Line2D([], [], **_sound_marker(sound, _SYNTHETIC if sound == "synthetic" else _GREY), label=_SOUNDS[sound])
        for sound in sounds
    ]
    handles.append(Line2D([], [], color=_GREY.colour, linewidth=1, label="bootstrap interval"))
    if (table[[f"{sound}_clips" for sound in sounds]] < FEW).any(axis=None):
        handles.append(Line2D([], [], **_marker(_GREY), alpha=PALE, label=f"fewer than {FEW} clips"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), columnspacing=1.2)
    return figure


def _sound_marker(sound: str, style: Style) -> dict:
    """A bar for synthetic clips, the detector's marker for real ones, a cross for those not on the overlap list."""
    marker = _marker(style)
    if sound == "synthetic":
        return marker | {"markersize": 8, "markeredgecolor": style.colour, "markeredgewidth": 1.8}
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


def _marker(style: Style, hollow: bool = False) -> dict:
    """Filled for ours; hollow and larger, so that it shows around ours, for the paper's."""
    return {
        "marker": style.marker,
        "markersize": 6.5 if hollow else 5,
        "color": style.colour,
        "markerfacecolor": "none" if hollow else style.colour,
        "markeredgecolor": style.colour if hollow else "white",
        "markeredgewidth": 1.0 if hollow else 0.5,
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
