"""Distance from the quietest second."""

import numpy as np
import pytest

from igsed.detectors import load
from igsed.errors import InputError

RATE = 8000


def score(waveform, rate=RATE, **settings):
    return load("quiet_distance", **settings)(waveform, rate, ["Dog"], 0, "a")[0]


def noise(seconds, rate=RATE, level=0.01, seed=0):
    return level * np.random.default_rng(seed).normal(size=round(seconds * rate))


def test_it_is_the_same_for_every_label():
    found = load("quiet_distance")(noise(3), RATE, ["Cat", "Dog", "Speech"], 0, "a")
    assert found.shape == (3, 30)
    assert (found == found[0]).all()


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("rate", [8000, 16000, 22050, 32000, 44100, 48000])
def test_decibels_by_hand(rate, norm):
    frame = noise(0.1, rate)
    waveform = np.tile(frame, 30)
    waveform[-10 * len(frame) :] *= 10  # all of 20 dB louder
    found = score(waveform, rate, norm=norm)
    np.testing.assert_allclose(found, [0] * 20 + [20] * 10, atol=0.01)


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_powers_by_hand(norm):
    waveform = np.concatenate([np.zeros(2 * RATE), noise(60, level=0.5)])
    found = score(waveform, scale="power", norm=norm, bands=4)
    assert not found[:20].any()
    assert found[20:].mean() == pytest.approx(0.25, rel=0.05)


def test_what_is_no_louder_and_otherwise_coloured_is_heard():
    quiet, other = noise(4), noise(1, seed=1)
    other = np.diff(other, append=0)
    other *= np.sqrt((quiet**2).mean() / (other**2).mean())
    waveform = np.concatenate([quiet, other, quiet])
    found = score(waveform)
    active = np.arange(90) // 10 == 4
    assert found[active].min() > found[~active].max()


@pytest.mark.parametrize("place", [0, 13, 20])
def test_the_quietest_stretch_is_found_wherever_it_lies(place):
    waveform = noise(3)
    waveform[place * RATE // 10 : (place + 10) * RATE // 10] *= 0.01
    found = score(waveform)
    inside = (np.arange(30) >= place) & (np.arange(30) < place + 10)
    assert found[inside].max() < 10 < 30 < found[~inside].min()


def test_the_length_of_the_stretch():
    waveform = noise(3)
    waveform[: RATE // 2] *= 0.01
    assert score(waveform, quiet=0.5)[:5].max() < 10
    assert score(waveform, quiet=1)[:5].min() > 10
    np.testing.assert_array_equal(score(waveform, quiet=3), score(waveform, quiet=100))


@pytest.mark.parametrize("count", [0, 1, 5])
def test_short_clips_and_silence(count):
    for waveform in (np.zeros(count * RATE // 10, np.float32), noise(count / 10)):
        found = score(waveform)
        assert found.shape == (count,)
        assert np.isfinite(found).all()
    assert not score(np.zeros(RATE)).any()


def test_bands_without_a_frequency_do_no_harm():
    assert np.isfinite(score(noise(2, 500), 500, bands=128)).all()


@pytest.mark.parametrize(
    "settings", [{"quiet": 0}, {"bands": 0}, {"bands": 129}, {"scale": "mel"}, {"norm": "l3"}, {"quiet": float("inf")}]
)
def test_impossible_settings_are_refused(settings):
    with pytest.raises(InputError, match=f"'quiet_distance': {next(iter(settings))}: "):
        load("quiet_distance", **settings)
