"""Streams: pieces are those of the whole recording at the network's rate."""

import numpy as np
import pytest
import soundfile
import torch

from igsed import audio, features
from igsed.errors import InputError
from igsed.explaining.streams import Recording


def sound(seconds, rate, seed=0):
    return (0.3 * np.random.default_rng(seed).uniform(-1, 1, round(seconds * rate))).astype(np.float32)


def whole(recording, length=7001, step=5003):
    starts = range(0, max(1, recording.samples - length + step), step)
    found = torch.full((recording.samples,), torch.nan)
    for start, window in zip(starts, recording.windows(starts, length), strict=True):
        found[start : start + len(window)] = window
    return found


@pytest.mark.parametrize("rate", [16000, 44100, 32000, 8000, 22050, 48000, 11025])
@pytest.mark.parametrize("seconds", [0.11, 23.4567])
def test_a_file_in_pieces_is_the_file_at_once(tmp_path, rate, seconds):
    path = tmp_path / "a.wav"
    soundfile.write(path, sound(seconds, rate), rate)
    recording = Recording.of_file(path, 16000)
    expected = features.waveform(path, 16000)
    assert recording.samples == len(expected)
    torch.testing.assert_close(whole(recording), expected, atol=1e-6, rtol=0)


def test_rates_with_no_common_divisor_are_changed_too():
    time = np.arange(round(22.5 * 44099)) / 44099
    recording = Recording.of_array(np.sin(2 * np.pi * 440 * time), 44099, 16000)
    found = whole(recording).numpy()
    expected = np.sin(2 * np.pi * 440 * np.arange(len(found)) / 16000)
    assert abs(len(found) - 22.5 * 16000) <= 1
    np.testing.assert_allclose(found[200:-200], expected[200:-200], atol=2e-3)


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "aiff"])
def test_channels_are_averaged_in_every_format(tmp_path, ending):
    both = np.stack([sound(12, 16000, 1), sound(12, 16000, 2)], 1)
    path = tmp_path / f"a.{ending}"
    soundfile.write(path, both, 16000)
    recording = Recording.of_file(path, 16000)
    torch.testing.assert_close(whole(recording), features.waveform(path, 16000), atol=1e-6, rtol=0)


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "mp3"])
def test_compressed_files_may_be_longer_than_those_that_are_read_whole(tmp_path, monkeypatch, ending):
    path = tmp_path / f"a.{ending}"
    soundfile.write(path, sound(12, 16000), 16000)
    expected = features.waveform(path, 16000)
    monkeypatch.setattr(audio, "LONGEST", 8 * 16000)
    torch.testing.assert_close(whole(Recording.of_file(path, 16000)), expected, atol=1e-6, rtol=0)
    if ending != "wav":
        with pytest.raises(InputError, match="Cut it"):
            audio.load(path)


def test_a_damaged_file_is_read_in_blocks_as_at_once(tmp_path):
    """What cannot be decoded in its middle is left out."""
    path = tmp_path / "a.flac"
    soundfile.write(path, sound(40, 16000), 16000)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 3000] = bytes(3000)
    path.write_bytes(content)
    found = np.concatenate(list(audio.blocks(path)))
    np.testing.assert_array_equal(found, audio.load(path).waveform)
    assert 15 * 16000 < len(found) <= 40 * 16000


def test_only_some_seconds_are_held():
    """In blocks; what lies behind the last window is let go."""
    block = sound(1, 8000)
    recording = Recording("hour", lambda: iter([block] * 300), 300 * 8000, 8000, 16000)
    largest = 0
    for window in recording.windows(range(0, recording.samples - 160000, 80000), 160000):
        largest = max(largest, window.untyped_storage().nbytes())
    assert largest == 4 * 160000


def test_a_file_that_grew_is_read_as_far_as_it_was_and_one_that_shrank_is_told():
    recording = Recording("live", lambda: iter([sound(5, 16000)]), 3 * 16000, 16000, 16000)
    assert len(whole(recording)) == 48000
    shrunk = Recording("live", lambda: iter([sound(1, 16000)]), 3 * 16000, 16000, 16000)
    with pytest.raises(InputError, match="ends earlier"):
        whole(shrunk)


@pytest.mark.parametrize(
    ("array", "problem"),
    [
        (np.zeros(0), "shape"),
        (np.zeros((2, 16000)), "shape"),
        (np.zeros((5, 5, 5)), "shape"),
        (np.zeros(16000, np.int16), "int16"),
        (np.full(16000, np.nan), "not finite"),
    ],
)
def test_arrays_that_are_no_sound_are_told(array, problem):
    with pytest.raises(InputError, match=problem):
        Recording.of_array(array, 16000, 16000)
