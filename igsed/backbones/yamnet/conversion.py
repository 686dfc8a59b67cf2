"""From YAMNet's published variables to the file that `igsed.backbones.yamnet.network` loads.

Apart from the network, so that an edit of what fetches and converts leaves everything computed with the network valid.
"""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from igsed.backbones.yamnet import weights as source
from igsed.backbones.yamnet.network import BLOCKS
from igsed.errors import InputError

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
        What `igsed.backbones.yamnet.weights.fetch` returns.
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


def make(path: Path, downloads: Path) -> None:
    """Fetch the published network, verify it, and write its weights to `path`; see `igsed.backbones.Network`.

    Raises
    ------
    InputError
        No place yields the right files.
    """
    index, data, _ = source.fetch(downloads)
    store(index, data, path)
