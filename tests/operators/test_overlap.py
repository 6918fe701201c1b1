"""Every rule is tried on the real kernels, and compared with a simulation that goes pixel by pixel.

One file although it is long: every rule is tried by the same few functions, on the same small graphs.
"""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tflite import files
from tflite.network import Network

from keras_unetmm.kernels.libraries import LIBRARIES
from keras_unetmm.operators.shared.walks import Walk, least_distance
from keras_unetmm.planner.lifetimes import aligned
from keras_unetmm.planner.verify import PlanRefused, verify
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import read

MAP = (1, 6, 10, 16)


def one(method, *arguments, shape=MAP, dtype="int8", name=None, **values):
    """One operator as `Network` makes it."""
    net = Network(dtype=dtype)
    made = getattr(net, method)(*([name] if name else []), net.input(*shape), *arguments, **values)
    return net.file(*(made if isinstance(made, list) else [made]))


def binary(name, *shapes, constant=None, dtype="int8"):
    net = Network(dtype=dtype)
    operands = [net.input(*shape) for shape in shapes]
    operands += [net.constant(*constant)] if constant else []
    return net.file(net.binary(name, *(operands * 2)[:2]))


def unary(name, options=None, dtype="int8", made=None, smallest=0, **quantization):
    """An elementwise operator; `smallest` is the input's zero point."""
    net = Network(dtype=dtype)
    x = net.input(*MAP, zero_point=smallest)
    output = net.tensor(MAP, **quantization, dtype=made or dtype)
    inputs = [x, net.constant(1, 1, MAP[-1])] if name == "PRELU" else [x]
    return net.file(net.operator(name, inputs, [output], options))


def summed(axis=3, dtype="int8", **choices):
    """CUMSUM of a map."""
    net = Network(dtype=dtype)
    x = net.input(*MAP)
    values = {"exclusive": False, "reverse": False, **choices}
    return net.file(net.operator("CUMSUM", [x, net.numbers(axis)], [net.tensor(MAP)], "Cumsum", **values))


def joined(axis, *shapes):
    net = Network()
    return net.file(net.concatenate([net.input(*shape) for shape in shapes], axis))


def first(content):
    graph = read(content).main
    return graph, graph.operators[0]


def allowed(content, kernels="reference"):
    return LIBRARIES[kernels].overlaps(*first(content))


def sharing(content, distances):
    """The file with a plan in which pairs `(input, output)` share memory at a distance, and all else lies apart."""
    graph = read(content).main
    sizes = [aligned(tensor.arena_bytes) for tensor in graph.tensors]
    places, room = {}, sum(sizes) * 2
    for (source, output), distance in distances.items():
        places.setdefault(output, places.get(source, room) - distance)
        places.setdefault(source, places[output] + distance)
    top = 4 * sum(sizes)
    for index, size in enumerate(sizes):
        if size and index not in places:
            places[index], top = top, top + size
    file = File(content)
    file.set_plan({index: place - min(places.values()) for index, place in places.items()})
    return file.packed()


def same(content, planned):
    """Whether both give the same bytes."""
    return all(files.outputs(content, seed) == files.outputs(planned, seed) for seed in range(2))


# operators that change bytes: any distance from the least one on is safe

CONVOLUTIONS = {
    "conv 3x3": one("conv", 16, (3, 3)),
    "conv 3x3, 16 to 8": one("conv", 8, (3, 3)),
    "conv 3x3, 8 to 16": one("conv", 16, (3, 3), shape=(1, 6, 10, 8)),
    "conv 3x3, odd": one("conv", 5, (3, 3), shape=(1, 7, 9, 3)),
    "conv 3x3 valid": one("conv", 16, (3, 3), padding="VALID"),
    "conv 3x3 dilated": one("conv", 16, (3, 3), dilation=(2, 2)),
    "conv 3x3 stride 2": one("conv", 16, (3, 3), stride=(2, 2)),
    "conv 3x3 stride 2, 16 to 64": one("conv", 64, (3, 3), stride=(2, 2)),
    "conv 2x3 stride 1x2": one("conv", 32, (2, 3), stride=(1, 2)),
    "conv 1x1": one("conv", 16),
    "conv 1x1, 16 to 32": one("conv", 32),
    "conv 1x1, 32 to 16": one("conv", 16, shape=(1, 6, 10, 32)),
    "conv 5x5 int16": one("conv", 16, (5, 5), dtype="int16"),
    "conv 3x3 float": one("conv", 16, (3, 3), dtype="float32"),
    "depthwise": one("depthwise"),
    "depthwise 5x5": one("depthwise", (5, 5)),
    "depthwise stride 2": one("depthwise", stride=(2, 2)),
    "depthwise x2": one("depthwise", multiplier=2),
    "depthwise int16": one("depthwise", dtype="int16"),
    "depthwise float": one("depthwise", dtype="float32"),
}
POOLS = {
    "max pool 2x2": one("pool", name="MAX_POOL_2D", stride=(2, 2)),
    "max pool 3x3": one("pool", (3, 3), name="MAX_POOL_2D"),
    "max pool 3x3 int16": one("pool", (3, 3), name="MAX_POOL_2D", dtype="int16"),
    "average pool 3x3": one("pool", (3, 3), name="AVERAGE_POOL_2D"),
    "average pool valid": one("pool", (3, 2), name="AVERAGE_POOL_2D", padding="VALID"),
}
SHUFFLES = {
    "depth to space": one("shuffled", name="DEPTH_TO_SPACE", shape=(1, 3, 5, 64)),
    "depth to space by 4": one("shuffled", 4, name="DEPTH_TO_SPACE", shape=(1, 3, 5, 256)),
    "depth to space float": one("shuffled", name="DEPTH_TO_SPACE", shape=(1, 3, 5, 64), dtype="float32"),
    "space to depth": one("shuffled", name="SPACE_TO_DEPTH"),
}
GROWING = {
    "dequantize": unary("DEQUANTIZE", made="float32"),
    "quantize 8 to 16": unary("QUANTIZE", made="int16", scale=1 / 2**13),
}
ELEMENTWISE = {
    "quantize 16 to 8": unary("QUANTIZE", dtype="int16", made="int8", scale=1 / 2),
    "quantize float": unary("QUANTIZE", dtype="float32", made="int8"),
    "logistic": unary("LOGISTIC", scale=1 / 256, zero_point=-128),
    "logistic int16": unary("LOGISTIC", dtype="int16", scale=1 / 2**15),
    "logistic float": unary("LOGISTIC", dtype="float32"),
    "tanh": unary("TANH", scale=1 / 128),
    "relu": unary("RELU"),
    "relu6": unary("RELU6"),
    "leaky relu": unary("LEAKY_RELU", "LeakyRelu"),
    "elu": unary("ELU"),
    "hard swish": unary("HARD_SWISH"),
    "prelu": unary("PRELU"),
    "abs": unary("ABS"),
    "neg float": unary("NEG", dtype="float32"),
    "rsqrt": unary("RSQRT", smallest=-128),
    **{name.lower(): binary(name, MAP, MAP) for name in ("ADD", "SUB", "MUL", "SQUARED_DIFFERENCE", "MAXIMUM", "MINIMUM")},
    "add int16": binary("ADD", MAP, MAP, dtype="int16"),
    "add float": binary("ADD", MAP, MAP, dtype="float32"),
    "add itself": binary("ADD", MAP),
    "mul by a constant": binary("MUL", MAP, constant=(1, 1, 1, 16)),
    "add of a vector": binary("ADD", MAP, (1, 1, 1, 16)),
    "sub of a pixel": binary("SUB", (1, 6, 10, 1), MAP),
    "cumsum": summed(),
    "cumsum float": summed(-1, "float32"),
    "cumsum exclusive": summed(exclusive=True),
    "cumsum float exclusive": summed(dtype="float32", exclusive=True),
}
ORDERED = {**CONVOLUTIONS, **POOLS, **SHUFFLES, **GROWING, **ELEMENTWISE}
# bytes by which the least distance may be missed without harm: a pixel where no channel reads another one, and a chunk
# of a shuffle, copied onto itself
SLACK = {
    **dict.fromkeys(("conv 3x3", "conv 3x3, 16 to 8", "conv 3x3, 8 to 16", "conv 3x3 dilated", "conv 3x3 float"), 0),
    **dict.fromkeys(("conv 1x1", "conv 1x1, 16 to 32", "conv 3x3 stride 2, 16 to 64", "conv 5x5 int16"), 0),
    **dict.fromkeys(("depthwise", "depthwise 5x5", "max pool 3x3", "average pool 3x3"), 16),
    **dict.fromkeys(("depthwise int16", "depthwise x2", "max pool 3x3 int16"), 32),
    **dict.fromkeys(("depth to space", "depth to space by 4", "space to depth"), 16),
    **{"depth to space float": 64, "dequantize": 0, "quantize 8 to 16": 0, "cumsum float exclusive": 0},
}


@pytest.mark.parametrize("name", ORDERED)
def test_from_the_least_distance_on_the_kernels_give_the_same_bytes(name):
    content = ORDERED[name]
    assert allowed(content)
    for overlap in allowed(content):
        output = aligned(read(content).main.tensors[overlap.output].arena_bytes)
        least = aligned(overlap.least)
        for distance in sorted({least, least + 16, (least + output) // 32 * 16}):
            planned = sharing(content, {(overlap.input, overlap.output): distance})
            assert same(content, planned), distance


@pytest.mark.parametrize("name", SLACK)
def test_a_little_nearer_they_do_not(name):
    content = ORDERED[name]
    (overlap,) = allowed(content)
    assert SLACK[name] < overlap.least < read(content).main.tensors[overlap.output].arena_bytes
    planned = sharing(content, {(overlap.input, overlap.output): aligned(overlap.least) - SLACK[name] - 16})
    assert not same(content, planned)


def test_growing_elements_must_stay_behind_what_is_left_to_read():
    elements = int(np.prod(MAP))
    assert [overlap.least for overlap in allowed(GROWING["dequantize"])] == [(elements - 1) * 3]
    assert [overlap.least for overlap in allowed(GROWING["quantize 8 to 16"])] == [elements - 1]


# operators that copy bytes: onto themselves

COPIES = {
    "reshape": one("reshape", 1, 60, 16),
    "concatenation of rows": joined(1, MAP, (1, 2, 10, 16), MAP),
    "concatenation, one part not aligned": joined(1, (1, 3, 3, 3), (1, 1, 3, 3), (1, 5, 3, 3)),
    "split": one("split", 3, 1),
    "split_v": one("split_v", [1, 3, 2], -3),
}


def test_copies_are_at_the_place_of_the_bytes():
    sames = {name: {(o.input, o.output): o.same for o in allowed(content)} for name, content in COPIES.items()}
    assert sames["reshape"] == {(0, 2): 0}
    assert sames["concatenation of rows"] == {(0, 3): 0, (1, 3): 960, (2, 3): 960 + 320}
    assert sames["concatenation, one part not aligned"] == {(0, 3): 0}  # the others would start at bytes 27 and 36
    assert sorted(sames["split"].values()) == [-640, -320, 0]
    assert sorted(sames["split_v"].values()) == [-640, -160, 0]
    assert all(overlap.least is None for content in COPIES.values() for overlap in allowed(content))


@pytest.mark.parametrize("name", COPIES)
def test_copies_onto_themselves_change_nothing(name):
    content = COPIES[name]
    pairs = {(o.input, o.output): o.same for o in allowed(content)}
    assert same(content, sharing(content, pairs))
    if len(pairs) > 1:
        swapped = dict(zip(pairs, reversed(pairs.values()), strict=True))
        assert not same(content, sharing(content, swapped))


# where nothing may overlap


def grouped():
    net = Network()
    x = net.input(*MAP)
    return net.file(net.conv(x, 16, (3, 3), inner=8))


@pytest.mark.parametrize(
    "content",
    [
        one("mean", (3,)),
        one("transposed", 16),
        one("resize", 6, 10, name="RESIZE_NEAREST_NEIGHBOR"),
        one("pad", (0, 0), (0, 0), (0, 0), (0, 0)),
        unary("SOFTMAX", "Softmax", scale=1 / 256, zero_point=-128),
        one("dense", 16),
        one("conv", 16, (3, 3), shape=(2, 6, 10, 16)),
        one("shuffled", name="SPACE_TO_DEPTH", shape=(2, 6, 10, 16)),
        grouped(),
        one("split", 2, 2),
        one("split", 2, 3),
        summed(2),
        summed(reverse=True),
        summed(-2, "float32", exclusive=True),
        joined(2, MAP, MAP),
        joined(-1, MAP, MAP),
    ],
    ids=lambda content: read(content).main.operators[0].name,
)
def test_others_never_overlap(content):
    assert [allowed(content, kernels) for kernels in LIBRARIES] == [()] * len(LIBRARIES)


def test_a_broadcast_operand_does_not_overlap():
    assert [o.input for o in allowed(ELEMENTWISE["add of a vector"])] == [0]
    assert [o.input for o in allowed(ELEMENTWISE["sub of a pixel"])] == [1]
    assert [o.input for o in allowed(ELEMENTWISE["add"])] == [0, 1]
    assert [o.input for o in allowed(ELEMENTWISE["add itself"])] == [0]
    assert [o.input for o in allowed(ELEMENTWISE["mul by a constant"])] == [0]


def test_a_tensor_read_twice_is_not_written_over():
    net = Network()
    x = net.input(1, 4, 4, 16)
    assert allowed(net.file(net.concatenate([x, x], 1))) == ()
    net = Network()
    x = net.input(1, 1, 1, 16)
    assert allowed(net.file(net.operator("PRELU", [x, x], [net.like(x)]))) == ()


def test_variables_are_not_written_over():
    file = File(unary("RELU"))
    file.main.tensors[0].isVariable = True
    assert allowed(file.packed()) == ()


def test_a_split_along_an_axis_that_is_computed_does_not_overlap():
    net = Network()
    x, axis = net.input(1, 4, 4, 16), net.input(1, scale=None, dtype="int32")
    halves = [net.like(x, 1, 2, 4, 16) for _ in range(2)]
    net.operator("SPLIT", [axis, x], halves, "Split", numSplits=2)
    assert allowed(net.file(*halves)) == ()


@pytest.mark.parametrize("kind", ["BOOL", "INT64", "UINT16", "FLOAT16"])
@pytest.mark.parametrize("name", ["reshape", "split", "relu", "max pool 3x3"])
def test_other_types_do_not_overlap(name, kind):
    file = File({**COPIES, **ORDERED}[name])
    for tensor in file.main.tensors:
        if file.model.buffers[tensor.buffer].data is None:
            tensor.type = getattr(schema.TensorType, kind)
    assert allowed(file.packed()) == ()


# the libraries of kernels


def by_kernels(content):
    return tuple(bool(allowed(content, kernels)) for kernels in ("reference", "cmsis-nn", "any"))


@pytest.mark.parametrize("name", [*ORDERED, *COPIES])
def test_what_any_library_allows_each_of_them_does(name):
    content = {**ORDERED, **COPIES}[name]
    for kernels in ("reference", "cmsis-nn"):
        by_pair = {(o.input, o.output): o for o in allowed(content, kernels)}
        for overlap in allowed(content, "any"):
            other = by_pair[overlap.input, overlap.output]
            assert overlap.same == other.same
            assert overlap.least is None or overlap.least >= other.least


@pytest.mark.parametrize("name", [*ORDERED, *COPIES])
@pytest.mark.parametrize("kernels", LIBRARIES)
def test_the_verifier_proves_what_is_allowed(name, kernels):
    content = {**ORDERED, **COPIES}[name]
    for overlap in allowed(content, kernels):
        distances = [overlap.same] if overlap.least is None else [aligned(overlap.least), aligned(overlap.least) + 16]
        for distance in distances:
            verify(sharing(content, {(overlap.input, overlap.output): distance}), kernels)


def test_some_convolutions_do_not_overlap_with_CMSIS_NN():
    assert by_kernels(CONVOLUTIONS["conv 3x3"]) == (True, True, True)
    assert by_kernels(CONVOLUTIONS["conv 3x3 float"]) == (True, True, True)
    assert by_kernels(CONVOLUTIONS["conv 1x1"]) == (True, False, False)
    assert by_kernels(one("conv", 16, (1, 3))) == (True, False, False)
    assert by_kernels(one("conv", 16, (3, 1))) == (True, True, True)
    assert by_kernels(CONVOLUTIONS["conv 5x5 int16"]) == (True, False, False)
    assert by_kernels(CONVOLUTIONS["depthwise x2"]) == (True, False, False)
    assert by_kernels(one("depthwise", shape=(1, 6, 6, 124))) == (True, True, True)
    assert by_kernels(one("depthwise", shape=(1, 6, 6, 125))) == (True, False, False)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("conv 3x3", "INT4"),
        ("depthwise", "INT4"),
        ("conv 3x3 float", "INT8"),
        ("depthwise float", "INT8"),
        ("conv 3x3 float", "INT4"),
    ],
)
def test_convolutions_with_weights_of_another_type_do_not(name, kind):
    file = File(CONVOLUTIONS[name])
    weights = file.main.tensors[file.main.operators[0].inputs[1]]
    weights.type, count = getattr(schema.TensorType, kind), int(np.prod(weights.shape))
    file.model.buffers[weights.buffer].data = np.zeros(count if kind == "INT8" else -(-count // 2), "uint8")
    assert by_kernels(file.packed()) == (True, False, False)
    (overlap,) = allowed(file.packed())
    planned = sharing(file.packed(), {(overlap.input, overlap.output): aligned(overlap.least)})
    verify(planned, "reference")
    with pytest.raises(PlanRefused):
        verify(planned, "any")


# the rule of the windows, byte by byte

small = st.integers(1, 3)


def window_simulated(source, output, kernel, stride, dilation, padding):
    """The least D such that no byte, at it or at any larger one, is written before it is read for the last time."""
    (height, width, channels), (rows, columns, made) = source, output
    last_read = {}
    for p in range(rows * columns):
        taps = []
        for position, size, count, k, s, d in zip(
            divmod(p, columns), (height, width), (rows, columns), kernel, stride, dilation, strict=True
        ):
            total = max((count - 1) * s + (k - 1) * d + 1 - size, 0) if padding == "SAME" else 0
            start = position * s - total // 2
            taps.append([tap for tap in range(start, start + k * d, d) if 0 <= tap < size])
        for row in taps[0]:
            for column in taps[1]:
                for byte in range(channels):
                    last_read[(row * width + column) * channels + byte] = p
    unsafe = [
        written - read
        for written in range(rows * columns * made)
        for read, step in last_read.items()
        if written // made <= step and written >= read
    ]
    return max(unsafe, default=-1) + 1


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(
    st.sampled_from(["conv", "depthwise", "MAX_POOL_2D", "AVERAGE_POOL_2D"]),
    st.tuples(st.integers(1, 6), st.integers(1, 6), small),
    st.tuples(small, small),
    st.tuples(small, small),
    st.tuples(st.integers(1, 2), st.integers(1, 2)),
    st.sampled_from(["SAME", "VALID"]),
    st.integers(1, 4),
)
def test_windows_are_as_simulated(kind, source, kernel, stride, dilation, padding, filters):
    if kind.isupper():
        dilation = (1, 1)
    assume(padding == "SAME" or all((k - 1) * d < n for k, d, n in zip(kernel, dilation, source, strict=False)))
    window = {"stride": stride, "padding": padding}
    if kind == "conv":
        content = one("conv", filters, kernel, shape=(1, *source), dilation=dilation, **window)
    elif kind == "depthwise":
        content = one("depthwise", kernel, shape=(1, *source), multiplier=min(filters, 2), dilation=dilation, **window)
    else:
        content = one("pool", kernel, name=kind, shape=(1, *source), **window)
    (overlap,) = allowed(content)
    output = read(content).main.tensors[overlap.output].shape[1:]
    simulated = window_simulated(source, output, kernel, stride, dilation, padding)
    assert overlap.least >= simulated
    if all(s <= k and d == 1 for s, k, d in zip(stride, kernel, dilation, strict=True)):
        assert overlap.least == simulated  # no byte between the windows is free


def test_the_measured_rules_of_DEVICE_md():
    height, width, channels = 32, 32, 16

    def least(method, *arguments, **values):
        (overlap,) = allowed(one(method, *arguments, shape=(1, height, width, channels), **values))
        return aligned(overlap.least)

    assert least("conv", 16, (3, 3)) == (width + 1) * channels + channels
    assert least("conv", 16) == channels
    assert least("conv", 16, (3, 3), stride=(2, 2)) == 16
    assert least("pool", name="MAX_POOL_2D", stride=(2, 2)) <= 16
    assert least("depthwise") <= (width + 1) * channels + channels


def test_the_distance_of_two_walks_is_that_of_all_their_steps():
    rng = np.random.default_rng(0)
    for _ in range(300):
        sizes = rng.integers(1, 6, 2)
        writes, reads = (Walk(*(rng.integers(0, 40, size) for size in sizes)) for _ in range(2))
        ends, starts = ((w.rows[:, None] + w.columns).ravel() for w in (writes, reads))
        least = max(0, *(ends[t] - starts[t:].min() for t in range(len(ends))))
        assert least_distance(writes, reads) == least
