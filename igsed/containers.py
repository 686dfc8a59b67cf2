"""Where the samples lie in a sound file, whatever length its header states.

A recorder that loses power, or a program that writes into a pipe, leaves a header with no length or a wrong one, and
libsndfile believes most of them. `open_whole` shows it the same file with its true length.

Conventions
-----------
- WAV, RF64, W64, AIFF and AU state the number of bytes of their samples. Where the file ends earlier, its end counts.
  Where more follows that is no metadata, it is samples too; they end where metadata begin, else with the file.
- Metadata are chunks, as these formats have them, tags (ID3, APE, Lyrics3), text, and zeros (an allocated block).
- Of FLAC, whose samples must be decoded to be counted, the stated number is replaced by 0, which means unknown.

Formats: Microsoft, "Multiple channel audio data and WAVE files"; EBU Tech 3306 (RF64); Sony Wave64; Apple, "Audio
Interchange File Format" 1.3; Sun's .au; RFC 9639 (FLAC).
"""

import contextlib
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

NO_LENGTH = "no length in the header"
GOES_ON = "more sound than the header states"
ENDS_EARLY = "less sound than the header states (cut short or damaged)"
DAMAGED = "not to be decoded to its end (cut short or damaged)"

_MOST_CHUNKS = 1000
_PIPED = 0x7FFF0000
"""SoX and others write about 2³¹ bytes into the header of what goes into a pipe."""
_TAIL = 1 << 20
"""So many of a file's last bytes are searched for metadata, where the header does not say where they begin."""
_TAGS = (b"TAG", b"ID3", b"APETAGEX", b"LYRICSBEGIN")
_CHUNKS = (
    *(b"LIST", b"id3 ", b"ID3 ", b"bext", b"cue ", b"smpl", b"inst", b"plst", b"fact", b"PEAK", b"iXML", b"axml"),
    *(b"_PMX", b"JUNK", b"junk", b"PAD ", b"FLLR", b"DISP", b"acid", b"cart", b"chna", b"note", b"labl", b"umid"),
    *(b"MARK", b"INST", b"MIDI", b"AESD", b"APPL", b"COMT", b"NAME", b"AUTH", b"(c) ", b"ANNO", b"COMM", b"FVER"),
)
_KNOWN = re.compile(b"|".join(map(re.escape, (*_CHUNKS, b"TAG"))))
_TEXT = re.compile(rb"[\t\n\r -~]+")


class Form(NamedTuple):
    """How a format writes chunks: bytes of an id and of a size, their order, what a size counts too, alignment."""

    id: int
    size: int
    order: Literal["little", "big"]
    counted: int
    align: int


class Samples(NamedTuple):
    """The chunk of samples: its first byte, how many the header states, where it does, the format, bytes of a block.

    `fields` are (position, bytes, what is added to the number of bytes of samples). A block is decoded as a whole.
    """

    begin: int
    stated: int
    fields: tuple[tuple[int, int, int], ...]
    form: Form
    block: int = 1


class Found(NamedTuple):
    """A file as libsndfile should see it (None: as it is), what should be noted, and what the header of FLAC states.

    `note` is `NO_LENGTH`, `GOES_ON`, `ENDS_EARLY` or empty. `stated` is the number of samples of a channel, 0 where it
    is unknown, for who decodes them to compare; None where the file is no FLAC.
    """

    view: "View | None" = None
    note: str = ""
    stated: int | None = None


class View(io.RawIOBase):
    """A file of which some bytes are replaced (position → bytes) and all from `size` on are hidden."""

    def __init__(self, file: io.BufferedReader, size: int, changes: dict[int, bytes]):
        self._file, self._size, self._changes, self._at = file, size, changes, 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = max(0, offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence])
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer) -> int:
        content = bytearray(_at(self._file, self._at, max(0, min(len(buffer), self._size - self._at))))
        for place, new in self._changes.items():
            for k in range(max(place, self._at), min(place + len(new), self._at + len(content))):
                content[k - self._at] = new[k - place]
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)

    def close(self) -> None:
        self._file.close()
        super().close()


def open_whole(path: str | Path) -> Found:
    """Find out how to show a sound file to libsndfile so that it reads all samples; the view is to be closed.

    Raises
    ------
    OSError, ValueError
        As of `open`.
    """
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(open(os.fsencode(path), "rb"))
        size = os.fstat(file.fileno()).st_size
        found = Found()
        if place := _flac(file):
            field = _at(file, place, 5)
            view = View(file, size, {place: bytes([field[0] & 0xF0, 0, 0, 0, 0])})
            found = Found(view, stated=int.from_bytes(field, "big") & (2**36 - 1))
        elif samples := _samples(file, size):
            end, note = _end(file, samples, size)
            # libsndfile takes all that follows in W64 for samples.
            if note or (samples.form is _W64 and end < size):
                found = Found(View(file, end, _lengths(samples, end)), note)
        if found.view:
            stack.pop_all()
        return found


def _lengths(samples: Samples, end: int) -> dict[int, bytes]:
    return {
        place: min(end - samples.begin + more, 256**width - 1).to_bytes(width, samples.form.order)
        for place, width, more in samples.fields
    }


def _at(file, place: int, length: int) -> bytes:
    if place > os.fstat(file.fileno()).st_size:  # perhaps more than can be sought
        return b""
    file.seek(place)
    return file.read(length)


def _flac(file) -> int | None:
    """Where a FLAC file states the number of samples (the lowest 36 bits of five bytes); None where it is none."""
    head, begin = _at(file, 0, 10), 0
    if head[:3] == b"ID3" and len(head) == 10:
        begin = 10 + sum((byte & 127) << 7 * (3 - k) for k, byte in enumerate(head[6:]))
    found = _at(file, begin, 26)  # the first block, of type 0, is STREAMINFO
    return begin + 21 if len(found) == 26 and found[:4] == b"fLaC" and found[4] & 127 == 0 else None


_RIFF, _RIFX = Form(4, 4, "little", 0, 2), Form(4, 4, "big", 0, 2)
_W64, _AU = Form(16, 8, "little", 24, 8), Form(4, 4, "big", 0, 1)
_W64_RIFF = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_W64_DATA = bytes.fromhex("64617461f3acd3118cd100c04f8edb8a")


def _samples(file, size: int) -> Samples | None:
    """Where the samples of a WAV, RF64, W64, AIFF or AU file lie; None where it is none, or has none."""
    head = _at(file, 0, 16)
    kind, inner = head[:4], head[8:12]
    if kind in (b".snd", b"dns."):
        form = _AU._replace(order="big" if kind == b".snd" else "little")
        begin, stated = (int.from_bytes(head[k : k + 4], form.order) for k in (4, 8))
        return Samples(begin, stated, ((8, 4, 0),), form) if 24 <= begin < size else None
    if kind in (b"RIFF", b"RIFX", b"RF64") and inner == b"WAVE":
        form, place, name = _RIFX if kind == b"RIFX" else _RIFF, 12, b"data"
    elif kind == b"FORM" and inner in (b"AIFF", b"AIFC"):
        form, place, name = _RIFX, 12, b"SSND"
    elif head == _W64_RIFF:
        form, place, name = _W64, 40, _W64_DATA
    else:
        return None
    large, block = None, 1
    for id, at, length in _chunks(file, place, form):
        begin = at + form.id + form.size
        if id == b"ds64" and kind == b"RF64":
            large = begin + 8
        if id[:4] == b"fmt ":
            block = int.from_bytes(_at(file, begin + 12, 2), form.order)
        if id == name:
            fields, stated = ((at + form.id, form.size, form.counted),), length - form.counted
            if name == b"SSND":
                before = 8 + int.from_bytes(_at(file, begin, 4), "big")
                begin, stated, fields = begin + before, length - before, ((at + 4, 4, before),)
            elif large and length == 0xFFFFFFFF:
                stated, fields = int.from_bytes(_at(file, large, 8), "little"), ((large, 8, 0),)
            return Samples(begin, stated, fields, form, max(1, block)) if begin < size else None
    return None


def _chunks(file, place: int, form: Form) -> Iterator[tuple[bytes, int, int]]:
    """Id, position and stated size of one chunk after the other."""
    for _ in range(_MOST_CHUNKS):
        header = _at(file, place, form.id + form.size)
        if len(header) < form.id + form.size:
            return
        length = int.from_bytes(header[form.id :], form.order)
        yield header[: form.id], place, length
        place = _next(place, length, form)


def _next(place: int, length: int, form: Form) -> int:
    """Where the chunk after one of `length` begins."""
    place += form.id + form.size + max(length - form.counted, 0)
    return place + -place % form.align


def _end(file, samples: Samples, size: int) -> tuple[int, str]:
    """The byte after the last sample, or last whole block, and what should be noted."""
    end, note = _true_end(file, samples, size)
    # Of a part of a block, libsndfile makes up the rest.
    part = (end - samples.begin) % samples.block if note else 0
    return end - part if end - part > samples.begin else end, note


def _true_end(file, samples: Samples, size: int) -> tuple[int, str]:
    begin, stated, form = samples.begin, samples.stated, samples.form
    if stated > size - begin:
        return _metadata_begin(file, begin, size, form), NO_LENGTH if stated >= _PIPED else ENDS_EARLY
    end = begin + max(stated, 0)
    if any(_is_metadata(file, place, size, form) for place in (end, end + -end % form.align)):
        return end, ""
    return _metadata_begin(file, end, size, form), GOES_ON if stated > 0 else NO_LENGTH


def _is_metadata(file, place: int, size: int, form: Form) -> bool:
    """Whether what follows, which may be nothing, is no sound."""
    if size - place < form.id + form.size:
        return True
    head = _at(file, place, _TAIL)
    if head.startswith(_TAGS) or head[:4] in _CHUNKS or _TEXT.fullmatch(head):
        return True
    return _zeros(file, place) if not head.strip(b"\0") else _reach_the_end(file, place, size, form)


def _zeros(file, place: int) -> bool:
    file.seek(place)
    return not any(block.strip(b"\0") for block in iter(lambda: file.read(_TAIL), b""))


def _reach_the_end(file, place: int, size: int, form: Form) -> bool:
    """Whether chunks follow, one after the other, to the end of the file."""
    for id, at, length in _chunks(file, place, form):
        if not all(32 <= byte < 127 for byte in id[:4]) or length < form.counted:
            return False
        place = _next(at, length, form)
        if size <= place <= size + form.align - 1:
            return True
    return False


def _metadata_begin(file, begin: int, size: int, form: Form) -> int:
    """Where, from `begin` on, metadata begin that reach to the end of the file; its end where there are none."""
    first = max(begin, size - _TAIL)
    for known in _KNOWN.finditer(_at(file, first, _TAIL)):
        place = first + known.start()
        tag = known[0] == b"TAG" and size - place == 128
        if tag or (known[0] != b"TAG" and _reach_the_end(file, place, size, form)):
            return place
    return size
