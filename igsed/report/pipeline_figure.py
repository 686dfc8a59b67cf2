"""The data flow, from source recordings to metrics, as a diagram.

The axes are in inches, so that a length here is a length on the page.
"""

from collections.abc import Sequence
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from igsed.detectors import Detector, Style, published
from igsed.report.figures import RC, WIDTH, Example, log_spectrogram, scaled
from igsed.report.styles import STYLE
from igsed.timeline import FRAME

_HEIGHT = 3.15
_INK = "#333333"


class _Box(NamedTuple):
    """A box by its centre, width and height, with a bold title and a line or two below it."""

    x: float
    y: float
    width: float
    height: float
    title: str
    note: str = ""
    edge: str = _INK
    line: str | tuple = "solid"

    @property
    def left(self) -> float:
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        return self.y - self.height / 2

    @property
    def top(self) -> float:
        return self.y + self.height / 2


_MIDDLE = 2.0
_TOP, _LOWEST = 2.55, 0.66
_TRUTH_LANE = 0.1
_TRUTH_LINE = (0, (4, 2))

_SOURCES = _Box(0.47, _MIDDLE, 0.86, 0.8, "Source\nrecordings", "events,\nbackgrounds")
_MIXTURES = _Box(1.55, _MIDDLE, 0.86, 0.8, "Mixtures", "audio and\nevent times\n(Scaper)")
_BODY = _Box(2.62, _MIDDLE, 0.84, 0.8, "Frozen\nbody", "pretrained\non AudioSet")
_THRESHOLD = _Box(5.74, 1.45, 0.76, 0.8, "Threshold", "most chosen\non validation")
_METRICS = _Box(6.65, 1.45, 0.8, 0.8, "Metrics", "IoU, F1,\npointing\ngame, …")
_HEAD, _SCORES = 3.72, 4.78
_LANES = {
    ("classifier", ""): ("Clip head", "on clip labels", "attribution"),
    ("frames", "clip"): ("Frame head", "on clip labels", "frame output"),
    ("frames", "frame"): ("Frame head", "on frame labels", "frame output"),
    ("waveform", ""): ("", "", "no model"),
    ("events", ""): ("", "", "ground truth"),
    ("files", ""): ("", "", "from files"),
}
"""What detectors need and learn from: the head that is trained for them, on what, and how scores come of it."""
_SHARED = {("masks", ""): ("classifier", ""), ("frames", ""): ("classifier", "")}
"""Those that explain the clip head too."""


def _lanes(detectors: Sequence[Detector]) -> dict[tuple[str, str], list[Detector]]:
    """The detectors by what they need, in the order from top to bottom."""
    kinds = [(detector.needs, getattr(detector, "learns_from", "")) for detector in detectors]
    kinds = [_SHARED.get(kind, kind) for kind in kinds]
    return {
        lane: [detector for detector, kind in zip(detectors, kinds, strict=True) if kind == lane]
        for lane in _LANES
        if lane in kinds
    }


def _titles(detectors: Sequence[Detector]) -> str:
    first, *more = (detector.title for detector in detectors)
    return first if not more else f"{first},\n{more[0]}" if len(more) == 1 else f"{first} and\n{len(more)} more"


@matplotlib.rc_context(RC)
def pipeline(detectors: Sequence[Detector] | None = None, example: Example | None = None) -> Figure:
    """The data flow of an experiment.

    `detectors` are the experiment's, by default the paper's. With an example, its spectrogram and its first detector's
    scores and detections are drawn small.
    """
    figure = Figure(figsize=(WIDTH, _HEIGHT))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, WIDTH), ylim=(0, _HEIGHT))
    ax.axis("off")
    lanes = _lanes(published() if detectors is None else detectors)
    heights = np.linspace(_TOP, _LOWEST, len(lanes)) if len(lanes) > 1 else [_MIDDLE]
    for box in (_SOURCES, _MIXTURES, _BODY, _THRESHOLD, _METRICS):
        _draw_box(ax, box)
    _arrow(ax, (_SOURCES.right, _MIDDLE), (_MIXTURES.left, _MIDDLE))
    _arrow(ax, (_MIXTURES.right, _MIDDLE), (_BODY.left, _MIDDLE))
    audio, times = _MIXTURES.x + 0.2, _MIXTURES.x - 0.2
    for (lane, members), y in zip(lanes.items(), heights, strict=True):
        head, labels, note = _LANES[lane]
        style = members[0].style if len(members) == 1 and members[0].style else Style(_INK, "solid", "")
        scores = _Box(_SCORES, y, 0.92, 0.44, _titles(members), note, style.colour, style.line)
        _draw_box(ax, scores)
        if head:
            box = _Box(_HEAD, y, 0.92, 0.44, head, labels)
            fork = (_BODY.right + box.left) / 2
            _draw_box(ax, box)
            _arrow(ax, (_BODY.right, _MIDDLE), (fork, _MIDDLE), (fork, y), (box.left, y))
            _arrow(ax, (box.right, y), (scores.left, y))
        else:
            known = lane[0] == "events"
            x, what, line = (times, "ground truth", _TRUTH_LINE) if known else (audio, "audio", "solid")
            _arrow(ax, (x, _MIXTURES.bottom), (x, y), (scores.left, y), linestyle=line)
            _note(ax, (audio + 0.1, y + 0.04), what)
        join = (scores.right + _THRESHOLD.left) / 2
        _arrow(ax, (scores.right, y), (join, y), (join, _THRESHOLD.y), (_THRESHOLD.left, _THRESHOLD.y))
    _arrow(ax, (_THRESHOLD.right, _THRESHOLD.y), (_METRICS.left, _METRICS.y))
    truth = [(times, _MIXTURES.bottom), (times, _TRUTH_LANE), (_METRICS.x, _TRUTH_LANE)]
    _arrow(ax, *truth, (_METRICS.x, _METRICS.bottom), linestyle=_TRUTH_LINE)
    _note(ax, (times + 0.1, _TRUTH_LANE + 0.04), "ground truth")
    _note(ax, (_SCORES, heights[0] + 0.32), "frame scores", ha="center")
    if any(_LANES[lane][0] for lane in lanes):
        _note(ax, (_HEAD, heights[0] + 0.32), "trained heads", ha="center")
    if example is not None:
        _draw_spectrogram(figure, example)
        if example.scores:
            _draw_detection(figure, example)
    return figure


def _draw_box(ax: Axes, box: _Box) -> None:
    ax.add_patch(
        FancyBboxPatch(
            (box.left, box.bottom),
            box.width,
            box.height,
            boxstyle="round,pad=0,rounding_size=0.06",
            facecolor="#F4F4F4",
            edgecolor=box.edge,
            linestyle=box.line,
            linewidth=1.0 if box.edge == _INK else 1.6,
            zorder=3,
        )
    )
    titles, notes = (text.count("\n") + 1 if text else 0 for text in (box.title, box.note))
    line = 0.125
    top = box.y + (titles + notes) * line / 2
    text = {"ha": "center", "va": "center", "zorder": 4, "linespacing": 1.15}
    ax.text(box.x, top - titles * line / 2, box.title, fontweight="bold", fontsize=7.5, **text)
    ax.text(box.x, top - (titles + notes / 2) * line, box.note, fontsize=7, **text)


def _arrow(ax: Axes, *points: tuple[float, float], linestyle="solid") -> None:
    """A line through the points, with a head at the last."""
    xs, ys = zip(*points, strict=True)
    ax.plot(xs, ys, color=_INK, linewidth=0.9, linestyle=linestyle, solid_joinstyle="miter", zorder=2)
    ax.annotate(
        "",
        points[-1],
        points[-2],
        arrowprops={"arrowstyle": "-|>", "color": _INK, "linewidth": 0, "shrinkA": 0, "shrinkB": 0},
        zorder=2,
    )


def _note(ax: Axes, position: tuple[float, float], text: str, **alignment) -> None:
    ax.text(*position, text, fontsize=7, color=_INK, style="italic", **{"va": "bottom", **alignment})


def _inset(figure: Figure, box: _Box, height: float) -> Axes:
    """Axes as wide as the box, standing just above it."""
    place = (box.left / WIDTH, (box.top + 0.08) / _HEIGHT, box.width / WIDTH, height / _HEIGHT)
    ax = figure.add_axes(place)
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set(visible=True, linewidth=0.6)
    return ax


def _draw_spectrogram(figure: Figure, example: Example) -> None:
    ax = _inset(figure, _MIXTURES, 0.5)
    level = log_spectrogram(example.waveform, example.sample_rate, bands=64)[2]
    ax.imshow(level, origin="lower", aspect="auto", cmap="magma", vmin=-70, vmax=0, interpolation="antialiased")


def _draw_detection(figure: Figure, example: Example) -> None:
    detector = next(iter(example.scores))
    colour = STYLE[detector].colour if detector in STYLE else _INK
    scores = scaled(np.asarray(example.scores[detector], dtype=float))
    mask = np.asarray(example.masks[detector], dtype=bool)
    edges = np.arange(len(scores) + 1) * FRAME
    ax = _inset(figure, _THRESHOLD, 0.5)
    for event in example.events[example.events["label"] == example.label].itertuples():
        ax.axvspan(event.onset, event.offset, color="#E3E3E3", linewidth=0)
    ax.stairs(scores, edges, color=colour, linewidth=0.8, baseline=None)
    if mask.any() and not mask.all():
        ax.axhline((scores[mask].min() + scores[~mask].max()) / 2, color=_INK, linewidth=0.8, linestyle="dashed")
    ax.stairs(np.where(mask, -0.06, np.nan), edges, baseline=-0.2, fill=True, color=colour, linewidth=0)
    ax.set(xlim=(0, edges[-1]), ylim=(-0.25, 1.1))
