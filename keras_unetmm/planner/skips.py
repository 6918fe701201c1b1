# SPDX-License-Identifier: Apache-2.0
"""Which buffers wait in the arena while others are computed: what skip connections cost on the device."""

import math


def at_peak(found):
    """Returns the lifetimes of tensors that are alive at a plan's peak and that its operator neither reads nor writes."""
    if found.peak is None:
        return []
    operator = found.graph.operators[found.peak]
    touched = {None, *operator.inputs, *operator.outputs}
    return [
        life for life in found.alive(found.peak) if life.tensor not in touched and life.tensor < len(found.graph.tensors)
    ]


def kinds(graph, lifetimes):
    """Returns a list of a kind for each lifetime: `"network input"`, `"skip"`, `"scratch"` or `"other"`.

    A map is a skip if, between its making and its last use, an operator that does not touch it makes a map of fewer pixels,
    the single pixel of a global mean not counted.
    """
    areas = [max((_pixels(graph, index) for index in operator.outputs), default=0) for operator in graph.operators]
    result = []
    for life in lifetimes:
        if life.tensor is None or life.tensor >= len(graph.tensors):
            result.append("scratch" if life.tensor is None else "other")
        elif life.tensor in graph.inputs:
            result.append("network input")
        else:
            own = _pixels(graph, life.tensor)
            waits = (position for position in range(life.first, life.last + 1) if waits_at(graph, life, position))
            result.append("skip" if own > 1 and any(1 < areas[position] < own for position in waits) else "other")
    return result


def waits_at(graph, life, position):
    """Returns whether the operator at that position neither reads nor writes the buffer."""
    operator = graph.operators[position]
    return life.tensor not in operator.inputs and life.tensor not in operator.outputs


def _pixels(graph, index):
    shape = graph.tensors[index].shape if index >= 0 else ()
    return math.prod(shape[1:-1]) if len(shape) >= 4 else 0
