"""The pretrained weights for tests that need them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from filelock import FileLock

from igsed.backbones.yamnet.weights import fetch
from igsed.errors import InputError

RESOURCES = Path(__file__).parents[1] / "resources"


def yamnet_files() -> tuple[Path, Path, Path]:
    """The published index, data and class map, as `igsed.backbones.yamnet.weights.fetch` returns them.

    Where they cannot be fetched the calling test is skipped, with the reason. Test processes wait for each other.
    """
    RESOURCES.mkdir(exist_ok=True)
    with FileLock(RESOURCES / "yamnet.lock"):
        try:
            return fetch(RESOURCES / "downloads", progress=False)
        except InputError as problem:
            if os.environ.get("CI"):
                raise  # continuous integration must not pass by skipping
            pytest.skip(f"no YAMNet: {problem}")


def yamnet_weights() -> Path:
    """``resources/yamnet/yamnet.safetensors``, made from `yamnet_files` where a workflow has not yet done so."""
    path = RESOURCES / "yamnet" / "yamnet.safetensors"
    if not path.exists():
        index, data, _ = yamnet_files()
        from igsed.backbones.yamnet.conversion import store  # imports torch, which a skipped test need not wait for

        store(index, data, path)
    return path
