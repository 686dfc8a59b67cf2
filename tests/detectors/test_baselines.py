"""Chance and loudness."""

import numpy as np
import pytest

from igsed.detectors.energy import energy
from igsed.detectors.random import random

RATE = 8000


@pytest.fixture
def waveform():
    return np.random.default_rng(0).normal(size=10 * RATE).astype(np.float32)


def test_random_scores_depend_on_seed_clip_and_label_only(waveform):
    both = random(waveform, RATE, ["Cat", "Dog"], 1, "test_0")
    assert both.shape == (2, 100)
    np.testing.assert_array_equal(random(0 * waveform, RATE, ["Dog"], 1, "test_0"), both[1:])
    np.testing.assert_array_equal(random(waveform, RATE, ["Dog", "Cat"], 1, "test_0"), both[::-1])
    for other in (
        random(waveform, RATE, ["Cat", "Dog"], 2, "test_0"),
        random(waveform, RATE, ["Cat", "Dog"], 1, "test_1"),
        both[::-1],
    ):
        assert not (other == both).any()


def test_random_scores_are_uniform():
    values = np.concatenate([random(np.zeros(RATE * 10), RATE, ["Dog"], 0, f"c{k}")[0] for k in range(200)])
    assert ((values >= 0) & (values < 1)).all()
    counts = np.histogram(values, 10, (0, 1))[0]
    assert np.abs(counts - 2000).max() < 5 * np.sqrt(2000 * 0.9)
    pairs = values.reshape(200, 100)
    assert abs(np.corrcoef(pairs[:, :-1].ravel(), pairs[:, 1:].ravel())[0, 1]) < 5 / np.sqrt(pairs.size)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 32000, 44100, 48000])
def test_energy_by_hand(rate):
    waveform = np.random.default_rng(1).normal(size=2 * rate + rate // 20).astype(np.float32)
    found = energy(waveform, rate, ["Cat", "Dog", "Speech"], 5, "any")
    assert found.shape == (3, 20)
    size = rate // 10
    for frame in range(20):
        samples = waveform[frame * size : (frame + 1) * size].astype(float)
        assert found[:, frame] == pytest.approx(sum(samples**2) / size)


def test_energy_of_silence_is_zero():
    assert not energy(np.zeros(RATE, np.float32), RATE, ["Dog"], 0, "a").any()


def test_energy_is_at_the_tone():
    waveform = np.zeros(RATE, np.float32)
    waveform[RATE // 2 : RATE // 2 + RATE // 10] = 1
    assert energy(waveform, RATE, ["Dog"], 0, "a")[0].tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 0, 0]
