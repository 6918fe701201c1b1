# SPDX-License-Identifier: Apache-2.0
"""Messages between this process and the one that has read a file: JSON and plain numbers, which cannot carry code.

A message is the length of its JSON, the JSON, and the bytes of the arrays that it announces by type and shape, one after the
other. Whoever receives it refuses lengths, types and counts beyond what was asked for before memory is taken for them.
"""

import json
import math

import numpy as np

MOST_BYTES = 2**29  # of an array: no file that is run takes or gives more
_MOST_HEADER = 2**22  # bytes of JSON
_MOST_ARRAYS = 2**14
_MOST_RANK = 32
_LENGTH = 8  # bytes of the JSON's length
TYPES = (  # of arrays
    *("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"),
    *("float16", "float32", "float64", "complex64", "complex128"),
)


class WireError(Exception):
    """What came is no message: the process that sent it is out of its mind."""


def send(stream, message, arrays=()):
    """Writes a message and flushes the stream.

    Args:
        stream: binary file, to write.
        message: what JSON can hold.
        arrays: sequence of arrays, or of bytes, which arrive as arrays of uint8.

    Raises:
        TypeError: for an array of another type than `TYPES`, or a message that JSON cannot hold.
    """
    arrays = [np.frombuffer(a, "uint8") if isinstance(a, (bytes, bytearray)) else np.asarray(a, order="C") for a in arrays]
    for array in arrays:
        if array.dtype.name not in TYPES:
            raise TypeError(f"arrays must be of the types {', '.join(TYPES)}. Received: {array.dtype}.")
    said = {"message": message, "arrays": [[array.dtype.name, list(array.shape)] for array in arrays]}
    header = json.dumps(said).encode()
    stream.write(len(header).to_bytes(_LENGTH, "little") + header)
    for array in arrays:
        if array.size:
            stream.write(array.reshape(-1).view("uint8").data)
    stream.flush()


def receive(stream):
    """Reads a message: what was sent, and a list of the arrays.

    Raises:
        EOFError: if the stream ends before the message.
        WireError: if it is no message, or announces more than `MOST_BYTES` for an array.
    """
    length = int.from_bytes(_exactly(stream, _LENGTH), "little")
    if length > _MOST_HEADER:
        raise WireError(f"a header of {length:,} bytes")
    try:
        said = json.loads(_exactly(stream, length))
        message, announced = said["message"], said["arrays"]
        kinds = [(kind, tuple(shape)) for kind, shape in announced]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise WireError(f"a header that makes no sense: {error}") from error
    if len(kinds) > _MOST_ARRAYS:
        raise WireError(f"{len(kinds):,} arrays")
    return message, [_array(stream, kind, shape) for kind, shape in kinds]


def _array(stream, kind, shape):
    sound = kind in TYPES and len(shape) <= _MOST_RANK and all(type(size) is int and 0 <= size < 2**63 for size in shape)
    size = math.prod(shape) * np.dtype(kind).itemsize if sound else 0
    if not sound or math.prod(size for size in shape if size) > MOST_BYTES or size > MOST_BYTES:
        raise WireError(f"an array of {kind!r} and the shape {shape}")
    content = bytearray(size)
    view, filled = memoryview(content), 0
    while filled < size:
        count = stream.readinto(view[filled:])
        if not count:
            raise EOFError
        filled += count
    return np.frombuffer(content, kind).reshape(shape)


def _exactly(stream, count):
    content = stream.read(count)
    if len(content) < count:
        raise EOFError
    return content
