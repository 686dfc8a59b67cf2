"""What every detector must do, tested: `igsed test FILE`, or `run` in a test of one's own.

The checks cover what the workflow relies on, with a clip of two seconds and a tiny network of this module, so that they
take seconds and need no download. They cannot tell whether a detector is good at saying *when*; that is what an
experiment is for.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import random
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from igsed import detectors
from igsed.config.detectors import NAME
from igsed.detectors import DETECTORS, Anything, Detector, OfClassifier, OfFrames
from igsed.errors import InputError
from igsed.timeline import FRAME, frame_count

if TYPE_CHECKING:
    import torch

    from igsed.classifier import Classifier

_RATE, _SECONDS = 8000, 2.0
_OTHER_RATE, _OTHER_SECONDS = 16000, 1.57
_CLASSES = 4
_LABELS = ["Cat", "Dog", "Speech"]
_CLASSIFIER_ARGUMENTS = ("classifier", "waveform", "targets")


class Check(NamedTuple):
    """One check of a detector: what it is called, whether it passed, and if not what was expected and found."""

    name: str
    passed: bool
    told: str


class _Unfit(Exception):
    """A detector does not do what it must."""


def run(detector: Detector | str, **settings) -> list[Check]:
    """The checks of a detector, by what it needs; where that of the shape fails, the others are left out.

    Parameters
    ----------
    detector : Detector or str
        A declaration, or a name as `igsed.detectors.find` takes it.
    settings
        Of the detector; what is left out has its default.

    Raises
    ------
    InputError
        There is no such detector, or it does not take these settings.
    """
    if isinstance(detector, str):
        detector = detectors.find(detector)
    declared = [] if detector.settings is Anything else [_perform("declaration", _declaration, detector)]

    def reader(folder: str) -> Callable:
        return detector.bound(**detectors.checked(detector, settings | {"path": folder}))

    subject: Any = reader if detector.needs == "files" else detector.bound(**detectors.checked(detector, settings))
    if isinstance(detector, OfFrames):
        subject = _Pool(subject, detector.outputs(detectors.checked(detector, settings)))
    checks: list[Check] = []
    for name, check in _CHECKS[detector.needs]:
        checks.append(_perform(name, check, subject))
        if name == "shape" and not checks[-1].passed:
            break  # the others look into the scores
    return [*declared, *checks]


def find(what: str) -> list[Detector]:
    """The detectors that are meant: of a file, or the one that is named.

    Parameters
    ----------
    what : str
        A Python file, `package.module:name`, or the name of a built-in or installed detector. Of a file: its
        declarations, and its functions and classes that are called with (classifier, waveform, targets).

    Raises
    ------
    InputError
        There is no such thing, the file cannot be imported, or holds no detector.
    """
    path = Path(what)
    if what not in DETECTORS.names and (path.suffix == ".py" or path.exists()):
        return _in_file(path)
    sys.path.insert(0, str(Path.cwd()))
    return [detectors.find(what)]


def _in_file(path: Path) -> list[Detector]:
    if not path.is_file():
        raise InputError(f"{path}: there is no such file. Name a Python file, or package.module:name.")
    sys.path[:0] = [str(path.resolve().parent), str(Path.cwd())]
    try:
        module = importlib.import_module(path.stem)
    except Exception as error:  # anything may happen in it
        raise InputError(f"{path}: cannot be imported ({type(error).__name__}: {error}). Correct the file.") from None
    if not module.__file__ or Path(module.__file__).resolve() != path.resolve():
        raise InputError(f"{path}: another module is called {path.stem!r} ({module.__file__}). Rename the file.")
    items = [item for name, item in vars(module).items() if not name.startswith("_")]
    declared = list(dict.fromkeys(item for item in items if isinstance(item, Detector)))
    own = [item for item in items if getattr(item, "__module__", None) == path.stem and _explains(item)]
    used = [detector.run for detector in declared]
    plain = [
        OfClassifier(name=item.__name__, title=item.__name__, settings=Anything, run=item, score="the method's own")
        for item in own
        if item not in used and f"{path.stem}:{item.__name__}" not in used
    ]
    if not declared and not plain:
        raise InputError(
            f"{path}: holds no detector. Expected a declaration (igsed new detector NAME writes one), or a function "
            f"with the arguments ({', '.join(_CLASSIFIER_ARGUMENTS)})."
        )
    return [*declared, *plain]


def _explains(item) -> bool:
    """Whether it can be called with a classifier, a clip and classes, and needs nothing else."""
    if inspect.isclass(item):
        call = vars(item).get("__call__")
        skipped = 1
    elif inspect.isfunction(item):
        call, skipped = item, 0
    else:
        return False
    if call is None:
        return False
    parameters = list(inspect.signature(call).parameters.values())[skipped:]
    further = [p for p in parameters[3:] if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    return tuple(p.name for p in parameters[:3]) == _CLASSIFIER_ARGUMENTS and not further


def _perform(name: str, check: Callable, subject) -> Check:
    try:
        with _own_state():
            check(subject)
    except _Unfit as unfit:
        return Check(name, False, str(unfit))
    except Exception as error:  # of a stranger's code, where anything may happen
        message = " ".join(str(error).split())
        return Check(name, False, f"expected no error, found {type(error).__name__}: {message}")
    return Check(name, True, "")


@contextlib.contextmanager
def _own_state() -> Iterator[None]:
    """One thread, and whatever the block does to the generators of random numbers and to torch's settings is undone."""
    import torch

    before, plain = np.random.get_state(), random.getstate()
    kind, deterministic = torch.get_default_dtype(), torch.are_deterministic_algorithms_enabled()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # for numbers as small as these, several are a hundred times slower on a busy machine
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        try:
            yield
        finally:
            np.random.set_state(before)
            random.setstate(plain)
            torch.set_default_dtype(kind)
            torch.use_deterministic_algorithms(deterministic)
            torch.set_num_threads(threads)


def _begin(seed: int) -> None:
    """Before a call: torch's settings, whatever the call before it left, and torch's random numbers."""
    import torch

    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)
    torch.manual_seed(seed)


def _seed(seed: int) -> None:
    """Before a call: the same, and all other random numbers."""
    _begin(seed)
    np.random.seed(seed)
    random.seed(seed)


def _same(found, expected, tolerance: float = 1e-3) -> bool:
    """Equal but for rounding: within `tolerance` of the largest value."""
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    finite = expected[np.isfinite(expected)]
    largest = np.abs(finite).max(initial=0)
    return found.shape == expected.shape and np.allclose(found, expected, 0, tolerance * largest, equal_nan=True)


def _expect_scores(scores, shape: tuple[int, int], kind: str) -> None:
    _expect_shape(scores, shape, kind)
    _expect_finite(scores)


def _expect_shape(scores, shape: tuple[int, ...], kind: str) -> None:
    if tuple(scores.shape) != shape:
        raise _Unfit(f"expected scores {kind} of shape {shape}, found {tuple(scores.shape)}")


def _expect_finite(scores) -> None:
    bad = ~np.isfinite(np.asarray(scores, float))
    if bad.any():
        raise _Unfit(f"expected finite numbers, found {int(bad.sum())} of {bad.size} that are not (NaN or infinite)")


def _declaration(detector: Detector) -> None:
    if not re.fullmatch(NAME, detector.name):
        raise _Unfit(f"expected a name of lower-case letters, digits and underscores, found {detector.name!r}")
    for key in ("title", "score"):
        if not getattr(detector, key).strip():
            raise _Unfit(f"expected a {key}, found an empty text")
    for key, field in detector.settings.model_fields.items():
        if not field.description:
            raise _Unfit(f"expected a description of every setting, found none of {key!r}")
    if detector.needs == "masks" and "filler" not in detector.settings.model_fields:
        raise _Unfit("expected a setting 'filler', which names what stands in for what a mask removes, found none")


# Detectors that explain the classifier


def _classifier(sample_rate: int = _RATE) -> Classifier:
    """A classifier of four classes on a body of two small layers; the same at every call."""
    import torch
    from torch import nn

    from igsed.classifier import Classifier

    class Body(nn.Module):
        """An `igsed.backbones.Backbone`: mean squares of quarters of 40 ms, a rectified and a linear layer."""

        embedding = 5

        def __init__(self):
            super().__init__()
            self.sample_rate = sample_rate
            self.mix, self.out = nn.Linear(4, 6), nn.Linear(6, self.embedding)

        def spectrum(self, waveform):
            hop = sample_rate // 25
            frames = waveform.shape[-1] // hop
            return waveform[:, : frames * hop].unflatten(-1, (frames, 4, hop // 4)).pow(2).mean(-1)

        def body(self, spectrum):
            return torch.relu(self.mix(spectrum))

        def project(self, channels):
            return self.out(channels)

        def frame_times(self, samples):
            return (torch.arange(samples // (sample_rate // 25)) + 0.5) * 0.04

    body, head = Body(), nn.Linear(Body.embedding, _CLASSES)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in [*body.parameters(), *head.parameters()]:
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return Classifier(body.requires_grad_(False), head).eval()


def _clip(sample_rate: int = _RATE, seconds: float = _SECONDS) -> torch.Tensor:
    """Noise with a louder part, (samples,)."""
    import torch

    generator = torch.Generator().manual_seed(4)
    clip = 0.1 * torch.randn(round(seconds * sample_rate), generator=generator, dtype=torch.float32)
    clip[len(clip) // 4 : len(clip) // 2] *= 5
    return clip


def _scores(method: Callable, targets: list[int], classifier=None, clip=None, seed: int = 1) -> torch.Tensor:
    """A method's scores; by default of the two-second clip, with a fresh classifier."""
    import torch

    _seed(seed)
    classifier = _classifier() if classifier is None else classifier
    return torch.as_tensor(method(classifier, _clip() if clip is None else clip, targets)).detach().cpu()


_FRAMES = frame_count(_SECONDS)


def _classifier_shape(method) -> None:
    _expect_shape(_scores(method, [2, 0, 3]), (3, _FRAMES), "(target, frame)")


def _classifier_finite(method) -> None:
    _expect_finite(_scores(method, [2, 0, 3]))


def _classifier_silence(method) -> None:
    import torch

    scores = _scores(method, [2, 0, 3], clip=torch.zeros(round(_SECONDS * _RATE)))
    _expect_scores(scores, (3, _FRAMES), "(target, frame)")


def _classifier_one_class(method) -> None:
    _expect_scores(_scores(method, [1]), (1, _FRAMES), "(target, frame)")


def _classifier_other_classes(method) -> None:
    together = _scores(method, [2, 0, 3])
    for row, target in zip(together, [2, 0, 3], strict=True):
        if not _same(row, _scores(method, [target]).reshape(-1)):
            raise _Unfit(
                f"expected scores of class {target} that do not depend on which other classes are asked for, found "
                f"others for the classes [2, 0, 3] than for [{target}] (a method that draws random numbers draws them "
                "once for all classes)"
            )


def _classifier_repeatable(method) -> None:
    import torch

    classifier, found = _classifier(), []
    for _ in range(2):
        _begin(1)  # no generator but torch's
        found.append(torch.as_tensor(method(classifier, _clip(), [2, 0])).detach().cpu())
    if not _same(found[0], found[1], 1e-5):
        raise _Unfit("expected the same scores from the same call after torch.manual_seed, found others")


def _classifier_unchanged(method) -> None:
    classifier = _classifier()

    def state():
        hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
        yield "parameters", {name: value.detach().clone() for name, value in classifier.state_dict().items()}
        yield "training mode", {name: module.training for name, module in classifier.named_modules()}
        yield "requires_grad", {name: value.requires_grad for name, value in classifier.named_parameters()}
        yield "hooks", {name: sum(len(getattr(m, h)) for h in hooks) for name, m in classifier.named_modules()}

    before = dict(state())
    _scores(method, [2, 0], classifier)
    for what, after in state():
        same = after.keys() == before[what].keys() and all(_same(after[k], before[what][k], 0) for k in after)
        if not same:
            raise _Unfit(f"expected a classifier that is as it was before, found its {what} changed")


def _torch_unchanged(method) -> None:
    import torch

    def state():
        return {
            "whether gradients are recorded": torch.is_grad_enabled(),
            "the default dtype": torch.get_default_dtype(),
            "whether algorithms are deterministic": torch.are_deterministic_algorithms_enabled(),
            "the number of threads": torch.get_num_threads(),
        }

    before = state()
    _scores(method, [2, 0])
    for what, after in state().items():
        if after != before[what]:
            raise _Unfit(f"expected torch's settings to be as before, found {what} changed to {after}")
    generators = []
    for seed in (1, 2):
        _scores(method, [2, 0], seed=seed)
        generators.append((torch.get_rng_state().numpy().tobytes(), np.random.get_state()[1].tobytes()))  # type: ignore[index]
    for name, one, other in zip(("torch", "numpy"), *generators, strict=True):
        if one == other:
            raise _Unfit(
                f"expected {name}'s generator of random numbers to keep its seed, found it seeded anew (use a "
                "generator of your own)"
            )


def _arguments_unchanged(method) -> None:
    clip, targets = _clip(), [2, 0]
    _scores(method, targets, clip=clip)
    if not _same(clip.detach(), _clip(), 0) or clip.requires_grad:
        raise _Unfit("expected the clip to be as before, found it changed (work on waveform.clone())")
    if targets != [2, 0]:
        raise _Unfit(f"expected the list of classes to be as before, found {targets} instead of [2, 0]")


def _classifier_other_clip(method) -> None:
    scores = _scores(method, [2, 0], _classifier(_OTHER_RATE), _clip(_OTHER_RATE, _OTHER_SECONDS))
    kind = f"(target, frame) for {_OTHER_SECONDS} s at {_OTHER_RATE} Hz"
    _expect_scores(scores, (2, frame_count(_OTHER_SECONDS)), kind)


def _explanation(method) -> None:
    from igsed.attribution import Explanation

    if not hasattr(method, "explain"):
        return
    scores = _scores(method, [2, 0])
    _seed(1)
    explanation = method.explain(_classifier(), _clip(), [2, 0])
    if not isinstance(explanation, Explanation):
        raise _Unfit(f"expected explain to return an igsed.attribution.Explanation, found {type(explanation).__name__}")
    if not _same(explanation.scores.detach(), scores):
        raise _Unfit("expected explain to give the scores of the call itself, found others")
    for name, value in explanation._asdict().items():
        if name != "scores" and tuple(value.shape) != (2,):
            raise _Unfit(f"expected {name} of explain of shape (2,), one for each class, found {tuple(value.shape)}")


# Detectors of masked clips


def _masks(method, count: int = _FRAMES, seed: int = 1) -> np.ndarray:
    from igsed.perturbation import masks_of

    return masks_of(method.detector, method.settings, count, np.random.default_rng(seed))


def _masks_fit(method) -> None:
    for count in (_FRAMES, frame_count(_OTHER_SECONDS)):
        masks = _masks(method, count)
        if masks.ndim != 2 or not len(masks) or masks.shape[1] != count or masks.dtype != np.float32:
            raise _Unfit(f"expected masks of float32 (mask, {count}), found {masks.dtype} of shape {masks.shape}")
        if not ((masks >= 0) & (masks <= 1)).all():
            raise _Unfit(f"expected masks in 0…1, found values in {masks.min():g}…{masks.max():g}")


def _masks_repeatable(method) -> None:
    if not np.array_equal(_masks(method), _masks(method)):
        raise _Unfit("expected the same masks from generators of the same seed, found others (draw from no other)")


def _masks_count(method) -> None:
    said, found = method.detector.count(method.settings), len(_masks(method, 100))
    if said != found:
        raise _Unfit(f"expected as many masks for 100 frames as count says, {said}, found {found}")


def _masks_by_hand(method) -> None:
    """Each masked clip goes through the classifier alone."""
    import torch

    from igsed.attribution.baselines import FILLERS
    from igsed.attribution.masking import generator
    from igsed.perturbation import masks_of, scores_of

    targets, clip, classifier = [2, 0, 3], _clip(), _classifier()
    found = _scores(method, targets, classifier, clip)
    _seed(1)
    masks = masks_of(method.detector, method.settings, _FRAMES, generator())
    filler = FILLERS[method.settings["filler"]](clip, _RATE)
    kept = torch.from_numpy(masks).to(clip).repeat_interleave(round(FRAME * _RATE), 1)
    with torch.no_grad():
        logits = torch.cat([classifier((clip * mask + filler * (1 - mask))[None]) for mask in kept]).numpy()[:, targets]
        logit = classifier(clip[None]).numpy()[0, targets]
    given = masks, logits, logit
    before = [array.copy() for array in given]
    expected = scores_of(method.detector, method.settings, *given)
    if not all(_same(array, copy, 0) for array, copy in zip(given, before, strict=True)):
        raise _Unfit("expected masks and logits to be as before, found them changed (work on a copy)")
    if not _same(found, expected):
        raise _Unfit("expected the scores of the masked clips' logits from one pass each, found others")


# Detectors that score every label, by a function of theirs and the labels


def _labels_shape(scores: Callable, function: Callable) -> None:
    _expect_shape(scores(function), (3, _FRAMES), "(label, frame)")


def _labels_finite(scores: Callable, function: Callable) -> None:
    _expect_finite(scores(function))


def _labels_one(scores: Callable, function: Callable) -> None:
    _expect_scores(scores(function, ["Dog"]), (1, _FRAMES), "(label, frame)")


def _labels_other(scores: Callable, function: Callable) -> None:
    for row, label in zip(scores(function), _LABELS, strict=True):
        if not _same(row, scores(function, [label]).reshape(-1)):
            raise _Unfit(
                f"expected scores of {label} that do not depend on which other classes are asked for, found others for "
                f"{_LABELS} than for ['{label}'] (what is drawn at random, igsed.seeds.generator draws for each alone)"
            )


# Detectors of the sound alone


def _of_sound(function: Callable, labels=_LABELS, sample_rate: int = _RATE, seconds: float = _SECONDS, clip=None):
    """Scores of a function of the sound."""
    _seed(1)
    waveform = _clip(sample_rate, seconds).numpy() if clip is None else clip
    return np.asarray(function(waveform, sample_rate, labels, 5, "clip_0"))


def _sound_silence(function) -> None:
    silence = np.zeros(round(_SECONDS * _RATE), np.float32)
    _expect_scores(_of_sound(function, clip=silence), (3, _FRAMES), "(label, frame)")


def _sound_repeatable(function) -> None:
    first, second = (np.asarray(function(_clip().numpy(), _RATE, _LABELS, 5, "clip_0")) for _ in range(2))
    if not _same(first, second, 1e-9):
        raise _Unfit("expected the same scores from the same call, found others (draw from igsed.seeds.generator)")


def _sound_unchanged(function) -> None:
    waveform, labels = _clip().numpy(), list(_LABELS)
    function(waveform, _RATE, labels, 5, "clip_0")
    if not _same(waveform, _clip().numpy(), 0) or labels != _LABELS:
        raise _Unfit("expected the clip and the labels to be as before, found them changed (work on a copy)")


def _sound_other_clip(function) -> None:
    scores = _of_sound(function, ["Dog", "Cat"], _OTHER_RATE, _OTHER_SECONDS)
    kind = f"(label, frame) for {_OTHER_SECONDS} s at {_OTHER_RATE} Hz"
    _expect_scores(scores, (2, frame_count(_OTHER_SECONDS)), kind)


# Detectors of the known events


_EVENTS = pd.DataFrame(
    [(0.25, 0.8, "Dog"), (0.5, 1.93, "Frying"), (1.0, 1.57, "Speech"), (1.31, 1.38, "Dog"), (1.5, _SECONDS, "Cat")],
    columns=["onset", "offset", "event_label"],
)


def _of_events(function: Callable, labels=_LABELS, seconds: float = _SECONDS, events: pd.DataFrame = _EVENTS):
    """Scores of a function of the events, of which some are of a class that is not asked for."""
    _seed(1)
    within = events[events["onset"] < seconds].assign(offset=events["offset"].clip(upper=seconds))
    return np.asarray(function(within, labels, seconds))


def _events_none(function) -> None:
    _expect_scores(_of_events(function, events=_EVENTS.iloc[:0]), (3, _FRAMES), "(label, frame)")


def _events_repeatable(function) -> None:
    first, second = (np.asarray(function(_EVENTS.copy(), list(_LABELS), _SECONDS)) for _ in range(2))
    if not _same(first, second, 1e-9):
        raise _Unfit("expected the same scores from the same call, found others")


def _events_unchanged(function) -> None:
    events, labels = _EVENTS.copy(), list(_LABELS)
    function(events, labels, _SECONDS)
    if not events.equals(_EVENTS) or labels != _LABELS:
        raise _Unfit("expected the events and the labels to be as before, found them changed (work on a copy)")


def _events_other_clip(function) -> None:
    scores = _of_events(function, ["Dog", "Cat"], _OTHER_SECONDS)
    _expect_scores(scores, (2, frame_count(_OTHER_SECONDS)), f"(label, frame) for {_OTHER_SECONDS} s")


# How frames become a clip


class _Pool(NamedTuple):
    """A pooling, and how many outputs per class a head for it has."""

    call: Callable
    outputs: int

    def logits(self, frames: int = 7) -> torch.Tensor:
        """A head's outputs on two clips of three classes, (batch, frame, output)."""
        import torch

        return torch.randn((2, frames, 3 * self.outputs), generator=torch.Generator().manual_seed(5))


def _pool_shape(pool: _Pool) -> None:
    if pool.outputs < 1:
        raise _Unfit(f"expected at least one output per class, found {pool.outputs}")
    for frames in (7, 1):
        found = pool.call(pool.logits(frames))
        _expect_shape(found, (2, 3), f"of {frames} frames and {pool.outputs} outputs per class (batch, class)")


def _pool_finite(pool: _Pool) -> None:
    for factor in (1, 0, 1000, -1000):
        _expect_finite(pool.call(factor * pool.logits()).detach())


def _pool_gradient(pool: _Pool) -> None:
    import torch

    for factor in (1, 0, 1000, -1000):
        logits = (factor * pool.logits()).requires_grad_()
        pooled = pool.call(logits)
        if not pooled.requires_grad:
            raise _Unfit("expected a result through which the head learns, found one without gradient")
        (gradient,) = torch.autograd.grad(pooled.sum(), logits)
        _expect_finite(gradient)
        if factor == 1 and not gradient.abs().sum(1).gt(0).all():
            raise _Unfit("expected every output of every clip to have a gradient for some frame, found one without")


def _pool_other_clips(pool: _Pool) -> None:
    logits = pool.logits()
    if not _same(pool.call(logits)[:1], pool.call(logits[:1]), 1e-5):
        raise _Unfit("expected a clip's result not to depend on the other clips of the batch, found that it does")


def _pool_other_classes(pool: _Pool) -> None:
    logits = pool.logits()
    for k in range(3):
        if not _same(pool.call(logits)[:, k : k + 1], pool.call(logits[..., k::3]), 1e-5):
            raise _Unfit("expected a class's result not to depend on the other classes, found that it does")


# Scores from files


_CLIPS = pd.DataFrame({"clip": ["clip_0", "clip_1"], "duration": [1.0, 0.57]})
_SPLIT = "validation"


def _example() -> pd.DataFrame:
    """Scores of every class in every frame of two clips: `clip, label, frame, score`."""
    rng = np.random.default_rng(6)
    rows = [
        (clip.clip, label, frame)
        for clip in _CLIPS.itertuples()
        for label in _LABELS
        for frame in range(frame_count(clip.duration))
    ]
    return pd.DataFrame(rows, columns=["clip", "label", "frame"]).assign(score=rng.normal(size=len(rows)))


def _write_tables(folder: Path, scores: pd.DataFrame) -> None:
    """A table for each clip, as sed_scores_eval writes them; the last whole frame reaches to the clip's end."""
    (folder / _SPLIT).mkdir()
    for clip, duration in _CLIPS.itertuples(index=False):
        rows = scores[scores["clip"] == clip].pivot(index="frame", columns="label", values="score").reset_index()
        frame = rows.pop("frame")
        rows.insert(0, "onset", (frame * FRAME).round(3))
        rows.insert(1, "offset", ((frame + 1) * FRAME).where(frame < frame_count(duration) - 1, duration).round(3))
        if len(rows):
            rows.to_csv(folder / _SPLIT / f"{clip}.tsv", sep="\t", index=False)


def _write_parquet(folder: Path, scores: pd.DataFrame) -> None:
    scores.to_parquet(folder / f"{_SPLIT}.parquet", index=False)


def _read(reader: Callable, write: Callable, scores: pd.DataFrame, damage: Callable | None = None) -> dict:
    """Clip → scores (label, frame) of files in a folder of their own."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), scores)
        if damage:
            damage(Path(folder, _SPLIT, "clip_1.tsv"))
        return dict(reader(folder)(_SPLIT, _CLIPS, _LABELS))


def _expect_example(reader: Callable, write: Callable) -> None:
    example, found = _example(), _read(reader, write, _example())
    if list(found) != list(_CLIPS["clip"]):
        raise _Unfit(f"expected scores of the clips {list(_CLIPS['clip'])}, in this order, found {list(found)}")
    for clip, scores in found.items():
        expected = example[example["clip"] == clip]["score"].to_numpy().reshape(len(_LABELS), -1)
        _expect_shape(np.asarray(scores), expected.shape, "(label, frame)")
        if not _same(scores, expected, 1e-6):
            raise _Unfit(f"expected the scores of {clip} as they are in the file, found others")


def _expect_refusal(what: str, read: Callable) -> None:
    try:
        read()
    except InputError:
        return
    except Exception as error:
        raise _Unfit(f"expected an InputError for {what}, found {type(error).__name__}: {error}") from None
    raise _Unfit(f"expected an InputError for {what}, found that they were taken")


def _damaged(reader: Callable, write: Callable) -> None:
    example = _example()
    last = example["clip"] == "clip_1"
    for what, scores in {
        "scores that lack a clip": example[~last],
        "scores that lack a class": example[example["label"] != "Dog"],
        "scores that are no number": example.assign(score=example["score"].where(example["frame"] != 2)),
        "scores that end too early": example[~last | (example["frame"] < 3)],
    }.items():
        _expect_refusal(what, lambda scores=scores: _read(reader, write, scores))


def _files_tables(reader) -> None:
    _expect_example(reader, _write_tables)


def _files_parquet(reader) -> None:
    _expect_example(reader, _write_parquet)


def _files_damaged_tables(reader) -> None:
    def gap(path: Path) -> None:
        header, first, _, *others = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join([header, first, *others]), encoding="utf-8")

    _damaged(reader, _write_tables)
    _expect_refusal("a table with a gap", lambda: _read(reader, _write_tables, _example(), gap))


def _files_damaged_parquet(reader) -> None:
    _damaged(reader, _write_parquet)
    twice = pd.concat([_example(), _example().iloc[:1]])
    _expect_refusal("scores with a frame that occurs twice", lambda: _read(reader, _write_parquet, twice))


_CHECKS: dict[str, list[tuple[str, Callable]]] = {
    "classifier": [
        ("shape", _classifier_shape),
        ("finite numbers", _classifier_finite),
        ("silence", _classifier_silence),
        ("one class", _classifier_one_class),
        ("other classes", _classifier_other_classes),
        ("repeatable", _classifier_repeatable),
        ("classifier unchanged", _classifier_unchanged),
        ("torch unchanged", _torch_unchanged),
        ("arguments unchanged", _arguments_unchanged),
        ("other length and rate", _classifier_other_clip),
        ("explanation", _explanation),
    ],
    "masks": [
        ("shape", _classifier_shape),
        ("masks", _masks_fit),
        ("same masks", _masks_repeatable),
        ("number of masks", _masks_count),
        ("finite numbers", _classifier_finite),
        ("silence", _classifier_silence),
        ("one class", _classifier_one_class),
        ("other classes", _classifier_other_classes),
        ("repeatable", _classifier_repeatable),
        ("classifier unchanged", _classifier_unchanged),
        ("torch unchanged", _torch_unchanged),
        ("arguments unchanged", _arguments_unchanged),
        ("other length and rate", _classifier_other_clip),
        ("by hand", _masks_by_hand),
    ],
    "waveform": [
        ("shape", functools.partial(_labels_shape, _of_sound)),
        ("finite numbers", functools.partial(_labels_finite, _of_sound)),
        ("silence", _sound_silence),
        ("one class", functools.partial(_labels_one, _of_sound)),
        ("other classes", functools.partial(_labels_other, _of_sound)),
        ("repeatable", _sound_repeatable),
        ("arguments unchanged", _sound_unchanged),
        ("other length and rate", _sound_other_clip),
    ],
    "events": [
        ("shape", functools.partial(_labels_shape, _of_events)),
        ("finite numbers", functools.partial(_labels_finite, _of_events)),
        ("no event", _events_none),
        ("one class", functools.partial(_labels_one, _of_events)),
        ("other classes", functools.partial(_labels_other, _of_events)),
        ("repeatable", _events_repeatable),
        ("arguments unchanged", _events_unchanged),
        ("other length", _events_other_clip),
    ],
    "frames": [
        ("shape", _pool_shape),
        ("finite numbers", _pool_finite),
        ("gradient", _pool_gradient),
        ("other clips", _pool_other_clips),
        ("other classes", _pool_other_classes),
    ],
    "files": [
        ("tables", _files_tables),
        ("Parquet", _files_parquet),
        ("damaged tables", _files_damaged_tables),
        ("damaged Parquet", _files_damaged_parquet),
    ],
}
"""By what a detector needs: the names and functions of its checks."""
