"""What the process that has read a hostile file can say: JSON and numbers, within bounds."""

import io
import json
import pickle

import numpy as np
import pytest

from keras_unetmm.interpreters import wire


def message(header, body=b""):
    content = header if isinstance(header, bytes) else json.dumps(header).encode()
    return io.BytesIO(len(content).to_bytes(8, "little") + content + body)


def announced(*arrays):
    return message({"message": None, "arrays": list(arrays)})


def test_what_is_sent_arrives():
    stream = io.BytesIO()
    arrays = [np.arange(12).astype(kind).reshape(3, 4) for kind in wire.TYPES]
    wire.send(stream, {"a": [1, None, "x"]}, [*arrays, b"bytes", np.zeros((0, 3), "int8"), np.float32(2)])
    stream.seek(0)
    said, received = wire.receive(stream)
    assert said == {"a": [1, None, "x"]}
    for array, other in zip(arrays, received, strict=False):
        assert array.dtype == other.dtype
        np.testing.assert_array_equal(array, other)
    assert received[-3].tobytes() == b"bytes"
    assert [array.shape for array in received[-2:]] == [(0, 3), ()]


@pytest.mark.parametrize(
    "stream",
    [
        io.BytesIO((2**40).to_bytes(8, "little")),
        message(pickle.dumps({"message": 1, "arrays": []})),
        message(b"[" * 100_000),
        message({"message": 1}),
        message([1]),
        announced(["object", [1]]),
        announced(["int8", [2**30]]),
        announced(["int8", [2**40, 2**40, 0]], ["float64", [2**28]]),
        announced(["int8", [-1]]),
        announced(["int8", ["1"]]),
        announced(*[["int8", [0]]] * 20_000),
    ],
    ids=range(11),
)
def test_what_is_no_message_is_refused_before_memory_is_taken(stream):
    with pytest.raises(wire.WireError):
        wire.receive(stream)


def test_the_end_is_noticed():
    for stream in (io.BytesIO(b""), io.BytesIO(b"123"), announced(["int8", [4]])):
        with pytest.raises(EOFError):
            wire.receive(stream)


def test_objects_are_not_sent():
    with pytest.raises(TypeError, match="arrays must be of the types"):
        wire.send(io.BytesIO(), None, [np.array([object()])])
