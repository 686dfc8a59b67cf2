"""Synthetic mixtures: which events a clip holds (`draw`) and how it sounds (`render`, by Scaper).

After arXiv:2605.23293: 10 s clips at 32 kHz with one background and 1–3 foreground events of 0.25–4.2 s, SNR
U(15, 25) dB, onsets U(0, 10 − duration). A clip in which more than `max_polyphony` events are active at once is drawn
again or left out.

All chance lies in `draw`: its numbers come from one seed per (split, clip, attempt), so that clip k of a split is the
same however many clips there are and however they are spread over jobs. Scaper is given constants and renders them. The
SNR is Scaper's: a difference of loudness in LUFS, not a ratio of powers.
"""

import logging
import os
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from igsed import audio, events, seeds
from igsed.errors import InputError

MAX_ATTEMPTS = 1000


class Event(NamedTuple):
    """One event of a mixture: label, source file, times in seconds, SNR in dB (LUFS)."""

    label: str
    source: str
    onset: float
    offset: float
    snr: float


class Mixture(NamedTuple):
    """What a clip will hold."""

    clip: str
    seed: int
    background: str
    background_start: float
    events: tuple[Event, ...]

    @property
    def polyphony(self) -> int:
        """Largest number of events active at once."""
        return events.polyphony([e.onset for e in self.events], [e.offset for e in self.events])


class Protocol(NamedTuple):
    """How mixtures are made; the fields are those of the configuration's section `mixtures`."""

    duration: int
    sample_rate: int
    events: tuple[int, int]
    event_duration: tuple[float, float]
    snr: tuple[float, float]
    max_polyphony: int
    on_overlap: str
    ref_db: float


def clip_name(split: str, index: int) -> str:
    """Name of clip `index` (from 0) of a split, e.g. ``test_00017``."""
    return f"{split}_{index:05d}"


def draw(
    foreground: pd.DataFrame, background: pd.DataFrame, protocol: Protocol, seed: int, split: str, index: int
) -> Mixture | None:
    """Draw the content of one clip.

    The label is uniform over the classes, the recording uniform over those of the label. The event's duration is
    U(event_duration), cut to the recording's length; the event starts at the recording's beginning.

    Parameters
    ----------
    foreground, background : pandas.DataFrame
        The recordings that this split may use: columns `label, path, duration` (seconds). Their order matters.
    seed : int
        The experiment's seed.

    Returns
    -------
    Mixture or None
        None when the clip exceeds `max_polyphony` and `on_overlap` is "remove".

    Raises
    ------
    InputError
        No admissible clip in 1000 attempts.
    """
    sources = dict(iter(foreground.groupby("label", sort=True)))
    labels = list(sources)
    for attempt in range(MAX_ATTEMPTS):
        rng = seeds.generator(seed, "mixtures", split, index, attempt)
        drawn = []
        for _ in range(rng.integers(protocol.events[0], protocol.events[1], endpoint=True)):
            label = labels[rng.integers(len(labels))]
            source = sources[label].iloc[rng.integers(len(sources[label]))]
            # Whole milliseconds, as in the annotations; rounded down, so that no event outlasts its recording.
            length = int(1000 * min(rng.uniform(*protocol.event_duration), source["duration"])) / 1000
            onset = round(rng.uniform(0, protocol.duration - length), 3)
            drawn.append(
                Event(label, source["path"], onset, round(onset + length, 3), round(rng.uniform(*protocol.snr), 3))
            )
        bed = background.iloc[rng.integers(len(background))]
        # Scaper cuts at int(time × rate): in 1024ths of a second this is exact and no sample is lost.
        start = int(1024 * rng.uniform(0, max(0.0, bed["duration"] - protocol.duration))) / 1024
        mixture = Mixture(
            clip_name(split, index),
            seeds.integer(seed, "scaper", split, index, attempt),
            bed["path"],
            start,
            tuple(sorted(drawn, key=lambda e: (e.onset, e.offset))),
        )
        if mixture.polyphony <= protocol.max_polyphony:
            return mixture
        if protocol.on_overlap == "remove":
            return None
    raise InputError(
        f"mixtures.max_polyphony: no clip with at most {protocol.max_polyphony} simultaneous events in {MAX_ATTEMPTS} "
        f"attempts for clip {clip_name(split, index)}. Raise max_polyphony or lower mixtures.events or event_duration."
    )


def render(mixture: Mixture, protocol: Protocol, jams: Path) -> np.ndarray:
    """Let Scaper render a mixture and write its JAMS annotation.

    Returns
    -------
    numpy.ndarray of float32 (samples,)
        Peaks above full scale are scaled down as a whole (Scaper's `fix_clipping`).

    Raises
    ------
    InputError
        The part of a recording that is heard is silent.
    """
    background, sources = Path(mixture.background), [Path(e.source) for e in mixture.events]
    parts = [(mixture.background_start, protocol.duration), *((0.0, e.offset - e.onset) for e in mixture.events)]
    for path, (start, length) in zip([background, *sources], parts, strict=True):
        _check_audible(path, start, length)
    # One object per clip: a reused one keeps earlier events and slows down.
    scene = _scaper().Scaper(
        protocol.duration,
        str((sources or [background])[0].parents[1]),
        str(background.parents[1]),
        random_state=mixture.seed,
    )
    scene.sr, scene.ref_db = protocol.sample_rate, protocol.ref_db
    # Scaper wants the folder's name as label and knows only those beside the first source.
    scene.fg_labels = sorted({path.parent.name for path in sources})
    scene.add_background(
        ("const", background.parent.name), ("const", str(background)), ("const", mixture.background_start)
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for event, source in zip(mixture.events, sources, strict=True):
            scene.add_event(
                label=("const", source.parent.name),
                source_file=("const", str(source)),
                source_time=("const", 0),
                event_time=("const", event.onset),
                event_duration=("const", round(event.offset - event.onset, 3)),
                snr=("const", event.snr),
                pitch_shift=None,
                time_stretch=None,
            )
        waveform = scene.generate(jams_path=str(jams), fix_clipping=True)[0]
    for warning in caught:
        logging.info("%s: %s", mixture.clip, warning.message)
    return np.asarray(waveform, dtype=np.float32)[:, 0]


def _check_audible(path: Path, start: float, length: float) -> None:
    waveform, rate = audio.read(path)
    heard = waveform[int(start * rate) : int((start + length) * rate), None]
    # Scaper takes everything below -70 LUFS as -70, silence too, and would place an event that nobody hears.
    if _scaper().audio.get_integrated_lufs(heard, rate) <= -70:
        raise InputError(
            f"{path}: from {start:.2f} s on, {length:.2f} s are silent or nearly so (-70 LUFS or less). "
            "Cut the silence off, make the recording louder, or remove it."
        )


def gather(
    shards: Sequence[Path], audio: Path, jams: Path, audio_folder: str | Path
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Bring the shards of a split together; sound and JAMS files are hard-linked where the file system can.

    Parameters
    ----------
    shards : sequence of path
        Folders with `audio/`, `jams/`, `clips.csv` and `events.tsv`, in order.
    audio, jams : path
        New folders for the files.
    audio_folder : path
        Where the sound files will finally lie, for the column `path`.

    Returns
    -------
    clips, events : pandas.DataFrame
        The rows of `clips.csv` and `events.tsv`.
    """
    for target in (audio, jams):
        target.mkdir()
    for shard in shards:
        for source in sorted((shard / "audio").iterdir()):
            _link(source, audio / source.name)
        for source in sorted((shard / "jams").iterdir()):
            _link(source, jams / source.name)
    clips = pd.concat([pd.read_csv(shard / "clips.csv") for shard in shards], ignore_index=True)
    clips["path"] = [f"{audio_folder}/{clip}.flac" for clip in clips["clip"]]
    return clips, pd.concat([events.read(shard / "events.tsv") for shard in shards], ignore_index=True)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def clip_table(mixtures: Sequence[Mixture], folder: str | Path, duration: float) -> pd.DataFrame:
    """The rows of `clips.csv`: `clip, path, duration, seed, polyphony`; the sound files lie in `folder`."""
    return pd.DataFrame(
        [(m.clip, f"{folder}/{m.clip}.flac", duration, m.seed, m.polyphony) for m in mixtures],
        columns=["clip", "path", "duration", "seed", "polyphony"],
    )


def event_table(mixtures: Sequence[Mixture]) -> pd.DataFrame:
    """The rows of `events.tsv`: `filename, onset, offset, event_label`."""
    return pd.DataFrame(
        [(f"{m.clip}.flac", e.onset, e.offset, e.label) for m in mixtures for e in m.events], columns=events.COLUMNS
    )


def _scaper():
    # Scaper 1.6.5 uses a name that numpy 2 removed.
    np.Inf = np.inf
    import scaper

    return scaper
