"""Reading and writing sound files (through soundfile), mono float32 in −1 … 1."""

import io
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from igsed.errors import InputError

LONGEST = 2**28
"""Most samples of a channel that are read, an hour and a half at 48 kHz: a small file can state, and hold, more."""
SLOWEST, FASTEST = 1000, 1_000_000
"""Lowest and highest sample rate, Hz: with another one a recording would last for ages, or no time."""

_BLOCK = 1 << 22  # samples of all channels together


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
        The file is missing, empty, no audio, holds no samples, or states an impossible sample rate.
    """
    with _open(path) as file:
        return Header(file.frames / file.samplerate, file.samplerate, file.channels)


def read(path: str | Path, start: float = 0.0, end: float = math.inf) -> tuple[np.ndarray, int]:
    """Read a sound file, or a part of it, as mono.

    Parameters
    ----------
    path : path
    start, end : float
        Seconds; the samples from int(start × rate) to before int(end × rate), as far as there are.

    Returns
    -------
    waveform : numpy.ndarray of float32 (samples,)
        Mean over channels.
    sample_rate : int

    Raises
    ------
    InputError
        The file is missing, empty, damaged, no audio, longer than `LONGEST`, of an impossible sample rate, or holds
        samples that are not finite.
    """
    with _open(path) as file:
        sample_rate, size, length, blocks = file.samplerate, max(1, _BLOCK // file.channels), 0, []
        first, last = (int(min(time * sample_rate, file.frames)) for time in (start, end))
        whole = (first, last) == (0, file.frames)
        try:
            file.seek(first)
            # Piece by piece: the length in a header need not be true.
            while len(
                block := file.read(size if whole else min(size, last - first - length), "float32", always_2d=True)
            ):
                length += len(block)
                if length > LONGEST:
                    raise InputError(f"{path}: holds more than {LONGEST} samples. Cut it into shorter recordings.")
                blocks.append(block.mean(axis=1))
        except (OSError, RuntimeError) as error:
            raise InputError(_unreadable(path, error)) from None
        except MemoryError:
            raise InputError(f"{path}: does not fit into memory. Cut it into shorter recordings.") from None
        if file.format == "FLAC" and length < last - first:
            raise InputError(f"{path}: ends after {length} of its {file.frames} samples. Restore the whole file.")
    if not length:
        raise InputError(f"{path}: holds no samples. Remove the file or replace it by a recording.")
    waveform = np.concatenate(blocks)
    if not np.isfinite(waveform).all():
        raise InputError(f"{path}: holds samples that are not finite numbers. Convert it to 16-bit PCM or remove it.")
    return waveform, sample_rate


def named_in_text(paths: Iterable[Path]) -> list[Path]:
    """The paths, which the workflow's tables will hold.

    Raises
    ------
    InputError
        The bytes of a name are no text in UTF-8.
    """
    paths = list(paths)
    for path in paths:
        try:
            str(path).encode()
        except UnicodeEncodeError:
            raise InputError(f"{path}: the name is not in UTF-8. Rename the file.") from None
    return paths


def _open(path: str | Path) -> soundfile.SoundFile:
    try:
        file = soundfile.SoundFile(os.fsencode(path))
    except (OSError, RuntimeError, TypeError, ValueError) as error:  # TypeError: a name that ends in .raw
        raise InputError(_unreadable(path, error)) from None
    problem = None
    if file.frames <= 0:
        problem = "holds no samples. Remove the file or replace it by a recording."
    elif not SLOWEST <= file.samplerate <= FASTEST:
        problem = (
            f"states a sample rate of {file.samplerate} Hz, outside {SLOWEST} … {FASTEST} Hz. Convert it, or remove it."
        )
    if problem:
        file.close()
        raise InputError(f"{path}: {problem}")
    return file


def _unreadable(path, error) -> str:
    if not os.path.exists(path):  # Path.exists would raise for a name that is too long
        return f"{path}: no such file. Restore it or remove what refers to it."
    if os.path.getsize(path) == 0:
        return f"{path}: the file is empty. Replace it by a recording or remove it."
    reason = str(error).rsplit(": ", 1)[-1].strip().rstrip(".")
    return f"{path}: cannot be read as audio ({reason}). Convert it to WAV or FLAC, or remove it."


def write_flac(path: str | Path, waveform: np.ndarray, sample_rate: int) -> None:
    """Write mono 16-bit FLAC; `waveform` (samples,) in −1 … 1."""
    _write(path, waveform, sample_rate, "FLAC")


def write_wav(path: str | Path, waveform: np.ndarray, sample_rate: int) -> None:
    """Write mono 16-bit WAV; `waveform` (samples,) in −1 … 1."""
    _write(path, waveform, sample_rate, "WAV")


def _write(path: str | Path, waveform: np.ndarray, sample_rate: int, format: str) -> None:
    # libsndfile says nothing when a full disk takes only part of the file's end, so it writes to memory.
    encoded = io.BytesIO()
    soundfile.write(encoded, waveform, sample_rate, format=format, subtype="PCM_16")
    Path(path).write_bytes(encoded.getbuffer())
