"""Recordings from Debian packages: the table, the cutting, and a real apt with a repository of its own."""

import hashlib
import itertools
import shutil
import struct
import subprocess
import zlib

import numpy as np
import pytest
import soundfile
from hypothesis import assume, given
from hypothesis import strategies as st

from igsed.errors import InputError
from igsed.jobs.provenance import tree_digest
from igsed.names import normal
from igsed.soundbanks import debian, soundbank

RATE = 8000
HEADER = ",".join(debian.REQUIRED + debian.OPTIONAL)
GOOD = {
    "package": "some-data",
    "path": "/usr/share/some/bark.ogg",
    "label": "Dog",
    "split": "train",
    "licence": "GPL-2+",
    "sha256": "0" * 64,
    "series": "",
    "start": "",
    "stop": "",
}
needs_apt = pytest.mark.skipif(
    not all(map(shutil.which, ("apt-get", "apt-cache", "dpkg-deb"))), reason="needs apt and dpkg-deb"
)


def table(folder, *rows, header=HEADER):
    path = folder / "table.csv"
    lines = [",".join((GOOD | row).values()) for row in rows]
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def refused(path):
    with pytest.raises(InputError) as caught:
        debian.read(path)
    return str(caught.value)


def test_a_table_is_read_with_its_defaults(tmp_path):
    rows = debian.read(table(tmp_path, {}, {"path": "/a/b c_1.wav", "start": "0.5", "stop": "2", "series": "pack"}))
    assert rows["series"].tolist() == ["bark", "pack"]
    assert rows["start"].tolist() == [0, 0.5]
    assert rows["stop"].tolist() == [np.inf, 2]
    assert list(rows) == [*debian.REQUIRED, *debian.OPTIONAL]


def test_paths_with_accents_are_one_however_they_are_stored(tmp_path):
    composed, decomposed = {"path": "/a/caf\u00e9.wav"}, {"path": "/a/cafe\u0301.wav"}
    assert debian.read(table(tmp_path, decomposed))["path"].tolist() == ["/a/caf\u00e9.wav"]
    assert "line 3: names the same recording as line 2" in refused(table(tmp_path, composed, decomposed))


@pytest.mark.parametrize(
    ("column", "entry"),
    [
        ("package", ""),
        ("package", "../data"),
        ("package", "-o"),
        ("path", "usr/share/a.wav"),
        ("path", "/usr/../a.wav"),
        ("path", "/usr/share/"),
        ("path", "/a.rcc::"),
        ("path", "/a.rcc::/b.wav"),
        ("label", "Wolf"),
        ("label", "background/"),
        ("label", "background/a/b"),
        ("split", "test"),
        ("licence", " "),
        ("sha256", "A" * 64),
        ("sha256", "0" * 63),
        ("series", "a_1"),
        ("start", "-1"),
        ("start", "nan"),
        ("stop", "0"),
        ("stop", "soon"),
    ],
)
def test_an_entry_that_is_none_is_told_with_its_place(tmp_path, column, entry):
    message = refused(table(tmp_path, {}, {"path": "/other.wav", column: entry}))
    assert "table.csv, line 3" in message
    assert column in message
    assert repr(entry) in message


@given(
    column=st.sampled_from(list(GOOD)),
    entry=st.text(st.characters(codec="ascii", exclude_characters='\r\n,"\0'), max_size=8),
)
def test_whatever_is_read_keeps_the_laws(tmp_path_factory, column, entry):
    path = table(tmp_path_factory.mktemp("table"), {column: entry})
    try:
        rows = debian.read(path)
    except InputError as error:
        rows, message = [], str(error)
    for row in map(dict, (rows.iloc[0],) if len(rows) else ()):
        assert row["path"].startswith("/")
        assert ".." not in row["path"].split("/")
        assert row["series"]
        assert "/" not in row["series"] + row["package"]
        assert "_" not in row["series"] + row["package"]
        assert 0 <= row["start"] < row["stop"]
        assert row["split"] in ("train", "eval")
    assert len(rows) or f"{path}, line 2, column" in message


def test_a_missing_column_a_short_line_and_no_line_are_told(tmp_path):
    assert "lacks the column sha256" in refused(table(tmp_path, header=HEADER.replace("sha256", "md5")))
    path = table(tmp_path, {})
    path.write_text(path.read_text().rstrip("\n,") + "\n")
    assert "line 2: has more or fewer cells" in refused(path)
    assert "names no recording" in refused(table(tmp_path))
    assert "absent.csv: there is no such file" in refused(tmp_path / "absent.csv")


def test_a_source_in_both_splits_is_told(tmp_path):
    other = {"path": "/usr/share/other/bark.wav", "split": "eval"}
    message = refused(table(tmp_path, {}, other | {"sha256": "1" * 64}))
    assert "line 3" in message
    assert "line 2" in message
    assert "same source" in message
    assert "same source" in refused(table(tmp_path, {}, other | {"series": "howl"}))
    assert len(debian.read(table(tmp_path, {}, other | {"series": "howl", "sha256": "1" * 64}))) == 2
    assert "names the same recording as line 2" in refused(table(tmp_path, {}, {"series": "howl"}))


def test_the_projects_own_table_can_make_a_soundbank():
    rows = debian.read("config/free_sounds.csv")
    assert rows[["package", "path"]].apply(tuple, axis=1).is_monotonic_increasing
    sources = rows.assign(pool=rows["label"].str.replace(r"/.*", "", regex=True))
    sources = sources.drop_duplicates(["package", "series", "label"]).groupby(["pool", "split"]).size().unstack()
    assert (sources["train"] >= 2).all()
    assert (sources["eval"] >= 2).all()


@given(
    lengths=st.tuples(*[st.integers(0, 3 * RATE)] * 3),
    level=st.sampled_from([1e-3, 0.5, 1.0, 4.0]),
    longest=st.sampled_from([0.5, 1.0]),
)
def test_pieces_are_trimmed_cut_faded_and_never_too_loud(lengths, level, longest):
    before, sounding, after = lengths
    assume(sounding)
    tone = level * np.where(np.arange(sounding) % 2, -1, 1)
    hiss = np.where(np.arange(before + after) % 2, -1, 1) * level * 10 ** (-51 / 20)
    waveform = np.concatenate([hiss[:before], tone, hiss[before:]]).astype(np.float32)
    cuts = debian.pieces(waveform, RATE, longest, 0.25)
    whole, rest = divmod(sounding, int(longest * RATE))
    assert [len(cut) for cut in cuts] == whole * [int(longest * RATE)] + ([rest] if rest >= 0.25 * RATE else [])
    for cut in cuts:
        assert cut[0] == cut[-1] == 0
        fade = round(0.01 * RATE)
        assert np.all(np.diff(np.abs(cut[:fade])) > 0)
        assert np.abs(cut[fade]) == pytest.approx(min(level, 0.999 if level > 1 else 1), rel=1e-6)
    assert np.abs(waveform).max() == pytest.approx(level)


def test_a_part_of_a_recording():
    waveform = np.random.default_rng(0).uniform(-0.5, 0.5, 2 * RATE).astype(np.float32)
    (piece,) = debian.pieces(waveform, RATE, 10, 0.25, start=0.5, stop=1.0)
    middle = slice(RATE // 4, RATE // 4 + 100)
    assert abs(len(piece) - RATE // 2) < 100
    assert any(np.array_equal(piece[k : k + 100], waveform[RATE // 2 :][middle]) for k in range(RATE // 4 + 1))


def test_silence_makes_no_piece():
    assert debian.pieces(np.zeros(RATE, np.float32), RATE, 10, 0.25) == []
    assert debian.pieces(np.ones(RATE, np.float32), RATE, 10, 0.25, start=2.0) == []


def collection(files, version=3):
    """A Qt resource collection with one folder per path part: {"a/b.wav": bytes}, odd ones compressed."""
    tree, names, contents = {}, b"", b""
    for path in files:
        node = tree
        for part in path.split("/"):
            node = node.setdefault(part, {})
    nodes, waiting = [("", "", tree)], [("", tree)]
    children = {}
    while waiting:
        path, node = waiting.pop(0)
        children[path] = len(nodes)
        for part, below in node.items():
            inside = f"{path}/{part}".lstrip("/")
            nodes.append((inside, part, below))
            if below:
                waiting.append((inside, below))
    packed = b""
    for number, (path, part, below) in enumerate(nodes):
        offset = len(names)
        names += struct.pack(">HI", len(part), 0) + part.encode("utf-16-be")
        if below:
            packed += struct.pack(">IHII", offset, 2, len(below), children[path])
        else:
            content = files[path]
            if number % 2:
                content = struct.pack(">I", len(content)) + zlib.compress(content)
            packed += struct.pack(">IHHHI", offset, number % 2, 0, 0, len(contents))
            contents += struct.pack(">I", len(content)) + content
        packed += bytes(8) if version > 1 else b""
    start = 24 if version > 2 else 20
    places = (start, start + len(packed) + len(names), start + len(packed))
    head = b"qres" + struct.pack(">4I", version, *places) + (bytes(4) if version > 2 else b"")
    return head + packed + names + contents


@pytest.mark.parametrize("version", [1, 2, 3])
def test_files_come_out_of_a_qt_resource_collection(version):
    files = {"a/x/one.wav": b"first", "a/x/two.wav": b"second", "a/three.wav": b"third" * 99, "ü.ogg": b""}
    data = collection(files, version)
    for path, content in files.items():
        assert debian._resource(data, path) == content
    for path in ("a", "a/x", "one.wav", "a/x/one.wav/x", "b", ""):
        assert debian._resource(data, path) is None
    assert debian._resource(b"RIFF" + data[4:], "ü.ogg") is None


@given(st.binary(max_size=99), st.integers(0, 300))
def test_a_damaged_collection_holds_nothing_or_something(junk, cut):
    data = collection({"a/x/one.wav": b"first", "b": b"second"})
    assert isinstance(debian._resource(data[:cut] + junk, "a/x/one.wav"), bytes | None)


def sound(path, seconds, level=0.5, channels=1, rate=RATE, **settings):
    noise = np.random.default_rng(len(path.name)).uniform(-level, level, (round(seconds * rate), channels))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, noise, rate, **settings)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def site(tmp_path):
    """A package with recordings in a repository of its own, the table of its recordings, and what apt needs to know."""
    tree, repository = tmp_path / "tree", tmp_path / "repository"
    share = tree / "usr/share/some"
    rows = []

    def add(name, label, split, seconds, **settings):
        digest = sound(share / name, seconds, **settings)
        rows.append({"path": f"/usr/share/some/{name}", "label": label, "split": split, "sha256": digest})

    add("bark.wav", "Dog", "train", 12, channels=2, rate=16000)
    add("woof 1.ogg", "Dog", "train", 1)
    add("ya\u0301p.flac", "Dog", "eval", 1)
    add("wind.wav", "background/wind", "train", 11)
    add("rain.wav", "background/rain", "train", 26)
    add("brook.wav", "background/brook", "eval", 40)
    add("quiet.wav", "Dog", "train", 1, level=0)
    inner = tmp_path / "inner.wav"
    rows.append(
        {
            "path": "/usr/share/some/a.rcc::x/inn\u00e9r.wav",
            "label": "Dog",
            "split": "eval",
            "sha256": sound(inner, 0.5),
        }
    )
    (share / "a.rcc").write_bytes(collection({"x/inne\u0301r.wav": inner.read_bytes()}))
    control = (
        "Package: some-data\nVersion: 1:2.0~a-3\nArchitecture: all\nMaintainer: M <m@example.org>\nDescription: d\n"
    )
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN/control").write_text(control)
    repository.mkdir()
    subprocess.run(["dpkg-deb", "-Znone", "--root-owner-group", "-b", tree, repository / "p.deb"], check=True)
    data = (repository / "p.deb").read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    (repository / "Packages").write_text(f"{control}Filename: ./p.deb\nSize: {len(data)}\nSHA256: {digest}\n")
    (tmp_path / "sources.list").write_text(f"deb [trusted=yes] copy:{repository} ./\n")
    (tmp_path / "status").touch()
    options = itertools.chain.from_iterable(
        ("-o", f"Dir::{key}={value}")
        for key, value in {
            "Etc::SourceList": tmp_path / "sources.list",
            "Etc::SourceParts": "/dev/null",
            "State::Status": tmp_path / "status",
        }.items()
    )
    return tmp_path, rows, tuple(options)


def fetched(site, rows, name):
    tmp_path, _, apt = site
    return debian.fetch(debian.read(table(tmp_path, *rows)), tmp_path / name, tmp_path / "downloads", apt=apt)


@needs_apt
def test_a_soundbank_comes_out_of_a_package(site):
    tmp_path, rows, _ = site
    report = fetched(site, rows, "bank")
    assert list(report) == debian.REPORT
    assert report["path"].tolist() == [normal(row["path"]) for row in rows]
    assert (report["status"] == "ok").all()
    assert (report["version"] == "1:2.0~a-3").all()
    assert report["files"].tolist() == [2, 1, 1, 1, 2, 3, 0, 1]
    assert "1 silent or too short" in debian.notes(report)
    index = soundbank.index(tmp_path / "bank", ["Dog"], 0.5)
    assert len(index) == report["files"].sum()
    licence = report.set_index("path")["licence"].iloc[0]
    assert set(index["licence"]) <= set(report["licence"])
    assert licence in set(index["licence"])
    assert (index["channels"] == 1).all()
    bark = index[index["source"] == "Dog/some-data_bark"]
    assert bark["duration"].tolist() == pytest.approx([10, 2], abs=0.01)
    assert bark["sample_rate"].tolist() == [16000, 16000]
    assert bark["split"].nunique() == 1
    assert set(index["source"]) >= {"Dog/some-data_woof-1", "Dog/some-data_y-p", "rain/some-data_rain"}
    assert soundfile.info(bark["path"].iloc[0]).subtype == "PCM_16"


@needs_apt
def test_a_package_that_is_there_is_enough_and_gives_the_same_bytes(site):
    tmp_path, rows, _ = site
    fetched(site, rows, "one")
    (tmp_path / "repository/p.deb").unlink()
    (tmp_path / "sources.list").unlink()
    fetched(site, rows, "two")
    assert tree_digest(tmp_path / "one") == tree_digest(tmp_path / "two")


@needs_apt
def test_what_is_missing_or_changed_is_named_and_never_used(site):
    tmp_path, rows, _ = site
    absent = {"package": "no-such-data", "path": "/usr/share/x/growl.wav", "label": "Dog", "split": "train"}
    gone = rows[1] | {"path": "/usr/share/some/gone.wav", "sha256": "1" * 64}
    inside = rows[-1] | {"path": "/usr/share/some/a.rcc::x/gone.wav", "sha256": "2" * 64, "series": "gone-too"}
    changed = rows[0] | {"sha256": "3" * 64}
    report = fetched(site, [changed, *rows[1:6], gone, inside, absent], "bank")
    assert report["status"].tolist() == ["changed", *["ok"] * 5, "missing", "missing", "missing"]
    assert report["files"][report["status"] != "ok"].sum() == 0
    assert not list((tmp_path / "bank").rglob("*bark*"))
    notes = debian.notes(report)
    assert notes.startswith("4 of 9 recordings are not used (1 changed, 3 missing):")
    for row in (changed, gone, inside, absent):
        assert row["path"] in notes
    with pytest.raises(InputError, match="yields no recording") as caught:
        fetched(site, [changed], "none")
    assert changed["path"] in str(caught.value)


@needs_apt
def test_a_package_that_broke_off_is_fetched_again(site):
    tmp_path, rows, _ = site
    report = fetched(site, rows, "one")
    (deb,) = (tmp_path / "downloads").glob("*.deb")
    deb.write_bytes(deb.read_bytes()[:50000])
    assert fetched(site, rows, "two").equals(report)
    assert tree_digest(tmp_path / "one") == tree_digest(tmp_path / "two")


@needs_apt
def test_a_repository_that_cannot_be_reached_is_told(site):
    tmp_path, rows, _ = site
    shutil.rmtree(tmp_path / "repository")
    with pytest.raises(InputError, match="could not be downloaded") as caught:
        fetched(site, rows, "bank")
    assert "repository" in str(caught.value)


def test_a_machine_without_apt_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="apt-get") as caught:
        debian.fetch(debian.read(table(tmp_path, {})), tmp_path / "bank", tmp_path / "downloads")
    assert "another soundbank kind" in str(caught.value)
