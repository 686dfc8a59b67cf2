"""Checkpoints of strangers: tensors are read, code is not run, and nothing grows beyond the file."""

import functools
import io
import json
import os
import pickle
import struct
import tempfile
import zipfile
from pathlib import Path
from unittest import mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from igsed.backbones.cnn14 import network as cnn14
from igsed.backbones.yamnet import network as yamnet
from igsed.errors import InputError
from tests.hostile.mutations import bounded, damaged, value_or_refusal

SMALL = {"conv.weight": torch.zeros(3, 2), "bias": torch.ones(4)}


class Runs:
    """Pickles to a call of `function` on a path."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def saved(value, **options):
    stream = io.BytesIO()
    torch.save(value, stream, **options)
    return stream.getvalue()


def repacked(content, change, compression=zipfile.ZIP_STORED):
    """A checkpoint whose parts went through `change(name, bytes)`."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w", compression) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return stream.getvalue()


def read_from(content, network, name):
    """The network from a file of these bytes; None where it is refused."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content)
        return value_or_refusal(network.from_file, path)


CHECKPOINT, LEGACY = saved({"model": SMALL}), saved({"model": SMALL}, _use_new_zipfile_serialization=False)
(PICKLE,) = (part for part in [zipfile.ZipFile(io.BytesIO(CHECKPOINT)).read("archive/data.pkl")])


@given(
    damaged(CHECKPOINT)
    | damaged(LEGACY)
    | damaged(PICKLE).map(lambda new: repacked(CHECKPOINT, lambda name, old: new if name.endswith(".pkl") else old))
    | st.binary(max_size=50)
)
@settings(deadline=None, max_examples=120)
def test_a_damaged_checkpoint_is_refused(content):
    assert read_from(content, cnn14.CNN14, "w.pth") is None


def runs(mark):
    yield Runs(os.system, f"touch {mark}")
    yield Runs(eval, f"open({str(mark)!r}, 'w')")
    yield Runs(functools.partial, open, str(mark), "w")


@pytest.mark.parametrize("number", range(3))
def test_no_checkpoint_runs_code(tmp_path, number):
    mark, path = tmp_path / "ran", tmp_path / "w.pth"
    hostile = list(runs(mark))[number]
    pickle.loads(pickle.dumps(hostile))  # so this is what would happen
    mark.unlink(missing_ok=True)
    for content in (
        *(pickle.dumps(hostile), pickle.dumps({"model": hostile}, protocol=0), saved({"model": hostile})),
        *(saved({"model": SMALL | {"x": hostile}}), saved({"model": hostile}, _use_new_zipfile_serialization=False)),
    ):
        path.write_bytes(content)
        for read in (cnn14.CNN14.from_file, yamnet.YAMNet.from_file):
            assert value_or_refusal(read, path) is None
        assert not mark.exists()


def test_a_bomb_does_not_go_off(tmp_path):
    path = tmp_path / "w.pth"
    path.write_bytes(repacked(CHECKPOINT, lambda name, old: old + bytes(1 << 20), zipfile.ZIP_DEFLATED))
    with pytest.raises(InputError, match="a part of it is compressed"):
        cnn14.CNN14.from_file(path)
    with open(path, "wb") as file:
        file.truncate(1 << 40)  # sparse
    with pytest.raises(InputError, match="more than 1073741824 bytes"):
        cnn14.CNN14.from_file(path)


@pytest.fixture
def narrow():
    with mock.patch.object(cnn14, "WIDTHS", (2,) * 6), mock.patch.object(cnn14, "CLASSES", 3):
        yield {name: torch.rand(shape) for name, shape in cnn14._published_shapes().items()}


def test_a_whole_checkpoint_is_read(tmp_path, narrow):
    torch.save({"model": narrow}, tmp_path / "w.pth")
    with mock.patch.object(cnn14, "_BINS", cnn14._BINS):
        assert isinstance(cnn14.CNN14.from_file(tmp_path / "w.pth"), cnn14.CNN14)


@pytest.mark.parametrize(
    "odd",
    [
        *(lambda t: t.to_sparse(), lambda t: t.double(), lambda t: t.to("meta"), lambda t: t * torch.nan),
        *(lambda t: t + torch.inf, lambda t: t.tolist(), lambda t: t[..., None], lambda t: -1 - t),
    ],
)
@pytest.mark.parametrize("name", ["bn0.running_var", "conv_block3.bn2.running_var"])
def test_tensors_that_are_none_are_refused(tmp_path, narrow, odd, name):
    torch.save({"model": narrow | {name: odd(narrow[name])}}, tmp_path / "w.pth")
    assert value_or_refusal(cnn14.CNN14.from_file, tmp_path / "w.pth") is None


STORED = save(SMALL)
LENGTH = struct.unpack("<Q", STORED[:8])[0]
HEADER = json.loads(STORED[8 : 8 + LENGTH])


@st.composite
def odd_header(draw):
    """A safetensors file whose header states other types, shapes and places."""
    header = json.loads(json.dumps(HEADER))
    entry = header[draw(st.sampled_from(list(SMALL)))]
    for _ in range(draw(st.integers(1, 2))):
        key, values = draw(
            st.sampled_from(
                [
                    ("dtype", ["F8_E5M2", "BF16", "BOOL", "C64", "X", "", None, 3]),
                    ("shape", [[0], [2**32, 2**32], [2**63], [-1], [1.5], ["a"], [], [1] * 2000, [2**62, 0, 2**62]]),
                    ("data_offsets", [[0, 2**63], [10, 0], [0, 24], [-1, 2], [0, 0], [], None]),
                ]
            )
        )
        entry[key] = draw(st.sampled_from(values))
    text = json.dumps(header).encode()
    length = draw(st.sampled_from([len(text), len(text), 0, 10**8, 2**40, 2**63, 2**64 - 1]))
    return struct.pack("<Q", length) + text + STORED[8 + LENGTH :]


@given(odd_header() | damaged(STORED))
@settings(deadline=None, max_examples=100)
def test_damaged_safetensors_are_refused(content):
    assert read_from(content, yamnet.YAMNet, "w.safetensors") is None


def test_weights_that_are_not_finite_are_refused(tmp_path):
    weights = {name: tensor.contiguous() for name, tensor in yamnet.YAMNet().state_dict().items()}
    path = tmp_path / "w.safetensors"
    path.write_bytes(save(weights))
    assert isinstance(yamnet.YAMNet.from_file(path), yamnet.YAMNet)
    weights["dense.bias"][3] = torch.nan
    path.write_bytes(save(weights))
    with pytest.raises(InputError, match=r"'dense\.bias' are not finite"):
        yamnet.YAMNet.from_file(path)


def test_published_variables_that_do_not_fit_do_not_multiply(tmp_path):
    from igsed.backbones.yamnet import conversion

    kernel, norm = "layer_with_weights-0/kernel", "layer_with_weights-1"
    ones = {f"{norm}/{name}": torch.ones(20_000).numpy() for name in ("beta", "moving_mean", "moving_variance")}
    variables = ones | {kernel: torch.ones(20_000, 1, 1, 1).numpy()}
    with (
        mock.patch.object(conversion.source, "variables", return_value=variables),
        bounded(megabytes=20, seconds=5),
        pytest.raises(InputError, match="do not belong together"),
    ):
        conversion.convert(tmp_path, tmp_path)
