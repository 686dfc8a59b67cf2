"""The procedural soundbank: reproducible, varied, in range, in DESED's layout; its building blocks do what they say."""

import numpy as np
import pytest
import soundfile
from scipy import signal

from igsed import audio
from igsed.errors import InputError
from igsed.soundbanks.procedural import generation as procedural
from igsed.soundbanks.procedural import household, synthesis

LABELS = (
    "Alarm_bell_ringing",
    "Blender",
    "Cat",
    "Dishes",
    "Dog",
    "Electric_shaver_toothbrush",
    "Frying",
    "Running_water",
    "Speech",
    "Vacuum_cleaner",
)
RATE = 8000  # the models' slow part grows with it
KINDS = [(kind, label) for kind, models in procedural.MODELS.items() for label in models]


def files(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_the_ten_classes_in_order_and_several_backgrounds():
    assert tuple(procedural.LABELS) == LABELS
    assert len(procedural.BACKGROUNDS) >= 4


@pytest.mark.parametrize(("kind", "label"), KINDS)
@pytest.mark.parametrize("sample_rate", [16000, 22050])
def test_a_model_works_at_other_sample_rates(kind, label, sample_rate):
    sound = procedural.MODELS[kind][label](np.random.default_rng(3), sample_rate)
    assert sound.ndim == 1
    assert sound.dtype == np.float64
    assert np.isfinite(sound).all()
    assert 0.5 < np.max(np.abs(sound)) <= 1.0 + 1e-12


@pytest.mark.parametrize(("kind", "label"), KINDS)
def test_recordings_are_audible_unclipped_and_as_long_as_in_life(kind, label):
    shortest, longest = procedural.SECONDS[label]
    for index in range(3 if kind == "foreground" else 1):
        sound = procedural.recording(kind, label, "train", index, seed=5, sample_rate=RATE)
        assert np.isfinite(sound).all()
        assert 0.49 < np.max(np.abs(sound)) < 0.91
        assert np.sqrt(np.mean(sound**2)) > 0.01
        assert max(shortest, 0.25) - 1 / RATE <= len(sound) / RATE <= longest + 1 / RATE
        assert abs(sound[0]) < 0.01  # fades: no click where the mixture places it
        assert abs(sound[-1]) < 0.01


@pytest.mark.parametrize("label", ["Dishes", "Dog", "Cat", "Speech", "Alarm_bell_ringing"])
def test_no_silence_leads(label):
    for index in range(4):
        sound = procedural.recording("foreground", label, "eval", index, seed=5, sample_rate=RATE)
        start = np.sqrt(np.mean(sound[: RATE // 50] ** 2))
        assert start > 10 ** (-50 / 20) * np.max(np.abs(sound))


@pytest.mark.parametrize("label", LABELS)
def test_a_recording_depends_on_every_argument_and_on_nothing_else(label):
    def make(label=label, split="train", index=0, seed=0):
        return procedural.recording("foreground", label, split, index, seed, RATE)

    first = make()
    np.testing.assert_array_equal(first, make())
    for other in (make(split="eval"), make(index=1), make(seed=1)):
        shared = min(len(first), len(other))
        assert len(first) != len(other) or np.corrcoef(first[:shared], other[:shared])[0, 1] < 0.9


def test_more_recordings_or_fewer_labels_leave_the_files_as_they_were(tmp_path):
    few, many = tmp_path / "few", tmp_path / "many"
    procedural.write(few, {"train": 1}, {"train": 1}, ["Dog"], seed=2, sample_rate=RATE)
    procedural.write(many, {"eval": 1, "train": 2}, {"train": 2}, ["Cat", "Dog"], seed=2, sample_rate=RATE)
    small, large = files(few), files(many)
    assert len(small) == 2
    assert len(large) == 8
    assert {name: large[name] for name in small} == small


def test_the_same_bytes_twice_and_others_for_another_seed(tmp_path):
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        procedural.write(tmp_path / name, {"train": 2}, {}, ["Dishes", "Dog"], seed=seed, sample_rate=RATE)
    a, b, c = (files(tmp_path / name) for name in "abc")
    assert a == b
    assert a.keys() == c.keys()
    assert all(a[name] != c[name] for name in a)
    assert len(set(a.values())) == len(a)


def test_desed_layout_with_a_source_number_of_its_own_for_every_file(tmp_path):
    seen = []

    def progress(tasks):
        seen.append(len(tasks))
        return tasks

    rooms = len(procedural.BACKGROUNDS)
    procedural.write(
        tmp_path, {"train": 2, "eval": 1}, {"train": rooms + 1, "eval": 2}, ["Dog", "Dishes"], 0, RATE, progress
    )
    written = sorted(tmp_path.rglob("*.*"))
    assert seen == [len(written)] == [2 * 3 + rooms + 3]
    sources = set()
    for path in written:
        audio, split, soundbank, kind, label, name = path.relative_to(tmp_path).parts
        assert (audio, soundbank) == ("audio", "soundbank")
        assert split in ("train", "eval")
        assert label in procedural.MODELS[kind]
        source, segment = path.stem.split("_")
        assert source.isdigit()
        assert segment.isdigit()
        assert name.endswith(".wav")
        sources.add(source)
        info = soundfile.info(path)
        assert (info.samplerate, info.channels, info.subtype, info.format) == (RATE, 1, "PCM_16", "WAV")
    assert len(sources) == len(written)
    background = tmp_path / "audio/train/soundbank/background"
    assert {path.name for path in background.iterdir()} == set(procedural.BACKGROUNDS)


def test_unknown_labels_and_splits_are_named_before_anything_is_written(tmp_path):
    with pytest.raises(InputError, match="Dgo"):
        procedural.write(tmp_path, {"train": 1}, {}, ["Dog", "Dgo"], 0, RATE)
    with pytest.raises(InputError, match="test"):
        procedural.write(tmp_path, {"test": 1}, {}, ["Dog"], 0, RATE)
    assert not list(tmp_path.iterdir())


def test_nothing_half_written_bears_a_wave_files_name(tmp_path, monkeypatch):
    def fail(file, *_, **__):
        file.write_bytes(b"RIFF")
        raise OSError("disk full")

    monkeypatch.setattr(audio, "write_wav", fail)
    with pytest.raises(OSError, match="disk full"):
        procedural.write(tmp_path, {"train": 1}, {}, ["Dog"], 0, RATE)
    assert not list(tmp_path.rglob("*.wav"))


def test_a_constant_frame_filter_is_a_convolution():
    rng = np.random.default_rng(0)
    source = rng.standard_normal(5000)
    frequencies = synthesis.filter_frequencies(16000)
    response = synthesis.resonance(1000.0, 300.0, 16000, frequencies)
    radius = np.exp(-np.pi * 300 / 16000)
    poles = [1, -2 * radius * np.cos(2 * np.pi * 1000 / 16000), radius**2]
    expected = signal.lfilter([sum(poles)], poles, source)
    np.testing.assert_allclose(synthesis.filter_frames(source, response, 16000), expected, atol=1e-4)


def test_a_zero_phase_frame_filter_spreads_an_impulse_to_both_sides():
    source = np.zeros(2000)
    source[1000] = 1.0
    response = synthesis.band(2000.0, 0.3, synthesis.filter_frequencies(16000))
    filtered = synthesis.filter_frames(source, response, 16000)
    assert np.argmax(np.abs(filtered)) == 1000
    np.testing.assert_allclose(filtered[900:1000], filtered[1001:1101][::-1], atol=1e-6)


def test_grains_equal_the_sum_of_convolutions():
    rng = np.random.default_rng(1)
    strikes, kernels = rng.standard_normal((3, 1000)), rng.standard_normal((3, 70))
    expected = sum(np.convolve(train, kernel)[:1000] for train, kernel in zip(strikes, kernels, strict=True))
    np.testing.assert_allclose(synthesis.grains(strikes, kernels), expected, atol=1e-3)


def test_a_periodic_tone_is_its_sum_of_cosines():
    phase = np.cumsum(np.full(2000, 0.0123))
    amplitudes, angles = np.array([1.0, 0.5, 0.25]), np.array([0.1, 2.0, -1.0])
    order = np.arange(1, 4)[:, np.newaxis]
    expected = amplitudes @ np.cos(2 * np.pi * order * phase + angles[:, np.newaxis])
    np.testing.assert_allclose(synthesis.periodic(phase, amplitudes, angles), expected, atol=1e-3)


def test_poisson_strikes_keep_their_rate():
    strikes = synthesis.poisson_strikes(np.random.default_rng(2), np.full(10, 200.0), 4, 160000, 16000, 0.5)
    assert np.count_nonzero(strikes) == pytest.approx(2000, abs=4 * np.sqrt(2000))


def test_small_bubbles_ring_above_large_ones():
    """Minnaert: 3 mm rings near 1.1 kHz, so a bank of bubbles up to 6 mm is lower than one up to 0.5 mm."""
    centroids = []
    for largest in (0.0005, 0.006):
        sound = household._bubbles(np.random.default_rng(0), np.full(20, 300.0), largest, 32000, 32000)
        frequencies, power = signal.welch(sound, 32000)
        centroids.append(np.sum(frequencies * power) / np.sum(power))
    assert centroids[0] > 2 * centroids[1]


def test_trimming_finds_the_sound_and_keeps_the_bounds():
    sound = np.zeros(16000)
    sound[4000:8000] = 0.5
    assert len(synthesis.trimmed(sound, 16000, 0.1, 5.0)) == 4000
    assert len(synthesis.trimmed(sound, 16000, 0.5, 5.0)) == 8000
    assert len(synthesis.trimmed(sound, 16000, 0.9, 5.0)) == 14400
    assert len(synthesis.trimmed(sound, 16000, 0.01, 0.1)) == 1600
