"""Household machines with motors: blender, vacuum cleaner, electric shaver or toothbrush.

A rotor gives a comb of harmonics with random strengths that follows the speed (run-up, load, run-down); its air and its
work give broadband noise, modulated by the rotation; the housing adds fixed resonances through which the comb moves.
"""

import numpy as np

from igsed.soundbanks.procedural import synthesis as syn


def _comb(rng: np.random.Generator, count: int, tilt: float, spread: float = 0.7) -> tuple[np.ndarray, np.ndarray]:
    """Amplitudes ``k^-tilt`` with log-normal scatter, and random angles, of ``count`` harmonics."""
    order = np.arange(1, count + 1)
    return order**-tilt * np.exp(spread * rng.standard_normal(count)), rng.uniform(0, 2 * np.pi, count)


def _housed(
    rng: np.random.Generator, sound: np.ndarray, low: float, high: float, count: int, sample_rate: int
) -> np.ndarray:
    """``sound`` in a housing with ``count`` resonances of 4…12 dB between ``low`` and ``high`` Hz."""
    peaks = [
        (centre, rng.uniform(0.08, 0.25), syn.decibels(rng.uniform(4, 12)) - 1)
        for centre in syn.log_uniform(rng, low, high, count)
    ]

    def gain(frequencies: np.ndarray) -> np.ndarray:
        return 1 + sum(height * syn.band(centre, octaves, frequencies)[0] for centre, octaves, height in peaks)

    return syn.equalised(sound, sample_rate, gain)


def blender(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """A blender or mixer at work, 3…8 s: whining motor under a changing load, chopping, swirling contents."""
    samples = round(rng.uniform(3, 7.8) * sample_rate)
    load = np.clip(0.3 + 0.25 * syn.wander(rng, samples, 2.5, sample_rate), 0, 1)
    load *= syn.ramp(samples, rng.uniform(0.5, 1.5), sample_rate)
    rotation = rng.uniform(130, 290)
    speed = syn.ramp(samples, rng.uniform(0.2, 0.6), sample_rate) * syn.run_down(
        samples, rng.uniform(0.15, 0.5), sample_rate
    )
    pitch = rotation * speed * (1 - 0.2 * load + 0.004 * syn.wander(rng, samples, 30, sample_rate))
    phase = np.cumsum(pitch) / sample_rate

    count = syn.harmonic_count(rotation, sample_rate, 64)
    amplitudes, angles = _comb(rng, count, rng.uniform(0.5, 0.9))
    bars = int(rng.integers(8, 14))
    amplitudes[bars - 1 :: bars] *= 3.0
    tone = syn.unit_power(syn.periodic(phase, amplitudes, angles))
    mains = 2 * rng.choice([50, 60]) / sample_rate
    tone *= 1 + 0.15 * np.cos(2 * np.pi * mains * np.arange(samples))

    blades = 0.6 + 0.4 * np.cos(2 * np.pi * rng.choice([2, 4]) * phase)
    air = blades * syn.noise(rng, samples, sample_rate, [(150, -15), (700, 0), (3500, -2), (9000, -14)])
    strikes = syn.poisson_strikes(rng, 20 + 180 * load[:: sample_rate // 20], 6, samples, sample_rate, 0.9)
    kernels = np.stack(
        [
            syn.ringing(syn.log_uniform(rng, 400, 5000, 3), np.ones(3), rng.uniform(0.002, 0.01, 3), 0.04, sample_rate)
            for _ in range(6)
        ]
    )
    chopping = syn.grains(strikes, kernels)
    mixed = (
        tone
        + rng.uniform(0.7, 1.4) * (0.6 + 0.8 * load) * air
        + rng.uniform(0.2, 0.6) * load * syn.unit_power(chopping)
    )
    return syn.normalised(_housed(rng, mixed * speed**1.5, 300, 5000, 5, sample_rate))


def electric_shaver_toothbrush(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """An electric shaver, clipper or toothbrush, 3…8 s: a dense, bright buzz that skin and hand keep detuning.

    Vibrating armatures run at twice the mains frequency (100 or 120 Hz), small rotary motors at 55…110 Hz, sonic
    toothbrushes near 260 Hz.
    """
    samples = round(rng.uniform(3, 7.8) * sample_rate)
    kind = rng.choice(["armature", "rotary", "sonic"], p=[0.4, 0.4, 0.2])
    rate = {
        "armature": rng.choice([100.0, 120.0]),
        "rotary": rng.uniform(55, 110),
        "sonic": rng.uniform(240, 270),
    }[kind]
    drift = {"armature": 0.0005, "rotary": 0.006, "sonic": 0.002}[kind]
    contact = np.clip(0.5 + 0.35 * syn.wander(rng, samples, 1.5, sample_rate), 0, 1)
    start = syn.ramp(samples, rng.uniform(0.05, 0.25), sample_rate) * syn.run_down(
        samples, rng.uniform(0.05, 0.2), sample_rate
    )
    pitch = (
        rate
        * (0.6 + 0.4 * start)
        * (1 + drift * syn.wander(rng, samples, 8, sample_rate) - 6 * drift * (contact - 0.5))
    )
    phase = np.cumsum(pitch) / sample_rate

    count = syn.harmonic_count(rate, sample_rate, 130)
    tilt = rng.uniform(0.0, 0.45)
    free, held = (syn.unit_power(syn.periodic(phase, *_comb(rng, count, tilt))) for _ in range(2))
    buzz = (1 - contact) * free + contact * held
    rattle = syn.noise(rng, samples, sample_rate, [(500, -20), (2500, 0), (7000, 0), (12000, -10)])
    rattle *= np.maximum(0, np.cos(2 * np.pi * phase))  # blades and gears strike once a cycle
    strikes = syn.poisson_strikes(rng, 60 * contact[:: sample_rate // 20] ** 2, 4, samples, sample_rate, 0.8)
    kernels = np.stack(
        [
            syn.ringing(syn.log_uniform(rng, 2000, 7000, 2), np.ones(2), np.full(2, 0.0015), 0.01, sample_rate)
            for _ in range(4)
        ]
    )
    stubble = syn.grains(strikes, kernels) * (kind != "sonic")
    buzz *= 1 + 0.05 * syn.wander(rng, samples, 40, sample_rate)
    mixed = buzz + rng.uniform(0.1, 0.4) * rattle + 0.15 * stubble
    shaped = _housed(rng, mixed * start * (0.75 + 0.25 * contact), 400, 7000, 6, sample_rate)
    corner = rng.uniform(500, 1400)  # the small case radiates little below
    return syn.normalised(syn.equalised(shaped, sample_rate, lambda frequencies: np.minimum(1.0, frequencies / corner)))


def vacuum_cleaner(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """A vacuum cleaner at work, 5…10 s: run-up, motor tone, strong air flow through a nozzle moved over the floor."""
    samples = round(rng.uniform(5, 9.8) * sample_rate)
    speed = syn.ramp(samples, rng.uniform(0.6, 1.6), sample_rate) * syn.run_down(
        samples, rng.choice([0.0, 0.8]), sample_rate
    )
    strokes = rng.uniform(0.4, 1.1)
    stroke = np.sin(
        2 * np.pi * strokes * np.arange(samples) / sample_rate + 0.8 * syn.wander(rng, samples, strokes, sample_rate)
    )
    rotation = rng.uniform(200, 480)
    pitch = rotation * speed * (1 + 0.012 * stroke + 0.002 * syn.wander(rng, samples, 20, sample_rate))
    phase = np.cumsum(pitch) / sample_rate

    amplitudes, angles = _comb(rng, syn.harmonic_count(rotation, sample_rate, 24), rng.uniform(0.9, 1.3))
    tone = syn.unit_power(syn.periodic(phase, amplitudes, angles))
    air = syn.noise(rng, samples, sample_rate, [(60, -18), (200, -2), (900, 0), (3000, -3), (8000, -10), (14000, -20)])
    frequencies = syn.filter_frequencies(sample_rate)
    frames = syn.frame_count(samples, sample_rate)
    sweep = np.interp(np.arange(frames) * syn.hop(sample_rate), np.arange(samples), stroke)
    nozzle = 1 + rng.uniform(0.6, 1.6) * syn.band(rng.uniform(700, 1800) * 2 ** (0.25 * sweep), 0.3, frequencies)
    flow = _housed(rng, syn.filter_frames(air, nozzle, sample_rate), 250, 4000, 4, sample_rate)
    mixed = syn.unit_power(flow) * speed**2 + syn.decibels(rng.uniform(-12, -3)) * tone * speed
    return syn.normalised(mixed * (1 + 0.08 * stroke))
