"""The TensorBundle reader: on files that TensorFlow wrote, on files built here byte by byte, and on damaged ones."""

import base64

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from igsed.backbones.yamnet.tensorbundle import crc32c, read
from igsed.errors import InputError
from tests.bundles import DTYPES, HEADER, MAGIC, block, bundle, entry, table

# tf.raw_ops.SaveV2 of TensorFlow 2.21: a float32 (1, 3), ab an int64 scalar, b bool (2,), text two strings
TENSORFLOW_INDEX = base64.b85decode(
    "000IE0U81b0RRCLVF&>d2oeGa0TKcT11JnNB9j}C0RatS2niAZAPgu7HM`fJ5dZ-ZVh9Qn1QG%W0w5G90yST-&Vc{~5p-pEbO;9$1QG%W0w5MB2{k"
    "z7!c71G000310001u6uYnh0000100000!1AH6009DZ0A>IH000310002J*FUyv2zU+v000000000000000000000000000000000000000000012`+$"
    "oibw}F"
)
TENSORFLOW_DATA = base64.b85decode("006*00002M002-x2LJ#7000000RRC4zu((>czJm")


@pytest.fixture
def files(tmp_path):
    def write(index, data):
        paths = tmp_path / "variables.index", tmp_path / "variables.data-00000-of-00001"
        for path, contents in zip(paths, (index, data), strict=True):
            path.write_bytes(contents)
        return paths

    return write


ONE = {"a/kernel": (1, np.arange(6.0).reshape(2, 3)), "a/bias": (9, np.array([1, -2])), "b": (10, np.array(True))}


def test_reads_what_tensorflow_wrote(files):
    tensors = read(*files(TENSORFLOW_INDEX, TENSORFLOW_DATA))
    assert list(tensors) == ["a", "ab", "b"]
    np.testing.assert_array_equal(tensors["a"], np.array([[1.5, -2, 3.25]], np.float32), strict=True)
    np.testing.assert_array_equal(tensors["ab"], np.array(7), strict=True)
    np.testing.assert_array_equal(tensors["b"], np.array([True, False]), strict=True)


@given(
    tensors=st.dictionaries(
        st.text("ab/é", min_size=1, max_size=12),
        st.tuples(st.sampled_from(sorted(DTYPES)), st.lists(st.integers(0, 4), max_size=3)),
        max_size=40,
    ),
    blocks=st.integers(1, 4),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bundle_comes_back(files, tensors, blocks, seed):
    random = np.random.default_rng(seed)
    wanted = {name: (dtype, random.integers(0, 2, shape)) for name, (dtype, shape) in tensors.items()}
    found = read(*files(*bundle(wanted, blocks)))
    assert found.keys() == wanted.keys()
    for name, (dtype, array) in wanted.items():
        np.testing.assert_array_equal(found[name], array.astype(DTYPES[dtype]), strict=True)


@pytest.mark.parametrize(("contents", "crc"), [
    (b"", 0), (b"a", 0xC1D04330), (b"123456789", 0xE3069283),
    (bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43), (bytes(range(32)), 0x46DD794E),
])  # fmt: skip
def test_crc32c_of_known_strings(contents, crc):
    """The vectors of RFC 3720, B.4, and the usual check value."""
    assert crc32c(contents) == crc


@given(st.binary(max_size=700))
def test_crc32c_is_the_bitwise_definition(contents):
    register = 0xFFFFFFFF
    for byte in contents:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    assert crc32c(contents) == register ^ 0xFFFFFFFF


def damaged(files, index, data, match):
    with pytest.raises(InputError, match=match) as caught:
        read(*files(index, data))
    assert "variables.index" in str(caught.value)


@pytest.mark.parametrize(
    ("index", "match"),
    [
        (b"", "too few"),
        (b"<html>not found</html>" * 10, "ends every table"),
        (bytes(40) + MAGIC, "beyond the table"),
        (b"\xff" * 40 + MAGIC, "a number is cut off or too long"),
        (table([block([(b"", HEADER)])], kind=b"\1"), "compressed"),
        (table([]), "header is missing"),
        (table([block([(b"x", HEADER)])]), "header is missing"),
        (table([block([(b"", b"\x08\x02")])]), "2 shards"),
        (table([block([(b"", HEADER + b"\x10\x01")])]), "big-endian"),
        (table([block([(b"", HEADER), (b"b", b""), (b"a", b"")])]), "out of order"),
        (table([block([(b"", HEADER)])] * 2), "out of order"),
        (table([block([(b"", HEADER), (b"\xff", entry(1, [], 0, bytes(4)))])]), "is not text"),
        (table([b""]), "restart"),
        (table([b"\xff\xff\xff\xff"]), "restart"),
        (table([b"\5\0\0\0" + b"\1\0\0\0"]), "restart"),
        (table([b"\x05\x01\x00x" + b"\0\0\0\0" + b"\1\0\0\0"]), "shares more"),
        (table([b"\x00\x7f\x00x" + b"\0\0\0\0" + b"\1\0\0\0"]), "longer than the block"),
        (table([block([(b"", HEADER), (b"k" * 2000, b"")])]), "than any key"),
        (table([block([(b"", HEADER), (b"a", b"\x0a\x7f")])]), "cut off"),
        (table([block([(b"", HEADER), (b"a", b"\x08\x01\x0b")])]), "unknown kind"),
        (table([block([(b"", HEADER), (b"a", b"\x0a\x01x")])]), "not a number"),
        (table([block([(b"", HEADER), (b"a", b"\x08\x01\x10\x01")])]), "not a message"),
        (table([block([(b"", HEADER), (b"a", b"\x08\x01\x12\x02\x10\x01\x28\x04")])]), "shape of 'a' is damaged"),
        (table([block([(b"", HEADER), (b"a", entry(1, [1], 0, bytes(4), shard=1))])]), "another shard"),
        (table([block([(b"", HEADER), (b"a", entry(1, [3], 0, bytes(4)))])]), "not what shape"),
        (table([block([(b"", HEADER), (b"a", entry(1, [1], 1 << 62, bytes(4)))])]), "has only 8"),
        (table([block([(b"", HEADER), (b"a", entry(1, [1 << 60], 0, b"", size=4 << 60))])]), "has only 8"),
        (table([block([(b"", HEADER), (b"a", entry(1, [1 << 63, 0, 1 << 63], 0, b""))])]), "impossible shape"),
        (table([block([(b"", HEADER), (b"a", entry(1, [1] * 100, 0, bytes(4)))])]), "impossible shape"),
        (table([block([(b"", HEADER), (b"a", entry(1, [1], 0, b"1234"))])]), "checksum of 'a'"),
        (table([block([(b"", HEADER)] + [(b"%d" % i, entry(1, [2], 0, bytes(8))) for i in range(2)])]), "overlap"),
    ],
)  # fmt: skip
def test_says_what_is_wrong(files, index, match):
    damaged(files, index, bytes(8), match)


def test_a_flipped_bit_is_noticed(files):
    index, data = bundle(ONE)
    damaged(files, index, b"\x03" + data[1:], "checksum of 'a/bias'")
    damaged(files, b"\x01" + index[1:], data, "checksum of the block")
    damaged(files, index, data[:-1], "has only")


@pytest.mark.parametrize("missing", [0, 1])
def test_a_missing_file_is_named(files, missing):
    paths = files(*bundle(ONE))
    paths[missing].unlink()
    with pytest.raises(InputError, match=paths[missing].name):
        read(*paths)


def test_a_huge_index_is_not_read(files, tmp_path):
    paths = files(*bundle(ONE))
    with open(paths[0], "r+b") as file:
        file.truncate(1 << 40)  # sparse
    with pytest.raises(InputError, match="too many"):
        read(*paths)


@given(data=st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_gives_an_error_or_tensors_within_the_data(files, data):
    """Damage behind right checksums, so that it reaches the parser."""
    raw = bytearray(
        block([(b"", HEADER), *((name.encode(), value) for name, value in zip("abc", ENTRIES, strict=True))])
    )
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    raw = bytes(raw[: data.draw(st.integers(len(raw) // 2, len(raw)))] if data.draw(st.booleans()) else raw)
    try:
        tensors = read(*files(table([raw]), DATA))
    except InputError:
        return
    assert sum(tensor.nbytes for tensor in tensors.values()) <= len(DATA)


DATA = np.arange(8, dtype="<f4").tobytes()
ENTRIES = [entry(1, [2, 2], 0, DATA[:16]), entry(9, [1], 16, DATA[16:24]), entry(1, [2], 24, DATA[24:])]


@given(data=st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_to_the_file_never_gets_past(files, data):
    index = bytearray(TENSORFLOW_INDEX)
    where = data.draw(st.integers(0, len(index) - 1))
    index[where] ^= data.draw(st.integers(1, 255))
    try:
        tensors = read(*files(bytes(index), TENSORFLOW_DATA))
    except InputError:
        return
    assert list(tensors) == ["a", "ab", "b"]  # only bytes that nobody reads: the metaindex and the footer's padding
    np.testing.assert_array_equal(tensors["a"], [[1.5, -2, 3.25]])
