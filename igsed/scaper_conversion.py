"""What Scaper needs from SoX and from soundfile: read a recording, bring it to another sample rate and to one channel.

`Transformer`: Scaper looks for the package soxbindings, and, where that is missing, starts the program `sox` once for
every event, which takes as long as all the rest of its rendering. This module stands in for soxbindings (see
`igsed.mixtures`), so that neither is needed. It resamples with soxr, the resampler of SoX as a library, at its default
quality. Unlike SoX it cuts nothing off at full scale: Scaper sets the loudness afterwards.

`Sounds`: Scaper reads through soundfile, which believes headers. This stand-in reads through `igsed.audio`, as all else
here does: to the true end, as mono, scaled down where the recording is above full scale, and without its offset if
wanted. Only the part that is heard is read.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import soxr

from igsed import audio


class Info(NamedTuple):
    """What Scaper asks of a recording: seconds and Hz."""

    duration: float
    samplerate: int


class Sounds:
    """Recordings, in the words of soundfile.

    Parameters
    ----------
    known : mapping
        Path → `audio.Facts`; a recording that is not among them is read whole, once.
    remove_offset : bool
        Whether the mean of the whole recording is taken away.
    """

    def __init__(self, known: Mapping[str, audio.Facts], remove_offset: bool):
        self._known, self._remove_offset = dict(known), remove_offset

    def part(self, path: str, start: float, end: float, dtype: str = "float32") -> tuple[np.ndarray, int]:
        """What is heard between two times (s): mono (samples,), and Hz; see `audio.read` and `audio.levelled`."""
        waveform, rate = audio.read(path, start, end, dtype)
        return audio.levelled(waveform, self._facts(path), self._remove_offset), rate

    def info(self, path: str) -> Info:
        """The true length."""
        whole = self._facts(path)
        return Info(whole.samples / whole.sample_rate, whole.sample_rate)

    def read(self, path: str, always_2d: bool, start: int, stop: int) -> tuple[np.ndarray, int]:
        """The samples from `start` to before `stop`, as float64 (samples, 1), and Hz."""
        rate = self._facts(path).sample_rate
        # The middle of a sample, so that no rounding makes it another.
        waveform, rate = self.part(path, (start + 0.5) / rate, (stop + 0.5) / rate, "float64")
        return waveform[:, None], rate

    def _facts(self, path: str) -> audio.Facts:
        if path not in self._known:
            whole = audio.load(path)
            self._known[path] = audio.measure(whole.waveform, whole.sample_rate)
        return self._known[path]


class Transformer:
    """A conversion, in the words of soxbindings and pysox; only what Scaper calls without pitch, tempo and reverb."""

    def convert(self, **wanted) -> None:
        """Nothing: Scaper says the same to `set_output_format`."""

    def set_output_format(self, rate: int, channels: int) -> None:
        """Samples per second and number of channels of what `build_array` gives; one channel is all it can do."""
        if channels != 1:
            raise ValueError(f"{channels} channels; mixtures are mono")
        self._rate = rate

    def build_array(self, input_array: np.ndarray, sample_rate_in: int) -> np.ndarray:
        """(samples, channel) → (samples,)."""
        mono = input_array.mean(axis=1)
        if sample_rate_in != self._rate:
            return soxr.resample(mono, sample_rate_in, self._rate)
        return mono
