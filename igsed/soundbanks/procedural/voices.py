"""Voices as source and filter: speech, a cat's meow, a dog's bark.

A periodic source (larynx) and noise (breath) pass through resonators (vocal tract) that move with the mouth. Speech is
babble after Klatt's formant synthesiser: syllables without a language. Formants of vowels: Peterson and Barney (1952),
men's means; resonators: Klatt (1980), "Software for a cascade/parallel formant synthesizer", JASA 67.
"""

from typing import NamedTuple

import numpy as np

from igsed.soundbanks.procedural import synthesis as syn

VOWELS = (  # F1, F2, F3 in Hz: heed hid head had hod hawed hood who'd hud heard
    (270, 2290, 3010),
    (390, 1990, 2550),
    (530, 1840, 2480),
    (660, 1720, 2410),
    (730, 1090, 2440),
    (570, 840, 2410),
    (440, 1020, 2240),
    (300, 870, 2240),
    (640, 1190, 2390),
    (490, 1350, 1690),
)
PLACES = (
    (300, 850, 2200),
    (350, 1750, 2700),
    (300, 2150, 2500),
)  # formants near closed lips, tongue tip, tongue back
BURSTS = (900.0, 4200.0, 2000.0)  # spectral centre of the release at those places, Hz
FRICATIVES = (
    (6200.0, 0.35, 0.9, 1),
    (3300.0, 0.4, 1.0, 2),
    (5000.0, 1.2, 0.3, 0),
)  # s, sh, f: Hz, octaves, level, place
GLIDES = ((300, 700, 2300), (290, 2200, 3000), (350, 1100, 2700), (420, 1250, 1600))  # w, j, l, r


class Segment(NamedTuple):
    """A stretch of speech with constant targets: seconds; levels of voice, breath and hiss; hiss band; formants."""

    seconds: float
    voice: float
    breath: float
    hiss: float
    centre: float
    octaves: float
    formants: tuple[float, float, float]


def _vocal_tract(moving: np.ndarray, widths: np.ndarray, fixed: np.ndarray, sample_rate: int) -> np.ndarray:
    """Response ``(frames, bins)`` of cascaded resonators: ``moving (frames, n)``, ``widths (n,)``, ``fixed (m,)``."""
    frequencies = syn.filter_frequencies(sample_rate)
    response = np.ones((1, len(frequencies)), dtype=complex)
    for centre in fixed[fixed < 0.45 * sample_rate]:
        response = response * syn.resonance(centre, 60 + 0.06 * centre, sample_rate, frequencies)
    for centre, width in zip(moving.T, widths, strict=True):
        response = response * syn.resonance(np.minimum(centre, 0.45 * sample_rate), width, sample_rate, frequencies)
    return response


def _larynx(
    rng: np.random.Generator, pitch: np.ndarray, tilt: float, sample_rate: int
) -> tuple[np.ndarray, np.ndarray]:
    """Pulses of ``pitch (samples,)`` Hz, harmonic k of amplitude k^-tilt, and breath noise that pulses with them."""
    phase = np.cumsum(pitch) / sample_rate
    order = np.arange(1, syn.harmonic_count(pitch, sample_rate) + 1)
    pulses = syn.unit_power(syn.periodic(phase, order**-tilt))
    breath = syn.noise(rng, len(pitch), sample_rate, [(100, -12), (1000, 0), (8000, 0)])
    return pulses, breath * (0.65 + 0.35 * np.cos(2 * np.pi * phase))


def _consonant(rng: np.random.Generator, vowel: tuple[float, float, float], pace: float) -> list[Segment]:
    """The segments of one random consonant before ``vowel``: plosive, fricative, nasal, glide, h or none."""
    kind = rng.choice(
        ["plosive", "voiced", "fricative", "nasal", "glide", "h", "none"],
        p=[0.2, 0.2, 0.2, 0.14, 0.14, 0.06, 0.06],
    )
    place = int(rng.integers(3))
    locus = PLACES[place]
    if kind == "plosive":
        return [
            Segment(pace * rng.uniform(0.045, 0.08), 0, 0, 0, BURSTS[place], 0.5, locus),
            Segment(0.012, 0, 0.1, rng.uniform(0.7, 1.2), BURSTS[place], 0.5, locus),
            Segment(pace * rng.uniform(0.015, 0.05), 0, 0.3, 0.1, BURSTS[place], 0.7, locus),
        ]
    if kind == "voiced":
        return [
            Segment(pace * rng.uniform(0.04, 0.07), 0.05, 0, 0, BURSTS[place], 0.5, locus),
            Segment(0.01, 0.15, 0, 0.4, BURSTS[place], 0.5, locus),
        ]
    if kind == "fricative":
        centre, octaves, level, place = FRICATIVES[rng.integers(len(FRICATIVES))]
        voice = rng.choice([0.0, 0.12])
        return [
            Segment(
                pace * rng.uniform(0.07, 0.13),
                voice,
                0,
                level * 0.35,
                centre * rng.uniform(0.9, 1.1),
                octaves,
                PLACES[place],
            )
        ]
    if kind == "nasal":
        return [Segment(pace * rng.uniform(0.05, 0.09), 0.25, 0, 0, 1000, 1, (260, locus[1], locus[2]))]
    if kind == "glide":
        return [Segment(pace * rng.uniform(0.05, 0.08), 0.5, 0, 0, 1000, 1, GLIDES[rng.integers(len(GLIDES))])]
    if kind == "h":
        return [Segment(pace * rng.uniform(0.05, 0.08), 0, 0.35, 0, 1000, 1, vowel)]
    return []


def speech(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """One to a dozen syllables by one speaker, 1…4.5 s; speakers differ in pitch, tract length, pace and breath."""
    high = rng.random() < 0.5
    base, tract = (
        (rng.uniform(165, 250), rng.uniform(1.1, 1.25)) if high else (rng.uniform(85, 140), rng.uniform(0.95, 1.05))
    )
    pace = rng.uniform(0.8, 1.25)
    goal = rng.uniform(1.0, 4.3)
    segments: list[Segment] = []
    accents: list[tuple[float, float]] = []  # middle (s), height (semitones)
    elapsed, until_pause = 0.0, rng.integers(3, 9)
    while elapsed < goal:
        vowel = VOWELS[rng.integers(len(VOWELS))]
        stress = rng.choice([0.6, 1.0], p=[0.5, 0.5])
        seconds = pace * rng.uniform(0.07, 0.12) * (1 + 0.6 * (stress == 1.0))
        syllable = [*_consonant(rng, vowel, pace), Segment(seconds, stress, 0.02, 0, 1000, 1, vowel)]
        if rng.random() < 0.25:
            end = VOWELS[rng.integers(len(VOWELS))]
            syllable.append(Segment(0.6 * seconds, 0.8 * stress, 0.02, 0, 1000, 1, end))
        if until_pause == 0 and elapsed < 0.75 * goal:
            segments.append(Segment(rng.uniform(0.15, 0.4), 0, 0, 0, 1000, 1, vowel))
            until_pause = rng.integers(3, 9)
        until_pause -= 1
        segments += syllable
        elapsed = sum(segment.seconds for segment in segments)
        accents.append((elapsed - seconds / 2, rng.uniform(1, 5) * (stress == 1.0)))
    segments.append(Segment(0.08, 0, 0, 0, 1000, 1, segments[-1].formants))

    rate = sample_rate / syn.hop(sample_rate)
    lengths = np.maximum(1, np.round([segment.seconds * rate for segment in segments]).astype(int))
    table = np.array([(*segment[1:6], *segment.formants) for segment in segments], dtype=float)
    targets = np.repeat(table, lengths, axis=0)
    samples = (len(targets) - 1) * syn.hop(sample_rate)
    voice, breath, hiss = syn.smoothed(targets[:, :3], 0.007, rate).T
    formants = syn.smoothed(targets[:, 5:], 0.022, rate) * tract

    frame_time = np.arange(len(targets)) / rate
    melody = rng.uniform(0.5, 2.5) * (0.5 - frame_time / frame_time[-1])
    melody += sum(height * np.exp(-0.5 * ((frame_time - middle) / 0.09) ** 2) for middle, height in accents)
    melody += rng.choice([-4.0, -2.5, 3.0]) * np.clip((frame_time - frame_time[-1] + 0.3) / 0.3, 0, 1)
    pitch = base * 2 ** (syn.at_samples(melody, samples, sample_rate) / 12)
    pitch *= 1 + rng.uniform(0.004, 0.012) * syn.wander(rng, samples, 60, sample_rate)
    pulses, breathing = _larynx(rng, pitch, rng.uniform(1.0, 1.35), sample_rate)
    shimmer = 1 + 0.06 * syn.wander(rng, samples, 40, sample_rate)

    source = pulses * shimmer * syn.at_samples(voice, samples, sample_rate)
    source += breathing * syn.at_samples(breath + rng.uniform(0.005, 0.03) * voice, samples, sample_rate)
    response = _vocal_tract(
        formants,
        tract * np.array([60.0, 90.0, 130.0]),
        tract * np.arange(3500.0, 9000.0, 1000.0),
        sample_rate,
    )
    voiced = syn.filter_frames(source, response, sample_rate)
    centres = np.minimum(targets[:, 3], 0.4 * sample_rate)
    bands = syn.band(centres, targets[:, 4], syn.filter_frequencies(sample_rate))
    hissing = rng.standard_normal(samples) * syn.at_samples(hiss, samples, sample_rate)
    return syn.normalised(syn.unit_power(voiced) + 0.9 * syn.filter_frames(hissing, bands, sample_rate))


def cat(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """One meow, 0.6…1.8 s: the mouth opens and closes over an arched pitch of 500…1100 Hz."""
    samples = round(rng.uniform(0.6, 1.2) * sample_rate)
    frames = syn.frame_count(samples, sample_rate)
    place = np.linspace(0, 1, frames)
    top = rng.uniform(0.15, 0.35)
    arch = np.sin(0.5 * np.pi * np.interp(place, [0, top, 1], [0, 1, 0]))
    opening = np.interp(place, [0, rng.uniform(0.1, 0.25), rng.uniform(0.35, 0.55), 1], [0.3, 0.9, 1, 0.0])
    opening = syn.smoothed(opening, 0.02, sample_rate / syn.hop(sample_rate))

    base = syn.log_uniform(rng, 580, 900)
    pitch = base * (0.9 + rng.uniform(0.05, 0.3) * arch - rng.uniform(0, 0.12) * place)
    pitch = syn.at_samples(pitch, samples, sample_rate) * (1 + 0.004 * syn.wander(rng, samples, 25, sample_rate))
    pulses, breath = _larynx(rng, pitch, rng.uniform(0.0, 0.5), sample_rate)

    tract = rng.uniform(0.85, 1.15)  # 1: a tube of 8 cm, closed at the larynx
    formants = tract * np.stack(
        [950 + 1100 * opening, 1900 + 1200 * opening, 4300 + 600 * opening, 7000 + 300 * opening], axis=1
    )
    level = np.minimum(1, place / rng.uniform(0.08, 0.2)) * (0.2 + 0.8 * opening**1.3)
    source = (pulses + rng.uniform(0.04, 0.15) * breath) * (1 + 0.12 * syn.wander(rng, samples, 60, sample_rate))
    source *= syn.at_samples(level, samples, sample_rate)
    widths = tract * np.array([130.0, 180.0, 320.0, 500.0])
    response = _vocal_tract(formants, widths, tract * np.array([9500.0]), sample_rate)
    return syn.normalised(syn.filter_frames(source, response, sample_rate))


def _bark(
    rng: np.random.Generator, seconds: float, height: float, length: float, rough: float, sample_rate: int
) -> np.ndarray:
    """One bark of a dog whose pitch peaks at ``height`` Hz and whose vocal tract is ``length`` m long.

    ``rough`` (0…1) is how far the larynx is driven into irregular vibration: fast pitch noise and half-rate beats.
    """
    samples = round(seconds * sample_rate)
    frames = syn.frame_count(samples, sample_rate)
    place = np.linspace(0, 1, frames)
    contour = np.interp(place, [0, rng.uniform(0.2, 0.4), 1], [rng.uniform(0.5, 0.7), 1, rng.uniform(0.4, 0.6)])
    pitch = height * syn.at_samples(syn.smoothed(contour, 0.01, 250), samples, sample_rate)
    pitch *= np.maximum(0.3, 1 + 0.1 * rough * syn.wander(rng, samples, 0.6 * height, sample_rate))
    pulses, breath = _larynx(rng, pitch, rng.uniform(0.7, 1.1), sample_rate)
    half = 1 + 0.25 * rough * np.cos(np.pi * np.cumsum(pitch) / sample_rate + rng.uniform(0, 2 * np.pi))

    opening = np.interp(place, [0, 0.3, 0.6, 1], [0.3, 1.0, 0.8, 0.2])
    quarter_wave = 350 / (4 * length)
    formants = quarter_wave * np.stack([0.8 + 0.8 * opening, 2.6 + 0.6 * opening, 5 + 0 * place], axis=1)
    widths = np.array([0.35, 0.5, 0.9]) * quarter_wave + 60
    attack = np.minimum(1, place * seconds / rng.uniform(0.015, 0.04))
    level = syn.at_samples(attack * np.interp(place, [0, 0.4, 1], [1, 0.8, 0]) ** 1.5, samples, sample_rate)
    voiced = pulses * half + (0.1 + 0.4 * rough) * breath
    response = _vocal_tract(formants, widths, quarter_wave * np.array([7.0, 9.0]), sample_rate)
    throat = syn.unit_power(syn.filter_frames(level * voiced, response, sample_rate))
    turbulence = level * syn.noise(rng, samples, sample_rate, [(300, -12), (1000, 0), (3000, -6), (12000, -18)])
    return syn.normalised(throat + rng.uniform(0.03, 0.15) * turbulence)


def dog(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """One to three barks of one dog, 0.3…1.5 s; size sets pitch (400…1100 Hz), tract and bark length together."""
    size = rng.random()
    height = 1000 * 0.46**size * rng.uniform(0.85, 1.15)
    length = 0.1 + 0.07 * size
    rough = rng.uniform(0.2, 1.0)
    parts = []
    barks = rng.integers(1, 4)
    for _ in range(barks):
        seconds = rng.uniform(0.1, 0.17) + 0.03 * size + 0.04 * (barks == 1)
        bark = _bark(rng, seconds, height * rng.uniform(0.93, 1.07), length, rough, sample_rate)
        parts += [bark * rng.uniform(0.7, 1.0), np.zeros(round(rng.uniform(0.1, 0.24) * sample_rate))]
    return syn.normalised(np.concatenate([*parts, np.zeros(round(0.1 * sample_rate))]))
