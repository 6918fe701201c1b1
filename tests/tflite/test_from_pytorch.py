"""A file as litert-torch writes it: float ends, channels first, every convolution between TRANSPOSEs."""

import numpy as np
import pytest
from engine.programs import COMPILERS
from tflite.network import Network

from keras_unetmm import tflite


def network():
    net = Network(0)
    x = net.input(1, 3, 16, 16, dtype="float32")
    x = net.operator("QUANTIZE", [x], [net.tensor((1, 3, 16, 16), 1 / 255, -128)])
    for filters, size in ((8, 16), (4, 8)):
        x = transposed(net, x, (0, 2, 3, 1))
        x = net.conv(x, filters, (3, 3), stride=(1, 1) if size == 16 else (2, 2))
        x = transposed(net, net.unary("RELU", x), (0, 3, 1, 2))
    return net.file(net.operator("DEQUANTIZE", [x], [net.tensor(net.shape(x), dtype="float32")]))


def transposed(net, x, axes):
    made = net.like(x, *(net.shape(x)[axis] for axis in axes))
    return net.operator("TRANSPOSE", [x, net.numbers(*axes)], [made], "Transpose")


def test_a_network_of_pytorch_is_judged_planned_and_written_as_C(tmp_path):
    content = network()
    verdict = tflite.check(content, "tflm")
    assert {operator.verdict for operator in verdict.operators} == {"supported"}
    planned = tflite.plan(content).planned
    x = np.random.default_rng(0).random((1, 3, 16, 16)).astype("float32")
    want = tflite.run(content, x).values[0]
    assert want.shape == (1, 4, 8, 8)
    assert want.std() > 0
    np.testing.assert_array_equal(tflite.run(planned.content, x).values[0], want)
    if not COMPILERS:
        pytest.skip("neither gcc nor clang is installed")
    figures = tflite.firmware(planned.content, tmp_path / "c", "net")
    assert figures["ram_bytes"] > 0
    assert (tmp_path / "c" / "net.c").exists() or list((tmp_path / "c").glob("*.c"))
