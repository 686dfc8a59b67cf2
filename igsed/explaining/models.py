"""The classifiers that can be explained: YAMNet with its own classes, what an experiment has trained, one's own."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pydantic
import torch
import yaml
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from igsed import LABELS, backbones
from igsed.backbones.yamnet import weights
from igsed.classifier import Classifier
from igsed.components import imported
from igsed.errors import InputError
from igsed.explaining import methods
from igsed.jobs import integrity

YAMNET = "yamnet"
"""The name of the default."""

_MADE_ANEW = "Have it made anew by a run, or copy the folder again."

PATCH = 0.96
"""Seconds that the published YAMNet looks at; the span of a probability."""


class MeanOfFrames(nn.Module):
    """A backbone whose frames, pooled as `igsed.pooling` does it, give the mean of another's frames.

    `body` gives half the mean for every frame, so that maximum plus mean are the mean: methods that pool by themselves
    then see the network as it was published.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network: Any = network
        self.sample_rate, self.embedding = network.sample_rate, network.embedding

    def spectrum(self, waveform: torch.Tensor) -> torch.Tensor:
        """As of the network."""
        return self.network.spectrum(waveform)

    def body(self, spectrum: torch.Tensor) -> torch.Tensor:
        """Half the mean of the network's frames, as often as there are frames (batch, frame, channel)."""
        frames = self.network.body(spectrum)
        return (frames.mean(1, keepdim=True) / 2).expand_as(frames)

    def project(self, channels: torch.Tensor) -> torch.Tensor:
        """As of the network."""
        return self.network.project(channels)

    def frame_times(self, samples: int) -> torch.Tensor:
        """As of the network."""
        return self.network.frame_times(samples)


class MeanClassifier(Classifier):
    """A classifier whose clip logits are the head on the mean over frames, without the maximum."""

    def __init__(self, network: nn.Module, head: nn.Linear):
        super().__init__(MeanOfFrames(network), head)

    def frames(self, waveform: torch.Tensor) -> torch.Tensor:
        """Frame logits (batch, frame, class) of waveforms (batch, samples)."""
        network = self.backbone.network
        return self.head(network.project(network.body(network.spectrum(waveform))))


@dataclass(frozen=True)
class Model:
    """A classifier and what is to be known of it.

    Attributes
    ----------
    name : str
        As the user named it.
    labels : tuple of str
        Its classes, in the order of its outputs.
    classifier : igsed.classifier.Classifier
        Or what has `sample_rate`, `backbone` and `head`, and is called with waveforms (batch, samples).
    window : float
        Seconds of the clips that it is made for.
    span : float or None
        Seconds over which the mean of its frames is taken for a probability; None: those of a window.
    heads : tuple of mapping
        `weight` and `bias` of the heads of several seeds, of which `classifier.head` is the mean.
    upsampling : str
        How its frames come to the grid of 100 ms (`igsed.timeline.resample`).
    folder : Path or None
        Of the experiment.
    detectors : mapping
        Those of the experiment, as `igsed.explaining.methods.entries` has them.
    measured : mapping
        Detector → how well it did in the experiment, in a sentence.
    """

    name: str
    labels: tuple[str, ...]
    classifier: Any
    window: float = 10.0
    span: float | None = None
    heads: tuple[dict[str, torch.Tensor], ...] = ()
    upsampling: str = "linear"
    folder: Path | None = None
    seed: int | None = None
    detectors: Mapping[str, methods.Entry] = field(default_factory=dict)
    measured: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """For people."""
        return "YAMNet" if self.name == YAMNET else self.name if self.seed is None else f"{self.name}, seed {self.seed}"

    @property
    def network(self) -> Any:
        """The backbone whose frames are the network's own."""
        backbone = self.classifier.backbone
        return backbone.network if isinstance(backbone, MeanOfFrames) else backbone

    def check(self, method: methods.Method) -> None:
        """Refuse a method for which it has no head.

        Raises
        ------
        InputError
            It has none.
        """
        if method.framewise and method.detector.learns_from:  # type: ignore[attr-defined]
            self.framewise(method.heads or method.detector.name)

    def framewise(self, name: str) -> torch.nn.Linear:
        """The head on frames that the experiment has trained under a name (`fw_ws`, `fw_ss`, …), mean over seeds.

        Raises
        ------
        InputError
            There is none.
        """
        if self.folder is None:
            raise InputError(
                f"method {name!r}: learns from clips, and {self.name} has no such head. Name an experiment as the "
                "model, or use another method."
            )
        heads = _heads(self.folder / "models" / name, self.seed)
        return _linear(heads, len(self.labels), self.folder / "models" / name)


def load(name: str | Path | Any = YAMNET, seed: int | None = None) -> Model:
    """The model that is meant.

    Parameters
    ----------
    name : str, path or object
        "yamnet"; `results/<experiment>` after a run; `file.py:name` or `package.module:name` of a classifier, or of a
        function without arguments that gives one; or a classifier.
    seed : int, optional
        Of an experiment's heads; by default their mean.

    Raises
    ------
    InputError
        There is no such thing, its weights cannot be fetched, or it is no classifier.
    """
    is_path = isinstance(name, str | Path)
    if is_path and str(name) != YAMNET and os.path.isdir(name):
        return experiment(name, seed)
    if seed is not None:
        raise InputError(f"seed {seed}: only the heads of an experiment have seeds. Leave it out, or name results/….")
    if not is_path:
        return _own(name, type(name).__name__)
    if str(name) == YAMNET:
        return yamnet()
    if ":" in str(name):
        return _own(_found(str(name)), str(name))
    raise InputError(
        f"model {str(name)!r}: there is no such folder. Name results/<experiment> of a run, file.py:name of a "
        f"classifier, or {YAMNET}."
    )


def yamnet() -> Model:
    """YAMNet as it was published, with its 521 classes; see `igsed.backbones.Network.obtain` for where it lies."""
    path = backbones.NETWORKS.find(YAMNET).obtain()
    names = weights.class_names(path.parent)
    network: Any = backbones.load(YAMNET, path)
    return Model(YAMNET, tuple(names), MeanClassifier(network, network.dense).eval(), span=PATCH)


def experiment(folder: str | Path, seed: int | None = None) -> Model:
    """The classifier of an experiment: its backbone, and the mean of its clip heads or that of one seed.

    Raises
    ------
    InputError
        The folder holds no trained classifier, or a file in it is damaged.
    """
    folder = Path(folder)
    config = configuration(folder)
    backbone, mixtures, upsampling = dict(config["backbone"]), config["mixtures"], config["evaluation"]["upsampling"]
    network = backbones.NETWORKS.find(backbone.pop("name"))
    try:
        settings = network.settings.model_validate(backbone)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, ("backbone", *first["loc"])))
        raise InputError(f"{folder / 'config.yaml'}: {key}: {first['msg']}. {_MADE_ANEW}") from None
    place = Path(network.place(settings, str(folder), str(folder.resolve().parents[1] / "resources")))
    if not place.exists():
        if not network.make or network.own_weights(settings):
            raise InputError(f"{place}: there is no such file. Run the experiment again, which makes it anew.")
        place = network.obtain()
    backbone.pop("weights", None)
    heads = _heads(folder / "models" / "clip", seed)
    labels = _labels(folder, config)
    head = _linear(heads, len(labels), folder / "models" / "clip")
    body: Any = backbones.load(network.name, place, **backbone)
    classifier = Classifier(body, head).eval()
    return Model(
        str(folder),
        tuple(labels),
        classifier,
        float(mixtures["duration"]),
        None,
        heads,
        upsampling,
        folder,
        seed,
        methods.entries(config),
        _measured(folder),
    )


def _measured(folder: Path) -> dict[str, str]:
    """How well each detector of an experiment did in it, in a sentence; nothing where its tables are not there yet."""
    path = folder / "tables" / "detection.csv"
    if not path.is_file():
        return {}
    integrity.check([path])
    try:
        table = pd.read_csv(path).drop_duplicates("detector").set_index("detector")
        values = table[["average_precision", "average_precision_low", "average_precision_high"]].astype(float).dropna()
    except (ValueError, KeyError) as error:
        raise InputError(f"{path}: cannot be read as the table of detection ({error}). {_MADE_ANEW}") from None
    energy = f"; loudness alone {values.loc['energy'].iloc[0]:.2f}" if "energy" in values.index else ""
    told = f"Average precision of frames in {folder}, on its own test clips"
    return {
        str(name): f"{told}: {value:.2f} [{low:.2f}, {high:.2f}]{energy}."
        for name, value, low, high in values.itertuples()
    }


def configuration(folder: str | Path) -> dict[str, Any]:
    """The configuration of an experiment, as far as it is looked at here.

    Raises
    ------
    InputError
        There is none, it lacks something, or it was edited.
    """
    path = Path(folder, "config.yaml")
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        dict(config["backbone"])["name"], float(config["mixtures"]["duration"]), config["evaluation"]["upsampling"]
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file. Name results/<experiment> of a finished run.") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{path}: cannot be read as the configuration of an experiment ({reason}). {_MADE_ANEW}"
        ) from None
    integrity.check([path])
    return config


def digest(model: Model, method: methods.Method) -> str:
    """One word for all that a model and a method bring to an explanation: weights, classes, settings.

    It costs reading the weights once (0.02 s for YAMNet).
    """
    made = hashlib.sha256()
    told = [model.labels, model.window, model.span, model.upsampling, method.detector.name, method.settings]
    made.update(json.dumps(told, sort_keys=True, default=str).encode())
    parts = [part for part in (model.classifier.backbone, model.classifier.head) if isinstance(part, nn.Module)]
    if method.framewise and method.detector.learns_from:  # type: ignore[attr-defined]
        parts.append(model.framewise(method.heads or method.detector.name))
    states = [part.state_dict() for part in parts] + list(model.heads)
    for state in states:
        for name, values in sorted(state.items()):
            made.update(f"{name} {values.dtype} {tuple(values.shape)}".encode())
            made.update(values.detach().cpu().reshape(-1).view(torch.uint8).numpy().data)
    for file in {module.__file__ for module in _modules_of(model.classifier)}:
        made.update(Path(file).read_bytes())
    return made.hexdigest()


def _modules_of(classifier) -> list[Any]:
    """The modules with the code of a classifier of one's own, where they have a file."""
    kinds = {type(part) for part in (classifier, classifier.backbone, classifier.head)}
    found = [sys.modules.get(kind.__module__) for kind in kinds if not kind.__module__.startswith(("igsed.", "torch."))]
    return [module for module in found if getattr(module, "__file__", None)]


def _labels(folder: Path, config: dict) -> list[str]:
    """The classes, in the order of the heads' outputs: that of `LABELS`."""
    if not (tables := sorted((folder / "predictions").glob("seed*/*.csv"))):
        found = config.get("labels")
        if not found:
            raise InputError(
                f"{folder / 'predictions'}: holds no predictions. Let the run of the experiment end first."
            )
    else:
        integrity.check(tables[:1])
        try:
            found = pd.read_csv(tables[0], usecols=["label"])["label"].unique().tolist()
        except ValueError as error:
            raise InputError(f"{tables[0]}: cannot be read as predictions ({error}). {_MADE_ANEW}") from None
    if foreign := [label for label in found if label not in LABELS]:
        raise InputError(f"{tables[0] if tables else folder / 'config.yaml'}: {foreign[0]!r} is no label. {_MADE_ANEW}")
    return [label for label in LABELS if label in found]


def _heads(folder: Path, seed: int | None) -> tuple[dict[str, torch.Tensor], ...]:
    files = sorted(folder.glob("seed*.safetensors"))
    if not files:
        raise InputError(f"{folder}: holds no trained head. Let the run of the experiment end first.")
    if seed is not None:
        has = ", ".join(file.stem.removeprefix("seed") for file in files)
        files = [file for file in files if file.stem == f"seed{seed}"]
        if not files:
            raise InputError(f"{folder}: holds no trained head of seed {seed}. There are {has}.")
    integrity.check(files)
    return tuple(map(_head, files))


def _head(file: Path) -> dict[str, torch.Tensor]:
    try:
        head = load_file(file)
        (classes, _), (biases,) = head["weight"].shape, head["bias"].shape
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise InputError(f"{file}: cannot be read as a trained head ({error}). {_MADE_ANEW}") from None
    if classes != biases:
        raise InputError(f"{file}: {classes} weights and {biases} biases are no head. {_MADE_ANEW}")
    return head


def _linear(heads: Sequence[Mapping[str, torch.Tensor]], classes: int, folder: Path) -> nn.Linear:
    """The mean of heads, of their first outputs."""
    shapes = {tuple(head["weight"].shape) for head in heads}
    if len(shapes) > 1 or min(shapes)[0] < classes:
        raise InputError(f"{folder}: heads of the shapes {sorted(shapes)} are none of {classes} classes. {_MADE_ANEW}")
    weight, bias = (torch.stack([head[name][:classes] for head in heads]).mean(0) for name in ("weight", "bias"))
    linear = nn.Linear(weight.shape[1], len(weight)).requires_grad_(False)
    linear.load_state_dict({"weight": weight, "bias": bias})
    return linear


def _found(path: str) -> Any:
    module, _, name = path.rpartition(":")
    file = Path(module)
    try:
        if file.suffix != ".py":
            return imported(path)
        if not file.is_file():
            raise InputError(f"{file}: there is no such file. Correct the model's name.")
        spec = importlib.util.spec_from_file_location(f"igsed_model_{file.stem}", file)
        assert spec is not None
        assert spec.loader is not None
        loaded = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = loaded
        spec.loader.exec_module(loaded)
        return getattr(loaded, name)
    except InputError:
        raise
    except Exception as error:  # anything may happen in it
        raise InputError(f"model {path}: {type(error).__name__}: {error}. Correct its name, or the file.") from None


def _own(found: Any, name: str) -> Model:
    """A classifier of the user's, or what a function without arguments gives."""
    needed = ("sample_rate", "backbone", "head")
    if isinstance(found, type) or not all(hasattr(found, attribute) for attribute in needed):
        if not callable(found):
            raise InputError(
                f"model {name}: is no classifier. It needs {', '.join(needed)}; docs/explain.md says more."
            )
        try:
            found = found()
        except Exception as error:  # anything may happen in it
            raise InputError(f"model {name}: {type(error).__name__}: {error}. Correct it.") from None
    if absent := [attribute for attribute in needed if not hasattr(found, attribute)]:
        raise InputError(
            f"model {name}: has no {absent[0]}. A classifier has {', '.join(needed)}; see docs/explain.md."
        )
    classes = found.head.out_features
    labels = tuple(getattr(found, "labels", None) or (f"class {k}" for k in range(classes)))
    if len(labels) != classes or len(set(labels)) != classes:
        raise InputError(f"model {name}: {len(labels)} labels for {classes} classes. Give each its own, as labels.")
    if taken := {"onset", "offset"}.intersection(labels):
        raise InputError(f"model {name}: a label {min(taken)!r}, which is a column of the tables. Name it otherwise.")
    if isinstance(found, nn.Module):
        found.eval().requires_grad_(False)
    return Model(name, tuple(map(str, labels)), found)


def spread(model: Model, embeddings: torch.Tensor) -> np.ndarray:
    """Logits of each seed's head (seed, window, class), of pooled embeddings (window, embedding)."""
    return torch.stack([embeddings @ head["weight"].T + head["bias"] for head in model.heads]).numpy()
