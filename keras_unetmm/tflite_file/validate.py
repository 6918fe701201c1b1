# SPDX-License-Identifier: Apache-2.0
"""What every operator of a file must have before anything is computed of it: checked once, as the file is read.

An operator of a row below has as many inputs and outputs as the row says, options of its own kind, and sizes, axes and
numbers within their ranges. What planner, tiler and tables divide by, index with or allocate is sound behind this.
Shapes of two tensors are not compared: in files of unknown sizes they are placeholders.
"""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

_NUMBERS = {"INT32": "<i4", "INT64": "<i8"}
_REDUCTIONS = "MEAN SUM REDUCE_MAX REDUCE_MIN REDUCE_PROD REDUCE_ANY REDUCE_ALL"
_UNARY = """
    ABS NEG EXP LOG SQRT RSQRT SIN COS SQUARE ROUND FLOOR CEIL SIGN RELU RELU6 RELU_N1_TO_1 RELU_0_TO_1 ELU GELU LEAKY_RELU
    HARD_SWISH LOGISTIC TANH SOFTMAX LOG_SOFTMAX L2_NORMALIZATION QUANTIZE DEQUANTIZE CAST ZEROS_LIKE SHAPE SQUEEZE
    LOGICAL_NOT UNPACK RESHAPE CONCATENATION ADD_N PACK READ_VARIABLE DEPTH_TO_SPACE SPACE_TO_DEPTH MAX_POOL_2D
    AVERAGE_POOL_2D L2_POOL_2D TILE PAD PADV2 CONV_3D
"""
_BINARY = """
    ADD SUB MUL DIV SQUARED_DIFFERENCE MAXIMUM MINIMUM POW FLOOR_DIV FLOOR_MOD PRELU EQUAL NOT_EQUAL GREATER GREATER_EQUAL
    LESS LESS_EQUAL LOGICAL_AND LOGICAL_OR EXPAND_DIMS TRANSPOSE MIRROR_PAD REVERSE_V2 BROADCAST_TO BROADCAST_ARGS
    FILL GATHER GATHER_ND ARG_MAX ARG_MIN RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR EMBEDDING_LOOKUP CUMSUM SPLIT
    CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED BATCH_MATMUL
"""
_INPUTS = {  # the least, none of which may be absent
    **dict.fromkeys(_UNARY.split(), 1),
    **dict.fromkeys((*_BINARY.split(), *_REDUCTIONS.split()), 2),
    **dict.fromkeys(("TRANSPOSE_CONV", "SLICE", "SPLIT_V", "SELECT", "SELECT_V2", "RANGE"), 3),
    **dict.fromkeys(("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND", "DYNAMIC_UPDATE_SLICE", "SVDF"), 3),
    **{"STRIDED_SLICE": 4, "IF": 1},
}
_TWO = [
    "ADD",
    "SUB",
    "MUL",
    "DIV",
    "SQUARED_DIFFERENCE",
    "MAXIMUM",
    "MINIMUM",
    "POW",
    "FLOOR_DIV",
    "FLOOR_MOD",
    "PRELU",
    "SPLIT",
]
_MOST_INPUTS = {
    **dict.fromkeys(_TWO, 2),
    **dict.fromkeys(set(_UNARY.split()) - {"CONCATENATION", "ADD_N", "PACK", "PADV2", "CONV_3D"}, 2),
}
_OPTIONS = {
    **{"CONV_2D": "Conv2D", "DEPTHWISE_CONV_2D": "DepthwiseConv2D", "TRANSPOSE_CONV": "TransposeConv", "CONV_3D": "Conv3D"},
    **dict.fromkeys(("MAX_POOL_2D", "AVERAGE_POOL_2D", "L2_POOL_2D"), "Pool2D"),
    **{"CONCATENATION": "Concatenation", "SPLIT": "Split", "SPLIT_V": "SplitV", "PACK": "Pack", "UNPACK": "Unpack"},
    **{"DEPTH_TO_SPACE": "DepthToSpace", "SPACE_TO_DEPTH": "SpaceToDepth", "GATHER": "Gather", "SVDF": "SVDF"},
    **{"RESIZE_BILINEAR": "ResizeBilinear", "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighbor", "IF": "If"},
    **{"FULLY_CONNECTED": "FullyConnected", "BATCH_MATMUL": "BatchMatMul", "STRIDED_SLICE": "StridedSlice"},
    **{"WHILE": "While", "CALL_ONCE": "CallOnce", "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTM"},
}
_WINDOWED = {"CONV_2D": (0, 1), "DEPTHWISE_CONV_2D": (0, 1), "TRANSPOSE_CONV": (2, 1)}  # their maps' and weights' places
_POOLS = ("MAX_POOL_2D", "AVERAGE_POOL_2D", "L2_POOL_2D")
_FOUR_AXES = ("DEPTH_TO_SPACE", "SPACE_TO_DEPTH", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", *_POOLS)
CALLS = {
    "IF": ("ThenSubgraphIndex", "ElseSubgraphIndex"),
    "WHILE": ("CondSubgraphIndex", "BodySubgraphIndex"),
    "CALL_ONCE": ("InitSubgraphIndex",),
}
_AXIS_INPUT = {"SPLIT": 0, "SPLIT_V": 2, "ARG_MAX": 1, "ARG_MIN": 1, **dict.fromkeys(_REDUCTIONS.split(), 1)}
_LSTM = 20  # inputs of which none of the first and last may lack


class OperatorError(ValueError):
    """An operator lacks what its kind needs."""


def options_class(name):
    """Returns the schema's class of a built-in operator's options where they are read; None for others."""
    return getattr(schema, f"{_OPTIONS[name]}Options") if name in _OPTIONS else None


def validate_operators(graph, graphs):
    """Raises an `OperatorError` that names the first operator of a graph that lacks what its kind needs.

    Args:
        graph: `keras_unetmm.tflite_file.graph.Graph`.
        graphs: int, how many graphs the file has.
    """
    for position, operator in enumerate(graph.operators):
        if operator.custom:
            continue
        try:
            _validate(graph, operator, graphs)
        except ValueError as error:
            raise OperatorError(f"operator {position}, {operator.name}, {error}") from None


def _validate(graph, operator, graphs):
    name, options = operator.name, operator.options
    least = _INPUTS.get(name, 0)
    if len(operator.inputs) < least or min(operator.inputs[:least], default=0) < 0:
        raise ValueError(f"lacks an input: it needs {least} and has tensors {operator.inputs}")
    if len(operator.inputs) > _MOST_INPUTS.get(name, len(operator.inputs)):
        raise ValueError(f"has {len(operator.inputs)} inputs, more than {_MOST_INPUTS[name]}")
    if name in _INPUTS and (not operator.outputs or min(operator.outputs) < 0):
        raise ValueError("lacks its output")
    inputs = [graph.tensors[i] if i >= 0 else None for i in operator.inputs]
    outputs = [graph.tensors[i] for i in operator.outputs if i >= 0]
    for getter in CALLS.get(name, ()):
        if not 0 <= getattr(options, getter)() < graphs:
            raise ValueError(f"calls graph {getattr(options, getter)()} of {graphs}")
    for rule in (_windows, _four_axes, _matrices, _axes, _joined, _moved, _recurrent):
        rule(name, options, inputs, outputs)


def _windows(name, options, inputs, outputs):
    if name in _WINDOWED:
        source, weights = (inputs[place] for place in _WINDOWED[name])
        _of_rank(4, map=source, weights=weights, output=outputs[0])
        _not_empty(map=source, weights=weights, output=outputs[0])
        _positive(options, "StrideH", "StrideW")
        if name != "TRANSPOSE_CONV":
            _positive(options, "DilationHFactor", "DilationWFactor")
        elif inputs[0].data is not None and len(_numbers(inputs[0]) or ()) != 4:
            raise ValueError("must have its output's 4 sizes in input 0")
    if name == "CONV_3D":  # which no planner touches: its products are counted, no more
        _ranks_from(1, output=outputs[0])
        _not_empty(output=outputs[0])


def _four_axes(name, options, inputs, outputs):
    if name not in _FOUR_AXES:
        return
    _of_rank(4, map=inputs[0], output=outputs[0])
    _not_empty(map=inputs[0], output=outputs[0])
    if name in _POOLS:
        _positive(options, "StrideH", "StrideW", "FilterHeight", "FilterWidth")
    elif name.startswith("RESIZE_"):
        sizes = _numbers(inputs[1])
        if sizes is not None and (len(sizes) != 2 or min(sizes) < 1):
            raise ValueError(f"must resize to two sizes of at least 1, and does to {sizes}")
    else:
        _positive(options, "BlockSize")


def _matrices(name, options, inputs, outputs):
    if name == "FULLY_CONNECTED":
        _of_rank(2, weights=inputs[1])
        _ranks_from(1, map=inputs[0], output=outputs[0])
        _not_empty(weights=inputs[1], output=outputs[0])
    if name == "BATCH_MATMUL":
        _ranks_from(2, first=inputs[0], second=inputs[1])


def _axes(name, options, inputs, outputs):
    """Axes that lie in an input, and those of an option, within the map's."""
    if name in _AXIS_INPUT:
        axes, source = _numbers(inputs[_AXIS_INPUT[name]]), inputs[1 if name == "SPLIT" else 0]
        rank = len(source.shape)
        one = name not in _REDUCTIONS.split()
        if axes is not None and ((one and len(axes) != 1) or any(not -max(rank, 1) <= axis < max(rank, 1) for axis in axes)):
            raise ValueError(f"has the axes {axes} for a map of {rank}")
        if one:
            _ranks_from(1, map=source)
    if name in ("PACK", "UNPACK", "GATHER"):
        rank = len(inputs[0].shape) + (name == "PACK")
        if not -rank <= options.Axis() < max(rank, 1):
            raise ValueError(f"has the axis {options.Axis()} for a map of {rank}")


def _joined(name, options, inputs, outputs):
    if name == "CONCATENATION":
        if None in inputs:
            raise ValueError("lacks an input")
        rank = len(outputs[0].shape)
        if {len(tensor.shape) for tensor in inputs} != {rank} or not -rank <= options.Axis() < rank:
            raise ValueError(f"joins maps of other ranks than {rank}, or along an axis, {options.Axis()}, that is none")
    if name in ("SPLIT", "SPLIT_V"):
        source = inputs[1 if name == "SPLIT" else 0]
        if any(len(tensor.shape) != len(source.shape) for tensor in outputs):
            raise ValueError("gives parts of another rank than the whole")
    if name in ("ADD_N", "PACK") and None in inputs:
        raise ValueError("lacks an input")


def _moved(name, options, inputs, outputs):
    """Paddings, permutations and steps that are constants."""
    rank = len(inputs[0].shape) if inputs and inputs[0] is not None else 0
    if name in ("PAD", "PADV2", "MIRROR_PAD"):
        numbers = _numbers(inputs[1]) if len(inputs) > 1 else None
        if numbers is not None and (len(numbers) != 2 * rank or min(numbers, default=0) < 0):
            raise ValueError(f"must pad each of {rank} axes by two numbers of at least 0, and has {numbers}")
        _of_rank(rank, output=outputs[0])
    if name == "TRANSPOSE":
        order = _numbers(inputs[1])
        if order is not None and sorted(order) != list(range(rank)):
            raise ValueError(f"must order {rank} axes, and has {order}")
    if name == "STRIDED_SLICE":
        steps = _numbers(inputs[3])
        if steps is not None and 0 in steps:
            raise ValueError(f"has steps of 0: {steps}")


def _recurrent(name, options, inputs, outputs):
    if name == "SVDF":
        _ranks_from(1, map=inputs[0], weights=inputs[1])
        _positive(options, "Rank")
    if name == "UNIDIRECTIONAL_SEQUENCE_LSTM":
        if len(inputs) < _LSTM or None in (inputs[0], inputs[18], inputs[19]):
            raise ValueError("lacks its map or a state")
        _ranks_from(2, map=inputs[0], state=inputs[18])


def _of_rank(rank, **tensors):
    for what, tensor in tensors.items():
        if len(tensor.shape) != rank:
            raise ValueError(f"must have a {what} of {rank} axes, and has one of the shape {tensor.shape}")


def _ranks_from(rank, **tensors):
    for what, tensor in tensors.items():
        if len(tensor.shape) < rank:
            raise ValueError(f"must have a {what} of {rank} axes or more, and has one of the shape {tensor.shape}")


def _not_empty(**tensors):
    for what, tensor in tensors.items():
        if 0 in tensor.shape:
            raise ValueError(f"must have a {what} that is not empty, and has one of the shape {tensor.shape}")


def _positive(options, *names):
    for name in names:
        if getattr(options, name)() < 1:
            raise ValueError(f"must have a {name} of at least 1, and has {getattr(options, name)()}")


def _numbers(tensor):
    """A constant's integers as a tuple; None where it is computed or of another type."""
    if tensor is None or tensor.data is None or tensor.type not in _NUMBERS:
        return None
    return tuple(np.frombuffer(tensor.data.tobytes(), _NUMBERS[tensor.type]).tolist())
