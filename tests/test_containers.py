"""Sound files whose headers state no or a wrong length are read to their end; what is no sound never is."""

import io
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from igsed import audio, containers

RATE, FRAMES = 8000, 3000


def sound(form, subtype="PCM_16", channels=1, endian="FILE"):
    stream = io.BytesIO()
    noise = 0.3 * np.random.default_rng(1).standard_normal((FRAMES, channels)).clip(-3, 3)
    soundfile.write(stream, noise, RATE, format=form, subtype=subtype, endian=endian)
    return stream.getvalue()


class Kind:
    """A format: where its header states the bytes of samples, how, and how many more than those it counts."""

    def __init__(self, content, place, width, order, more=0):
        self.content, self.place, self.width, self.order, self.more = content, place, width, order, more
        self.stated = int.from_bytes(content[place : place + width], order) - more

    def states(self, count, raw=False):
        """The file, stating so many bytes of samples; `raw`: with this very number in its header."""
        value = (count if raw else count + self.more) % 256**self.width
        return put(self.content, self.place, value.to_bytes(self.width, self.order))


def put(content, place, new):
    return content[:place] + new + content[place + len(new) :]


def riff(*args, **further):
    content = sound(*args, **further)
    return Kind(content, content.index(b"data") + 4, 4, "big" if content[:4] == b"RIFX" else "little")


def aiff(subtype):
    content = sound("AIFF", subtype)
    return Kind(content, content.index(b"SSND") + 4, 4, "big", 8)


def w64():
    content = sound("W64")
    return Kind(content, content.index(b"data\xf3") + 16, 8, "little", 24)


KINDS = {
    "wav": riff("WAV"),
    "stereo": riff("WAV", channels=2),
    "8 bit": riff("WAV", "PCM_U8"),
    "24 bit": riff("WAV", "PCM_24"),
    "float": riff("WAV", "FLOAT"),
    "law": riff("WAV", "ULAW"),
    "adpcm": riff("WAV", "IMA_ADPCM"),
    "wavex": riff("WAVEX"),
    "rifx": riff("WAV", endian="BIG"),
    "aiff": aiff("PCM_16"),
    "aifc": aiff("FLOAT"),
    "au": Kind(sound("AU"), 8, 4, "big"),
    "au little": Kind(sound("AU", endian="LITTLE"), 8, 4, "little"),
    "rf64": Kind(sound("RF64"), sound("RF64").index(b"ds64") + 16, 8, "little"),
    "w64": w64(),
}


def load(path, content):
    path.write_bytes(content)
    return audio.load(path)


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def kind(request):
    return request.param


def test_an_honest_file_is_opened_as_it_is(tmp_path, kind):
    found = load(tmp_path / "a", kind.content)
    assert found.notes == ()
    expected = soundfile.read(io.BytesIO(kind.content), dtype="float32", always_2d=True)[0].mean(axis=1)
    np.testing.assert_array_equal(found.waveform, expected)
    assert containers.open_whole(tmp_path / "a") == containers.Found()


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 1.1, 3])
def test_a_wrong_length_is_not_believed(tmp_path, kind, share):
    whole, path = load(tmp_path / "a", kind.content), tmp_path / "b"
    found = load(path, kind.states(int(share * kind.stated) // 4 * 4))
    np.testing.assert_array_equal(found.waveform, whole.waveform)
    told = containers.NO_LENGTH if share == 0 else containers.GOES_ON if share < 1 else containers.ENDS_EARLY
    assert found.notes == (told,)
    assert audio.header(path) == audio.header(tmp_path / "a")
    np.testing.assert_array_equal(audio.read(path, 0.2, 0.3)[0], whole.waveform[1600:2400])
    np.testing.assert_array_equal(audio.read(path, 0.3, 9)[0], whole.waveform[2400:])


@pytest.mark.parametrize("value", [-1, 0x7FFFFFFF, 0x7FFFF000, 0x80000000])
def test_what_stands_for_no_length_is_none(tmp_path, kind, value):
    whole = load(tmp_path / "a", kind.content)
    found = load(tmp_path / "b", kind.states(value, raw=True))
    np.testing.assert_array_equal(found.waveform, whole.waveform)
    assert found.notes == (containers.NO_LENGTH,)


@pytest.mark.parametrize("size", [0, 8, 0xFFFFFFFF])
def test_the_length_of_all_chunks_changes_nothing(tmp_path, size):
    kind = KINDS["wav"]
    whole = load(tmp_path / "a", kind.content)
    for content in (kind.content, kind.states(0), kind.states(-1), kind.states(200)):
        found = load(tmp_path / "b", put(content, 4, struct.pack("<I", size)))
        np.testing.assert_array_equal(found.waveform, whole.waveform)


@given(st.integers(0, 2**32 - 1) | st.integers(0, 2 * FRAMES + 20))
@settings(deadline=None, max_examples=200)
def test_whatever_a_header_states_every_sample_is_read(tmp_path_factory, stated):
    path = tmp_path_factory.getbasetemp() / "stated.wav"
    found = load(path, KINDS["wav"].states(stated))
    # Fewer bytes than a chunk's header has are none of anything.
    assert len(found.waveform) >= FRAMES - 3
    assert bool(found.notes) == (len(found.waveform) == FRAMES and stated != 2 * FRAMES)


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.95])
def test_a_file_cut_short_is_read_and_told(tmp_path, kind, kept):
    whole = load(tmp_path / "a", kind.content)
    found = load(tmp_path / "b", kind.content[: int(kept * len(kind.content))])
    assert found.notes == (containers.ENDS_EARLY,)
    assert abs(len(found.waveform) - kept * FRAMES) < 1100  # a block of ADPCM and a header
    np.testing.assert_array_equal(found.waveform, whole.waveform[: len(found.waveform)])


def chunk(id, content, order="<"):
    return id + struct.pack(f"{order}I", len(content)) + content + bytes(len(content) % 2)


NOISE = np.random.default_rng(5).bytes(600)
AFTER = {
    "LIST": chunk(b"LIST", b"INFOISFT" + bytes([9, 0, 0, 0]) + b"recorder\0\0"),
    "id3": chunk(b"id3 ", b"ID3\3\0\0" + NOISE),
    "unknown chunks": chunk(b"abcd", NOISE) + chunk(b"xyz ", NOISE[:33]),
    "a broken chunk": b"LIST" + struct.pack("<I", 5000) + NOISE,
    "ID3v1": b"TAG" + NOISE[:125],
    "ID3v2": b"ID3\3\0\0\0\0\4\0" + NOISE,
    "APE": b"APETAGEX" + NOISE,
    "zeros": bytes(4096),
    "text": b"<?xml version='1.0'?>\n<note>recorded outside</note>\n" * 20,
    "a rest": b"\x83\x01\xfe",
}


@pytest.mark.parametrize("after", AFTER.values(), ids=AFTER)
@pytest.mark.parametrize("name", ["wav", "8 bit", "float", "adpcm", "wavex"])
def test_what_follows_the_samples_of_a_wav_is_no_sound(tmp_path, name, after):
    content = KINDS[name].content + after
    found = load(tmp_path / "a", content)
    expected = soundfile.read(io.BytesIO(KINDS[name].content), dtype="float32", always_2d=True)[0].mean(axis=1)
    np.testing.assert_array_equal(found.waveform, expected)
    assert found.notes == ()


@pytest.mark.parametrize("after", ["LIST", "id3", "ID3v1"])
@pytest.mark.parametrize("stated", [0, 1000, -1])
def test_metadata_end_what_has_no_true_length(tmp_path, after, stated):
    whole = load(tmp_path / "a", KINDS["wav"].content)
    found = load(tmp_path / "b", KINDS["wav"].states(stated) + AFTER[after])
    np.testing.assert_array_equal(found.waveform, whole.waveform)
    assert found.notes == (containers.GOES_ON if stated > 0 else containers.NO_LENGTH,)


def test_what_follows_the_samples_of_other_formats_is_no_sound(tmp_path):
    note = chunk(b"ANNO", b"a note, and more", ">")
    guid = b"levl" + bytes.fromhex("f3acd3118cd100c04f8edb8a")
    w64_chunk = guid + struct.pack("<Q", 24 + len(NOISE)) + NOISE
    others = {"aiff": note, "aifc": note, "au": AFTER["ID3v1"], "rf64": AFTER["LIST"], "w64": w64_chunk}
    for name, after in others.items():
        whole = load(tmp_path / "a", KINDS[name].content)
        found = load(tmp_path / "b", KINDS[name].content + after)
        np.testing.assert_array_equal(found.waveform, whole.waveform)
        assert found.notes == ()


@pytest.mark.parametrize("after", [b"", AFTER["LIST"], bytes(512)])
def test_a_wav_of_no_samples_stays_one(tmp_path, after):
    content = KINDS["wav"].content
    empty = put(content[: content.index(b"data") + 8], content.index(b"data") + 4, bytes(4)) + after
    (tmp_path / "a.wav").write_bytes(empty)
    with pytest.raises(audio.InputError, match=r"holds no samples\. Restore it, or leave it out"):
        audio.load(tmp_path / "a.wav")


@pytest.mark.parametrize("length", [0, 2**63 - 1, 2**64 - 1])
def test_a_chunk_larger_than_any_file_before_the_samples(tmp_path, length):
    content = KINDS["w64"].content
    path = tmp_path / "a.w64"
    path.write_bytes(put(content, 56, struct.pack("<Q", length)))
    assert containers.open_whole(path) == containers.Found()


def test_a_flac_behind_an_id3_tag(tmp_path):
    flac = bytearray(sound("FLAC"))
    whole = load(tmp_path / "a", bytes(flac))
    flac[21:26] = bytes([flac[21] & 0xF0, 0, 0, 0, 0])
    found = load(tmp_path / "b", b"ID3\3\0\0\0\0\2\10" + bytes(264) + flac)
    np.testing.assert_array_equal(found.waveform, whole.waveform)
    assert found.notes == (containers.NO_LENGTH,)


PLACES = st.integers(0, 70)


@given(st.binary(max_size=60), PLACES, st.dictionaries(PLACES, st.binary(max_size=5)), st.data())
def test_a_view_is_the_file_with_changes(tmp_path_factory, content, size, changes, data):
    path = tmp_path_factory.getbasetemp() / "view"
    path.write_bytes(content)
    expected = bytearray(content)
    for place, new in changes.items():
        for k, byte in enumerate(new):
            if place + k < len(expected):
                expected[place + k] = byte
    expected = bytes(expected[:size])
    with containers.View(open(path, "rb"), min(size, len(content)), changes) as view:
        assert view.seek(0, io.SEEK_END) == len(expected)
        for _ in range(3):
            start, count = data.draw(PLACES), data.draw(PLACES)
            view.seek(start)
            assert view.read(count) == expected[start : start + count]
            assert view.tell() == start + len(expected[start : start + count])
