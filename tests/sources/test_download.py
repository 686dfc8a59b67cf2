"""Downloads against a real web server on this machine."""

import hashlib
import socket

import pytest

from igsed.checksums import file_digest
from igsed.errors import InputError
from igsed.sources.download import download
from tests.loopback import serve, unused_address

BODY = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def site():
    with serve() as site:
        site.files["/body"] = BODY
        yield site


@pytest.mark.parametrize("sha256", [None, SHA256])
def test_the_file_arrives_whole(site, tmp_path, sha256):
    path = tmp_path / "new" / "body.bin"
    assert download(f"{site.url}/body", path, sha256) == path
    assert path.read_bytes() == BODY
    assert [file.name for file in path.parent.iterdir()] == ["body.bin"]
    assert file_digest(path) == SHA256


def test_a_verified_file_is_not_fetched_again(site, tmp_path):
    path = tmp_path / "body"
    path.write_bytes(BODY)
    download(f"{site.url}/body", path, SHA256)
    assert site.asked == []
    path.write_bytes(b"something else")
    download(f"{site.url}/body", path, SHA256)
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
    message = failing(f"{site.url}/body", tmp_path / "body", "0" * 64)
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
        assert "no answer within" in failing(url, tmp_path / "body", timeout=(5, 0.2))


def test_goes_on_where_it_broke_off(site, tmp_path):
    path = tmp_path / "body"
    site.cut["/body"] = 300000
    failing(f"{site.url}/body", path, SHA256)
    kept = (tmp_path / "body.part").stat().st_size
    assert 0 < kept <= 300000
    del site.cut["/body"]
    download(f"{site.url}/body", path, SHA256)
    assert path.read_bytes() == BODY
    assert site.asked[-1] == ("/body", f"bytes={kept}-")


def test_starts_again_where_the_server_cannot_go_on(site, tmp_path):
    site.ranges = False
    (tmp_path / "body.part").write_bytes(b"the beginning of another file")
    download(f"{site.url}/body", tmp_path / "body", SHA256)
    assert (tmp_path / "body").read_bytes() == BODY


def test_a_rest_of_another_file_is_never_taken_for_the_beginning(site, tmp_path):
    path = tmp_path / "body"
    for rest in (b"the beginning of another file", BODY + b"and more"):
        (tmp_path / "body.part").write_bytes(rest)
        assert "checksum" in failing(f"{site.url}/body", path, SHA256)
        download(f"{site.url}/body", path, SHA256)
        assert path.read_bytes() == BODY
        (tmp_path / "body.part").write_bytes(rest)
        download(f"{site.url}/body", path)  # nothing could tell, so nothing is kept
        assert path.read_bytes() == BODY


def test_a_whole_rest_is_enough(site, tmp_path):
    (tmp_path / "body.part").write_bytes(BODY)
    download(f"{site.url}/body", tmp_path / "body", SHA256)
    assert (tmp_path / "body").read_bytes() == BODY
