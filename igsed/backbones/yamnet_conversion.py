"""From YAMNet's published variables to the file that `igsed.backbones.yamnet` loads.

Apart from the network, so that an edit of what fetches and converts leaves everything computed with the network valid.
"""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock
from safetensors.torch import save_file
from torch import Tensor

import igsed
from igsed.backbones import yamnet_weights as source
from igsed.backbones.yamnet import BLOCKS
from igsed.errors import InputError
from igsed.jobs.progress import say

_BATCH_NORM_EPSILON = 1e-4


def convert(variables_index: Path, variables_data: Path) -> dict[str, Tensor]:
    """The published variables under the names and in the shapes of `YAMNet`, batch normalisation folded in.

    Parameters
    ----------
    variables_index, variables_data : Path
        The two files of the SavedModel's TensorBundle.

    Raises
    ------
    InputError
        The files are damaged, or are not those of YAMNet.
    """
    variables = source.variables(variables_index, variables_data)
    last = 2 * (1 + 2 * len(BLOCKS))
    try:
        weights = {}
        for number in range(last // 2):
            kernel = "depthwise_kernel" if number % 2 else "kernel"
            folded = _fold(
                variables, f"layer_with_weights-{2 * number}/{kernel}", f"layer_with_weights-{2 * number + 1}"
            )
            for name, array in zip(("weight", "bias"), folded, strict=True):
                weights[f"layers.{number}.convolution.{name}"] = array
        weights["dense.weight"] = variables[f"layer_with_weights-{last}/kernel"].T
        weights["dense.bias"] = variables[f"layer_with_weights-{last}/bias"]
    except (KeyError, ValueError) as problem:
        raise InputError(f"{variables_index}: a TensorBundle, but not that of YAMNet: {problem}") from None
    return {name: torch.from_numpy(np.ascontiguousarray(array, np.float32)) for name, array in weights.items()}


def _fold(variables: dict[str, np.ndarray], kernel: str, normalisation: str) -> tuple[np.ndarray, np.ndarray]:
    """Weight (out, in / groups, time, frequency) and bias of a convolution with its batch normalisation (no scale)."""
    # TensorFlow: (time, frequency, in, out), depthwise (time, frequency, channel, 1)
    axes = (2, 3, 0, 1) if kernel.endswith("depthwise_kernel") else (3, 2, 0, 1)
    beta, mean, variance = (
        variables[f"{normalisation}/{name}"].astype(np.float64) for name in ("beta", "moving_mean", "moving_variance")
    )
    scale = 1 / np.sqrt(variance + _BATCH_NORM_EPSILON)
    weight = variables[kernel].astype(np.float64).transpose(axes)
    if not beta.shape == mean.shape == variance.shape == weight.shape[:1]:  # would multiply to any size
        raise ValueError(f"{kernel!r} and {normalisation!r} do not belong together")
    return weight * scale[:, np.newaxis, np.newaxis, np.newaxis], beta - mean * scale


def store(variables_index: Path, variables_data: Path, path: Path) -> Path:
    """Convert the published variables and write them as safetensors, whole or not at all.

    The file's metadata (key ``source``, JSON) say where the weights come from, under which licence, and the sha256 of
    both source files. The same input gives the same bytes.

    Parameters
    ----------
    variables_index, variables_data : Path
        What `igsed.backbones.yamnet_weights.fetch` returns.
    path : Path
        Where to write; its folder is made.

    Returns
    -------
    Path
        ``path``.
    """
    path = Path(path)
    origin = {
        "origin": "google/yamnet/1 (TensorFlow Hub); tensorflow/models, research/audioset/yamnet",
        "licence": "Apache-2.0",
        "sha256": {
            name: hashlib.sha256(Path(file).read_bytes()).hexdigest()
            for name, file in (("variables.index", variables_index), ("variables.data", variables_data))
        },
    }
    weights = convert(variables_index, variables_data)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    # safetensors writes several metadata keys in a random order, one key only has one
    save_file(weights, partial, metadata={"source": json.dumps(origin, sort_keys=True)})
    os.replace(partial, path)
    return path


def obtain(folder: Path | None = None) -> Path:
    """The stored weights; on first use they are fetched, verified and converted, and it is told where to.

    Parameters
    ----------
    folder : Path, optional
        Where they lie. Without it this is the workflow's place, ``resources/yamnet`` of the checkout that the package
        lies in; of an installed package ``igsed/yamnet`` in the user's cache (``$XDG_CACHE_HOME``, or ``~/.cache``).

    Returns
    -------
    Path
        ``yamnet.safetensors`` in the folder.

    Raises
    ------
    InputError
        They cannot be fetched, or the folder cannot be written.
    """
    folder = _home() / "yamnet" if folder is None else Path(folder)
    path = folder / "yamnet.safetensors"
    if path.is_file():
        return path
    say(f"YAMNet's weights (16 MB) are fetched once, into {folder}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".yamnet.lock"):
            if not path.is_file():
                index, data, _ = source.fetch(folder)
                store(index, data, path)
    except OSError as error:
        raise InputError(
            f"{folder}: YAMNet's weights cannot be written there ({error.strerror}). Make it writable, or make room."
        ) from None
    return path


def _home() -> Path:
    checkout = Path(igsed.__file__).parents[1]
    if (checkout / "Snakefile").is_file():
        return checkout / "resources"
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (cache if cache.is_absolute() else Path.home() / ".cache") / "igsed"
