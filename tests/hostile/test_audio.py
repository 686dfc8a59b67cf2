"""Sound files of strangers: what a header states need not be true, and a small file can hold hours."""

import io
import itertools
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from igsed import audio, containers, events, recordings
from igsed.errors import InputError
from igsed.soundbanks import soundbank
from tests.hostile.mutations import NUMBERS, below, bounded, damaged, value_or_refusal
from tests.toys import recording


def sound(form, subtype, rate=16_000, samples=2000, channels=1):
    stream = io.BytesIO()
    noise = 0.1 * np.random.default_rng(0).standard_normal((samples, channels))
    soundfile.write(stream, noise, rate, format=form, subtype=subtype)
    return stream.getvalue()


SOUNDS = {
    (form, subtype): sound(form, subtype)
    for form, subtype in (
        *(("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAV", "IMA_ADPCM"), ("WAVEX", "PCM_24"), ("W64", "PCM_16")),
        *(("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")),
        *(("AIFF", "PCM_16"), ("AU", "PCM_16"), ("RF64", "PCM_16")),
    )
}


@st.composite
def odd_headers(draw):
    """A sound file with numbers put into its first bytes."""
    content = bytearray(draw(st.sampled_from(list(SOUNDS.values()))))
    for _ in range(draw(st.integers(1, 3))):
        width, order = draw(st.sampled_from([1, 2, 4, 8])), draw(st.sampled_from(["little", "big"]))
        place = draw(st.integers(0, min(80, len(content) - 8)))
        content[place : place + width] = (draw(st.sampled_from(NUMBERS)) % 256**width).to_bytes(width, order)
    return bytes(content[: draw(st.sampled_from([len(content), len(content) // 2]))])


SOUND = odd_headers() | st.sampled_from(list(SOUNDS.values())).flatmap(damaged)


@given(SOUND, st.sampled_from(["wav", "flac", "mp3", "raw"]))
@settings(deadline=None, max_examples=300)
def test_a_sound_is_finite_samples_or_a_message(content, suffix):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a.{suffix}")
        path.write_bytes(content)
        header, read = value_or_refusal(audio.header, path), value_or_refusal(audio.read, path)
        value_or_refusal(soundbank._row, soundbank.Recording("train", "foreground", "Dog", "Dog/a", path), False)
        if read is not None:
            waveform, rate = read
            assert header.sample_rate == rate
            assert waveform.ndim == 1
            assert 0 < len(waveform) < 10**6
            assert np.isfinite(waveform).all()


def flac_that_states(samples, path):
    """The length lies in the 36 lowest bits of the eight bytes from byte 18 on."""
    content = bytearray(SOUNDS["FLAC", "PCM_16"])
    stated = int.from_bytes(content[18:26], "big") >> 36 << 36 | samples
    content[18:26] = stated.to_bytes(8, "big")
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("stated", "notes"),
    [
        (0, [containers.NO_LENGTH]),
        (1, [containers.GOES_ON]),
        (1999, [containers.GOES_ON]),
        (2000, []),
        (2001, [containers.ENDS_EARLY]),
        (2**36 - 1, [containers.ENDS_EARLY]),
    ],
)
def test_the_length_in_a_header_is_not_believed(tmp_path, stated, notes):
    path = flac_that_states(stated, tmp_path / "a.flac")
    expected = soundfile.read(io.BytesIO(SOUNDS["FLAC", "PCM_16"]), dtype="float32")[0]
    with bounded(megabytes=100, seconds=10):
        found = audio.load(path)
        assert audio.header(path) == (2000 / 16_000, 16_000, 1)
        part = audio.read(path, 0.05, 0.12)[0]
    np.testing.assert_array_equal(found.waveform, expected)
    np.testing.assert_array_equal(part, expected[800:1920])
    assert list(found.notes) == notes


@pytest.mark.parametrize("stated", [50_000, 0, 100])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_half_a_flac_is_read_as_far_as_it_goes_and_told(tmp_path, kept, stated):
    """Every sample of the frames (4096 samples each) that are whole; not one is made up."""
    path, whole = tmp_path / "a.flac", sound("FLAC", "PCM_16", samples=50_000)
    content = bytearray(whole[: int(kept * len(whole))])
    content[18:26] = (int.from_bytes(content[18:26], "big") >> 36 << 36 | stated).to_bytes(8, "big")
    path.write_bytes(content)
    found = audio.load(path)
    assert len(found.waveform) == 4096 * int(kept * 50_000 / 4096)
    expected = soundfile.read(io.BytesIO(whole), dtype="float32")[0][: len(found.waveform)]
    np.testing.assert_array_equal(found.waveform, expected)
    told = {50_000: [containers.ENDS_EARLY], 0: [containers.NO_LENGTH], 100: [containers.GOES_ON]}[stated]
    assert list(found.notes) == told + [containers.DAMAGED] * (stated < 50_000)
    assert audio.header(path).duration == len(found.waveform) / 16_000
    np.testing.assert_array_equal(audio.read(path, 0.25, 0.5)[0], expected[4000:8000])


@pytest.mark.parametrize(("form", "subtype"), [("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")])
def test_what_is_left_of_a_lossy_file_is_read(tmp_path, form, subtype):
    path, whole = tmp_path / "a", sound(form, subtype, samples=100_000)
    path.write_bytes(whole)
    assert audio.load(path).notes == ()
    path.write_bytes(whole[: int(0.7 * len(whole))])
    found = audio.load(path)
    assert 30_000 < len(found.waveform) < 80_000
    assert audio.header(path).duration == len(found.waveform) / 16_000
    if form == "MP3":  # Ogg's last page says where it ends, so one that lacks pages states nothing wrong
        assert found.notes == (containers.ENDS_EARLY,)


def test_a_small_file_that_holds_hours_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(audio, "LONGEST", 10**6)
    path = tmp_path / "a.flac"
    soundfile.write(path, np.zeros((2 * 10**7, 1), np.int16), 48_000, format="FLAC")
    assert path.stat().st_size < 10**5
    with bounded(megabytes=80, seconds=10), pytest.raises(InputError, match="more than 1000000 samples"):
        audio.read(path)


@pytest.mark.parametrize("channels", [1, 7])
def test_pieces_make_the_whole(tmp_path, monkeypatch, channels):
    path = recording(tmp_path / "a.wav", seconds=1, rate=8000, channels=channels)
    expected = soundfile.read(path, dtype="float32", always_2d=True)[0].mean(axis=1)
    monkeypatch.setattr(audio, "_BLOCK", 1001)
    np.testing.assert_array_equal(audio.read(path)[0], expected)


@pytest.mark.parametrize("rate", [1, 999, 1_000_001, 2**31 - 1])
def test_an_impossible_sample_rate_is_told(tmp_path, rate):
    content = bytearray(SOUNDS["WAV", "PCM_16"])
    content[24:28] = rate.to_bytes(4, "little")
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    for read in (audio.header, audio.read):
        with pytest.raises(InputError, match=f"a sample rate of {rate} Hz"):
            read(path)


def test_a_sound_that_grows_by_resampling_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(audio, "LONGEST", 100_000)
    (tmp_path / "in").mkdir()
    recording(tmp_path / "in" / "a.wav", seconds=10, rate=1000)
    (tmp_path / "e.tsv").write_text("filename\tonset\toffset\tevent_label\na\t0\t1\tDog\n")
    source = recordings.Source(tmp_path / "in", tmp_path / "e.tsv")
    with pytest.raises(InputError, match="at 32000 Hz it would have more than 100000 samples"):
        recordings.make(source, ["Dog"], recordings.Form(32_000, 10), tmp_path / "out", "out")


def test_a_path_that_is_none_is_told():
    for read, path in itertools.product((audio.header, audio.read), ("a\0b.wav", "x" * 5000)):
        assert value_or_refusal(read, path) is None


NAMES = st.sampled_from(
    [*("a.wav", "a", "../a.wav", "../../x.wav", "/etc/passwd", "..", ".", "b/../../c.wav", "C:\\x.wav", "..\\..\\a")]
) | st.text(st.characters(codec="utf-8", exclude_characters="\t\n\r\0"), min_size=1, max_size=20)


@given(SOUND, st.lists(st.tuples(NAMES, st.sampled_from([0, 0.05, 1, 1e5, 1e300])), min_size=1, max_size=3))
@settings(deadline=None, max_examples=50)
def test_recordings_are_written_into_the_split_only(content, annotated):
    with tempfile.TemporaryDirectory() as place:
        folder, annotations, split = Path(place, "in"), Path(place, "events.tsv"), Path(place, "out", "audio")
        folder.mkdir()
        split.parent.mkdir()
        (folder / "a.wav").write_bytes(content)
        (folder / "b.wav").write_bytes(SOUNDS["WAV", "PCM_16"])
        rows = [("b.wav", 0.0), *annotated]
        text = "".join(f"{name}\t{onset}\t{2 * onset + 0.1}\tDog\n" for name, onset in rows)
        annotations.write_text(f"filename\tonset\toffset\tevent_label\n{text}", encoding="utf-8")
        before, source = below(Path(place)), recordings.Source(folder, annotations)
        made = value_or_refusal(recordings.make, source, ["Dog"], recordings.Form(8000, 1), split, split)
        new = {name for name in below(Path(place)) - before if name != "out/audio"}
        assert {Path(name).parent.as_posix() for name in new} <= {"out/audio"}
        if made is not None:
            assert new == {f"out/audio/{clip}.flac" for clip in made.clips["clip"]}
            events.write(Path(place, "written.tsv"), made.events)
            assert len(events.read(Path(place, "written.tsv"))) == len(made.events)


@given(SOUND)
@settings(deadline=None, max_examples=200)
def test_a_sound_in_blocks_is_the_sound_at_once(content):
    def joined(path):
        return np.concatenate([np.zeros(0, np.float32), *audio.blocks(path)])

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.wav")
        path.write_bytes(content)
        whole, parts = value_or_refusal(audio.load, path), value_or_refusal(joined, path)
        if whole is not None:
            np.testing.assert_array_equal(parts, whole.waveform)
        else:
            assert parts is None or not len(parts)


@pytest.mark.parametrize("kept", [0.3, 0.95])
@pytest.mark.parametrize("form", [("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")])
def test_a_damaged_sound_in_blocks_is_what_can_be_read(tmp_path, form, kept, monkeypatch):
    monkeypatch.setattr(audio, "_BLOCK", 5000)
    path, whole = tmp_path / "a.wav", sound(*form, samples=50_000)
    content = bytearray(whole)
    place = int(kept * len(whole))
    content[place : place + 50] = bytes(50)
    path.write_bytes(content)
    np.testing.assert_array_equal(np.concatenate(list(audio.blocks(path))), audio.load(path).waveform)
