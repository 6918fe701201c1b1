"""Operators without weights give TFLM's bytes: random sizes and numbers, by whole maps and by rows."""

import numpy as np
import pytest
from engine.kernels import drawn_arithmetic, drawn_moves
from engine.kernels.drawn_moves import Moving

from keras_unetmm.engine import host
from keras_unetmm.engine.lower import EngineError
from keras_unetmm.engine.schedule import rows, whole
from keras_unetmm.interpreters import runtime

OPERATORS = 10  # in one file
KINDS = [
    *((kind, dtype) for kind in (*drawn_arithmetic.BOTH, *drawn_moves.BOTH) for dtype in ("int8", "int16")),
    *((kind, "int8") for kind in (*drawn_arithmetic.NARROW, *drawn_moves.NARROW)),
    *((kind, "int16") for kind in drawn_arithmetic.WIDE),
]

pytestmark = pytest.mark.no_backend


def tables(content):
    """What a table of 256 bytes holds, by TFLM."""
    values = np.arange(-128, 128).astype("int8").reshape(1, 16, 16, 1)
    return runtime.run(content, values, runtime="tflm").outputs[0].reshape(-1).view("uint8")


@pytest.mark.parametrize(("kind", "dtype"), KINDS)
def test_the_engine_gives_tflms_bytes(kind, dtype):
    network = Moving(0, dtype)
    content = network.file(*(getattr(network, kind)() for _ in range(OPERATORS)))
    for schedule, extreme in ((whole, False), (whole, True), (rows, False)):
        inputs = network.values(extreme)
        expected = runtime.run(content, inputs, runtime="tflm").outputs
        made = host.run(content, inputs, tables, schedule=schedule)
        for number, (a, b) in enumerate(zip(made, expected, strict=True)):
            np.testing.assert_array_equal(a, b.reshape(a.shape), f"output {number} of {schedule.__name__}")


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
