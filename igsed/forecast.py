"""What an experiment will cost, stage by stage, before anything runs: jobs, downloads, disk, time and memory.

Which jobs there are, and which wait for which, is Snakemake's plan (`planned`). A stage is a rule of the workflow. One
of its jobs costs what every such job costs (starting Python, importing) and so much for each unit of work (a clip, a
(clip, class) pair, …): the unit costs, measured on this machine by `igsed.unit_costs`. `_STAGES` says what a unit
of a stage is and how many a job has.

Conventions
-----------
- The run starts with empty results; what lies in `resources/` already costs nothing.
- Where the number of units is known only afterwards, a number is taken that is seldom exceeded. As many (clip, class)
  pairs are explained as are present; heads train for `max_epochs`; no clip is left out above the number to keep; each
  class that `ig` explains is computed a second time with twice the pieces (`tolerance` decides).
- A job of which nothing is known (a rule that is not in `_STAGES`, a method that was not measured) counts as one that
  only starts, and its stage is named.
- Bytes are decimal (1 MB = 10⁶ bytes). Outputs of a few kilobytes (tables, heads, logs) are left out. An archive is
  kept and unpacked, and counts twice.
- Seconds of CPU are of one core, summed over jobs; a job has one core. Downloads take no time here, because nobody
  knows the network. Seconds of GPU are NaN where the networks were not measured on one.
"""

import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from igsed import shards
from igsed.conditions import CONDITIONS
from igsed.config import Config
from igsed.detectors import OfMasks
from igsed.errors import InputError
from igsed.fetch import table as sources_table

DAY = 86400.0
"""Seconds of a run above which the forecast warns."""


class Cost(NamedTuple):
    """What a job and each of its units cost: seconds, bytes.

    Attributes
    ----------
    job, unit : float
        Seconds of a job without any unit, and of each unit.
    disk : float
        Bytes that stay on disk of each unit.
    memory : float
        Largest resident set of a job, bytes.
    gpu : float
        Seconds of GPU of each unit; NaN: runs on one but was not measured there.
    gpu_memory : float
        Largest memory on the GPU, bytes; NaN as above.
    """

    job: float = 0.0
    unit: float = 0.0
    disk: float = 0.0
    memory: float = 0.0
    gpu: float = 0.0
    gpu_memory: float = 0.0


class Source(NamedTuple):
    """Something to be fetched, a job of `stage`: bytes to `download` and to keep on `disk`, NaN where unknown."""

    stage: str
    name: str
    download: float
    disk: float


class Inputs(NamedTuple):
    """What an experiment starts from: numbers of soundbank recordings and of real clips, and what is yet to fetch."""

    recordings: int
    real_clips: int = 0
    sources: tuple[Source, ...] = ()


class Job(NamedTuple):
    """A job of Snakemake's plan; jobs of one `level` need only levels below."""

    rule: str
    wildcards: Mapping[str, str]
    level: int


class _Amounts:
    """How many units the jobs of a stage have; a method for each kind of unit, of a job's wildcards."""

    def __init__(self, config: Config, inputs: Inputs, gpu: bool):
        self.config, self.inputs, self.gpu = config, inputs, gpu
        self.drawn: dict[str, int] = config.mixtures.clips.model_dump()
        kept = config.mixtures.keep.model_dump() if config.mixtures.keep else self.drawn
        real = {"recordings": inputs.real_clips} if config.recordings else {}
        self.splits = {split: min(count, kept[split]) for split, count in self.drawn.items()} | real
        self.seeds, self.protocols = len(config.training.seeds), config.evaluation.protocols

    def none(self, **_) -> float:
        return 0

    def one(self, **_) -> float:
        return 1

    def sources(self, **_) -> float:
        return self.inputs.recordings

    def made(self, **_) -> float:
        return 0 if self.config.soundbank.component.downloads else self.inputs.recordings

    def windows(self, **_) -> float:
        return self.inputs.real_clips

    def mixed(self, split: str, shard: str) -> float:
        shards = self.config.mixtures.shard
        return min(shards, self.drawn[split] - int(shard) * shards)

    def clips(self, split: str, **_) -> float:
        return self.splits[split]

    def pairs(self, split: str, **_) -> float:
        return self.splits[split] * classes_per_clip(self.config, split)

    def explained(self, split: str, source: str, shard: str, **_) -> float:
        return self._of_job(split, source, shard) * classes_per_clip(self.config, split)

    def masks(self, split: str, masks: str, shard: str, **_) -> float:
        chosen = self.config.chosen(masks)
        assert isinstance(chosen.detector, OfMasks)
        return self._of_job(split, masks, shard) * chosen.detector.count(chosen.settings)

    def _of_job(self, split: str, source: str, shard: str) -> int:
        first, end = shards.bounds(int(shard), self.config.clips_of_job(source, self.gpu), self.splits[split])
        return max(0, min(self.splits[split], end or self.splits[split]) - first)

    def levels(self, **_) -> float:
        return self.config.training.levels.clips if self.config.training.levels else 0

    def learnt(self, model: str) -> float:
        """The clips that a model is trained and stopped with."""
        chosen = self.config.models[model]
        if chosen is not None and getattr(chosen.detector, "trained_on", "train") == "validation":
            return self.splits["validation"]
        with_levels = self.config.with_levels(chosen)
        if chosen is None and model != "clip":
            with_levels = not with_levels
        return self.splits["train"] + self.splits["validation"] + (self.levels() if with_levels else 0)

    def steps(self, model: str, **_) -> float:
        return self.learnt(model) * self.config.training.max_epochs

    def mapped(self, model: str) -> float:
        """Clips whose frames are mapped into memory, where they count as the job's."""
        return 0 if self.config.models[model] is None else self.learnt(model)

    def swept(self, **_) -> float:
        evaluation = self.config.evaluation
        return self.splits["validation"] * self.seeds * len(evaluation.swept(logits=False)) * len(evaluation.choices)

    def judged(self, split: str, **_) -> float:
        return self.splits[split] * self.seeds * len(self.protocols)

    def resampled(self, **_) -> float:
        judged = sum(self.splits.get(split, 0) for split in ("test", "recordings"))
        comparisons = (2 * len(self.config.detectors) - 1) * len(self.protocols)
        return comparisons * judged * self.seeds * self.config.evaluation.bootstrap

    def heard(self, **_) -> float:
        """Clips with their sound on the page."""
        return min(self.config.page.clips, sum(self.splits.get(split, 0) for split in ("test", "recordings")))

    def stratified(self, **_) -> float:
        judged = sum(self.splits.get(split, 0) for split in ("test", "recordings"))
        return len(self.config.detectors) * len(CONDITIONS) * judged * self.seeds * self.config.evaluation.bootstrap


_STAGES: dict[str, tuple[str, Callable[..., float]]] = {
    **dict.fromkeys(("fetch", "weights", "given", "training_sounds"), ("light", _Amounts.none)),
    "make_soundbank": ("make_soundbank", _Amounts.made),
    "soundbank": ("soundbank", _Amounts.sources),
    "mix": ("mix", _Amounts.mixed),
    **dict.fromkeys(("mixtures", "conditions"), ("light", _Amounts.none)),
    "recordings": ("recordings", _Amounts.windows),
    "features": ("features", _Amounts.clips),
    "train": ("train/{model}", _Amounts.steps),
    "classify": ("light", _Amounts.none),
    "levels": ("features", _Amounts.levels),
    "random_body": ("features", _Amounts.clips),
    **dict.fromkeys(("baseline", "truth"), ("baseline", _Amounts.clips)),
    "framewise": ("framewise", _Amounts.clips),
    "attribute": ("attribute/{source}", _Amounts.explained),
    "merge": ("merge", _Amounts.pairs),
    "mask": ("mask", _Amounts.masks),
    "masked": ("framewise", _Amounts.clips),
    "sweep": ("sweep", _Amounts.swept),
    "evaluate": ("evaluate", _Amounts.judged),
    "metrics": ("metrics", _Amounts.resampled),
    "strata": ("metrics", _Amounts.stratified),
    **dict.fromkeys(("conditions", "tables", "table_recordings", "manifest"), ("light", _Amounts.none)),
    "data_report": ("figure", _Amounts.one),
    "figure_*": ("figure", _Amounts.one),
    "page": ("page", _Amounts.heard),
}
"""Rule → name of its unit cost, to be filled in with the job's wildcards, and its units."""


def planned(configfiles: Sequence[str | Path], root: str | Path = ".") -> list[Job]:
    """The jobs of an experiment without results, as Snakemake plans them, in a process of its own.

    Parameters
    ----------
    configfiles : sequence of path
        Merged over `config.yaml`; relative paths are as seen from `root`.
    root : path
        The checkout.

    Raises
    ------
    InputError
        There is no workflow, or Snakemake can make no plan.
    """
    if not Path(root, "workflow", "plan.py").exists():
        raise InputError(
            f"{Path(root, 'workflow')}: there is no workflow in this folder. Call this in a checkout of igsed."
        )
    command = [sys.executable, "-m", "workflow.plan", "--configfile", *map(str, configfiles)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    if done.returncode:
        raise InputError(f"Snakemake cannot plan this experiment: {done.stderr.strip()[-2000:]}")
    return [Job(**job) for job in json.loads(done.stdout)]


def forecast(jobs: Iterable[Job], config: Config, costs: Mapping[str, Cost], inputs: Inputs) -> pd.DataFrame:
    """The cost of every stage.

    Parameters
    ----------
    jobs : iterable of Job
        See `planned`.
    config : Config
    costs : mapping of str to Cost
        Unit costs by name, as `igsed.unit_costs.measure` gives them; `light` must be there.
    inputs : Inputs
        See `inputs_of`.

    Returns
    -------
    pandas.DataFrame
        A row per stage, in the order in which they can run, indexed by `stage`: `level`, `jobs`, `download` and `disk`
        (known bytes), `unknown` (things to fetch of unknown size), `cpu` and `gpu` (s, over all jobs), `memory` and
        `gpu_memory` (bytes, of the largest job), `longest` (s, of the longest job), `guessed` (jobs of which nothing
        is known).
    """
    gpu = any(cost.gpu > 0 for cost in costs.values())
    amounts, sources = _Amounts(config, inputs, gpu), {_key(*source[:2]): source for source in inputs.sources}
    nothing = Source("", "", 0.0, 0.0)
    rows = []
    for job in jobs:
        cost, units = _cost(job, costs), 0.0
        if cost is not None:
            units = _stage(job.rule)[1](amounts, **job.wildcards)
        known = cost or costs["light"]
        source = sources.get(_key(job.rule, job.wildcards.get("source", "")), nothing)
        mapped = amounts.mapped(job.wildcards["model"]) if job.rule == "train" else 0
        seconds = known.job + units * known.unit
        rows.append(
            {
                "stage": job.rule,
                "level": job.level,
                "jobs": 1,
                "download": np.nan_to_num(source.download),
                "disk": units * known.disk + np.nan_to_num(source.disk),
                "unknown": int(math.isnan(source.download)),
                "cpu": seconds,
                "gpu": units * known.gpu,
                "longest": seconds,
                "memory": known.memory + mapped * costs["features"].disk,
                "gpu_memory": known.gpu_memory,
                "guessed": int(cost is None),
            }
        )
    stages = pd.DataFrame(rows).groupby("stage", sort=False)
    sums = stages[[*_SUMS]].agg(lambda column: column.sum(skipna=False))
    peaks = stages[["level", "longest", "memory", "gpu_memory"]].agg(lambda column: column.max(skipna=False))
    return sums.join(peaks).sort_values("level", kind="stable")


_SUMS = ("jobs", "download", "disk", "unknown", "cpu", "gpu", "guessed")
"""Columns of a forecast that add up over jobs; of the others the largest counts."""


def _key(stage: str, name: str) -> tuple[str, str]:
    """What a job and the source that it gets have in common; of other rules than `fetch` there is one job each."""
    return stage, name if stage == "fetch" else ""


def _stage(rule: str) -> tuple[str, Callable[..., float]]:
    return _STAGES.get("figure_*" if rule.startswith("figure_") else rule, ("", _Amounts.none))


def _cost(job: Job, costs: Mapping[str, Cost]) -> Cost | None:
    """The unit cost of a job; None where it is not known."""
    return costs.get(_stage(job.rule)[0].format(**job.wildcards))


def classes_per_clip(config: Config, split: str = "train") -> float:
    """Expected number of different classes in a clip of a split, where labels are uniform over the classes."""
    numbers = np.array(config.mixtures.numbers_of_events(split))
    classes = max(1, len(config.classes))
    return float(np.mean(classes * (1 - (1 - 1 / classes) ** numbers)))


def inputs_of(config: Config, resources: str | Path = "resources") -> Inputs:
    """What an experiment starts from, as far as it can be seen on this machine.

    Parameters
    ----------
    config : Config
    resources : path
        What lies here need not be fetched.

    Raises
    ------
    InputError
        The soundbank's or the recordings' folder cannot be used, or the table lacks a source.
    """
    resources, fetched = Path(resources), []
    bank, network = config.soundbank.component, config.backbone.component
    count = bank.count(config.soundbank, config.classes)
    if bank.makes and bank.downloads and not (bank.shared and (resources / bank.shared).exists()):
        fetched.append(Source("make_soundbank", bank.shared or bank.name, math.nan, math.nan))
    fetched += missing(config.downloads, config.sources, resources)
    if network.own_weights(config.backbone) or not (resources / network.name / network.file).exists():
        bytes_ = network.download if network.downloads(config.backbone) else 0.0
        fetched.append(Source("weights", network.name, bytes_, 2 * bytes_))
    return Inputs(count, _real_clips(config), tuple(fetched))


def missing(names: Iterable[str], table: str | Path, resources: str | Path = "resources") -> list[Source]:
    """The sources that are not in `resources` yet; files that were downloaded already are not downloaded again.

    Parameters
    ----------
    names : iterable of str
    table : path
        See `igsed.fetch.table`.

    Raises
    ------
    InputError
        The table cannot be read or lacks a name.
    """
    found = []
    for name in names:
        files = sources_table.source(table, name)
        if (Path(resources) / "sources" / name).exists():
            continue
        download = disk = 0.0
        for file in files:
            there = Path(resources) / "downloads" / file.file
            bytes_ = there.stat().st_size if there.exists() else math.nan if file.bytes is None else file.bytes
            download += 0 if there.exists() else bytes_
            disk += bytes_ * ((not there.exists()) + (file.kind == "archive"))
        found.append(Source("fetch", name, download, disk))
    return found


def _real_clips(config: Config) -> int:
    """Windows of a clip's length into which the real recordings are cut."""
    if not config.recordings:
        return 0
    return config.recordings.component.count(config.recordings, config.mixtures.duration)


def wall(table: pd.DataFrame, cores: int, gpus: int = 1) -> float:
    """Seconds that a run takes by the clock, if each level of stages waits for the one before.

    A level takes as long as its work shared among the cores (its GPU work among the GPUs), or as its longest job.
    """
    return float(_levels(table, cores, gpus).max(axis=1).sum())


def bound(table: pd.DataFrame, cores: int, gpus: int = 1) -> str:
    """Which stage takes the longest part of a run, and what would shorten it, in words."""
    levels = _levels(table, cores, gpus)
    level = levels.max(axis=1).idxmax()
    stage = table.loc[table["level"] == level, "cpu"].idxmax()
    share = levels.loc[level].max() / levels.max(axis=1).sum()
    reason = {
        "cores": "more cores shorten it",
        "gpus": "more GPUs shorten it",
        "longest": "its longest job bounds it, more cores do not shorten it",
    }[levels.loc[level].idxmax()]
    return f"{stage} takes {100 * share:.0f} % of the time; {reason}"


def _levels(table: pd.DataFrame, cores: int, gpus: int) -> pd.DataFrame:
    levels = table.groupby("level")
    return pd.DataFrame(
        {
            "cores": levels["cpu"].sum() / cores,
            "gpus": levels["gpu"].sum() / gpus,  # NaN, not measured, counts as nothing
            "longest": levels["longest"].max(),
        }
    )


def text(table: pd.DataFrame, cores: int, gpus: int = 1, free: float = math.inf) -> str:
    """The forecast for a terminal: the table, warnings, and the sum in the last line.

    Parameters
    ----------
    table : pandas.DataFrame
        See `forecast`.
    cores, gpus : int
        What the run may use.
    free : float
        Free disk space, bytes; a run that needs more gets a warning.
    """
    sums, peaks = table.sum(skipna=False), table.max(skipna=False)
    total = sums.where(sums.index.isin(_SUMS), peaks)
    seconds, lines = wall(table, cores, gpus), [*_aligned([*(row for _, row in table.iterrows()), total]), ""]
    lines.append(f"At {cores} cores {bound(table, cores, gpus)}.")
    if unknown := ", ".join(table.index[table["guessed"] > 0]):
        lines.append(f"NOTE: nothing is known of what {unknown} costs; it counts as jobs that only start.")
    if seconds > DAY:
        lines.append(
            f"WARNING: this takes longer than a day ({duration(seconds)}). Fewer training.seeds or mixtures.clips, a "
            "GPU or more cores shorten it."
        )
    if free < total["disk"]:
        lines.append(f"WARNING: only {size(free)} of disk are free here, {_sizes(total, 'disk')} are needed.")
    processors = f"{cores} {'core' if cores == 1 else 'cores'}"
    if total["gpu"] > 0:
        processors += f" and {gpus} {'GPU' if gpus == 1 else 'GPUs'}"
    download = _sizes(total, "download") if total["download"] or total["unknown"] else "nothing"
    lines.append(f"about {duration(seconds)} on {processors}, {_sizes(total, 'disk')} of disk, {download} to download")
    return "\n".join(lines)


def _aligned(rows: Sequence[pd.Series]) -> list[str]:
    """Lines of a table whose last row is the total."""
    cells = [["stage", "jobs", "download", "disk", "CPU time", "GPU time", "longest job", "memory/job", "GPU memory"]]
    for row in rows:
        times = [duration(row[name]) for name in ("cpu", "gpu", "longest")]
        memory = [size(row[name]) if row[name] >= 0 else "–" for name in ("memory", "gpu_memory")]
        stage = "total" if row is rows[-1] else str(row.name)
        cells.append([stage, f"{row['jobs']:.0f}", _sizes(row, "download"), _sizes(row, "disk"), *times, *memory])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in cells]
    rule = "-" * len(lines[0])
    return [lines[0], rule, *lines[1:-1], rule, lines[-1]]


def _sizes(row: pd.Series, name: str) -> str:
    """Bytes of a row, with a question mark where something of unknown size is to be fetched."""
    known = [size(row[name])] if row[name] or not row["unknown"] else []
    return " + ".join([*known, "?"] if row["unknown"] else known)


def duration(seconds: float) -> str:
    """Seconds for people: `0`, `2.5 s`, `9.1 min`, `3.4 h`, `2.2 d`; NaN is `–`, not measured."""
    return _human(seconds, [(1, "s"), (60, "min"), (3600, "h"), (86400, "d")])


def size(count: float) -> str:
    """Bytes for people: `0`, `12 kB`, `3.4 MB`, `1.2 GB`, `4 TB`."""
    return _human(count, [(1, "B"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB"), (1e12, "TB")])


def _human(value: float, units: Sequence[tuple[float, str]]) -> str:
    if math.isnan(value):
        return "–"
    if value == 0:
        return "0"
    # From 0.995 of the next unit on, a number is shown in that one: 59.9 s are 1.0 min.
    factor, unit = next((pair for pair, above in pairwise(units) if value < 0.995 * above[0]), units[-1])
    number = value / factor
    return f"{number:.1f} {unit}" if number < 9.95 else f"{number:.0f} {unit}"
