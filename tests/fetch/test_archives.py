"""Unpacking archives, honest and hostile."""

import contextlib
import io
import os
import shutil
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from igsed.errors import InputError
from igsed.fetch import archives

FILES = {"audio/dog/1_0.wav": b"woof" * 1000, "audio/empty.wav": b"", "metadata/eval.tsv": b"filename\tonset\n"}


def tar(path, members, mode="w:gz"):
    """Members are (name, contents) or ready TarInfo objects."""
    with tarfile.open(path, mode) as file:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                file.addfile(member)
            else:
                entry = tarfile.TarInfo(member[0])
                entry.size = len(member[1])
                file.addfile(entry, io.BytesIO(member[1]))
    return path


def zipped(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, contents in members:
            file.writestr(name, contents)
    return path


def entry(name, kind, target=""):
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(archive, folder, **limits):
    with pytest.raises(InputError) as caught:
        archives.unpack(archive, folder, progress=False, **limits)
    assert str(archive) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.tar.gz", tar),
        ("a.tar", lambda path, members: tar(path, members, "w")),
        ("a.tar.bz2", lambda path, members: tar(path, members, "w:bz2")),
        ("a.tar.xz", lambda path, members: tar(path, members, "w:xz")),
        ("a.zip", zipped),
    ],
)
def test_files_come_out_and_junk_does_not(tmp_path, name, make):
    junk = ["._audio", "audio/._x.wav", "__MACOSX/audio/x.wav", "audio/.DS_Store", "._folder/x.wav"]
    archive = make(tmp_path / name, [*FILES.items(), *((name, b"junk") for name in junk)])
    written = archives.unpack(archive, tmp_path / "out", progress=False)
    assert contents(tmp_path / "out") == FILES
    assert written == sum(map(len, FILES.values()))
    assert archives.unpacked_size(archive) == (written + 4 * len(junk) if name == "a.zip" else None)


def test_several_archives_share_a_folder(tmp_path):
    for number, (name, body) in enumerate(FILES.items()):
        archives.unpack(zipped(tmp_path / f"{number}.zip", [(f"./set/{name}", body)]), tmp_path / "out")
    assert contents(tmp_path / "out" / "set") == FILES


def test_folders_come_out_too_and_modes_do_not(tmp_path):
    folder, script = entry("audio/empty", tarfile.DIRTYPE), entry("run", tarfile.REGTYPE)
    folder.mode, script.mode = 0, 0o4777
    archives.unpack(tar(tmp_path / "a.tar.gz", [folder, script, entry("./", tarfile.DIRTYPE)]), tmp_path / "out")
    assert list((tmp_path / "out/audio/empty").iterdir()) == []
    assert (tmp_path / "out/run").stat().st_mode & 0o7111 == 0


@pytest.mark.parametrize("make", [tar, zipped])
@pytest.mark.parametrize(
    "name",
    ["../x", "a/../../x", "a/..", "..", "/x", "//x", "/", "..\\x", "C:\\x", "C:x", "a\\..\\..\\x", "._/../../x"],
)
def test_a_path_that_leads_out_is_refused(tmp_path, make, name):
    archive = make(tmp_path / "a", [("good", b"x"), (name, b"x")])
    assert repr(name) in refused(archive, tmp_path / "deep" / "out")
    assert {path.name for path in tmp_path.rglob("*")} == {"a", "deep", "out", "good"}


@pytest.mark.parametrize(
    "member",
    [
        entry("x", tarfile.SYMTYPE, "/etc/passwd"),
        entry("x", tarfile.SYMTYPE, "../../outside"),
        entry("x", tarfile.LNKTYPE, "/etc/passwd"),
        entry("x", tarfile.LNKTYPE, "../outside"),
        entry("x", tarfile.SYMTYPE, "."),
        entry("x", tarfile.SYMTYPE, "x"),
        entry("x", tarfile.SYMTYPE, "missing"),
        entry("x", tarfile.CHRTYPE),
        entry("x", tarfile.BLKTYPE),
        entry("x", tarfile.FIFOTYPE),
    ],
    ids=lambda member: f"{member.type.decode()}-{member.linkname}",
)
def test_links_out_and_devices_are_refused(tmp_path, member):
    (tmp_path / "outside").write_bytes(b"secret")
    refused(tar(tmp_path / "a.tar", [("good", b"x"), member, ("x/y", b"z")], "w"), tmp_path / "out")
    assert (tmp_path / "outside").read_bytes() == b"secret"
    assert contents(tmp_path / "out").get("x", b"") == b""


def test_a_link_in_a_zip_is_refused(tmp_path):
    link = zipfile.ZipInfo("x")
    link.external_attr = 0o120777 << 16
    assert "'x'" in refused(zipped(tmp_path / "a.zip", [(link, "/etc/passwd")]), tmp_path / "out")


def test_a_link_within_becomes_a_copy(tmp_path):
    members = [
        ("audio/a.wav", b"sound"),
        entry("audio/b.wav", tarfile.SYMTYPE, "a.wav"),
        entry("c.wav", tarfile.LNKTYPE, "audio/a.wav"),
        ("audio/b.wav", b"other"),
    ]
    archives.unpack(tar(tmp_path / "a.tar.gz", members), tmp_path / "out", progress=False)
    assert contents(tmp_path / "out") == {"audio/a.wav": b"sound", "audio/b.wav": b"other", "c.wav": b"sound"}
    assert not any(path.is_symlink() for path in (tmp_path / "out").rglob("*"))


def test_what_is_there_is_never_written_through(tmp_path):
    outside, out = tmp_path / "outside", tmp_path / "out"
    outside.write_bytes(b"keep")
    out.mkdir()
    os.link(outside, out / "hard")
    archives.unpack(tar(tmp_path / "a.tar", [("hard", b"1")], "w"), out, progress=False)
    assert contents(out) == {"hard": b"1"}
    os.symlink(outside, out / "soft")
    refused(tar(tmp_path / "a.tar", [("soft", b"2")], "w"), out)
    assert outside.read_bytes() == b"keep"


@pytest.mark.parametrize("make", [tar, zipped])
def test_a_bomb_does_not_go_off(tmp_path, make):
    archive = make(tmp_path / "a", [(f"{k}", bytes(10**6)) for k in range(20)])
    assert archive.stat().st_size < 10**5
    refused(archive, tmp_path / "out", limit=5 * 10**6)
    assert sum(map(len, contents(tmp_path / "out").values())) <= 5 * 10**6
    assert "0.01 GB" in refused(archive, tmp_path / "out", limit=10**7)


@pytest.mark.parametrize("slash", ["", "/"])
def test_many_empty_files_are_a_bomb_too(tmp_path, slash):
    archive = zipped(tmp_path / "a.zip", [(f"{k}{slash}", b"") for k in range(300)])
    refused(archive, tmp_path / "out", limit=10**6)
    assert archives.unpack(archive, tmp_path / "out", limit=10**7, progress=False) == 0


def test_the_disk_is_a_limit(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=2 * 10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    archive = tar(tmp_path / "a.tar.gz", [("big", bytes(3 * 10**6))])
    assert "free" in refused(archive, tmp_path / "out")


def lying(archive):
    """A zip archive whose only member is said to have 10 bytes."""
    data = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(signature) + offset
        data[at : at + 4] = (10).to_bytes(4, "little")
    archive.write_bytes(data)


def test_a_size_that_is_a_lie_is_found(tmp_path):
    archive = zipped(tmp_path / "a.zip", [("x", b"y" * 10**6)])
    lying(archive)
    assert archives.unpacked_size(archive) == 10
    refused(archive, tmp_path / "out")
    assert len(contents(tmp_path / "out")["x"]) <= 10


@pytest.mark.parametrize("make", [tar, zipped])
@pytest.mark.parametrize("members", [[("x", b"1"), ("x/y", b"2")], [("x/y", b"1"), ("x", b"2")]])
def test_a_file_cannot_be_a_folder(tmp_path, make, members):
    assert "cannot be unpacked" in refused(make(tmp_path / "a", members), tmp_path / "out")


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_a_damaged_archive_is_unpacked_or_refused(data):
    with tempfile.TemporaryDirectory() as place:
        make = data.draw(st.sampled_from([tar, zipped, lambda path, members: tar(path, members, "w")]))
        archive = make(Path(place, "a"), FILES.items())
        body = bytearray(archive.read_bytes())
        for _ in range(data.draw(st.integers(0, 3))):
            body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
        archive.write_bytes(body[: data.draw(st.integers(0, len(body)))])
        with contextlib.suppress(InputError):
            archives.unpack(archive, Path(place, "out"), limit=10**8, progress=False)
        assert {path.name for path in Path(place).iterdir()} <= {"a", "out"}


PIECES = ["..", ".", "", "a", "b", "._a", "__MACOSX", "/", "\\", "C:", "~", "a b", "ü", "\n", "x" * 300, "-rf", "$HOME"]
NAMES = st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map("/".join).filter(bool) | st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20
)
KINDS = st.sampled_from([tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])


@pytest.mark.filterwarnings("ignore:Duplicate name")
@given(st.lists(st.tuples(NAMES, KINDS, NAMES), min_size=1, max_size=5), st.sampled_from(["tar", "zip"]))
@example([("a", tarfile.SYMTYPE, ".."), ("a/x", tarfile.REGTYPE, "")], "tar")
@example([("a", tarfile.LNKTYPE, "../outside"), ("a", tarfile.REGTYPE, "")], "tar")
@settings(deadline=None, max_examples=80)
def test_nothing_is_ever_written_outside(members, form):
    with tempfile.TemporaryDirectory() as place:
        outside, out = Path(place, "outside"), Path(place, "in", "out")
        outside.write_bytes(b"keep")
        if form == "tar":
            made = [(name, b"new") if kind == tarfile.REGTYPE else entry(name, kind, to) for name, kind, to in members]
            archive = tar(Path(place, "a.tar"), made, "w")
        else:
            archive = zipped(Path(place, "a.zip"), [(name, b"new") for name, _, _ in members])
        with contextlib.suppress(InputError):
            archives.unpack(archive, out, progress=False)
        assert outside.read_bytes() == b"keep"
        assert {path.name for path in Path(place).iterdir()} == {"outside", "in", archive.name}
        assert list(Path(place, "in").iterdir()) == [out]
        for path in out.rglob("*"):
            assert not path.is_symlink()
            assert path.is_dir() or (path.is_file() and path.stat().st_nlink == 1)
            assert not path.name.startswith("._")
            assert path.name != "__MACOSX"
