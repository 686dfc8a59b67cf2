"""Building blocks of the procedural sounds: noise, periodic tones, time-varying filters, impacts, rooms.

Conventions: mono float64 arrays ``(samples,)``; times and durations in seconds, frequencies in Hz; ``rng`` is a numpy
Generator and the only source of chance; a control curve has one value per frame of ``hop(sample_rate)`` samples.
Everything is vectorised over samples.
"""

from collections.abc import Callable, Sequence
from typing import overload

import numpy as np
from scipy import fft, ndimage, signal


def hop(sample_rate: int) -> int:
    """Samples in a control frame of 4 ms, short beside the time in which a mouth or a motor changes."""
    return sample_rate // 250


def frame_count(samples: int, sample_rate: int) -> int:
    """Number of control frames that cover ``samples`` samples, both ends included."""
    return -(-samples // hop(sample_rate)) + 1


def at_samples(curve: np.ndarray, samples: int, sample_rate: int) -> np.ndarray:
    """A control curve ``(frames,)`` interpolated linearly to ``(samples,)``."""
    return np.interp(np.arange(samples) / hop(sample_rate), np.arange(len(curve)), curve)


def normalised(sound: np.ndarray, peak: float = 1.0) -> np.ndarray:
    """``sound`` scaled to the given peak; silence stays silence."""
    largest = np.max(np.abs(sound))
    return sound * (peak / largest) if largest > 0 else sound


def unit_power(sound: np.ndarray) -> np.ndarray:
    """``sound`` scaled to a root mean square of 1."""
    return sound / np.sqrt(np.mean(sound**2))


def limited(sound: np.ndarray) -> np.ndarray:
    """``sound`` with its rare highest peaks rounded off at six times its root mean square, then scaled to peak 1."""
    return normalised(np.tanh(sound / (6 * np.sqrt(np.mean(sound**2)))))


def decibels(value: float | np.ndarray) -> float | np.ndarray:
    """The amplitude factor of a level in dB."""
    return 10.0 ** (np.asarray(value) / 20.0)


@overload
def log_uniform(rng: np.random.Generator, low: float, high: float) -> float: ...
@overload
def log_uniform(rng: np.random.Generator, low: float, high: float, size: int) -> np.ndarray: ...
def log_uniform(rng: np.random.Generator, low: float, high: float, size: int | None = None) -> float | np.ndarray:
    """Numbers in low…high, uniform in the logarithm, as befits frequencies, sizes and rates."""
    return np.exp(rng.uniform(np.log(low), np.log(high), size))


def wander(rng: np.random.Generator, samples: int, rate: float, sample_rate: int) -> np.ndarray:
    """A smooth random curve ``(samples,)``: about unit variance, new independent values ``rate`` times a second."""
    points = int(np.ceil(samples / sample_rate * rate)) + 4
    dense = ndimage.map_coordinates(
        rng.standard_normal(points), np.arange(1, points - 1, 1 / 16)[np.newaxis], order=3, mode="nearest"
    )
    return np.interp(np.arange(samples) * (16 * rate / sample_rate), np.arange(len(dense)), dense)


def smoothed(curve: np.ndarray, seconds: float, rate: float) -> np.ndarray:
    """``curve`` along its first axis, blurred by a Gaussian whose standard deviation is ``seconds``; ``rate`` in Hz."""
    return ndimage.gaussian_filter1d(curve, seconds * rate, axis=0, mode="nearest")


def equalised(sound: np.ndarray, sample_rate: int, gain: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """``sound`` through the constant zero-phase filter ``gain(frequencies)``, taken as periodic; same length."""
    length = fft.next_fast_len(len(sound), real=True)
    frequencies = fft.rfftfreq(length, 1 / sample_rate)
    return fft.irfft(fft.rfft(sound, length) * gain(frequencies), length)[: len(sound)]


def noise(
    rng: np.random.Generator, samples: int, sample_rate: int, spectrum: Sequence[tuple[float, float]]
) -> np.ndarray:
    """Stationary Gaussian noise of unit power whose spectrum passes through the given points.

    ``spectrum``: (Hz, dB) pairs with ascending frequencies, joined by straight lines over log-frequency and level
    beyond the ends; nothing at 0 Hz.
    """
    knots, levels = np.array(spectrum, dtype=float).T

    def gain(frequencies: np.ndarray) -> np.ndarray:
        logarithm = np.log(np.maximum(frequencies, 1.0))
        return (frequencies > 0) * decibels(np.interp(logarithm, np.log(knots), levels))

    return unit_power(equalised(rng.standard_normal(samples), sample_rate, gain))


def periodic(phase: np.ndarray, amplitudes: np.ndarray, angles: np.ndarray | None = None) -> np.ndarray:
    """Sum over k ≥ 1 of ``amplitudes[k - 1] * cos(2 pi k phase + angles[k - 1])``, read from a table of one cycle.

    ``phase (samples,)`` in cycles; ``amplitudes (harmonics,)``; ``angles`` in radians, default 0 (a pulse). The caller
    leaves out harmonics above half the sampling rate (`harmonic_count`).
    """
    size = max(1024, 2 ** int(np.ceil(np.log2(32 * max(len(amplitudes), 1)))))
    lines = np.zeros(size // 2 + 1, dtype=complex)
    lines[1 : len(amplitudes) + 1] = amplitudes * np.exp(1j * (0.0 if angles is None else angles))
    table = fft.irfft(lines, size) * size / 2
    table = np.append(table, table[0])
    place = (phase % 1.0) * size
    left = np.minimum(place.astype(int), size - 1)
    part = place - left
    return table[left] * (1 - part) + table[left + 1] * part


def harmonic_count(pitch: np.ndarray | float, sample_rate: int, limit: int = 400) -> int:
    """How many harmonics of ``pitch`` stay below 0.47 of the sampling rate at every moment, at most ``limit``."""
    return int(min(limit, max(1, 0.47 * sample_rate / np.max(pitch))))


def filter_frames(source: np.ndarray, response: np.ndarray, sample_rate: int) -> np.ndarray:
    """``source`` through a filter that changes from frame to frame, by windowed overlap-add.

    ``response (frames, bins)`` is complex or real (zero phase), at the frequencies of `filter_frequencies`; a single
    row ``(1, bins)`` means a constant filter. Hann windows two frames long add up to one, so that a constant filter
    is exact for an impulse response of 28 ms before and after its centre. Same length as ``source``; computed in
    single precision, which is far below 16 bits and twice as fast.
    """
    step, blocks, before = hop(sample_rate), 16, 7
    frames = frame_count(len(source), sample_rate)
    padded = np.zeros((frames + 1) * step, dtype=np.float32)
    padded[step : step + len(source)] = source
    window = signal.get_window("hann", 2 * step).astype(np.float32)
    windowed = np.lib.stride_tricks.sliding_window_view(padded, 2 * step)[::step] * window
    response = response.astype(np.complex64 if np.iscomplexobj(response) else np.float32)
    parts = fft.irfft(fft.rfft(windowed, blocks * step, axis=1) * response, blocks * step, axis=1)
    total = np.zeros((frames + blocks, step))
    for block in range(blocks):
        place = (block - before) % blocks  # the last blocks hold what comes before the window
        total[block : block + frames] += parts[:, place * step : (place + 1) * step]
    start = (before + 1) * step
    return total.ravel()[start : start + len(source)]


def filter_frequencies(sample_rate: int) -> np.ndarray:
    """The frequencies ``(bins,)`` at which `filter_frames` takes its responses."""
    return fft.rfftfreq(16 * hop(sample_rate), 1 / sample_rate)


def resonance(
    centre: np.ndarray | float, width: np.ndarray | float, sample_rate: int, frequencies: np.ndarray
) -> np.ndarray:
    """Complex response ``(frames, bins)`` of a two-pole resonator with gain 1 at 0 Hz (Klatt 1980, eq. 1).

    ``centre`` and ``width`` (bandwidth at -3 dB) in Hz, scalars or ``(frames,)``.
    """
    centre = np.atleast_1d(centre)[:, np.newaxis]
    width = np.atleast_1d(width)[:, np.newaxis]
    radius = np.exp(-np.pi * width / sample_rate)
    first = 2 * radius * np.cos(2 * np.pi * centre / sample_rate)
    delay = np.exp(-2j * np.pi * frequencies / sample_rate)
    return (1 - first + radius**2) / (1 - first * delay + radius**2 * delay**2)


def band(centre: np.ndarray | float, octaves: np.ndarray | float, frequencies: np.ndarray) -> np.ndarray:
    """Real response ``(frames, bins)``, a Gaussian over log-frequency around ``centre`` (Hz)."""
    centre = np.log2(np.atleast_1d(centre))[:, np.newaxis]
    octaves = np.atleast_1d(octaves)[:, np.newaxis]
    return np.exp(-0.5 * ((np.log2(np.maximum(frequencies, 1.0)) - centre) / octaves) ** 2)


def ringing(
    frequencies: np.ndarray, amplitudes: np.ndarray, decays: np.ndarray, seconds: float, sample_rate: int
) -> np.ndarray:
    """A struck object's sound: sum of modes ``a sin(2 pi f t) exp(-t / tau)``, without those too high for the rate."""
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    audible = frequencies < 0.47 * sample_rate
    rates = -1 / decays[audible] + 2j * np.pi * frequencies[audible]
    return np.imag(np.exp(np.outer(time, rates)) @ amplitudes[audible])


def grains(strikes: np.ndarray, kernels: np.ndarray) -> np.ndarray:
    """Sum of each impulse train ``strikes (kinds, samples)`` convolved with its ``kernels (kinds, length)``.

    Overlap-add in blocks as long as the kernels, in single precision; one inverse transform for all kinds.
    Returns ``(samples,)``.
    """
    samples = strikes.shape[1]
    size = 2 ** int(np.ceil(np.log2(kernels.shape[1])))
    blocks = np.pad(strikes, ((0, 0), (0, -samples % size))).reshape(len(strikes), -1, size).astype(np.float32)
    spectra = fft.rfft(kernels.astype(np.float32), 2 * size, axis=1)
    total = np.zeros((blocks.shape[1], size + 1), dtype=np.complex64)
    for train, spectrum in zip(blocks, spectra, strict=True):
        total += fft.rfft(train, 2 * size, axis=1) * spectrum
    parts = fft.irfft(total, 2 * size, axis=1)
    parts[1:, :size] += parts[:-1, size:]
    return parts[:, :size].ravel()[:samples].astype(float)


def poisson_strikes(
    rng: np.random.Generator, rate: np.ndarray, kinds: int, samples: int, sample_rate: int, spread: float
) -> np.ndarray:
    """Impulse trains ``(kinds, samples)``: a Poisson process dealt evenly to the kinds.

    ``rate (points,)`` is the expected number per second, its points spread evenly over the sound; heights are
    log-normal with standard deviation ``spread`` (natural logarithm) and random sign.
    """
    expected = rate * (samples / sample_rate / len(rate))
    slots = np.repeat(np.arange(len(rate)), rng.poisson(expected))
    places = ((slots + rng.random(len(slots))) * (samples / len(rate))).astype(int)
    heights = rng.choice([-1.0, 1.0], len(slots)) * np.exp(spread * rng.standard_normal(len(slots)))
    strikes = np.zeros((kinds, samples))
    np.add.at(strikes, (rng.integers(0, kinds, len(slots)), places), heights)
    return strikes


def ramp(samples: int, seconds: float, sample_rate: int) -> np.ndarray:
    """A run-up ``(samples,)`` from 0 towards 1: ``1 - exp(-3 t / seconds)``, the first-order start of a motor."""
    return 1 - np.exp(-3 * np.arange(samples) / (seconds * sample_rate))


def run_down(samples: int, seconds: float, sample_rate: int) -> np.ndarray:
    """1 until the last ``seconds``, then a straight line to 0, ``(samples,)``; 0 seconds: 1 throughout."""
    left = np.arange(samples, 0, -1) / sample_rate
    return np.minimum(1.0, left / seconds) if seconds > 0 else np.ones(samples)


def room(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """The impulse response of a small furnished room: direct sound, early reflections, decaying diffuse tail.

    Reverberation time 0.15…0.5 s (above 2 kHz 60 % of that), reflected energy 8…20 dB below the direct sound.
    """
    decay = rng.uniform(0.15, 0.5)
    samples = round(decay * sample_rate)
    time = np.arange(samples) / sample_rate
    low = noise(rng, samples, sample_rate, [(80, 0), (2000, 0), (6000, -30)]) * np.exp(-6.9 * time / decay)
    high = noise(rng, samples, sample_rate, [(600, -30), (2000, 0), (6000, -3)]) * np.exp(-6.9 * time / (0.6 * decay))
    tail = (low + 0.7 * high) * np.minimum(1.0, time / rng.uniform(0.006, 0.015))
    tail[0] = 0.0
    response = tail * rng.uniform(0.5, 1.0) / np.linalg.norm(tail)
    reflections = int(rng.integers(3, 8))
    delays = log_uniform(rng, 0.0015, 0.025, reflections)
    places = np.minimum(np.round(delays * sample_rate).astype(int), samples - 1)
    np.add.at(response, places, rng.choice([-1.0, 1.0], reflections) * 0.5 / (1 + 200 * delays))
    response *= decibels(rng.uniform(-20, -8)) / np.linalg.norm(response)
    response[0] = 1.0
    return response


def trimmed(sound: np.ndarray, sample_rate: int, shortest: float, longest: float, floor: float = -45.0) -> np.ndarray:
    """``sound`` from its first to its last 5 ms above ``floor`` (dB below its loudest 5 ms), with short fades.

    The result lasts at least ``shortest`` (what follows is kept, if need be silence) and at most ``longest`` seconds.
    """
    block = max(1, sample_rate // 200)
    blocks = np.pad(sound, (0, -len(sound) % block)).reshape(-1, block)
    power = np.mean(blocks**2, axis=1)
    loud = np.flatnonzero(power > power.max() * decibels(floor) ** 2)
    start = loud[0] * block
    low, high = round(shortest * sample_rate), round(longest * sample_rate)
    length = min(max((loud[-1] + 1) * block - start, low), high)
    part = np.zeros(length)
    kept = sound[start : start + length]
    part[: len(kept)] = kept
    rise, fall = round(0.003 * sample_rate), min(round(0.03 * sample_rate), length // 4)
    part[:rise] *= np.linspace(0, 1, rise)
    part[-fall:] *= np.linspace(1, 0, fall)
    return part
