"""The scratch of every kernel that has some, and the absence of it elsewhere, as TFLM measures them."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from tflite.network import Network
from tflite.unusual import custom, spectrum, svdf

from keras_unetmm.interpreters.runtime import measure
from keras_unetmm.kernels.tflm_reference import REFERENCE
from keras_unetmm.planner.lifetimes import aligned
from keras_unetmm.tflite_file.graph import read

MAP = (1, 6, 10, 4)


def one(name, shapes=(MAP,), output=MAP, options=None, dtype="int8", constants=(), outputs=1, scale=1 / 64, **values):
    """One operator on inputs of those shapes, then on those constants."""
    net = Network(dtype=dtype)
    inputs = [net.input(*shape) for shape in shapes]
    inputs += [net.tensor(value.shape, 1 / 64, dtype=str(value.dtype), data=value) for value in constants]
    made = [net.tensor(output, scale, -128 if scale == 1 / 256 else 0) for _ in range(outputs)]
    net.operator(name, inputs, made, options, **values)
    return net.file(*made)


def built(method, *arguments, name=None, dtype="int8", **values):
    """One operator as `Network` makes it."""
    net = Network(dtype=dtype)
    made = getattr(net, method)(*([name] if name else []), net.input(*MAP), *arguments, **values)
    return net.file(*(made if isinstance(made, list) else [made]))


def integers(*values):
    return np.array(values, "int32")


def packed_weights(method, **values):
    """A convolution or dense operator whose weights take four bits each."""
    net = Network()
    x = net.input(*MAP)
    made = net.dense(x, 6) if method == "dense" else getattr(net, method)(x, **values)
    weights = net.graph.tensors[net.graph.operators[-1].inputs[1]]
    weights.type = schema.TensorType.INT4
    weights.quantization.scale, weights.quantization.zeroPoint = weights.quantization.scale[:1], np.zeros(1, "int64")
    count = -(-int(np.prod(weights.shape)) // 2)
    net.model.buffers[weights.buffer].data = np.arange(count).astype("uint8")
    return net.file(made)


def narrow_bias():
    """TRANSPOSE_CONV on int16 with a bias of 16 bits, as converters once wrote it; the kernel widens it."""
    net = Network(dtype="int16")
    made = net.transposed(net.input(*MAP), 3)
    bias = net.graph.tensors[net.graph.operators[-1].inputs[3]]
    bias.type, net.model.buffers[bias.buffer].data = schema.TensorType.INT16, np.zeros(6, "uint8")
    return net.file(made)


def lstm(dtype, time_major=False):
    """UNIDIRECTIONAL_SEQUENCE_LSTM of 4 steps, 5 inputs and 6 cells without peepholes or projection."""
    net = Network(dtype=dtype)
    floating, inner, cells = dtype == "float32", 5, 6
    x = net.input(*((4, 2, inner) if time_major else (2, 4, inner)))
    weights = [
        net.tensor(
            (cells, n),
            None if floating else 1 / 127,
            0,
            "float32" if floating else "int8",
            np.ones((cells, n), "float32" if floating else "int8"),
        )
        for n in [inner] * 4 + [cells] * 4
    ]
    kind = "float32" if floating else {"int8": "int32", "int16": "int64"}[dtype]
    biases = [net.tensor((cells,), None if floating else 1 / 8192, 0, kind, np.zeros(cells, kind)) for _ in range(4)]
    hidden = net.tensor((2, cells), None if floating else 1 / 128)
    cell = net.tensor((2, cells), None if floating else 1 / 2048, 0, "float32" if floating else "int16")
    for state in (hidden, cell):
        net.graph.tensors[state].isVariable = True
    made = net.tensor((*net.shape(x)[:2], cells), None if floating else 1 / 128)
    inputs = [x, *weights, -1, -1, -1, *biases, -1, -1, hidden, cell, -1, -1, -1, -1]
    net.operator(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        inputs,
        [made],
        "UnidirectionalSequenceLSTM",
        fusedActivationFunction=4,
        timeMajor=time_major,
    )
    return net.file(made)


def detection(boxes=7, classes=3, most=4):
    net = Network(dtype="float32")
    inputs = [net.input(1, boxes, 4), net.input(1, boxes, classes + 1), net.constant(boxes, 4)]
    outputs = [net.tensor(shape) for shape in ((1, most, 4), (1, most), (1, most), (1,))]
    options = {"max_detections": most, "max_classes_per_detection": 1, "detections_per_class": 2, "num_classes": classes}
    options |= {"nms_score_threshold": 0.1, "nms_iou_threshold": 0.5, "use_regular_nms": False}
    options |= {"y_scale": 10.0, "x_scale": 10.0, "h_scale": 5.0, "w_scale": 5.0}
    return custom(net, "TFLite_Detection_PostProcess", inputs, outputs, **options)


AXES = integers(1, 2)
REDUCED = (1, 1, 1, 4)
PADDED = np.array([(0, 0), (1, 2), (2, 1), (0, 0)], "int32")
LARGER = (1, 9, 13, 4)
MATRICES = ((1, 4, 6), (1, 6, 5))

WITH = {
    **{
        f"{name} {dtype}": one(name, output=REDUCED, options="Reducer", dtype=dtype, constants=[AXES], keepDims=True)
        for name in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN")
        for dtype in ("int8", "int16", "float32")
        if not (name.startswith("REDUCE") and dtype == "int16")
    },
    "MEAN over channels": one("MEAN", output=(1, 6, 10), options="Reducer", constants=[integers(3)]),
    "SUM of everything": one("SUM", output=(), options="Reducer", constants=[integers(0, 1, 2, 3)]),
    **{f"TRANSPOSE_CONV {dtype}": built("transposed", 3, dtype=dtype) for dtype in ("int8", "int16")},
    "TRANSPOSE_CONV int16 with such a bias": narrow_bias(),
    "TRANSPOSE_CONV 3x3": built("transposed", 5, (3, 3), padding="VALID", bias=False),
    "CONV_2D int4": packed_weights("conv", filters=5, kernel=(3, 3)),
    "DEPTHWISE_CONV_2D int4": packed_weights("depthwise"),
    "FULLY_CONNECTED int4": packed_weights("dense"),
    "REDUCE_ALL": one("REDUCE_ALL", output=REDUCED, options="Reducer", dtype="bool", constants=[AXES], keepDims=True),
    **{
        f"MIRROR_PAD {dtype}": one("MIRROR_PAD", output=LARGER, options="MirrorPad", dtype=dtype, constants=[PADDED])
        for dtype in ("int8", "float32")
    },
    **{f"ADD_N {dtype}": one("ADD_N", [MAP] * 5, options="AddN", dtype=dtype) for dtype in ("int8", "float32")},
    "SVDF int8": svdf("int8"),
    "SVDF float32": svdf("float32"),
    "LSTM int8": lstm("int8"),
    "LSTM float32": lstm("float32"),
    "LSTM int8 time major": lstm("int8", True),
    "LSTM int16": lstm("int16"),
    "detections": detection(),
    "many detections": detection(30, 5, 50),
    "SignalRfft int16": spectrum("int16"),
    "SignalRfft int32": spectrum("int32"),
    "SignalRfft float32": spectrum("float32"),
}


WITHOUT = {
    **{
        f"{method} {dtype}": built(method, *arguments, dtype=dtype)
        for dtype in ("int8", "int16", "float32")
        for method, *arguments in (
            ("conv", 5, (3, 3)),
            ("depthwise",),
            ("dense", 7),
            ("logistic",),
            ("split",),
            ("pad", (0, 0), (1, 0), (0, 2), (0, 0)),
        )
    },
    **{
        f"{name} {dtype}": built("pool", name=name, dtype=dtype)
        for dtype in ("int8", "int16", "float32")
        for name in ("MAX_POOL_2D", "AVERAGE_POOL_2D")
    },
    "TRANSPOSE_CONV float32": built("transposed", 3, dtype="float32"),
    "RESIZE_BILINEAR": built("resize", 12, 20, name="RESIZE_BILINEAR"),
    "RESIZE_NEAREST_NEIGHBOR": built("resize", 12, 20, name="RESIZE_NEAREST_NEIGHBOR"),
    "DEPTH_TO_SPACE": built("shuffled", name="DEPTH_TO_SPACE"),
    "SPACE_TO_DEPTH": built("shuffled", name="SPACE_TO_DEPTH"),
    "SOFTMAX": one("SOFTMAX", options="Softmax", scale=1 / 256, beta=1.0),
    "SOFTMAX float32": one("SOFTMAX", options="Softmax", dtype="float32", beta=1.0),
    "LOG_SOFTMAX": one("LOG_SOFTMAX", options="LogSoftmax", dtype="float32"),
    "L2_NORMALIZATION": one("L2_NORMALIZATION", options="L2Norm", scale=1 / 128),
    "L2_POOL_2D": built("pool", name="L2_POOL_2D", dtype="float32"),
    **{name: one(name, [MAP, MAP], options=options) for name, options in (("ADD", "Add"), ("SUB", "Sub"), ("MUL", "Mul"))},
    "SQUARED_DIFFERENCE": one("SQUARED_DIFFERENCE", [MAP, MAP], options="SquaredDifference"),
    "MAXIMUM broadcast": one("MAXIMUM", [MAP, (4,)], options="MaximumMinimum"),
    "PRELU": one("PRELU", constants=[np.full((1, 1, 4), 9, "int8")]),
    "BATCH_MATMUL": one("BATCH_MATMUL", [(1, 4, 6), (1, 6, 5)], (1, 4, 5), "BatchMatMul"),
    "BATCH_MATMUL of transposed": one(
        "BATCH_MATMUL", [(2, 6, 4), (2, 5, 6)], (2, 4, 5), "BatchMatMul", adjX=True, adjY=True
    ),
    "BATCH_MATMUL int16": one("BATCH_MATMUL", [(1, 4, 6), (1, 6, 5)], (1, 4, 5), "BatchMatMul", "int16"),
    "TRANSPOSE": one("TRANSPOSE", output=(1, 4, 6, 10), options="Transpose", constants=[integers(0, 3, 1, 2)]),
    "SLICE": one("SLICE", output=(1, 2, 3, 4), options="Slice", constants=[integers(0, 1, 1, 0), integers(1, 2, 3, 4)]),
    "SPACE_TO_BATCH_ND": one(
        "SPACE_TO_BATCH_ND", output=(4, 3, 5, 4), constants=[integers(2, 2), np.zeros((2, 2), "int32")]
    ),
    "PACK": one("PACK", [MAP, MAP], (1, 6, 2, 10, 4), "Pack", axis=2, valuesCount=2),
    "UNPACK": one("UNPACK", output=(1, 10, 4), options="Unpack", outputs=6, axis=1, num=6),
    "GATHER": one("GATHER", output=(1, 2, 10, 4), options="Gather", constants=[integers(3, 1)], axis=1),
    "CUMSUM": one("CUMSUM", options="Cumsum", constants=[integers(1)]),
    "REVERSE_V2": one("REVERSE_V2", options="ReverseV2", dtype="int8", constants=[integers(1)]),
    "EXP": one("EXP", dtype="float32"),
}


def tensors(graph):
    return sum(aligned(t.arena_bytes) for t in graph.tensors if not t.variable)


@pytest.mark.parametrize("name", WITH)
def test_scratch_is_what_TFLM_adds_to_the_tensors(name):
    graph = read(WITH[name]).main
    sizes = REFERENCE.scratch(graph, graph.operators[0])
    assert sizes
    assert measure(WITH[name]).head == tensors(graph) + sum(map(aligned, sizes))


@pytest.mark.parametrize("name", WITHOUT)
def test_other_operators_have_none(name):
    graph = read(WITHOUT[name]).main
    assert REFERENCE.scratch(graph, graph.operators[0]) == ()
    assert measure(WITHOUT[name]).head == tensors(graph)


def test_it_is_what_the_kernel_asks_for_in_that_order():
    def sizes(name):
        graph = read(WITH[name]).main
        return REFERENCE.scratch(graph, graph.operators[0])

    assert sizes("MEAN int8") == (4 * 4, 4 * 4, 2 * 4)  # an accumulator an output, an index an axis, the axes
    assert sizes("TRANSPOSE_CONV int16") == (12 * 20 * 3 * 8,)
    assert sizes("CONV_2D int4") == (5 * 3 * 3 * 4,)  # its weights, a byte each
    assert sizes("SVDF int8") == (6 * 4, 3 * 4)
