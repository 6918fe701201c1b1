"""One small file for each operator and type of its maps, so that tables of what kernels take can be held against them."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from tflite.network import Network

SAME_SHAPE = (
    *("RELU", "RELU6", "LOGISTIC", "TANH", "HARD_SWISH", "LEAKY_RELU", "ELU", "L2_NORMALIZATION", "SOFTMAX", "LOG_SOFTMAX"),
    *(
        "RSQRT",
        "SQRT",
        "SQUARE",
        "EXP",
        "LOG",
        "SIN",
        "COS",
        "ABS",
        "NEG",
        "FLOOR",
        "CEIL",
        "ROUND",
        "ZEROS_LIKE",
        "QUANTIZE",
    ),
    *("LOGICAL_NOT", "GELU", "RELU_N1_TO_1", "RELU_0_TO_1"),
)
TWO_MAPS = (
    *("ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "FLOOR_DIV", "FLOOR_MOD", "POW"),
    *("LOGICAL_AND", "LOGICAL_OR", "ADD_N"),
)
COMPARISONS = ("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL")
REDUCTIONS = ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", "REDUCE_ALL", "REDUCE_ANY")


def _unary(net, x, name):
    if name == "LOGISTIC":
        return net.unary(name, x, scale=1 / 256, zero_point=0) if net.dtype == "uint8" else net.logistic(x)
    if name in ("TANH", "SOFTMAX", "LOG_SOFTMAX", "L2_NORMALIZATION", "RSQRT"):  # TFLM insists on some of these scales
        scale, point = {
            "TANH": (1 / 128, 0),
            "SOFTMAX": (1 / 256, -128),
            "LOG_SOFTMAX": (16 / 256, 127),
            "L2_NORMALIZATION": (1 / 128, 0),
            "RSQRT": (1 / 64, 0),
        }[name]
        if net.dtype == "uint8":
            point += 128
        if net.dtype == "int16":
            scale, point = 1 / 2**15, 0
        return net.unary(name, x, scale=scale, zero_point=point)
    return net.unary(name, x)


def _compared(net, x, name):
    return net.operator(name, [x, x], [net.tensor(net.shape(x), None, dtype="bool")])


def _reduced(net, x, name):
    return net.operator(name, [x, net.numbers(1, 2)], [net.like(x, 1, 1, 1, 4)], "Reducer", keepDims=True)


def _arg(net, x, name):
    options = {"ARG_MAX": "ArgMax", "ARG_MIN": "ArgMin"}[name]
    made = net.tensor((1, 4, 4), None, dtype="int32")
    return net.operator(name, [x, net.numbers(3)], [made], options, outputType=2)


def _pool(net, x, name):
    return net.operator(name, [x], [net.like(x, 1, 2, 2, 4)], "Pool2D", strideH=2, strideW=2, filterHeight=2, filterWidth=2)


def _both_ends(net, x, name):
    amounts = net.tensor((4, 2), None, dtype="int32", data=np.array([[0, 0], [1, 1], [1, 1], [0, 0]], "int32"))
    inputs, options = [x, amounts], {"MIRROR_PAD": "MirrorPad", "PADV2": "PadV2", "PAD": "Pad"}[name]
    if name == "PADV2":
        scale, point = net.scale(x) or (None, 0)
        inputs.append(net.tensor((1,), scale, point, net.dtype, np.zeros(1, net.dtype)))
    return net.operator(name, inputs, [net.like(x, 1, 6, 6, 4)], options)


def _dense(net, x, name):
    flat = net.reshape(x, 1, 64)
    if net.dtype == "float32":
        return net.dense(flat, 5)
    weights = net.tensor((5, 64), 1 / 512, dtype="int8", data=np.ones((5, 64), "int8"))
    bias = net.tensor((5,), net.scale(x)[0] / 512, dtype=_wide(net), data=np.ones(5, _wide(net)))
    return net.operator(name, [flat, weights, bias], [net.like(x, 1, 5)], "FullyConnected")


def _wide(net):
    return "int64" if net.dtype == "int16" else "int32"


def _moved(net, x, name):
    """Operators that only move values: inputs beyond the map, output's shape, options."""
    numbers = net.numbers
    zeros, sizes, ones = (lambda: numbers(0, 0, 0, 0)), (lambda: numbers(1, 2, 2, 4)), (lambda: numbers(1, 1, 1, 1))
    inputs, shape, options, values = {
        "SLICE": lambda: ([x, zeros(), sizes()], (1, 2, 2, 4), "Slice", {}),
        "STRIDED_SLICE": lambda: ([x, zeros(), sizes(), ones()], (1, 2, 2, 4), "StridedSlice", {}),
        "TRANSPOSE": lambda: ([x, numbers(0, 2, 1, 3)], (1, 4, 4, 4), "Transpose", {}),
        "SQUEEZE": lambda: ([x], (4, 4, 4), "Squeeze", {"squeezeDims": [0]}),
        "EXPAND_DIMS": lambda: ([x, numbers(0)], (1, 1, 4, 4, 4), "ExpandDims", {}),
        "PACK": lambda: ([x, x], (2, 1, 4, 4, 4), "Pack", {"valuesCount": 2}),
        "GATHER": lambda: ([x, numbers(1, 0)], (1, 2, 4, 4), "Gather", {"axis": 1}),
        "GATHER_ND": lambda: ([x, numbers(0, 1)], (4, 4), "GatherNd", {}),
        "TILE": lambda: ([x, numbers(1, 2, 1, 1)], (1, 8, 4, 4), "Tile", {}),
        "BROADCAST_TO": lambda: ([x, numbers(2, 4, 4, 4)], (2, 4, 4, 4), "BroadcastTo", {}),
        "REVERSE_V2": lambda: ([x, numbers(1)], (1, 4, 4, 4), "ReverseV2", {}),
        "CUMSUM": lambda: ([x, numbers(1)], (1, 4, 4, 4), "Cumsum", {}),
        "BATCH_MATMUL": lambda: ([x, x], (1, 4, 4, 4), "BatchMatMul", {}),
    }[name]()
    return net.operator(name, inputs, [net.like(x, *shape)], options, **values)


def _selected(net, x, name):
    condition = net.tensor((1, 4, 4, 4), None, dtype="bool", data=np.ones((1, 4, 4, 4), "bool"))
    return net.operator(name, [condition, x, x], [net.like(x)], "SelectV2")


def _shape(net, x, name):
    return net.operator(name, [x], [net.tensor((4,), None, dtype="int32")], "Shape", outType=2)


def _unpacked(net, x, name):
    parts = [net.like(x, 1, 4, 4) for _ in range(4)]
    return net.operator(name, [x], parts, "Unpack", num=4, axis=1)


_WAYS = {
    **dict.fromkeys(SAME_SHAPE, _unary),
    **dict.fromkeys(TWO_MAPS, lambda net, x, name: net.binary(name, x, x)),
    **dict.fromkeys(COMPARISONS, _compared),
    **dict.fromkeys(REDUCTIONS, _reduced),
    **dict.fromkeys(("ARG_MAX", "ARG_MIN"), _arg),
    **dict.fromkeys(("MAX_POOL_2D", "AVERAGE_POOL_2D", "L2_POOL_2D"), _pool),
    **dict.fromkeys(("PAD", "PADV2", "MIRROR_PAD"), _both_ends),
    **dict.fromkeys(("DEPTH_TO_SPACE", "SPACE_TO_DEPTH"), lambda net, x, name: net.shuffled(name, x)),
    **dict.fromkeys(("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"), lambda net, x, name: net.resize(name, x, 8, 8)),
    **dict.fromkeys(
        ("SLICE", "STRIDED_SLICE", "TRANSPOSE", "SQUEEZE", "EXPAND_DIMS", "PACK", "GATHER", "GATHER_ND"), _moved
    ),
    **dict.fromkeys(("TILE", "BROADCAST_TO", "REVERSE_V2", "CUMSUM", "BATCH_MATMUL"), _moved),
    "PRELU": lambda net, x, name: net.operator(name, [x, net.constant(1, 1, 4)], [net.like(x)]),
    "CONV_2D": lambda net, x, name: net.conv(x, 4, (3, 3)),
    "DEPTHWISE_CONV_2D": lambda net, x, name: net.depthwise(x),
    "TRANSPOSE_CONV": lambda net, x, name: net.transposed(x, 4),
    "FULLY_CONNECTED": _dense,
    "CONCATENATION": lambda net, x, name: net.concatenate([x, x], 3),
    "SPLIT": lambda net, x, name: net.split(x)[0],
    "SPLIT_V": lambda net, x, name: net.split_v(x, [1, 3])[0],
    "RESHAPE": lambda net, x, name: net.reshape(x, 1, 8, 2, 4),
    "SELECT_V2": _selected,
    "SHAPE": _shape,
    "UNPACK": _unpacked,
}
_FIRST_VERSION = {  # LiteRT's kernels go by version, and of these there is but one
    *("HARD_SWISH", "ELU", "SQUARE", "SIN", "COS", "NEG", "FLOOR", "CEIL", "ROUND", "ZEROS_LIKE", "LOGICAL_NOT", "POW"),
    *("RELU_N1_TO_1", "RELU_0_TO_1", "LOGICAL_AND", "LOGICAL_OR", "ADD_N", "REDUCE_ALL", "REDUCE_ANY", "L2_POOL_2D"),
    *("SQUEEZE", "EXPAND_DIMS", "CUMSUM", "PRELU", "FULLY_CONNECTED", "RESHAPE", "SHAPE"),
}
_SCALED = ("QUANTIZE", "CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED", "PADV2", "PRELU")  # of any type
NAMES = tuple(_WAYS)  # of the operators of which files can be made


def file_of(*names, dtype="int8"):
    """Returns the bytes of a file with those operators, each on an input of its own and of that type.

    The last operator of the file is the last one that is named.
    """
    net, made = Network(0, dtype), []
    for name in names:
        zero_point = -128 if dtype == "int8" and name in ("RSQRT", "LOG", "SQRT") else 0  # no values below zero
        scale = None if dtype in ("int32", "int64", "bool") and name not in _SCALED else 1 / 64
        made.append(_WAYS[name](net, net.input(1, 4, 4, 4, scale=scale, zero_point=zero_point), name))
    known = {number: name for name, number in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    for code in net.model.operatorCodes:
        code.version = 1 if known[code.builtinCode] in _FIRST_VERSION else 2
    return net.file(*made)
