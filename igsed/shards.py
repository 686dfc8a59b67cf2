"""Results of single clips, in shards that jobs make and that later runs take over as far as they still hold.

A shard is a folder's worth of clips of a split. Each clip's result has a key: a digest of all that it was computed from
(sound, weights, code, settings, seed). A job that makes a shard again computes only the clips whose key its last result
does not have, so that further clips, or other clips in a shard, cost no more than themselves.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from igsed import scores
from igsed.errors import InputError
from igsed.jobs import integrity

EXPLAINED = ("logit", "baseline_logit", "total", "n_steps", "error", "norm", "baseline_norm")
"""What is known of each attribution: the fields of `igsed.attribution.Explanation` but for the scores."""

KEY = "key"
"""The column of a shard's table with what a clip's result was computed from."""


def bounds(shard: int, size: int, count: int) -> tuple[int, int | None]:
    """The first clip of a shard and the one after its last; of the last shard None, since a split may hold more."""
    return shard * size, None if shard + 1 >= number(size, count) else (shard + 1) * size


def number(size: int, count: int) -> int:
    """How many shards of `size` clips hold `count` clips; at least one."""
    return max(1, -(-count // size))


def key(*parts: Any) -> str:
    """A digest of plain values: numbers, texts, lists, mappings."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def kept(*outputs: str | Path) -> bool:
    """Whether the files of a job's last result are all there and as the job left them."""
    try:
        integrity.check(outputs)
    except (InputError, OSError):
        return False
    return all(Path(output).exists() and integrity.record_of(output).exists() for output in outputs)


COLUMNS = ["clip", "label", *EXPLAINED, "completeness_error", "device", "precision"]
"""What a shard's table tells of each attribution, besides its key."""


class Attributed(NamedTuple):
    """A clip's scores (target, frame) and its rows of the table: a label and what else is known of each target."""

    scores: np.ndarray
    rows: list[dict[str, Any]]


def of_explanation(explanation: Any, clip: str, names: Sequence[str], device: str) -> Attributed:
    """A clip's `igsed.attribution.Explanation` with the names of its targets, in numbers that a table can hold."""
    precision = str(explanation.scores.dtype).removeprefix("torch.")
    numbers = {name: getattr(explanation, name).tolist() for name in (*EXPLAINED, "completeness_error")}
    rows = [
        {"clip": clip, "label": label, **{name: values[k] for name, values in numbers.items()}}
        | {"device": device, "precision": precision}
        for k, label in enumerate(names)
    ]
    return Attributed(explanation.scores.numpy(), rows)


def attributed(scores_file: str | Path, table_file: str | Path) -> dict[str, Attributed]:
    """What an earlier job left, by key; nothing where its files are not whole."""
    if not kept(scores_file, table_file):
        return {}
    stored, table = scores.read(scores_file), read_table(table_file)
    if KEY not in table or not stored.pairs.equals(table[["clip", "label"]]):
        return {}
    return {
        str(name): Attributed(stored.values[rows.index], rows.drop(columns=KEY).to_dict("records"))
        for name, rows in table.groupby(KEY, sort=False)
    }


def read_table(path: str | Path) -> pd.DataFrame:
    """A shard's table; clips and labels are texts whatever they are called, numbers as they were."""
    texts = dict.fromkeys((KEY, "clip", "label"), object)
    return pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=[""], float_precision="round_trip")


class Masked(NamedTuple):
    """A clip's masks (mask, frame) and the embeddings (mask, embedding) of the masked clip."""

    clip: str
    masks: np.ndarray
    embeddings: np.ndarray


_MASKED = pa.schema(
    [
        (KEY, pa.string()),
        ("clip", pa.string()),
        ("masks", pa.list_(pa.float32())),
        ("embeddings", pa.list_(pa.float32())),
        ("count", pa.int32()),
    ]
)


class MaskedWriter:
    """Writes embeddings of masked clips, a row group for each clip."""

    def __init__(self, path: str | Path):
        self._file = pq.ParquetWriter(str(path), _MASKED, compression="none")

    def add(self, key: str, masked: Masked) -> None:
        """Add a clip."""
        row = (key, masked.clip, masked.masks.ravel(), masked.embeddings.ravel(), len(masked.masks))
        columns = [pa.array([value], kind.type) for value, kind in zip(row, _MASKED, strict=True)]
        self._file.write_table(pa.table(columns, schema=_MASKED))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()


def masked(paths: Sequence[str | Path]) -> Iterator[tuple[str, Masked]]:
    """Key and content of every clip of some shards, a clip at a time."""
    for path in paths:
        with pq.ParquetFile(str(path)) as file:
            for group in range(file.num_row_groups):
                yield _row(file.read_row_group(group))


def _row(table: pa.Table) -> tuple[str, Masked]:
    count = table["count"][0].as_py()
    masks, embeddings = (
        table[name].combine_chunks().values.to_numpy().reshape(count, -1) for name in ("masks", "embeddings")
    )
    return table[KEY][0].as_py(), Masked(table["clip"][0].as_py(), masks, embeddings)
