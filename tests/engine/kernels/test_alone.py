"""Kernels touch no byte that is not theirs, in blocks of any length and over maps with gaps between pixels."""

import numpy as np
import pytest
from engine.kernels import alone, random_files
from engine.kernels.drawn_moves import Moving
from engine.kernels.random_files import Drawn
from engine.kernels.test_maps import KINDS, tables

from keras_unetmm.interpreters import runtime

OPERATORS = 20  # in one file

pytestmark = pytest.mark.no_backend


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_kernels_without_weights(dtype, tmp_path):
    network = Moving(7, dtype)
    kinds = [kind for kind, own in KINDS if own == dtype]
    _check(network, [getattr(network, kind)() for kind in kinds for _ in range(OPERATORS)], tmp_path)


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_kernels_with_weights(dtype, tmp_path):
    network, outputs = Drawn(7, dtype), []
    usual = network.bias_types
    for kind in random_files.KINDS:
        network.bias_types = usual  # which some kinds narrow
        outputs += [getattr(network, kind)() for _ in range(OPERATORS)]
    _check(network, outputs, tmp_path)


def _check(network, outputs, folder):
    content, inputs = network.file(*outputs), network.values()
    expected = runtime.run(content, inputs, runtime="tflm").outputs
    made = alone.run(content, inputs, tables, folder)
    for number, (a, b) in enumerate(zip(made, expected, strict=True)):
        np.testing.assert_array_equal(a, b.reshape(a.shape), f"output {number}")
