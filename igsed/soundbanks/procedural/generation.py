"""A procedural soundbank: ten classes of household sounds and several backgrounds, computed instead of recorded.

It stands in for DESED's soundbank where nothing can be downloaded, and has its layout and labels: mono 16-bit WAV
files ``audio/{train,eval}/soundbank/{foreground,background}/<label>/<source>_<segment>.wav``, each recording with a
source number of its own. Pitch, size, resonances, speed, syllables and room are drawn anew for each recording, from a
seed that depends on the experiment's seed, the label, the split and the recording's number, and on nothing else: more
recordings, fewer labels or another order leave every file as it was.

Layout: Turpault et al. (2019), "Sound event detection in domestic environments with weakly labeled data and
soundscape synthesis", DCASE 2019, and the DESED soundbank.

>>> recording("foreground", "Dog", "train", 0, seed=1).dtype
dtype('float64')
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy import signal

from igsed import audio, seeds
from igsed.errors import InputError
from igsed.soundbanks.procedural import household, motors, rooms, synthesis, voices

Model = Callable[[np.random.Generator, int], np.ndarray]

LABELS: Mapping[str, Model] = {
    "Alarm_bell_ringing": household.alarm_bell_ringing,
    "Blender": motors.blender,
    "Cat": voices.cat,
    "Dishes": household.dishes,
    "Dog": voices.dog,
    "Electric_shaver_toothbrush": motors.electric_shaver_toothbrush,
    "Frying": household.frying,
    "Running_water": household.running_water,
    "Speech": voices.speech,
    "Vacuum_cleaner": motors.vacuum_cleaner,
}
BACKGROUNDS: Mapping[str, Model] = {
    "quiet_room": rooms.quiet_room,
    "ventilation": rooms.ventilation,
    "office": rooms.office,
    "street_through_window": rooms.street_through_window,
    "rain_on_window": rooms.rain_on_window,
}
MODELS: Mapping[str, Mapping[str, Model]] = {"foreground": LABELS, "background": BACKGROUNDS}
SPLITS = ("train", "eval")

SECONDS: Mapping[str, tuple[float, float]] = {
    "Alarm_bell_ringing": (1.5, 5.0),
    "Blender": (3.0, 8.0),
    "Cat": (0.6, 1.8),
    "Dishes": (0.3, 1.0),
    "Dog": (0.3, 1.5),
    "Electric_shaver_toothbrush": (3.0, 8.0),
    "Frying": (4.0, 9.0),
    "Running_water": (4.0, 9.0),
    "Speech": (1.0, 4.5),
    "Vacuum_cleaner": (5.0, 10.0),
    **dict.fromkeys(BACKGROUNDS, (12.0, 16.0)),
}
"""Shortest and longest recording of each label, in seconds."""


def recording(kind: str, label: str, split: str, index: int, seed: int, sample_rate: int = 32000) -> np.ndarray:
    """Recording number ``index`` of ``label`` in ``split``, ``(samples,)``, in a room, trimmed, peak 0.5…0.9.

    ``kind`` is ``foreground`` or ``background``, ``sample_rate`` in Hz (8000 or more). The result depends on the
    arguments only.
    """
    rng = seeds.generator(seed, "soundbank", kind, label, split, index)
    dry = MODELS[kind][label](rng, sample_rate)
    if kind == "foreground":
        release = min(len(dry) // 4, round(0.02 * sample_rate))
        dry[-release:] *= np.linspace(1, 0, release)
    wet = signal.fftconvolve(dry, synthesis.room(rng, sample_rate))
    if kind == "background":  # goes on at the end of the file
        wet = wet[: len(dry)]
    return synthesis.normalised(synthesis.trimmed(wet, sample_rate, *SECONDS[label]), rng.uniform(0.5, 0.9))


def path(kind: str, label: str, split: str, index: int) -> Path:
    """Where the recording lies below the soundbank's root.

    The source number tells kind (1 foreground, 2 background), label (two digits), split and index apart, so that no
    two recordings share one and none changes with the number of the others.
    """
    source = f"{list(MODELS).index(kind) + 1}{list(MODELS[kind]).index(label):02d}{SPLITS.index(split) + 1}{index:04d}"
    return Path("audio", split, "soundbank", kind, label, f"{source}_0.wav")


def write(
    root: Path,
    recordings: Mapping[str, int],
    backgrounds: Mapping[str, int],
    labels: Sequence[str],
    seed: int,
    sample_rate: int,
    progress: Callable[[list], Iterable] = iter,
) -> None:
    """Write a soundbank below ``root``, each file under a temporary name first, so that none is ever half-written.

    ``recordings``: how many of each label a split has, for example ``{"train": 12, "eval": 6}``; ``backgrounds``: how
    many background files a split has, dealt in turn to the background labels; ``labels``: which of `LABELS` to make;
    ``sample_rate`` in Hz; ``progress`` wraps the list of files, such as `igsed.jobs.console.progress`. What else lies
    below ``root`` stays.

    Raises `InputError` for an unknown label or split.
    """
    for label in labels:
        if label not in LABELS:
            raise InputError(f"The procedural soundbank has no label {label!r}; choose from {', '.join(LABELS)}.")
    for split in {*recordings, *backgrounds}:
        if split not in SPLITS:
            raise InputError(f"The procedural soundbank has no split {split!r}; choose from {', '.join(SPLITS)}.")
    rooms_in_turn = list(BACKGROUNDS)
    tasks = [
        ("foreground", label, split, index)
        for split, count in recordings.items()
        for label in labels
        for index in range(count)
    ]
    for split, count in backgrounds.items():
        for number in range(count):
            index, room = divmod(number, len(rooms_in_turn))
            tasks.append(("background", rooms_in_turn[room], split, index))
    for kind, label, split, index in progress(tasks):
        target = Path(root) / path(kind, label, split, index)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.part")
        audio.write_wav(partial, recording(kind, label, split, index, seed, sample_rate), sample_rate)
        os.replace(partial, target)
