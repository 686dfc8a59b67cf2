"""Reading and writing sound files (through soundfile), as mono.

Conventions
-----------
- The length in a header is not believed: a file is read to its end, and `Sound.notes` says where the header was wrong
  (`igsed.containers`). How many samples FLAC, Ogg and MP3 hold is known only once they are decoded.
- A recording above full scale (±1) is never cut: `levelled` scales it as a whole, by the peak in its `Facts`.
- A recording whose samples are all equal is silence.
"""

import contextlib
import io
import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from igsed import containers
from igsed.errors import InputError

LONGEST = 2**28
"""Most samples of a channel that are read, an hour and a half at 48 kHz: a small file can state, and hold, more."""
SLOWEST, FASTEST = 1000, 1_000_000
"""Lowest and highest sample rate, Hz: with another one a recording would last for ages, or no time."""
LARGE_OFFSET = 0.1
"""A mean of more than this share of a recording's rms is noted."""

_BLOCK = 1 << 18  # samples of all channels together
_DECODED = ("FLAC", "OGG", "MP3")
_LOST = "Restore it, or leave it out of the folder."


class Header(NamedTuple):
    """Length in seconds, samples per second, number of channels."""

    duration: float
    sample_rate: int
    channels: int


class Sound(NamedTuple):
    """A whole recording: mean over channels (samples,), Hz, number of channels, where its header was wrong."""

    waveform: np.ndarray
    sample_rate: int
    channels: int
    notes: tuple[str, ...]


class Facts(NamedTuple):
    """Of a whole recording (mean over channels): number of samples, Hz, largest absolute value, mean."""

    samples: int
    sample_rate: int
    peak: float
    offset: float


def header(path: str | Path, most: float | None = None) -> Header:
    """How long a sound file is, its rate and channels; FLAC, Ogg and MP3 are decoded to be counted.

    Parameters
    ----------
    most : float, optional
        Samples that FLAC, Ogg and MP3 may hold; by default `LONGEST`. They are counted block by block, so memory does
        not grow with their number.

    Raises
    ------
    InputError
        The file is missing, empty, no audio, holds no samples or more than `most`, or states an impossible sample
        rate.
    """
    found = _decode(path, math.inf, math.inf, "float32", most)
    if not found.length:
        raise InputError(f"{path}: holds no samples. {_LOST}")
    return Header(found.length / found.sample_rate, found.sample_rate, found.channels)


def load(path: str | Path) -> Sound:
    """Read a whole sound file as mono float32, and what should be noted about its header.

    Raises
    ------
    InputError
        As of `read`.
    """
    found = _decode(path, 0, math.inf, "float32")
    return Sound(_joined(path, found.blocks), found.sample_rate, found.channels, found.notes)


def read(path: str | Path, start: float = 0.0, end: float = math.inf, dtype: str = "float32") -> tuple[np.ndarray, int]:
    """Read a sound file, or a part of it, as mono.

    Parameters
    ----------
    path : path
    start, end : float
        Seconds; the samples from int(start × rate) to before int(end × rate), as far as there are.
    dtype : str
        float32 or float64.

    Returns
    -------
    waveform : numpy.ndarray of `dtype` (samples,)
        Mean over channels.
    sample_rate : int

    Raises
    ------
    InputError
        The file is missing, empty, no audio, damaged from its beginning, longer than `LONGEST`, of an impossible sample
        rate, or holds samples that are not finite.
    """
    found = _decode(path, start, end, dtype)
    return _joined(path, found.blocks), found.sample_rate


def blocks(path: str | Path) -> Iterator[np.ndarray]:
    """A whole sound file as mono float32 (samples,), block by block, so that memory does not grow with its length.

    There may be more than `LONGEST` samples. What cannot be decoded of a damaged FLAC, Ogg or MP3 is left out, as
    `load` does.

    Raises
    ------
    InputError
        As of `read`; of samples that are not finite when they are reached.
    """
    length = 0
    for step in (_BLOCK, 512, 1):
        count = 0
        try:
            with _open(path, unknown=True) as (file, _):
                decoded = file.format in _DECODED
                wanted = math.inf if decoded else file.frames
                for block in _blocks(path, file, wanted, "float32", length, step, most=math.inf):
                    count += len(block)
                    if count > length:
                        yield _joined(path, [block[length - count :]])
                        length = count
            return
        except (OSError, RuntimeError) as error:
            # A block in which the decoder fails is lost with all that it held, so it is tried again in smaller steps.
            if not decoded or (step == 1 and not length):
                raise InputError(_unreadable(path, error)) from None


def measure(waveform: np.ndarray, sample_rate: int) -> Facts:
    """The facts of a whole recording, mono (samples,)."""
    return Facts(len(waveform), sample_rate, float(np.abs(waveform).max()), float(waveform.mean(dtype=np.float64)))


def is_silent(waveform: np.ndarray) -> bool:
    """Whether nothing sounds in a recording (samples,): all its samples are equal."""
    return bool(waveform.max() == waveform.min())


def has_offset(waveform: np.ndarray) -> bool:
    """Whether the mean of a recording (samples,), as an absolute value, is above `LARGE_OFFSET` of its rms."""
    rms = math.sqrt(np.square(waveform, dtype=np.float64).mean())
    return bool(abs(waveform.mean(dtype=np.float64)) > LARGE_OFFSET * rms)


def levelled(waveform: np.ndarray, whole: Facts, remove_offset: bool) -> np.ndarray:
    """A part of a recording without the mean of the whole, if wanted, and scaled by the peak of the whole if above 1.

    Where there is nothing to do, it is the same array.
    """
    if remove_offset and whole.offset:
        waveform = waveform - waveform.dtype.type(whole.offset)
    return waveform / waveform.dtype.type(whole.peak) if whole.peak > 1 else waveform


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


class _Decoded(NamedTuple):
    """Blocks (samples,) of the part wanted, how many samples there are up to its end, and what `Sound` says."""

    blocks: list[np.ndarray]
    length: int
    sample_rate: int
    channels: int
    notes: tuple[str, ...] = ()


class _Forwards(soundfile.SoundFile):
    """A sound file that is read on from where it is; `soundfile` seeks after every block, which not all files allow."""

    def seekable(self) -> bool:
        return False


def _decode(path: str | Path, start: float, end: float, dtype: str, most: float | None = None) -> _Decoded:
    """The samples between two times; of FLAC, Ogg and MP3 by decoding all before, where they cannot seek there."""
    try:
        with _open(path) as (file, found):
            first, last = (time if time == math.inf else int(time * file.samplerate) for time in (start, end))
            if file.format not in _DECODED:
                length, notes = int(min(last, file.frames)), tuple(filter(None, [found.note]))
                blocks = _part(path, file, first, length, dtype)
                return _Decoded(blocks, length, file.samplerate, file.channels, notes)
            if last <= file.frames:
                last = int(last)
                with contextlib.suppress(OSError, RuntimeError):
                    blocks = _part(path, file, first, last, dtype)
                    if sum(map(len, blocks)) == max(0, last - first):
                        return _Decoded(blocks, last, file.samplerate, file.channels)
        return _decode_all(path, first, last, dtype, most=most)
    except soundfile.SoundFileRuntimeError as error:  # what a damaged header makes of a file
        raise InputError(_unreadable(path, error)) from None
    except MemoryError:
        raise InputError(f"{path}: does not fit into memory. Cut it into shorter recordings.") from None


def _part(path, file: _Forwards, first: float, last: int, dtype: str) -> list[np.ndarray]:
    if first >= last:
        return []
    file.seek(int(first))
    return list(_blocks(path, file, last - int(first), dtype))


def _blocks(
    path,
    file: _Forwards,
    count: float,
    dtype: str,
    slowly_from: float = math.inf,
    step: int = 1,
    most: float | None = None,
) -> Iterator[np.ndarray]:
    """So many samples, block by block; from `slowly_from` on, in blocks of `step`. More than `most` are refused."""
    length, size = 0, max(1, _BLOCK // file.channels)
    most = LONGEST if most is None else most
    while length < count:
        wanted = min(size, count - length, slowly_from - length if length < slowly_from else step)
        block = file.read(int(wanted), dtype, always_2d=True).mean(axis=1)
        if not len(block):
            return
        length += len(block)
        if length > most:
            raise InputError(f"{path}: holds more than {most} samples. Cut it into shorter recordings.")
        yield block


def _decode_all(
    path,
    first: float,
    last: float,
    dtype: str,
    slowly_from: float = math.inf,
    step: int = _BLOCK,
    most: float | None = None,
) -> _Decoded:
    """Decode from the beginning, whatever number of samples is stated.

    A block in which the decoder fails is lost with all that it held, so it is tried again in smaller steps.
    """
    blocks, length, failure = [], 0, None
    with _open(path, unknown=True) as (file, found):
        stated = file.frames if found.stated is None else found.stated
        try:
            for block in _blocks(path, file, last, dtype, slowly_from, step, most):
                if length + len(block) > first:
                    blocks.append(block[max(0, int(first) - length) :])
                length += len(block)
        except (OSError, RuntimeError) as error:
            failure = error
        # MP3 states no more than an estimate, unless its encoder knew better.
        doubt, rate, channels = 0.01 * stated if file.format == "MP3" else 0, file.samplerate, file.channels
    if failure and step > 1:
        return _decode_all(path, first, last, dtype, length, 512 if step > 512 else 1, most)
    if failure and not length:
        raise InputError(_unreadable(path, failure))
    notes = {
        containers.NO_LENGTH: not stated,
        containers.GOES_ON: 0 < stated < length,
        containers.ENDS_EARLY: length < stated - doubt,
        containers.DAMAGED: failure and length >= stated,
    }
    kept = [note for note, holds in notes.items() if holds and last == math.inf]
    return _Decoded(blocks, length, rate, channels, tuple(kept))


def _joined(path, blocks: list[np.ndarray]) -> np.ndarray:
    if not blocks:
        raise InputError(f"{path}: holds no samples. {_LOST}")
    waveform = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
    if not np.isfinite(waveform).all():
        raise InputError(f"{path}: holds samples that are not finite numbers. {_LOST}")
    return waveform


@contextlib.contextmanager
def _open(path: str | Path, unknown: bool = False) -> Iterator[tuple[_Forwards, containers.Found]]:
    """Open a sound file so that its header states what it holds; `unknown`: of FLAC, so that it states nothing."""
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe would be waited for without end
        raise InputError(_unreadable(path, "is no regular file"))
    with contextlib.ExitStack() as stack:
        try:
            found = containers.open_whole(path)
            if found.view:
                stack.enter_context(found.view)
            seen = found.view if found.view and (unknown or found.stated is None) else os.fsencode(path)
            file = stack.enter_context(_Forwards(seen))
        except (OSError, RuntimeError, TypeError, ValueError) as error:  # TypeError: a name that ends in .raw
            raise InputError(_unreadable(path, error)) from None
        if file.frames <= 0:
            raise InputError(f"{path}: holds no samples. {_LOST}")
        if not SLOWEST <= file.samplerate <= FASTEST:
            raise InputError(
                f"{path}: states a sample rate of {file.samplerate} Hz, outside {SLOWEST} … {FASTEST} Hz. {_LOST}"
            )
        yield file, found


def _unreadable(path, error) -> str:
    if not os.path.exists(path):  # Path.exists would raise for a name that is too long
        return f"{path}: there is no such file. Correct the name, or restore the file."
    if os.path.getsize(path) == 0:
        return f"{path}: the file is empty. {_LOST}"
    reason = str(error).rsplit(": ", 1)[-1].strip().rstrip(".")
    return f"{path}: cannot be read as audio ({reason}). {_LOST}"


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
