"""Reading a TensorFlow TensorBundle (the ``variables.*`` files of a SavedModel) without TensorFlow.

A bundle is an index and a data file. The index is a LevelDB table: data blocks of prefix-compressed keys in
strictly rising order, an index block that points to them, and a footer that points to the index block. Key "" holds
a ``BundleHeaderProto``, every other key a ``BundleEntryProto`` that says where in the data file its tensor lies.

Both files may come from anywhere, so every length and offset in them is checked before it is used, and so are the
CRC-32C checksums of blocks and tensors.

Sources: LevelDB, ``doc/table_format.md``; TensorFlow, ``core/protobuf/tensor_bundle.proto`` and ``types.proto``;
CRC-32C: RFC 3720, appendix B.4.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from igsed.errors import InputError

_MAGIC = 0xDB4775248B80FB57
_FOOTER = 48
_BLOCK_TRAILER = 5  # one byte of compression type, four of checksum
_INDEX_LIMIT = 1 << 20  # thousands of tensors; YAMNet has 138
_KEY_LIMIT = 1024

# numbers of types.proto; those without a numpy type (strings, resources, quantised types) are not tensors of weights
_DTYPES = {
    1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 5: "<i2", 6: "i1", 8: "<c8", 9: "<i8", 10: "?", 17: "<u2", 18: "<c16",
    19: "<f2", 22: "<u4", 23: "<u8",
}  # fmt: skip


class _Malformed(Exception):
    """What is wrong with the bytes; ``read`` adds the file's name."""


def read(index: Path, data: Path) -> dict[str, np.ndarray]:
    """All numeric tensors of a bundle.

    Parameters
    ----------
    index : Path
        The table, usually ``variables.index``.
    data : Path
        The only shard, usually ``variables.data-00000-of-00001``.

    Returns
    -------
    dict of str to np.ndarray
        Checkpoint key to tensor, in the order of the keys. Entries of a non-numeric type, such as the object graph
        that Keras adds, are left out.

    Raises
    ------
    InputError
        A file cannot be read, or is not (or no longer) what TensorFlow wrote.
    """
    table = _contents(index, limit=_INDEX_LIMIT)
    tensors = _contents(data)
    try:
        return dict(_tensors(table, tensors, Path(data)))
    except _Malformed as problem:
        raise InputError(f"{index}: not a readable TensorFlow TensorBundle: {problem}; fetch the model again") from None


def _contents(path: Path, limit: int | None = None) -> memoryview:
    path = Path(path)
    try:
        size = path.stat().st_size
        if limit is not None and size > limit:
            raise InputError(f"{path}: {size} bytes are too many for the index of a TensorBundle (at most {limit})")
        return memoryview(path.read_bytes())
    except (OSError, MemoryError) as problem:
        raise InputError(f"{path}: cannot be read: {problem}") from None


def _tensors(table: memoryview, tensors: memoryview, data: Path) -> Iterator[tuple[str, np.ndarray]]:
    entries = _entries(table)
    key, header = next(entries, (None, None))
    if key != b"" or header is None:
        raise _Malformed("the header is missing")
    fields = _message(header)
    if _number(fields, 1) != 1:
        raise _Malformed(f"it has {_number(fields, 1)} shards, but only bundles of one can be read")
    if _number(fields, 2) != 0:
        raise _Malformed("it was written on a big-endian machine")
    total = 0
    for key, value in entries:
        try:
            name = key.decode()
        except UnicodeDecodeError:
            raise _Malformed(f"the key {key!r} is not text") from None
        fields = _message(value)
        if _number(fields, 1) not in _DTYPES:
            continue
        tensor = _tensor(name, fields, tensors, data)
        total += tensor.nbytes
        if total > len(tensors):
            raise _Malformed(f"its tensors overlap in {data.name}, from {name!r} on")
        yield name, tensor


def _tensor(name: str, fields: dict[int, list], tensors: memoryview, data: Path) -> np.ndarray:
    dtype = np.dtype(_DTYPES[_number(fields, 1)])
    shape = _shape(name, fields)
    offset, size = _number(fields, 4), _number(fields, 5)
    if _number(fields, 3) != 0 or 7 in fields:
        raise _Malformed(f"{name!r} is a slice of a tensor or lies in another shard")
    if size != math.prod(shape) * dtype.itemsize:
        raise _Malformed(f"{name!r} has {size} bytes, which is not what shape {shape} of {dtype} takes")
    if offset + size > len(tensors):
        raise _Malformed(f"{name!r} ends at byte {offset + size}, but {data} has only {len(tensors)}")
    contents = tensors[offset : offset + size]
    if _masked(crc32c(contents)) != _number(fields, 6):
        raise _Malformed(f"the checksum of {name!r} in {data} is wrong")
    try:
        return np.frombuffer(contents, dtype).reshape(shape).copy()
    except ValueError as problem:
        raise _Malformed(f"{name!r} has an impossible shape: {problem}") from None


def _shape(name: str, fields: dict[int, list]) -> tuple[int, ...]:
    """``TensorShapeProto``: repeated field 2, each a message whose field 1 is the size of one dimension."""
    sizes = []
    for dimension in _message(_bytes(fields, 2)).get(2, []):
        if not isinstance(dimension, memoryview):
            raise _Malformed(f"the shape of {name!r} is damaged")
        sizes.append(_number(_message(dimension), 1))
    return tuple(sizes)


def _entries(table: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Key and value of every entry of a LevelDB table, keys strictly rising."""
    if len(table) < _FOOTER:
        raise _Malformed(f"{len(table)} bytes are too few")
    footer = table[-_FOOTER:]
    if int.from_bytes(footer[-8:], "little") != _MAGIC:
        raise _Malformed("the number that ends every table is missing")
    position = 0
    for _ in range(2):  # the handle of the metaindex block, which bundles leave empty
        _, position = _varint(footer, position)
    previous, end = None, 0
    for _, handle in _block(table, *_handle(footer, position)):
        offset, size = _handle(handle, 0)
        if offset < end:
            raise _Malformed(f"the block at byte {offset} begins before the end of the one before it")
        end = offset + size + _BLOCK_TRAILER
        for key, value in _block(table, offset, size):
            if previous is not None and key <= previous:
                raise _Malformed(f"its keys are out of order at {key!r}")
            previous = key
            yield key, value


def _handle(buffer: memoryview, position: int) -> tuple[int, int]:
    offset, position = _varint(buffer, position)
    size, _ = _varint(buffer, position)
    return offset, size


def _block(table: memoryview, offset: int, size: int) -> Iterator[tuple[bytes, memoryview]]:
    """Key and value of every entry of one block."""
    end = offset + size
    if end + _BLOCK_TRAILER > len(table) - _FOOTER:
        raise _Malformed(f"a block ends at byte {end}, beyond the table")
    if table[end] != 0:
        raise _Malformed("a block is compressed, which TensorFlow never does")
    if _masked(crc32c(table[offset : end + 1])) != int.from_bytes(table[end + 1 : end + 5], "little"):
        raise _Malformed(f"the checksum of the block at byte {offset} is wrong")
    block = table[offset:end]
    restarts = int.from_bytes(block[-4:], "little") if size >= 4 else 0
    if restarts < 1 or 4 * (restarts + 1) > size:
        raise _Malformed(f"the block at byte {offset} has {restarts} restart points")
    entries = block[: size - 4 * (restarts + 1)]
    points = np.frombuffer(block, "<u4", restarts, len(entries))
    if points[0] != 0 or (np.diff(points.astype(np.int64)) <= 0).any() or points[-1] > len(entries):
        raise _Malformed(f"the restart points of the block at byte {offset} do not rise from 0 within it")
    whole = set(points.tolist())
    key = b""
    position = 0
    while position < len(entries):
        start = position
        shared, position = _varint(entries, position)
        unshared, position = _varint(entries, position)
        length, position = _varint(entries, position)
        if shared > len(key) or (shared and start in whole):
            raise _Malformed(f"a key in the block at byte {offset} shares more than there is to share")
        if shared + unshared > _KEY_LIMIT or position + unshared + length > len(entries):
            raise _Malformed(f"an entry of the block at byte {offset} is longer than the block or than any key")
        key = key[:shared] + bytes(entries[position : position + unshared])
        position += unshared
        yield key, entries[position : position + length]
        position += length


def _message(buffer: memoryview) -> dict[int, list[int | memoryview]]:
    """Fields of a protocol buffer message: number to all its values, raw (numbers unsigned)."""
    fields: dict[int, list[int | memoryview]] = {}
    position = 0
    value: int | memoryview
    while position < len(buffer):
        tag, position = _varint(buffer, position)
        kind = tag & 7
        if kind == 0:
            value, position = _varint(buffer, position)
        elif kind in (1, 2, 5):
            if kind == 2:
                length, position = _varint(buffer, position)
            else:
                length = 8 if kind == 1 else 4
            if position + length > len(buffer):
                raise _Malformed("a message is cut off")
            piece = buffer[position : position + length]
            position += length
            value = piece if kind == 2 else int.from_bytes(piece, "little")
        else:
            raise _Malformed(f"a message has a field of the unknown kind {kind}")
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def _number(fields: dict[int, list], field: int) -> int:
    value = fields.get(field, [0])[-1]
    if not isinstance(value, int):
        raise _Malformed(f"field {field} of a message is not a number")
    return value


def _bytes(fields: dict[int, list], field: int) -> memoryview:
    value = fields.get(field, [memoryview(b"")])[-1]
    if not isinstance(value, memoryview):
        raise _Malformed(f"field {field} of a message is not a message")
    return value


def _varint(buffer: memoryview, position: int) -> tuple[int, int]:
    """The unsigned number at ``position``, seven bits a byte, and the position after it."""
    value = 0
    for count, byte in enumerate(buffer[position : position + 10]):
        value |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            if value >= 1 << 64:
                break
            return value, position + count + 1
    raise _Malformed("a number is cut off or too long")


def _crc_table() -> np.ndarray:
    register: np.ndarray = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        register = (register >> 1) ^ np.where(register & 1, np.uint32(0x82F63B78), np.uint32(0))
    return register


_CRC_TABLE = _crc_table()


def _masked(crc: int) -> int:
    """LevelDB stores checksums rotated and shifted, so that a checksum of checksums stays a good one."""
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def crc32c(contents: bytes | memoryview) -> int:
    """CRC-32C (Castagnoli) of a byte string.

    A CRC is linear, so the string is cut into rows of equal length whose registers advance side by side; rows are
    then joined in pairs, after advancing the left one over the length of the right one. That takes a few hundred
    numpy calls for megabytes where the usual loop takes a Python step a byte.

    Examples
    --------
    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    message = np.frombuffer(contents, np.uint8)
    if message.size < 4:
        return _crc32c_short(bytes(message))
    # A register that starts with all bits set equals a zero one over a string whose first four bytes are inverted,
    # and zeros in front leave a zero register zero, so the string can be filled up to a whole number of rows.
    rows = 1 << (message.size.bit_length() - 1) // 2
    width = -(-message.size // rows)
    start = rows * width - message.size
    filled = np.zeros(rows * width, np.uint8)
    filled[start:] = message
    filled[start : start + 4] ^= 0xFF
    register = np.zeros(rows, np.uint32)
    for column in filled.reshape(rows, width).T:
        register = _advance(register, column)
    # what becomes of each bit over `width` zero bytes
    shift: np.ndarray = np.uint32(1) << np.arange(32, dtype=np.uint32)
    for _ in range(width):
        shift = _advance(shift, np.uint8(0))
    while register.size > 1:
        register = _apply(shift, register[::2]) ^ register[1::2]
        shift = _apply(shift, shift)
    return int(register[0]) ^ 0xFFFFFFFF


def _crc32c_short(contents: bytes) -> int:
    register: np.ndarray | np.uint32 = np.uint32(0xFFFFFFFF)
    for byte in contents:
        register = _advance(register, np.uint8(byte))
    return int(register) ^ 0xFFFFFFFF


def _advance(register: np.ndarray | np.uint32, byte: np.ndarray | np.uint8) -> np.ndarray:
    return (register >> np.uint32(8)) ^ _CRC_TABLE[(register ^ byte) & np.uint32(0xFF)]


def _apply(operator: np.ndarray, registers: np.ndarray) -> np.ndarray:
    """Linear operator over bits (the image of each of the 32 bits) applied to every register."""
    result = np.zeros_like(registers)
    for bit, image in enumerate(operator):
        result ^= np.where((registers >> np.uint32(bit)) & 1, image, np.uint32(0))
    return result
