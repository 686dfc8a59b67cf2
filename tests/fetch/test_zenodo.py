"""What Zenodo says, from a stand-in for its API on this machine, and the lock file."""

import hashlib
import json
import multiprocessing

import pytest

from igsed.errors import InputError
from igsed.fetch import zenodo
from igsed.fetch.download import AddressError, Identity, Patience
from tests.loopback import serve, unused_address

BODY = b"sound"
KNOWN = Identity(5, hashlib.md5(BODY).hexdigest())


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def site():
    with serve() as site:
        yield site


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://zenodo.org/records/12/files/a.zip", ("https://zenodo.org/api/records/12", "a.zip")),
        ("https://zenodo.org/record/12/files/a.zip?download=1", ("https://zenodo.org/api/records/12", "a.zip")),
        ("https://zenodo.org/api/records/12/files/a%3Db.zip/content", ("https://zenodo.org/api/records/12", "a=b.zip")),
        ("http://127.0.0.1:8000/records/12/files/a%20b", ("http://127.0.0.1:8000/api/records/12", "a b")),
        ("https://zenodo.org/records/12", None),
        ("https://zenodo.org/records/x/files/a.zip", None),
        ("https://example.org/files/a.zip", None),
    ],
)
def test_the_record_of_an_address(url, found):
    assert zenodo.locate(url) == (found and zenodo.Location(*found))


def test_files_with_length_and_digest(site):
    site.record(12, {"a=b.zip": BODY, "list.tsv": b""})
    files = zenodo.files(f"{site.url}/api/records/12")
    assert files == {"a=b.zip": KNOWN, "list.tsv": Identity(0, hashlib.md5(b"").hexdigest())}


def test_files_by_name_as_other_servers_list_them(site):
    entries = {"a.zip": {"size": 5, "checksum": f"md5:{KNOWN.md5}"}}
    site.files["/api/records/12"] = json.dumps({"files": {"enabled": True, "entries": entries}}).encode()
    assert zenodo.files(f"{site.url}/api/records/12") == {"a.zip": KNOWN}


def test_the_api_is_asked_again_when_it_is_busy(site):
    site.record(12, {"a.zip": BODY})
    site.statuses["/api/records/12"] = [(429, {"Retry-After": "5"}), 503]
    pauses = []
    zenodo.files(f"{site.url}/api/records/12", Patience(3, sleep=pauses.append, progress=False))
    assert pauses[0] == 5
    assert len(pauses) == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>maintenance</html>",
        b"[]",
        b'{"files": null}',
        b'{"files": [{"key": "a", "size": 5}]}',
        b'{"files": [{"key": "a", "size": 5, "checksum": "md5:xyz"}]}',
        b'{"files": [{"key": "a", "size": "5", "checksum": "md5:' + b"0" * 32 + b'"}]}',
        b'{"files": [{"key": "a", "size": 5, "checksum": null}]}',
        b'{"files": {"enabled": false}}',
    ],
)
def test_what_describes_no_files_is_told(site, answer):
    site.files["/api/records/12"] = answer
    with pytest.raises(AddressError, match=f"{site.url}/api/records/12: is no description"):
        zenodo.files(f"{site.url}/api/records/12")


def test_no_answer_is_told(site):
    with pytest.raises(AddressError, match="404"):
        zenodo.files(f"{site.url}/api/records/12")
    with pytest.raises(AddressError, match="refused"):
        zenodo.files(f"{unused_address()}/api/records/12")


def test_the_lock_keeps_what_was_learnt(tmp_path):
    lock, location = tmp_path / "new" / "lock.json", zenodo.Location("https://z/api/records/1", "a.zip")
    assert zenodo.locked(lock, location) == Identity()
    zenodo.learn(lock, location, KNOWN)
    zenodo.learn(lock, location._replace(key="b.zip"), Identity(6, "0" * 32))
    zenodo.learn(lock, location, KNOWN)
    assert zenodo.locked(lock, location) == KNOWN
    assert json.loads(lock.read_text()) == {
        "https://z/api/records/1": {"a.zip": {"bytes": 5, "md5": KNOWN.md5}, "b.zip": {"bytes": 6, "md5": "0" * 32}}
    }


@pytest.mark.parametrize("changed", [KNOWN._replace(bytes=6), KNOWN._replace(md5="0" * 32)])
def test_a_change_is_refused_and_not_kept(tmp_path, changed):
    lock, location = tmp_path / "lock.json", zenodo.Location("https://z/api/records/1", "a.zip")
    zenodo.learn(lock, location, KNOWN)
    with pytest.raises(InputError, match=r"a\.zip is no longer the file that .*lock\.json"):
        zenodo.learn(lock, location, changed)
    assert zenodo.locked(lock, location) == KNOWN


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"r": {"a": {"bytes": 5}}}', '{"r": {"a": {"bytes": 5, "md5": "0"}}}']
)
def test_a_broken_lock_is_told(tmp_path, text):
    lock = tmp_path / "lock.json"
    lock.write_text(text)
    with pytest.raises(InputError, match=r"lock\.json: is not readable"):
        zenodo.locked(lock, zenodo.Location("r", "a"))


def _learn_some(lock, worker):
    for k in range(20):
        zenodo.learn(lock, zenodo.Location("r", f"{worker}-{k}"), KNOWN)


def test_processes_do_not_lose_each_others_entries(tmp_path):
    lock = tmp_path / "lock.json"
    workers = [multiprocessing.get_context("fork").Process(target=_learn_some, args=(lock, k)) for k in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(json.loads(lock.read_text())["r"]) == 80
