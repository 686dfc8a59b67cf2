"""From a recording to curves: one pass of the network over all windows, and for most methods another of the method."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from scipy.special import expit

from igsed import attribution, controls, seeds, timeline
from igsed.classifier import Classifier
from igsed.errors import InputError
from igsed.explaining import labels, results, windows
from igsed.explaining.methods import Method
from igsed.explaining.models import YAMNET, MeanClassifier, Model, spread
from igsed.explaining.results import Explained, Rule
from igsed.explaining.streams import Recording
from igsed.names import decodable, normal
from igsed.pooling import pooled
from igsed.timeline import FRAME, frame_count

RANDOM_HEADS = 8
"""Heads of random weights that a framewise method is compared with; a method that costs more is compared with one."""


class Asked(NamedTuple):
    """Classes (None: the most probable), method, rule of events, and whether the control is wanted."""

    classes: list[int] | None
    method: Method
    rule: Rule
    control: bool = True


class Heard(NamedTuple):
    """What one pass over a recording gives.

    `times` (coarse frame,) are centres in seconds. `logits` (coarse frame, class) are those of the method's head on
    frames, `random` (coarse frame, head) those of random heads. `stretches` (stretch, 2) in seconds have the
    `probabilities` (stretch, class), by each seed's head `of_seeds` (seed, stretch, class). `energy` (frame,) is the
    mean square of each 100 ms.
    """

    times: np.ndarray
    logits: np.ndarray
    random: np.ndarray
    stretches: np.ndarray
    probabilities: np.ndarray
    of_seeds: np.ndarray
    energy: np.ndarray


def recording(sound: str | Path | Any, sample_rate: int | None, model: Model) -> Recording:
    """A file, or an array with its rate, at the model's rate.

    Raises
    ------
    InputError
        It cannot be used.
    """
    if isinstance(sound, str | Path):
        return Recording.of_file(sound, model.classifier.sample_rate)
    if sample_rate is None:
        raise InputError("sample_rate: an array has none of its own. Give it in Hz.")
    return Recording.of_array(sound, sample_rate, model.classifier.sample_rate)


def explained(sound: Recording, model: Model, asked: Asked, name: str | None = None) -> Explained:
    """The explanation of a recording; see `igsed.explaining.explain`."""
    count = frame_count(sound.samples / sound.sample_rate)
    if not count:
        raise InputError(
            f"{sound.name}: lasts {sound.duration:.6g} s, less than a frame of {FRAME} s. Give a longer one."
        )
    name = decodable(normal(Path(sound.name).stem) if name is None else name)
    heard = listen(sound, model, asked.method, count)
    largest = heard.probabilities.max(0)
    classes = asked.classes if asked.classes is not None else labels.heard(largest)
    if asked.method.framewise:
        scores, random = (
            _on_grid(part, heard.times, count, model) for part in (heard.logits[:, classes], heard.random)
        )
    else:
        scores, random = _attributed(sound, model, asked, classes, count)
    names = [model.labels[k] for k in classes]
    loudness = results.correlations(scores, heard.energy[None])
    known = results.correlations(scores, random) if asked.control else np.full(len(names), np.nan)
    notes = {label: results.note(*pair) for label, *pair in zip(names, loudness, known, strict=True)}
    counted = asked.rule.counted(scores) if asked.method.framewise else scores
    events = asked.rule.events(counted, names)
    likely = results.likelihoods(events, names, heard.stretches, heard.probabilities[:, classes])
    events["confidence"] = np.round(likely * results.heights(events, names, counted), 6)
    events = events[likely >= asked.rule.floor].reset_index(drop=True)
    events["note"] = results.notes(events, notes, heard.energy)
    measured = model.measured.get(asked.method.entry, "")
    return Explained(
        name,
        sound.duration,
        model.title,
        asked.method.title,
        asked.method.accuracy(model.folder is not None, model.name == YAMNET, measured),
        _probabilities(model, largest, heard.of_seeds, classes),
        scores,
        events,
        pd.DataFrame({"label": names, "loudness": loudness, "random_head": known}),
        {
            "file": decodable(Path(sound.name).name),
            "rate": sound.rate,
            "divided_by": sound.divisor,
            **_settings(model, asked),
        },
        sound,
        pd.concat(
            [
                pd.DataFrame(heard.stretches, columns=["onset", "offset"], dtype=float),
                pd.DataFrame(heard.probabilities[:, classes], columns=names, dtype=float),
            ],
            axis=1,
        ),
    )


def _settings(model: Model, asked: Asked) -> dict[str, Any]:
    threshold = asked.rule.threshold
    return {
        "model": model.name,
        "seed": model.seed,
        "labels": asked.classes and [model.labels[k] for k in asked.classes],
        "method": asked.method.detector.name,
        "origin": asked.method.origin(model.name),
        "settings": asked.method.settings,
        "threshold": threshold,
        "gap": asked.rule.gap,
        "minimum": asked.rule.minimum,
        "floor": asked.rule.floor,
        "logits": asked.method.framewise,
    }


def _probabilities(model: Model, largest: np.ndarray, of_seeds: np.ndarray, classes: Sequence[int]) -> pd.DataFrame:
    each = of_seeds.max(1) if len(of_seeds) else largest[None]
    table = pd.DataFrame(
        {
            "label": np.asarray(model.labels, dtype=object),
            "probability": largest.astype(float),
            "low": each.min(0).astype(float),
            "high": each.max(0).astype(float),
        }
    )
    table["explained"] = np.isin(np.arange(len(table)), classes)
    rank = {number: place for place, number in enumerate(classes)}
    table["_rank"] = [rank.get(k, len(rank)) for k in range(len(table))]
    # The explained ones in the order of their curves, then all others, the most probable first.
    table = table.sort_values(["_rank", "probability"], ascending=[True, False], kind="stable")
    return table.drop(columns="_rank").reset_index(drop=True)


@torch.no_grad()
def listen(sound: Recording, model: Model, method: Method, count: int) -> Heard:
    """One pass of the network over all windows of a recording, `count` frames of 100 ms long.

    One above full scale passes once more, scaled as a whole, as the workflow does it: only then is its peak known.
    """
    network, classifier, rate = model.network, model.classifier, sound.sample_rate
    plan = _plan(network, sound, model.window)
    head = classifier.head
    if method.framewise and method.detector.learns_from:  # type: ignore[attr-defined]
        head = model.framewise(method.heads or method.detector.name)
    random = torch.from_numpy(controls.random_head(RANDOM_HEADS, head.in_features, 0)["weight"])
    loudness = _Loudness(rate, count)
    places, own, others, of_model, clips, of_seeds = [], [], [], [], [], []
    for number, waveform in enumerate(sound.windows(plan.starts, plan.length)):
        start = plan.starts[number]
        loudness.add(start, waveform.numpy())
        frames = _frames(network, waveform, sound)
        embedded = network.project(frames)[0]
        centres = start + np.round(np.asarray(network.frame_times(len(waveform))) * rate).astype(int)
        inside = windows.inside(plan, number, centres)
        places.append(centres[inside])
        own.append(head(embedded)[inside].numpy())
        others.append((embedded @ random.T)[inside].numpy())
        if model.span is not None:
            of_model.append(classifier.head(embedded)[inside].numpy())
            continue
        embedding = network.project(pooled(frames))
        if type(classifier) is Classifier:
            clips.append(classifier.head(embedding)[0].numpy())
        else:
            clips.append(classifier(waveform[None])[0].numpy())
        if len(model.heads) > 1:
            of_seeds.append(spread(model, embedding)[:, 0])
    sound.check_sounding()
    if sound.peak > 1:
        sound.level()
        return listen(sound, model, method, count)
    times = np.concatenate(places) / rate
    if model.span is not None:
        stretches, logits = _runs(times, np.concatenate(of_model), model.span, sound.samples / rate)
    else:
        borders = np.array(plan.borders()) / rate
        stretches, logits = np.stack([borders[:-1], borders[1:]], 1), np.stack(clips)
    each = expit(np.stack(of_seeds, 1)) if of_seeds else np.zeros((0, *logits.shape))
    logits_of_frames = np.concatenate(own)
    if not (np.isfinite(logits).all() and np.isfinite(logits_of_frames).all()):
        raise InputError(f"{sound.name}: the network {model.name} gives numbers for it that are not finite.")
    return Heard(times, logits_of_frames, np.concatenate(others), stretches, expit(logits), each, loudness.energy())


def _frames(network, waveform: torch.Tensor, sound: Recording) -> torch.Tensor:
    try:
        return network.body(network.spectrum(waveform[None]))
    except RuntimeError as error:
        if sound.duration > 1:
            raise
        raise InputError(f"{sound.name}: lasts {sound.duration:.2f} s, too short for the network ({error}).") from None


def _plan(network, sound: Recording, window: float) -> windows.Plan:
    """Windows whose frames lie where those of one long pass would lie."""
    rate, length = sound.sample_rate, round(window * sound.sample_rate)
    steps = np.diff(np.asarray(network.frame_times(length), float)) * rate
    even = len(steps) and np.abs(steps - steps[0]).max() < 1e-6 and abs(steps[0] - round(steps[0])) < 1e-6
    period = round(steps[0]) if even else round(FRAME * rate)
    return windows.plan(sound.samples, length, min(round(windows.OVERLAP * rate), length // 2), period)


def _runs(times: np.ndarray, logits: np.ndarray, span: float, end: float) -> tuple[np.ndarray, np.ndarray]:
    """Means over as many frames as last for `span`: their beginnings and ends (run, 2) in seconds, logits (run, class).

    A recording that has fewer frames is one run.
    """
    step = times[1] - times[0] if len(times) > 1 else span
    size = min(len(times), max(1, round(span / step)))
    runs = len(times) - size + 1
    sums = logits[:runs].copy()
    for shift in range(1, size):
        sums += logits[shift : shift + runs]
    stretches = np.stack([times[:runs] - step / 2, times[size - 1 :] + step / 2], 1).clip(0, end)
    stretches[0, 0], stretches[-1, 1] = 0, end
    return stretches, sums / size


class _Loudness:
    """Mean squares of frames of 100 ms, of windows that overlap."""

    def __init__(self, rate: int, count: int):
        self._edges = np.round(np.arange(count + 1) * FRAME * rate).astype(int)
        self._sums, self._done = np.zeros(count), 0

    def add(self, start: int, waveform: np.ndarray) -> None:
        end = min(start + len(waveform), self._edges[-1])
        if end > self._done:
            square = waveform[self._done - start : end - start].astype(float) ** 2
            frame = np.searchsorted(self._edges, np.arange(self._done, end), side="right") - 1
            self._sums += np.bincount(frame, square, len(self._sums))
            self._done = end

    def energy(self) -> np.ndarray:
        return self._sums / np.diff(self._edges)


def _on_grid(logits: np.ndarray, times: np.ndarray, count: int, model: Model) -> np.ndarray:
    curves = np.empty((logits.shape[1], count))
    for curve, own in zip(curves, logits.T, strict=True):  # one by one, so that little is held besides
        curve[:] = timeline.resample(own, times, count, rule=model.upsampling)
    return curves


def _attributed(
    sound: Recording, model: Model, asked: Asked, classes: Sequence[int], count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Scores (class, frame) of a method that looks at whole windows, and of the control (1, frame)."""
    rate, method = sound.sample_rate, asked.method.detector.bound(**asked.method.settings)
    plan = windows.plan(count, round(model.window / FRAME), round(windows.FADE / FRAME))
    starts = [round(start * FRAME * rate) for start in plan.starts]
    # One window is the whole recording, with the rest at its end that fills no frame.
    length = sound.samples if len(starts) == 1 else round(plan.length * FRAME * rate)
    other = _random_classifier(model)
    parts: list[np.ndarray] = []
    controlled: list[np.ndarray] = []
    for start, waveform in zip(starts, sound.windows(starts, length), strict=True):
        for classifier, targets, found in ((model.classifier, classes, parts), (other, [0], controlled)):
            if classifier is other and not asked.control:
                continue
            torch.manual_seed(seeds.integer(0, "explain", start))
            scores = attribution.explain(method, classifier, waveform, targets).scores
            found.append(scores.double().numpy()[:, : plan.length])
    return windows.faded(plan, parts), windows.faded(plan, controlled) if controlled else np.zeros((0, count))


def _random_classifier(model: Model) -> Classifier:
    """The same body, with a head of random weights and one output."""
    kind = MeanClassifier if isinstance(model.classifier, MeanClassifier) else Classifier
    return kind.of(model.network, controls.random_head(1, model.classifier.head.in_features, 0))
