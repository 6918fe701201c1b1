"""Operators with weights and windows give TFLM's bytes: random sizes, extreme numbers, by whole maps and by rows."""

import numpy as np
import pytest
from engine.kernels.random_files import KINDS, Drawn

from keras_unetmm.engine import host
from keras_unetmm.engine.schedule import rows, whole
from keras_unetmm.interpreters import runtime

OPERATORS = 8  # in one file
SEEDS = range(3)

pytestmark = pytest.mark.no_backend


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_engine_gives_tflms_bytes(kind, dtype, seed):
    network = Drawn(seed, dtype, usual=seed == 0)
    content = network.file(*(getattr(network, kind)() for _ in range(OPERATORS)))
    inputs = network.values(extreme=seed == 2)
    expected = runtime.run(content, inputs, runtime="tflm").outputs
    for schedule in (whole, rows):
        made = host.run(content, inputs, schedule=schedule)
        for number, (a, b) in enumerate(zip(made, expected, strict=True)):
            np.testing.assert_array_equal(a, b.reshape(a.shape), f"output {number} of {schedule.__name__}")
