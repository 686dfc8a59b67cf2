"""When a sound classifier says "dog", can its explanation say when? A benchmark after arXiv:2605.23293."""

import importlib
from typing import Any

LABELS = (
    "Alarm_bell_ringing",
    "Blender",
    "Cat",
    "Dishes",
    "Dog",
    "Electric_shaver_toothbrush",
    "Frying",
    "Running_water",
    "Speech",
    "Vacuum_cleaner",
)
"""DESED's ten domestic classes, in the order that every array and table follows."""


def __getattr__(name: str) -> Any:
    if name == "explain":  # imported when it is asked for: jobs that read `LABELS` need no pandas
        return importlib.import_module("igsed.explaining").explain
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
