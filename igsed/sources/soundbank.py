"""The index of a soundbank: every recording, checked, with its split.

A soundbank lies in DESED's layout, `audio/{train,eval}/soundbank/{foreground,background}/<label>/*.wav`. Test mixtures
draw from `eval`; training and validation mixtures from `train`, without sharing a source. A source is what the file
name says before its last `_<number>`: DESED calls the segments of one recording `<freesound id>_<segment>.wav`.
"""

import hashlib
import math
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from igsed import LABELS, audio
from igsed.checksums import file_digest
from igsed.errors import InputError

COLUMNS = ["split", "kind", "label", "source", "path", "duration", "sample_rate", "channels", "sha256"]
SHORTEST = 0.02
"""Shortest recording in seconds: Scaper fades events in and out over 10 ms each."""
SUFFIXES = {".wav", ".flac", ".ogg", ".aif", ".aiff"}
LAYOUT = "audio/{train,eval}/soundbank/{foreground,background}/<label>/*.wav"


def files(root: str | Path, labels: Sequence[str]) -> list[Path]:
    """The sound files of a soundbank: foreground of the given labels and all backgrounds, sorted.

    Hidden files and folders, such as the `._*.wav` that macOS leaves in archives, are not looked at.

    Raises
    ------
    InputError
        There is no label, the folder is missing, or one of its parts has no recording for a label or no background.
    """
    root, found = Path(root), []
    if not root.is_dir():
        raise InputError(f"soundbank.path: there is no folder {root}. Name the folder that holds {LAYOUT}.")
    if not labels:
        raise InputError(
            f"{root}: holds no recording of any class. "
            f"Name folders as in {LAYOUT}; <label> is one of {', '.join(LABELS)}."
        )
    for part in ("train", "eval"):
        bank = root / "audio" / part / "soundbank"
        folders = {f"foreground/{label}": label for label in labels} | {"background": None}
        for folder, label in folders.items():
            here = [
                path
                for path in sorted((bank / folder).rglob("*"))
                if path.is_file()
                and path.suffix.lower() in SUFFIXES
                and not any(part.startswith(".") for part in path.relative_to(bank).parts)
            ]
            if not here:
                what = f"no recording of {label}" if label else "no background recording"
                remedy = (
                    f"or leave {label} out of the key `labels`" if label else f"in folders {bank}/background/<name>/"
                )
                raise InputError(f"{bank / folder}: {what} for {_use(part)}. Add at least one sound file, {remedy}.")
            found += here
    return found


def _use(part: str) -> str:
    return "training and validation" if part == "train" else "the test split"


def index(
    root: str | Path,
    labels: Sequence[str],
    validation_share: float,
    progress: Callable[[Iterable], Iterable] = iter,
) -> pd.DataFrame:
    """Check every recording and assign it to a split.

    Parameters
    ----------
    root : path
        The soundbank.
    labels : sequence of str
        The experiment's classes.
    validation_share : float
        Share of each class's training sources (and of the training backgrounds) that go to validation; at least one
        goes there and at least one stays.

    Returns
    -------
    pandas.DataFrame
        Columns `split` (train, validation, test), `kind` (foreground, background), `label`, `source`, `path`,
        `duration` (s), `sample_rate`, `channels`, `sha256`; in a fixed order.

    Raises
    ------
    InputError
        A file that is empty, damaged, silent, too short or no audio; a class with recordings from only one source in
        training; a recording that lies in both parts.
    """
    root, rows = Path(root), []
    for path in progress(files(root, labels)):
        part, _, kind, label = path.relative_to(root / "audio").parts[:4]
        waveform, sample_rate = audio.read(path)
        if not np.abs(waveform).max() > 0:
            raise InputError(f"{path}: holds only silence. Remove the file or replace it by a recording.")
        channels = audio.header(path).channels
        source = f"{label}/{re.sub(r'_[0-9]+$', '', path.stem)}"
        duration = math.floor(1000 * len(waveform) / sample_rate) / 1000
        if duration < SHORTEST:
            raise InputError(
                f"{path}: lasts less than {SHORTEST} s. Remove the file or replace it by a longer recording."
            )
        rows.append((part, kind, label, source, str(path), duration, sample_rate, channels, file_digest(path)))
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["split"] = table["split"].map({"train": "train", "eval": "test"})
    pool = table["label"].where(table["kind"] == "foreground", "background")
    for label, group in table[table["split"] == "train"].groupby(pool, sort=True):
        sources = sorted(group["source"].unique(), key=lambda name: hashlib.sha256(name.encode()).digest())
        if len(sources) < 2:
            raise InputError(
                f"{Path(group['path'].iloc[0]).parent}: all {len(group)} recordings of {label} come from one source, "
                "so training and validation cannot draw from different ones. Add a recording from another source"
                + ("." if label == "background" else f", or leave {label} out of the key `labels`.")
            )
        held_out = sources[: min(max(1, round(validation_share * len(sources))), len(sources) - 1)]
        table.loc[group.index[group["source"].isin(held_out)], "split"] = "validation"
    for _, same in table.groupby("sha256", sort=False):
        if same["split"].nunique() > 1:
            one, other = list(same.drop_duplicates("split").itertuples())[:2]
            raise InputError(
                f"{other.path}: is the same file as {one.path}, but one would be heard in the {one.split} and the "
                f"other in the {other.split} split. Remove one, or name both <source>_<number>, as parts of one source."
            )
    return table.sort_values(["kind", "split", "label", "path"], ignore_index=True)


def pools(table: pd.DataFrame, split: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The foreground and the background recordings that a split's mixtures may use."""
    rows = table[table["split"] == split]
    return tuple(rows[rows["kind"] == kind].reset_index(drop=True) for kind in ("foreground", "background"))
