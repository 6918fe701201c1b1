"""The integer kernels of the interpreters: of TFLM and of LiteRT, for each operator the types of maps that it takes.

Read off the interpreters themselves, `tflite-micro` 0.dev20261023 and `ai-edge-litert` 2.3.0, which the tests repeat.
Float kernels are not listed.
"""

from keras_unetmm.targets.substitutes import instead_of
from keras_unetmm.tflite_file.operands import Operands, names_in

_ALL = "INT8 INT16 INT32 INT64 UINT8 BOOL"


def _table(rows):
    return {name: names_in(types) for types, names in rows for name in names.split()}


_UNTYPED = "IF WHILE CALL_ONCE VAR_HANDLE READ_VARIABLE ASSIGN_VARIABLE"  # they hand on whatever it is
TFLM = _table(
    [
        ("INT8 INT16", "ABS AVERAGE_POOL_2D BATCH_MATMUL CONV_2D DEPTHWISE_CONV_2D EXPAND_DIMS FULLY_CONNECTED"),
        (
            "INT8 INT16",
            "LEAKY_RELU LOGISTIC MAX_POOL_2D MEAN PRELU RELU RELU6 RESIZE_NEAREST_NEIGHBOR RSQRT SELECT_V2 SOFTMAX",
        ),
        ("INT8 INT16", "SUM TANH TRANSPOSE TRANSPOSE_CONV UNIDIRECTIONAL_SEQUENCE_LSTM"),
        (
            "INT8",
            "ADD_N ARG_MAX ARG_MIN BATCH_TO_SPACE_ND CUMSUM DEPTH_TO_SPACE ELU EMBEDDING_LOOKUP GATHER GATHER_ND HARD_SWISH",
        ),
        ("INT8 INT32", "DIV"),
        ("INT8", "L2_NORMALIZATION LOG_SOFTMAX MIRROR_PAD REDUCE_MAX REDUCE_MIN RESIZE_BILINEAR SPACE_TO_BATCH_ND"),
        ("INT8", "SPACE_TO_DEPTH SVDF"),
        ("INT8 INT16 UINT8 INT32", "QUANTIZE"),
        ("INT8 INT16 INT32", "ADD SUB MUL PAD PADV2 SPLIT SPLIT_V SQUARED_DIFFERENCE UNPACK"),
        ("INT8 INT16 INT32 INT64", "GREATER MAXIMUM MINIMUM PACK"),
        ("INT8 INT32 INT64", "GREATER_EQUAL LESS LESS_EQUAL ZEROS_LIKE"),
        ("INT8 INT32 INT64 BOOL", "EQUAL NOT_EQUAL"),
        ("INT8 INT16 INT32 BOOL", "SLICE STRIDED_SLICE"),
        ("INT8 INT16 INT32 INT64 BOOL", "CONCATENATION"),
        ("INT8 INT16 INT32 BOOL", "CAST"),
        ("INT8 INT16 INT32", "DYNAMIC_UPDATE_SLICE"),
        ("INT32", "BROADCAST_ARGS FILL"),
        ("BOOL", "LOGICAL_AND LOGICAL_NOT LOGICAL_OR REDUCE_ALL"),
        (_ALL, f"BROADCAST_TO RESHAPE REVERSE_V2 SHAPE SQUEEZE {_UNTYPED}"),
    ]
)
TFLM_CUSTOM = names_in(
    """
    CIRCULAR_BUFFER SignalDelay SignalEnergy SignalFftAutoScale SignalFilterBank SignalFilterBankLog
    SignalFilterBankSquareRoot SignalFilterBankSpectralSubtraction SignalFramer SignalIrfft SignalOverlapAdd
    SignalPCAN SignalRfft SignalStacker SignalWindow TFLM_DECODE TFLite_Detection_PostProcess
    """
)
LITERT = _table(
    [
        ("INT8 INT16 UINT8", "AVERAGE_POOL_2D FULLY_CONNECTED GELU LEAKY_RELU MAX_POOL_2D PRELU RELU RELU6 RESIZE_BILINEAR"),
        ("INT8 INT16 UINT8", "CONV_2D DEPTHWISE_CONV_2D LOGISTIC SOFTMAX TANH TRANSPOSE_CONV"),
        ("INT8 INT16 UINT8 INT32", "QUANTIZE"),
        ("INT8 INT16", "BATCH_MATMUL EXP LOG RSQRT SQRT UNIDIRECTIONAL_SEQUENCE_LSTM"),
        ("INT8 UINT8", "HARD_SWISH L2_NORMALIZATION LOG_SOFTMAX RELU_0_TO_1 RELU_N1_TO_1"),
        ("INT8", "ELU SVDF"),
        ("INT8 INT16 INT32", "ABS FLOOR_DIV FLOOR_MOD"),
        ("INT8 INT16 INT32 UINT8", "DIV"),
        ("INT8 INT16 INT32 INT64", "NEG REDUCE_PROD"),
        ("INT8 INT32", "SQUARED_DIFFERENCE"),
        ("INT32", "ADD_N POW BROADCAST_ARGS FILL RANGE"),
        ("INT32 INT64", "CUMSUM ZEROS_LIKE"),
        ("INT8 INT16 INT32 INT64 UINT8", "ADD GREATER GREATER_EQUAL LESS LESS_EQUAL MAXIMUM MEAN MINIMUM MUL PACK PADV2"),
        ("INT8 INT16 INT32 INT64 UINT8", "REDUCE_MAX REDUCE_MIN SPLIT SPLIT_V SUB SUM"),
        ("INT8 INT32 UINT8 BOOL", "ARG_MAX ARG_MIN"),
        ("INT8 INT32 INT64 UINT8", "BATCH_TO_SPACE_ND DEPTH_TO_SPACE SPACE_TO_BATCH_ND SPACE_TO_DEPTH"),
        ("INT8 INT16 INT32 UINT8 BOOL", "RESIZE_NEAREST_NEIGHBOR UNPACK"),
        ("BOOL", "LOGICAL_AND LOGICAL_NOT LOGICAL_OR REDUCE_ALL REDUCE_ANY"),
        (
            _ALL,
            "BROADCAST_TO CAST CONCATENATION DYNAMIC_UPDATE_SLICE EQUAL EXPAND_DIMS GATHER GATHER_ND MIRROR_PAD NOT_EQUAL",
        ),
        (_ALL, f"PAD RESHAPE REVERSE_V2 SELECT SELECT_V2 SHAPE SLICE SQUEEZE STRIDED_SLICE TILE TRANSPOSE {_UNTYPED}"),
    ]
)
TFLM_CONSTANTS = {  # places of the inputs that must lie in the file
    **dict.fromkeys(("PAD", "PADV2", "TRANSPOSE", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"), (1,)),
    **dict.fromkeys(("EXPAND_DIMS", "BROADCAST_TO"), (1,)),
    **{"SPLIT": (0,), "SPLIT_V": (2,), "STRIDED_SLICE": (1, 2, 3), "FILL": (0,)},
}
_QUANTIZED = {  # what QUANTIZE makes of each type
    "TFLM": {
        "INT8": ("INT8", "UINT8", "INT16", "INT32"),
        "INT16": ("INT8", "INT16", "INT32"),
        "UINT8": ("INT8",),
        "INT32": ("INT8", "INT16"),
    },
    "LiteRT": {
        "INT8": ("INT8", "UINT8", "INT16"),
        "INT16": ("INT8", "INT16", "INT32"),
        "UINT8": ("INT8", "UINT8", "INT16"),
        "INT32": ("INT8", "INT16"),
    },
}
_RANKS = {"SLICE": 5, "TRANSPOSE": 5, "BROADCAST_TO": 5, "STRIDED_SLICE": 5}  # on TFLM: the most dimensions


def why_not_tflm(graph, operator, target="tflm"):
    """Returns why TFLM cannot run an operator, and what to use instead; or None if it can."""
    if operator.custom:
        return None if operator.name in TFLM_CUSTOM else _no_custom("TFLM", operator.name)
    operands = Operands(graph, operator)
    found = _no_kernel("TFLM", TFLM, operands, target) or _of_values("TFLM", operands, target)
    return found or _tflm_limits(operands, target)


def why_not_litert(graph, operator, target="litert"):
    """Returns why LiteRT cannot run an operator in integers, and what to use instead; or None if it can."""
    if operator.custom:
        return _no_custom("LiteRT", operator.name)
    operands = Operands(graph, operator)
    found = _no_kernel("LiteRT", LITERT, operands, target) or _of_values("LiteRT", operands, target)
    weights, mixed = operands.weights, "maps and weights of the same 8 bits: unetmm convert writes int8"
    if (
        found is None
        and weights is not None
        and operands.name != "FULLY_CONNECTED"
        and (operands.map.type, weights.type) == ("UINT8", "INT8")
    ):
        return "LiteRT takes no weights of int8 with maps of uint8", mixed
    return found


def _no_custom(runtime, name):
    why = f"{runtime} has no kernel for the custom operator {name}"
    return why, "layers that convert to built-in operators: without tf.py_function, lambda layers or SELECT_TF_OPS"


def _no_kernel(runtime, table, operands, target):
    types = table.get(operands.name)
    if types is None:
        why = (
            f"{runtime} has no operator {operands.name}" if runtime == "TFLM" else f"{runtime} has no integer kernel for it"
        )
        return why, instead_of(target, operands.name)
    if operands.map is None or operands.map.type in types or operands.map.type == "RESOURCE":
        return None
    taken = ", ".join(sorted(types)).lower()
    why = f"{runtime} takes {taken}, not {operands.map.type.lower()}"
    return why, _of_type(operands, types, target)


def _of_type(operands, types, target):
    if operands.map.type in ("INT16", "UINT8") and "INT8" in types:
        return "maps of 8 bits: unetmm convert writes int8"
    return instead_of(target, operands.name)


def _of_values(runtime, operands, target):
    """Limits of both: what QUANTIZE makes, and square roots and logarithms, which end at a value below zero."""
    before, after = operands.map, operands.output
    if operands.name == "QUANTIZE" and after.type not in _QUANTIZED[runtime][before.type]:
        return f"{runtime} does not quantise {before.type.lower()} to {after.type.lower()}", "int8 in and out"
    if operands.name not in ("RSQRT", "SQRT", "LOG") or before.type != "INT8" or before.zero_points[:1] in ((), (-128,)):
        return None
    why = "its input may be below zero by its scale and zero point, and the run ends at such a value"
    return why, instead_of(target, "RSQRT").replace("ops.rsqrt", f"ops.{operands.name.lower()}")


def _tflm_limits(operands, target):
    name, given = operands.name, operands.inputs
    for place in TFLM_CONSTANTS.get(name, ()):
        if place < len(given) and given[place] is not None and given[place].data is None:
            return f"input {place} must be a constant on TFLM, and is computed", "sizes, axes and paddings as Python numbers"
    if name == "PRELU" and operands.input(1).type != "INT8":
        return f"its slopes must be int8 on TFLM, and are {operands.input(1).type.lower()}", instead_of(target, "ELU")
    if name == "CAST" and operands.output.type == "UINT8":
        return "TFLM does not cast to uint8", "int8 out"
    if len(operands.map.shape if operands.map else ()) > _RANKS.get(name, 99):
        return f"TFLM takes at most {_RANKS[name]} dimensions here", "fewer axes, by ops.reshape around it"
    if name == "CONCATENATION" and operands.map.type == "INT8" and len({_scale(t) for t in (*given, operands.output)}) > 1:
        return "its inputs and its output differ in scale or zero point", "parts with the same range of values"
    if (
        name == "LOGISTIC"
        and _scale(operands.output) not in {"INT8": ((1 / 256, -128),), "INT16": ((1 / 2**15, 0),)}[operands.map.type]
    ):
        return "its output must have the scale 1/256 and zero point -128", "a file that the converter quantised"
    return None


def _scale(tensor):
    return tensor.scales[:1] + tensor.zero_points[:1]
