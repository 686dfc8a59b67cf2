"""What a page holds in itself: values as JSON, sounds and pictures as addresses. Light, and without matplotlib."""

import base64
import io
import json

import numpy as np
import soundfile
from markupsafe import Markup as Safe

__all__ = ["MP3_RATES", "TYPES", "Safe", "data_uri", "encoded", "json_text"]

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
    kinds = ["FLAC"]
    if sample_rate in MP3_RATES and "MP3" in soundfile.available_formats():
        kinds.append("MP3")
    made = {}
    for kind in kinds:
        file = io.BytesIO()
        soundfile.write(file, np.clip(waveform, -1, 1), sample_rate, format=kind, **_QUALITY[kind])
        made[kind] = file.getvalue()
    kind = min(made, key=lambda name: len(made[name]))
    return made[kind], kind


def data_uri(media_type: str, content: bytes) -> str:
    """A file's content as an address."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"
