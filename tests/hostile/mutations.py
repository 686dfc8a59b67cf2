"""What strangers' files may look like: valid ones damaged, tables with odd cells; and what may become of them.

A reader answers with a value or with an `InputError` that a terminal can show; everything else is a fault.
"""

import contextlib
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

from hypothesis import strategies as st

from igsed.errors import InputError

NUMBERS = (0, 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63, 2**64 - 1)
INSERTED = (b"\0", b"\xef\xbb\xbf", b"\xff\xfe", b"\r\n", b"\n", b"\t", b",", b'"', b"\x1b[2J", b"\xed\xa0\x80", b"../")
CELLS = (
    *("", "nan", "inf", "-inf", "1e999", "-1", "1e308", "0x10", "9" * 5000, "True", "１", "²", "1,5", "2020-99-99"),
    *("\0", "\x1b[2J", "\ud800", "\u2028", "\u202e", "x" * 300, "x" * 50_000, '"', "'", "{x}", "%s", "a\nb", "a\tb"),
    *("..", "../../x.wav", "/etc/passwd", "C:\\x", "http://[", "https://host/records/1/files/..%2fx", "Dog", "0.5"),
)


@st.composite
def damaged(draw, content: bytes, most: int = 4) -> bytes:
    """A file with up to `most` flipped bits, cuts, insertions, repetitions, or numbers put in as a header has them."""
    content = bytearray(content)
    for _ in range(draw(st.integers(1, most))):
        place = draw(st.integers(0, len(content)))
        kind = draw(st.sampled_from(["flip", "cut", "remove", "insert", "repeat", "number", "byte"]))
        if kind == "flip" and place < len(content):
            content[place] ^= 1 << draw(st.integers(0, 7))
        elif kind == "byte" and place < len(content):
            content[place] = draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]))
        elif kind == "cut":
            del content[place:]
        elif kind == "remove":
            del content[place : place + draw(st.integers(1, 16))]
        elif kind == "insert":
            content[place:place] = draw(st.sampled_from(INSERTED) | st.binary(min_size=1, max_size=8))
        elif kind == "repeat":
            content[place:place] = content[place : place + draw(st.integers(1, 64))] * draw(st.sampled_from([1, 50]))
        elif kind == "number":
            width, order = draw(st.sampled_from([1, 2, 4, 8])), draw(st.sampled_from(["little", "big"]))
            number = draw(st.sampled_from(NUMBERS)) % 256**width
            content[place : place + width] = number.to_bytes(width, order)
    return bytes(content)


@st.composite
def damaged_table(draw, text: str, separator: str, most: int = 3) -> bytes:
    """A table with odd cells, rows too short, too long or doubled, odd ends of lines and encodings."""
    rows = [line.split(separator) for line in text.split("\n")]
    for _ in range(draw(st.integers(1, most))):
        row = rows[draw(st.integers(0, len(rows) - 1))]
        kind = draw(st.sampled_from(["cell", "cell", "cell", "more", "fewer", "twice"]))
        if kind == "cell" and row:
            row[draw(st.integers(0, len(row) - 1))] = draw(st.sampled_from(CELLS))
        elif kind == "more":
            row.append(draw(st.sampled_from(CELLS)))
        elif kind == "fewer":
            del row[-1:]
        elif kind == "twice":
            rows.append(list(row))
    end = draw(st.sampled_from(["\n", "\n", "\r\n", "\r", "\n\n"]))
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1"]))
    return end.join(separator.join(row) for row in rows).encode(encoding, "replace")


def value_or_refusal(read: Callable, *arguments):
    """What the reader returns; None after a message that a terminal can show."""
    try:
        return read(*arguments)
    except InputError as error:
        check_message(str(error))
        return None


def check_message(message: str) -> None:
    """A message is text, not endless, and cannot steer a terminal."""
    message.encode()
    assert 10 < len(message) < 11_000
    assert all(letter == "\n" or ord(letter) >= 32 for letter in message)


@contextlib.contextmanager
def bounded(seconds: float, megabytes: float | None = None) -> Iterator[None]:
    """What happens within takes no longer, and allocates no more through Python and numpy; counting that takes time."""
    begun, peak = time.process_time(), 0
    if megabytes:
        tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1] if megabytes else 0
    finally:
        tracemalloc.stop()
    assert peak < (megabytes or 1) * 1e6
    assert time.process_time() - begun < seconds


def below(folder: Path) -> set[str]:
    """All that lies below a folder, as paths in it."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
