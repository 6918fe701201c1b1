"""The tables of kernels against the interpreters themselves."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from tflite import files, operators, unusual
from tflite.network import Network

from keras_unetmm.conversion.scaled_relu6 import with_scaled_relu6
from keras_unetmm.interpreters.runtime import RunError, measure, run
from keras_unetmm.targets import interpreter_kernels as kernels
from keras_unetmm.targets.targets import check
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import read

CONSTANT = (
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "TRANSPOSE_CONV",
    "FULLY_CONNECTED",
    "PADV2",
    "PRELU",
)  # whose constants are numbers
FLOATS = ("CEIL", "COS", "DEQUANTIZE", "EXP", "FLOOR", "FLOOR_DIV", "FLOOR_MOD", "L2_POOL_2D", "LOG", "LSTM", "NEG", "ROUND")
FLOATS += ("SIN", "SQRT", "SQUARE", "CUSTOM")  # the last one stands for those with names of their own
UNCHECKED = ("LOGICAL_AND", "LOGICAL_OR")  # TFLM's read whatever it is as bool


def runs(content, runtime):
    """Whether an interpreter runs a file on values above zero, which no operator refuses."""
    arrays = [
        array if array.dtype == bool else np.clip(np.abs(array.astype("int32")), 1, 100) for array in files.inputs(content)
    ]
    types = [read(content).main.tensors[i].type.lower() for i in read(content).main.inputs]
    try:
        run(content, [array.astype(kind) for array, kind in zip(arrays, types, strict=True)], runtime)
    except RunError:
        return False
    return True


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "uint8", "bool", "int64", "float32"])
@pytest.mark.parametrize("name", operators.NAMES)
def test_tflm_runs_what_its_table_says_and_nothing_else(name, dtype):
    if not (name in UNCHECKED and dtype != "bool") and not (name in CONSTANT and dtype == "bool"):
        content = operators.file_of(name, dtype=dtype)
        assert check(content, "tflm", compile=False).runs == runs(content, "tflm")


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "uint8", "float32"])
@pytest.mark.parametrize("name", operators.NAMES)
def test_litert_runs_what_its_table_says_and_nothing_else(name, dtype):
    content = operators.file_of(name, dtype=dtype)
    assert check(content, "litert", compile=False).runs == runs(content, "litert")


TYPES = ("float32", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "bool")
MADE = {"QUANTIZE": TYPES[:6], "DEQUANTIZE": ("float32", "int8"), "CAST": TYPES}


@pytest.mark.parametrize("before", TYPES)
@pytest.mark.parametrize("name", MADE)
def test_what_is_made_of_each_type(name, before):
    for after in MADE[name]:
        if (name, after) != ("DEQUANTIZE", "int8") and (name, before) != ("QUANTIZE", "bool"):
            net = Network(0, before)
            x = net.input(1, 4, scale=None if name == "CAST" else 1 / 64)
            made = net.tensor((1, 4), None if name == "CAST" else 1 / 32, dtype=after)
            content = net.file(net.operator(name, [x], [made], name.capitalize()))
            for target in ("tflm", "litert"):
                assert check(content, target, compile=False).runs == runs(content, target)


def weighted(name, maps, weights):
    """An operator with weights of another type than its maps: a hybrid one where the maps are floats."""
    net, scale = Network(0, maps), None if maps == "float32" else 1 / 64
    shape, output = {
        "CONV_2D": ((4, 1, 1, 4), (1, 4, 4, 4)),
        "DEPTHWISE_CONV_2D": ((1, 2, 2, 4), (1, 4, 4, 4)),
        "TRANSPOSE_CONV": ((4, 2, 2, 4), (1, 8, 8, 4)),
        "FULLY_CONNECTED": ((4, 64), (1, 4)),
    }[name]
    x = net.input(*((1, 64) if name == "FULLY_CONNECTED" else (1, 4, 4, 4)), scale=scale)
    count = int(np.prod(shape))
    data = np.full(count // 2, 17, "uint8") if weights == "int4" else np.ones(count, weights)
    each = 1 / 64 if name == "FULLY_CONNECTED" else np.full(4, 1 / 64)
    w = net.tensor(shape, each, dtype=weights, data=data, axis=3 if name.startswith("DEPTH") else 0)
    kind = {"float32": "float32", "int16": "int64"}.get(maps, "int32")
    bias = net.tensor((4,), None if maps == "float32" else np.full(4, 1 / 4096), dtype=kind, data=np.zeros(4, kind))
    inputs = [net.numbers(*output), w, x, bias] if name == "TRANSPOSE_CONV" else [x, w, bias]
    stride = {} if name == "FULLY_CONNECTED" else dict.fromkeys(("strideH", "strideW"), 2 if name == "TRANSPOSE_CONV" else 1)
    options = {"DEPTHWISE_CONV_2D": "DepthwiseConv2D", "CONV_2D": "Conv2D", "TRANSPOSE_CONV": "TransposeConv"}
    multiplier = {"depthMultiplier": 1} if name.startswith("DEPTH") else {}
    return net.file(
        net.operator(name, inputs, [net.tensor(output, scale)], options.get(name, "FullyConnected"), **stride, **multiplier)
    )


@pytest.mark.parametrize("weights", ["float32", "int8", "uint8", "int4", "int16"])
@pytest.mark.parametrize("maps", ["float32", "int8", "int16"])
@pytest.mark.parametrize("name", ["CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED"])
def test_the_weights_that_tflm_takes_with_each_type_of_maps(name, maps, weights):
    content = weighted(name, maps, weights)
    verdict = check(content, "tflm", compile=False)
    assert verdict.runs == runs(content, "tflm")
    if maps == "float32" and weights != "float32":
        assert "hybrid" in verdict.operators[0].why


@pytest.mark.parametrize("name", operators.NAMES)
def test_tflm_takes_as_computed_what_the_table_does_not_call_a_constant(name):
    content = operators.file_of(name)
    graph = read(content).main
    for place, index in enumerate(graph.operators[-1].inputs):
        if graph.tensors[index].data is not None and check(content, "tflm", compile=False).runs:
            file = File(content)
            file.main.tensors[index].buffer = 0
            file.main.inputs = np.array([*graph.inputs, index], "int32")
            tensor, loose = graph.tensors[index], file.packed()
            given = np.frombuffer(tensor.data.tobytes(), tensor.type.lower()).reshape(tensor.shape)
            try:
                run(loose, [*(np.ones_like(array) for array in files.inputs(content)), given], "tflm")
                ran = True
            except RunError:
                ran = False
            assert check(loose, "tflm", compile=False).runs == ran == (place not in kernels.TFLM_CONSTANTS.get(name, ()))


def test_tflm_ends_at_the_first_value_below_zero():
    def content(zero_point):
        net = Network()
        return net.file(net.unary("RSQRT", net.input(1, 4, zero_point=zero_point), scale=1 / 16, zero_point=-128))

    below = np.array([[-128, 0, 0, 0]], "int8")
    assert run(content(-128), below).outputs[0].shape == (1, 4)
    assert check(content(-128), "tflm", compile=False).runs
    with pytest.raises(RunError, match="positive"):
        run(content(-100), below)
    verdict = check(content(-100), "tflm", compile=False)
    assert not verdict.runs
    assert "below zero" in verdict.operators[0].why
    assert "epsilon" in verdict.operators[0].instead


def joined(scale):
    net = Network()
    x = net.input(1, 4, 4, 4)
    return net.file(net.concatenate([x, net.unary("QUANTIZE", x, scale=scale)], 3))


def sliced(rank):
    net = Network()
    x = net.input(*(2,) * rank)
    sizes = net.numbers(*(1,) * rank)
    return net.file(net.operator("SLICE", [x, net.numbers(*(0,) * rank), sizes], [net.like(x, *(1,) * rank)], "Slice"))


def logistic(zero_point):
    net = Network()
    return net.file(net.unary("LOGISTIC", net.input(1, 4), scale=1 / 256, zero_point=zero_point))


def many(count):
    net = Network()
    return net.file(net.concatenate([net.unary("RELU", net.input(1, 4)) for _ in range(count)], 1))


def slopes(dtype):
    net = Network(0, "int16")
    x = net.input(1, 4, 4, 4)
    alpha = net.tensor((1, 1, 4), 1 / 64, dtype=dtype, data=np.ones((1, 1, 4), dtype))
    return net.file(net.operator("PRELU", [x, alpha], [net.like(x)]))


def sparse(dtype, filters=4):
    """FULLY_CONNECTED with weights of which two are in the file."""
    net = Network(dtype=dtype)
    x = net.input(1, 4)
    weights = net.tensor((filters, 4), data=np.array([1, 2], dtype))
    places, ends = schema.Int32VectorT(), schema.Int32VectorT()
    dense, some = schema.DimensionMetadataT(), schema.DimensionMetadataT()
    places.values, ends.values, dense.denseSize, some.format = [0, 3], [0, 1, *[2] * (filters - 1)], filters, 1
    some.arraySegments, some.arrayIndices = ends, places
    some.arraySegmentsType = some.arrayIndicesType = schema.SparseIndexVector.Int32Vector
    net.graph.tensors[weights].sparsity = schema.SparsityParametersT()
    net.graph.tensors[weights].sparsity.traversalOrder = [0, 1]
    net.graph.tensors[weights].sparsity.dimMetadata = [dense, some]
    made = net.tensor((1, filters))
    return net.file(net.operator("FULLY_CONNECTED", [x, weights, -1], [made], "FullyConnected"))


@pytest.mark.parametrize("ask", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_sparse_weights_do_not_run_on_tflm_although_it_computes_something(dtype, ask):
    content = sparse(dtype)
    assert read(content).main.tensors[1].sparse
    verdict = check(content, "tflm", compile=ask)
    assert [(operator.verdict, operator.why) for operator in verdict.operators] == [("unsupported", kernels.SPARSE)]
    if dtype == "float32":
        x = np.array([[1, 10, 100, 1000]], "float32")
        assert run(content, x, "litert-reference").outputs[0].tolist() == [[1, 2000, 0, 0]]
        assert run(content, x, "tflm").outputs[0].tolist() != [[1, 2000, 0, 0]]


@pytest.mark.parametrize("ask", [True, False])
def test_relu6_between_two_scales_does_not_run_on_tflm_although_it_computes_something(ask):
    net = Network()
    content = net.file(net.unary("RELU6", net.input(1, 4), scale=1 / 32, zero_point=0))
    verdict = check(content, "tflm", compile=ask)
    assert [(operator.verdict, operator.why) for operator in verdict.operators] == [("unsupported", kernels.MISREAD)]
    x = np.array([[-64, 0, 32, 64]], "int8")
    want = run(content, x, "litert-reference").outputs[0]
    assert (run(content, x, "tflm").outputs[0] != want).any()
    np.testing.assert_array_equal(run(with_scaled_relu6(content), x, "tflm").outputs[0], want)
    same = Network()
    assert check(same.file(same.unary("RELU6", same.input(1, 4))), "tflm", compile=ask).runs


def gathered(dtype):
    net = Network()
    x, places = net.input(4, 4), net.tensor((2,), None, dtype=dtype, data=np.array([2, 0], dtype))
    return net.file(net.operator("GATHER", [x, places], [net.like(x, 2, 4)], "Gather"))


@pytest.mark.parametrize("kind", sorted(name for name in vars(schema.TensorType) if not name.startswith("_")))
@pytest.mark.parametrize("read", [False, True])
def test_types_over_which_tflm_refuses_a_file(kind, read):
    net = Network()
    made = net.unary("RELU", net.input(1, 4))
    other = net.tensor((1,), None)
    net.graph.tensors[other].type = getattr(schema.TensorType, kind)
    if read:
        net.operator("SHAPE", [other], [net.tensor((1,), None, dtype="int32")], "Shape")
    verdict = check(net.file(made), "tflm", compile=False)
    if not read:
        assert verdict.runs == runs(net.file(made), "tflm") == (kind not in kernels.TFLM_WITHOUT)
    elif kind in kernels.TFLM_WITHOUT:
        assert [operator.verdict for operator in verdict.operators] == ["supported", "unsupported"]
        assert not runs(net.file(made), "tflm")


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (gathered("int32"), gathered("int64")),
        (joined(1 / 64), joined(1 / 32)),
        (sliced(5), sliced(6)),
        (logistic(-128), logistic(0)),
        (slopes("int8"), slopes("int16")),
        (many(10), many(11)),
    ],
)
def test_limits_beyond_types(good, bad):
    for content in (good, bad):
        assert check(content, "tflm", compile=False).runs == runs(content, "tflm") == (content is good)


@pytest.mark.parametrize("name", sorted(kernels.TFLM_CUSTOM))
def test_tflm_knows_these_custom_operators(name):
    net = Network()
    x = net.input(1, 4)
    content = net.file(net.operator(name, [x], [net.like(x)]))
    assert check(content, "tflm", compile=False).runs
    assert not check(content, "litert", compile=False).runs
    try:
        measure(content)  # whose options are missing
    except RunError as error:
        assert "has no operator" not in str(error)  # noqa: PT017 - some are prepared all the same


def test_custom_operators_that_nobody_knows():
    net = Network()
    x = net.input(1, 4)
    verdict = check(net.file(net.operator("Mystery", [x], [net.like(x)])), "tflm")
    assert "custom operator Mystery" in verdict.operators[0].why
    assert check(unusual.spectrum(), "tflm", compile=False).runs


@pytest.mark.parametrize("made", [unusual.branches, unusual.loop, unusual.remembered, unusual.svdf])
def test_files_with_several_graphs_and_variables(made):
    assert check(made(), "tflm", compile=False).runs
    measure(made())


@pytest.mark.parametrize("name", ["GELU", "TILE", "CONV_3D", "RELU_N1_TO_1"])
def test_what_tflm_lacks(name):
    assert name not in kernels.TFLM
    net = Network()
    x = net.input(1, 4)
    content = net.file(net.operator(name, [x], [net.like(x)]))
    assert check(content, "tflm", compile=False).operators[0].why == f"TFLM has no operator {name}"
    with pytest.raises(RunError, match=f"TFLM has no operator {name}"):
        measure(content)


def test_every_operator_that_tflm_registers_is_in_its_table_unless_it_has_floats_only():
    builtins = [name for name in vars(schema.BuiltinOperator) if not name.startswith(("_", "STABLEHLO"))]
    missing, floats = [], []
    for name in builtins:
        net = Network()
        x = net.input(1, 4, 4, 4)
        try:
            measure(net.file(net.operator(name, [x], [net.like(x)])))
        except ValueError as error:
            if "has no operator" in str(error):
                missing.append(name)
        if name not in kernels.TFLM and name not in missing:
            floats.append(name)
    assert not set(missing) & set(kernels.TFLM)
    assert set(floats) == set(FLOATS)
