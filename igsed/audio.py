"""Reading and writing sound files (through soundfile), mono float32 in −1 … 1."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from igsed.errors import InputError


class Header(NamedTuple):
    """What a sound file says of itself: length in seconds, samples per second, number of channels."""

    duration: float
    sample_rate: int
    channels: int


def header(path: str | Path) -> Header:
    """Read a sound file's header.

    Raises
    ------
    InputError
        The file is missing, empty, no audio, or holds no samples.
    """
    try:
        info = soundfile.info(str(path))
    except (OSError, RuntimeError) as error:
        raise InputError(_unreadable(path, error)) from None
    if info.frames <= 0 or info.samplerate <= 0:
        raise InputError(f"{path}: holds no samples. Remove the file or replace it by a recording.")
    return Header(info.frames / info.samplerate, info.samplerate, info.channels)


def read(path: str | Path) -> tuple[np.ndarray, int]:
    """Read a sound file as mono.

    Returns
    -------
    waveform : numpy.ndarray of float32 (samples,)
        Mean over channels.
    sample_rate : int

    Raises
    ------
    InputError
        The file is missing, empty, damaged, no audio, or holds samples that are not finite.
    """
    try:
        waveform, sample_rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    except (OSError, RuntimeError) as error:
        raise InputError(_unreadable(path, error)) from None
    if not len(waveform):
        raise InputError(f"{path}: holds no samples. Remove the file or replace it by a recording.")
    waveform = waveform.mean(axis=1)
    if not np.isfinite(waveform).all():
        raise InputError(f"{path}: holds samples that are not finite numbers. Convert it to 16-bit PCM or remove it.")
    return waveform, sample_rate


def _unreadable(path, error) -> str:
    path = Path(path)
    if not path.exists():
        return f"{path}: no such file. Restore it or remove what refers to it."
    if path.stat().st_size == 0:
        return f"{path}: the file is empty. Replace it by a recording or remove it."
    reason = str(error).rsplit(": ", 1)[-1].strip().rstrip(".")
    return f"{path}: cannot be read as audio ({reason}). Convert it to WAV or FLAC, or remove it."


def write_flac(path: str | Path, waveform: np.ndarray, sample_rate: int) -> None:
    """Write mono 16-bit FLAC; `waveform` (samples,) in −1 … 1."""
    soundfile.write(str(path), waveform, sample_rate, format="FLAC", subtype="PCM_16")
