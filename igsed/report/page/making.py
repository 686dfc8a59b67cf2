"""The page itself: everything gathered, cut to size, and put into the template."""

import itertools
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from igsed.detectors import limits, title_of
from igsed.report import answer, paper, typesetting
from igsed.report.page import clips, leaderboard, markup, rendering
from igsed.report.page.settings import Settings
from igsed.report.styles import styles
from igsed.thresholds import RULES

FOLDER = "index_files"
"""Where linked sounds lie, beside the page."""

SPLITS = {"test": "synthetic clips", "recordings": "real recordings", "recordings_unseen": "real recordings, unseen"}
_MB = 1_000_000
_COLUMN = "_column"
_FIGURES = {
    "headline": "Every detector with its intervals: average precision, Pointing Game and class AUC",
    "strata": "What every detector reaches under each condition of the clips",
    "thresholds": "IoU and F1 on validation against the parameter of each threshold rule",
    "data": "Seconds of recordings by class and split",
    "per_class": "Detection by class with intervals, and the paper's values",
    "recordings": "Synthetic clips against real recordings, by class",
}


@dataclass(frozen=True)
class Results:
    """What a run has made, as far as the page shows it.

    Attributes
    ----------
    intervals, metrics, differences, pairwise, detection : pandas.DataFrame
        `intervals.csv`, `metrics.csv`, `differences.csv`, `pairwise.csv`, `tables/detection.csv`.
    data : pandas.DataFrame
        `tables/data.csv`.
    figures : mapping
        Name → SVG file, of those that there are.
    sources : sequence of Source
        A split each, the first one before others where not all clips fit.
    caveats : sequence of str
        What may mislead of the data (`data_report.traps`).
    downloads : sequence of str
        Files beside the page, as seen from its folder.
    """

    intervals: pd.DataFrame
    metrics: pd.DataFrame
    differences: pd.DataFrame
    pairwise: pd.DataFrame
    detection: pd.DataFrame
    data: pd.DataFrame
    figures: Mapping[str, str | Path]
    sources: Sequence[clips.Source]
    caveats: Sequence[str] = ()
    downloads: Sequence[str] = ()


class Made(NamedTuple):
    """The page's text, and the sounds beside it by their names in `FOLDER`."""

    html: str
    sounds: dict[str, bytes]


@dataclass
class _Shown:
    """The clips that are on the page."""

    index: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    sounds: dict[str, bytes] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)


def make(results: Results, settings: Settings) -> Made:
    """The page of an experiment.

    As many clips as `Settings.clips` and `Settings.max_mb` allow are on it, in the order of `clips.ranked`; the page
    names the others. It is larger than that only where it is so without any clip, which is logged.
    """
    foreign = results.detection.loc[results.detection["neutral"] == 0, "detector"].unique().tolist()
    tables = results.intervals, results.metrics, results.differences, results.pairwise
    numbers = leaderboard.numbers(*tables, foreign, settings)
    context = {
        "question": answer.QUESTION,
        "answers": _answers(results, settings),
        "settings": settings,
        "numbers": numbers,
        "board": _board(numbers, settings),
        "figures": _drawings(results.figures),
        "captions": _FIGURES,
        "chosen": _thresholds(results.metrics, settings),
        "data": _data(results.data),
        "caveats": results.caveats,
        "hidden": typesetting.hidden(results.detection),
        "random": [
            title_of(name) for name, limit in limits().items() if limit == "chance" and name in settings.detectors
        ],
        "downloads": results.downloads,
        "paper": paper.CITATION,
        "mark": typesetting.MARK,
        "missing": typesetting.MISSING,
    }
    bare = len(_rendered(context, numbers, settings, _Shown(), []).encode())
    budget = settings.max_mb * _MB - bare
    if budget < 0:
        logging.warning(
            "index.html has %.1f MB without any clip, more than page.max_mb (%g).", bare / _MB, settings.max_mb
        )
    shown, left_out = _choose(results.sources, settings, budget)
    return Made(_rendered(context, numbers, settings, shown, left_out), shown.sounds)


def _drawings(figures: Mapping[str, str | Path]) -> dict[str, markup.Safe]:
    """The figures as elements; one for a column is the narrow version of the one without `_column`."""
    made = {}
    for name, path in figures.items():
        whole = name.removesuffix(_COLUMN)
        kind = "narrow" if whole != name else "wide" if name + _COLUMN in figures else ""
        made[name] = markup.Safe(markup.svg_element(path, f"{name}-", _FIGURES.get(whole, whole), kind))
    return made


def write(made: Made, page: str | Path, folder: str | Path | None) -> None:
    """Write the page and, where sounds are beside it, their folder."""
    Path(page).write_text(made.html, encoding="utf-8")
    if folder is not None:
        Path(folder).mkdir(parents=True, exist_ok=True)
        for name, sound in made.sounds.items():
            Path(folder, name).write_bytes(sound)


def _choose(sources: Sequence[clips.Source], settings: Settings, budget: float) -> tuple[_Shown, list[tuple[str, str]]]:
    """The clips that fit, and the names of the others with why they are left out."""
    shown, left_out = _Shown(), []
    judged = [clips.judged(source, settings) for source in sources]
    orders = [clips.ranked(pairs, settings) for pairs in judged]
    # Splits take turns, so that a few clips are of all.
    turns = list(_taking_turns(orders))
    wanted = turns[: settings.clips]
    readers = [
        clips.Reader(source, pairs, [clip for place, clip in wanted if place == number], settings)
        for number, (source, pairs) in enumerate(zip(sources, judged, strict=True))
    ]
    left_out += [(clip, f"more than {settings.clips} clips (page.clips)") for _, clip in turns[settings.clips :]]
    full = f"the page would be larger than {settings.max_mb:g} MB (page.max_mb)"
    for turn, (number, clip) in enumerate(wanted):
        made = readers[number].make(clip)
        name = f"{len(shown.names):04d}.{made.suffix}"
        linked = settings.audio == "link"
        sound = f"{FOLDER}/{name}" if linked else clips.data_uri(made.media_type, made.sound)
        body = markup.json_text(made.body | {"sound": sound})
        entries = [entry | {"body": len(shown.bodies)} for entry in made.index]
        # What the text of the clip takes, its place in the index and its name included.
        size = len(body) + len(markup.json_text(entries)) + 2 * len(clip.encode()) + 200
        if size > budget:
            left_out += [(clip, full) for _, clip in wanted[turn:]]
            break
        budget -= size
        shown.index += entries
        shown.bodies.append(body)
        shown.names.append(clip)
        if linked:
            shown.sounds[name] = made.sound
    for source, order in zip(sources, orders, strict=True):
        known = set(order)
        silent = [clip for clip in pd.read_csv(source.clips)["clip"] if clip not in known]
        left_out += [(clip, f"no class of them is scored with seed {settings.seed}") for clip in silent]
    return shown, left_out


def _taking_turns(orders: Sequence[Sequence[str]]) -> Iterator[tuple[int, str]]:
    for row in itertools.zip_longest(*orders):
        yield from ((number, clip) for number, clip in enumerate(row) if clip is not None)


def _rendered(context: dict, numbers: dict, settings: Settings, shown: _Shown, left_out) -> str:
    rules = {
        protocol: {"rule": rule, "title": RULES.find(rule).title, "shared": shared}
        for protocol, (rule, shared, _) in settings.protocols.items()
    }
    data = numbers | {"clips": shown.index, "protocol": settings.protocol, "rules": rules, "styles": _colours(settings)}
    reasons: dict[str, list[str]] = {}
    for clip, reason in left_out:
        reasons.setdefault(reason, []).append(clip)
    return rendering.render(
        rendering.HOME / "page.html",
        ["player.js", "page.js"],
        data,
        **context,
        bodies=[markup.Safe(body) for body in shown.bodies],
        shown=len(shown.names),
        total=len(shown.names) + len(left_out),
        left_out=reasons,
        linked=settings.audio == "link",
        folder=FOLDER,
    )


def _colours(settings: Settings) -> list[str]:
    look = styles(settings.detectors, settings.drawn)
    return [look[name].colour for name in settings.detectors]


def _answers(results: Results, settings: Settings) -> dict[str, list[str]]:
    """What the answer is of → its sentences; real recordings first."""
    found = {}
    for split in ("recordings", "test"):
        told = answer.sentences(
            results.intervals,
            results.metrics,
            settings.protocol,
            settings.explanations,
            settings.reference,
            split,
        )
        if told:
            # Not at the end of a line without its number.
            found[SPLITS[split]] = [sentence.replace(" %", "\N{NO-BREAK SPACE}%") for sentence in told]
    return found


class _Cell(NamedTuple):
    value: str
    interval: str
    paper: str


def _board(numbers: dict, settings: Settings) -> dict:
    """The leaderboard as it is without a script: the first protocol, all pairs of the test clips, the main metrics."""
    split = next(iter(numbers["splits"]), "test")
    values = numbers["values"].get(split, {}).get(settings.protocol, {}).get("all", {})
    published = numbers["paper"].get("all", {})
    columns = [name for name in numbers["sets"]["Main"] if name in values]
    rows = []
    for place, detector in enumerate(numbers["detectors"]):
        cells = [
            _cell(values[name][place], published.get(name, [None] * len(numbers["detectors"]))[place])
            for name in columns
        ]
        key = values[columns[0]][place] if columns else None
        rows.append((detector["truth"], -(key[0] if key else -1), detector, cells))
    rows.sort(key=lambda row: row[:2])
    return {
        "columns": [numbers["metrics"][name]["title"] for name in columns],
        "rows": [(detector, cells) for *_, detector, cells in rows],
        "pairs": numbers["pairs"].get(split, {}).get(settings.protocol, {}).get("all"),
    }


def _cell(values: list | None, published: list | float | None) -> _Cell:
    if not values or values[0] is None:
        return _Cell(typesetting.MISSING, "", "")
    interval = "" if None in values[1:] or len(values) < 3 else f"[{values[1]:.3f}, {values[2]:.3f}]"
    return _Cell(f"{values[0]:.3f}", interval, "" if published is None else f"{published:.3f}")


def _thresholds(metrics: pd.DataFrame, settings: Settings) -> dict:
    """The chosen parameter by detector, a column for each protocol that has one: a value per seed."""
    columns: list[tuple[str, str]] = []
    rows: dict[str, list[str]] = {name: [] for name in settings.detectors}
    for protocol, (name, *_) in settings.protocols.items():
        rule = RULES.find(name)
        if not rule.parameter:
            continue
        here = metrics[
            (metrics["metric"] == rule.parameter)
            & (metrics["protocol"] == protocol)
            & (metrics["split"] == "test")
            & (metrics["label"] == "all")
        ].sort_values("seed", kind="stable")
        columns.append((protocol, rule.title))
        for detector in settings.detectors:
            values = here.loc[here["detector"] == detector, "value"].dropna()
            rows[detector].append(", ".join(f"{value:g}" for value in values) or typesetting.MISSING)
    return {"columns": columns, "rows": [(title_of(name), cells) for name, cells in rows.items()]}


_DATA = {
    "split": "Split",
    "kind": "Kind",
    "label": "Class",
    "recordings": "Recordings",
    "sources": "Sources",
    "seconds": "Seconds",
    "left_out": "Left out",
    "events": "Events",
    "event_seconds": "Event seconds",
}


def _data(table: pd.DataFrame) -> dict:
    """The data report's numbers: headings and rows of text."""
    columns = [column for column in _DATA if column in table]
    rows = [[_text(value) for value in row] for row in table[columns].itertuples(index=False)]
    return {"columns": [_DATA[column] for column in columns], "rows": rows}


def _text(value) -> str:
    if isinstance(value, str):
        return value.replace("_", " ")
    if pd.isna(value):
        return typesetting.MISSING
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.1f}"
