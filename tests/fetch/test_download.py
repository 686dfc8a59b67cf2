"""Downloads against a real web server on this machine."""

import hashlib
import shutil
import socket
import tempfile
import time
from email.utils import formatdate
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from igsed.checksums import file_digest
from igsed.errors import InputError
from igsed.fetch.download import AddressError, Identity, Patience, download, require_room
from tests.loopback import serve, unused_address

BODY = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(BODY).hexdigest()
KNOWN = Identity(sha256=SHA256)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def site():
    with serve() as site:
        site.files["/body"] = BODY
        yield site


@pytest.mark.parametrize("expected", [Identity(), KNOWN])
def test_the_file_arrives_whole(site, tmp_path, expected):
    path = tmp_path / "new" / "body.bin"
    assert download(f"{site.url}/body", path, expected) == path
    assert path.read_bytes() == BODY
    assert [file.name for file in path.parent.iterdir()] == ["body.bin"]
    assert file_digest(path) == SHA256


def test_a_verified_file_is_not_fetched_again(site, tmp_path):
    path = tmp_path / "body"
    path.write_bytes(BODY)
    download(f"{site.url}/body", path, KNOWN)
    assert site.asked == []
    path.write_bytes(b"something else")
    download(f"{site.url}/body", path, KNOWN)
    assert path.read_bytes() == BODY


def failing(url, path, *arguments, **settings):
    """The message of a download that must fail and must leave what was there."""
    path.write_bytes(b"was here before")
    with pytest.raises(InputError) as caught:
        download(url, path, *arguments, **settings)
    assert path.read_bytes() == b"was here before"
    return str(caught.value)


def test_an_http_error_is_told(site, tmp_path):
    message = failing(f"{site.url}/absent", tmp_path / "body")
    assert f"{site.url}/absent" in message
    assert "404" in message


def test_a_body_that_ends_early_is_told(site, tmp_path):
    site.cut["/body"] = 300000
    message = failing(f"{site.url}/body", tmp_path / "body")
    assert "broke off" in message
    assert str(len(BODY) - 300000) in message or str(len(BODY)) in message


def test_a_wrong_checksum_is_told(site, tmp_path):
    message = failing(f"{site.url}/body", tmp_path / "body", Identity(sha256="0" * 64))
    assert "0" * 64 in message
    assert SHA256 in message
    assert [file.name for file in tmp_path.iterdir()] == ["body"]


def test_nobody_listening_is_told(tmp_path):
    message = failing(f"{unused_address()}/body", tmp_path / "body")
    assert "no connection" in message
    assert "refused" in message


def test_an_impossible_address_is_told(tmp_path):
    assert "no connection" in failing("no-such-scheme://x/y", tmp_path / "body")


def test_a_silent_server_is_told(tmp_path):
    # the system takes the connection and the request; nobody ever reads them
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/body"
        assert "no answer within" in failing(url, tmp_path / "body", patience=Patience(timeout=(5, 0.2)))


def test_goes_on_where_it_broke_off(site, tmp_path):
    path = tmp_path / "body"
    site.cut["/body"] = 300000
    failing(f"{site.url}/body", path, KNOWN)
    kept = (tmp_path / "body.part").stat().st_size
    assert 0 < kept <= 300000
    del site.cut["/body"]
    download(f"{site.url}/body", path, KNOWN)
    assert path.read_bytes() == BODY
    assert site.asked[-1] == ("/body", f"bytes={kept}-")


def test_starts_again_where_the_server_cannot_go_on(site, tmp_path):
    site.ranges = False
    (tmp_path / "body.part").write_bytes(b"the beginning of another file")
    download(f"{site.url}/body", tmp_path / "body", KNOWN)
    assert (tmp_path / "body").read_bytes() == BODY


def test_a_rest_of_another_file_is_never_taken_for_the_beginning(site, tmp_path):
    path = tmp_path / "body"
    for rest in (b"the beginning of another file", BODY + b"and more"):
        (tmp_path / "body.part").write_bytes(rest)
        assert "checksum" in failing(f"{site.url}/body", path, KNOWN)
        download(f"{site.url}/body", path, KNOWN)
        assert path.read_bytes() == BODY
        (tmp_path / "body.part").write_bytes(rest)
        download(f"{site.url}/body", path)  # nothing could tell, so nothing is kept
        assert path.read_bytes() == BODY


def test_a_whole_rest_is_enough(site, tmp_path):
    (tmp_path / "body.part").write_bytes(BODY)
    download(f"{site.url}/body", tmp_path / "body", KNOWN)
    assert (tmp_path / "body").read_bytes() == BODY


@pytest.fixture
def pauses():
    """The seconds that downloads wanted to wait, in place of waiting."""
    return []


def patiently(site, path, pauses, attempts=4, **expected):
    patience = Patience(attempts, sleep=pauses.append, progress=False)
    return download(f"{site.url}/body", path, Identity(**expected), patience)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_passing_troubles_are_waited_out(site, tmp_path, pauses, status):
    site.statuses["/body"] = [status] * 3
    patiently(site, tmp_path / "body", pauses)
    assert (tmp_path / "body").read_bytes() == BODY
    assert len(site.asked) == 4
    for pause, most in zip(pauses, (1, 2, 4), strict=True):
        assert most / 2 <= pause <= most


def test_patience_ends(site, tmp_path, pauses):
    site.statuses["/body"] = [503] * 9
    with pytest.raises(AddressError, match=r"503 .*attempt 4 of 4"):
        patiently(site, tmp_path / "body", pauses)
    assert len(site.asked) == 4
    assert len(pauses) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_lasting_troubles_are_not_repeated(site, tmp_path, pauses, status):
    site.statuses["/body"] = [status] * 9
    with pytest.raises(AddressError, match=str(status)):
        patiently(site, tmp_path / "body", pauses)
    assert pauses == []


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        ("7", 7, 7),
        ("9000", 120, 120),
        ("date", 25, 30),
        ("past", 0.5, 1),
        ("soon", 0.5, 1),
        ("-3", 0.5, 1),
        ("Tue, 99 Foo 2026 99:99:99 GMT", 0.5, 1),
        ("9" * 5000, 0.5, 120),
    ],
)
def test_the_server_may_ask_for_time(site, tmp_path, pauses, asked, least, most):
    seconds = {"date": 30, "past": -500}.get(asked)
    value = asked if seconds is None else formatdate(time.time() + seconds, usegmt=True)
    site.statuses["/body"] = [(429, {"Retry-After": value})]
    patiently(site, tmp_path / "body", pauses)
    (pause,) = pauses
    assert least <= pause <= most


def test_dropped_connections_cost_nothing_that_arrived(site, tmp_path, pauses):
    site.drops["/body"] = [300000, 400000]
    patiently(site, tmp_path / "body", pauses, sha256=SHA256)
    assert (tmp_path / "body").read_bytes() == BODY
    begins = [0 if wanted is None else int(wanted[6:-1]) for _, wanted in site.asked]
    piece = 1 << 16
    assert begins == [0, 300000 // piece * piece, (300000 // piece + 400000 // piece) * piece]


def test_a_long_file_may_need_more_connections_than_attempts(site, tmp_path, pauses):
    site.files["/body"] = BODY * 8
    site.drops["/body"] = [3 << 19] * 5
    patiently(site, tmp_path / "body", pauses, attempts=2, bytes=len(BODY) * 8, md5=hashlib.md5(BODY * 8).hexdigest())
    assert (tmp_path / "body").read_bytes() == BODY * 8


def test_a_server_that_starts_over_and_breaks_off_does_not_keep_us_for_ever(site, tmp_path, pauses):
    site.files["/body"] = BODY * 8
    site.ranges, site.cut["/body"] = False, 3 << 20
    with pytest.raises(AddressError, match="broke off"):
        patiently(site, tmp_path / "body", pauses, sha256=SHA256)
    assert len(site.asked) <= 6


def test_without_a_digest_only_the_same_version_is_continued(site, tmp_path, pauses):
    site.etags["/body"] = '"one"'
    site.drops["/body"] = [300000]
    patiently(site, tmp_path / "body", pauses)
    assert (tmp_path / "body").read_bytes() == BODY
    assert site.headers[1]["If-Range"] == '"one"'
    assert site.asked[1][1] == f"bytes={4 << 16}-"

    site.etags["/body"] = 'W/"one"'
    site.drops["/body"] = [300000]
    patiently(site, tmp_path / "body", pauses)
    assert site.asked[3][1] is None
    assert (tmp_path / "body").read_bytes() == BODY


@pytest.mark.parametrize("if_range", [True, False])
def test_two_versions_are_never_joined(site, tmp_path, if_range):
    def change(seconds):
        site.files["/body"], site.etags["/body"] = BODY[::-1], '"two"'

    site.etags["/body"], site.drops["/body"], site.if_range = '"one"', [300000], if_range
    download(f"{site.url}/body", tmp_path / "body", patience=Patience(3, sleep=change, progress=False))
    assert (tmp_path / "body").read_bytes() == BODY[::-1]


@pytest.mark.parametrize("if_range", [True, False])
def test_another_version_is_fetched_from_its_beginning(site, tmp_path, if_range):
    path, changed = tmp_path / "body", BODY[::-1]
    site.etags["/body"], site.cut["/body"] = '"one"', 300000
    failing(f"{site.url}/body", path, KNOWN)
    assert (tmp_path / "body.part.etag").exists()
    del site.cut["/body"]
    site.files["/body"], site.etags["/body"], site.if_range = changed, '"two"', if_range
    new = Identity(sha256=hashlib.sha256(changed).hexdigest())
    download(f"{site.url}/body", path, new, Patience(2, sleep=lambda seconds: None, progress=False))
    assert path.read_bytes() == changed
    assert [file.name for file in tmp_path.iterdir()] == ["body"]


def test_a_rest_of_another_file_is_given_up_for_the_right_one(site, tmp_path, pauses):
    for rest in (b"the beginning of another file", BODY + b"and more", b"x" * len(BODY)):
        (tmp_path / "body.part").write_bytes(rest)
        patiently(site, tmp_path / "body", pauses, sha256=SHA256, bytes=len(BODY))
        assert (tmp_path / "body").read_bytes() == BODY
        (tmp_path / "body").unlink()
    assert pauses == []


def test_a_whole_rest_of_known_length_needs_no_network(tmp_path):
    (tmp_path / "body.part").write_bytes(BODY)
    download(f"{unused_address()}/body", tmp_path / "body", Identity(len(BODY), sha256=SHA256))
    assert (tmp_path / "body").read_bytes() == BODY


def test_a_file_of_another_length_is_not_even_fetched(site, tmp_path):
    message = failing(f"{site.url}/body", tmp_path / "body", Identity(len(BODY) + 1, sha256=SHA256))
    assert f"expected {len(BODY) + 1} bytes, found {len(BODY)} bytes" in message
    assert not (tmp_path / "body.part").exists()


def test_md5_alone_is_enough(site, tmp_path):
    path, md5 = tmp_path / "body", hashlib.md5(BODY).hexdigest()
    download(f"{site.url}/body", path, Identity(md5=md5))
    download(f"{site.url}/body", path, Identity(md5=md5))
    assert len(site.asked) == 1
    assert "wrong checksum: expected md5" in failing(f"{site.url}/body", path, Identity(md5="0" * 32))


def test_too_little_disk_is_told_before(site, tmp_path, monkeypatch, pauses):
    usage = shutil.disk_usage(tmp_path)._replace(free=len(BODY) - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(InputError, match="free") as caught:
        patiently(site, tmp_path / "body", pauses)
    assert not isinstance(caught.value, AddressError)
    assert list(tmp_path.iterdir()) == []


def test_room_is_told_in_gigabytes(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=12_340_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    require_room(tmp_path / "not" / "yet", 12_340_000_000, "this")
    with pytest.raises(InputError, match=rf"{tmp_path}: 98.10 GB are needed for this and 12.34 GB are free"):
        require_room(tmp_path / "not" / "yet", 98_100_000_000, "this")


@given(
    drops=st.lists(st.integers(0, len(BODY) // 4), max_size=4),
    statuses=st.lists(st.sampled_from([429, 500, 503]), max_size=2),
    etag=st.sampled_from([None, '"one"', 'W/"one"']),
    ranges=st.booleans(),
    digest=st.booleans(),
)
@settings(deadline=None, max_examples=25)
def test_whatever_hinders_it_the_file_is_whole_or_absent(drops, statuses, etag, ranges, digest):
    with serve() as site, tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "body")
        site.files["/body"], site.drops["/body"], site.statuses["/body"], site.ranges = BODY, drops, statuses, ranges
        if etag:
            site.etags["/body"] = etag
        patiently(site, path, [], attempts=7, sha256=SHA256 if digest else None)
        assert path.read_bytes() == BODY
        assert list(Path(folder).iterdir()) == [path]
