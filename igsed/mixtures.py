"""Synthetic mixtures: which events a clip holds (`draw`) and how it sounds (`render`, by Scaper).

After arXiv:2605.23293: 10 s clips at 32 kHz with one background and 1–3 foreground events of 0.25–4.2 s, SNR
U(15, 25) dB, onsets U(0, 10 − duration). A clip in which more than `max_polyphony` events (or classes) are active at
once is drawn again or left out.

A recording that lacks its onset or offset (DESED's `_nOn`, `_nOff`) is placed with the missing edge outside the clip:
without onset it sounds from the clip's start and plays its last part, without offset it plays its beginning and sounds
to the clip's end, without either it spans the clip. Those too short for that, or longer than events may be, are not
used (`usable`). With `missing_edges: cut` they are cut like any other; the annotation is right then too, since the
sound starts and stops there. Convention: github turpaultn/DESED, `desed/soundscape.py`.

Where clips are variants of base clips (`Conditions`; `mixtures.conditions` in a configuration), a base is drawn like
any other clip, with the largest number of events. A variant keeps the first so many of them in the order in which they
were drawn, so that the events of one are among those of the next, with the same onsets over the same background, and
has one SNR for all. What the protocol demands (polyphony, audible recordings) the base fulfils, and so do its variants.

All chance lies in `draw`: its numbers come from one seed per (split, clip, attempt), so that clip k of a split is the
same however many clips there are and however they are spread over jobs. Scaper is given constants and renders them. The
SNR is Scaper's: a difference of loudness in LUFS, not a ratio of powers.
"""

import logging
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from igsed import audio, events, scaper_conversion, seeds
from igsed.errors import InputError
from igsed.links import link

MAX_ATTEMPTS = 1000


class Event(NamedTuple):
    """One event of a mixture: label, source file, times in seconds, SNR in dB (LUFS), where in the source it begins."""

    label: str
    source: str
    onset: float
    offset: float
    snr: float
    source_start: float = 0  # not 0.0, which Scaper would write into its JAMS as such


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

    @property
    def classes(self) -> int:
        """Largest number of distinct classes active at once."""
        active = ({e.label for e in self.events if e.onset <= at.onset < e.offset} for at in self.events)
        return max(map(len, active), default=0)


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
    missing_edges: str = "outside"
    polyphony_counts: str = "events"
    remove_offset: bool = True


class Conditions(NamedTuple):
    """What the variants of a base clip have: one for each pair of an SNR (dB) and a number of events."""

    snr: Sequence[float]
    events: Sequence[int]

    @property
    def variants(self) -> list[tuple[int, float]]:
        """Number of events and SNR of each variant, in the order of the clips."""
        return [(number, snr) for number in self.events for snr in self.snr]


def base_name(clip: str, variants: int) -> str:
    """The first of the clips that are variants of the same base, of which each has so many.

    >>> base_name("test_00017", 15), base_name("test_00017", 1)
    ('test_00015', 'test_00017')
    """
    split, _, number = clip.rpartition("_")
    return clip_name(split, int(number) - int(number) % variants)


def clip_name(split: str, index: int) -> str:
    """Name of clip `index` (from 0) of a split, e.g. ``test_00017``."""
    return f"{split}_{index:05d}"


def usable(foreground: pd.DataFrame, protocol: Protocol) -> pd.Series:
    """Which recordings may be placed: all but those without onset and offset that cannot span the clip.

    Parameters
    ----------
    foreground : pandas.DataFrame
        Recordings: columns `label, path, duration` (seconds) and, where some lack an edge, `missing` (see
        `igsed.soundbanks.soundbank.check`).

    Returns
    -------
    pandas.Series of bool
        With the index of `foreground`.
    """
    if "missing" not in foreground or protocol.missing_edges == "cut":
        return pd.Series(True, index=foreground.index)
    spans = (foreground["duration"] >= protocol.duration) & (protocol.event_duration[1] >= protocol.duration)
    return (foreground["missing"] != "both") | spans


def placeable(foreground: pd.DataFrame, protocol: Protocol, split: str) -> pd.DataFrame:
    """The recordings of a split that are `usable`.

    Raises
    ------
    InputError
        A class has none.
    """
    found = foreground[usable(foreground, protocol)]
    if unplaced := sorted(set(foreground["label"]) - set(found["label"])):
        raise InputError(
            f"mixtures.missing_edges: of {', '.join(unplaced)} the {split} split has only recordings without onset and "
            f"offset that cannot span a clip of {protocol.duration} s. Write `missing_edges: cut`, or raise "
            "mixtures.event_duration."
        )
    return found


def draw(
    foreground: pd.DataFrame,
    background: pd.DataFrame,
    protocol: Protocol,
    seed: int,
    split: str,
    index: int,
    accept: Callable[[Mixture], bool] = lambda mixture: True,
) -> Mixture | None:
    """Draw the content of one clip.

    The label is uniform over the classes, the recording uniform over those of the label. The event's duration is
    U(event_duration), cut to the recording's length; the event starts at the recording's beginning. Recordings that
    lack an edge are placed as `protocol.missing_edges` says; those not `usable` are as if they were not there.

    Parameters
    ----------
    foreground, background : pandas.DataFrame
        The recordings that this split may use: columns `label, path, duration` (seconds), of the foreground also
        `missing` where some lack an edge. Their order matters.
    seed : int
        The experiment's seed.
    accept : callable
        Whether a mixture may stay, such as `audible`; one that may not is drawn again.

    Returns
    -------
    Mixture or None
        None when the clip exceeds `max_polyphony` and `on_overlap` is "remove".

    Raises
    ------
    InputError
        No admissible clip in 1000 attempts, or a class without any usable recording.
    """
    drawn = _draw(foreground, background, protocol, seed, split, index, accept)
    return drawn and drawn[0]


def draw_clips(
    foreground: pd.DataFrame,
    background: pd.DataFrame,
    protocol: Protocol,
    seed: int,
    split: str,
    indices: Sequence[int],
    accept: Callable[[Mixture], bool] = lambda mixture: True,
    conditions: Conditions | None = None,
) -> Iterator[Mixture | None]:
    """Draw the content of several clips, one after the other.

    Parameters
    ----------
    foreground, background, protocol, seed, split, accept
        See `draw`; `accept` is asked of base clips.
    indices : sequence of int
        Ascending.
    conditions : Conditions, optional
        Makes clips variants of base clips, as many in a row as there are `variants`; without it each is drawn by
        itself. Base k depends on nothing but k.

    Yields
    ------
    Mixture or None
        As `draw`; None for all variants of a base that is left out.

    Raises
    ------
    InputError
        As `draw`.
    """
    if conditions is None:
        for index in indices:
            yield draw(foreground, background, protocol, seed, split, index, accept)
        return
    variants, most = conditions.variants, max(conditions.events)
    known, drawn = None, None
    for index in indices:
        number, variant = divmod(index, len(variants))
        if number != known:
            full = protocol._replace(events=(most, most))
            known, drawn = number, _draw(foreground, background, full, seed, split, number, accept)
        yield drawn and _variant(*drawn, clip_name(split, index), *variants[variant])


def _variant(base: Mixture, drawn: Sequence[Event], clip: str, count: int, snr: float) -> Mixture:
    """The first so many events of a base clip, in the order in which they were drawn, all at one SNR."""
    return base._replace(clip=clip, events=_in_order(event._replace(snr=float(snr)) for event in drawn[:count]))


def _in_order(drawn: Iterable[Event]) -> tuple[Event, ...]:
    return tuple(sorted(drawn, key=lambda event: (event.onset, event.offset)))


def _draw(foreground, background, protocol, seed, split, index, accept) -> tuple[Mixture, list[Event]] | None:
    """What `draw` returns, and its events in the order in which they were drawn."""
    sources = dict(iter(placeable(foreground, protocol, split).groupby("label", sort=True)))
    for attempt in range(MAX_ATTEMPTS):
        rng = seeds.generator(seed, "mixtures", split, index, attempt)
        drawn = [
            _event(sources, protocol, rng)
            for _ in range(rng.integers(protocol.events[0], protocol.events[1], endpoint=True))
        ]
        bed, start = _background(background, protocol, rng)
        scaper_seed = seeds.integer(seed, "scaper", split, index, attempt)
        mixture = Mixture(clip_name(split, index), scaper_seed, bed, start, _in_order(drawn))
        count = mixture.classes if protocol.polyphony_counts == "classes" else mixture.polyphony
        if count <= protocol.max_polyphony and accept(mixture):
            return mixture, drawn
        if count > protocol.max_polyphony and protocol.on_overlap == "remove":
            return None
    raise InputError(
        f"mixtures.max_polyphony: no clip with at most {protocol.max_polyphony} simultaneous "
        f"{protocol.polyphony_counts}, all of them audible, in {MAX_ATTEMPTS} attempts for clip "
        f"{clip_name(split, index)}. Raise max_polyphony, lower mixtures.events or event_duration, or see in the job's "
        "log which recordings were silent."
    )


def _event(sources: dict[str, pd.DataFrame], protocol: Protocol, rng: np.random.Generator) -> Event:
    """One event; `sources` has the recordings of each label."""
    label = list(sources)[rng.integers(len(sources))]
    source = sources[label].iloc[rng.integers(len(sources[label]))]
    # Whole milliseconds, as in the annotations; rounded down, so that no event outlasts its recording.
    length = int(1000 * min(rng.uniform(*protocol.event_duration), source["duration"])) / 1000
    onset = round(rng.uniform(0, protocol.duration - length), 3)
    snr = round(rng.uniform(*protocol.snr), 3)
    start: float = 0
    if protocol.missing_edges == "outside" and source.get("missing"):
        length, onset, start = _placed(source, length, protocol.duration, rng)
    return Event(label, source["path"], onset, round(onset + length, 3), snr, start)


def _background(background: pd.DataFrame, protocol: Protocol, rng: np.random.Generator) -> tuple[str, float]:
    """A background recording, and where in it the clip begins (s)."""
    bed = background.iloc[rng.integers(len(background))]
    # Scaper cuts at int(time × rate): in 1024ths of a second this is exact and no sample is lost.
    return bed["path"], int(1024 * rng.uniform(0, max(0.0, bed["duration"] - protocol.duration))) / 1024


def sounds(index: pd.DataFrame, protocol: Protocol) -> scaper_conversion.Sounds:
    """The recordings of a soundbank's index (columns `path, samples, sample_rate, peak, offset`), as they are heard."""
    rows = index[["path", "samples", "sample_rate", "peak", "offset"]].itertuples(index=False)
    return scaper_conversion.Sounds({row[0]: audio.Facts(*row[1:]) for row in rows}, protocol.remove_offset)


def audible(mixture: Mixture, protocol: Protocol, recordings: scaper_conversion.Sounds | None = None) -> bool:
    """Whether every part of a recording that would be heard is louder than -70 LUFS; those that are not are logged.

    Scaper takes everything below -70 LUFS as -70, silence too, and would place an event that nobody hears.
    `recordings` is as of `render`.
    """
    recordings = recordings or scaper_conversion.Sounds({}, protocol.remove_offset)
    parts: list[tuple[str, float, float]] = [(mixture.background, mixture.background_start, protocol.duration)]
    parts += [(event.source, event.source_start, event.offset - event.onset) for event in mixture.events]
    for path, start, length in parts:
        if not _heard(*recordings.part(path, start, start + length)):
            logging.warning(
                "%s: %s is silent or nearly so from %.2f s on for %.2f s (-70 LUFS or less); the clip is drawn again",
                mixture.clip, path, start, length,
            )  # fmt: skip
            return False
    return True


def _heard(waveform: np.ndarray, sample_rate: int) -> bool:
    """Whether Scaper's loudness is above -70 LUFS; mostly the first second tells.

    The whole is louder than that gate of ITU-R BS.1770 as soon as any 400 ms of it are. A constant is not heard, though
    its beginning, a step, has a loudness.
    """
    if audio.is_silent(waveform):
        return False
    loudness = _scaper().audio.get_integrated_lufs
    return any(loudness(part[:, None], sample_rate) > -70 for part in (waveform[:sample_rate], waveform))


def _placed(source: pd.Series, length: float, duration: int, rng: np.random.Generator) -> tuple[float, float, float]:
    """Length, onset, and start in the recording of an event whose missing edge is to lie outside the clip."""
    if source["missing"] == "both":
        return duration, 0.0, int(1024 * rng.uniform(0, source["duration"] - duration)) / 1024
    if source["missing"] == "onset":
        # Recordings are indexed with whole milliseconds, rounded down: nothing runs past their end.
        return length, 0.0, round(float(source["duration"]) - length, 3)
    return length, round(duration - length, 3), 0


def render(
    mixture: Mixture, protocol: Protocol, jams: Path, recordings: scaper_conversion.Sounds | None = None
) -> np.ndarray:
    """Let Scaper render a mixture and write its JAMS annotation.

    Recordings above full scale are scaled down as a whole, and with `protocol.remove_offset` the mean of the whole
    recording is taken away, both before Scaper sets the loudness.

    Parameters
    ----------
    mixture, protocol
        What is rendered.
    jams : path
        The annotation's file.
    recordings : scaper_conversion.Sounds, optional
        Where the recordings are read from, see `sounds`; without it, each is read whole to know its peak and mean.

    Returns
    -------
    numpy.ndarray of float32 (samples,)
        Peaks above full scale are scaled down as a whole (Scaper's `fix_clipping`).
    """
    background, sources = Path(mixture.background), [Path(e.source) for e in mixture.events]
    # One object per clip: a reused one keeps earlier events and slows down.
    scaper = _scaper()
    scene = scaper.Scaper(
        protocol.duration,
        str((sources or [background])[0].parents[1]),
        str(background.parents[1]),
        random_state=mixture.seed,
    )
    scene.sr, scene.ref_db = protocol.sample_rate, protocol.ref_db
    # Scaper takes the folder's name as label and knows only folders beside the first source.
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
                source_time=("const", event.source_start),
                event_time=("const", event.onset),
                event_duration=("const", round(event.offset - event.onset, 3)),
                snr=("const", event.snr),
                pitch_shift=None,
                time_stretch=None,
            )
        scaper.core.soundfile = recordings or scaper_conversion.Sounds({}, protocol.remove_offset)
        waveform = scene.generate(jams_path=str(jams), fix_clipping=True)[0]
    for warning in caught:
        logging.info("%s: %s", mixture.clip, warning.message)
    return np.asarray(waveform, dtype=np.float32)[:, 0]


def gather(
    shards: Sequence[Path], audio: Path, jams: Path, audio_folder: str | Path, keep: int | None = None
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
    keep : int, optional
        Only the first so many clips; fewer, where there are not as many. Without it all.

    Returns
    -------
    clips, events : pandas.DataFrame
        The rows of `clips.csv` and `events.tsv`.
    """
    clips = pd.concat([pd.read_csv(shard / "clips.csv") for shard in shards], ignore_index=True)[:keep]
    kept = set(clips["clip"])
    for part, target in (("audio", audio), ("jams", jams)):
        target.mkdir()
        for source in (path for shard in shards for path in sorted((shard / part).iterdir()) if path.stem in kept):
            link(source, target / source.name)
    annotated = pd.concat([events.read(shard / "events.tsv") for shard in shards], ignore_index=True)
    annotated = annotated[annotated["filename"].map(lambda name: Path(name).stem).isin(kept)].reset_index(drop=True)
    return clips.assign(path=[f"{audio_folder}/{clip}.flac" for clip in clips["clip"]]), annotated


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
    # Scaper 1.6.5 uses a name that numpy 2 removed, and looks for soxbindings by itself.
    np.Inf, sys.modules["soxbindings"] = np.inf, scaper_conversion  # type: ignore[attr-defined]
    import scaper

    return scaper
