"""A picture of an explanation: spectrogram, and of each class its curve and its events, in rows of a page's width.

In the style of `igsed.report.figures`; a long recording has several rows.
"""

from __future__ import annotations

import contextlib
import itertools
import textwrap
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from igsed.errors import InputError
from igsed.explaining import wording
from igsed.explaining.results import Explained
from igsed.timeline import FRAME

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONGEST = 300.0
"""Seconds that are drawn; of a longer recording the first ones."""

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#882255", "#56B4E9", "#E69F00")
"""Of classes, in their order, over and over."""

_ROW = 60.0
"""Seconds in a row, at most."""


@contextlib.contextmanager
def _figures():
    try:
        import matplotlib

        from igsed.report import figures
    except ImportError:
        raise InputError(
            "matplotlib is not installed, which draws pictures. pip install matplotlib, or leave out the format png."
        ) from None
    with matplotlib.rc_context(figures.RC), warnings.catch_warnings():
        # A name in letters that the font lacks is drawn as boxes.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield figures


def draw(found: Explained) -> Figure:
    """The picture; needs the recording, which `found` knows.

    Raises
    ------
    InputError
        Matplotlib is not installed, or the recording cannot be read any more.
    """
    with _figures() as figures:
        return _drawn(found, figures)


def save(figure: Figure, path: str | Path) -> None:
    """Write it; the same explanation gives the same bytes."""
    with _figures() as figures:
        figures.save(figure, path)


def _drawn(found: Explained, figures) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    shown = min(found.duration, LONGEST)
    count = max(1, int(np.ceil(round(shown / _ROW, 6))))
    seconds = shown / count
    labels, counted = found.explained, found.counted
    # A wider gap after each row of time, since the rows share nothing.
    heights = [1.0, *[0.42] * len(labels), 0.3] * count
    heights.pop()
    figure = Figure(figsize=(figures.WIDTH, sum(heights) * 0.95 + 1.0), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.01, hspace=0.02)
    grid = figure.add_gridspec(len(heights), 1, height_ratios=heights)
    time, frequency, level = figures.log_spectrogram(found.sound.beginning(shown), found.sound.sample_rate)
    for row in range(count):
        start, place = row * seconds, row * (len(labels) + 2)
        first = figure.add_subplot(grid[place])
        columns = (time >= start) & (time < start + seconds)
        image = first.pcolormesh(
            time[columns],
            frequency,
            level[:, columns],
            cmap="magma",
            vmin=-70,
            vmax=0,
            shading="nearest",
            rasterized=True,
        )
        first.set(yscale="log", ylabel="kHz")
        first.set_yticks([100, 1000, 10_000] if frequency[-1] > 10_000 else [100, 1000], minor=False)
        first.yaxis.set_major_formatter(FuncFormatter(lambda hertz, _: f"{hertz / 1000:g}"))
        first.minorticks_off()
        axes = [first]
        drawn = zip(labels, counted, itertools.cycle(COLOURS), strict=False)
        for number, (label, scores, colour) in enumerate(drawn, start=1):
            ax = figure.add_subplot(grid[place + number], sharex=first)
            _draw_class(ax, found, label, scores, colour, start, start + seconds)
            axes.append(ax)
        for ax in axes[:-1]:
            ax.tick_params(labelbottom=False)
        first.set_xlim(start, start + seconds)
        axes[-1].xaxis.set_major_locator(MaxNLocator(12, steps=[1, 2, 5, 10]))
    axes[-1].set_xlabel("Time / s")
    bar = figure.colorbar(image, ax=first, pad=0.01, aspect=10)
    bar.set_label("dB")
    cut = f" (the first {LONGEST:g} s)" if shown < found.duration else ""
    title = f"{textwrap.shorten(found.name, 80)}{cut}: {found.method} of {textwrap.shorten(found.model, 60)}"
    figure.suptitle(_literally(title), fontsize=8)
    return figure


def _limits(scores: np.ndarray) -> tuple[float, float]:
    low, high = float(scores.min()), float(scores.max())
    return (low, high) if high > low else (low - 1, high + 1)


def _draw_class(ax, found: Explained, label: str, scores: np.ndarray, colour: str, start: float, end: float) -> None:
    first, last = round(start / FRAME), round(end / FRAME)
    low, high = _limits(scores)
    values = (scores[first:last] - low) / (high - low)
    ax.stairs(values, (first + np.arange(len(values) + 1)) * FRAME, color=colour, linewidth=1, baseline=None)
    own = found.events[
        (found.events["label"] == label) & (found.events["offset"] > start) & (found.events["onset"] < end)
    ]
    bars = [(event.onset, event.offset - event.onset) for event in own.itertuples()]
    ax.broken_barh(bars, (-0.3, 0.2), facecolor=colour, linewidth=0)
    probability = found.labels.set_index("label").loc[label, "probability"]
    name = _literally("\n".join(textwrap.wrap(label, 18)[:2]))
    ax.set(ylim=(-0.35, 1.1), yticks=[])
    ax.set_ylabel(f"{name}\n{wording.share(probability)}", rotation=0, ha="right", va="center")


def _literally(text: str) -> str:
    """Without what matplotlib would read as mathematics."""
    return text.replace("$", r"\$")
