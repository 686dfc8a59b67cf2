"""Binary tables: frame scores in Parquet, and the index of a TensorBundle."""

import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from igsed import scores
from igsed.backbones.yamnet import tensorbundle
from igsed.errors import InputError
from tests.bundles import HEADER, MAGIC, block, sealed, varint
from tests.hostile.mutations import damaged, value_or_refusal

CELLS = {
    **dict.fromkeys(("clip", "label"), (None, "", "\0", "x" * 1000)),
    "frame": [None, -1, 0, 99, 2**31 - 1, -(2**31)],
    **dict.fromkeys(("onset", "score"), (None, float("nan"), float("inf"), -1e308)),
}


def written():
    with tempfile.TemporaryDirectory() as folder:
        with scores.Writer(Path(folder, "s")) as writer:
            writer.add("c0", ["Dog", "Cat"], np.random.default_rng(0).random((2, 10)))
            writer.add("c1", ["Dog"], np.ones((1, 10)))
        return Path(folder, "s").read_bytes()


WHOLE = written()


@st.composite
def odd_cells(draw):
    """Frame scores with odd cells, columns or types."""
    columns = {name: column.to_pylist() for name, column in zip(scores.SCHEMA.names, _columns(), strict=True)}
    name = draw(st.sampled_from(scores.SCHEMA.names))
    for _ in range(draw(st.integers(1, 3))):
        columns[name][draw(st.integers(0, 29))] = draw(st.sampled_from(CELLS[name]))
    table = pa.table({key: pa.array(values, scores.SCHEMA.field(key).type) for key, values in columns.items()})
    change = draw(st.sampled_from(["", "", "", "drop", "more", "fewer", "text"]))
    if change == "drop":
        table = table.drop_columns([name])
    elif change == "more":
        table = table.append_column("more", table[name])
    elif change == "fewer":
        table = table.slice(draw(st.integers(0, 29)))
    elif change == "text":
        table = table.set_column(0, "clip", table["clip"].cast(pa.string()))
    stream = pa.BufferOutputStream()
    pq.write_table(table, stream)
    return stream.getvalue().to_pybytes()


def _columns():
    return pq.read_table(pa.BufferReader(WHOLE)).columns


@given(odd_cells() | damaged(WHOLE, most=2))
@settings(deadline=None, max_examples=200)
def test_frame_scores_are_finite_or_refused(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "s.parquet")
        path.write_bytes(content)
        found = value_or_refusal(scores.read, path)
        if found is not None:
            assert len(found.pairs) == len(found.values)
            assert np.isfinite(found.values).all()
            assert not found.pairs.isna().any().any()


@pytest.mark.parametrize("repeated", [0, 1])
def test_a_block_is_not_read_over_and_over(tmp_path, repeated):
    """A small file could send the reader through the same long block tens of thousands of times."""
    header, empty = block([(b"", HEADER)]), block([])
    handles = [varint(0) + varint(len(header)), varint(len(header) + 5) + varint(len(empty))]
    entries = [(b"%d" % number, handle) for number, handle in enumerate([*handles, handles[repeated]])]
    index = block(entries, interval=1)
    contents = sealed(header) + sealed(empty)
    end = handles[1] + varint(len(contents)) + varint(len(index))
    path = tmp_path / "variables.index"
    path.write_bytes(contents + sealed(index) + end.ljust(40, b"\0") + MAGIC)
    (tmp_path / "data").write_bytes(b"")
    with pytest.raises(InputError, match="before the end of the one before it"):
        tensorbundle.read(path, tmp_path / "data")
