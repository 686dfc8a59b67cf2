"""Detectors: everything that can say *when*, as one score per 100 ms frame of a clip and class.

A detector is declared once, in a module of this package or elsewhere, as an object of one of six classes, which say
what it needs:

- `OfWaveform`: the clip's sound alone (random, energy);
- `OfEvents`: the clip's known events (the oracle);
- `OfFrames`: a linear head on the frozen body's frames, one of its own, which the workflow trains (FW-WS, FW-SS), or
  the clip classifier's (the class activation map);
- `OfClassifier`: the trained clip classifier, which it explains (gradients, integrals, relevance);
- `OfMasks`: what the clip classifier makes of the clip with parts of it replaced (occlusion, RISE, LIME);
- `OfFiles`: scores made elsewhere.

In an experiment a detector stands under `detectors` by its name, or as a mapping with a `name`, a `method` and the
method's settings, so that one method can stand there several times. A plain function ``(classifier, waveform, targets)
-> (target, frame)``, named as ``package.module:function``, is a detector that needs the classifier.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import pydantic

from igsed.components import Component, Family, imported
from igsed.errors import InputError
from igsed.settings import Section


class Style(NamedTuple):
    """How a detector is drawn, the same in all figures: colour, line style (matplotlib's) and marker."""

    colour: str
    line: str | tuple
    marker: str


class Passes(NamedTuple):
    """What a detector computes per clip: passes through the network.

    `forward`: for a clip, whatever the number of classes; `backward`: for each class. A forward pass through the front
    end alone counts as none.
    """

    forward: float
    backward: float = 0.0


class Published(NamedTuple):
    """What arXiv:2605.23293 says of a detector; rates in 0…1.

    `place`: which row of Table II is its own; `iou`, `f1`, `iou_std`, `pointing_game`: that row. `classes`: label → IoU
    and F1, its column of Table III. `peaks`: metric → percentile and value where its curve in Figure 3 is highest.
    """

    place: int
    iou: float
    f1: float
    iou_std: float
    pointing_game: float
    classes: Mapping[str, tuple[float, float]] = {}
    peaks: Mapping[str, tuple[int, float]] = {}


@dataclass(frozen=True, kw_only=True)
class Detector(Component):
    """What every detector says of itself, besides `igsed.components.Component`.

    Attributes
    ----------
    run : str or callable
        What makes the scores, or ``package.module:name`` of it, imported when it runs; see the classes below.
    score : str
        What a score is, with its unit, in a few words.
    style : Style, optional
        Of igsed's own. Without one, and for a detector from elsewhere, the name chooses one of the styles for further
        detectors (`igsed.report.styles`).
    published : Published, optional
        The paper's numbers.
    limit : {"chance", "ceiling"}, optional
        What figures show by it as a line: what scores reach that know nothing, or everything.
    """

    needs: ClassVar[str]
    seeded: ClassVar[bool] = True
    """Whether there are scores for each seed of the models; without a model there is one set, of seed 0."""

    run: str | Callable
    score: str
    style: Style | None = None
    published: Published | None = None
    limit: Literal["chance", "ceiling"] | None = None

    @property
    def runs_in(self) -> set[str]:
        """The modules that make the scores."""
        return {_module(self.run)}

    def bound(self, **settings) -> Callable:
        """What makes the scores, with its settings: an instance of a class, a function with bound arguments.

        Raises
        ------
        InputError
            It cannot be imported, or does not take these settings.
        """
        try:
            made = imported(self.run) if isinstance(self.run, str) else self.run
            if isinstance(made, type):
                return made(**settings)
            inspect.signature(made).bind_partial(**settings)
        except (ImportError, AttributeError, TypeError, ValueError) as error:
            raise InputError(f"detector {self.name!r}: {error}. Correct its name or settings.") from None
        bound = functools.partial(made, **settings)
        if hasattr(made, "explain"):
            bound.explain = functools.partial(made.explain, **settings)  # type: ignore[attr-defined]
        return bound


def _module(function: str | Callable) -> str:
    return function.partition(":")[0] if isinstance(function, str) else function.__module__


def _one(settings: Mapping[str, Any]) -> int:
    return 1


def _once(settings: Mapping[str, Any]) -> Passes:
    return Passes(1, 1)


def _none(settings: Mapping[str, Any]) -> str:
    return ""


@dataclass(frozen=True, kw_only=True)
class OfWaveform(Detector):
    """A detector that knows no model.

    `run` is a function ``(waveform (samples,), sample_rate, labels, seed, clip, **settings) -> (label, frame)``.
    """

    needs: ClassVar[str] = "waveform"
    seeded: ClassVar[bool] = False


@dataclass(frozen=True, kw_only=True)
class OfEvents(Detector):
    """A control that knows the truth.

    `run` is a function ``(events, labels, duration, **settings) -> (label, frame)``; `events` are those of one clip,
    with the columns `onset`, `offset` (s) and `event_label`.
    """

    needs: ClassVar[str] = "events"
    seeded: ClassVar[bool] = False


@dataclass(frozen=True, kw_only=True)
class OfFrames(Detector):
    """A detector whose scores are the logits of a linear head on the body's frames.

    `run` is a function ``(logits (…, frame, output) as a torch.Tensor, **settings) -> (…, class)``: how the frames of a
    clip become one logit when the head learns from clip labels. `learns_from` says from which labels the head learns:
    those of clips, those of frames, or "" for the head of the clip classifier, which is trained already. `trained_on`
    is the split that it learns from; from "validation" it takes four clips in five and stops by the fifth. `outputs`
    gives the head's outputs per class, of the settings; the first of them, class by class, are the scores.
    """

    needs: ClassVar[str] = "frames"
    learns_from: Literal["clip", "frame", ""]
    trained_on: Literal["train", "validation"] = "train"
    outputs: Callable[[Mapping[str, Any]], int] = _one


@dataclass(frozen=True, kw_only=True)
class OfClassifier(Detector):
    """A detector that explains the clip classifier.

    `run` is a function ``(classifier, waveform, targets, **settings) -> (target, frame)``, or a class that is made with
    the settings and called with these arguments: an `igsed.classifier.Classifier`, a tensor (samples,), class indices.
    An object that also has ``explain_batch(classifier, waveforms (clip, samples), targets of each clip)``, a list of
    `igsed.attribution.Explanation`, is given several clips at a time.

    Attributes
    ----------
    steps : str
        The setting in which its time is linear, if there is one.
    passes : callable
        Of the settings: a `Passes`.
    sounds : callable
        Of the settings: which sounds of the training clips it takes, as the further keyword argument `sounds`, a tensor
        (sound, samples) at the classifier's rate: "backgrounds" (stretches without events, repeated to the length of a
        clip), "clips", or "" for none. Their number is the setting `draws`.
    """

    needs: ClassVar[str] = "classifier"
    steps: str = ""
    passes: Callable[[Mapping[str, Any]], Passes] = _once
    sounds: Callable[[Mapping[str, Any]], str] = _none


@dataclass(frozen=True, kw_only=True)
class OfMasks(Detector):
    """A detector that sees what the clip classifier makes of the clip with parts of it replaced.

    Masked clips go through the frozen body once: their embeddings serve every seed, every class, and every detector
    with the same masks and filler.

    Attributes
    ----------
    masks : str or callable
        A function ``(count, generator, **settings) -> (mask, frame)`` of the number of frames and a
        `numpy.random.Generator`: how much of each frame of 100 ms is kept, 0…1, as float32; it is given those
        settings that it names after these two. Or ``package.module:name`` of it.
    run
        A function ``(masks (mask, frame), logits (mask, class), logit (class,), **settings) -> (class, frame)``, arrays
        of numpy: the classifier's logits of the masked clips and of the whole clip; it too is given those settings that
        it names after these three.
    count : callable
        Of the settings, the number of masks for a clip of 100 frames.

    The setting `filler` names what stands in for what a mask removes (`igsed.attribution.baselines`).
    """

    needs: ClassVar[str] = "masks"
    masks: str | Callable
    count: Callable[[Mapping[str, Any]], int]

    @property
    def runs_in(self) -> set[str]:
        """The modules that draw the masks and make the scores."""
        return {_module(self.run), _module(self.masks)}

    def bound(self, **settings) -> Callable:
        """A callable ``(classifier, waveform, targets) -> (target, frame)``, `igsed.attribution.masking.Masked`."""
        return imported("igsed.attribution.masking:Masked")(self, settings)


@dataclass(frozen=True, kw_only=True)
class OfFiles(Detector):
    """A detector whose scores were made elsewhere.

    `run` is a function ``(split, clips, labels, **settings) -> iterable of (clip, (label, frame))``; `clips` has the
    columns `clip` and `duration`. The setting `path` names the files.
    """

    needs: ClassVar[str] = "files"
    seeded: ClassVar[bool] = False


DETECTORS: Family[Detector] = Family("detector", "igsed.detectors", Detector)
"""All detectors that need no path to be found."""


def limits() -> dict[str, str]:
    """The built-in detectors that figures show as a line → what it is, "chance" or "ceiling", in this order."""
    found = ((name, one.limit) for name, one in DETECTORS.built_in.items() if one.limit)
    return dict(sorted(found, key=lambda item: item[1] != "chance"))


class Anything(Section):
    """The keyword arguments of a plain function."""

    model_config = pydantic.ConfigDict(extra="allow", frozen=True)


def find(name: str) -> Detector:
    """The detector with a name: a built-in or installed one, or ``package.module:name``, which is imported.

    Raises
    ------
    InputError
        There is none, or what is named is neither a declaration nor a function or class.
    """
    if ":" in name:
        try:
            found = imported(name)
        except (ImportError, AttributeError, ValueError) as error:
            raise InputError(f"detector {name!r}: {error}. Correct the name, or install what it names.") from None
        if not isinstance(found, Detector):
            if not callable(found):
                raise InputError(f"detector {name!r}: is neither a declaration nor a function or class.")
            return plain(name)
    return DETECTORS.find(name)


def plain(path: str) -> OfClassifier:
    """The detector that a plain function or class at ``package.module:name`` is; it is not imported."""
    name = path.rpartition(":")[2]
    return OfClassifier(name=name, title=name, settings=Anything, run=path, score="the method's own")


def load(name: str, **settings) -> Callable:
    """What makes a detector's scores; for one that needs the classifier ``(classifier, waveform, targets) -> scores``.

    Parameters
    ----------
    name : str
        As of `find`.
    settings
        Of the detector; what is left out has its default. Where it takes sounds of training clips
        (`OfClassifier.sounds`), these too, as `sounds`.

    Raises
    ------
    InputError
        There is no such detector, or it does not take these settings.

    Examples
    --------
    >>> import numpy as np
    >>> load("energy")(np.ones(3200, np.float32), 16000, ["Dog"], seed=0, clip="a")
    array([[1., 1.]])
    """
    detector, sounds = find(name), {}
    if isinstance(detector, OfClassifier) and "sounds" in settings and "sounds" not in detector.settings.model_fields:
        sounds["sounds"] = settings.pop("sounds")
    full = checked(detector, settings)
    if isinstance(detector, OfClassifier) and sounds and not detector.sounds(full):
        raise InputError(f"detector {name!r}: takes no sounds with these settings. Leave them out.")
    return detector.bound(**full, **sounds)


def checked(detector: Detector, settings: Mapping[str, Any]) -> dict[str, Any]:
    """A detector's settings with their defaults.

    Raises
    ------
    InputError
        There is no such setting, or a value is not possible.
    """
    try:
        return detector.settings.model_validate(dict(settings)).model_dump()
    except pydantic.ValidationError as error:
        problem = error.errors(include_url=False)[0]
        key = ".".join(map(str, problem["loc"]))
        known = ", ".join(detector.settings.model_fields) or "none"
        raise InputError(f"detector {detector.name!r}: {key}: {problem['msg']}. Its settings: {known}.") from None


def title_of(name: str) -> str:
    """What people read for a detector of an experiment: a built-in one's title, another one's name."""
    return DETECTORS.built_in[name].title if name in DETECTORS.built_in else name


def published() -> list[Detector]:
    """The detectors of the paper, in the order of its Table II."""
    rows = [(d.published.place, d.name, d) for d in DETECTORS.built_in.values() if d.published]
    return [detector for *_, detector in sorted(rows, key=lambda row: row[:2])]
