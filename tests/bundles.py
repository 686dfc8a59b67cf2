"""TensorBundles built byte by byte, with right checksums: LevelDB tables (index) and the bytes that they describe."""

import math

from igsed.backbones.yamnet.tensorbundle import crc32c

MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
HEADER = b"\x08\x01"  # one shard
DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 9: "<i8", 10: "?", 19: "<f2"}


def varint(number):
    digits = bytearray()
    while number >= 0x80:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*digits, number])


def checksum(contents):
    crc = crc32c(contents)
    return ((((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF).to_bytes(4, "little")


def sealed(raw, kind=b"\0"):
    """A raw block as it lies in a table."""
    return raw + kind + checksum(raw + kind)


def block(entries, interval=16):
    """Entries with shared prefixes and a restart every ``interval``."""
    body, restarts, previous = b"", [], b""
    for number, (key, value) in enumerate(entries):
        shared = 0
        if number % interval == 0:
            restarts.append(len(body))
        else:
            while shared < min(len(key), len(previous)) and key[shared] == previous[shared]:
                shared += 1
        body += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        previous = key
    restarts = restarts or [0]
    return body + b"".join(r.to_bytes(4, "little") for r in restarts) + len(restarts).to_bytes(4, "little")


def table(blocks, kind=b"\0"):
    """A LevelDB table of raw data blocks, all checksums right."""
    contents, handles = b"", []
    for raw in [*blocks, block([])]:  # the metaindex comes last, before the index
        handles.append(varint(len(contents)) + varint(len(raw)))
        contents += sealed(raw, kind)
    index = block([(b"%03d" % number, handle) for number, handle in enumerate(handles[:-1])], interval=1)
    handles.append(varint(len(contents)) + varint(len(index)))
    return contents + sealed(index, kind) + (handles[-2] + handles[-1]).ljust(40, b"\0") + MAGIC


def entry(dtype, shape, offset, contents, shard=0, size=None):
    dimensions = b"".join(b"\x12" + varint(len(d)) + d for d in (b"\x08" + varint(length) for length in shape))
    size = len(contents) if size is None else size
    return (
        b"\x08" + varint(dtype) + b"\x12" + varint(len(dimensions)) + dimensions
        + (b"\x18" + varint(shard) if shard else b"")
        + b"\x20" + varint(offset) + b"\x28" + varint(size) + b"\x35" + checksum(contents)
    )  # fmt: skip


def bundle(tensors, blocks=1):
    """Index and data of named (dtype number, array)."""
    data, entries = b"", [(b"", HEADER)]
    for name in sorted(tensors, key=str.encode):
        dtype, array = tensors[name]
        contents = array.astype(DTYPES[dtype]).tobytes()
        entries.append((name.encode(), entry(dtype, array.shape, len(data), contents)))
        data += contents
    size = math.ceil(len(entries) / blocks)
    return table([block(entries[i : i + size]) for i in range(0, len(entries), size)]), data
