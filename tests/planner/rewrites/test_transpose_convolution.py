"""A transposed convolution as a 1x1 convolution and DEPTH_TO_SPACE: the same bytes, or no rewrite at all."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from tflite.network import Network

from keras_unetmm.interpreters.runtime import measure
from keras_unetmm.planner.rewrites import apply, transpose_convolution
from keras_unetmm.runtime.cross_check import OutputsDifferError, cross_check
from keras_unetmm.tflite import plan
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import read

RELU = schema.ActivationFunctionType.RELU


def rewritten(content):
    """The file with the rewrite applied at all of its sites, and those."""
    graph, file = read(content).main, File(content)
    sites = transpose_convolution.sites(graph)
    apply(file, graph, sites)
    return file.packed(), sites


def names(content):
    return [operator.name for operator in read(content).main.operators]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("per_channel", [True, False], ids=["per channel", "per tensor"])
@pytest.mark.parametrize(
    "form",
    [
        {"filters": 7},
        {"filters": 1},
        {"filters": 3, "padding": "VALID"},
        {"filters": 5, "kernel": (3, 3), "stride": (3, 3)},
        {"filters": 4, "zero_point": 17, "scale": 1 / 90},
        {"filters": 4, "fusedActivationFunction": RELU},
    ],
    ids=lambda form: ", ".join(f"{name} {value}" for name, value in form.items()),
)
def test_the_bytes_are_the_same(form, bias, per_channel, seed):
    net = Network(seed)
    x = net.input(1, 5, 3, 6, scale=1 / 40, zero_point=-11)
    content = net.file(net.transposed(x, bias=bias, per_channel=per_channel, **form))
    changed, sites = rewritten(content)
    assert len(sites) == 1
    assert sites[0].added == 1
    assert names(changed) == ["CONV_2D", "DEPTH_TO_SPACE"]
    cross_check(content, changed)


def test_in_the_middle_of_a_network_for_a_batch_of_two():
    net = Network(2)
    y = net.transposed(net.conv(net.input(2, 4, 6, 3), 8, (3, 3)), 4)
    content = net.file(net.unary("RELU", net.transposed(net.binary("ADD", y, net.constant(4)), 3)), y)
    changed, sites = rewritten(content)
    assert [site.description for site in sites] == [
        "TRANSPOSE_CONV to 2x8x12x4 as CONV_2D and DEPTH_TO_SPACE",
        "TRANSPOSE_CONV to 2x16x24x3 as CONV_2D and DEPTH_TO_SPACE",
    ]
    cross_check(content, changed)


def test_weights_that_two_operators_share_stay_for_the_other():
    net = Network(3)
    x = net.input(1, 4, 6, 3)
    y = net.transposed(x, 4)
    _, weights, _, bias = net.graph.operators[-1].inputs
    inputs = [net.numbers(1, 9, 13, 4), weights, x, bias]
    strides = {"strideH": 2, "strideW": 2, "padding": schema.Padding.VALID}
    other = net.operator("TRANSPOSE_CONV", inputs, [net.tensor((1, 9, 13, 4))], "TransposeConv", **strides)
    content = net.file(y, other)
    changed, sites = rewritten(content)
    assert [site.operators for site in sites] == [(0,)]
    cross_check(content, changed)


def larger_output(net, x):
    return by_hand(net, x, net.constant(4, 2, 2, 6), (1, 11, 7, 4))


def computed_weights(net, x):
    return by_hand(net, x, net.unary("RELU", net.input(4, 2, 2, 6)), (1, 10, 6, 4))


def another_stride(net, x):
    return by_hand(net, x, net.constant(4, 2, 2, 6), (1, 10, 6, 4), 3)


def by_hand(net, x, weights, shape, stride=2):
    strides = {"strideH": 2, "strideW": stride, "padding": schema.Padding.VALID}
    return net.operator("TRANSPOSE_CONV", [net.numbers(*shape), weights, x], [net.tensor(shape)], "TransposeConv", **strides)


def computed_bias(net, x):
    y = net.transposed(x, 4)
    net.graph.operators[-1].inputs[3] = net.input(4, dtype="int32")
    return y


NOT_EXACT = {
    "3x3 by 2": lambda net, x: net.transposed(x, 4, (3, 3)),
    "2x2 by 1": lambda net, x: net.transposed(x, 4, (2, 2), (1, 1)),
    "1x1 by 1": lambda net, x: net.transposed(x, 4, (1, 1), (1, 1)),
    "1x1 by 2": lambda net, x: net.transposed(x, 4, (1, 1)),
    "2x1": lambda net, x: net.transposed(x, 4, (2, 1), (2, 1)),
    "2x3": lambda net, x: net.transposed(x, 4, (2, 3), (2, 3)),
    "2x2 by 3": lambda net, x: net.transposed(x, 4, (2, 2), (3, 3)),
    "4x4 by 2, cut": lambda net, x: net.transposed(x, 4, (4, 4)),
    "larger output": larger_output,
    "2x2 by 2 and 3": another_stride,
    "computed weights": computed_weights,
    "computed bias": computed_bias,
}


@pytest.mark.parametrize("name", NOT_EXACT)
def test_where_it_would_not_be_the_same_nothing_is_done(name):
    net = Network(4)
    assert transpose_convolution.sites(read(net.file(NOT_EXACT[name](net, net.input(1, 5, 3, 6)))).main) == []


@pytest.mark.parametrize("kind", ["int16", "float32"])
def test_other_types_are_left_alone(kind):
    net = Network(5, kind)
    assert transpose_convolution.sites(read(net.file(net.transposed(net.input(1, 5, 3, 6), 4))).main) == []


def test_a_plan_takes_it_for_the_scratch_that_it_saves():
    net = Network(6)
    content = net.file(net.transposed(net.input(1, 16, 16, 8), 8))
    found = plan(content)
    assert found.planned.rewrites == ("TRANSPOSE_CONV to 1x32x32x8 as CONV_2D and DEPTH_TO_SPACE",)
    assert found.greedy_head == (16 * 16 + 5 * 32 * 32) * 8 == measure(content).head
    assert found.planned.head <= 2 * 32 * 32 * 8
    cross_check(content, found.planned.content)


def test_a_plan_leaves_it_where_the_operator_costs_more_than_it_saves():
    net = Network(7)
    x = net.input(1, 2, 2, 2)
    wide = net.depthwise(net.input(1, 16, 16, 32))
    content = net.file(net.transposed(x, 2), net.mean(wide, (1, 2)))
    assert len(transpose_convolution.sites(read(content).main)) == 1
    assert plan(content).planned.rewrites == ()


def test_weights_in_another_order_would_be_seen():
    net = Network(8)
    content = net.file(net.transposed(net.input(1, 5, 3, 6), 4))
    changed = File(rewritten(content)[0])
    buffer = changed.model.buffers[changed.main.tensors[changed.main.operators[0].inputs[1]].buffer]
    buffer.data = np.ascontiguousarray(buffer.data.reshape(4, 4, 6)[::-1]).ravel()
    with pytest.raises(OutputsDifferError):
        cross_check(content, changed.packed())
