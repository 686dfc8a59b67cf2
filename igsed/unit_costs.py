"""Unit costs for `igsed.forecast`, measured on this machine in less than two minutes.

Every kind of job is done in small: a few procedural recordings, a few clips of the experiment's own settings, random
frame scores, a network with random weights, one (clip, class) pair for each attribution method. What takes longer the
first time (imports, buffers) is counted for every job, the rest for every unit. The network runs in one thread, as in
the workflow, or on the GPU.

- Time on a CPU is what this process uses, so other work on the machine does not count, nor does waiting for a disk.
  The start of a job (the shorter of two) and the time on a GPU are measured by the clock.
- A method whose time is linear in one of its settings (`OfClassifier.steps`) takes as many as fit in six seconds. Any
  other method, built in or the user's, explains one pair with all its settings.
- Memory is the largest resident set of this process up to then, so it never falls from stage to stage.
"""

import functools
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from igsed import LABELS, audio, detectors, evaluation, metrics, mixtures, scores, statistics
from igsed.clips import Split
from igsed.components import imported
from igsed.config import Config
from igsed.detectors import OfClassifier, framewise
from igsed.errors import InputError
from igsed.forecast import Cost, classes_per_clip
from igsed.soundbanks import procedural, soundbank
from igsed.soundbanks.procedural import generation
from igsed.timeline import frame_count

_ENOUGH = 6.0
"""Seconds within which a method with a known number of steps is measured."""

_CLIPS = 16
"""Clips whose random scores are judged."""


def measure(config: Config, device: str = "cpu", say: Callable[[str], object] = lambda part: None) -> dict[str, Cost]:
    """Measure what the jobs of an experiment cost here.

    Parameters
    ----------
    config : Config
        Its settings are used; what it names on disk is not touched.
    device : {"cpu", "cuda"}
        Where networks run.
    say : callable
        Receives the name of each part before it is measured.

    Returns
    -------
    dict of str to Cost
        By the names that `igsed.forecast` uses.

    Raises
    ------
    InputError
        There is no GPU though `device` is "cuda", or an attribution method fails.
    """
    with tempfile.TemporaryDirectory(prefix="igsed-forecast-") as folder:
        return _Measurement(config, device, Path(folder)).run(say)


def parts(config: Config) -> list[str]:
    """What `measure` measures, in this order."""
    measurement = _Measurement(config, "cpu", Path())
    return [*measurement.parts(), *measurement.parts_in_one_thread()]


class _Measurement:
    def __init__(self, config: Config, device: str, folder: Path):
        self.config, self.device, self.folder = config, device, folder
        self.clock = time.perf_counter if device == "cuda" else _used
        self.labels = config.classes or list(LABELS)
        self.frames = frame_count(config.mixtures.duration)
        self.clips: list[Path] = []
        self.costs: dict[str, Cost] = {}

    def parts(self) -> dict[str, Callable[[], object]]:
        """What is measured first, by name."""
        return {
            "the start of a job": self.start,
            "sources and mixing": self.mixing,
            "scores": self.merging,
            "thresholds and metrics": self.judging,
            "figures and page": self.figures,
            "the network": self.network,
        }

    def parts_in_one_thread(self) -> dict[str, Callable[[], object]]:
        """What is measured then, in one thread of torch's."""
        found: dict[str, Callable[[], object]] = {"training": self.training, "features": self.features}
        for name in map(self.config.source_of, self.config.detectors_of("classifier")):
            found[f"attribution by {name}"] = functools.partial(self.attribution, name)
        if self.config.detectors_of("masks"):
            found["masked clips"] = self.masking
        return found

    def run(self, say: Callable[[str], object]) -> dict[str, Cost]:
        for name, part in self.parts().items():
            say(name)
            part()
        import torch  # only here, so that the memory of what needs no network is measured without it

        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            for name, part in self.parts_in_one_thread().items():
                say(name)
                part()
        finally:
            torch.set_num_threads(threads)
        return self.costs

    def start(self) -> None:
        """Starting Python as Snakemake does for a script, and importing what light jobs and networks' jobs import."""
        light = ["igsed.jobs.console", "igsed.evaluation", "igsed.predictions", "igsed.scores"]
        explainers = self.config.detectors_of("classifier").values()
        methods = [module for chosen in explainers for module in sorted(chosen.detector.runs_in)]
        heavy = ["igsed.attribution", "igsed.features", "igsed.heads", self.config.backbone.component.network, *methods]
        for name, modules in {"light": light, "torch": heavy}.items():
            imports = ", ".join(["snakemake.script", *(module.partition(":")[0] for module in modules)])
            # The first start of all also reads the files from disk.
            seconds = min(_started(f"import {imports}") for _ in range(2))
            self.costs[name] = Cost(seconds, memory=_peak(resource.RUSAGE_CHILDREN))

    def mixing(self) -> None:
        """Generating and indexing a small soundbank, mixing clips from it, scores of detectors without a model."""
        bank, settings = self.folder / "soundbank", self.config.mixtures
        few = {"train": 2, "eval": 1}
        chosen = isinstance(self.config.soundbank, procedural.ProceduralSettings)
        source = self.config.soundbank if chosen else procedural.ProceduralSettings()
        common = (self.labels, self.config.seed, settings.sample_rate)
        made = {"foreground": source.recordings, "background": source.backgrounds}
        seconds = size = count = 0.0
        for kind, numbers in made.items():
            events, beds = (few, {}) if kind == "foreground" else ({}, few)
            labels = len(self.labels) if kind == "foreground" else 1
            share = labels * (numbers.train + numbers.eval) / (3 * labels)
            seconds += share * _seconds(functools.partial(generation.write, bank, events, beds, *common))
            size += share * sum(path.stat().st_size for path in bank.rglob(f"{kind}/*/*.wav"))
            count += labels * (numbers.train + numbers.eval)
        self._add("make_soundbank", "light", seconds / count, disk=size / count)
        count = 3 * len(self.labels) + 3
        table = soundbank.index(bank, self.labels, source.validation_share)
        again = _seconds(lambda: soundbank.index(bank, self.labels, source.validation_share))
        self._add("soundbank", "light", again / count)
        protocol, pools = settings.protocol._replace(on_overlap="replace"), soundbank.pools(table, "train")
        recordings = mixtures.sounds(table, protocol)

        def mix() -> None:
            k = len(self.clips)
            mixture = mixtures.draw(*pools, protocol, self.config.seed, "train", k)
            assert mixture is not None, "on_overlap: replace"
            waveform = mixtures.render(mixture, protocol, self.folder / f"{k}.jams", recordings)
            self.clips.append(self.folder / f"{k}.flac")
            audio.write_flac(self.clips[-1], waveform, protocol.sample_rate)

        first, rest = _twice(mix, 11)
        size = sum(path.stat().st_size for pattern in ("*.flac", "*.jams") for path in self.folder.glob(pattern))
        self._add("mix", "light", rest, first - rest, disk=size / len(self.clips))

        def copy() -> None:
            audio.write_flac(self.folder / "copy.wav", *audio.read(self.clips[0]))

        size = self.clips[0].stat().st_size
        self._add("recordings", "light", _twice(copy, 2)[1], disk=size)

        random = detectors.load("random")

        def baseline(writer, clip) -> None:
            values = random(*audio.read(self.clips[0]), self.labels, self.config.seed, clip)
            writer.add(clip, self.labels, values)

        self._scoring("baseline", baseline)

    def _scoring(self, stage: str, score: Callable[[scores.Writer, str], None]) -> None:
        """Scores of all classes in a clip, and what they take on disk."""
        path = self.folder / f"{stage}.parquet"

        def clips() -> None:
            with scores.Writer(path) as writer:
                for k in range(_CLIPS):
                    score(writer, f"clip_{k}")

        first, rest = _twice(clips, 1)
        self._add(stage, "light", rest / _CLIPS, first - rest, disk=path.stat().st_size / _CLIPS)

    def merging(self) -> None:
        """Scores of single jobs, read and written as those of a split; a unit is a (clip, class) pair."""
        values, path = np.random.default_rng(0).random((len(self.labels), self.frames)), self.folder / "part.parquet"
        with scores.Writer(path) as writer:
            for k in range(_CLIPS):
                writer.add(f"clip_{k}", self.labels, values)

        def merge() -> None:
            found = scores.read(path)
            with scores.Writer(self.folder / "whole.parquet") as writer:
                for clip, rows in found.pairs.groupby("clip", sort=False):
                    writer.add(clip, rows["label"], found.values[rows.index])

        first, rest = _twice(merge, 1)
        pairs = _CLIPS * len(self.labels)
        self._add("merge", "light", rest / pairs, first - rest, disk=path.stat().st_size / pairs)

    def judging(self) -> None:
        """The threshold sweep, the metrics of a detector, and intervals, on random scores."""
        settings, rng = self.config.evaluation, np.random.default_rng(0)
        names, per_clip = [f"clip_{k}" for k in range(_CLIPS)], max(1, round(classes_per_clip(self.config)))
        table = pd.DataFrame([(clip, label) for clip in names for label in self.labels], columns=["clip", "label"])
        chosen = table.groupby("clip", sort=False).cumcount() < per_clip
        predicted = table.assign(probability=0.9, predicted=chosen.astype(int), present=chosen.astype(int))
        found = scores.FrameScores(table, rng.random((len(table), self.frames)))
        truth = table[chosen].assign(onset=0.2, offset=0.7 * self.config.mixtures.duration)
        truth = truth.rename(columns={"label": "event_label"})
        split = Split(truth, dict.fromkeys(names, self.config.mixtures.duration), {"test": names})
        (protocol, judged_so), *_ = settings.protocols.items()
        judging = evaluation.Judging(
            self.labels, {protocol: judged_so}, settings.metrics, settings.select, settings.arguments, settings.scale
        )

        def sweep() -> pd.DataFrame:
            swept = settings.swept(logits=False)
            evaluation.by_clip(found, predicted, split, swept, [settings.pairs], settings.select)
            return evaluation.sweep(found, predicted, truth, swept, [settings.pairs], settings.select, 0)

        sweeps = evaluation.Sweeps(sweep(), sweep())

        def evaluate() -> pd.DataFrame:
            return evaluation.judge(found, predicted, split, sweeps, judging, "random", 0)[0]

        for stage, work in {"sweep": sweep, "evaluate": evaluate}.items():
            first, rest = _twice(work, 1)
            self._add(stage, "light", rest / _CLIPS, first - rest)
        # About as many clips as there will be, because much of a bootstrap does not grow with their number.
        copies = max(1, round(min(100, self.config.mixtures.clips.test) / _CLIPS))
        one = pd.concat([evaluate().assign(seed=seed) for seed in self.config.training.seeds])
        judged = pd.concat([one.assign(clip=one["clip"] + f"_{k}") for k in range(copies)])

        def intervals() -> None:
            named = sorted(judged["clip"].unique())
            of_pairs = metrics.of_pairs(settings.chosen_metrics)
            statistics.bootstrap(judged.assign(source=judged["clip"]), of_pairs, self.labels, named, settings.bootstrap)

        units = settings.bootstrap * _CLIPS * copies * len(self.config.training.seeds)
        self._add("metrics", "light", _seconds(intervals) / units)

    def figures(self) -> None:
        """One figure, as SVG and PNG; a clip's sound in the page of results."""

        def draw() -> None:
            from igsed.report import figures, pipeline_figure  # here, so that importing matplotlib counts

            figures.save(pipeline_figure.pipeline(), self.folder / "figure.svg", self.folder / "figure.png")

        seconds = _seconds(draw)
        disk = sum((self.folder / f"figure.{suffix}").stat().st_size for suffix in ("svg", "png"))
        self._add("figure", "light", seconds, disk=disk)
        sounds: list[bytes] = []

        def page() -> None:
            from igsed.report import inline

            sounds.append(inline.encoded(*audio.read(self.clips[0]))[0])

        # Sounds stand in it as Base64: four letters for three bytes.
        self._add("page", "light", _twice(page, 1)[1], disk=len(sounds[0]) * 4 / 3)

    def network(self) -> None:
        """A network with random weights, and detectors that use its frames."""
        import torch

        if self.device == "cuda" and not torch.cuda.is_available():
            raise InputError(
                "device: a GPU is wanted, but torch finds none here. Forecast on the machine that has it, or set "
                "device to cpu."
            )
        declared = self.config.backbone.component
        network = imported(declared.network)().requires_grad_(False).eval()
        for buffer in network.buffers():
            if not buffer.any():  # a front end that comes with the weights
                torch.nn.init.uniform_(buffer, 0, 0.01)
        if declared.channels_last:  # as its weights are loaded
            network = network.to(memory_format=torch.channels_last)
        self.backbone = network.to(self.device)
        samples = self.config.mixtures.duration * network.sample_rate
        self.times = network.frame_times(samples).numpy()
        rng = np.random.default_rng(0)
        weight = rng.standard_normal((len(self.labels), network.embedding), dtype=np.float32)

        def score(writer, clip) -> None:
            frames = rng.standard_normal((len(self.times), network.embedding), dtype=np.float32)
            rule = self.config.evaluation.upsampling
            writer.add(clip, self.labels, framewise.scores(frames, weight, weight[:, 0], self.times, self.frames, rule))

        self._scoring("framewise", score)

    def training(self) -> None:
        """An epoch of each head, on random features."""
        from igsed import heads

        rng, settings = np.random.default_rng(0), self.config.training
        # More than fits the processor's caches, read from a file, as in the workflow.
        clips, epochs, classes, embedding = 256, 3, len(self.labels), self.backbone.embedding
        for model, chosen in self.config.models.items():
            shape = (clips, embedding) if chosen is None else (clips, len(self.times), embedding)
            np.save(self.folder / f"{model}.npy", rng.standard_normal(shape, dtype=np.float32))
            features = np.load(self.folder / f"{model}.npy", mmap_mode="r")
            by_frame = chosen is not None and getattr(chosen.detector, "learns_from", "") == "frame"
            targets = rng.random((*shape[: 2 if by_frame else 1], classes)) < 0.2
            pool = detectors.load(chosen.method, **chosen.settings) if chosen else None
            outputs = getattr(chosen.detector, "outputs", lambda _: 1)(chosen.settings) if chosen else 1
            options = heads.Settings(settings.learning_rate, settings.batch_size, 1, epochs)
            train = functools.partial(
                heads.train, features, targets, features[:1], targets[:1], 0, pool=pool, outputs=outputs
            )
            first = _seconds(functools.partial(train, options))
            rest = _seconds(functools.partial(train, options._replace(max_epochs=epochs))) / epochs
            self._add(f"train/{model}", "torch", rest / clips, first - rest)

    def features(self) -> None:
        """The body's output for a batch of clips."""
        from igsed import features

        count, files = 8, (self.folder / "frames.npy", self.folder / "clips.npy")
        paths = [self.clips[k % len(self.clips)] for k in range(count)]
        self._reset_gpu()

        def extract(chosen) -> None:
            features.extract(self.backbone, chosen, *files, device=self.device)

        first = _seconds(lambda: extract(paths[:1]), self.clock)
        rest = _seconds(lambda: extract(paths), self.clock) / count
        disk = sum(path.stat().st_size for path in files) / count
        self._add("features", "torch", rest, first - rest, disk=disk, **self._gpu(rest))

    def attribution(self, name: str) -> None:
        """One method on one (clip, class) pair."""
        import torch

        from igsed import attribution, features
        from igsed.classifier import Classifier

        chosen = self.config.detectors_of("classifier")[name]
        assert isinstance(chosen.detector, OfClassifier)
        settings, option = chosen.settings, chosen.detector.steps
        head = torch.nn.Linear(self.backbone.embedding, len(self.labels))
        classifier = Classifier(self.backbone, head).eval().to(self.device)
        sounds = {}
        if self.config.sounds_of(name):
            paths = [self.clips[k % len(self.clips)] for k in range(max(4, settings["draws"]))]
            rate = self.backbone.sample_rate
            sounds["sounds"] = torch.stack([features.waveform(path, rate) for path in paths]).to(self.device)
        waveform = features.waveform(self.clips[0], self.backbone.sample_rate).to(self.device)
        self._reset_gpu()

        def explain(**changed) -> float:
            explainer = detectors.load(chosen.method, **{**settings, **changed}, **sounds)
            return _seconds(lambda: attribution.explain(explainer, classifier, waveform, [0]), self.clock)

        if option:
            wanted, once = settings[option], {"tolerance": None} if "tolerance" in settings else {}
            step = explain(**{option: 2}, **once) / 2
            # At least a whole batch, so that the memory is that of the method.
            steps = min(wanted, max(2, settings.get("batch", 1), math.floor(_ENOUGH / step)))
            seconds = explain(**{option: steps}, **once) * wanted / steps
            if settings.get("tolerance") is not None:
                seconds *= 1.5  # as if every fourth class were explained again with twice the pieces
        else:
            seconds = explain()
        # A pair's scores take as much as a class's of any other detector.
        disk = self.costs["framewise"].disk / len(self.labels)
        self._add(f"attribute/{name}", "torch", seconds, disk=disk, **self._gpu(seconds))

    def masking(self) -> None:
        """A clip's sound with parts of it replaced, through the body; a unit is a mask."""
        from igsed import features
        from igsed.attribution import masking

        waveform = features.waveform(self.clips[0], self.backbone.sample_rate).to(self.device)
        masks = np.random.default_rng(0).random((16, self.frames)).round().astype(np.float32)
        self._reset_gpu()

        def embed(count: int) -> float:
            work = functools.partial(masking.embeddings, self.backbone, waveform, masks[:count], "quiet_second")
            return _seconds(work, self.clock)

        first, rest = embed(1), embed(len(masks)) / len(masks)
        disk = 4.0 * (self.backbone.embedding + self.frames)
        self._add("mask", "torch", rest, first - rest, disk=disk, **self._gpu(rest))

    def _add(self, name: str, start: str, unit: float, extra: float = 0.0, **more: float) -> None:
        job = self.costs[start].job + max(0.0, extra)
        self.costs[name] = Cost(job, unit, memory=_peak(resource.RUSAGE_SELF), **more)

    def _reset_gpu(self) -> None:
        if self.device == "cuda":
            import torch

            torch.cuda.reset_peak_memory_stats()

    def _gpu(self, seconds: float) -> Mapping[str, float]:
        if self.device != "cuda":
            return {"gpu": math.nan, "gpu_memory": math.nan}
        import torch

        return {"gpu": seconds, "gpu_memory": float(torch.cuda.max_memory_reserved())}


def _used() -> float:
    """Seconds of CPU that this process and those it has started have used."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in usage)


def _seconds(work: Callable[[], object], clock: Callable[[], float] = _used) -> float:
    begin = clock()
    work()
    return clock() - begin


def _started(code: str) -> float:
    """Seconds in which a new Python runs some code."""
    run = [sys.executable, "-c", code]
    return _seconds(lambda: subprocess.run(run, check=True, stderr=subprocess.PIPE), time.perf_counter)


def _twice(work: Callable[[], object], more: int) -> tuple[float, float]:
    """Seconds of the first call and, in the mean, of `more` further ones."""
    first = _seconds(work)
    return first, _seconds(lambda: [work() for _ in range(more)]) / more


def _peak(who: int) -> float:
    """Largest resident set so far, bytes."""
    return float(resource.getrusage(who).ru_maxrss) * (1 if sys.platform == "darwin" else 1024)
