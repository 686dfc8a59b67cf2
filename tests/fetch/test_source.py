"""Fetching whole sources from a stand-in for Zenodo on this machine, with interruptions."""

import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

from igsed.errors import InputError
from igsed.fetch import source as module
from igsed.fetch.download import Patience
from igsed.fetch.source import fetch
from igsed.fetch.table import File
from tests.loopback import serve, unused_address

SOUND = bytes(range(256)) * 4000


def tar(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=0) as file:
        for name, contents in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(contents)
            file.addfile(entry, io.BytesIO(contents))
    return buffer.getvalue()


def zipped(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, contents in members.items():
            file.writestr(name, contents)
    return buffer.getvalue()


BANK = {
    "bank.tar.gz": tar({"audio/train/dog/1_0.wav": SOUND, "audio/train/dog/._1_0.wav": b"junk"}),
    "more.zip": zipped({"audio/eval/dog/2_0.wav": b"woof"}),
    "list.tsv": b"filepath\n",
}
UNPACKED = {"audio/train/dog/1_0.wav": SOUND, "audio/eval/dog/2_0.wav": b"woof", "list.tsv": b"filepath\n"}
MD5 = {name: hashlib.md5(body).hexdigest() for name, body in BANK.items()}


def rows(url, mirror=None, names=BANK, **known):
    """The table's rows of the source; nothing is known of contents unless given."""
    return [
        File(
            "bank",
            name,
            "file" if name == "list.tsv" else "archive",
            f"{url}/records/12/files/{name}?download=1",
            mirror and f"{mirror}/{name}",
            **known,
        )
        for name in names
    ]


def pinned(url, mirror=None):
    """The same with digests, all that a file by itself needs."""
    return [file._replace(md5=MD5[file.file]) for file in rows(url, mirror)]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def site():
    with serve() as site:
        site.record(12, BANK)
        yield site


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


class Place:
    """Where a test's source goes."""

    def __init__(self, root):
        self.downloads, self.lock, self.folder = root / "downloads", root / "lock.json", root / "sources" / "bank"

    def fetch(self, files, **settings):
        patience = Patience(2, progress=False, sleep=lambda seconds: None)
        return fetch("bank", files, self.downloads, self.lock, self.folder, patience, **settings)

    def refused(self, files, **settings):
        with pytest.raises(InputError) as caught:
            self.fetch(files, **settings)
        assert not self.folder.exists()
        return str(caught.value)

    def whole(self):
        found = {str(path.relative_to(self.folder)): path.read_bytes() for path in self.folder.rglob("*.*")}
        assert found == UNPACKED
        assert os.listdir(self.folder.parent) == ["bank"]
        assert {path.name for path in self.downloads.iterdir()} == {*BANK, ".bank.lock"}
        return True

    def put(self, **changed):
        """Put the files there by hand."""
        self.downloads.mkdir(exist_ok=True)
        for name, body in (BANK | changed).items():
            (self.downloads / name).write_bytes(body)


def test_a_source_is_ready_for_use(site, place):
    fetched = place.fetch(rows(site.url))
    assert place.whole()
    for file, (name, body) in zip(fetched, BANK.items(), strict=True):
        sha256 = hashlib.sha256(body).hexdigest()
        assert file == (name, f"{site.url}/records/12/files/{name}?download=1", len(body), MD5[name], sha256)
    assert [path for path, _ in site.asked].count("/api/records/12") == 1
    entries = json.loads(place.lock.read_text())[f"{site.url}/api/records/12"]
    assert entries == {name: {"bytes": len(body), "md5": MD5[name]} for name, body in BANK.items()}
    assert (place.folder / "list.tsv").stat().st_ino == (place.downloads / "list.tsv").stat().st_ino


def test_what_is_there_needs_no_network(site, place):
    files = rows(site.url)
    place.fetch(files)
    asked = len(site.asked)
    shutil.rmtree(place.folder)
    assert [file.url for file in place.fetch(files)] == [None] * 3
    assert place.whole()
    assert len(site.asked) == asked


def test_an_earlier_folder_is_replaced_only_by_a_whole_one(site, place):
    place.folder.mkdir(parents=True)
    (place.folder / "old.wav").write_bytes(b"old")
    with pytest.raises(InputError):
        place.fetch(rows(unused_address()))
    assert (place.folder / "old.wav").exists()
    place.fetch(rows(site.url))
    assert place.whole()


def test_files_put_there_by_hand_are_as_good(place):
    place.put()
    fetched = place.fetch(pinned(unused_address()))
    assert place.whole()
    assert [file.url for file in fetched] == [None] * 3


def test_files_put_there_by_hand_may_be_verified_by_the_record(site, place):
    place.put()
    place.fetch(rows(site.url))
    assert place.whole()
    assert [path for path, _ in site.asked] == ["/api/records/12"]


def test_a_file_put_there_by_hand_that_nothing_verifies_is_refused(place):
    place.put()
    url = unused_address()
    message = place.refused(rows(url))
    assert f"{place.downloads / 'bank.tar.gz'} is there, but" in message
    assert f"{url}/api/records/12" in message
    assert "refused" in message
    assert "md5 or sha256" in message


@pytest.mark.parametrize("body", [b"", b"another", BANK["bank.tar.gz"][:-1], BANK["bank.tar.gz"] + b"x"])
def test_a_file_put_there_by_hand_that_is_wrong_is_refused_and_kept(site, place, body):
    place.put(**{"bank.tar.gz": body})
    message = place.refused(pinned(site.url))
    assert str(place.downloads / "bank.tar.gz") in message
    assert MD5["bank.tar.gz"] in message
    assert (place.downloads / "bank.tar.gz").read_bytes() == body


def test_the_mirror_is_tried(site, place):
    for name, body in BANK.items():
        site.files[f"/mirror/{name}"] = body
        del site.files[f"/records/12/files/{name}"]
    fetched = place.fetch(rows(site.url, f"{site.url}/mirror"))
    assert place.whole()
    assert [file.url for file in fetched] == [f"{site.url}/mirror/{name}" for name in BANK]


def test_the_mirror_goes_on_where_the_first_address_broke_off(site, place):
    name = "bank.tar.gz"
    site.files[f"/mirror/{name}"] = BANK[name]
    site.cut[f"/records/12/files/{name}"] = 300000
    site.etags[f"/records/12/files/{name}"], site.etags[f"/mirror/{name}"] = '"one"', '"two"'
    place.fetch(rows(site.url, f"{site.url}/mirror"))
    assert place.whole()
    (headers,) = [headers for (path, _), headers in zip(site.asked, site.headers, strict=True) if "mirror" in path]
    assert 0 < int(headers["Range"][6:-1]) <= 300000
    assert "If-Range" not in headers  # the first address's version says nothing here


def test_a_wrong_first_address_is_passed_over(site, place):
    site.files["/records/12/files/bank.tar.gz"] = BANK["bank.tar.gz"][::-1]
    site.files["/mirror/bank.tar.gz"] = BANK["bank.tar.gz"]
    place.fetch(rows(site.url, f"{site.url}/mirror"))
    assert place.whole()


def test_no_network_is_told_for_every_address(place):
    url, mirror = unused_address(), unused_address()
    message = place.refused([file._replace(bytes=len(BANK[file.file])) for file in pinned(url, mirror)])
    first, second = message.splitlines()[1:3]
    assert first.startswith(f"  - {url}/records/12/files/bank.tar.gz")
    assert second.startswith(f"  - {mirror}/bank.tar.gz")
    assert "refused" in first
    assert "refused" in second
    last = message.splitlines()[-1]
    assert str(place.downloads / "bank.tar.gz") in last
    assert f"({len(BANK['bank.tar.gz'])} bytes, md5 {MD5['bank.tar.gz']})" in last


def test_a_digest_in_the_table_makes_the_record_dispensable(site, place):
    del site.files["/api/records/12"]
    place.fetch(pinned(site.url))
    assert place.whole()
    assert not place.lock.exists()


def test_a_record_that_differs_from_the_table_is_refused(site, place):
    message = place.refused(rows(site.url, md5="0" * 32))
    assert f"{site.url}/api/records/12: bank.tar.gz is not the file in the table" in message
    assert "0" * 32 in message


def test_a_record_that_changed_is_refused(site, place):
    files = rows(site.url)
    place.fetch(files)
    shutil.rmtree(place.folder)
    (place.downloads / "more.zip").unlink()
    site.record(12, BANK | {"more.zip": zipped({"other": b"x"})})
    assert "more.zip is no longer the file" in place.refused(files)
    assert not (place.downloads / "more.zip").exists()


def test_a_file_that_changed_is_refused_by_the_lock_alone(site, place):
    files = rows(site.url)
    place.fetch(files)
    shutil.rmtree(place.folder)
    (place.downloads / "bank.tar.gz").unlink()
    del site.files["/api/records/12"]
    site.files["/records/12/files/bank.tar.gz"] = BANK["bank.tar.gz"][::-1]
    assert MD5["bank.tar.gz"] in place.refused(files)


def test_a_file_that_the_record_lacks_is_told(site, place):
    message = place.refused(rows(site.url, names=["bnak.tar.gz"]))
    assert "no file 'bnak.tar.gz'" in message
    assert "bank.tar.gz, list.tsv, more.zip" in message


def test_an_archive_cannot_replace_another_file_of_the_source(site, place):
    body = zipped({"list.tsv": b"other", "audio/eval/dog/2_0.wav": b"woof"})
    site.record(12, BANK | {"more.zip": body})
    place.fetch(rows(site.url))
    assert (place.downloads / "list.tsv").read_bytes() == BANK["list.tsv"]
    assert (place.folder / "list.tsv").read_bytes() == BANK["list.tsv"]


def test_a_hostile_archive_leaves_nothing(site, place):
    site.record(12, BANK | {"more.zip": zipped({"../../outside": b"x"})})
    assert "outside" in place.refused(rows(site.url))
    assert os.listdir(place.folder.parent) == []


def test_the_limit_counts_all_archives(site, place):
    place.refused(rows(site.url), unpack_limit=len(SOUND) + 4096)
    place.fetch(rows(site.url), unpack_limit=len(SOUND) + 3 * 4096)
    assert place.whole()


@pytest.mark.parametrize("by_hand", [False, True])
def test_too_little_disk_is_told_before(site, place, monkeypatch, by_hand):
    if by_hand:
        place.put()
    free = len(SOUND) if by_hand else int(1.5 * len(BANK["bank.tar.gz"]))
    usage = shutil.disk_usage("/")._replace(free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert f"{free / 1e9:.2f} GB are free" in place.refused(rows(site.url))
    assert [path for path, _ in site.asked] == ["/api/records/12"]


def test_the_disk_is_checked_again_when_contents_are_known(site, place, monkeypatch):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("silence.wav", bytes(10**7))
    site.record(12, {"more.zip": buffer.getvalue()})
    usage = shutil.disk_usage("/")._replace(free=10**7 - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert "0.01 GB are needed for" in place.refused(rows(site.url, names=["more.zip"]))
    assert (place.downloads / "more.zip").exists()
    usage = usage._replace(free=10**7 + 4096)
    place.fetch(rows(site.url, names=["more.zip"]))


def test_where_links_cannot_be_made_copies_are(site, place, monkeypatch):
    def impossible(*paths):
        raise OSError("another disk")

    monkeypatch.setattr(module.os, "link", impossible)
    place.fetch(rows(site.url))
    assert place.whole()


KILLED = """
import json, sys
from pathlib import Path
from igsed.fetch.download import Patience
from igsed.fetch.source import fetch
from igsed.fetch.table import File
files, *paths = json.load(sys.stdin)
fetch("bank", [File(*file) for file in files], *map(Path, paths), Patience(6, progress=False))
"""


def start(place, files):
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED], stdin=subprocess.PIPE, text=True, cwd=Path(module.__file__).parents[2]
    )
    json.dump([files, *map(str, (place.downloads, place.lock, place.folder))], process.stdin)
    process.stdin.close()
    return process


def wait_for(condition, process):
    deadline = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_killed_download_goes_on(site, place):
    files = rows(site.url)
    part = place.downloads / "bank.tar.gz.part"
    site.etags["/records/12/files/bank.tar.gz"] = '"one"'
    site.pace["/records/12/files/bank.tar.gz"] = (1 << 16, 0.05)
    process = start(place, files)
    wait_for(lambda: part.exists() and part.stat().st_size >= 300000, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = part.stat().st_size
    assert 300000 <= kept < len(BANK["bank.tar.gz"])
    assert not (place.downloads / "bank.tar.gz").exists()
    assert not place.folder.exists()

    site.pace.clear()
    place.fetch(files)
    assert place.whole()
    wanted = [wanted for path, wanted in site.asked if path.startswith("/records/12/files/bank.tar.gz")]
    assert wanted == [None, f"bytes={kept}-"]
    assert [headers.get("If-Range") for headers in site.headers if "Range" in headers] == ['"one"']


def test_two_processes_fetch_once(site, place):
    site.pace["/records/12/files/bank.tar.gz"] = (1 << 16, 0.05)
    processes = [start(place, rows(site.url)) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert place.whole()
    assert [path.partition("?")[0] for path, _ in site.asked].count("/records/12/files/bank.tar.gz") == 1
