"""Backgrounds: what a home or an office sounds like when nothing happens, 12…15 s each."""

import numpy as np

from igsed.soundbanks.procedural import synthesis as syn


def _samples(rng: np.random.Generator, sample_rate: int) -> int:
    return round(rng.uniform(12.2, 15) * sample_rate)


def _hum(rng: np.random.Generator, samples: int, rate: float, count: int, sample_rate: int) -> np.ndarray:
    """``count`` harmonics of ``rate`` Hz with random, falling strengths, unit power."""
    order = np.arange(1, count + 1)
    amplitudes = order**-1.0 * np.exp(0.6 * rng.standard_normal(count))
    return syn.unit_power(
        syn.periodic(np.arange(samples) * (rate / sample_rate), amplitudes, rng.uniform(0, 6.28, count))
    )


def quiet_room(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Room tone: noise that falls by 4…7 dB an octave, and a little mains hum."""
    samples = _samples(rng, sample_rate)
    slope = rng.uniform(4, 7)
    tone = syn.noise(rng, samples, sample_rate, [(30, 0), (60, 0), (60 * 2**7, -7 * slope)])
    hum = _hum(rng, samples, rng.choice([50.0, 60.0]), 8, sample_rate)
    return syn.normalised(tone + syn.decibels(rng.uniform(-18, -6)) * hum)


def ventilation(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Air from a duct: rounded noise, a slow fan, broad duct resonances, a level that drifts."""
    samples = _samples(rng, sample_rate)
    edge = rng.uniform(250, 900)
    air = syn.noise(rng, samples, sample_rate, [(30, -10), (80, 0), (edge, -4), (8 * edge, -34), (14000, -55)])
    frequencies = syn.filter_frequencies(sample_rate)
    peaks = 1 + np.sum([syn.band(centre, 0.2, frequencies) for centre in syn.log_uniform(rng, 100, 1500, 3)], axis=0)
    air = syn.unit_power(syn.filter_frames(air, peaks, sample_rate)) * (
        1 + 0.1 * syn.wander(rng, samples, 0.6, sample_rate)
    )
    fan = _hum(rng, samples, rng.uniform(50, 140), 6, sample_rate)
    return syn.normalised(air + syn.decibels(rng.uniform(-20, -10)) * fan)


def office(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """A computer's soft fan, room tone, and now and then a few far, faint key strokes."""
    samples = _samples(rng, sample_rate)
    air = syn.noise(rng, samples, sample_rate, [(40, 0), (300, -8), (1200, -14), (5000, -30), (14000, -50)])
    fan = _hum(rng, samples, rng.uniform(110, 260), 10, sample_rate)
    typing = np.repeat(rng.choice([0.0, 4.0], 10, p=[0.7, 0.3]), 4)
    strikes = syn.poisson_strikes(rng, typing, 3, samples, sample_rate, 0.4)
    kernels = np.stack(
        [
            syn.ringing(syn.log_uniform(rng, 500, 2500, 4), np.ones(4), np.full(4, 0.004), 0.05, sample_rate)
            for _ in range(3)
        ]
    )
    keys = rng.uniform(0.1, 0.5) * syn.grains(strikes, kernels)
    return syn.normalised(air + syn.decibels(rng.uniform(-22, -12)) * fan + keys)


def street_through_window(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Traffic behind a closed window: a low rumble in which a few cars rise and fall."""
    samples = _samples(rng, sample_rate)
    time = np.arange(samples) / sample_rate
    sound = syn.noise(rng, samples, sample_rate, [(25, -4), (60, 0), (200, -8), (1000, -26), (8000, -55)])
    for _ in range(rng.integers(2, 5)):
        edge = rng.uniform(300, 800)
        car = syn.noise(rng, samples, sample_rate, [(40, -6), (120, 0), (edge, -6), (4 * edge, -28), (8000, -60)])
        nearest, duration = rng.uniform(-2, time[-1] + 2), rng.uniform(1.2, 3)
        sound = sound + rng.uniform(0.4, 1.2) * car / (1 + ((time - nearest) / duration) ** 2)
    return syn.normalised(sound)


def rain_on_window(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Rain outside: even noise, and drops that strike the pane."""
    samples = _samples(rng, sample_rate)
    rain = syn.noise(rng, samples, sample_rate, [(60, -6), (400, -4), (2500, 0), (8000, -8), (14000, -20)])
    rain *= 1 + 0.1 * syn.wander(rng, samples, 0.5, sample_rate)
    kernels = np.stack(
        [
            syn.ringing(
                syn.log_uniform(rng, 300, 3500, 3),
                np.ones(3),
                syn.log_uniform(rng, 0.001, 0.006, 3),
                0.04,
                sample_rate,
            )
            for _ in range(8)
        ]
    )
    strikes = syn.poisson_strikes(rng, np.full(10, rng.uniform(15, 80)), 8, samples, sample_rate, 0.7)
    drops = syn.grains(strikes, kernels)
    return syn.limited(rain + rng.uniform(0.3, 1.0) * syn.unit_power(drops))
