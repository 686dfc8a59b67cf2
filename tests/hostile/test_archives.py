"""Archives that would take endless memory or time to read, and damaged headers behind right checksums."""

import gzip
import io
import lzma
import struct
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from igsed.backbones.yamnet import weights as yamnet
from igsed.errors import InputError
from igsed.fetch import archives
from igsed.soundbanks import debian
from tests.hostile.mutations import below, bounded, check_message, damaged, value_or_refusal

FILES = {"audio/dog/1_0.wav": b"woof" * 100, "audio/empty.wav": b"", "x" * 90 + "/" + "é" * 90: b"long name"}
FIELDS = {  # of a tar header: place, length
    **{"name": (0, 100), "size": (124, 12), "time": (136, 12), "type": (156, 1), "link": (157, 100)},
    **{"device": (329, 8), "prefix": (345, 155), "sparse": (386, 100), "more": (482, 1)},
}
VALUES = (
    *(b"../x", b"/etc/passwd", b"..", b"a\\..\\x", b"C:x", b"\xff.wav", b"\x1b[2J", b"", b"audio", b"._x"),
    *(b"77777777777", b"-0000000001", b"\x80\0\0\0\0\0\0\xff\xff\xff\xff\xff", b"\xff" * 12, b"1", b"xyz"),
    *(kind.encode() for kind in "0123456LKxgSXDMV"),
)


def header(kind, size, name="x"):
    entry = tarfile.TarInfo(name)
    entry.type, entry.size = kind, size
    return entry.tobuf(tarfile.GNU_FORMAT)


def tar(form=tarfile.PAX_FORMAT):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as file:
        for name, content in FILES.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            file.addfile(entry, io.BytesIO(content))
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            entry = tarfile.TarInfo(f"link{kind.decode()}")
            entry.type, entry.linkname = kind, "audio/dog/1_0.wav"
            file.addfile(entry)
    return stream.getvalue()


def zipped(compression=zipfile.ZIP_DEFLATED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as file:
        for name, content in FILES.items():
            file.writestr(name, content)
    return stream.getvalue()


@st.composite
def odd_headers(draw):
    """A tar archive with odd values in its headers, whose checksums are right again."""
    content = bytearray(draw(st.sampled_from([tar(tarfile.GNU_FORMAT), tar()])))
    heads = [place for place in range(0, len(content), 512) if content[place + 257 : place + 262] == b"ustar"]
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(heads))
        start, length = FIELDS[draw(st.sampled_from(sorted(FIELDS)))]
        value = draw(st.sampled_from(VALUES))[:length].ljust(length, b"\0")
        content[place + start : place + start + length] = value
        content[place + 148 : place + 156] = b" " * 8
        content[place + 148 : place + 156] = b"%06o\0 " % sum(content[place : place + 512])
    pack = draw(st.sampled_from([bytes, bytes, gzip.compress, lambda content: lzma.compress(content, preset=0)]))
    return pack(bytes(content))


def unpacked(folder, content, limit=10**7):
    path = Path(folder, "archive")
    path.write_bytes(content)
    return archives.unpack(path, Path(folder, "inner", "out"), limit=limit, progress=False)


@given(odd_headers() | damaged(zipped()) | damaged(zipped(zipfile.ZIP_LZMA)) | damaged(tar()))
@settings(deadline=None, max_examples=250)
def test_what_comes_out_are_files_and_folders_within(content):
    with tempfile.TemporaryDirectory() as folder:
        value_or_refusal(unpacked, folder, content)
        assert {name for name in below(Path(folder)) if not name.startswith("inner/out")} <= {"archive", "inner"}
        for path in Path(folder, "inner", "out").rglob("*"):
            assert path.is_dir() or (path.is_file() and not path.is_symlink() and path.stat().st_nlink == 1)
            assert path.is_dir() or path.stat().st_size < 10**7


@given(odd_headers() | damaged(zipped()))
@settings(deadline=None, max_examples=80)
def test_a_damaged_model_is_unusable(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "archive")
        path.write_bytes(content)
        with pytest.raises(yamnet._Unusable):
            yamnet._extract(path, Path(folder))


def refused(content, folder, **limits):
    with bounded(megabytes=60, seconds=20), pytest.raises(InputError) as caught:
        unpacked(folder, content, **limits)
    check_message(str(caught.value))
    return str(caught.value)


@pytest.mark.parametrize("kind", [b"L", b"K", b"x", b"g", b"X"])
def test_an_extended_header_is_not_read_whole(tmp_path, kind):
    zeros = gzip.compress(bytes(1 << 27), 1)
    bomb = gzip.compress(header(kind, 1 << 30)) + zeros * 8
    assert "states to have 1073741824 bytes" in refused(bomb, tmp_path)
    bundle = tmp_path / "archive"
    with bounded(megabytes=60, seconds=20), pytest.raises(yamnet._Unusable, match="states to have"):
        yamnet._extract(bundle, tmp_path)


@pytest.mark.parametrize("digits", [b"1" * 60_000, b"1" * 60_000 + b" hdrcharset="])
def test_a_row_of_digits_takes_no_time(tmp_path, digits):
    content = digits.ljust(61_440, b"\0")
    with bounded(megabytes=60, seconds=2), pytest.raises(InputError, match="endless number"):
        unpacked(tmp_path, (header(b"x", len(content)) + content) * 50)


def test_the_map_of_a_sparse_file_is_not_read(tmp_path):
    pax = b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"
    begin = header(b"x", len(pax)) + pax.ljust(512, b"\0") + header(b"0", 1 << 33) + b"999999999\n"
    assert "sparse" in refused(gzip.compress(begin + b"1\n" * (1 << 22)), tmp_path)
    assert "sparse" in refused(header(b"S", 0), tmp_path)


def test_members_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MOST_MEMBERS", 1000)
    many = header(b"5", 0, "folder") * 1001
    assert "more than 1000 members" in refused(gzip.compress(many), tmp_path, limit=10**12)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for number in range(1001):
            file.writestr(f"{number}/", b"")
    assert "more than 1000 members" in refused(stream.getvalue(), tmp_path, limit=10**12)


def test_what_is_passed_over_counts(tmp_path):
    assert "0.01 GB would come out" in refused(header(b"0", 1 << 40, "._junk"), tmp_path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_that_share_their_bytes_are_counted_each(tmp_path, compression):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as file:
        file.writestr("x", bytes(10**6))
    content = stream.getvalue()
    begin, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    listed = content[begin:end] * 500
    ends = struct.pack("<HHHHIIH", 0, 0, 500, 500, len(listed), begin, 0)
    refused(content[:begin] + listed + b"PK\x05\x06" + ends, tmp_path)
    assert sum(path.stat().st_size for path in (tmp_path / "inner/out").rglob("*")) <= 10**7


def test_a_compression_that_wants_gigabytes_is_refused(tmp_path):
    content = bytearray(lzma.compress(b"x" * 100, preset=0))
    content[16] = 40  # a dictionary of 4 GiB
    content[20:24] = struct.pack("<I", zlib.crc32(bytes(content[12:20])))
    assert value_or_refusal(unpacked, tmp_path, bytes(content)) is None


def test_what_a_package_says_of_itself_is_not_believed(tmp_path, monkeypatch):
    """A stand-in for dpkg-deb writes the stream that a hostile package would give."""
    monkeypatch.setattr(debian, "_LARGEST", 10_000)
    stream, program = tmp_path / "stream", tmp_path / "dpkg-deb"
    program.write_text(f"#!/bin/sh\ncat '{stream}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    wanted = debian.pd.DataFrame({"path": ["/a.wav"]})
    for content, told in (
        (header(b"x", 1 << 30), "states to have"),
        (header(b"0", 20_000, "./a.wav") + bytes(20_480), "/a.wav has 20000 bytes"),
        (header(b"S", 0), "sparse"),
        (b"junk" * 1000, "cannot be unpacked"),
    ):
        stream.write_bytes(content)
        with pytest.raises(InputError, match=told):
            debian._unpacked(tmp_path / "p_1_all.deb", wanted)


def test_a_resource_is_not_inflated_without_end(monkeypatch):
    monkeypatch.setattr(debian, "_LARGEST", 10_000)
    name = struct.pack(">HI", 1, 0) + "a".encode("utf-16-be")
    data = bytes(4) + zlib.compress(bytes(10**6))
    tree = struct.pack(">IHII", 0, 2, 1, 1) + struct.pack(">IHII", 0, 1, 0, 0)
    data = struct.pack(">I", len(data)) + data
    start = 20 + len(tree)
    content = b"qres" + struct.pack(">4I", 1, 20, start, start + len(data)) + tree + data + name
    assert debian._resource(content, "a") == bytes(10_000)
