"""Real recordings as a split: sound files with DESED's annotation, brought to the form of the mixtures.

Conventions
-----------
- A recording is scored in windows as long as a mixture, one after the other from its beginning. The last window is
  padded with silence; a rest shorter than `SHORTEST_REST` after a whole window is left out, since its window would be
  almost wholly padding (recordings of "10 s" last 10.01 s as often as not). Every window is a clip.
- The waveform is the mean over channels, if wanted without the offset (the mean of the whole recording), resampled
  (soxr, its high quality) to the rate of the mixtures. Where it exceeds full scale, the whole recording is scaled down,
  as Scaper does with mixtures. A recording is as long as what the file holds, whatever its header states.
- An event belongs to every window that it reaches into, cut to it, in whole milliseconds like all annotations. What
  lies after the sound's end is cut off.
- Labels that are not the experiment's are no part of the truth. Recordings without events stay; any detection in them
  is wrong.
- Whatever was left out, cut or converted is counted (`WHAT`).
- Names are compared in one Unicode form (`igsed.names`).

Names of recordings from YouTube begin with the video's id, of 11 characters that differ by case, after which part of it
may follow: `<id>_<start>_<end>` in DESED's public evaluation set and `Y<id>_<start>_<end>` elsewhere (seconds, with or
without decimals; github turpaultn/DESED), `<id>_<start>` in AudioSet-strong (milliseconds;
research.google.com/audioset/download_strong.html) and in VGGSound as its users store it (seconds, six digits; its list
github hche11/VGGSound, `data/vggsound.csv`), `<id>_<start>_<end>` in milliseconds where audiosetdl downloaded.
"""

import csv
import itertools
import logging
import os
import re
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import soxr
from pydantic import Field, field_validator

from igsed import audio, events
from igsed.components import Component, Family
from igsed.errors import InputError, Problems
from igsed.names import normal
from igsed.settings import Section

SUFFIXES = {".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff", ".au"}
SHORTEST_REST = 0.5
"""Shortest rest after a whole window, in seconds, that becomes a window."""

WHAT = (
    "recordings in the annotations",
    "recordings not found",
    "recordings scored",
    "sound files without annotation, left out",
    "recordings with several channels, averaged",
    "recordings at another sample rate, resampled",
    "recordings above full scale, scaled down",
    "recordings with an offset, taken away",
    "recordings with an offset, left in",
    "recordings whose header states no or a wrong length, read to their end",
    "recordings that are silent",
    "recordings shorter than a window",
    "recordings longer than a window",
    "recordings with a rest too short for a window, left out",
    "recordings without events",
    "recordings with other labels only",
    "recordings on the overlap list",
    "lines of the overlap list without a recording",
    "rows repeated in the annotations, counted once",
    "events in recordings scored",
    "events with other labels, left out",
    "events after the sound's end, left out",
    "events cut at the sound's end",
    "events that end later than twice the sound's length",
    "events in a rest left out, in part or whole",
    "events that reach into several windows",
    "windows",
    "windows padded with silence",
    "windows without events",
    "windows on the overlap list",
    "events in windows",
)
"""What `Split.counts` counts."""
DOUBTFUL = (
    "recordings not found",
    "sound files without annotation, left out",
    "recordings that are silent",
    "recordings with other labels only",
    "lines of the overlap list without a recording",
    "rows repeated in the annotations, counted once",
    "events with other labels, left out",
    "events after the sound's end, left out",
    "events that end later than twice the sound's length",
    "events in a rest left out, in part or whole",
)
"""Which of `WHAT` may mean that annotations, recordings and classes do not belong together."""

_CLIP_COLUMNS = ["clip", "path", "duration", "seed", "polyphony", "recording", "window", "padding", "overlap"]
# Annotations of synthetic clips name Scaper's JAMS file instead of the sound file.
_NAMED = SUFFIXES | {".jams"}
_LISTED = _NAMED | {".m4a", ".aac", ".wma", ".mp4", ".webm", ".mkv", ".avi", ".mov", ".3gp"}
_DEEPEST = 30  # folders that are compared
_YOUTUBE = re.compile(r"Y?([\w-]{11})(?:_\d+(?:\.\d+)?){0,2}", re.ASCII)
# Columns that say which recording a line of an overlap list means.
_ID_COLUMNS = (
    *("ytid", "youtube_id", "youtubeid", "video_id", "segment_id", "clip_id", "filename", "file_name", "filepath"),
    *("file", "path", "id"),
)
_OTHER_COLUMNS = {
    *("start", "start_seconds", "start_time", "start_time_seconds", "onset", "end", "end_seconds", "end_time"),
    *("end_time_seconds", "label", "labels", "positive_labels", "event_label", "split"),
}


class Settings(Section):
    """Settings that all kinds have."""

    overlap: str | None = Field(
        None,
        description="text file with a YouTube id or file name a line, or a list as AudioSet, AudioSet-strong or "
        "VGGSound publish it: recordings that the network may have been trained on; results are then given with and "
        "without them",
    )

    @field_validator("overlap")
    @classmethod
    def _overlap_home(cls, path):
        return path and os.path.expanduser(path)


@dataclass(frozen=True, kw_only=True)
class Kind(Component):
    """Where real recordings and their annotation come from: a subclass says it, an object of it is the declaration.

    Attributes
    ----------
    source : str
        The source of `config/sources.csv` that holds them; empty: they are the user's.
    """

    settings: type[Section] = Settings
    source: str = ""

    def find(self, settings: Any, fetched: str | Path | None) -> tuple[str | Path, str | Path]:
        """The folder of sound files and the annotation; `fetched` is the unpacked `source`, if there is one.

        Raises
        ------
        InputError
            They are not in what was fetched.
        """
        raise NotImplementedError

    def files(self, settings: Any) -> list[Path]:
        """Files of the user's, but the overlap list: when one is added, removed or changed, the split is made anew.

        Raises
        ------
        InputError
            The folder cannot be used.
        """
        return []

    def count(self, settings: Any, window: float) -> int:
        """How many clips of `window` seconds there will be, about.

        Raises
        ------
        InputError
            The folder cannot be used.
        """
        raise NotImplementedError


KINDS = Family("recordings", "igsed.recordings", Kind)


class Source(NamedTuple):
    """Recordings that belong together: a folder of sound files, DESED's TSV of their events, an overlap list if any."""

    folder: str | Path
    annotations: str | Path
    overlap: str | Path | None = None


class Form(NamedTuple):
    """What clips must be like: Hz, whole seconds, and whether each recording's mean is taken away."""

    sample_rate: int
    window: int
    remove_offset: bool = True


class Found(NamedTuple):
    """Which files belong to an annotation: `paths` by annotated name, names `missing`, files not annotated."""

    paths: dict[str, Path]
    missing: list[str]
    unannotated: list[Path]


class Split(NamedTuple):
    """A split made of recordings.

    `clips`: `clip, path, duration, seed, polyphony, recording, window, padding, overlap`; `seed` is empty, `recording`
    the annotated file name, `window` counts from 0, `padding` is in seconds, `overlap` 1 for recordings on the list.
    `events`: DESED's columns. `counts`: `what, name, count`; rows without a name are totals, those with one say which.
    """

    clips: pd.DataFrame
    events: pd.DataFrame
    counts: pd.DataFrame


def files(folder: str | Path) -> list[Path]:
    """The sound files in a folder and the folders below, sorted; hidden ones (`._*.wav` of macOS) are passed over.

    Raises
    ------
    InputError
        There is no such folder, or no sound file in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder. Name the folder that holds the sound files.")
    found = audio.named_in_text([path for path in visible(folder) if path.suffix.lower() in SUFFIXES])
    if not found:
        raise InputError(
            f"{folder}: holds no sound file ({', '.join(sorted(SUFFIXES))}). Name the folder of the recordings."
        )
    return found


def visible(folder: Path) -> list[Path]:
    """The files in a folder and the folders below, sorted; hidden ones are passed over."""
    return sorted(
        path
        for path in folder.rglob("*")
        if not any(part.startswith(".") for part in path.relative_to(folder).parts) and path.is_file()
    )


def find(folder: str | Path, names: Sequence[str]) -> Found:
    """Match annotated file names with sound files, by path in the folder, else by name, else by name without suffix.

    Raises
    ------
    InputError
        No name has a file, a name fits several files, or a file several names.
    """
    known = files(folder)
    keys = (
        _group(known, lambda path: normal(path.relative_to(folder).as_posix())),
        _group(known, lambda path: normal(path.name)),
        _group(known, lambda path: _bare(normal(path.name))),
    )
    paths, missing = {}, []
    for name in dict.fromkeys(map(normal, names)):
        last = name.replace("\\", "/").rsplit("/", 1)[-1]
        fits: list[Path] = next(
            (k[key] for k, key in zip(keys, (name, last, _bare(last)), strict=True) if key in k), []
        )
        if len(fits) > 1:
            alike = normal(str(fits[0])) == normal(str(fits[1]))
            remedy = (
                "Their names differ only in how accents are stored: rename or remove one."
                if alike
                else "Name the folder that holds only one of them, or give its path in the annotations."
            )
            raise InputError(
                f"{folder}: {name!r} of the annotations fits {len(fits)} sound files, {fits[0]} and {fits[1]} among "
                f"them. {remedy}"
            )
        if fits:
            paths[name] = fits[0]
        else:
            missing.append(name)
    for path, claimed in _group(paths, paths.get).items():
        if len(claimed) > 1:
            raise InputError(f"{path}: is meant by {claimed[0]!r} and by {claimed[1]!r}. Give them one name.")
    if not paths:
        raise InputError(
            f"{folder}: holds none of the {len(missing)} annotated recordings, the first {missing[:1]}; its first "
            f"sound file is {known[0].name!r}. Name the folder and the annotations that belong together."
        )
    used = set(paths.values())
    return Found(paths, missing, [path for path in known if path not in used])


def _group(items: Iterable, key: Callable) -> dict:
    groups: dict = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def _bare(name: str, suffixes: Container[str] = _NAMED) -> str:
    """A file name without the suffix of a sound file; DESED's names have points of their own."""
    stem, point, suffix = name.rpartition(".")
    return stem if f"{point}{suffix}".lower() in suffixes else name


def read_overlap(path: str | Path) -> list[str]:
    """What an overlap list names: a YouTube id or file name in every line that is no comment (`#`).

    Lines may have cells, separated by tabs, else by commas, and quoted or not. The first cell counts, or where the
    first line is a header with a column `ytid`, `segment_id`, `filename` or the like, the cell below it. So these lists
    can be given as they are: AudioSet's (`YTID, start_seconds, end_seconds, positive_labels`), AudioSet-strong's
    (tab-separated `segment_id start_time_seconds …`), VGGSound's (`id,start,label,split`).

    Raises
    ------
    InputError
        The file cannot be read or names nothing.
    """
    try:
        with open(path, encoding="utf-8-sig") as file:
            lines = (line.strip() for line in file)
            rows: Iterator[list[str]] = (_row(line) for line in lines if line and not line.startswith("#"))
            first = next(rows, [])
            header = [re.sub(r"[ -]", "_", cell.lower()) for cell in first]
            column = next((header.index(name) for name in _ID_COLUMNS if name in header), 0)
            if _OTHER_COLUMNS.isdisjoint(header) and not set(_ID_COLUMNS) & set(header):
                rows = itertools.chain([first], rows)
            named = [row[column] for row in rows if len(row) > column]
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(
            f"{path}: cannot be read as a list of recordings ({error}). Expected a text file in UTF-8."
        ) from None
    named = [cell for cell in named if cell]
    if not named:
        raise InputError(f"{path}: names no recording. Write one YouTube id or file name a line, or leave the key out.")
    return named


def _row(line: str) -> list[str]:
    separator = "\t" if "\t" in line else ","
    return [cell.strip() for cell in next(csv.reader([line], delimiter=separator, skipinitialspace=True))]


def overlap_list(path: str | Path | None) -> list[str]:
    """What the file under the key `recordings.overlap` names, see `read_overlap`; nothing where there is none.

    Raises
    ------
    InputError
        There is no such file, or `read_overlap` refuses it.
    """
    if not path:
        return []
    _require(path, "overlap")
    return read_overlap(path)


def _require(path: str | Path, key: str) -> None:
    if not Path(path).exists():
        raise InputError(f"{path}: there is no such file. Correct the key recordings.{key}.")


def youtube_id(name: str) -> str | None:
    """The id in a file name that begins with one (see above), or in an id itself; None where there is none.

    What looks like an id is taken for one: any 11 letters, digits, `-` or `_`, with at most two numbers after them.

    Examples
    --------
    >>> youtube_id("YMZ1Y6r_9Jc_205_215.wav"), youtube_id("KK227gPpRn4_30000"), youtube_id("KK227gPpRn4_000030.mp4")
    ('YMZ1Y6r_9Jc', 'KK227gPpRn4', 'KK227gPpRn4')
    """
    match = _YOUTUBE.fullmatch(_bare(name.replace("\\", "/").rsplit("/", 1)[-1], _LISTED))
    return match and match[1]


def overlapping(names: Sequence[str], listed: Sequence[str]) -> tuple[np.ndarray, int]:
    """Which recordings an overlap list names: by YouTube id, whatever the part of the video, or by file name.

    File names are compared without the suffix of a sound or video; where both sides have folders, these count.

    Returns
    -------
    numpy.ndarray of bool (name,), and the number of list entries that name none of them.
    """
    places: dict[tuple[str, str | None], set[int]] = {}
    for place, name in enumerate(names):
        whole, *tails = _tails(name)
        for key in (("id", youtube_id(name)), ("whole", whole), *(("tail", tail) for tail in (whole, *tails))):
            places.setdefault(key, set()).add(place)
    places.pop(("id", None), None)
    on_list, unmatched = np.zeros(len(names), dtype=bool), 0
    for entry in listed:
        whole, *tails = _tails(entry)
        keys = (("id", youtube_id(entry)), ("tail", whole), *(("whole", tail) for tail in tails))
        found = set().union(*(places.get(key, ()) for key in keys))
        on_list[list(found)] = True
        unmatched += not found
    return on_list, unmatched


def _tails(name: str) -> list[str]:
    """A path without suffix, and the same without its first folders."""
    parts = _bare(normal(name).replace("\\", "/"), _LISTED).removeprefix("./").strip("/").split("/")[-_DEEPEST:]
    return ["/".join(parts[k:]) for k in range(len(parts))]


def windows(duration: float, length: float) -> np.ndarray:
    """The windows of a recording.

    Parameters
    ----------
    duration, length : float
        Of the recording and of a window, s.

    Returns
    -------
    numpy.ndarray (window, 2)
        Where the sound of each window begins and ends, s; at least one window, all but the last `length` long.

    Examples
    --------
    >>> windows(25.0, 10).tolist(), windows(10.2, 10).tolist()
    ([[0.0, 10.0], [10.0, 20.0], [20.0, 25.0]], [[0.0, 10.0]])
    """
    whole = int(duration // length)
    count = max(whole + (duration - whole * length >= SHORTEST_REST), 1)
    starts = length * np.arange(count, dtype=float)
    return np.stack([starts, np.minimum(starts + length, duration)], axis=1)


def cut(annotated: pd.DataFrame, spans: np.ndarray) -> pd.DataFrame:
    """Events shifted and cut to windows.

    Parameters
    ----------
    annotated : pandas.DataFrame
        `onset, offset, event_label` of one recording, s.
    spans : numpy.ndarray (window, 2)
        See `windows`.

    Returns
    -------
    pandas.DataFrame
        `event` (row of `annotated`), `window`, `onset`, `offset` (s from the window's beginning, whole milliseconds),
        `event_label`; parts under half a millisecond are left out.
    """
    starts, ends = spans.T
    onsets, offsets = annotated[["onset", "offset"]].to_numpy(float).T
    first = np.searchsorted(ends, onsets, side="right")
    count = np.maximum(np.searchsorted(starts, offsets, side="left") - first, 0)
    event = np.repeat(np.arange(len(annotated)), count)
    window = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count - first, count)
    parts = pd.DataFrame(
        {
            "event": event,
            "window": window,
            "onset": np.round(np.maximum(onsets[event], starts[window]) - starts[window], 3),
            "offset": np.round(np.minimum(offsets[event], ends[window]) - starts[window], 3),
            "event_label": annotated["event_label"].to_numpy()[event],
        }
    )
    return parts[parts["offset"] > parts["onset"]].reset_index(drop=True)


def match(source: Source, labels: Sequence[str]) -> tuple[pd.DataFrame, Found, list[str]]:
    """Bring sound files, annotation and overlap list together, by names alone.

    Parameters
    ----------
    source, labels
        As of `make`.

    Returns
    -------
    pandas.DataFrame, Found, list of str
        The events of the recordings found, these recordings, and what the overlap list names.

    Raises
    ------
    InputError
        What cannot be read, or does not belong together; no event has one of the labels; the overlap list names no
        recording. What does not belong together is reported at once.
    """
    folder, annotations, overlap = source
    problems, listed, names = Problems(), [], None
    with problems.noted():
        listed = overlap_list(overlap)
    with problems.noted():
        _require(annotations, "annotations")
        annotated, names = events.read(annotations), events.clips(annotations)
    with problems.noted():
        found = files(folder) if names is None else find(folder, names)
    problems.tell()
    names = list(found.paths)
    annotated = annotated[annotated["filename"].isin(names)]
    if not annotated["event_label"].isin(labels).any():
        known = ", ".join(sorted(annotated["event_label"].unique())) or "none at all"
        problems.messages.append(
            f"{annotations}: no recording in {folder} has an event of the classes {', '.join(labels)}, so there is "
            f"nothing to score (labels found: {known}). Rename the labels as DESED does, or choose other classes."
        )
    if listed and not overlapping(names, listed)[0].any():
        problems.messages.append(
            f"{overlap}: none of its {len(listed)} lines names one of the {len(names)} recordings, the first line "
            f"{listed[0]!r}. Write YouTube ids or file names, or leave the key out."
        )
    problems.tell()
    return annotated, found, listed


def make(
    source: Source,
    labels: Sequence[str],
    form: Form,
    target: Path,
    audio_folder: str | Path,
    progress: Callable[[Iterable], Iterable] = iter,
) -> Split:
    """Make a split of recordings; one recording at a time is held in memory.

    Parameters
    ----------
    source : Source
        The sound files, of any rate and number of channels, and what belongs to them.
    labels : sequence of str
        The experiment's classes.
    form : Form
        Of the mixtures. Recordings whose mean is large (`audio.has_offset`) are reported, even where it is taken away.
    target : path
        New folder for the windows' sound files: mono 16-bit FLAC, all equally long.
    audio_folder : path
        Where these will finally lie, for the column `path`.
    progress : callable
        Wraps the iterable of recordings.

    Raises
    ------
    InputError
        As `match`; a sound file cannot be read; or no event of the classes ends within its sound or soon after it.
    """
    annotated, found, listed = match(source, labels)
    names = list(found.paths)
    on_list, unmatched = overlapping(names, listed)
    tally = _matched(found, unmatched, source.annotations)
    by_recording = dict(iter(annotated.groupby("filename")))
    target.mkdir()
    clips: list[tuple] = []
    pieces, durations = [], {}
    for name, overlaps in zip(progress(names), on_list, strict=True):
        samples, duration = _waveform(found.paths[name], name, form, tally)
        durations[name] = duration
        spans = windows(duration, form.window)
        parts = _truth(by_recording.get(name, annotated[:0]), labels, duration, spans, tally)
        tally["recordings shorter than a window", ""] += duration < form.window
        tally["recordings longer than a window", ""] += duration > form.window
        tally["recordings with a rest too short for a window, left out", ""] += duration > spans[-1, 1]
        tally["recordings on the overlap list", ""] += overlaps
        for k, (start, end) in enumerate(spans):
            here, clip = parts[parts["window"] == k], f"recordings_{len(clips):05d}"
            _write_window(target / f"{clip}.flac", samples, k, form)
            polyphony, padding = events.polyphony(here["onset"], here["offset"]), round(form.window - (end - start), 3)
            path = f"{audio_folder}/{clip}.flac"
            clips.append((clip, path, form.window, None, polyphony, name, k, padding, int(overlaps)))
            pieces.append(here.assign(filename=f"{clip}.flac")[events.COLUMNS])
            tally["windows padded with silence", ""] += padding > 0
            tally["windows without events", ""] += here.empty
            tally["windows on the overlap list", ""] += overlaps
            tally["events in windows", ""] += len(here)
    tally["windows", ""] = len(clips)
    _check_times(source.annotations, annotated[annotated["event_label"].isin(labels)], durations, found.paths)
    return Split(
        pd.DataFrame(clips, columns=_CLIP_COLUMNS),
        pd.concat(pieces, ignore_index=True),
        _counts(tally, source.annotations),
    )


def _matched(found: Found, unmatched: int, annotations: str | Path) -> Counter:
    """What is counted (see `WHAT`) before any sound is read."""
    tally = Counter({("recordings not found", name): 1 for name in found.missing})
    tally["recordings in the annotations", ""] = len(found.paths) + len(found.missing)
    tally["recordings scored", ""] = len(found.paths)
    tally["sound files without annotation, left out", ""] = len(found.unannotated)
    tally["lines of the overlap list without a recording", ""] = unmatched
    for name, number in events.repeated(annotations)["filename"].value_counts().items():
        tally["rows repeated in the annotations, counted once", name] = number
    return tally


def _write_window(path: Path, samples: np.ndarray, number: int, form: Form) -> None:
    """One window of a recording (samples,), counted from 0, with silence where the recording has ended."""
    sound = np.zeros(form.window * form.sample_rate, np.float32)
    part = samples[number * len(sound) : (number + 1) * len(sound)]
    sound[: len(part)] = part
    audio.write_flac(path, sound, form.sample_rate)


def _check_times(
    annotations: str | Path, annotated: pd.DataFrame, durations: dict[str, float], paths: dict[str, Path]
) -> None:
    """Refuse times of which none fits its sound; `annotated` are the events of the classes, `paths` by recording."""
    lengths = annotated["filename"].map(durations)
    if not _beyond(annotated["onset"], annotated["offset"], lengths).all():
        return
    first = annotated.iloc[0]
    rates = annotated["filename"].map(
        {name: audio.header(paths[name]).sample_rate for name in annotated["filename"].unique()}
    )
    meant = "They may belong to other recordings."
    for unit, size in (("milliseconds", 1000.0), ("samples", rates), ("microseconds", 1e6)):
        if not _beyond(annotated["onset"] / size, annotated["offset"] / size, lengths).any():
            meant = f"They seem to be {unit}."
            break
    raise InputError(
        f"{annotations}: none of the {len(annotated)} events of the classes fits its sound, the first from "
        f"{first['onset']:g} to {first['offset']:g} in {first['filename']!r}, which lasts {lengths.iloc[0]:.3f} s. "
        f"{meant} Write onset and offset in seconds from the beginning of the file."
    )


def _beyond(onsets, offsets, lengths):
    """Which events lie after the end of their sound, or end later than twice its length."""
    return (onsets >= lengths) | (offsets > 2 * lengths)


def _waveform(path: Path, name: str, form: Form, tally: Counter) -> tuple[np.ndarray, float]:
    """A recording as the split needs it, and its length in seconds; what is special is counted by its name."""

    def tell(what: str, why: str) -> None:
        tally[what, name] += 1
        logging.warning("%s: %s", path, why)

    samples, rate, channels, notes = audio.load(path)
    duration = len(samples) / rate
    if notes:
        tell("recordings whose header states no or a wrong length, read to their end", "; ".join(notes))
    if audio.is_silent(samples):
        tell("recordings that are silent", "holds only silence")
    elif audio.has_offset(samples):
        what = f"recordings with an offset, {'taken away' if form.remove_offset else 'left in'}"
        tell(what, f"has a mean of {samples.mean(dtype=np.float64):.3g}, above 10 % of its rms")
    if form.remove_offset:
        samples = samples - np.float32(samples.mean(dtype=np.float64))
    if channels > 1:
        tally["recordings with several channels, averaged", f"{channels} channels"] += 1
    if rate != form.sample_rate:
        tally["recordings at another sample rate, resampled", f"{rate} Hz"] += 1
        if duration * form.sample_rate > audio.LONGEST:
            raise InputError(
                f"{path}: at {form.sample_rate} Hz it would have more than {audio.LONGEST} samples, {duration:.0f} s. "
                "Cut it into shorter recordings."
            )
        samples = soxr.resample(samples, rate, form.sample_rate)
    peak = np.abs(samples).max(initial=0)
    if peak > 1:
        tell("recordings above full scale, scaled down", f"is scaled down, its peak is {peak:.3g}")
        samples = samples / peak
    return samples, duration


def _truth(
    annotated: pd.DataFrame, labels: Sequence[str], duration: float, spans: np.ndarray, tally: Counter
) -> pd.DataFrame:
    """The events of one recording, cut to its windows, see `cut`."""
    for label, number in annotated["event_label"].value_counts().items():
        if label not in labels:
            tally["events with other labels, left out", label] += number
    known = annotated[annotated["event_label"].isin(labels)].reset_index(drop=True)
    parts = cut(known, spans)
    # Up to a millisecond past the end is the annotation's rounding.
    beyond, after = known["offset"] > duration + 0.001, known["onset"] >= duration
    late = _beyond(known["onset"], known["offset"], duration) & ~after
    tally["recordings without events", ""] += annotated.empty
    tally["recordings with other labels only", ""] += not annotated.empty and known.empty
    tally["events in recordings scored", ""] += len(annotated)
    tally["events after the sound's end, left out", ""] += after.sum()
    tally["events cut at the sound's end", ""] += (beyond & ~after).sum()
    tally["events that end later than twice the sound's length", ""] += late.sum()
    in_rest = (known["offset"] > spans[-1, 1] + 0.001) & ~after & (spans[-1, 1] < duration)
    tally["events in a rest left out, in part or whole", ""] += in_rest.sum()
    tally["events that reach into several windows", ""] += (parts["event"].value_counts() > 1).sum()
    return parts


def _counts(tally: Counter, annotations: str | Path) -> pd.DataFrame:
    """`what, name, count` in the order of `WHAT`: each total, 0 included, and below it what it is made of.

    What is `DOUBTFUL` is reported.
    """
    rows = []
    for what in WHAT:
        named = sorted((name, int(number)) for (this, name), number in tally.items() if this == what)
        rows.append((what, "", sum(number for _, number in named)))
        rows += [(what, name, number) for name, number in named if name]
    counts = pd.DataFrame(rows, columns=["what", "name", "count"])
    for row in counts[counts["what"].isin(DOUBTFUL) & (counts["name"] == "") & (counts["count"] > 0)].itertuples():
        logging.warning("%s: %s: %d", annotations, row.what, row.count)
    return counts
