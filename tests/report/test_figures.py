"""Figures: bytes that repeat, styles that stay apart, units on the axes, all detectors, no text over text."""

import dataclasses
import functools
import itertools
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib import image
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.text import Text

from igsed import LABELS, strata
from igsed.detectors import published
from igsed.metrics import METRICS
from igsed.report import chance, colours, few, figures, paper, strata_figure
from igsed.report import examples as report_examples
from igsed.report.pipeline_figure import pipeline
from igsed.report.styles import STYLE, styles

NAMES = {detector.name: detector.title for detector in published()}
DETECTORS = list(NAMES)


def example(label="Dog", detectors=DETECTORS, **changes):
    rng = np.random.default_rng(3)
    rate = 16_000
    waveform = 0.01 * rng.normal(size=10 * rate)
    waveform[2 * rate : 3 * rate] += np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    events = [(2.0, 3.0, label), (6.2, 9.4, "Electric_shaver_toothbrush"), (6.0, 6.5, "Dishes")]
    active = np.zeros(100, dtype=bool)
    active[20:30] = True
    scores = {detector: 5 * (active + 0.2 * rng.random(100)) - 40 for detector in detectors}
    fields = {
        "clip": "test_00017",
        "label": label,
        "waveform": waveform,
        "sample_rate": rate,
        "events": pd.DataFrame(events, columns=["onset", "offset", "label"]),
        "scores": scores,
        "masks": dict.fromkeys(detectors, active),
        "iou": dict.fromkeys(detectors, 0.875),
        "average_precision": dict.fromkeys(detectors, 0.625),
    }
    return figures.Example(**fields | changes)


def many_events(count):
    """Of three classes, in turn, evenly over the clip; names are longer than the time between events."""
    onsets = np.linspace(0, 9.9, count)
    names = [("Dog", "Electric_shaver_toothbrush", "Alarm_bell_ringing")[k % 3] for k in range(count)]
    return pd.DataFrame({"onset": onsets, "offset": np.minimum(onsets + 0.3, 10), "label": names})


def sweep(detectors=DETECTORS):
    rows = [
        (detector, seed, percentile, 0.5 - abs(percentile - 30 - 5 * i) / 300 + seed / 100, 0.6, 9)
        for i, detector in enumerate(detectors)
        for seed in range(3)
        for percentile in range(1, 100)
    ]
    return pd.DataFrame(rows, columns=["detector", "seed", "percentile", "iou", "f1", "n"])


def per_class_table(detectors=DETECTORS, labels=("Cat", "Electric_shaver_toothbrush"), protocols=("own", "shared")):
    rows = itertools.product(protocols, labels, detectors)
    table = pd.DataFrame(rows, columns=["protocol", "label", "detector"])
    keys = zip(table["label"], table["detector"], strict=True)
    table["paper_iou"] = [getattr(paper.PER_CLASS.get(key), "iou", np.nan) for key in keys]
    table["clips"] = np.where(table["label"] == "Cat", 3, 12)
    table["sources"] = np.where(table["label"] == "Cat", 2, 8)
    for metric, short, value in (
        ("iou", "iou", 0.4),
        ("pointing_game", "pg", 0.7),
        ("average_precision",) * 2 + (0.6,),
    ):
        table[metric] = value + 0.05 * (table["protocol"] == "shared")
        table[f"{short}_low_wide"], table[f"{short}_high_wide"] = value - 0.1, value + 0.2
    return table


def recordings_table(detectors=DETECTORS, labels=("Cat", "Electric_shaver_toothbrush"), unseen=True):
    """Synthetic IoU 0.5, real 0.4, unseen 0.3, AP 0.1 and PG 0.2 more; Cat has few real clips, none unseen."""
    rows = [(label, d, protocol) for protocol in ("own", "shared") for label in (*labels, "all") for d in detectors]
    table = pd.DataFrame(rows, columns=["label", "detector", "protocol"])
    for sound, value in [("synthetic", 0.5), ("real", 0.4), ("unseen", 0.3)][: 3 if unseen else 2]:
        for metric, short, more in (
            ("iou", "iou", 0),
            ("pointing_game", "pg", 0.2),
            ("average_precision",) * 2 + (0.1,),
        ):
            table[f"{sound}_{metric}"] = value + more - 0.01 * ((table["protocol"] == "shared") & (metric == "iou"))
            table[f"{sound}_{short}_low"], table[f"{sound}_{short}_high"] = value + more - 0.1, value + more + 0.2
        table[[f"{sound}_clips", f"{sound}_sources"]] = 20
        table[f"{sound}_active_ratio"] = 0.2
    table.loc[table["label"] == "Cat", ["real_clips", "real_sources"]] = 3
    if unseen:
        numbers = [column for column in table if column.startswith("unseen_")]
        table.loc[table["label"] == "Cat", numbers] = np.nan
        table.loc[table["label"] == "Cat", ["unseen_clips", "unseen_sources"]] = 0
    return table


def curves(models=("clip", "fw_ws", "fw_ss")):
    rows = [(m, s, e, 0.6 / e, 0.1 + 0.5 / e + 0.002 * e) for m in models for s in (0, 1) for e in range(1, 21)]
    return pd.DataFrame(rows, columns=["model", "seed", "epoch", "train_loss", "validation_loss"])


BACKGROUNDS = {"0": "quiet_room", "1": "office", "2": "wind", "3": "street_through_window"}


def strata_table(detectors=DETECTORS, real=False, backgrounds=4):
    rng = np.random.default_rng(0)
    clips = [f"test_{k:05d}" for k in range(60)]
    ratio = rng.integers(1, 60, 60) / 100
    told = pd.DataFrame({"clip": clips, "base": clips, "label": "Dog", "active_seconds": 10 * ratio})
    told = told.assign(active_ratio=ratio, events=rng.integers(1, 5, 60), overlap=rng.integers(0, 3, 60) / 2)
    told["source"] = [f"Dog/{k % 9}" for k in range(60)]
    told["snr"] = np.nan if real else rng.uniform(-15, 25, 60)
    told["background"] = "" if real else [f"{k % backgrounds}20220000_0 and so on" for k in range(60)]
    told["background_label"] = "" if real or backgrounds > 4 else told["background"].str[0].map(BACKGROUNDS)
    tables = []
    for detector in detectors:
        pairs = told[["clip", "label", "active_ratio"]].assign(detector=detector, seed=0, split="test", protocol="own")
        pairs = pairs.assign(average_precision=rng.uniform(size=60), pointing_game=rng.integers(0, 2, 60))
        tables.append(strata.table(pairs, told, ["average_precision", "pointing_game"], replicates=100))
    return pd.concat(tables)


def headline_table(detectors=DETECTORS):
    """Of `tables.detection`, what the figure reads."""
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"detector": detectors, "neutral": [0, *[1] * (len(detectors) - 1)]})
    for metric in ("average_precision", "pointing_game", "class_auc"):
        value = rng.uniform(0.1, 0.9, len(table))
        columns = [metric, *figures.bounds(metric)]
        table[columns] = np.array([value, value - 0.05, value + 0.05]).T
    return table.assign(paper_pointing_game=np.nan)


FIGURES = {
    "pipeline": lambda: pipeline(),
    "pipeline_with_example": lambda: pipeline(example=example()),
    "examples": lambda: figures.examples([example(), example("Speech", iou={})]),
    "examples_column": lambda: figures.examples_column(
        [example(detectors=["ig", "ig_quiet_random_head"]), example("Speech", detectors=["ig"])]
    ),
    "many_events": lambda: figures.examples([example(events=many_events(30)), example(events=many_events(3))] * 2),
    "one_example": lambda: figures.examples([example(detectors=["ig"])]),
    "headline": lambda: figures.headline(headline_table(), ["random", "energy"], "†"),
    "headline_column": lambda: figures.headline_column(headline_table(), ["random", "energy"], "†"),
    "headline_column_of_many": lambda: figures.headline_column(
        headline_table([*DETECTORS, *(f"ig_quiet_random_head_{k}" for k in range(9))]), ["random"], "†"
    ),
    "thresholds": lambda: figures.thresholds(sweep()),
    "per_class": lambda: figures.per_class(per_class_table()),
    "per_class_of_few": lambda: figures.per_class(per_class_table(labels=["Cat"])),
    "training": lambda: figures.training(curves(("clip", "fw_ws"))),
    "strata": lambda: strata_figure.figure(strata_table()),
    "strata_of_many": lambda: strata_figure.figure(strata_table([*DETECTORS, "mine", "other", *"abcdef"], False, 12)),
    "strata_of_recordings": lambda: strata_figure.figure(strata_table(real=True)),
    "recordings": lambda: figures.recordings(recordings_table(labels=LABELS)),
    "recordings_of_many": lambda: figures.recordings(
        recordings_table([*DETECTORS, "grad_cam", "mine"], LABELS[:4], False)
    ),
}


def texts(figure):
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]


def out_of_view(ax):
    """Labels of ticks beyond the axis, which matplotlib keeps and does not draw."""
    for axis in (ax.xaxis, ax.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in axis.get_major_ticks():
            if not low <= tick.get_loc() <= high:
                yield from (tick.label1, tick.label2)


@functools.cache
def drawn(name):
    """A figure, and its visible texts with their boxes in pixels, after layout, as `save` does it."""
    figure = FIGURES[name]()
    with matplotlib.rc_context(figures.RC):
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        hidden = {label for ax in figure.axes for label in out_of_view(ax)}
        boxes = [(t, t.get_window_extent(canvas.get_renderer())) for t in texts(figure) if t not in hidden]
    return figure, boxes


@pytest.mark.parametrize(
    "name",
    [
        *("pipeline_with_example", "one_example", "examples_column", "headline_column"),
        *("thresholds", "per_class", "recordings", "strata"),
    ],
)
def test_bytes_repeat(name, tmp_path):
    figure = FIGURES[name]()
    figures.save(figure, tmp_path / "deep/a.svg", tmp_path / "deep/a.png")
    figures.save(FIGURES[name](), tmp_path / "b.svg", tmp_path / "b.png")
    svg = (tmp_path / "deep/a.svg").read_bytes()
    assert svg == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "deep/a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    ElementTree.fromstring(svg)
    assert b"dc:date" not in svg
    assert b"Matplotlib v" not in svg
    assert b"tEXt" not in (tmp_path / "b.png").read_bytes()
    pixels = image.imread(tmp_path / "b.png")
    width = figures.COLUMN if name.endswith("_column") else figures.WIDTH
    assert abs(pixels.shape[1] - width * 200) <= 1
    assert pixels[..., :3].std() > 0.05


def test_a_figure_saved_again_is_the_same(tmp_path):
    figure = figures.training(curves(["clip"]).query("seed == 0"))
    figures.save(figure, tmp_path / "a.svg", tmp_path / "a.png")
    figures.save(figure, tmp_path / "b.png", tmp_path / "b.svg")
    for ending in ("svg", "png"):
        assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


@pytest.mark.parametrize("name", FIGURES)
def test_text_is_legible_and_inside_the_figure(name):
    figure, boxes = drawn(name)
    assert min(text.get_fontsize() for text, _ in boxes) >= 7
    width, height = figure.get_size_inches() * figure.dpi
    for text, box in boxes:
        inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1
        assert inside, (text.get_text(), box)


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_lies_over_text(name):
    for (one, a), (other, b) in itertools.combinations(drawn(name)[1], 2):
        apart = a.x1 <= b.x0 or b.x1 <= a.x0 or a.y1 <= b.y0 or b.y1 <= a.y0
        assert apart, (one.get_text(), other.get_text())


def test_pipeline_text_lies_inside_its_box():
    figure, extents = drawn("pipeline")
    boxes = [patch.get_window_extent() for patch in figure.axes[0].patches]
    inside = 0
    for text, extent in extents:
        for box in boxes:
            if box.contains((extent.x0 + extent.x1) / 2, (extent.y0 + extent.y1) / 2):
                assert box.x0 < extent.x0 < extent.x1 < box.x1, text.get_text()
                assert box.y0 < extent.y0 < extent.y1 < box.y1, text.get_text()
                inside += 1
    assert inside == 2 * len(boxes) == 24
    words = {word for text in texts(figure) for word in text.get_text().split(",\n")}
    assert {*NAMES.values()} <= words


def test_pipeline_takes_an_example_of_any_detectors():
    assert len(pipeline().axes) == 1
    assert len(pipeline(example=example(detectors=["mine"])).axes) == 3
    assert len(pipeline(example=example(detectors=[])).axes) == 2


def luminance(colour):
    return np.dot([0.2126, 0.7152, 0.0722], np.power(to_rgb(colour), 2.2))


def test_styles_stay_apart_without_colour():
    look = styles([*DETECTORS, *(f"extra_{i}" for i in range(7))])
    for one, other in itertools.combinations(look.values(), 2):
        assert one.marker != other.marker
        assert one.colour + str(one.line) != other.colour + str(other.line)
    for one, other in itertools.combinations(STYLE.values(), 2):
        assert one.line != other.line
        assert one.colour != other.colour
    assert max(luminance(style.colour) for style in look.values()) < 0.55


def test_examples_draws_every_detector():
    figure = figures.examples([example(), example("Speech", detectors=["ig"]), example("Cat")])
    panels = np.reshape([ax for ax in figure.axes if ax.get_label() != "<colorbar>"], (7, 3))
    numbers = "IoU 0.88  AP 0.62"
    for detector, row in zip(DETECTORS, panels[2:], strict=True):
        assert row[0].get_ylabel() == NAMES[detector]
        colours = [to_hex(stairs.get_edgecolor()) for stairs in row[0].patches if hasattr(stairs, "get_data")]
        assert to_hex(STYLE[detector].colour) in colours
        assert row[0].get_title(loc="right") == numbers
    assert panels[6, 1].get_title(loc="right") == ""
    assert panels[2, 1].get_title(loc="right") == numbers
    words = {text.get_text() for text in texts(figure)}
    assert {
        "Time / s",
        "Frequency / kHz",
        "Level / dB",
        "Frame score,\nscaled to 0…1 within the clip",
    } <= words
    assert {"Dog\ntest_00017", "Dishes", "Electric shaver toothbrush"} <= words
    assert panels[2, 0].get_xlim() == (0, 10)
    assert panels[0, 0].get_shared_x_axes().joined(*panels[[0, 6], 0])


def test_examples_marks_detections_and_ground_truth_where_they_are():
    figure = figures.examples([example(), example()])
    bars = figure.axes[4].collections[0].get_paths()
    assert [path.get_extents().intervalx.tolist() for path in bars] == [[2.0, 3.0]]
    truth = figure.axes[2].collections
    assert truth[0].get_paths()[0].get_extents().intervalx.tolist() == [2.0, 3.0]
    assert [collection.get_hatch() is None for collection in truth] == [True, False, False]


def test_examples_without_detection_or_iou():
    empty = example(masks={d: np.zeros(100, dtype=bool) for d in DETECTORS}, iou={"ig": np.nan})
    figure = figures.examples([empty, empty])
    words = {text.get_text() for text in texts(figure)}
    assert {"IoU –  AP 0.62"} <= words


def test_every_event_is_labelled_and_names_fit_the_panel():
    figure = figures.examples([example(events=many_events(5))])
    names = [text.get_text() for text in figure.axes[1].texts]
    assert sorted(names) == ["Alarm bell ringing"] + ["Dog"] * 2 + ["Electric shaver toothbrush"] * 2
    assert len(drawn("many_events")[0].axes[5].texts) == 3
    crowded = drawn("many_events")[0].axes[4]
    assert len(crowded.collections) == 30
    assert 3 <= len(crowded.texts) < 30


def test_examples_mark_threshold_and_maximum():
    scores = np.zeros(100)
    scores[20:30], scores[25], scores[70] = 0.8, 1.0, 0.9
    told = {"scores": {"ig": scores, "energy": -scores}, "masks": {"ig": scores > 0.5, "energy": scores > 0.5}}
    figure = figures.examples([example(**told)])
    ours, reverse = (next(ax for ax in figure.axes if ax.get_ylabel() == name) for name in ("IG", "Energy"))
    (level, peak), (other,) = ours.lines, reverse.lines
    assert level.get_ydata() == [0.4, 0.4]
    assert peak.get_xdata() == [pytest.approx(2.55)]
    assert peak.get_markerfacecolor() == STYLE["ig"].colour
    assert other.get_xdata() == [pytest.approx(0.05)]
    assert other.get_markerfacecolor() == "white"


@pytest.mark.parametrize(
    ("mask", "level"),
    [([0, 0, 0], np.nan), ([1, 1, 1], np.nan), ([1, 0, 0], np.nan), ([0, 1, 1], 0.15), ([0, 0, 1], 0.6)],
)
def test_a_threshold_is_shown_where_a_level_separates(mask, level):
    found = figures.threshold(np.array([0.1, 0.2, 1.0]), np.array(mask, dtype=bool))
    np.testing.assert_allclose(found, level)


def test_a_column_has_the_first_and_the_last_example_of_a_few_detectors(tmp_path):
    shown = report_examples.column([example(clip=c) for c in "abc"], ["energy", "ig", "absent"])
    assert [one.clip for one in shown] == ["a", "c"]
    assert [list(part) for one in shown for part in (one.scores, one.masks, one.iou)] == [["energy", "ig"]] * 6
    assert [one.clip for one in report_examples.column([example(clip="a")], ["ig"])] == ["a"]
    precisions = {"ig": 0.5, "cam": 0.9, "mine": [0.7, 0.9], "fw_ss": 1.0, "fw_ws": 1.0}
    files = {}
    for name, value in precisions.items():
        files[name] = tmp_path / f"{name}.parquet"
        table = pd.DataFrame({"seed": [0, 0, 1], "protocol": ["own", "own", "own"], "average_precision": 0.0})
        table.loc[:1, "average_precision"] = value
        table.to_parquet(files[name])
    choice = report_examples.Choice("ig", 0, "own", "percentile", 3, "iou")
    assert report_examples.few(choice, files, ["ig", "mine", "cam", "absent"]) == ["ig", "cam", "fw_ws"]
    assert report_examples.few(choice, files, []) == ["ig", "fw_ws"]
    assert report_examples.few(choice, files, ["ig"]) == ["ig", "fw_ws"]


def test_scaled():
    assert figures.scaled(np.array([-40.0, -30.0, -35.0])).tolist() == [0, 1, 0.5]
    assert figures.scaled(np.full(4, 7.0)).tolist() == [0, 0, 0, 0]


def test_log_spectrogram_finds_a_tone():
    rate = 32_000
    waveform = np.zeros(2 * rate)
    waveform[rate:] = np.sin(2 * np.pi * 1000 * np.arange(rate) / rate)
    time, frequency, level = figures.log_spectrogram(waveform, rate)
    assert level.shape == (len(frequency), len(time))
    assert level.max() <= 0
    assert level.min() == -70
    band, frame = np.unravel_index(level.argmax(), level.shape)
    assert frequency[band] == pytest.approx(1000, rel=0.04)
    assert time[frame] > 1
    assert (level[:, time < 0.9] == -70).all()
    silent = figures.log_spectrogram(np.zeros(rate), rate)[2]
    assert np.isfinite(silent).all()


def test_thresholds_shows_mean_range_optimum_and_paper():
    figure = figures.thresholds(sweep())
    iou, f1 = figure.axes
    assert (iou.get_xlabel(), iou.get_ylabel()) == ("Threshold: percentile", "IoU (validation)")
    assert f1.get_ylabel() == "F1 (validation)"
    others = [d for d in DETECTORS if d != "random"]
    assert len(iou.collections) == len(others) == 4
    chance, *curves = [line for line in iou.lines if len(line.get_xdata()) == 99]
    assert (chance.get_color(), chance.get_marker()) == ("black", "None")
    assert [line.get_color() for line in curves] == [STYLE[d].colour for d in others]
    assert curves[0].get_ydata()[29] == pytest.approx(0.51)
    marks = [line for line in iou.lines if len(line.get_xdata()) == 1]
    points = {(float(*line.get_xdata()), round(float(*line.get_ydata()), 3)) for line in marks}
    assert points == {(30 + 5 * i, 0.51) for i in (0, 1, 2, 4)} | {(56, 0.39), (43, 0.54), (28, 0.65)}
    hollow = [line for line in f1.lines if line.get_markerfacecolor() == "none"]
    assert {float(*line.get_ydata()) for line in hollow} == {0.52, 0.67, 0.77}
    words = {text.get_text() for text in figure.legends[0].get_texts()}
    titles = {NAMES[d] for d in others}
    told = {"validation optimum", "the paper's peak, on DESED and CNN14", "chance: random scores"}
    assert words - {" "} == titles | told


def test_thresholds_show_known_chance_and_the_ceiling():
    known = pd.DataFrame({"percentile": [1, 50, 99] * 2, "iou": [0.2, 0.15, 0.1, 0.3, 0.25, 0.2], "f1": 0.3})
    figure = figures.thresholds(sweep(["ig", "oracle", "random"]), chance=known)
    chance, ceiling = (line for line in figure.axes[0].lines if line.get_marker() == "None" and line.get_zorder() < 2)
    assert chance.get_xdata().tolist() == [1, 50, 99]
    np.testing.assert_allclose(chance.get_ydata(), [0.25, 0.2, 0.15])
    assert ceiling.get_ydata()[34] == pytest.approx(0.51)
    words = {text.get_text() for text in figure.legends[0].get_texts()}
    assert {"chance: random scores", "ceiling: oracle"} <= words
    assert not {"Random", "Oracle"} & words


def test_chance_at_percentiles_is_what_random_scores_reach():
    rng = np.random.default_rng(5)
    active = np.zeros((3, 40), dtype=bool)
    for row, end in zip(active, (4, 4, 25), strict=True):
        row[:end] = True
    found = chance.of_percentiles(active, [10, 60, 95]).set_index("percentile")
    scores = rng.random((20_000, 1, 40))
    for percentile, row in found.iterrows():
        mask = scores > np.percentile(scores, percentile, axis=-1, keepdims=True)
        both, either = (mask & active).sum(-1), (mask | active).sum(-1)
        assert row["iou"] == pytest.approx((both / either).mean(), abs=3e-3)
        assert row["f1"] == pytest.approx((2 * both / (both + either)).mean(), abs=3e-3)


def test_chance_without_any_active_or_kept_frame_is_undefined():
    found = chance.of_percentiles(np.array([[False] * 4, [True] + [False] * 3]), [50, 100])
    assert found["iou"].tolist() == pytest.approx([0.125, 0.0])
    assert np.isnan(chance.of_percentiles(np.zeros((2, 4), dtype=bool), [100])[["iou", "f1"]]).all(axis=None)


def test_thresholds_marks_what_was_chosen_and_takes_other_detectors():
    chosen = pd.DataFrame({"detector": ["ig", "mine"], "percentile": [70, 12]})
    figure = figures.thresholds(sweep(["ig", "mine"]), chosen)
    marks = [tuple(line.get_xdata()) for line in figure.axes[1].lines if len(line.get_xdata()) == 1]
    assert marks == [(70,), (12,), (57,)]
    assert "mine" in {text.get_text() for text in figure.legends[0].get_texts()}


def test_nothing_leaves_the_threshold_panels():
    figure = figures.thresholds(sweep().assign(f1=0.97))
    top = figure.axes[1].get_ylim()[1]
    assert top > 0.97
    assert figure.axes[0].get_ylim() == (0, top)


def test_per_class_shows_three_metrics_with_intervals_and_the_paper():
    table = per_class_table()
    table.loc[0, ["iou", "iou_low_wide", "iou_high_wide"]] = np.nan
    figure = figures.per_class(table)
    assert [ax.get_xlabel() for ax in figure.axes] == ["Average precision", "Pointing Game", "IoU (protocol own)"]
    told = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    assert told == ["Cat\n3 / 2", "Electric shaver toothbrush\n12 / 8"]
    ours, papers = figure.axes[2].lines[:2]
    few = figure.axes[0].lines[1]
    assert papers.get_xdata().tolist() == [0.47, 0.67]
    assert papers.get_markerfacecolor() == "none"
    assert papers.get_markersize() < ours.get_markersize()
    assert papers.get_markeredgewidth() < 1
    assert ours.get_xdata().tolist() == [0.4]
    assert few.get_markersize() < 0.8 * ours.get_markersize()
    sure, unsure = figure.axes[0].collections[:2]
    assert sure.get_linestyle()[0][1] is None
    assert unsure.get_linestyle()[0][1] is not None
    assert [line.get_xdata().tolist() for line in figure.axes[1].lines[:4]] == [[0.7]] * 4
    assert {line.get_markerfacecolor() for ax in figure.axes[:2] for line in ax.lines} & {"none"} == set()
    ends = figure.axes[0].collections[0].get_segments()[0][:, 0]
    assert ends.tolist() == pytest.approx([0.5, 0.8])
    assert "fewer than 10 clips or 5 source recordings" in [text.get_text() for text in figure.legends[0].get_texts()]
    other = figures.per_class(table, "shared").axes[2]
    assert other.get_xlabel() == "IoU (protocol shared)"
    assert other.lines[0].get_xdata().tolist() == pytest.approx([0.45])


@pytest.mark.parametrize("name", ["per_class", "per_class_of_few"])
def test_panels_do_not_lie_under_the_legend(name):
    figure, _ = drawn(name)
    legend = figure.legends[0].get_window_extent()
    for ax in figure.axes:
        assert ax.get_window_extent().y0 > legend.y1
        assert ax.get_window_extent().y1 < figure.bbox.y1


def test_every_line_and_marker_can_be_seen():
    """At least 3 : 1 against white (WCAG 2.2, 1.4.11)."""
    for name, style in styles([*STYLE, *"abcdefgh"]).items():
        assert colours.contrast(style.colour) >= 3.3, name
    assert colours.contrast("white") == 1
    assert colours.contrast("black") == pytest.approx(21)
    assert colours.contrast("#767676") == pytest.approx(4.54, abs=0.01)


# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
COLOUR_BLIND = {
    "none": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
}
TO_XYZ = [[0.4339, 0.3763, 0.1899], [0.2127, 0.7152, 0.0722], [0.0178, 0.1095, 0.8728]]  # relative to D65


def lab(colour, matrix):
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(matrix @ linear, 0, 1)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("kind", COLOUR_BLIND)
def test_colours_stay_apart_for_the_colour_blind(kind):
    """Of the declared detectors and of the first three further ones; a difference of 2 is just noticeable."""
    look = styles([*STYLE, "a", "b", "c"])
    matrix = np.array(COLOUR_BLIND[kind])
    for (one, a), (other, b) in itertools.combinations(look.items(), 2):
        assert np.linalg.norm(lab(a.colour, matrix) - lab(b.colour, matrix)) > 9, (one, other)


def few_everywhere(name):
    """A figure of all built-in detectors in which every value rests on few sounds."""
    detectors = list(STYLE)
    if name == "per_class":
        return figures.per_class(per_class_table(detectors, ["Cat"]))
    if name == "strata":
        return strata_figure.figure(strata_table(detectors).assign(clips=3, sources=2))
    table = recordings_table(detectors, ["Cat"]).assign(real_clips=3, unseen_clips=3, synthetic_clips=3)
    return figures.recordings(table)


@pytest.mark.parametrize("name", ["per_class", "strata", "recordings"])
@pytest.mark.parametrize("kind", COLOUR_BLIND)
def test_marks_of_few_sounds_stay_apart_as_drawn(name, kind):
    """All colours of marks and intervals, against white and against each other; grey is chance and synthetic clips."""
    axes = few_everywhere(name).axes
    marks = {to_hex(line.get_color()) for ax in axes for line in ax.lines if line.get_marker() not in ("None", "|")}
    lines = {to_hex(colour) for ax in axes for lines in ax.collections for colour in lines.get_colors()}
    assert marks == {style.colour.lower() for style in STYLE.values()}
    assert marks <= lines | {STYLE["oracle"].colour}
    assert min(map(colours.contrast, marks)) >= 3
    matrix = np.array(COLOUR_BLIND[kind])
    for one, other in itertools.combinations(sorted(marks), 2):
        assert np.linalg.norm(lab(one, matrix) - lab(other, matrix)) > 9, (one, other)


def test_of_one_recording_no_interval_is_drawn():
    table = per_class_table(["ig"]).assign(sources=[1, 8] * 2)
    assert [len(c.get_segments()) for c in figures.per_class(table).axes[0].collections] == [1]
    table = recordings_table(["ig"], ["Dog"], unseen=False)
    lines = [len(figures.recordings(table.assign(real_sources=n)).axes[-1].collections) for n in (1, 2)]
    assert lines == [2, 4]
    table = strata_table(["ig"])
    panels = [strata_figure.figure(table.assign(sources=n)).axes[0] for n in (1, 2, 20)]
    # What remains are the lines of chance.
    one, two, many = (len(panel.collections) for panel in panels)
    assert one < two == many
    widths = [max(line.get_markersize() for line in panel.lines if line.get_marker() == "o") for panel in panels]
    assert widths[0] == widths[1] < widths[2]


def test_what_is_few_is_said_where_it_is_used():
    folder = Path(figures.__file__).parents[2]
    captions = [f"workflow/report/{name}_figure.rst" for name in ("per_class", "recordings", "strata")]
    for path in (folder / name for name in (*captions, "docs/results.md")):
        assert few.RULE in " ".join(path.read_text(encoding="utf-8").split()), path


@pytest.mark.parametrize("name", FIGURES)
def test_minus_signs_are_no_hyphens(name):
    for text, _ in drawn(name)[1]:
        assert not re.search(r"(?<![\w.])-\d", text.get_text()), text.get_text()


@pytest.mark.parametrize("name", ["headline", "headline_column"])
def test_intervals_of_the_headline_stand_out_from_their_markers(name):
    figure = drawn(name)[0]
    for ax in figure.axes:
        ends = [line for line in ax.lines if line.get_marker() == "|"]
        marks = [line for line in ax.lines if line.get_linestyle() == "None" and line.get_markerfacecolor() != "none"]
        assert len(ends) == len(marks) == len(DETECTORS)
        assert min(line.get_markersize() for line in ends) > 1.5 * max(line.get_markersize() for line in marks)
        assert {(line.get_color(), *line.get_ydata()[:1]) for line in ends} == {
            (line.get_color(), *line.get_ydata()) for line in marks
        }


def test_the_paper_s_values_do_not_cover_the_intervals_of_the_headline():
    table = headline_table(["ig"]).assign(paper_pointing_game=0.5)
    (hollow,) = [line for line in figures.headline(table, []).axes[1].lines if line.get_markerfacecolor() == "none"]
    assert hollow.get_xdata().tolist() == [0.5]
    assert 0.2 < hollow.get_ydata()[0] < 0.5


def points_of(ax):
    return [line for line in ax.lines if len(line.get_xdata()) == 1]


def test_recordings_lead_with_what_needs_no_threshold():
    figure = figures.recordings(recordings_table())
    assert [ax.get_xlabel() for ax in figure.axes[:3]] == ["Average precision", "Pointing Game", "IoU (protocol own)"]
    assert {ax.get_title() for ax in figure.axes[:3]} == {""}
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == list(NAMES.values())
    values = [[line.get_xdata()[0] for line in points_of(ax)] for ax in figure.axes[:3]]
    np.testing.assert_allclose(values, [np.repeat([0.5, 0.4, 0.3], 5) + more for more in (0.1, 0.2, 0)])
    active = recordings_table().assign(real_active_ratio=0.61)
    noted = [ax.get_title() for ax in figures.recordings(active).axes[:3]]
    assert noted == ["", "", "Says little: active share\n20 % synthetic, 61 % real"]


def test_recordings_show_synthetic_real_and_unseen_below_each_other():
    figure = figures.recordings(recordings_table())
    panels = figure.axes[3:]
    assert [ax.get_title() for ax in panels] == list(NAMES.values())
    assert {ax.get_xlabel() for ax in panels} == {"Average precision"}
    told = [t.get_text() for t in panels[0].get_yticklabels()]
    labels = ["Cat\n20 / 20, 3 / 3", "Electric shaver toothbrush\n20 / 20, 20 / 20", "All pairs\n20 / 20, 20 / 20"]
    assert told == labels
    points = points_of(panels[0])
    assert [line.get_marker() for line in points] == ["|"] * 3 + ["o"] * 3 + ["x"] * 3
    assert [line.get_xdata()[0] for line in points[:7]] == pytest.approx([0.6] * 3 + [0.5] * 3 + [np.nan], nan_ok=True)
    first = [line.get_ydata()[0] for line in points[::3]]
    assert first == sorted(first)
    assert np.mean(first) == pytest.approx(0)
    sizes = [line.get_markersize() for line in points]
    assert sizes[0] == sizes[1] == sizes[2]
    assert sizes[3] < 0.8 * sizes[4] == 0.8 * sizes[5]
    assert {to_hex(line.get_markeredgecolor()) for line in points[6:]} == {STYLE["ig"].colour.lower()}
    assert np.ptp(panels[0].collections[1].get_segments()[0][:, 0]) == pytest.approx(0.3)
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words[-1] == few.RULE
    assert "real, not on the overlap list" in words


def test_recordings_without_an_overlap_list_of_another_protocol():
    table = recordings_table(["ig"], ["Dog"], unseen=False)
    figure = figures.recordings(table, "shared")
    assert [round(line.get_xdata()[0], 2) for line in points_of(figure.axes[2])] == [0.49, 0.39]
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words == ["synthetic", "real", "bootstrap interval"]


def test_recordings_of_more_detectors_than_fit_a_line():
    panels = drawn("recordings_of_many")[0].axes[3:]
    assert [ax.get_visible() for ax in panels] == [True] * 7 + [False] * 3
    labelled = [ax.get_xlabel() == "Average precision" for ax in panels]
    assert labelled == [False, False, True, True, True, True, True, False, False, False]
    titles = [ax.get_title() for ax in figures.recordings(recordings_table(["ig", "oracle"])).axes[3:]]
    assert titles == ["IG"]


def test_strata_have_a_panel_for_each_condition_that_is_known():
    def titles(figure):
        return [ax.get_xlabel().replace("\n", " ") for ax in figure.axes if ax.get_visible() and ax.get_xlabel()]

    whole = [
        *("SNR / dB", "Active time / s", "Active share of the clip", "Events in the clip"),
        *("Overlap with other classes", "Background"),
    ]
    assert titles(drawn("strata")[0]) == whole
    assert titles(strata_figure.figure(strata_table(backgrounds=13))) == whole[:-1]
    assert titles(drawn("strata_of_recordings")[0]) == whole[1:-1]


def test_strata_show_every_mean_interval_and_what_chance_reaches():
    table = strata_table(["ig", "energy"])
    figure = strata_figure.figure(table)
    panel = next(ax for ax in figure.axes if ax.get_ylabel() == "Average precision")
    here = table[(table["condition"] == "snr") & (table["metric"] == "average_precision")]
    assert sorted(line.get_ydata()[0] for line in panel.lines if line.get_marker() in "ov") == sorted(here["value"])
    ends = sorted(segment[:, 1].tolist() for c in panel.collections for segment in c.get_segments())
    chance = table[(table["condition"] == "snr") & (table["metric"] == "active_ratio") & (table["detector"] == "ig")]
    assert ends == sorted([*here[["low", "high"]].to_numpy().tolist(), *([v, v] for v in chance["value"])])


def test_strata_bear_their_values_and_classes():
    def names(table):
        panels = [ax for ax in strata_figure.figure(table).axes if ax.get_visible() and ax.get_xlabel()]
        told = {ax.get_xlabel().replace("\n", " "): [t.get_text() for t in ax.get_xticklabels()] for ax in panels}
        return {title: ["/".join(text.split("\n")[1:]) or text for text in texts] for title, texts in told.items()}

    table = strata_table(["ig"])
    named = names(table)
    assert named["SNR / dB"][:3] == ["−15 – −10", "−10 – −5", "−5 – 0"]
    assert named["Events in the clip"] == ["1", "2", "3", "more"]
    assert named["Background"] == ["quiet room", "office", "wind", "street/through/window"]
    table.loc[table["stratum"] == "-15 to -10", "title"] = "-12.5"
    assert names(table)["SNR / dB"][0] == "−12.5"
    low = table[table["stratum"].isin(["-15 to -10"])].assign(stratum="below -30", title="below -30", high_edge=-30)
    assert names(low.assign(low_edge=np.nan))["SNR / dB"] == ["< −30"]
    files = names(strata_table(["ig"], backgrounds=5))["Background"]
    assert files[0] == "020220000_0/and so on"
    files = names(strata_table(["ig"], backgrounds=12))["Background"]
    assert files[0].startswith("020220000_0 and so on, 5 / ")


def test_what_chance_reaches_is_as_the_metric_declares():
    share = np.array([0.25])
    for words, level in (("0.5, which is", 0.5), ("0", 0), ("-1.5", -1.5), ("about the share of active frames", 0.25)):
        metric = METRICS.find("pointing_game")
        assert strata_figure.chance(dataclasses.replace(metric, chance=words), share).tolist() == [level]
    for words in ("", "depends on the shares of detected and of active frames", "the share of detected frames"):
        assert strata_figure.chance(dataclasses.replace(metric, chance=words), share) is None


def test_training_has_a_panel_per_model():
    figure = figures.training(curves(("clip", "fw_ws", "mine")))
    assert [ax.get_title() for ax in figure.axes] == ["Clip head", "FW-WS head", "mine head"]
    assert figure.axes[0].get_xlabel() == "Epoch"
    assert figure.axes[0].get_ylabel() == "Binary cross-entropy"
    dot = figure.axes[0].lines[2]
    assert dot.get_xdata().tolist() == [16]
    assert dot.get_marker() == "o"


def test_neither_torch_nor_pyplot_is_imported():
    heavy = "{'torch', 'matplotlib.pyplot', 'scipy'}"
    code = f"import sys, igsed.report.tables, igsed.report.pipeline_figure; print({heavy} & {{*sys.modules}})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"
