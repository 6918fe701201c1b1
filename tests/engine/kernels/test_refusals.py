"""Forms of operators with weights that the engine lacks are refused by name; none is computed otherwise."""

import numpy as np
import pytest
from tflite.network import Network

from keras_unetmm.engine.lower import EngineError, lower
from keras_unetmm.tflite_file import graph

pytestmark = pytest.mark.no_backend


def computed_weights():
    net = Network()
    x, weights = net.input(1, 4, 4, 2), net.input(3, 1, 1, 2)
    return net, net.operator("CONV_2D", [x, weights], [net.tensor((1, 4, 4, 3))], "Conv2D", strideH=1, strideW=1)


def computed_bias():
    net = Network()
    x, bias = net.input(1, 4, 4, 2), net.input(3, dtype="int32")
    values = {"strideH": 1, "strideW": 1}
    return net, net.operator("CONV_2D", [x, net.constant(3, 1, 1, 2), bias], [net.tensor((1, 4, 4, 3))], "Conv2D", **values)


def fused_tanh():
    net = Network()
    return net, net.conv(net.input(1, 4, 4, 2), 3, activation="TANH")


def tall_kernel():
    net = Network()
    return net, net.depthwise(net.input(1, 70, 4, 2), (65, 1))


def far_apart():
    net = Network()
    return net, net.conv(net.input(1, 300, 4, 2), 2, (2, 1), dilation=(256, 1))


def other_multiplier():
    net = Network()
    made = net.depthwise(net.input(1, 4, 4, 2), multiplier=2)
    net.graph.operators[-1].builtinOptions.depthMultiplier = 3
    return net, made


def narrow_bias():
    net = Network(dtype="int16")
    made = net.depthwise(net.input(1, 4, 4, 2))
    bias = net.graph.operators[-1].inputs[2]
    net.graph.operators[-1].inputs[2] = net.tensor(net.shape(bias), dtype="int32", data=np.zeros(2, "int32"))
    return net, made


def huge_scale():
    net = Network()
    x = net.input(1, 4, 4, 2, scale=2.0**20)
    return net, net.conv(x, 3, scale=2.0**-20)


def zero_point_of_weights():
    net = Network()
    x, weights = net.input(3, 8), net.constant(5, 8, zero_point=4)
    return net, net.operator("FULLY_CONNECTED", [x, weights], [net.tensor((3, 5))], "FullyConnected", keepNumDims=True)


def shared_state():
    net = Network()
    x, state = net.input(1, 8), net.tensor((1, 30), dtype="int16")
    net.graph.tensors[state].isVariable = True
    outputs = []
    for _ in range(2):
        time = net.tensor((6, 5), 1 / 64, 0, "int16", np.ones((6, 5), "int16"))
        bias = net.tensor((3,), 1 / 4096, 0, "int32", np.zeros(3, "int32"))
        made = net.tensor((1, 3))
        outputs.append(net.operator("SVDF", [x, net.constant(6, 8), time, bias, state], [made], "SVDF", rank=2))
    return net, *outputs


CASES = {
    computed_weights: r"operator 0, CONV_2D.*weights are computed",
    computed_bias: r"bias must be 3 constants of int32. Received: a computed tensor",
    fused_tanh: r"fused activation is TANH",
    tall_kernel: r"operator 0, DEPTHWISE_CONV_2D.*65 rows",
    far_apart: r"256 apart",
    other_multiplier: r"2 channels times a depth multiplier of 3",
    narrow_bias: r"constants of int64. Received: int32",
    huge_scale: r"multiply sums by 2\^30",
    zero_point_of_weights: r"FULLY_CONNECTED.*zero point other than 0",
    shared_state: r"SVDF.*state of its own",
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_what_the_engine_lacks_is_refused(case):
    net, *outputs = case()
    with pytest.raises(EngineError, match=CASES[case]):
        lower(graph.read(net.file(*outputs)).main)
