# SPDX-License-Identifier: Apache-2.0
"""What Arm's Ethos-U NPUs run and what falls back to the processor beside them: rules, where Vela is not there to ask.

The rules follow the constraints that Vela 5.2.0 reports of itself (`vela --supported-ops-report`); the tests hold them
against Vela where it is installed.
"""

import functools
import math

import numpy as np

from keras_unetmm.targets import vela
from keras_unetmm.targets.interpreter_kernels import why_not_tflm
from keras_unetmm.targets.judging import RULES, compiled_before, numbered, verdict_on
from keras_unetmm.targets.options import LoweringOptions
from keras_unetmm.targets.substitutes import instead_of
from keras_unetmm.targets.target import Target
from keras_unetmm.targets.verdict import CPU, UNSUPPORTED, Verdict
from keras_unetmm.tflite_file.operands import WINDOWED, Operands, names_in

_BOTH = names_in(
    """
    ABS ADD ARG_MAX AVERAGE_POOL_2D BATCH_MATMUL CONCATENATION CONV_2D DEPTHWISE_CONV_2D ELU EXP EXPAND_DIMS
    FULLY_CONNECTED GELU HARD_SWISH LEAKY_RELU LOG LOGISTIC MAXIMUM MAX_POOL_2D MEAN MINIMUM MIRROR_PAD MUL NEG
    PACK PAD PADV2 PRELU QUANTIZE REDUCE_MAX REDUCE_MIN RELU RELU6 RELU_0_TO_1 RELU_N1_TO_1 RESHAPE
    RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR REVERSE_V2 RSQRT SLICE SOFTMAX SPLIT SPLIT_V SQUARED_DIFFERENCE
    SQUEEZE STRIDED_SLICE SUB SUM TANH TILE TRANSPOSE TRANSPOSE_CONV UNIDIRECTIONAL_SEQUENCE_LSTM UNPACK
    """
)
_U85 = _BOTH | names_in(
    """
    ASSIGN_VARIABLE CAST DIV EQUAL GATHER GREATER GREATER_EQUAL LESS LESS_EQUAL LOGICAL_AND LOGICAL_NOT LOGICAL_OR
    NOT_EQUAL READ_VARIABLE REDUCE_ALL REDUCE_ANY SCATTER_ND SELECT SELECT_V2
    """
)
NPU = {"ethos-u55": _BOTH, "ethos-u65": _BOTH, "ethos-u85": _U85}
_INT32 = names_in(
    """
    ADD ARG_MAX EXPAND_DIMS MIRROR_PAD MUL NEG RESHAPE SQUEEZE SUB SUM TRANSPOSE FULLY_CONNECTED
    """
)  # U55, U65
_TYPES = {"ELU": ("INT8",), "GELU": ("INT8", "UINT8"), "LOG": ("INT8", "INT16"), "RSQRT": ("INT8", "INT16")}
_TYPES |= {"MEAN": ("INT8", "UINT8", "INT16"), "HARD_SWISH": ("INT8", "UINT8")}
_CONSTANTS = {  # places of the inputs that must lie in the file
    **dict.fromkeys(("MEAN", "MIRROR_PAD", "PAD", "PADV2", "TRANSPOSE"), (1,)),
    **{"SLICE": (1, 2), "STRIDED_SLICE": (1, 2, 3)},
}
_LARGEST_SUM = 127 * 2**16  # of the absolute weights of one output channel
_MOST_REDUCED = {"INT8": 2**24, "UINT8": 2**23, "INT16": 2**16}


def judge(graph, operator, target):
    """Returns verdict, why and instead for an operator that the NPU does not run; or None if it does.

    What falls back to the processor needs a kernel of TFLM there.
    """
    found = None if operator.custom else why_not_npu(Operands(graph, operator), target)
    if operator.custom:
        found = f"the NPU runs no custom operator such as {operator.name}", ""
    return None if found is None else fallen_back(graph, operator, target, *found)


def fallen_back(graph, operator, target, why, instead):
    """Returns verdict, why and instead for an operator that is left to the processor."""
    missing = why_not_tflm(graph, operator, target)
    if missing is not None:
        return UNSUPPORTED, f"{why}; and on the processor {missing[0]}", instead or missing[1]
    return CPU, why, instead


def why_not_npu(operands, target):
    """Returns why an operator does not run on the NPU, and what to use instead; or None if it does."""
    name = operands.name
    if name not in NPU[target]:
        return f"the NPU has no {name}", instead_of(target, name)
    rules = (_types, _constants, _window, _transposed, _mean, _resized, _quantised, _axes)
    return next((found for rule in rules if (found := rule(operands, target)) is not None), None)


def _types(operands, target):
    name, allowed = operands.name, _TYPES.get(operands.name)
    for tensor in operands.maps:
        kind = tensor.type
        if kind.startswith(("FLOAT", "BFLOAT", "COMPLEX")) or kind == "INT64" or (kind == "BOOL" and target != "ethos-u85"):
            return f"the NPU computes no maps of {kind.lower()}", "maps of 8 bits"
        if kind == "INT32" and target != "ethos-u85" and name not in _INT32 and tensor is not operands.input(1):
            return "its maps have 32 bits", "maps of 8 bits"
        if len(tensor.scales) > 1 and name not in WINDOWED:
            return "a map has a scale for each channel", "a file that the converter quantised"
    if allowed and operands.map.type not in allowed:
        return f"the NPU takes {', '.join(allowed).lower()} here, not {operands.map.type.lower()}", "maps of 8 bits"
    if name == "BATCH_MATMUL" and target != "ethos-u85" and operands.map.type != "INT8":
        return "a product of two maps takes 8 bits", "maps of 8 bits"
    return None


def _constants(operands, target):
    for place in _CONSTANTS.get(operands.name, ()):
        tensor = operands.input(place)
        if tensor is not None and tensor.data is None:
            return f"input {place} must be a constant, and is computed", "sizes, axes and paddings as Python numbers"
    if operands.name in WINDOWED and operands.name != "FULLY_CONNECTED":
        if operands.weights is None or operands.weights.data is None:
            return "its weights must be constants, and are computed", instead_of(target, "BATCH_MATMUL")
        if operands.weights.type not in ("INT8", "UINT8"):
            return f"its weights must have 8 bits, and are {operands.weights.type.lower()}", "weights of 8 bits"
        if operands.bias is not None and (operands.bias.data is None or operands.bias.type not in ("INT32", "INT64")):
            return "its bias must be a constant of 32 or 64 bits", "a bias that is a weight of the layer"
        if _largest_sum(operands) > _LARGEST_SUM and (target != "ethos-u85" or operands.map.type != "INT16"):
            return f"the absolute weights of a channel add up to more than {_LARGEST_SUM:,}", "fewer input channels or taps"
    return None


def _largest_sum(operands):
    weights = operands.weights
    values = np.frombuffer(weights.data.tobytes(), weights.type.lower()).reshape(weights.shape).astype("int64")
    values = np.abs(values - np.array(weights.zero_points or (0,)).max())
    axes = (0, 1, 2) if operands.name == "DEPTHWISE_CONV_2D" else (1, 2, 3)
    return int(values.sum(axis=axes).max())


def _window(operands, target):
    name = operands.name
    if name not in ("CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D", "AVERAGE_POOL_2D"):
        return None
    strides = operands.option("StrideH", 1), operands.option("StrideW", 1)
    dilations = operands.option("DilationHFactor", 1), operands.option("DilationWFactor", 1)
    pool = name.endswith("POOL_2D")
    kernel = (operands.option("FilterHeight"), operands.option("FilterWidth")) if pool else operands.weights.shape[1:3]
    stride, padded = max(strides), _padded(operands, strides, dilations, kernel)
    if target != "ethos-u85" and stride > 3 and (name == "DEPTHWISE_CONV_2D" or padded or max(dilations) > 1):
        return f"a stride of {stride} is more than 3", "strides of 1, 2 or 3, several layers one after the other"
    said = f"a window of {kernel[0]}x{kernel[1]}"
    if name == "AVERAGE_POOL_2D" and padded and max(kernel) > 8:
        return f"{said} is more than 8x8", 'GlobalAveragePooling2D(keepdims=True), or padding="valid"'
    if pool and (kernel[0] > 256 or math.prod(kernel) > 2**16):
        return f"{said} is more than 256 high, or than 65,536 in all", "smaller windows, one after the other"
    return None


def _padded(operands, strides, dilations, kernel):
    """Whether a window reaches over the edge of the map: padding="same" alone does not say so."""
    for before, after, stride, dilation, size in zip(
        operands.map.shape[1:3], operands.output.shape[1:3], strides, dilations, kernel, strict=True
    ):
        if (after - 1) * stride + (size - 1) * dilation + 1 > before:
            return True
    return False


def _transposed(operands, target):
    if operands.name != "TRANSPOSE_CONV":
        return None
    high, wide = operands.option("StrideH", 1), operands.option("StrideW", 1)
    kernel, shape, out = operands.weights.shape[1:3], operands.map.shape[1:3], operands.output.shape[1:3]
    lone = ((high, wide) == (1, 2) and shape[0] == kernel[0] == 1) or ((high, wide) == (2, 1) and shape[1] == kernel[1] == 1)
    if target != "ethos-u85" and (high, wide) not in ((1, 1), (2, 2)) and not lone:
        return f"strides of {high}x{wide} are neither 1 nor 2", instead_of(target, "TRANSPOSE_CONV")
    same = operands.option("Padding") == 0
    expected = tuple(n * s + (0 if same else k - s) for n, s, k in zip(shape, (high, wide), kernel, strict=True))
    if out != expected:
        return f"its output is {out[0]}x{out[1]}, where the NPU makes {expected[0]}x{expected[1]}", "no output_padding"
    return None


def _mean(operands, target):
    if operands.name != "MEAN":
        return None
    shape, axes = operands.map.shape, operands.axes()
    batch, (height, width, channels) = shape[:-3], (1, 1, 1, *shape)[-3:]
    if any(n != 1 for n in batch):
        return f"a batch of {shape[0]}", "one image at a time"
    if len(shape) - 1 in axes and 1 not in (height, width, channels):
        return f"a mean over the {channels} channels of a map of {height}x{width}", instead_of(target, "MEAN")
    reduced = [shape[axis] for axis in axes]
    if max(reduced, default=1) >= 4096 or np.prod(reduced) > _MOST_REDUCED[operands.map.type]:
        return "it averages more values than the NPU adds up", "a pooling layer before it"
    return None


def _resized(operands, target):
    if operands.name not in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"):
        return None
    before, after = operands.map.shape[1:3], operands.output.shape[1:3]
    aligned, centred = bool(operands.option("AlignCorners")), bool(operands.option("HalfPixelCenters"))
    if before == after and centred and operands.name == "RESIZE_BILINEAR" and target != "ethos-u85":
        return "it resizes to the size that is there", "no resizing"
    if before in (after, (1, 1)):
        return None
    if aligned and centred and target == "ethos-u85":
        return "align_corners and half_pixel_centers at once", "resizing without align_corners"
    factors = [(a - aligned) / (b - aligned) if b > aligned else float(a == b) for a, b in zip(after, before, strict=True)]
    said = "x".join(f"{factor:g}" for factor in factors)
    if target == "ethos-u85":
        powers = all(factor >= 1 and math.log2(factor).is_integer() for factor in factors)
        good = operands.name == "RESIZE_NEAREST_NEIGHBOR" or powers
        return None if good else (f"it resizes by {said}, no power of two", instead_of(target, operands.name))
    lone = len(set(factors)) > 1 and any(a == b == 1 for a, b in zip(after, before, strict=True))
    allowed = (2,) if operands.name == "RESIZE_BILINEAR" and centred else (2, 4, 8)
    if (len(set(factors)) == 1 or lone) and max(factors) in allowed:
        return None
    return f"it resizes by {said}, not by {' or '.join(map(str, allowed))}", instead_of(target, operands.name)


def _quantised(operands, target):
    scales = {(tensor.scales, tensor.zero_points) for tensor in (*operands.inputs, operands.output) if tensor is not None}
    if operands.name in ("MAXIMUM", "MINIMUM") and len(scales) > 1:
        return "its inputs and its output differ in scale or zero point", "ops.relu where one of the two is 0"
    return None


def _axes(operands, target):
    name, shape = operands.name, operands.map.shape
    if name == "ARG_MAX" and target != "ethos-u85" and (operands.axes() != (len(shape) - 1,) or shape[-1] > 127):
        return "the largest is sought along another axis than the channels, or among more than 127", instead_of(target, name)
    if name == "GATHER" and operands.option("Axis") != operands.option("BatchDims"):
        return "it gathers along another axis than the NPU", "slices and ops.concatenate"
    if name == "REVERSE_V2" and target != "ethos-u85":
        return "the NPU reverses no axis", instead_of(target, name)
    if name == "SOFTMAX" and np.prod(shape[:-1]) >= 2**16:
        return "it has more than 65,535 rows", instead_of(target, name)
    if name == "TRANSPOSE" and len(shape) > 8:
        return "it has more than 8 dimensions", "fewer axes, by ops.reshape around it"
    steps = operands.numbers(3) if name == "STRIDED_SLICE" else ()
    if any(step < 0 for step in steps) or any(step != 1 for step in (*steps[:-3], *steps[-1:])):
        return "it skips images or channels, or backwards", "slices of step 1; ops.split for channels"
    return None


def _judge_file(target, model, content, compile):
    before = compiled_before(target, model, vela.NPU_OPERATOR, why_not_tflm)
    if before is not None:
        return before
    compiling, verdicts, summary = compile and vela.command() is not None, [], None
    if compiling:
        left, summary = vela.compiled(content, target)
    for index, graph, operator in numbered(model):
        if graph is not model.main:
            found = fallen_back(graph, operator, target, "the NPU runs the main graph only", "no loop, no branch")
        elif not compiling:
            found = judge(graph, operator, target)
        else:
            found = _left_by_vela(graph, operator, target, left.get(index))
        verdicts.append(verdict_on(index, operator, found))
    note = f"By Vela for {vela.ACCELERATORS[target]}." if compiling else f"{RULES}: Vela's constraints."
    return Verdict(target, compiling, tuple(verdicts), summary, note)


def _left_by_vela(graph, operator, target, reason):
    if reason is None:
        return None
    static = judge(graph, operator, target)
    return fallen_back(graph, operator, target, f"Vela: {reason}", static[2] if static else "")


_OPTIONS = LoweringOptions(
    shuffle="convolution", unshuffle="convolution", channel_mean="convolution", gate="largest", resize="steps", step=2
)
TARGETS = tuple(Target(name, _OPTIONS, functools.partial(_judge_file, name)) for name in NPU)
