"""What a page holds in itself: values as JSON, sounds and pictures as addresses. Light, and without matplotlib."""

import base64
import contextlib
import io
import json
import math
from collections.abc import Iterable

import numpy as np
import soundfile
from markupsafe import Markup as Safe

__all__ = ["MP3_RATES", "TYPES", "Safe", "data_uri", "encoded", "encoded_pieces", "json_text", "playable"]

_QUALITY = {"MP3": {"compression_level": 0.889, "bitrate_mode": "CONSTANT"}, "FLAC": {}}
"""MP3 of a constant bitrate (64 kbit/s at 32 kHz and above), in which a browser finds a time exactly."""

TYPES = {"MP3": "audio/mpeg", "FLAC": "audio/flac"}
"""By what `encoded` says."""

MP3_RATES = (32000, 44100, 48000)
"""At lower rates a browser plays an MP3 0.07 s and more too late (measured in Chromium), about an evaluation frame."""


def json_text(value) -> str:
    r"""A value as JSON that can stand inside `<script>`; NaN is an error.

    >>> json_text({"a": "</script>&"})
    '{"a":"\\u003c/script\\u003e\\u0026"}'
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def encoded(waveform: np.ndarray, sample_rate: int) -> tuple[bytes, str]:
    """A sound (samples,) as MP3 or FLAC, whichever is smaller, and which of them it is."""
    return encoded_pieces([waveform], sample_rate)


def encoded_pieces(pieces: Iterable[np.ndarray], sample_rate: int) -> tuple[bytes, str]:
    """The same of a sound in pieces (samples,), of which only one is held."""
    kinds = ["FLAC", "MP3"] if sample_rate in MP3_RATES and _has_mp3() else ["FLAC"]
    made = {kind: io.BytesIO() for kind in kinds}
    with contextlib.ExitStack() as stack:
        files = [
            stack.enter_context(soundfile.SoundFile(file, "w", sample_rate, channels=1, format=kind, **_QUALITY[kind]))
            for kind, file in made.items()
        ]
        for piece in pieces:
            for file in files:
                file.write(np.clip(piece, -1, 1))
    kind = min(made, key=lambda name: made[name].getbuffer().nbytes)
    return made[kind].getvalue(), kind


def playable(sample_rate: int) -> int:
    """The rate to which a sound is brought so that it can be an MP3, the nearest related one.

    >>> playable(44100), playable(16000), playable(22050), playable(96000)
    (44100, 32000, 44100, 48000)
    """
    if not _has_mp3():
        return sample_rate
    return max(MP3_RATES, key=lambda rate: (math.gcd(rate, sample_rate), rate >= sample_rate, -rate))


def _has_mp3() -> bool:
    return "MP3" in soundfile.available_formats()


def data_uri(media_type: str, content: bytes) -> str:
    """A file's content as an address."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"
