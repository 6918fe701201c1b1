# SPDX-License-Identifier: Apache-2.0
"""Operators that change nothing are removed: a RESHAPE to the same shape, a QUANTIZE to the same scale, and so on."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import Graph

_COPIES_IF_EQUAL = {
    *("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "QUANTIZE", "SLICE", "STRIDED_SLICE", "PAD", "PADV2", "MIRROR_PAD"),
    *("RESIZE_NEAREST_NEIGHBOR", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH", "BROADCAST_TO", "TRANSPOSE", "MAX_POOL_2D"),
}


def eliminate_identities(file: File, graph: Graph) -> list[tuple[int, str]]:
    """Removes them from a file that `graph` describes; returns their positions and names."""
    originals = list(file.main.operators or [])
    removed: list[tuple[int, str]] = []
    users, makers = _links(graph)
    for position, operator in enumerate(graph.operators):
        pair = _passed_on(graph, operator)
        if pair is None:
            continue
        source, output = (_now(originals, index, position, slot) for slot, index in pair)
        if output in graph.outputs:
            alone = users.get(source, []) == [position] and source not in (*graph.inputs, *graph.outputs)
            if not alone or source not in makers or makers[source] in {p for p, _ in removed}:
                continue
            _renamed([originals[makers[source]]], "outputs", source, output)
        else:
            _renamed(originals, "inputs", output, source)
            users[source] = [p for p in users.get(source, []) if p != position] + users.get(output, [])
        removed.append((position, operator.name))
    gone = {id(originals[position]) for position, _ in removed}
    file.main.operators = [operator for operator in file.main.operators if id(operator) not in gone]
    return removed


def _links(graph):
    users, makers = {}, {}
    for position, operator in enumerate(graph.operators):
        for index in dict.fromkeys(operator.inputs):
            users.setdefault(index, []).append(position)
        for index in operator.outputs:
            makers[index] = position
    return users, makers


def _now(originals, _, position, slot):
    """The tensor in a slot after what has been renamed so far."""
    kind, place = slot
    return int(getattr(originals[position], kind)[place])


def _renamed(operators, kind, old, new):
    for operator in operators:
        indices = getattr(operator, kind)
        if indices is not None:
            setattr(operator, kind, np.where(np.asarray(indices) == old, new, indices).astype("int32"))


def _passed_on(graph, operator):
    """The slots of the input and the output if the one goes out unchanged as the other, else None."""
    tensors = graph.tensors
    slot = {"CONCATENATION": 0, "SPLIT": 1, "SPLIT_V": 0}.get(operator.name)
    if slot is not None:
        pieces = operator.inputs if operator.name == "CONCATENATION" else operator.outputs
        if len(pieces) != 1:
            return None
    elif operator.name in _COPIES_IF_EQUAL:
        slot = 0
    else:
        return None
    if len(operator.outputs) != 1 or len(operator.inputs) <= slot:
        return None
    source, output = tensors[operator.inputs[slot]], tensors[operator.outputs[0]]
    same = (source.shape, source.type, source.scales, source.zero_points) == (
        *(output.shape, output.type, output.scales, output.zero_points),
    )
    if not same or source.data is not None or source.variable or output.variable or not _identity(tensors, operator):
        return None
    return ((("inputs", slot), operator.inputs[slot]), (("outputs", 0), operator.outputs[0]))


def _identity(tensors, operator):
    """Whether an operator with equal shapes on both sides moves nothing either."""
    options, name = operator.options, operator.name
    if name == "TRANSPOSE":
        order = _integers(tensors[operator.inputs[1]])
        return order is not None and order == sorted(order)
    if name == "STRIDED_SLICE":  # of the full size, it may still run backwards
        strides = _integers(tensors[operator.inputs[3]])
        return strides is not None and all(stride > 0 for stride in strides)
    if name == "MAX_POOL_2D":
        window = (options.FilterHeight(), options.FilterWidth(), options.StrideH(), options.StrideW())
        return window == (1, 1, 1, 1) and options.FusedActivationFunction() == schema.ActivationFunctionType.NONE
    if name == "CONCATENATION":
        return options.FusedActivationFunction() == schema.ActivationFunctionType.NONE
    return True


def _integers(tensor):
    if tensor.data is None or tensor.type != "INT32":
        return None
    return np.frombuffer(tensor.data.tobytes(), "<i4").tolist()
