"""Impacts, bells, frying and water.

Struck objects ring in damped modes. Bubbles in water ring at Minnaert's frequency, 3.26 / radius (m) Hz, with the
damping and the rising pitch of van den Doel (2005), "Physically based models for liquid sounds", ACM TAP 2, section 3.
"""

import numpy as np

from igsed.soundbanks.procedural import synthesis as syn


def _struck(
    rng: np.random.Generator, low: float, high: float, modes: int, ring: float
) -> tuple[np.ndarray, np.ndarray]:
    """Mode frequencies (Hz) and decay times (s) of a random hard object; higher modes die sooner."""
    lowest = syn.log_uniform(rng, low, high)
    ratios = np.cumsum(np.concatenate([[1.0], rng.uniform(0.25, 1.1, modes - 1)]))
    split = np.repeat(ratios, 2) * (1 + 0.004 * rng.standard_normal(2 * modes))  # nearly round: each mode is a pair
    frequencies = lowest * split
    return frequencies, ring * (lowest / frequencies) ** 0.7 * rng.uniform(0.5, 1.3, 2 * modes)


def dishes(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Plates, cups, glasses and cutlery that touch, 0.3…1 s: one to three knocks and their bounces on a few objects."""
    seconds = rng.uniform(0.3, 0.95)
    samples = round(seconds * sample_rate)
    kinds = {
        "ceramic": (700, 1800, 12, 0.05),
        "glass": (1400, 3000, 10, 0.08),
        "metal": (900, 3000, 14, 0.06),
    }
    objects = [_struck(rng, *kinds[rng.choice(list(kinds))]) for _ in range(rng.integers(2, 4))]
    sound = np.zeros(samples)
    knocks = rng.uniform(0, 0.7 * seconds, rng.integers(1, 4))
    knocks[0] = 0.0
    for knock in knocks:
        gaps = rng.uniform(0.03, 0.12) * rng.uniform(0.5, 0.85) ** np.arange(rng.integers(0, 5))
        for bounce, delay in enumerate(np.cumsum([0.0, *gaps])):
            start = round((knock + delay) * sample_rate)
            frequencies, decays = objects[rng.integers(len(objects))]
            amplitudes = np.exp(0.8 * rng.standard_normal(len(frequencies)) - frequencies / rng.uniform(3000, 9000))
            amplitudes *= rng.choice([-1, 1], len(frequencies))
            ring = syn.ringing(frequencies, amplitudes, decays, 7 * np.max(decays), sample_rate)
            contact = rng.standard_normal(len(ring)) * np.exp(-np.arange(len(ring)) / (0.0015 * sample_rate))
            blow = rng.uniform(0.4, 1.0) * 0.7**bounce
            struck = sound[start : start + len(ring)]
            struck += blow * (syn.normalised(ring) + rng.uniform(0.2, 0.7) * contact)[: len(struck)]
    return syn.normalised(sound)


def _bell(rng: np.random.Generator, strikes: np.ndarray, sample_rate: int) -> np.ndarray:
    """A small hemispherical bell, struck by the impulses ``strikes (samples,)``."""
    lowest = syn.log_uniform(rng, 700, 2000)
    ratios = np.array([1.0, 1.006, 2.3, 2.32, 4.1, 4.13, 6.2, 8.6]) * (1 + 0.02 * rng.standard_normal(8))
    decays = rng.uniform(0.15, 0.5) / ratios**0.6
    amplitudes = ratios**-0.5 * np.exp(0.5 * rng.standard_normal(8))
    ring = syn.ringing(lowest * ratios, amplitudes, decays, 6 * np.max(decays), sample_rate)
    clack = rng.standard_normal(len(ring)) * np.exp(-np.arange(len(ring)) / (0.001 * sample_rate))
    return syn.grains(strikes[np.newaxis], (syn.normalised(ring) + 0.3 * clack)[np.newaxis])


def _hammer(rng: np.random.Generator, samples: int, rate: float, on: np.ndarray, sample_rate: int) -> np.ndarray:
    """Impulses ``(samples,)`` at about ``rate`` per second while ``on (samples,)`` holds, uneven as a hammer's are."""
    gaps = (1 + 0.03 * rng.standard_normal(int(samples / sample_rate * rate) + 1)) / rate
    places = (np.cumsum(gaps) * sample_rate).astype(int)
    places = places[places < samples]
    strikes = np.zeros(samples)
    strikes[places] = rng.uniform(0.7, 1.0, len(places)) * on[places]
    return strikes


def _cadence(samples: int, on: float, off: float, sample_rate: int) -> np.ndarray:
    """True ``(samples,)`` for ``on`` seconds, False for ``off``, and so on."""
    return (np.arange(samples) / sample_rate) % (on + off) < on


def _beeps(rng: np.random.Generator, samples: int, sample_rate: int) -> np.ndarray:
    """An electronic alarm: a sounder's tone in groups of short beeps, or an even on and off."""
    pitch = syn.log_uniform(rng, 1200, 3600)
    beep = rng.uniform(0.06, 0.14)
    if rng.random() < 0.5:
        count = rng.integers(2, 5)
        on = _cadence(samples, beep, beep, sample_rate) & _cadence(
            samples, 2 * count * beep - 0.001, rng.uniform(0.2, 0.6), sample_rate
        )
    else:
        on = _cadence(samples, 3 * beep, rng.uniform(1.5, 4) * beep, sample_rate)
    order = np.arange(1, syn.harmonic_count(pitch, sample_rate, 15) + 1)
    amplitudes = np.where(order % 2, 1.0, rng.uniform(0, 0.4)) * order ** -rng.uniform(0.7, 1.5)
    tone = syn.periodic(np.arange(samples) * (pitch / sample_rate), amplitudes)
    return tone * syn.smoothed(on.astype(float), 0.002, sample_rate)


def _warble(rng: np.random.Generator, samples: int, sample_rate: int) -> np.ndarray:
    """An electronic telephone: two tones in quick alternation, rung in a cadence."""
    low = syn.log_uniform(rng, 600, 1400)
    second = np.sin(2 * np.pi * rng.uniform(8, 16) * np.arange(samples) / sample_rate) > 0
    pitch = low * np.where(second, rng.uniform(1.15, 1.4), 1.0)
    order = np.arange(1, syn.harmonic_count(pitch, sample_rate, 12) + 1)
    tone = syn.periodic(np.cumsum(pitch) / sample_rate, order ** -rng.uniform(0.8, 1.6))
    on = _cadence(samples, rng.uniform(0.9, 1.4), rng.uniform(0.5, 1.0), sample_rate)
    return tone * syn.smoothed(on.astype(float), 0.004, sample_rate)


def alarm_bell_ringing(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """An alarm clock's or door's bell, electronic beeps, or a telephone with bells or tones, 1.5…5 s."""
    samples = round(rng.uniform(1.5, 4.8) * sample_rate)
    kind = rng.choice(["bell", "telephone", "beeps", "warble"], p=[0.35, 0.2, 0.3, 0.15])
    if kind == "beeps":
        return syn.normalised(_beeps(rng, samples, sample_rate))
    if kind == "warble":
        return syn.normalised(_warble(rng, samples, sample_rate))
    rate = rng.uniform(12, 26)
    if kind == "bell":
        on = np.arange(samples) < samples - round(0.4 * sample_rate)
        return syn.normalised(_bell(rng, _hammer(rng, samples, rate, on, sample_rate), sample_rate))
    on = _cadence(samples, rng.uniform(1.0, 1.6), rng.uniform(0.6, 1.2), sample_rate)
    first, second = (_bell(rng, _hammer(rng, samples, rate, on, sample_rate), sample_rate) for _ in range(2))
    return syn.normalised(first + second)


def frying(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Food in hot fat, 4…9 s: a hiss of countless small bursts, and single ones that crackle and pop."""
    samples = round(rng.uniform(4, 8.8) * sample_rate)
    heat = np.exp(0.2 * syn.wander(rng, samples, 1.2, sample_rate))
    kernels = np.stack([_burst(rng, sample_rate) for _ in range(12)])
    rate = heat[:: sample_rate // 20]
    fine, coarse = (
        syn.unit_power(syn.grains(syn.poisson_strikes(rng, bursts * rate, 12, samples, sample_rate, spread), kernels))
        for bursts, spread in ((syn.log_uniform(rng, 500, 3000), 1.0), (syn.log_uniform(rng, 8, 40), 0.6))
    )
    hiss = syn.noise(rng, samples, sample_rate, [(200, -32), (1500, -13), (4500, 0), (10000, -3), (14000, -9)])
    return syn.limited((rng.uniform(0.7, 1.3) * hiss + fine + rng.uniform(0.5, 1.0) * coarse) * heat**0.5)


def _burst(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """The crack of one steam bubble, 10 ms: two quickly damped rings and a puff of noise."""
    frequencies = syn.log_uniform(rng, 1500, min(9000, 0.4 * sample_rate), 2)
    ring = syn.ringing(frequencies, rng.uniform(0.3, 1, 2), rng.uniform(1, 6, 2) / frequencies, 0.01, sample_rate)
    puff = rng.standard_normal(len(ring)) * np.exp(-np.arange(len(ring)) / (rng.uniform(0.0003, 0.0012) * sample_rate))
    return syn.unit_power(ring) + 0.7 * syn.unit_power(np.diff(puff, prepend=0.0))


def _bubbles(rng: np.random.Generator, rate: np.ndarray, largest: float, samples: int, sample_rate: int) -> np.ndarray:
    """Bubbles of 0.2 mm to ``largest`` (m) radius that form at ``rate (points,)`` per second, ``(samples,)``.

    Each rings at its Minnaert frequency, which rises by up to a fifth of its damping rate, until five time constants.
    """
    slots = np.repeat(np.arange(len(rate)), rng.poisson(rate * (samples / sample_rate / len(rate))))
    starts = ((slots + rng.random(len(slots))) * (samples / len(rate))).astype(int)
    radii = np.sort(syn.log_uniform(rng, 0.0002, largest, len(slots)))
    rng.shuffle(starts)
    damping = 0.13 / radii + 0.0072 * radii**-1.5
    frequencies = 3.26 / radii
    rises = rng.uniform(0, 0.2, len(radii)) * damping
    heights = radii**0.5 * np.exp(0.6 * rng.standard_normal(len(radii))) * (frequencies < 0.45 * sample_rate)
    cycles, rises, damping, heights = (  # type: ignore[assignment]  # to float32
        column.astype(np.float32)[:, np.newaxis] for column in (frequencies, rises, damping, heights)
    )
    total = np.zeros(samples)
    groups = np.array_split(np.arange(len(radii)), min(24, len(radii)))  # of similar radius, so of similar length
    for group in groups:
        offsets = np.arange(int(5 / damping[group].min() * sample_rate) + 1)
        time = (offsets / sample_rate).astype(np.float32)
        phase = cycles[group] * time * (1 + 0.5 * rises[group] * time)
        waves = np.sin(2 * np.pi * phase) * np.exp(-damping[group] * time) * heights[group]
        places = starts[group, np.newaxis] + offsets
        total += np.bincount(places.ravel(), waves.ravel(), samples + len(offsets))[:samples]
    return syn.unit_power(total)


def running_water(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """A tap that runs into a sink or a vessel, 4…9 s: turbulent noise and many bubbles of up to 2…6 mm radius."""
    samples = round(rng.uniform(4, 8.8) * sample_rate)
    flow = np.exp(0.15 * syn.wander(rng, samples, 2.0, sample_rate))
    rate = syn.log_uniform(rng, 250, 900) * flow[:: sample_rate // 20]
    bubbles = _bubbles(rng, rate, rng.uniform(0.002, 0.006), samples, sample_rate)
    edge = rng.uniform(3000, 7000)
    turbulence = syn.noise(rng, samples, sample_rate, [(150, -24), (500, -9), (1500, -2), (edge, 0), (2.5 * edge, -14)])
    turbulence *= flow * (1 + 0.12 * syn.wander(rng, samples, 25, sample_rate))
    mixed = rng.uniform(0.3, 0.9) * turbulence + bubbles

    frames = syn.frame_count(samples, sample_rate)
    filling = rng.uniform(0, 0.8) * np.linspace(0, 1, frames)  # octaves: the air left above the water gets shorter
    vessel = syn.band(rng.uniform(500, 1500) * 2**filling, 0.2, syn.filter_frequencies(sample_rate))
    return syn.limited(syn.filter_frames(mixed, 1 + rng.uniform(0, 1.2) * vessel, sample_rate))
