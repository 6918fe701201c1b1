# SPDX-License-Identifier: Apache-2.0
"""What the Coral Edge TPU runs: rules from its documentation and from what its users report; no compiler was asked.

Documentation: coral.ai, "TensorFlow models on the Edge TPU". Reports: google-coral/edgetpu 386 (DEPTH_TO_SPACE), 631
(CONV_2D version 6, which grouped convolutions have), 818 and 862 (codes from 150 on), 845 (TRANSPOSE_CONV version 4), 879
(QUANTIZE version 3), libedgetpu 71 (EXP version 2), all of them on compiler 15 or 16, the last that was made. Of the other
operators the versions are those that TensorFlow's kernels did not have yet a few months after it (register.cc, 2022).
"""

import numpy as np

from keras_unetmm.targets import edgetpu_compiler
from keras_unetmm.targets.fused import without_fused_transposed
from keras_unetmm.targets.interpreter_kernels import why_not_litert
from keras_unetmm.targets.judging import RULES, codes, compiled_before, numbered, verdict_on
from keras_unetmm.targets.options import LoweringOptions
from keras_unetmm.targets.substitutes import instead_of
from keras_unetmm.targets.target import Target
from keras_unetmm.targets.verdict import CPU, SUPPORTED, UNSUPPORTED, Verdict
from keras_unetmm.tflite_file.open_sizes import open_sizes
from keras_unetmm.tflite_file.operands import WINDOWED, Operands, names_in

TPU = names_in(
    """
    ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D EXPAND_DIMS FULLY_CONNECTED L2_NORMALIZATION
    LOGISTIC MAXIMUM MAX_POOL_2D MEAN MINIMUM MUL PACK PAD PRELU QUANTIZE REDUCE_MAX REDUCE_MIN RELU RELU6
    RELU_N1_TO_1 RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR RSQRT SLICE SOFTMAX SPACE_TO_DEPTH SPLIT
    SQUARED_DIFFERENCE SQUEEZE STRIDED_SLICE SUB SUM TANH TRANSPOSE TRANSPOSE_CONV UNIDIRECTIONAL_SEQUENCE_LSTM
    """
)
REFUSED = {  # versions from which on the compiler refuses the file: those reported, and those of kernels made after it
    **{"CONV_2D": 6, "TRANSPOSE_CONV": 4, "QUANTIZE": 3, "EXP": 2},
    **{"ADD": 5, "AVERAGE_POOL_2D": 4, "CONCATENATION": 4, "DEPTHWISE_CONV_2D": 7, "EXPAND_DIMS": 2, "FULLY_CONNECTED": 10},
    **{"L2_NORMALIZATION": 3, "LOGISTIC": 4, "MAXIMUM": 5, "MAX_POOL_2D": 4, "MEAN": 4, "MINIMUM": 5, "MUL": 7, "PACK": 4},
    **{"PAD": 5, "PRELU": 2, "REDUCE_MAX": 4, "REDUCE_MIN": 4, "RELU": 4, "RELU6": 4, "RELU_N1_TO_1": 2, "RESHAPE": 2},
    **{"RESIZE_BILINEAR": 5, "RESIZE_NEAREST_NEIGHBOR": 5, "RSQRT": 3, "SLICE": 6, "SOFTMAX": 4, "SPACE_TO_DEPTH": 3},
    **{"SPLIT": 5, "SQUARED_DIFFERENCE": 3, "SQUEEZE": 3, "STRIDED_SLICE": 7, "SUB": 6, "SUM": 3, "TANH": 4, "TRANSPOSE": 6},
}
FIRST_UNKNOWN = 150  # code of the built-in operators from which on it refuses the file
LARGEST_RESIZED = 128  # pixels; 256 are reported not to map
_MOST_SOFTMAX = 16_000
_PLACE = {  # inputs that must lie in the file
    **dict.fromkeys(("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "PAD", "TRANSPOSE", "RESIZE_BILINEAR", "PRELU"), (1,)),
    **{"RESIZE_NEAREST_NEIGHBOR": (1,), "SLICE": (1, 2), "STRIDED_SLICE": (1, 2, 3), "SPLIT": (0,)},
}
_FIX = {
    "CONV_2D": "convolutions with groups=1",
    "TRANSPOSE_CONV": "no activation within the transposed convolution: an operator of another kind between the two",
    "QUANTIZE": "int8 in and out, with one scale a tensor",
}


def judge(graph, operator, code, version, cut):
    """Returns verdict, why and instead for an operator that the Edge TPU does not run; or None if it does.

    Args:
        graph: `Graph`.
        operator: `Operator` of it.
        code: int, its code in the schema.
        version: int, the operator's version in the file.
        cut: str, the first operator before it that does not map, after which nothing does; or None.
    """
    refused = why_refused(operator, code, version)
    if refused is not None:
        return UNSUPPORTED, *refused
    found = why_not_tpu(graph, operator)
    if found is None and cut is None:
        return None
    missing = why_not_litert(graph, operator, "coral")
    if missing is not None:
        return UNSUPPORTED, f"{found[0] if found else cut}; and on the processor {missing[0]}", missing[1]
    if found is None:
        return CPU, f"the compiler maps no operator after the first that it cannot map: {cut}", f"a way around {cut}"
    return CPU, *found


def of_open_size(graph, operator, sizes):
    """Returns verdict, why and instead for an operator with a size that is known only when it runs; or None.

    Args:
        graph: `Graph`.
        operator: `Operator` of it.
        sizes: dict from the index of a tensor of open sizes to its name and what its sizes are, such as `?x4x4x8`.
    """
    if not any(i in sizes and graph.tensors[i].data is None for i in (*operator.inputs, *operator.outputs)):
        return None
    name, said = next(iter(sizes.values()))
    return (
        UNSUPPORTED,
        f"the compiler takes fixed sizes only, and the file has open ones, such as the tensor {name!r} of {said}",
        "a fixed batch of 1: keras.Input(..., batch_size=1), or unetmm convert --size",
    )


def is_float_end(graph, operator):
    """Returns whether an operator quantises an input of floats, which the compiler leaves to the processor, or an output."""
    ends = {"QUANTIZE": (operator.inputs[:1], graph.inputs), "DEQUANTIZE": (operator.outputs[:1], graph.outputs)}
    own, of_graph = ends.get(operator.name, ((), ()))
    return bool(own) and own[0] in of_graph and graph.tensors[own[0]].type == "FLOAT32"


def why_refused(operator, code, version):
    """Returns why the compiler refuses any file with an operator, and what to use instead; or None if it does not."""
    if operator.custom:
        return f"the compiler knows no custom operator {operator.name}", "layers that convert to built-in operators"
    if code >= FIRST_UNKNOWN or version >= REFUSED.get(operator.name, 99):
        what = operator.name if code >= FIRST_UNKNOWN else f"{operator.name} of version {version}"
        why = f"compiler 16, the last one, does not know {what} and refuses the whole file"
        return why, _FIX.get(operator.name) or instead_of("coral", operator.name)
    return None


def why_not_tpu(graph, operator):
    """Returns why an operator does not map to the Edge TPU, and what to use instead; or None if it does."""
    name = operator.name
    if name not in TPU:
        return f"the Edge TPU has no {name}", instead_of("coral", name)
    operands = Operands(graph, operator)
    rules = (_constants, _tensors, _batch, _fused, _windows, _values)
    return next((found for rule in rules if (found := rule(operands)) is not None), None)


def _tensors(operands):
    for tensor in operands.maps:
        shape = "x".join(map(str, tensor.shape))
        if tensor.type not in ("INT8", "UINT8"):
            return f"it computes {tensor.type.lower()}, where the Edge TPU takes int8 and uint8", "maps of 8 bits"
        if any(size > 1 for size in tensor.shape[:-3]):
            return (
                f"a map of {shape}, of which only the last three sizes may be more than 1",
                "one image at a time, of rank 2",
            )
    return None


def _constants(operands):
    places = (
        (1, 3)
        if operands.name == "TRANSPOSE_CONV"
        else (1, 2)
        if operands.name in WINDOWED
        else _PLACE.get(operands.name, ())
    )
    for place in places:
        tensor = operands.input(place)
        if tensor is not None and tensor.data is None:
            return (
                f"input {place} must be a constant, and is computed",
                "weights, sizes, axes and paddings that stay as they are",
            )
    return None


def _batch(operands):
    """What may not touch the batch axis, which is the first of four."""
    name, rank = operands.name, len(operands.map.shape)
    if rank < 4:
        return None
    if name in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"):
        touched = 0 in operands.axes()
    elif name == "PAD":
        touched = any((operands.numbers(1) or ())[:2])
    elif name == "SPLIT":
        touched = operands.numbers(0)[0] % rank == 0
    else:
        touched = name == "PACK" and operands.option("Axis") % (rank + 1) == 0
    return ("it runs over the batch", "one image at a time") if touched else None


def _fused(operands):
    if operands.name in ("AVERAGE_POOL_2D", "MAX_POOL_2D", "CONCATENATION") and operands.option("FusedActivationFunction"):
        return "an activation is part of it", "the activation before it, in the layer whose output it takes"
    return None


def _windows(operands):
    name, shape = operands.name, operands.map.shape
    if name in ("CONV_2D", "DEPTHWISE_CONV_2D") and operands.option("DilationWFactor", 1) != operands.option(
        "DilationHFactor", 1
    ):
        return "its dilation differs between height and width", "the same dilation in both"
    if name == "CONV_2D" and operands.weights.shape[3] != shape[3]:
        return "a grouped convolution, which the compiler does not know", "convolutions with groups=1"
    if name == "FULLY_CONNECTED" and any(size > 1 for size in operands.output.shape[:-1]):
        return "a dense layer on more than one vector", "a 1x1 convolution"
    if name in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR") and max(operands.output.shape[1:3]) > LARGEST_RESIZED:
        return f"it resizes to more than {LARGEST_RESIZED} pixels, which users report not to map", "a transposed convolution"
    return None


def _values(operands):
    name, shape = operands.name, operands.map.shape
    if name == "MEAN" and len(shape) - 1 in operands.axes() and shape[-1] % 4:
        return f"a mean over {shape[-1]} channels, which are no multiple of 4", "a multiple of 4 channels"
    if name == "PRELU" and any(size > 1 for size in operands.input(1).shape[:-1]):
        return "it has a slope for each pixel", "keras.layers.PReLU(shared_axes=[1, 2])"
    if name == "SOFTMAX" and (any(size > 1 for size in shape[:-1]) or shape[-1] > _MOST_SOFTMAX):
        return f"a softmax of more than one vector, or of more than {_MOST_SOFTMAX:,} values", instead_of("coral", name)
    if name == "STRIDED_SLICE":
        masks = operands.option("EllipsisMask") or operands.option("NewAxisMask")
        if masks or any(step != 1 for step in operands.numbers(3)):
            return "it skips values, or adds axes", "slices of step 1; a convolution with strides"
    if name == "CONCATENATION":
        constants = [tensor for tensor in operands.inputs if tensor is not None and tensor.data is not None]
        zeros = all((np.frombuffer(t.data.tobytes(), t.type.lower()) == (t.zero_points or (0,))[0]).all() for t in constants)
        if constants and (len(operands.inputs) != 2 or not zeros):
            return "it appends constants other than zeros", "zero padding, or the constant as a model input"
    return None


def _judge_file(model, content, compile):
    before, sizes = compiled_before("coral", model, edgetpu_compiler.OPERATOR, why_not_litert), open_sizes(content)
    if before is not None:
        return before
    if compile and edgetpu_compiler.command() and not sizes:
        return _compiled(model, content)
    known, verdicts, cut = codes(content), [], None
    for index, graph, operator in numbered(model):
        if graph is not model.main and cut is None:
            cut = "the graph of a loop or branch"
        found = judge(graph, operator, *known[index], cut)
        if graph is model.main and (found is None or found[0] != UNSUPPORTED):
            found = of_open_size(graph, operator, sizes) or found
        verdicts.append(verdict_on(index, operator, found))
        if verdicts[-1].verdict != SUPPORTED and cut is None and not is_float_end(graph, operator):
            cut = f"operator {index}, {operator.name}"
    return Verdict("coral", False, tuple(verdicts), note=f"{RULES}: from documentation and users' reports.")


def _compiled(model, content):
    operators, refused = numbered(model), None
    names = tuple(operator.name for _, _, operator in operators)
    try:
        left, summary = edgetpu_compiler.compiled(content, names)
    except edgetpu_compiler.OperatorRefusedError as error:
        refused = error.name
        left = {
            i: error.said if name == refused else f"the compiler refuses the file for {refused}"
            for i, name in enumerate(names)
        }
        summary = {"tpu_operators": 0, "cpu_operators": len(names)}
    verdicts = []
    for index, graph, operator in operators:
        found = None
        if index in left:
            missing, tpu = why_not_litert(graph, operator, "coral"), why_not_tpu(graph, operator)
            instead = tpu[1] if tpu else instead_of("coral", operator.name)
            found = (UNSUPPORTED if operator.name == refused else CPU, left[index], instead)
            found = found if missing is None else (UNSUPPORTED, f"{left[index]}; {missing[0]}", missing[1])
        verdicts.append(verdict_on(index, operator, found))
    note = "By edgetpu_compiler, whose log counts operators by name: of one name the first are taken to be those that map."
    return Verdict("coral", True, tuple(verdicts), summary, note)


TARGET = Target(
    "coral",
    LoweringOptions(
        gelu="sigmoid",
        shuffle="convolution",
        channel_mean="convolution",
        groups="dense",
        leaky="prelu",
        volume="stack",
        absolute="rectified",
        dense="convolution",
    ),
    _judge_file,
    rewrites=(without_fused_transposed,),
)
