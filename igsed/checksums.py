"""Checksums of files."""

import hashlib
from pathlib import Path


def file_digest(path: str | Path) -> str:
    """sha256 of a file's bytes, hexadecimal."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
