"""Scores that were made elsewhere: judged like those of any other detector, without their code.

Either a folder with a table for each clip, as sed_scores_eval writes them (`<clip>.tsv`, in the folder itself or in one
for each split; columns `onset`, `offset` in seconds, without gaps, then one for each class), or Parquet files like
igsed's own (`<split>.parquet` in the folder, columns `clip, label, frame, score`; see `igsed.scores`). Segments of a
table may have any length; a frame of 100 ms gets the mean of the scores over its time.
"""

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, field_validator

from igsed import names
from igsed.detectors import OfFiles
from igsed.errors import InputError
from igsed.settings import Section
from igsed.timeline import FRAME, frame_count

_TOLERANCE = 1e-3
"""Seconds by which the ends of neighbouring segments may differ, and the last from the clip's end."""

_ROUNDING = 1e-6
"""Seconds by which a segment must reach into a frame to count there."""


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
    wanted = f"Expected, separated by tabs: onset offset {' '.join(labels)}."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # of cells that no column is for
            table = pd.read_csv(
                path, sep="\t", encoding="utf-8-sig", header=None, index_col=False, dtype=str, skip_blank_lines=False
            )
    except (OSError, ValueError, pd.errors.ParserWarning) as error:
        raise InputError(f"{path}: cannot be read as a table ({error}). {wanted}") from None
    columns = [names.normal(str(name).strip()) for name in table.iloc[0]]
    for column in ("onset", "offset", *labels):
        if columns.count(column) != 1:
            problem = "has two columns" if column in columns else "has no column"
            raise InputError(f"{path}: {problem} {column!r}. {wanted}")
    cells = table.iloc[1:, [columns.index(column) for column in ("onset", "offset", *labels)]]
    while len(cells) and table.iloc[len(cells)].isna().all():
        cells = cells.iloc[:-1]  # empty lines at the end of the file
    values = cells.map(_number).to_numpy(float)
    bad = ~np.isfinite(values).all(axis=1)
    if bad.any() or not len(values):
        line = int(bad.argmax()) + 2 if len(values) else 1
        raise InputError(f"{path}, line {line}: something is not a finite number, or missing. Write numbers only.")
    onsets, offsets = values[:, 0], values[:, 1]
    edges = np.concatenate([[0.0], offsets])
    wrong = (np.abs(onsets - edges[:-1]) > _TOLERANCE) | (offsets <= onsets) | (np.diff(edges) <= 0)
    if wrong.any() or abs(offsets[-1] - duration) > _TOLERANCE:
        line = int(wrong.argmax() if wrong.any() else len(values) - 1) + 2
        raise InputError(
            f"{path}, line {line}: the segments must follow each other without gaps from 0 to the clip's end, "
            f"{duration:g} s. Correct onset and offset."
        )
    return _means(edges, values[:, 2:], frame_count(duration)).T


def _number(cell) -> float:
    """A cell as the nearest float, which pandas' own parser may miss; NaN for one that is no number."""
    try:
        return float(cell)
    except ValueError:
        return np.nan


def _means(edges: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Means over frames, (frame, label), of values (segment, label) between `edges` (segment + 1,), in seconds.

    Where all segments of a frame have one value, the mean is exactly that value, so that equal scores stay equal.
    """
    starts = np.arange(count) * FRAME
    ends = np.minimum(starts + FRAME, edges[-1])
    first = np.searchsorted(edges[1:], starts + _ROUNDING, side="right")
    last = np.maximum(np.searchsorted(edges[:-1], ends - _ROUNDING, side="left"), first + 1)
    means = np.empty((count, values.shape[1]))
    for k in range(count):
        inside = slice(first[k], last[k])
        overlap = np.minimum(edges[1:][inside], ends[k]) - np.maximum(edges[:-1][inside], starts[k])
        base = values[first[k]]
        means[k] = base + (overlap / overlap.sum()) @ (values[inside] - base)
    return means


def _of_parquet(path: Path, clips: pd.DataFrame, labels: Sequence[str]) -> Iterator[tuple[str, np.ndarray]]:
    columns = ["clip", "label", "frame", "score"]
    try:
        table = pq.read_table(path, columns=columns).to_pandas(ignore_metadata=True)[columns]
        table = table.astype({"clip": str, "label": str}).assign(
            **{column: pd.to_numeric(table[column], errors="coerce").astype(float) for column in ("frame", "score")}
        )
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise InputError(
            f"{path}: cannot be read as frame scores ({error}). Expected Parquet with the columns clip, label, frame, "
            "score."
        ) from None
    groups = dict(iter(table.sort_values("frame", kind="stable").groupby(["clip", "label"], sort=False)))
    for clip in clips.itertuples():
        count, values = frame_count(clip.duration), []
        for label in labels:
            rows = groups.get((clip.clip, label))
            if rows is None:
                raise InputError(
                    f"{path}: has no scores of {label} in clip {clip.clip}. Give every class of every clip."
                )
            score = rows["score"].to_numpy()
            if list(rows["frame"]) != list(range(count)) or not np.isfinite(score).all():
                raise InputError(
                    f"{path}: {label} in clip {clip.clip} has {len(score)} scores; expected a finite number for each "
                    f"of the frames 0 to {count - 1}, of 100 ms each."
                )
            values.append(score)
        yield clip.clip, np.stack(values)


DETECTOR = OfFiles(name="scores", title="Scores from files", settings=Settings, run=read, score="as in the files")
