"""Scores that were made elsewhere: judged like those of any other detector, without their code.

Either a folder with a table for each clip, as sed_scores_eval writes them (`<clip>.tsv`, in the folder itself or in one
for each split; columns `onset`, `offset` in seconds, without gaps, then one for each class), or Parquet files like
igsed's own (`<split>.parquet` in the folder, columns `clip, label, frame, score`; see `igsed.scores`). Segments of a
table may have any length; a frame of 100 ms gets the mean of the scores over its time.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field, field_validator

from igsed import names
from igsed.detectors import OfFiles
from igsed.errors import InputError
from igsed.settings import Section
from igsed.timeline import FRAME, frame_count

_TOLERANCE = 1e-3
"""Seconds by which the ends of neighbouring segments may differ, and the last from the clip's end."""


class Settings(Section):
    """Frame scores that were made elsewhere, from files."""

    path: str = Field(description="folder with `<clip>.tsv`, `<split>/<clip>.tsv` or `<split>.parquet`")

    @field_validator("path")
    @classmethod
    def _home(cls, path):
        return str(Path(path).expanduser())


def read(split: str, clips: pd.DataFrame, labels: Sequence[str], path: str) -> Iterator[tuple[str, np.ndarray]]:
    """The scores of a split's clips, one clip at a time.

    Parameters
    ----------
    split : str
    clips : pandas.DataFrame
        Columns `clip`, `duration` (s).
    labels : sequence of str
        The classes; a table may hold others too.
    path : str
        The folder.

    Yields
    ------
    clip : str
    scores : numpy.ndarray (label, frame)

    Raises
    ------
    InputError
        There is no such folder, a clip or a class has no scores, times have gaps or do not reach the clip's end, or a
        score is no finite number.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder. Correct the setting path, or put the scores there.")
    parquet = folder / f"{split}.parquet"
    if parquet.exists():
        yield from _of_parquet(parquet, clips, labels)
        return
    for clip in clips.itertuples():
        places = [folder / split / f"{clip.clip}.tsv", folder / f"{clip.clip}.tsv"]
        table = next((place for place in places if place.exists()), None)
        if table is None:
            raise InputError(
                f"{places[0]}: no such file, nor {places[1]} or {parquet}. Give scores for every clip of the {split} "
                "split; igsed export writes the list of clips."
            )
        yield clip.clip, frames(table, labels, clip.duration)


def frames(path: Path, labels: Sequence[str], duration: float) -> np.ndarray:
    """One clip's table as scores (label, frame) on the 100 ms grid; see `read` for errors."""
    try:
        table = pd.read_csv(path, sep="\t", encoding="utf-8-sig").rename(
            columns=lambda name: names.normal(str(name).strip())
        )
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a table ({error}). Expected tab-separated text.") from None
    if missing := [column for column in ("onset", "offset", *labels) if column not in table]:
        raise InputError(
            f"{path}: has no column {missing[0]!r}. Expected, separated by tabs: onset offset {' '.join(labels)}."
        )
    values = table[["onset", "offset", *labels]].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    bad = ~np.isfinite(values).all(axis=1)
    if bad.any() or not len(values):
        line = int(bad.argmax()) + 2 if len(values) else 1
        raise InputError(f"{path}, line {line}: holds something that is no finite number. Write numbers only.")
    onsets, offsets = values[:, 0], values[:, 1]
    ends = np.concatenate([[0.0], offsets])
    gaps = np.flatnonzero(np.abs(np.concatenate([onsets, [duration]]) - ends) > _TOLERANCE)
    if len(gaps) or (offsets <= onsets).any():
        line = min([*(gaps[:1] + 2), *(np.flatnonzero(offsets <= onsets)[:1] + 2), len(values) + 1])
        raise InputError(
            f"{path}, line {line}: the segments must follow each other without gaps from 0 to the clip's end, "
            f"{duration:g} s. Correct onset and offset."
        )
    # The integral of the scores is piecewise linear, so its differences over frames are exact means.
    integral = np.concatenate(
        [np.zeros((1, len(labels))), np.cumsum(values[:, 2:] * (offsets - onsets)[:, None], axis=0)]
    )
    edges = np.minimum(np.arange(frame_count(duration) + 1) * FRAME, offsets[-1])
    return np.stack([np.diff(np.interp(edges, ends, column)) / FRAME for column in integral.T])


def _of_parquet(path: Path, clips: pd.DataFrame, labels: Sequence[str]) -> Iterator[tuple[str, np.ndarray]]:
    try:
        table = pd.read_parquet(path, columns=["clip", "label", "frame", "score"])
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{path}: cannot be read as frame scores ({error}). Expected Parquet with the columns clip, label, frame, "
            "score."
        ) from None
    table = table.astype({"clip": str, "label": str}).sort_values("frame", kind="stable")
    found = dict(iter(table.groupby(["clip", "label"], sort=False)))
    for clip in clips.itertuples():
        count, values = frame_count(clip.duration), []
        for label in labels:
            rows = found.get((clip.clip, label))
            if rows is None:
                raise InputError(
                    f"{path}: has no scores of {label} in clip {clip.clip}. Give every class of every clip."
                )
            score = pd.to_numeric(rows["score"], errors="coerce").to_numpy(float)
            if list(rows["frame"]) != list(range(count)) or not np.isfinite(score).all():
                raise InputError(
                    f"{path}: {label} in clip {clip.clip} has {len(score)} scores, frames that repeat or lack, or "
                    f"scores that are no finite numbers; expected frames 0 to {count - 1}, one for each 100 ms."
                )
            values.append(score)
        yield clip.clip, np.stack(values)


DETECTOR = OfFiles(name="scores", title="Scores from files", settings=Settings, run=read, score="as in the files")
