"""What Scaper wants of SoX: bring a sound in memory to another sample rate and to one channel.

Scaper looks for the package soxbindings, and, where that is missing, starts the program `sox` once for every event,
which takes as long as all the rest of its rendering. This module stands in for soxbindings (see `igsed.mixtures`), so
that neither is needed. It resamples with soxr, the resampler of SoX as a library, at SoX's default quality.
"""

import numpy as np
import soxr


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
        """(samples, channel) → (samples,), cut off at full scale as by SoX."""
        mono = input_array.mean(axis=1)
        if sample_rate_in != self._rate:
            mono = soxr.resample(mono, sample_rate_in, self._rate)
        return mono.clip(-1, 1)
