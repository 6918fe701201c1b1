# SPDX-License-Identifier: Apache-2.0
"""Whether the interpreters, TFLM and LiteRT, have a kernel for an operator: the tables, and the limits beyond types."""

from keras_unetmm.targets.kernel_tables import (
    CONVERTED,
    INDICES,
    LITERT,
    LITERT_FLOATS,
    MOST_JOINED,
    RANKS,
    TFLM,
    TFLM_CONSTANTS,
    TFLM_CUSTOM,
    TFLM_FLOATS,
    TFLM_WITHOUT,
    WEIGHTS,
)
from keras_unetmm.targets.substitutes import instead_of
from keras_unetmm.tflite_file.graph import Graph, Operator
from keras_unetmm.tflite_file.operands import Operands

__all__ = [
    "BELOW_ZERO",
    "LITERT",
    "SPARSE",
    "TFLM",
    "TFLM_CONSTANTS",
    "TFLM_CUSTOM",
    "TFLM_WITHOUT",
    "why_not_litert",
    "why_not_tflm",
    "with_types_unknown_to_tflm",
]
MISREAD = "TFLM's RELU6 cuts values and keeps their scale, so that an output with another scale is misread"
SPARSE = "TFLM reads sparse constants as if they were whole, and computes with what lies behind them"
BELOW_ZERO = "its input may be below zero by its scale and zero point, and the run ends at such a value"
COMPILERS = {"ethos-u": "Vela", "edgetpu-custom-op": "edgetpu_compiler"}  # by the custom operator that they write
_INTEGERS = "maps and weights of int8: unetmm convert writes them"


def why_not_tflm(graph: Graph, operator: Operator, target: str = "tflm") -> tuple[str, str] | None:
    """Returns why TFLM cannot run an operator, and what to use instead; or None if it can."""
    if operator.custom:
        return None if operator.name in TFLM_CUSTOM else _no_custom("TFLM", operator.name)
    operands = Operands(graph, operator)
    found = _no_kernel("TFLM", TFLM, TFLM_FLOATS, operands, target) or _of_values(operands, target)
    return found or _tflm_limits(operands, target)


def with_types_unknown_to_tflm(graph: Graph) -> dict[int, tuple[str, str]]:
    """Returns positions of operators with why TFLM refuses a file over a tensor's type, and what to use instead.

    A tensor that no operator reads or makes counts with the first operator.
    """
    found: dict[int, tuple[str, str]] = {}
    for index, tensor in enumerate(graph.tensors):
        if tensor.type in TFLM_WITHOUT:
            touched = (p for p, op in enumerate(graph.operators) if index in (*op.inputs, *op.outputs))
            why = f"TFLM has no tensors of {tensor.type.lower()}, such as {tensor.name!r}, and refuses the whole file"
            found.setdefault(next(touched, 0), (why, "maps of int8 or float32, and texts outside of the model"))
    return found


def why_not_litert(graph: Graph, operator: Operator, target: str = "litert") -> tuple[str, str] | None:
    """Returns why LiteRT cannot run an operator, and what to use instead; or None if it can."""
    if operator.custom:
        return _no_custom("LiteRT", operator.name)
    operands = Operands(graph, operator)
    found = _no_kernel("LiteRT", LITERT, LITERT_FLOATS, operands, target) or _of_values(operands, target)
    weights = operands.weights
    if (
        found is None
        and weights is not None
        and operands.name != "FULLY_CONNECTED"
        and (operands.map.type, weights.type) == ("UINT8", "INT8")
    ):
        mixed = "maps and weights of the same 8 bits: unetmm convert writes int8"
        return "LiteRT takes no weights of int8 with maps of uint8", mixed
    return found


def _no_custom(runtime, name):
    if name in COMPILERS:
        return f"{COMPILERS[name]} wrote it, and {runtime} has no kernel for it", "the file that it was compiled from"
    why = f"{runtime} has no kernel for the custom operator {name}"
    return why, "layers that convert to built-in operators: without tf.py_function, lambda layers or SELECT_TF_OPS"


def _no_kernel(runtime, table, floats, operands, target):
    types, name = table.get(operands.name), operands.name
    kind = None if operands.map is None else operands.map.type
    if (runtime, name) in CONVERTED:
        return _not_converted(runtime, operands)
    if kind == "FLOAT32" and name in floats:
        return None
    if types is None and name not in floats:
        return f"{runtime} has no operator {name}", instead_of(target, name)
    if kind is None or kind == "RESOURCE" or (types is not None and kind in types):
        return None
    taken = ", ".join(sorted((types or set()) | ({"FLOAT32"} if name in floats else set()))).lower()
    return f"{runtime} takes {taken}, not {kind.lower()}", _of_type(operands, types or (), target)


def _not_converted(runtime, operands):
    """Limits of the operators that make one type of another."""
    made, before, after = CONVERTED[runtime, operands.name], operands.map.type, operands.output.type
    if after in made.get(before, ()):
        return None
    does = {"QUANTIZE": "quantise", "DEQUANTIZE": "dequantise", "CAST": "cast"}[operands.name]
    instead = "weights of int8 or float32: convert without float16" if before == "FLOAT16" else "int8 in and out"
    return f"{runtime} does not {does} {before.lower()} to {after.lower()}", instead


def _of_type(operands, types, target):
    if operands.map.type in ("INT16", "UINT8", "FLOAT32", "FLOAT16") and "INT8" in types:
        return "maps of 8 bits: unetmm convert writes int8"
    return instead_of(target, operands.name)


def _of_values(operands, target):
    """A limit of both: square roots and logarithms end at a value below zero."""
    before = operands.map
    if operands.name not in ("RSQRT", "SQRT", "LOG") or before.type != "INT8" or before.zero_points[:1] in ((), (-128,)):
        return None
    return BELOW_ZERO, instead_of(target, "RSQRT").replace("ops.rsqrt", f"ops.{operands.name.lower()}")


def _tflm_limits(operands, target):
    name, given = operands.name, operands.inputs
    if any(tensor is not None and tensor.sparse for tensor in given):
        return SPARSE, "weights with their zeros: convert without the optimization for sparsity"
    for place in TFLM_CONSTANTS.get(name, ()):
        if place < len(given) and given[place] is not None and given[place].data is None:
            return f"input {place} must be a constant on TFLM, and is computed", "sizes, axes and paddings as Python numbers"
    found = _weights(operands)
    if found is not None:
        return found
    if name in INDICES and operands.input(INDICES[name]).type != "INT32":
        kind = operands.input(INDICES[name]).type.lower()
        return f"its indices must be int32 on TFLM, and are {kind}", "indices cast to int32 outside of the model"
    if name == "PRELU" and operands.map.type != "FLOAT32" and operands.input(1).type != "INT8":
        return f"its slopes must be int8 on TFLM, and are {operands.input(1).type.lower()}", instead_of(target, "ELU")
    if len(operands.map.shape if operands.map else ()) > RANKS.get(name, 99):
        return f"TFLM takes at most {RANKS[name]} dimensions here", "fewer axes, by ops.reshape around it"
    if name == "CONCATENATION" and len(given) > MOST_JOINED:
        return f"TFLM joins at most {MOST_JOINED} maps, and these are {len(given)}", "layers that join a few at a time"
    if name == "CONCATENATION" and operands.map.type == "INT8" and len({_scale(t) for t in (*given, operands.output)}) > 1:
        return "its inputs and its output differ in scale or zero point", "parts with the same range of values"
    if name == "RELU6" and operands.map.type in ("INT8", "INT16") and _scale(operands.map) != _scale(operands.output):
        return MISREAD, "a RELU whose output ends at 6, as unetmm convert writes it"
    if (
        name == "LOGISTIC"
        and operands.map.type != "FLOAT32"
        and _scale(operands.output) not in {"INT8": ((1 / 256, -128),), "INT16": ((1 / 2**15, 0),)}[operands.map.type]
    ):
        return "its output must have the scale 1/256 and zero point -128", "a file that the converter quantised"
    return None


def _weights(operands):
    """Weights of another type than the kernel takes with those maps."""
    taken, weights = WEIGHTS.get(operands.name, {}).get(operands.map.type if operands.map else None), operands.input(1)
    if taken is None or weights is None or weights.type in taken:
        return None
    if operands.map.type == "FLOAT32":
        return f"TFLM runs no hybrid operator: maps of float32 with weights of {weights.type.lower()}", _INTEGERS
    kinds = ", ".join(sorted(taken)).lower()
    return f"with maps of {operands.map.type.lower()} TFLM takes weights of {kinds}, not {weights.type.lower()}", _INTEGERS


def _scale(tensor):
    return tensor.scales[:1] + tensor.zero_points[:1]
