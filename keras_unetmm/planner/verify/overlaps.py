# SPDX-License-Identifier: Apache-2.0
"""Whether tensors that share memory while both live may do so."""

import math

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.planner.verify.graphs import PlanRefused, types
from keras_unetmm.planner.verify.kernels import BINARY, OverlapError, order, simulate

_COPIES = {"RESHAPE", "SQUEEZE", "EXPAND_DIMS", "CONCATENATION", "SPLIT", "SPLIT_V"}
_NUMBERS = types("BOOL INT8 UINT8 INT16 UINT16 INT32 UINT32 INT64 UINT64 FLOAT16 FLOAT32 FLOAT64")


def check_overlaps(graphs, scopes, kernels):
    """Raises `PlanRefused` unless each pair of tensors that share addresses while both live is proven to be safe."""
    main = graphs[0]
    tensors = (tensor for graph in graphs for tensor in graph.tensors)
    planned = sorted((t for t in tensors if t.offset >= 0 and t.last is not None), key=lambda t: t.offset)
    start, end = np.array([(t.offset, t.offset + t.size) for t in planned], "int64").reshape(-1, 2).T
    first, last = np.array([(t.first, t.last) for t in planned], "int64").reshape(-1, 2).T
    writers = {tensor: operator for operator in main.operators for tensor in operator.outputs}
    for i, tensor in enumerate(planned):
        above = slice(i + 1, np.searchsorted(start, end[i]))
        for j in np.flatnonzero((first[above] <= last[i]) & (last[above] >= first[i])) + i + 1:
            source, target = sorted((tensor, planned[j]), key=lambda t: t.first)
            operator = writers.get(target)
            try:
                if operator is None or source not in operator.inputs:
                    raise OverlapError("neither is computed from the other, in the main graph, at that moment")
                _prove(operator, source, target, main, scopes, kernels)
            except OverlapError as error:
                moment = scopes[max(first[i], first[j], 0)]
                raise PlanRefused(f"{source} and {target} overlap, and both live at {moment}: {error}.") from None


def _prove(operator, source, target, main, scopes, kernels):
    """Raises `OverlapError` unless the operator may write `target` where its input `source` lies."""
    if kernels == "none":
        raise OverlapError("nothing is known of the kernels, so that no overlap is safe")
    name, inputs, distance = operator.name, operator.inputs, source.offset - target.offset
    slots = {"SPLIT": (1,), "CONCATENATION": range(len(inputs))}.get(name, (0, 1) if name in BINARY else (0,))
    if any(tensor is source and slot not in slots for slot, tensor in enumerate(inputs)):
        raise OverlapError("the operator reads it as another input too, in an order of its own")
    if name in _COPIES:
        places = [place for read, written, place in _copies(operator) if (read, written) == (source, target)]
        if distance not in places:
            raise OverlapError(f"the input may only start {places} bytes after the output, to be copied onto itself")
        return
    if source in main.outputs:
        raise OverlapError("the input is also an output of the graph")
    if source.last != operator.scope:
        raise OverlapError(f"the input is needed until {scopes[source.last]}")
    if not {source.type, target.type} <= _NUMBERS:
        raise OverlapError("tensors of such types may not overlap")
    simulate(distance, *order(operator, source, target, kernels))


def _copies(operator):
    """Lists (input, output, bytes from the output's start to the input's) of an operator that copies them as they are.

    It is empty where the parts of a split or a concatenation lie interleaved in the whole.
    """
    inputs, outputs, name = operator.inputs, operator.outputs, operator.name
    if name not in ("CONCATENATION", "SPLIT", "SPLIT_V"):
        fits = inputs[0].size == outputs[0].size and inputs[0].type == outputs[0].type
        return [(inputs[0], outputs[0], 0)] if fits else []
    if name == "CONCATENATION":
        whole, parts, axis = outputs[0], inputs, operator.options.Axis()
    else:
        slot, axis_slot = (1, 0) if name == "SPLIT" else (0, 2)
        whole, parts = inputs[slot], outputs
        if inputs[axis_slot].data is None or inputs[axis_slot].type != schema.TensorType.INT32:
            return []
        (axis,) = np.frombuffer(inputs[axis_slot].data.tobytes(), "<i4").tolist()
    axis += len(whole.shape) if axis < 0 else 0
    before, behind = whole.shape[:axis], whole.shape[axis + 1 :]
    if any((t.shape[:axis], t.shape[axis + 1 :], t.type) != (before, behind, whole.type) for t in parts):
        return []
    if math.prod(before) != 1 or sum(part.size for part in parts) != whole.size:
        return []
    if name == "SPLIT" and len({part.shape for part in parts}) != 1:
        return []
    places = np.cumsum([0, *(part.size for part in parts[:-1])]).tolist()
    if whole is outputs[0]:
        return [(part, whole, place) for part, place in zip(parts, places, strict=True)]
    return [(whole, part, -place) for part, place in zip(parts, places, strict=True)]
