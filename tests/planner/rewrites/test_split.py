"""A SPLIT of channels pushed up: the same bytes, whatever lies between it and the convolutions, or no rewrite at all.

One file although it is long: what may be split and what may not are two lists of small graphs around the same gate.
"""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from tflite.network import Network

from keras_unetmm.interpreters.runtime import measure
from keras_unetmm.planner.rewrites import apply, split
from keras_unetmm.runtime.cross_check import OutputsDifferError, cross_check
from keras_unetmm.tflite import plan
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import read

SAMPLES = {"int8": {"scale": 1 / 40, "zero_point": 5}, "int16": {"scale": 1 / 4000}, "float32": {}}


def rewritten(content):
    """The file with the rewrite applied at all of its sites, and those."""
    graph, file = read(content).main, File(content)
    sites = split.sites(graph)
    apply(file, graph, sites)
    return file.packed(), sites


def gate(net, x, parts=2):
    """A SPLIT and the product of its parts."""
    first, *rest = net.split(x, parts)
    for part in rest:
        first = net.binary("MUL", first, part, scale=1 / 16)
    return first


FORMS = {
    "point-wise": lambda net, x: net.conv(x, 12),
    "3x3": lambda net, x: net.conv(x, 12, (3, 3), scale=1 / 50, zero_point=3),
    "strided": lambda net, x: net.conv(x, 12, (3, 3), stride=(2, 1), padding="VALID", activation="RELU6"),
    "dilated": lambda net, x: net.conv(x, 12, (3, 2), dilation=(2, 2)),
    "without bias": lambda net, x: net.conv(x, 12, bias=False),
    "depthwise": lambda net, x: net.depthwise(net.conv(x, 12), (3, 3), zero_point=-9),
    "depthwise strided": lambda net, x: net.depthwise(net.conv(x, 12), (3, 3), stride=(2, 2), bias=False),
    "depthwise dilated": lambda net, x: net.depthwise(net.conv(x, 12), (3, 3), dilation=(2, 3), activation="RELU"),
    "depthwise valid": lambda net, x: net.depthwise(net.conv(x, 12), (2, 5), padding="VALID"),
    "two depthwise": lambda net, x: net.depthwise(net.depthwise(net.conv(x, 12)), (1, 3)),
    "multiplier": lambda net, x: net.depthwise(net.conv(x, 4), multiplier=3),
    "relu": lambda net, x: net.unary("RELU", net.conv(x, 12)),
    "max pool": lambda net, x: net.pool("MAX_POOL_2D", net.conv(x, 12), stride=(2, 2)),
    "average pool": lambda net, x: net.pool("AVERAGE_POOL_2D", net.conv(x, 12), (3, 3)),
    "constant operand": lambda net, x: net.binary("MUL", net.conv(x, 12), net.constant(12)),
    "whole constant": lambda net, x: net.binary("ADD", net.constant(1, 6, 9, 12), net.conv(x, 12), scale=1 / 30),
    "scalar operand": lambda net, x: net.binary("SUB", net.constant(1), net.conv(x, 12)),
    "two convolutions": lambda net, x: net.binary("ADD", net.conv(x, 12), net.depthwise(net.conv(x, 12))),
    "one map, twice": lambda net, x: net.binary("MUL", *[net.conv(x, 12)] * 2),
    "small operand": lambda net, x: net.binary("MUL", net.conv(x, 12), net.mean(net.input(1, 3, 3, 12), (1, 2))),
    "one channel": lambda net, x: net.binary("MUL", net.conv(x, 12), net.mean(x, (3,))),
    "a long way": lambda net, x: net.pool(
        "MAX_POOL_2D", net.unary("RELU", net.depthwise(net.binary("ADD", net.conv(x, 12), net.constant(12)))), (2, 1)
    ),
}
ONLY_INT8 = {
    "logistic": lambda net, x: net.logistic(net.conv(x, 12)),
    "quantize": lambda net, x: net.unary("QUANTIZE", net.conv(x, 12), scale=1 / 33, zero_point=4),
    "leaky": lambda net, x: net.unary("LEAKY_RELU", net.conv(x, 12)),
    "hard swish": lambda net, x: net.unary("HARD_SWISH", net.conv(x, 12), scale=1 / 50, zero_point=-3),
    "nearest": lambda net, x: net.resize("RESIZE_NEAREST_NEIGHBOR", net.conv(x, 12), 11, 7),
    "bilinear": lambda net, x: net.resize("RESIZE_BILINEAR", net.conv(x, 12), 11, 7),
    "dense": lambda net, x: net.dense(x, 12),
    "dense and relu": lambda net, x: net.unary("RELU6", net.dense(net.reshape(x, 54, 5), 12)),
}
CASES = [(kind, name) for kind in SAMPLES for name in FORMS] + [("int8", name) for name in ONLY_INT8]


@pytest.mark.parametrize(("kind", "name"), CASES, ids=[f"{name}, {kind}" for kind, name in CASES])
def test_the_parts_are_the_same_bytes(kind, name):
    net = Network(len(name), kind)
    made = {**FORMS, **ONLY_INT8}[name](net, net.input(1, 6, 9, 5, **SAMPLES[kind]))
    content = net.file(gate(net, made))
    changed, sites = rewritten(content)
    assert len(sites) == 1
    before, after = read(content).main, read(changed).main
    assert len(after.operators) == len(before.operators) + sites[0].added
    assert before.tensors[before.outputs[0]].shape == after.tensors[after.outputs[0]].shape
    whole = before.tensors[made].shape
    if "operand" not in name or "small" not in name:
        assert all(op.name not in ("SPLIT", "SPLIT_V") for op in after.operators)
    assert all(tensor.shape != whole or tensor.data is not None for tensor in after.tensors), "the whole map is still there"
    cross_check(content, changed)


@pytest.mark.parametrize("sizes", [(4, 8), (1, 11), (3, 2, 7), (6, 6)])
@pytest.mark.parametrize("kind", ["int8", "float32"])
def test_parts_of_unequal_size(sizes, kind):
    net = Network(0, kind)
    made = net.unary("RELU", net.depthwise(net.conv(net.input(1, 6, 9, 5), 12)))
    content = net.file(*net.split_v(made, sizes))
    changed, sites = rewritten(content)
    assert len(sites) == 1
    cross_check(content, changed)


@pytest.mark.parametrize("axis", [-1, 3])
def test_the_last_axis_has_two_names(axis):
    net = Network(1)
    content = net.file(*net.split(net.conv(net.input(1, 6, 9, 5), 12), 4, axis))
    changed, sites = rewritten(content)
    assert [site.description for site in sites] == ["SPLIT of 1x6x9x12 pushed up through CONV_2D"]
    assert [op.name for op in read(changed).main.operators] == ["CONV_2D"] * 4
    cross_check(content, changed)


def squared(net, x, times=25):
    for _ in range(times):
        x = net.binary("MUL", x, x)
    return x


def test_a_map_that_is_squared_is_made_once():
    net = Network(11)
    content = net.file(gate(net, squared(net, net.conv(net.input(1, 6, 9, 5), 12))))
    changed, sites = rewritten(content)
    assert len(read(changed).main.operators) == len(read(content).main.operators) + sites[0].added == 53
    cross_check(content, changed)


def test_gates_in_a_row_and_one_within_the_other():
    net = Network(2)
    x = net.input(1, 6, 9, 5)
    y = gate(net, net.depthwise(net.conv(x, 12)))
    content = net.file(gate(net, net.binary("ADD", net.conv(y, 8), net.conv(y, 8))), gate(net, net.conv(x, 4)))
    changed, sites = rewritten(content)
    assert len(sites) == 3
    cross_check(content, changed)


def test_a_batch_of_two():
    net = Network(3)
    content = net.file(gate(net, net.depthwise(net.conv(net.input(2, 6, 9, 5), 12))))
    changed, sites = rewritten(content)
    assert len(sites) == 1
    cross_check(content, changed)


def test_one_scale_for_all_channels():
    net = Network(4)
    made = net.conv(net.input(1, 6, 9, 5), 12)
    for tensor in net.graph.tensors[1:3]:
        tensor.quantization.scale, tensor.quantization.zeroPoint = tensor.quantization.scale[:1], [0]
        tensor.quantization.quantizedDimension = 0
    content = net.file(gate(net, made))
    changed, sites = rewritten(content)
    assert len(sites) == 1
    cross_check(content, changed)


def test_weights_that_two_operators_share_stay_whole_for_the_other():
    net = Network(5)
    x = net.input(1, 6, 9, 12)
    made = net.conv(x, 12)
    weights, bias = net.graph.operators[-1].inputs[1:]
    other = net.operator("CONV_2D", [x, weights, bias], [net.like(made)], "Conv2D", strideH=1, strideW=1)
    content = net.file(gate(net, made), other)
    changed, sites = rewritten(content)
    assert len(sites) == 1
    cross_check(content, changed)


def another_axis(net, x):
    return net.split(net.conv(x, 12), 2, 2)


def another_reader(net, x):
    made = net.conv(x, 12)
    return [*net.split(made), net.unary("RELU", made)]


def an_output(net, x):
    made = net.conv(x, 12)
    return [*net.split(made), made]


def another_reader_on_the_way(net, x):
    made = net.conv(x, 12)
    return [*net.split(net.depthwise(made)), net.unary("RELU", made)]


def an_input(net, x):
    return net.split(net.unary("RELU", net.input(1, 4, 4, 12)))


def a_mixing_operator(net, x):
    return net.split(net.unary("SOFTMAX", net.conv(x, 12), scale=1 / 256, zero_point=-128))


def a_concatenation(net, x):
    return net.split(net.concatenate([net.conv(x, 6), net.conv(x, 6)], 3))


def a_grouped_convolution(net, x):
    return net.split(net.conv(net.conv(x, 8), 12, inner=4))


def a_cut_within_a_multiplier(net, x):
    return net.split_v(net.depthwise(net.conv(x, 4), multiplier=3), (4, 8))


def a_large_operand(net, x):
    return net.split(net.binary("ADD", net.conv(x, 12), net.input(1, 6, 9, 12)))


def small_operand_of_unequal_parts(net, x):
    return net.split_v(net.binary("MUL", net.conv(x, 12), net.input(1, 1, 1, 12)), (4, 8))


def only_one_part(net, x):
    return net.split(net.conv(x, 12), 1)


def a_computed_weight(net, x):
    weights = net.unary("RELU", net.input(12, 1, 1, 5))
    made = net.operator("CONV_2D", [x, weights], [net.tensor((1, 6, 9, 12))], "Conv2D", strideH=1, strideW=1)
    return net.split(made)


def parts_of_another_scale(net, x):
    parts = net.split(net.conv(x, 12))
    net.graph.tensors[parts[1]].quantization.scale = np.array([1 / 32], "float32")
    return parts


def small_operand_of_less_rank(net, x):
    return net.split(net.binary("MUL", net.conv(x, 12), net.input(1, 12)), 2, 3)


def a_very_long_way(net, x):
    made = net.conv(x, 12)
    for _ in range(600):
        made = net.unary("RELU", made)
    return net.split(made)


def operators_with_two_results(net, x):
    """No such ADD exists; a search that goes back through each of its results would never end."""
    left, right = net.conv(x, 12), net.conv(x, 12)
    for _ in range(60):
        net.operator("ADD", [left, right], [net.like(left), net.like(left)], "Add")
        left, right = net.graph.operators[-1].outputs
    return [*net.split(net.binary("ADD", left, right))]


def an_operator_that_makes_channels_of_nothing(net, x):
    made = net.conv(x, 5)
    return net.split(net.operator("RELU", [made], [net.tensor((1, 6, 9, 12))]))


NOT_EXACT = [another_axis, another_reader, an_output, another_reader_on_the_way, an_input, a_mixing_operator]
NOT_EXACT += [a_concatenation, a_grouped_convolution, a_cut_within_a_multiplier, a_large_operand]
NOT_EXACT += [small_operand_of_unequal_parts, small_operand_of_less_rank, only_one_part, a_computed_weight]
NOT_EXACT += [parts_of_another_scale, a_very_long_way, operators_with_two_results]
NOT_EXACT += [an_operator_that_makes_channels_of_nothing]


@pytest.mark.parametrize("build", NOT_EXACT)
def test_where_it_would_not_be_the_same_nothing_is_done(build):
    net = Network(6)
    outputs = build(net, net.input(1, 6, 9, 5))
    assert split.sites(read(net.file(*outputs)).main) == []


def test_weights_of_four_bits_are_left_alone():
    net = Network(7)
    made = net.conv(net.input(1, 6, 9, 4), 12)
    weights = net.graph.tensors[1]
    weights.type = schema.TensorType.INT4
    net.model.buffers[weights.buffer].data = net.model.buffers[weights.buffer].data[:24]
    assert split.sites(read(net.file(*net.split(made))).main) == []


def test_a_plan_takes_it_where_the_map_is_the_peak_and_not_where_operators_cost_more():
    net = Network(8)
    large = net.file(gate(net, net.depthwise(net.conv(net.input(1, 16, 16, 4), 32))))
    planned = plan(large).planned
    assert planned.rewrites == ("SPLIT of 1x16x16x32 pushed up through CONV_2D and DEPTHWISE_CONV_2D",)
    assert planned.head < plan(without(large)).planned.head
    cross_check(large, planned.content)

    net = Network(9)
    small = net.file(gate(net, net.depthwise(net.conv(net.input(1, 3, 3, 4), 16))))
    assert plan(small).planned.rewrites == ()
    left, taken = (measure(plan(content).planned.content) for content in (small, rewritten(small)[0]))
    assert taken.head < left.head
    assert taken.total > left.total


def without(content):
    """The file with the first convolution's map for an output, so that nothing can be rewritten."""
    model = schema.ModelT.InitFromPackedBuf(content)
    graph = model.subgraphs[0]
    graph.outputs = [*graph.outputs, *graph.operators[0].outputs]
    file = File(content)
    file.model = model
    return file.packed()


def test_a_wrong_slice_would_be_seen():
    net = Network(10)
    content = net.file(gate(net, net.conv(net.input(1, 6, 9, 5), 12)))
    changed = File(rewritten(content)[0])
    first, second = changed.main.operators[0], changed.main.operators[1]
    (x, weights, bias), (_, others, other) = first.inputs, second.inputs
    first.inputs, second.inputs = [x, others, bias], [x, weights, other]
    with pytest.raises(OutputsDifferError):
        cross_check(content, changed.packed())
