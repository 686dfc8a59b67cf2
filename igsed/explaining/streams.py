"""A recording of any length as a stream of samples at a network's rate, of which only a few seconds are held.

Channels are averaged. The rate is changed as the workflow changes it (`igsed.features.waveform`), piece by piece: the
result is that of the whole recording at once, since the filter is short. Where the two rates have so small a common
divisor that this filter would be huge, soxr does it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soxr
import torch

from igsed import audio
from igsed.errors import InputError
from igsed.pure_torchaudio import functional

_LARGEST = 4_000_000
"""Most coefficients of the filter that changes the rate."""

_PIECE = 10.0
"""Seconds that are brought to another rate at a time."""

_WIDTH = 6
"""Zero crossings of the filter to either side (torchaudio's `lowpass_filter_width`, its default)."""


class Recording:
    """A recording, as often as it is needed, at one rate.

    Parameters
    ----------
    name : str
        What it is called in messages.
    blocks : callable
        Gives its samples anew, as an iterator of float32 (samples,).
    samples, rate : int
        How many there are, and of what rate.
    sample_rate : int
        The rate that is wanted.
    divisor : float
        What all samples are divided by.
    """

    def __init__(
        self,
        name: str,
        blocks: Callable[[], Iterator[np.ndarray]],
        samples: int,
        rate: int,
        sample_rate: int,
        divisor: float = 1.0,
    ):
        self.name, self._blocks, self._source, self.rate = name, blocks, samples, rate
        self.sample_rate, self.divisor = sample_rate, divisor
        self.samples = -(-samples * sample_rate // rate)
        self._low, self._high = math.inf, -math.inf

    @classmethod
    def of_file(cls, path: str | Path, sample_rate: int) -> Recording:
        """A sound file.

        Raises
        ------
        InputError
            It cannot be read as sound.
        """
        header = audio.header(path, most=math.inf)  # however long, only seconds of it are held
        samples = round(header.duration * header.sample_rate)
        return cls(str(path), lambda: audio.blocks(path), samples, header.sample_rate, sample_rate)

    @classmethod
    def of_array(cls, sound, rate: int, sample_rate: int, name: str = "sound") -> Recording:
        """An array (samples,) or (samples, channels) with full scale at 1, of `rate` Hz.

        Raises
        ------
        InputError
            It has another shape or no samples, or some that are not finite.
        """
        sound = np.asarray(sound)
        if sound.ndim not in (1, 2) or not sound.size or (sound.ndim == 2 and sound.shape[1] > sound.shape[0]):
            raise InputError(f"{name}: has the shape {sound.shape}. Give an array (samples,) or (samples, channels).")
        if not np.issubdtype(sound.dtype, np.floating):
            raise InputError(f"{name}: holds {sound.dtype}. Give floating-point numbers with full scale at 1.")
        if not audio.SLOWEST <= rate <= audio.FASTEST:
            raise InputError(f"{name}: a sample rate of {rate} Hz. Give it in Hz, as sample_rate.")
        mono = np.asarray(sound if sound.ndim == 1 else sound.mean(1), np.float32)
        if not np.isfinite(mono).all():
            raise InputError(f"{name}: holds samples that are not finite numbers. Remove them.")
        return cls(name, lambda: iter([mono]), len(mono), int(rate), sample_rate)

    @property
    def duration(self) -> float:
        """Seconds."""
        return self._source / self.rate

    def beginning(self, seconds: float) -> np.ndarray:
        """The first `seconds`, or all, float32 (samples,) at the rate that is wanted."""
        return next(self.windows([0], min(round(seconds * self.sample_rate), self.samples))).numpy()

    def at(self, sample_rate: int) -> Recording:
        """The same recording at another rate."""
        return Recording(self.name, self._blocks, self._source, self.rate, sample_rate, self.divisor)

    @property
    def peak(self) -> float:
        """The largest absolute value of what has been read, 0 where nothing has been."""
        return max(0.0, -float(self._low), float(self._high)) / self.divisor

    def level(self) -> None:
        """From now on divide all samples by the peak, so that none is above full scale; call it when all was read."""
        self.divisor *= self.peak

    def check_sounding(self) -> None:
        """To be called when all has been read once.

        Raises
        ------
        InputError
            All samples are equal.
        """
        if self._low == self._high:
            raise InputError(f"{self.name}: nothing sounds in it, all its samples are equal. Leave it out.")

    def windows(self, starts, length: int) -> Iterator[torch.Tensor]:
        """Stretches of `length` samples (fewer where the recording ends) that begin at `starts`, ascending.

        Yields
        ------
        torch.Tensor (samples,)
            float32.

        Raises
        ------
        InputError
            The recording cannot be read to its end, or holds samples that are not finite.
        """
        pieces, held, begin = self._resampled(), torch.zeros(0), 0
        for start in starts:
            end = min(start + length, self.samples)
            while begin + len(held) < end:
                piece = next(pieces, None)
                if piece is None:
                    raise InputError(f"{self.name}: ends earlier than it said. Is it still being written? Try again.")
                drop = min(max(0, start - begin), len(held))
                held, begin = torch.cat([held[drop:], piece]), begin + drop
            yield held[start - begin : end - begin].clone()

    def _resampled(self) -> Iterator[torch.Tensor]:
        step = math.gcd(self.rate, self.sample_rate)
        source, target = self.rate // step, self.sample_rate // step
        if source == target:
            yield from map(torch.from_numpy, self._whole(round(_PIECE * self.rate)))
            return
        width = math.ceil(_WIDTH * source / (0.99 * min(source, target)))
        if target * (source + 2 * width) > _LARGEST:
            yield from self._by_soxr()
            return
        # A piece begins and ends where a sample of the one rate lies on one of the other, and sees beyond both ends.
        margin = -(-(width + source) // source)
        length = max(1, round(_PIECE * self.rate / source))
        held, before = np.zeros(0, np.float32), 0
        for piece in self._whole(length * source):
            held = np.concatenate([held, piece])
            ready = len(held) // source - margin
            if ready > before:
                yield self._changed(held)[before * target : ready * target]
                drop = max(0, ready - margin)
                held, before = held[drop * source :], ready - drop
        yield self._changed(held)[before * target :]

    def _changed(self, sound: np.ndarray) -> torch.Tensor:
        return functional.resample(torch.from_numpy(sound), self.rate, self.sample_rate)

    def _by_soxr(self) -> Iterator[torch.Tensor]:
        stream = soxr.ResampleStream(self.rate, self.sample_rate, 1, dtype="float32", quality="VHQ")
        made, none = 0, np.zeros(0, np.float32)
        for piece in self._whole(round(_PIECE * self.rate)):
            changed = stream.resample_chunk(piece)[: self.samples - made]
            made += len(changed)
            yield torch.from_numpy(changed)
        rest = stream.resample_chunk(none, last=True)[: self.samples - made]
        missing = np.zeros(self.samples - made - len(rest), np.float32)
        yield torch.from_numpy(np.concatenate([rest, missing]))

    def _whole(self, size: int) -> Iterator[np.ndarray]:
        """The samples that were there when the recording was first looked at, in pieces of `size`."""
        held: list[np.ndarray] = []
        count, left = 0, self._source
        for block in self._blocks():
            block = block[:left]
            left -= len(block)
            if len(block):
                self._low, self._high = min(self._low, block.min()), max(self._high, block.max())
            held.append(block if self.divisor == 1 else block / np.float32(self.divisor))
            count += len(block)
            if count >= size:
                joined = np.concatenate(held)
                whole = len(joined) // size * size
                yield from (joined[k : k + size] for k in range(0, whole, size))
                held, count = [joined[whole:]], len(joined) - whole
            if not left:
                break
        if count:
            yield np.concatenate(held)
