"""Operators that change nothing go, and only those; what comes out stays the same, byte for byte."""

import pytest
from tflite.network import Network

from keras_unetmm.interpreters.runtime import measure
from keras_unetmm.planner.rewrites import eliminate_identities
from keras_unetmm.runtime.cross_check import cross_check
from keras_unetmm.tflite import plan
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import read


def thinned(content):
    """The file without them, and what was removed."""
    file = File(content)
    removed = eliminate_identities(file, read(content).main)
    file.prune()
    return file.packed(), removed


def names(content):
    return [operator.name for operator in read(content).main.operators]


def pad(net, x, name="PAD", amounts=(0, 0, 0, 0, 0, 0, 0, 0), **options):
    shape = [n + a + b for n, a, b in zip(net.shape(x), amounts[::2], amounts[1::2], strict=True)]
    both = net.numbers(*amounts)
    net.graph.tensors[both].shape = [4, 2]
    inputs = [x, both, *([net.constant(1, scale=1 / 50, zero_point=3)] if name == "PADV2" else [])]
    return net.operator(name, inputs, [net.like(x, *shape)], name.title().replace("_", "").replace("Padv2", "PadV2"))


def cut(net, x, name, *rows, shape=None):
    """SLICE or STRIDED_SLICE with constants of begin, size or end, and stride."""
    made = net.like(x, *(shape or net.shape(x)))
    return net.operator(name, [x, *(net.numbers(*row) for row in rows)], [made], name.title().replace("_", ""))


def transpose(net, x, *order):
    made = net.like(x, *(net.shape(x)[axis] for axis in order))
    return net.operator("TRANSPOSE", [x, net.numbers(*order)], [made], "Transpose")


def expand(net, x):
    return net.operator("EXPAND_DIMS", [x, net.numbers(0)], [net.like(x, 1, *net.shape(x))], "ExpandDims")


# all on a map of (2, 4, 4, 8)
NOTHING = {
    "RESHAPE": lambda net, x: net.reshape(x, 2, 4, 4, 8),
    "QUANTIZE": lambda net, x: net.unary("QUANTIZE", x),
    "SQUEEZE": lambda net, x: net.operator("SQUEEZE", [x], [net.like(x)], "Squeeze"),
    "SLICE": lambda net, x: cut(net, x, "SLICE", (0, 0, 0, 0), (2, 4, 4, 8)),
    "STRIDED_SLICE": lambda net, x: cut(net, x, "STRIDED_SLICE", (0, 0, 0, 0), (2, 4, 4, 8), (1, 1, 1, 1)),
    "PAD": pad,
    "PADV2": lambda net, x: pad(net, x, "PADV2"),
    "MIRROR_PAD": lambda net, x: pad(net, x, "MIRROR_PAD"),
    "RESIZE_NEAREST_NEIGHBOR": lambda net, x: net.resize("RESIZE_NEAREST_NEIGHBOR", x, 4, 4),
    "DEPTH_TO_SPACE": lambda net, x: net.shuffled("DEPTH_TO_SPACE", x, 1),
    "SPACE_TO_DEPTH": lambda net, x: net.shuffled("SPACE_TO_DEPTH", x, 1),
    "BROADCAST_TO": lambda net, x: net.operator("BROADCAST_TO", [x, net.numbers(2, 4, 4, 8)], [net.like(x)], "BroadcastTo"),
    "TRANSPOSE": lambda net, x: transpose(net, x, 0, 1, 2, 3),
    "MAX_POOL_2D": lambda net, x: net.pool("MAX_POOL_2D", x, (1, 1)),
    "CONCATENATION": lambda net, x: net.concatenate([x], 3),
    "SPLIT": lambda net, x: net.split(x, 1)[0],
    "SPLIT_V": lambda net, x: net.split_v(x, [8])[0],
}

SOMETHING = {
    "RESHAPE": lambda net, x: net.reshape(x, 2, 8, 4, 4),
    "QUANTIZE to another scale": lambda net, x: net.unary("QUANTIZE", x, scale=1 / 51, zero_point=3),
    "QUANTIZE to another zero point": lambda net, x: net.unary("QUANTIZE", x, scale=1 / 50, zero_point=1),
    "QUANTIZE to another type": lambda net, x: net.unary("QUANTIZE", x, scale=1 / 50, dtype="int16"),
    "RELU": lambda net, x: net.unary("RELU", x),
    "EXPAND_DIMS": expand,
    "SLICE": lambda net, x: cut(net, x, "SLICE", (0, 1, 0, 0), (2, 3, 4, 8), shape=(2, 3, 4, 8)),
    "STRIDED_SLICE backwards": lambda net, x: cut(net, x, "STRIDED_SLICE", (0, 0, -1, 0), (2, 4, -5, 8), (1, 1, -1, 1)),
    "PAD": lambda net, x: pad(net, x, amounts=(0, 0, 1, 0, 0, 0, 0, 0)),
    "RESIZE_NEAREST_NEIGHBOR": lambda net, x: net.resize("RESIZE_NEAREST_NEIGHBOR", x, 4, 5),
    "RESIZE_BILINEAR": lambda net, x: net.resize("RESIZE_BILINEAR", x, 4, 4),
    "DEPTH_TO_SPACE": lambda net, x: net.shuffled("DEPTH_TO_SPACE", x, 2),
    "TRANSPOSE of equal sizes": lambda net, x: transpose(net, x, 0, 2, 1, 3),
    "MAX_POOL_2D 2x2": lambda net, x: net.pool("MAX_POOL_2D", x, (2, 2)),
    "MAX_POOL_2D with RELU": lambda net, x: net.pool("MAX_POOL_2D", x, (1, 1), activation="RELU"),
    "AVERAGE_POOL_2D": lambda net, x: net.pool("AVERAGE_POOL_2D", x, (1, 1)),
    "CONCATENATION": lambda net, x: net.concatenate([x, x], 3),
    "SPLIT": lambda net, x: net.split(x, 2)[0],
    "ADD of nothing": lambda net, x: net.binary("ADD", x, net.constant(1)),
}


@pytest.mark.parametrize("name", NOTHING)
def test_what_changes_nothing_goes(name):
    net = Network(len(name))
    y = NOTHING[name](net, net.conv(net.input(2, 4, 4, 8), 8, (3, 3), scale=1 / 50, zero_point=3))
    content = net.file(net.unary("RELU", net.depthwise(y)))
    changed, removed = thinned(content)
    assert removed == [(1, name)]
    assert names(changed) == ["CONV_2D", "DEPTHWISE_CONV_2D", "RELU"]
    cross_check(content, changed)
    planned = plan(content).planned
    assert f"{name} at operator 1 removed" in planned.rewrites
    assert planned.head == measure(planned.content).head
    cross_check(content, planned.content)


@pytest.mark.parametrize("name", SOMETHING)
def test_what_changes_something_stays(name):
    net = Network(len(name))
    y = SOMETHING[name](net, net.conv(net.input(2, 4, 4, 8), 8, (3, 3), scale=1 / 50, zero_point=3))
    content = net.file(net.unary("LOGISTIC", y, scale=1 / 256, zero_point=-128) if net.type(y) == "int8" else y)
    changed, removed = thinned(content)
    assert removed == []
    assert names(changed) == names(content)
    cross_check(content, plan(content).planned.content)


def test_before_an_output_the_operator_before_makes_it():
    net = Network(1)
    content = net.file(net.reshape(net.unary("RELU", net.input(1, 4, 4, 8)), 1, 4, 4, 8))
    changed, removed = thinned(content)
    assert removed == [(1, "RESHAPE")]
    assert names(changed) == ["RELU"]
    assert read(changed).main.tensors[1].name == read(content).main.tensors[3].name
    cross_check(content, changed)


def copy(net, x):
    return net.reshape(x, *net.shape(x))


def input_to_output(net, x):
    return [copy(net, x)]


def output_and_its_copy(net, x):
    y = net.unary("RELU", x)
    return [y, copy(net, y)]


def copy_to_an_output_of_what_others_read(net, x):
    y = net.unary("RELU", x)
    return [copy(net, y), net.depthwise(y)]


def two_copies_as_outputs(net, x):
    y = net.unary("RELU", x)
    return [copy(net, y), copy(net, y)]


@pytest.mark.parametrize(
    ("build", "left"),
    [
        (input_to_output, 1),
        (output_and_its_copy, 2),
        (copy_to_an_output_of_what_others_read, 3),
        (two_copies_as_outputs, 3),
    ],
)
def test_a_copy_that_an_output_needs_stays(build, left):
    net = Network(2)
    content = net.file(*build(net, net.input(1, 4, 4, 8)))
    changed, removed = thinned(content)
    assert (removed, len(names(changed))) == ([], left)
    cross_check(content, changed)
    cross_check(content, plan(content).planned.content)


def copies_in_a_row(net, x):
    return [net.unary("RELU", copy(net, copy(net, copy(net, x))))]


def copies_in_a_row_to_an_output(net, x):
    return [copy(net, copy(net, net.unary("RELU", x)))]


def copy_of_an_input_that_others_read(net, x):
    return [net.binary("ADD", copy(net, x), x), net.unary("RELU", x)]


def copy_of_a_part(net, x):
    parts = net.split(net.conv(x, 8))
    return [net.binary("MUL", copy(net, parts[0]), copy(net, parts[1]))]


def copy_and_its_copy_read(net, x):
    y = copy(net, net.conv(x, 8))
    return [net.binary("ADD", y, copy(net, y)), net.unary("RELU", y)]


def part_to_an_output(net, x):
    first, second = net.split(net.conv(x, 8))
    return [copy(net, first), net.unary("RELU", second)]


@pytest.mark.parametrize(
    ("build", "count"),
    [
        (copies_in_a_row, 3),
        (copies_in_a_row_to_an_output, 2),
        (copy_of_an_input_that_others_read, 1),
        (copy_of_a_part, 2),
        (copy_and_its_copy_read, 2),
        (part_to_an_output, 1),
    ],
)
def test_several_copies_and_readers(build, count):
    net = Network(3)
    content = net.file(*build(net, net.input(1, 4, 4, 8)))
    changed, removed = thinned(content)
    assert len(removed) == count
    assert len(names(changed)) == len(names(content)) - count
    cross_check(content, changed)
    cross_check(content, plan(content).planned.content)


def test_a_copy_of_a_constant_and_of_a_variable_stays():
    net = Network(4)
    state = net.tensor((1, 4, 4, 8))
    net.graph.tensors[state].isVariable = True
    content = net.file(net.binary("ADD", copy(net, net.constant(1, 4, 4, 8)), copy(net, state)), net.input(1, 2))
    assert thinned(content)[1] == []
