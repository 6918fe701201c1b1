"""Operators with weights and windows give TFLM's bytes: random sizes, extreme numbers, by whole maps and by rows."""

import functools

import numpy as np
import pytest
from engine.kernels.random_files import KINDS, Drawn

from keras_unetmm.engine import host, process
from keras_unetmm.engine.lower import EngineError
from keras_unetmm.engine.schedule import rows, whole
from keras_unetmm.interpreters import runtime

OPERATORS = 8  # in one file
SEEDS = range(3)
SECONDS = 0.02  # of search for a placement

pytestmark = pytest.mark.no_backend


def drawn(network, kind):
    """One operator, whose own types of biases are not those of the next."""
    types = network.bias_types
    made = getattr(network, kind)()
    network.bias_types = types
    return made


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_the_engine_gives_tflms_bytes(dtype, seed):
    network = Drawn(seed, dtype, usual=seed == 0)
    content = network.file(*(drawn(network, kind) for kind in KINDS for _ in range(OPERATORS)))
    inputs = network.values(extreme=seed == 2)
    expected = runtime.run(content, inputs, runtime="tflm").outputs
    for schedule in (whole, rows):
        made = host.run(content, inputs, schedule=functools.partial(schedule, seconds=SECONDS))
        for number, (a, b) in enumerate(zip(made, expected, strict=True)):
            said = f"{KINDS[number // OPERATORS]} by {schedule.__name__}, output {number}"
            np.testing.assert_array_equal(a, b.reshape(a.shape), said)


@pytest.mark.parametrize("inputs", [131071, 131072])
def test_the_longest_sum_of_bytes(inputs):
    network = Drawn(0)
    x = network.input(1, inputs, zero_point=127)
    network._weights = lambda shape, *_: network.tensor(shape, 2.0**-20, data=np.full(shape, -128, "int8"), dtype="int8")
    content, values = network.file(network.dense_over(x, 1, inputs, 3)), np.full((1, inputs), -128, "int8")
    if inputs == 131072:
        with pytest.raises(EngineError, match="131072 values"):
            host.run(content, [values])
        return
    made = host.run(content, [values], flags=(*process.FLAGS, "-ftrapv"))[0]
    np.testing.assert_array_equal(made, runtime.run(content, [values], runtime="tflm").outputs[0])
