"""Frame scores on disk, the one format in which every detector says *when*.

A Parquet file per detector, seed and split with the columns `clip, label, frame, onset, score`: one row per frame of
every (clip, label) pair that was scored, frames of a pair in order, `onset` in seconds.
"""

from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from igsed.errors import InputError
from igsed.timeline import FRAME

SCHEMA = pa.schema(
    [
        ("clip", pa.dictionary(pa.int32(), pa.string())),
        ("label", pa.dictionary(pa.int32(), pa.string())),
        ("frame", pa.int32()),
        ("onset", pa.float64()),
        ("score", pa.float64()),
    ]
)


class FrameScores(NamedTuple):
    """Scores of (clip, label) pairs: `pairs` with columns `clip, label`; `values` (pair, frame)."""

    pairs: pd.DataFrame
    values: np.ndarray


class Writer:
    """Writes frame scores clip by clip, so that memory does not grow with the number of clips.

    Examples
    --------
    >>> with Writer(path) as writer:  # doctest: +SKIP
    ...     writer.add("test_00000", ["Dog", "Speech"], scores)
    """

    def __init__(self, path: str | Path):
        self._file = pq.ParquetWriter(str(path), SCHEMA, compression="zstd")
        self._waiting: list[pa.Table] = []

    def add(self, clip: str, labels: Sequence[str], values) -> None:
        """Add the pairs of one clip: `values` (label, frame)."""
        values = np.asarray(values, dtype=np.float64)
        if not np.isfinite(values).all():
            raise ValueError(f"{clip}: frame scores are not finite")
        count, frames = values.shape
        if not count:
            return
        frame = np.tile(np.arange(frames, dtype=np.int32), count)
        columns = [
            pa.DictionaryArray.from_arrays(np.zeros(count * frames, np.int32), [clip]),
            pa.DictionaryArray.from_arrays(np.repeat(np.arange(count, dtype=np.int32), frames), list(labels)),
            frame,
            np.round(frame * FRAME, 6),
            values.ravel(),
        ]
        self._waiting.append(pa.table(columns, schema=SCHEMA))
        if len(self._waiting) >= 100:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            self._file.write_table(pa.concat_tables(self._waiting).unify_dictionaries())
            self._waiting = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._flush()
        self._file.close()


def read(path: str | Path) -> FrameScores:
    """Read frame scores.

    Raises
    ------
    InputError
        The file is no frame-score file, or its pairs do not all have the same frames in order.
    """
    unusable = f"{path}: cannot be read as frame scores"
    clips, labels, frame, values = [], [], array("i"), array("d")
    try:
        with pq.ParquetFile(str(path)) as file:
            if not pa.schema([field for field in file.schema_arrow if field.name in SCHEMA.names]).equals(SCHEMA):
                found = ", ".join(f"{field.name}: {field.type}" for field in file.schema_arrow)
                raise InputError(f"{unusable} (columns {found}). Delete it; the next run makes it anew.")
            # A piece at a time: names and onsets of all rows would take many times the memory of the scores.
            for group in range(file.num_row_groups):
                table = file.read_row_group(group, columns=SCHEMA.names)
                table.validate(full=True)
                score = table["score"]
                if (
                    any(column.null_count for column in table.columns)
                    or not pc.all(pc.is_finite(score), min_count=0).as_py()
                ):
                    raise InputError(
                        f"{path}: holds empty cells or infinite scores. Delete it; the next run makes it anew."
                    )
                frame.frombytes((numbers := table["frame"].to_numpy()).tobytes())
                values.frombytes(score.to_numpy().tobytes())
                first = pa.array(np.flatnonzero(numbers == 0))
                clips += table["clip"].take(first).to_pylist()
                labels += table["label"].take(first).to_pylist()
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        raise InputError(f"{unusable} ({error}). Delete it; the next run makes it anew.") from None
    places, numbers = np.frombuffer(frame, np.int32), np.frombuffer(values)
    frames = max(int(places.max()) + 1, 1) if len(places) else 0
    if frames and (len(places) % frames or (places.reshape(-1, frames) != np.arange(frames)).any()):
        raise InputError(
            f"{path}: the frames of some pairs are missing or out of order. Delete it; the next run makes it anew."
        )
    pairs = pd.DataFrame({"clip": clips, "label": labels}, dtype=object)
    return FrameScores(pairs, numbers.reshape(len(pairs), frames))
