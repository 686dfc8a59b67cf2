"""What experiments left behind: `manifest.json`, `intervals.csv` and `metrics.csv`, checked before they are believed.

Where it is there, `tables/baselines.csv` too. Folders may come from other machines. The manifest says what the sha256
of each table was when it was made; each file is read once, so that what is checked is what is used.
"""

import csv
import functools
import hashlib
import io
import json
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from igsed.config.detectors import NAME
from igsed.errors import InputError, Problems
from igsed.jobs import integrity, provenance
from igsed.metrics import METRICS, Metric

MEANS = {"all": "mean over pairs", "class_mean": "mean over classes"}
"""The labels that are compared, in words."""

SPLITS = {"test": "", "recordings": " (recordings)"}
"""The splits that are banks, and what is added to the experiment's name."""

BASELINES = "tables/baselines.csv"
"""Says which detectors' baselines are not neutral; a comparison can do without."""

_KEYS = ("detector", "split", "protocol", "label", "metric")
_BOUNDS = (("low", "high"), ("low_wide", "high_wide"))
_EXPERIMENT = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"
_ROUNDING = 1e-9
_REMEDY = "Have the results made anew by a run, copy the folder again, or leave it out."


@dataclass(frozen=True)
class Experiment:
    """An experiment's results.

    Attributes
    ----------
    name : str
        The experiment's, with a number behind it where several have the same.
    folder : pathlib.Path
    manifest : dict
    intervals : pandas.DataFrame
        As in `intervals.csv` (docs/results.md).
    metrics : pandas.DataFrame
        As in `metrics.csv`.
    foreign : frozenset of str, optional
        The detectors whose baseline is not neutral (`igsed.report.tables.baselines`); None where that is not known.
    """

    name: str
    folder: Path
    manifest: Mapping[str, Any] = field(repr=False)
    intervals: pd.DataFrame = field(repr=False)
    metrics: pd.DataFrame = field(repr=False)
    foreign: frozenset[str] | None = None

    @property
    def config(self) -> Mapping[str, Any]:
        """The settings."""
        return self.manifest["config"]

    @property
    def detectors(self) -> dict[str, Mapping[str, Any]]:
        """Detector → its entry in the settings."""
        return {chosen["name"]: chosen for chosen in self.config["detectors"]}

    @property
    def drawn(self) -> list[str]:
        """The detectors that its figures show, as `igsed.config.Experiment.drawn` says it."""
        chosen = _at(self.config, "figures", "detectors")
        wanted = [*(chosen if isinstance(chosen, list) and chosen else self.detectors)]
        wanted.append(_at(self.config, "evaluation", "shared_from"))
        return [name for name in self.detectors if name in wanted]

    @property
    def seeds(self) -> int:
        """How many seeds of training there are."""
        return len(self.config["training"]["seeds"])

    @property
    def protocols(self) -> list[str]:
        """The protocols, in their order."""
        return list(dict.fromkeys(self.intervals["protocol"]))

    @property
    def classes(self) -> list[str]:
        """The classes, in their order."""
        return [label for label in dict.fromkeys(self.intervals["label"]) if label not in MEANS]

    @property
    def banks(self) -> list["Bank"]:
        """The banks: the soundbank, and the real recordings where there are any."""
        found = set(self.intervals["split"])
        return [Bank(f"{self.name}{added}", self, split) for split, added in SPLITS.items() if split in found]


class Bank(NamedTuple):
    """On what detectors are judged: a split of an experiment."""

    name: str
    experiment: Experiment
    split: str


def read(folders: Iterable[str | Path], known: Iterable[Metric] = ()) -> list[Experiment]:
    """The results of several experiments.

    Parameters
    ----------
    folders : iterable of path
        ``results/<experiment>``, here or wherever they were moved to.
    known : iterable of Metric
        Metrics beside igsed's own whose ranges are to be checked.

    Raises
    ------
    InputError
        A folder is none of results, lacks a file, or holds one that is damaged, changed or contradicts another; or an
        experiment is given twice. All folders' problems are told at once.
    """
    metrics = {metric.name: metric for metric in (*METRICS.built_in.values(), *known)}
    problems, found = Problems(), []
    for folder in map(Path, folders):
        with problems.noted():
            found.append(_experiment(folder, metrics))
    problems.tell()
    _check_distinct(found)
    return _numbered(found)


def _check_distinct(experiments: Sequence[Experiment]) -> None:
    for place, one in enumerate(experiments):
        for other in experiments[:place]:
            same = os.path.realpath(one.folder) == os.path.realpath(other.folder)
            if same or (one.config == other.config and one.intervals.equals(other.intervals)):
                raise InputError(
                    f"{one.folder}: is the same experiment as {other.folder}: its settings and numbers are the same. "
                    "Give each experiment once."
                )


def _numbered(experiments: Sequence[Experiment]) -> list[Experiment]:
    """The experiments under names that differ: where several have the same, numbered by the path of their folder."""
    places: dict[str, list[str]] = {}
    for one in experiments:
        places.setdefault(one.name, []).append(os.path.realpath(one.folder))
    return [
        replace(one, name=f"{one.name} ({sorted(places[one.name]).index(os.path.realpath(one.folder)) + 1})")
        if len(places[one.name]) > 1
        else one
        for one in experiments
    ]


def _experiment(folder: Path, known: Mapping[str, Metric]) -> Experiment:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder. Give the results of an experiment, such as results/default.")
    contents = {name: _content(folder / name) for name in ("manifest.json", "intervals.csv", "metrics.csv")}
    manifest = _manifest(folder / "manifest.json", contents["manifest.json"])
    for name in ("intervals.csv", "metrics.csv"):
        _check_digest(folder, name, contents[name], manifest)
    intervals = _intervals(folder / "intervals.csv", contents["intervals.csv"], known)
    metrics = _metrics(folder / "metrics.csv", contents["metrics.csv"], known)
    experiment = Experiment(manifest["experiment"], folder, manifest, intervals, metrics, _foreign(folder, manifest))
    _check_agreement(experiment)
    return experiment


def _foreign(folder: Path, manifest: Mapping[str, Any]) -> frozenset[str] | None:
    path = folder / BASELINES
    if f"results/{manifest['experiment']}/{BASELINES}" not in manifest["outputs"] or not path.exists():
        return None
    content = _content(path)
    _check_digest(folder, BASELINES, content, manifest)
    table = _table(path, content, ("detector",), (), ("neutral",), least=0)
    _refuse(path, table, table["neutral"] > 1, "neutral", "is neither 0 nor 1")
    names = [chosen["name"] for chosen in manifest["config"]["detectors"]]
    _refuse(path, table, ~table["detector"].isin(names), "detector", "is no detector that manifest.json states")
    return frozenset(table.loc[table["neutral"] == 0, "detector"])


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(
            f"{path}: there is no such file, so {path.parent} holds no results of an experiment, or not all. Let its "
            "run end, or give another folder."
        ) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}). {_REMEDY}") from None


def _manifest(path: Path, content: bytes) -> dict[str, Any]:
    try:
        stated = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is no JSON ({error}). {_REMEDY}") from None
    try:
        integrity.check([path])
    except OSError as error:
        raise InputError(f"{path}: its record cannot be read ({error.strerror}). {_REMEDY}") from None
    shape: dict[str, tuple[Any, Callable[[Any], bool], str]] = {
        "": (stated, lambda value: isinstance(value, dict), "an object"),
        "experiment": (
            _at(stated, "experiment"),
            lambda value: isinstance(value, str) and bool(re.fullmatch(_EXPERIMENT, value)),
            "the name of an experiment",
        ),
        "outputs": (_at(stated, "outputs"), lambda value: isinstance(value, dict), "an object"),
        "versions": (_at(stated, "versions"), lambda value: isinstance(value, dict), "an object"),
        "config": (_at(stated, "config"), lambda value: isinstance(value, dict), "an object"),
        "config.detectors": (_at(stated, "config", "detectors"), _are_detectors, "a list of detectors with names"),
        "config.training.seeds": (_at(stated, "config", "training", "seeds"), _are_seeds, "a list of whole numbers"),
    }
    for key, (value, fits, wanted) in shape.items():
        if not fits(value):
            where = f"{path}: {key}:" if key else f"{path}:"
            raise InputError(f"{where} is not {wanted}, as igsed writes it. {_REMEDY}")
    if stated["config"].get("experiment") != stated["experiment"]:
        raise InputError(f"{path}: config.experiment: is not {stated['experiment']}, as experiment says. {_REMEDY}")
    if provenance.value_digest(stated["config"]) != stated.get("config_digest"):
        raise InputError(
            f"{path}: config: the settings do not have the digest that config_digest states, so they were changed "
            f"since. {_REMEDY}"
        )
    if _at(stated, "seeds", "training") != stated["config"]["training"]["seeds"]:
        raise InputError(f"{path}: seeds.training: differs from config.training.seeds. {_REMEDY}")
    return stated


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _are_detectors(value: Any) -> bool:
    names = [_at(chosen, "name") for chosen in value] if isinstance(value, list) else []
    return bool(names) and all(isinstance(name, str) and re.fullmatch(NAME, name) for name in names)


def _are_seeds(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(seed) is int for seed in value)


def _check_digest(folder: Path, name: str, content: bytes, manifest: Mapping[str, Any]) -> None:
    expected = manifest["outputs"].get(f"results/{manifest['experiment']}/{name}")
    if expected is None:
        raise InputError(f"{folder / 'manifest.json'}: outputs: does not state the sha256 of {name}. {_REMEDY}")
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise InputError(
            f"{folder / name}: is not the file that manifest.json states: its sha256 is {found[:16]}…, not "
            f"{str(expected)[:16]}…. It was damaged, edited, or made anew since. {_REMEDY}"
        )


def _intervals(path: Path, content: bytes, known: Mapping[str, Metric]) -> pd.DataFrame:
    counts = ("pairs", "clips", "seeds", "undefined")
    table = _table(path, content, _KEYS, ("value", "low", "high"), counts, optional=_BOUNDS[1])
    _check_range(path, table, known, [column for column in (*_BOUNDS[0], "value", *_BOUNDS[1]) if column in table])
    for low, high in _BOUNDS:
        if {low, high} <= {*table.columns}:
            _refuse(path, table, table[low] > table[high], low, f"is above {high}")
            _refuse(
                path, table, table[low].isna() != table[high].isna(), low, f"is a number and {high} none, or reverse"
            )
    empty = table["pairs"] == 0
    for column in ("value", *_BOUNDS[0]):
        _refuse(path, table, table[column].isna() & ~empty, column, "is empty, though pairs entered it")
        _refuse(path, table, table[column].notna() & empty, column, "is a number, though no pair entered it")
    return table


def _metrics(path: Path, content: bytes, known: Mapping[str, Metric]) -> pd.DataFrame:
    table = _table(path, content, _KEYS, ("value",), ("seed", "n"))
    _check_range(path, table, known, ["value"])
    # sed_eval has rates without a value though there are events to count.
    of_pairs = table["metric"].map(lambda name: name in known and known[name].of_pairs)
    _refuse(path, table, table["value"].isna() & (table["n"] > 0) & of_pairs, "value", "is empty, though n is not 0")
    return table


def _table(
    path: Path,
    content: bytes,
    texts: Sequence[str],
    numbers: Sequence[str],
    counts: Sequence[str],
    optional: Sequence[str] = (),
    least: int = 1,
) -> pd.DataFrame:
    """A CSV file, each row once; `line` is where a row ends in the file. Cells of numbers may be empty: NaN."""
    header, rows = _rows(path, content, least)
    missing = [column for column in (*texts, *numbers, *counts) if column not in header]
    if missing:
        raise InputError(f"{path}: line 1: there is no column {', '.join(missing)}. {_REMEDY}")
    twice = [column for place, column in enumerate(header) if column in header[:place]]
    if twice:
        raise InputError(f"{path}: line 1: the column {twice[0]} stands there twice. {_REMEDY}")
    for line, cells in rows:
        if len(cells) != len(header):
            raise InputError(f"{path}: line {line}: has {len(cells)} cells, not {len(header)}. {_REMEDY}")
    columns = {name: [cells[place] for _, cells in rows] for place, name in enumerate(header)}
    lines = pd.Series([line for line, _ in rows], dtype=int)
    table = pd.DataFrame({"line": lines} | {name: pd.Series(columns[name], dtype=object) for name in texts})
    for name in texts:
        _refuse(path, table, table[name] == "", name, "is empty")
    for name in (*numbers, *counts, *(name for name in optional if name in columns)):
        table[name] = pd.Series([_number(cell) for cell in columns[name]], dtype=float)
        _refuse(path, table, np.isinf(table[name]), name, "is no number")
    for name in counts:
        _refuse(path, table, ~((table[name] >= 0) & (table[name] % 1 == 0)), name, "is no whole number from 0")
        table[name] = table[name].astype(int)
    _refuse(path, table, ~table["detector"].str.fullmatch(NAME), "detector", "is no name of a detector")
    keys = [*texts, "seed"] if "seed" in counts else list(texts)
    repeated = table.duplicated(keys)
    if repeated.any():
        again = table[repeated].iloc[0]
        first = table[(table[keys] == again[keys]).all(axis=1)].iloc[0]
        raise InputError(
            f"{path}: line {again['line']}: repeats line {first['line']} ({', '.join(str(again[k]) for k in keys)}). "
            f"{_REMEDY}"
        )
    return table


def _rows(path: Path, content: bytes, least: int) -> tuple[list[str], list[tuple[int, list[str]]]]:
    try:
        reader = csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}: line {line}: is not text in UTF-8. {_REMEDY}") from None
    try:
        rows = [(reader.line_num, cells) for cells in reader]
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num}: is no CSV ({error}). {_REMEDY}") from None
    if len(rows) <= least:
        raise InputError(f"{path}: holds no rows. {_REMEDY}")
    return rows[0][1], rows[1:]


def _number(cell: str) -> float:
    """Infinite where the cell holds something else than a number; NaN where it is empty."""
    try:
        return float(cell) if cell else math.nan
    except ValueError:
        return math.inf


def _check_range(path: Path, table: pd.DataFrame, known: Mapping[str, Metric], columns: Iterable[str]) -> None:
    for name in sorted(known.keys() & set(table["metric"])):
        low, high = known[name].range
        for column in columns:
            outside = (table[column] < low - _ROUNDING) | (table[column] > high + _ROUNDING)
            problem = f"lies outside the range of {name}, {low:g} to {high:g}"
            _refuse(path, table, outside & (table["metric"] == name), column, problem)


def _refuse(path: Path, table: pd.DataFrame, wrong: pd.Series, column: str, problem: str) -> None:
    if wrong.any():
        row = table[wrong].iloc[0]
        more = f" ({int(wrong.sum())} such lines)" if wrong.sum() > 1 else ""
        shown = (
            "" if row[column] == "" or pd.isna(row[column]) or np.isinf(_as_float(row[column])) else f"{row[column]} "
        )
        raise InputError(f"{path}: line {row['line']}, column {column}: {shown}{problem}{more}. {_REMEDY}")


def _as_float(value: Any) -> float:
    return float(value) if isinstance(value, int | float | np.number) else 0.0


def _check_agreement(experiment: Experiment) -> None:
    """Manifest, intervals and metrics are of one run."""
    folder, config = experiment.folder, experiment.config
    # Metrics of events stand in metrics.csv alone, and for splits without pairs too.
    both = experiment.metrics[experiment.metrics["metric"].isin(set(experiment.intervals["metric"]))]
    compared = functools.partial(_compare, experiment.folder)
    for name, table in {"intervals.csv": experiment.intervals, "metrics.csv": both}.items():
        compared(name, "detectors", set(table["detector"]), "manifest.json", set(experiment.detectors))
    compared("metrics.csv", "seeds", set(both["seed"]), "manifest.json", set(config["training"]["seeds"]))
    for key in ("split", "protocol", "metric"):
        compared("metrics.csv", f"{key}s", set(both[key]), "intervals.csv", set(experiment.intervals[key]))
    _refuse(
        folder / "intervals.csv",
        experiment.intervals,
        experiment.intervals["seeds"] > experiment.seeds,
        "seeds",
        f"are more than the {experiment.seeds} that manifest.json states",
    )
    splits = set(experiment.intervals["split"])
    if "test" not in splits:
        raise InputError(f"{folder / 'intervals.csv'}: column split: there are no rows of the split test. {_REMEDY}")
    if "recordings" in splits and not config.get("recordings"):
        raise InputError(
            f"{folder / 'intervals.csv'}: column split: has rows of recordings, though manifest.json states none "
            f"(config.recordings). {_REMEDY}"
        )


def _compare(folder: Path, file: str, what: str, found: set, other: str, expected: set) -> None:
    if found != expected:
        lacking, beyond = (", ".join(map(str, sorted(some))) for some in (expected - found, found - expected))
        told = [f"lacks {lacking}"] * bool(lacking) + [f"has {beyond}"] * bool(beyond)
        raise InputError(f"{folder / file}: its {what} are not those of {other}: it {' and '.join(told)}. {_REMEDY}")
