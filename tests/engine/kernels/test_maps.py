"""Operators without weights give TFLM's bytes: random sizes and numbers, by whole maps and by rows."""

import functools

import numpy as np
import pytest
from engine.kernels import drawn_arithmetic, drawn_moves
from engine.kernels.drawn_moves import Moving
from tflite.network import Network

from keras_unetmm.engine import host
from keras_unetmm.engine.lower import EngineError
from keras_unetmm.engine.schedule import rows, whole
from keras_unetmm.interpreters import runtime

OPERATORS = 10  # in one file
SECONDS = 0.02  # of search for a placement
KINDS = [
    *((kind, dtype) for kind in (*drawn_arithmetic.BOTH, *drawn_moves.BOTH) for dtype in ("int8", "int16")),
    *((kind, "int8") for kind in (*drawn_arithmetic.NARROW, *drawn_moves.NARROW)),
    *((kind, "int16") for kind in drawn_arithmetic.WIDE),
]

AT_ONCE = 6  # of them in one file: each is compiled twice

pytestmark = pytest.mark.no_backend


def groups():
    """Lists of kinds of one type, and the type."""
    for dtype in ("int8", "int16"):
        kinds = [kind for kind, of in KINDS if of == dtype]
        yield from ((kinds[i : i + AT_ONCE], dtype) for i in range(0, len(kinds), AT_ONCE))


def tables(content):
    """What a table of 256 bytes holds, by TFLM."""
    values = np.arange(-128, 128).astype("int8").reshape(1, 16, 16, 1)
    return runtime.run(content, values, runtime="tflm").outputs[0].reshape(-1).view("uint8")


@pytest.mark.parametrize(("kinds", "dtype"), list(groups()), ids=lambda value: value if isinstance(value, str) else value[0])
def test_the_engine_gives_tflms_bytes(kinds, dtype):
    network = Moving(0, dtype)
    content = network.file(*(getattr(network, kind)() for kind in kinds for _ in range(OPERATORS)))
    for schedule, extreme in ((whole, False), (whole, True), (rows, False)):
        inputs = network.values(extreme)
        expected = runtime.run(content, inputs, runtime="tflm").outputs
        made = host.run(content, inputs, tables, schedule=functools.partial(schedule, seconds=SECONDS))
        for number, (a, b) in enumerate(zip(made, expected, strict=True)):
            said = f"{kinds[number // OPERATORS]} by {schedule.__name__}, output {number}"
            np.testing.assert_array_equal(a, b.reshape(a.shape), said)


@pytest.mark.parametrize(
    ("name", "types", "said"),
    [
        ("DEQUANTIZE", ("int8", "float32"), "floats"),
        ("SOFTMAX", ("int16", "int8"), "INT8"),
        ("SPACE_TO_DEPTH", ("int16", "int16"), "INT16"),
    ],
)
def test_refuses_by_name(name, types, said):
    network = Moving(0, types[0])
    x = network.input(1, 4, 4, 4)
    shape = (1, 2, 2, 16) if name == "SPACE_TO_DEPTH" else (1, 4, 4, 4)
    options, values = {"SOFTMAX": ("Softmax", {"beta": 1.0}), "SPACE_TO_DEPTH": ("SpaceToDepth", {"blockSize": 2})}.get(
        name, (None, {})
    )
    content = network.file(network.operator(name, [x], [network.tensor(shape, dtype=types[1])], options, **values))
    with pytest.raises(EngineError, match=said):
        host.run(content, network.values(), tables)


@pytest.mark.parametrize("name", ["ADD", "SUB", "MUL", "SQUARED_DIFFERENCE"])
def test_all_pairs_of_bytes_with_scales_whose_quotients_differ_in_float32(name):
    values = np.arange(-128, 128, dtype="int8")
    pairs = [np.array(np.broadcast_to(part, (1, 256, 256, 1))) for part in (values[:, None, None], values[:, None])]
    network, outputs = Network(), []
    for _ in range(len(pairs)):
        network.input(1, 256, 256, 1, scale=1 / 50, zero_point=-7)
        network.input(1, 256, 256, 1, scale=1 / 64)
    for first, second in ((0, 1), (1, 0), (0, 3), (3, 2)):
        outputs.append(network.binary(name, first, second, scale=1 / 50, zero_point=-7))
    content, inputs = network.file(*outputs), [*pairs, *pairs]
    made = host.run(content, inputs, tables, schedule=rows)
    for a, b in zip(made, runtime.run(content, inputs, runtime="tflm").outputs, strict=True):
        np.testing.assert_array_equal(a, b.reshape(a.shape))
