"""The frozen body's output for every clip, computed once.

The body is frozen, so its output does not change while heads are trained on it; caching it is exact, not an
approximation. Two arrays per split are kept, both after the backbone's `project`, so that what follows is linear and
needs neither the backbone nor torch:

- `frames` (clip, frame, embedding) = project(frames): input of the framewise heads;
- `clips` (clip, embedding) = project(max over frames + mean over frames): input of the clip head (PANNs' pooling).
"""

import functools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch

from igsed import audio
from igsed.errors import InputError
from igsed.jobs import devices
from igsed.pooling import pooled
from igsed.pure_torchaudio import functional


def waveform(path: str | Path, sample_rate: int) -> torch.Tensor:
    """A clip at `sample_rate`, as float32 (samples,)."""
    samples, rate = audio.read(path)
    return functional.resample(torch.from_numpy(samples), rate, sample_rate)


def resampled(sounds: np.ndarray, rate: int, sample_rate: int) -> torch.Tensor:
    """Sounds (sound, samples) of one rate at another, float32."""
    return functional.resample(torch.from_numpy(sounds), rate, sample_rate)


def _frames(backbone, waveforms: Sequence[torch.Tensor], device: str, size: int) -> torch.Tensor:
    """Frames (clip, frame, channel) of waveforms of equal length, `size` of them in a pass."""
    parts = [torch.stack(list(waveforms[start : start + size])).to(device) for start in range(0, len(waveforms), size)]
    return torch.cat([backbone.body(backbone.spectrum(part)) for part in parts])


@torch.no_grad()
def extract(
    backbone,
    paths: Sequence[str | Path],
    frames_file: str | Path,
    clips_file: str | Path,
    batch: int = 8,
    device: str = "cpu",
    progress: Callable[[Iterable], Iterable] = iter,
    gains: Sequence[float] | None = None,
) -> torch.Tensor:
    """Run the frozen body over clips of equal length and store its output as two `.npy` files.

    Parameters
    ----------
    backbone : igsed.backbones.Backbone
    paths : sequence of path
        Sound files; row k of both arrays belongs to the k-th.
    frames_file, clips_file : path
        Where the arrays (clip, frame, embedding) and (clip, embedding), float32, are written, batch by batch.
    batch : int
        Clips at a time; a pass of the network takes fewer where memory does not suffice.
    progress : callable
        Wraps the iterable of batches.
    gains : sequence of float, optional
        By what each clip is multiplied.

    Returns
    -------
    torch.Tensor (frame,)
        Centre of each frame in seconds.

    Raises
    ------
    InputError
        Clips differ in length.
    """
    times = length = None
    size = batch
    with open(frames_file, "wb") as frames_stream, open(clips_file, "wb") as clips_stream:
        for start in progress(range(0, len(paths), batch)):
            waveforms = [waveform(path, backbone.sample_rate) for path in paths[start : start + batch]]
            for path, samples in zip(paths[start:], waveforms, strict=False):
                if length is None:
                    length, times = len(samples), backbone.frame_times(len(samples))
                if len(samples) != length:
                    raise InputError(
                        f"{path}: has {len(samples)} samples where the clips before it have {length}. Make clips anew."
                    )
            if gains is not None:
                waveforms = [float(gain) * samples for gain, samples in zip(gains[start:], waveforms, strict=False)]
            frames, size = devices.within_memory(functools.partial(_frames, backbone, waveforms, device), size)
            for stream, part in ((frames_stream, frames), (clips_stream, pooled(frames))):
                _append(stream, backbone.project(part).cpu().numpy(), len(paths))
    if times is None:
        raise InputError("there is no clip: all were left out (mixtures.on_overlap). Ask for more (mixtures.clips).")
    return times


def _append(stream: BinaryIO, rows: np.ndarray, count: int) -> None:
    """Write the next rows of an `.npy` file that will have `count` of them."""
    # Not through a memory map: where the disk is full, that ends the process without a word.
    if not stream.tell():
        kind = {"descr": "<f4", "fortran_order": False, "shape": (count, *rows.shape[1:])}
        np.lib.format.write_array_header_1_0(stream, kind)
    stream.write(np.ascontiguousarray(rows, "<f4").data)
