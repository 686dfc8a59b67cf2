"""Sound files, and what is said of those that are none."""

import errno

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from igsed import audio
from igsed.errors import InputError
from tests.disks import disk
from tests.toys import recording


@pytest.fixture
def sound(tmp_path):
    return recording(tmp_path / "sound.wav", seconds=0.5, rate=8000)


def test_header_and_samples(sound):
    assert audio.header(sound) == (0.5, 8000, 1)
    waveform, rate = audio.read(sound)
    assert (waveform.shape, waveform.dtype, rate) == ((4000,), np.float32, 8000)
    np.testing.assert_array_equal(waveform, soundfile.read(sound, dtype="float32")[0])


def test_channels_are_averaged(tmp_path):
    path = recording(tmp_path / "stereo.flac", channels=3)
    assert audio.header(path).channels == 3
    expected = soundfile.read(path, dtype="float32")[0].mean(axis=1)
    np.testing.assert_array_equal(audio.read(path)[0], expected)


@pytest.mark.parametrize("format", ["WAV", "FLAC", "OGG"])
@pytest.mark.parametrize(("start", "end"), [(0, 0.5), (0.25, 0.7512), (0.1, 9), (1.3, 2.0)])
def test_a_part_is_cut_from_the_whole(tmp_path, format, start, end):
    rate, path = 8000, tmp_path / "sound"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, (2 * rate, 2)), rate, format=format)
    whole = audio.read(path)[0]
    np.testing.assert_allclose(audio.read(path, start, end)[0], whole[int(start * rate) : int(end * rate)], atol=1e-6)


def test_flac_keeps_sixteen_bits(tmp_path):
    waveform = np.random.default_rng(0).uniform(-1, 1, 1000).astype(np.float32)
    audio.write_flac(tmp_path / "part", waveform, 32000)
    found, rate = audio.read(tmp_path / "part")
    assert rate == 32000
    assert np.abs(found - waveform).max() <= 1 / 32768
    assert soundfile.info(tmp_path / "part").subtype == "PCM_16"


UNUSABLE = {
    "missing": (None, "there is no such file"),
    "empty": (b"", "the file is empty"),
    "text": (b"This is not sound, whatever its name says.\n" * 40, "cannot be read as audio"),
    "cut within the header": (20, "cannot be read as audio"),
    "cut after the header": (44, "holds no samples"),
}


@pytest.mark.parametrize(("content", "problem"), UNUSABLE.values(), ids=UNUSABLE)
def test_unusable_file_is_named_with_problem_and_remedy(sound, content, problem):
    whole = sound.read_bytes()
    if content is None:
        sound.unlink()
    else:
        sound.write_bytes(whole[:content] if isinstance(content, int) else content)
    for read in (audio.header, audio.read):
        with pytest.raises(InputError) as caught:
            read(sound)
        assert str(caught.value).startswith(f"{sound}: {problem}")
        assert "onvert" not in str(caught.value)
        assert "emove the file" not in str(caught.value)
        assert str(caught.value).endswith(".")


def test_folder_is_no_sound(tmp_path):
    with pytest.raises(InputError, match="cannot be read as audio"):
        audio.read(tmp_path)


def test_file_without_samples(tmp_path):
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 8000)
    for read in (audio.header, audio.read):
        with pytest.raises(InputError, match="holds no samples"):
            read(tmp_path / "none.wav")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_must_be_numbers(tmp_path, value):
    samples = np.zeros(100, np.float32)
    samples[40] = value
    soundfile.write(tmp_path / "wrong.wav", samples, 8000, subtype="FLOAT")
    with pytest.raises(InputError, match=r"wrong\.wav: holds samples that are not finite"):
        audio.read(tmp_path / "wrong.wav")


def test_recording_cut_short_is_as_long_as_what_is_left(sound):
    whole = audio.read(sound)[0]
    sound.write_bytes(sound.read_bytes()[: 44 + 2 * 1000])
    waveform, rate = audio.read(sound)
    np.testing.assert_array_equal(waveform, whole[:1000])
    assert audio.header(sound).duration == len(waveform) / rate


def test_a_whole_recording_comes_with_its_channels(tmp_path):
    path = recording(tmp_path / "a.wav", channels=3)
    found = audio.load(path)
    assert (found.sample_rate, found.channels, found.notes) == (16000, 3, ())
    np.testing.assert_array_equal(found.waveform, audio.read(path)[0])


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_double_precision_is_that_of_the_file(tmp_path, channels):
    soundfile.write(tmp_path / "a.wav", np.random.default_rng(0).uniform(-3, 3, (5000, channels)), 8000, "DOUBLE")
    expected = soundfile.read(tmp_path / "a.wav", always_2d=True)[0].mean(axis=1)
    np.testing.assert_array_equal(audio.read(tmp_path / "a.wav", dtype="float64")[0], expected)


WAVES = st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=30).map(lambda x: np.array(x, np.float32))


@given(WAVES, st.booleans(), st.integers(0, 30), st.integers(0, 30))
def test_a_part_is_levelled_as_the_whole_is(waveform, remove_offset, first, last):
    whole = audio.measure(waveform, 8000)
    assert (whole.samples, whole.sample_rate) == (len(waveform), 8000)
    assert whole.peak == np.abs(waveform).max()
    assert whole.offset == pytest.approx(np.mean(waveform.astype(np.float64)))
    levelled = audio.levelled(waveform, whole, remove_offset)
    np.testing.assert_array_equal(audio.levelled(waveform[first:last], whole, remove_offset), levelled[first:last])
    assert levelled.dtype == np.float32
    if remove_offset:
        assert abs(levelled.mean(dtype=np.float64)) < 1e-5
        assert np.abs(levelled).max() <= 2 + 1e-6
    else:
        assert np.abs(levelled).max() <= 1
        np.testing.assert_allclose(levelled * max(1, whole.peak), waveform, rtol=1e-6, atol=1e-30)
        assert levelled is waveform or whole.peak > 1


@given(WAVES)
def test_equal_samples_are_silence_and_a_large_mean_is_an_offset(waveform):
    assert audio.is_silent(waveform) == (len(set(waveform.tolist())) == 1)
    rms = np.sqrt(np.mean(waveform.astype(float) ** 2))
    share = abs(waveform.astype(float).mean()) / rms if rms else 0
    if abs(share - 0.1) > 1e-6:
        assert audio.has_offset(waveform) == (share > 0.1)


@pytest.mark.parametrize(("offset", "told"), [(0.0, False), (0.069, False), (0.073, True), (-0.073, True)])
def test_an_offset_above_a_tenth_of_the_rms_is_large(offset, told):
    tone = np.sin(2 * np.pi * np.arange(8000) / 80)  # its rms is 0.7071
    assert audio.has_offset((tone + offset).astype(np.float32)) == told


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_any_damage_is_read_or_refused_with_a_message(tmp_path_factory, data):
    path = recording(tmp_path_factory.getbasetemp() / "damaged.wav", seconds=0.02, rate=8000)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, 60))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    for read in (audio.header, audio.read):
        message = str(path)
        try:
            read(path)
        except InputError as error:
            message = str(error)
        assert str(path) in message


@pytest.mark.parametrize("start", [0.0, 0.01])
def test_a_header_that_forbids_seeking_is_refused(tmp_path, start):
    """Byte 20 is the format; 64 is one that libsndfile opens and cannot seek in."""
    path = recording(tmp_path / "damaged.wav", seconds=0.02, rate=8000)
    content = bytearray(path.read_bytes())
    content[20] = 64
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"damaged\.wav: cannot be read as audio"):
        audio.read(path, start)


@pytest.mark.parametrize("write", [audio.write_flac, audio.write_wav])
def test_a_full_disk_never_cuts_a_sound_in_silence(tmp_path, write):
    """However little room is missing; libsndfile alone does not notice all of these."""
    waveform = 0.2 * np.random.default_rng(0).standard_normal(16000).astype(np.float32)
    write(tmp_path / "whole", waveform, 8000)
    whole = (tmp_path / "whole").read_bytes()
    refused = []
    for room in range(4096, len(whole) + 8192, 4096):
        with disk(tmp_path / "disk", f"{room}"):
            try:
                write(tmp_path / "disk" / "sound", waveform, 8000)
            except OSError as error:
                refused.append(error.errno)
            else:
                assert (tmp_path / "disk" / "sound").read_bytes() == whole
    assert refused == [errno.ENOSPC] * (len(whole) // 4096)
