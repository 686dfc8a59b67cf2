"""Pretrained networks that turn a waveform into frames of channels; frozen, never trained here.

``load`` is the only way in: it looks a network up by name, reads its weights and freezes it. A network is a package of
this package: its ``__init__`` declares a `Network`, without importing torch, and another module holds the class, which
fulfils `Backbone` and is imported when it is asked for.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from filelock import FileLock
from pydantic import Field, field_validator

import igsed
from igsed.components import Component, Family, imported
from igsed.errors import InputError
from igsed.settings import Section

if TYPE_CHECKING:
    import torch


class Backbone(Protocol):
    """What the heads, the feature cache and the attributions need of a network, which is a `torch.nn.Module`.

    A network is cut at the two places where the project has to reach in: at the linear mel spectrum, which is
    homogeneous in the waveform (``spectrum(a * x) == a ** d * spectrum(x)`` for ``a > 0``), so that a path from
    silence need not pass the front end at every step; and at the frames, before time is pooled. Clip logits are
    ``head(project(max over frames + mean over frames))``, frame logits ``head(project(frames))``.

    A frozen network stays in evaluation mode, ``train()`` included: ``requires_grad=False`` alone would leave dropout,
    augmentation and batch statistics alive. It is differentiable with respect to its input, with finite gradients
    everywhere, exact silence included.

    Attributes
    ----------
    sample_rate : int
        Of the waveform, in Hz.
    embedding : int
        Size of what ``project`` returns.
    """

    sample_rate: int
    embedding: int

    @classmethod
    def from_file(cls, path: str | Path) -> Backbone:
        """The network with the weights in ``path``; `InputError` names a file that does not hold them."""

    def spectrum(self, waveform: torch.Tensor) -> torch.Tensor:
        """Linear mel spectrum (batch, time, mel) of a waveform (batch, samples) with full scale at 1."""

    def body(self, spectrum: torch.Tensor) -> torch.Tensor:
        """Frames (batch, frame, channel) of a linear mel spectrum (batch, time, mel)."""

    def project(self, channels: torch.Tensor) -> torch.Tensor:
        """Embeddings (..., embedding) of channels (..., channel), pooled over time or not."""

    def frame_times(self, samples: int) -> torch.Tensor:
        """Centre of each frame's receptive field (frame,), in seconds, for a waveform of so many samples.

        The first and last centres may lie off the middle of what the frame really sees, and past the waveform's end,
        because the field reaches into the padding there.
        """


class Settings(Section):
    """A pretrained network."""

    weights: str | None = Field(None, description="a file of weights of your own, instead of the published ones")

    @field_validator("weights")
    @classmethod
    def _home(cls, path):
        return path and os.path.expanduser(path)


@dataclass(frozen=True, kw_only=True)
class Network(Component):
    """What a network says of itself; nothing that it names is imported before it is used.

    Weights come from a file of the user's (the setting `weights`), else from `make`, else from `source`. A network
    with neither of these two must have settings in which `weights` is required. Settings besides `weights` become
    keyword arguments of `Backbone.from_file`.

    Attributes
    ----------
    network : str
        The class that fulfils `Backbone`, as ``package.module:name``.
    file : str
        Name of the file of weights; it lies in ``resources/<name>/``.
    make : str
        A function ``(path, downloads)`` that fetches the weights, verifies them and writes them to `path`, as
        ``package.module:name``; ``downloads`` is a folder for what it fetches.
    source : str
        A source of ``config/sources.csv`` whose one file with the suffix of `file` holds the weights.
    download : float
        Bytes that `make` fetches.
    seconds : float
        About what a forward pass over 10 s of sound takes on one core; by it work is cut into jobs.
    channels_last : bool
        Whether convolutions are faster with the channels innermost in memory, on a CPU.
    """

    settings: type[Section] = Settings
    network: str
    file: str
    make: str = ""
    source: str = ""
    download: float = 0.0
    seconds: float = 0.1
    channels_last: bool = False

    def __post_init__(self):
        weights = self.settings.model_fields.get("weights")
        if not (self.make or self.source or (weights and weights.is_required())):
            raise ValueError(f"{self.name} has neither make nor source, so its settings must require weights")

    @property
    def modules(self) -> list[str]:
        """The modules that hold the class and what makes the weights."""
        return [path.partition(":")[0] for path in (self.network, self.make) if path]

    def own_weights(self, settings: Section) -> str | None:
        """The user's file of weights, if there is one."""
        return getattr(settings, "weights", None)

    def check(self, settings: Section) -> None:
        """Look for the user's file of weights.

        Raises
        ------
        InputError
            There is none.
        """
        weights = self.own_weights(settings)
        if weights and not Path(weights).is_file():
            raise InputError(f"{weights}: there is no such file. Correct the key backbone.weights.")

    def sources(self, settings: Section) -> list[str]:
        """The sources of ``config/sources.csv`` that the weights are in."""
        return [self.source] if self.source and not self.make and not self.own_weights(settings) else []

    def downloads(self, settings: Section) -> bool:
        """Whether putting the weights in place needs a network connection."""
        return bool(self.make) and not self.own_weights(settings)

    def place(self, settings: Section, results: str, resources: str) -> str:
        """Where the weights lie: the user's among an experiment's results, others below the shared resources."""
        return (
            f"{results}/backbone/{self.file}" if self.own_weights(settings) else f"{resources}/{self.name}/{self.file}"
        )

    def provide(self, path: Path, weights: str | None, fetched: str | Path | None, downloads: Path) -> None:
        """Put the weights where they are looked for.

        Parameters
        ----------
        path : Path
            Where they are to lie; the folder is there.
        weights : str, optional
            The user's file, which is copied.
        fetched : path, optional
            The folder of the fetched `source`, whose file is linked.
        downloads : Path
            Folder for what `make` fetches.

        Raises
        ------
        InputError
            The file does not hold the network's weights, or cannot be fetched.
        """
        if weights is None and self.make:
            imported(self.make)(path, downloads)
            return
        if weights is None:
            suffix = Path(self.file).suffix
            there = sorted(Path(fetched or "").glob(f"*{suffix}"))
            if len(there) != 1:
                raise InputError(
                    f"{fetched}: holds {len(there)} files *{suffix} instead of the one with the weights of "
                    f"{self.title}. Remove the folder to have it fetched again."
                )
            file = there[0]
        else:
            file = Path(weights)
        self._read(file, {})
        if weights is None:
            os.link(file, path)
            os.utime(path)  # newer than the folder it came from
        else:
            shutil.copyfile(file, path)

    def _read(self, file: str | Path, settings: dict) -> Backbone:
        import torch  # here, so that what only looks up a name does not load it

        # Convolutions in TF32, a GPU's default, would be wrong in the third decimal.
        torch.backends.cudnn.allow_tf32 = False
        network = imported(self.network).from_file(file, **settings).requires_grad_(False).eval()
        return network.to(memory_format=torch.channels_last) if self.channels_last else network

    def obtain(self) -> Path:
        """The weights that `make` made; on first use it is called, and it is told where they are put.

        That is ``resources/<name>`` of the checkout that the package lies in, the workflow's place; of an installed
        package ``igsed/<name>`` in the user's cache (``$XDG_CACHE_HOME``, or ``~/.cache``).

        Raises
        ------
        InputError
            They cannot be fetched, or the folder cannot be written.
        """
        folder = _home() / self.name
        path = folder / self.file
        if path.is_file():
            return path
        from igsed.jobs.progress import say

        say(f"{self.title}'s weights ({self.download / 1e6:.0f} MB) are fetched once, into {folder}")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / f".{self.name}.lock"):
                if not path.is_file():
                    imported(self.make)(path, folder)
        except OSError as error:
            raise InputError(
                f"{folder}: {self.title}'s weights cannot be written there ({error.strerror}). Make it writable, or "
                "make room."
            ) from None
        return path


NETWORKS = Family("backbone", "igsed.backbones", Network)


def load(name: str, weights: str | Path | None = None, **settings) -> Backbone:
    """A frozen network, in evaluation mode, none of its parameters requiring a gradient.

    Parameters
    ----------
    name : str
        One of `NETWORKS`, or ``package.module:name`` of a `Network`.
    weights : str or Path, optional
        What the workflow stored under ``resources/``; see the network's ``from_file``. Without it they are fetched on
        first use, where the network has a function that makes them, as YAMNet has; see `Network.obtain`.
    settings
        The network's other settings.

    Raises
    ------
    InputError
        There is no such network, the file does not hold its weights, or they cannot be fetched.

    Examples
    --------
    >>> import torch
    >>> yamnet = load("yamnet")  # doctest: +SKIP
    >>> yamnet.body(yamnet.spectrum(torch.zeros(1, 160000))).shape  # doctest: +SKIP
    torch.Size([1, 32, 1024])
    """
    network = NETWORKS.find(name)
    if weights is None and not network.make:
        raise InputError(
            f"backbone {name!r}: its weights are not fetched by themselves. Name their file, such as "
            f"resources/{network.name}/{network.file} after a run with backbone: {{name: {name}}}."
        )
    weights = network.obtain() if weights is None else weights
    if not Path(weights).exists():
        without = "Leave the file out to have the weights fetched" if network.make else "Correct the name"
        raise InputError(f"{weights}: there is no such file. {without}, or let a run (make run) make it.")
    return network._read(weights, settings)


def _home() -> Path:
    checkout = Path(igsed.__file__).parents[1]
    if (checkout / "Snakefile").is_file():
        return checkout / "resources"
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (cache if cache.is_absolute() else Path.home() / ".cache") / "igsed"
