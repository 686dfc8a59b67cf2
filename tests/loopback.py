"""A web server on this machine for tests of downloads: real sockets, no outside network."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote


class Site:
    """What the server has (path → body), how it misbehaves, and what it was asked for (path, ``Range`` header).

    A path is looked up as it was asked for, then without what follows the question mark.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.files: dict[str, bytes] = {}
        self.types: dict[str, str] = {}
        self.etags: dict[str, str] = {}
        self.cut: dict[str, int] = {}  # path → bytes after which the connection is closed
        self.drops: dict[str, list[int]] = {}  # path → how many bytes each of the next answers has
        self.statuses: dict[str, list] = {}  # path → of the next answers; a number, or (number, headers)
        self.pace: dict[str, tuple[int, float]] = {}  # path → bytes at a time, seconds between
        self.ranges = True
        self.if_range = True
        self.asked: list[tuple[str, str | None]] = []
        self.headers: list[dict[str, str]] = []  # of the same requests

    def record(self, number: int, files: dict[str, bytes]) -> None:
        """Have a record of Zenodo's: files, and the API's description of them."""
        for name, body in files.items():
            self.files[f"/records/{number}/files/{name}"] = body
        listed = [
            {
                "key": name,
                "size": len(body),
                "checksum": f"md5:{hashlib.md5(body).hexdigest()}",
                "links": {"self": f"{self.url}/api/records/{number}/files/{name}/content"},
            }
            for name, body in files.items()
        ]
        self.files[f"/api/records/{number}"] = json.dumps({"id": number, "files": listed}).encode()
        self.types[f"/api/records/{number}"] = "application/json"


@contextmanager
def serve() -> Iterator[Site]:
    """A `Site` while the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append((self.path, self.headers["Range"]))
            site.headers.append(dict(self.headers))
            path = self.path if self.path in site.files else unquote(self.path.partition("?")[0])
            if site.statuses.get(path):
                status = site.statuses[path].pop(0)
                self.fail(*(status if isinstance(status, tuple) else (status, {})))
                return
            body = site.files.get(path)
            if body is None:
                self.fail(404, {})
                return
            start, etag = 0, site.etags.get(path)
            wanted = not site.if_range or self.headers["If-Range"] in (None, etag)
            if site.ranges and self.headers["Range"] and wanted:
                start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
                if start >= len(body):
                    self.fail(416, {"Content-Range": f"bytes */{len(body)}"})
                    return
            self.send_response(206 if start else 200)
            self.send_header("Content-Type", site.types.get(path, "application/octet-stream"))
            self.send_header("Content-Length", str(len(body) - start))
            if etag:
                self.send_header("ETag", etag)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.end_headers()
            drops = site.drops.get(path)
            self.send(path, body[start : start + drops.pop(0) if drops else site.cut.get(path)])

        def send(self, path: str, body: bytes) -> None:
            with contextlib.suppress(ConnectionError):  # the client was killed
                step, seconds = site.pace.get(path, (len(body) or 1, 0))
                for begin in range(0, len(body), step):
                    self.wfile.write(body[begin : begin + step])
                    time.sleep(seconds)

        def fail(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in ({"Content-Length": "0", "Connection": "close"} | headers).items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site = Site(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def unused_address() -> str:
    """An address at which nobody listens."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        return f"http://127.0.0.1:{server.server_port}"
