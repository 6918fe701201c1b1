# SPDX-License-Identifier: Apache-2.0
"""A SPLIT of channels is pushed up to the convolution that makes them, so that the parts are computed one after the other.

A simple gate splits a map of 2C channels into two of C and multiplies them. Elementwise operators, depthwise
convolutions and pooling work on each channel alone, and a convolution makes each of its output channels alone: with
weights, biases and scales sliced, the parts are the same bytes, and the map of 2C channels never exists.
"""

import copy
from dataclasses import dataclass, field

import numpy as np

from keras_unetmm.planner.rewrites.site import Site, replace

_CHANNELWISE = {
    *("LOGISTIC", "TANH", "RELU", "RELU6", "RELU_N1_TO_1", "LEAKY_RELU", "ELU", "HARD_SWISH", "ABS", "NEG", "RSQRT"),
    *("QUANTIZE", "MAX_POOL_2D", "AVERAGE_POOL_2D", "RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR"),
}
_BINARY = {"ADD", "SUB", "MUL", "SQUARED_DIFFERENCE", "MAXIMUM", "MINIMUM"}
_SMALL = 16  # an operand that is this many times smaller than the map may be split by an operator of its own
_LONGEST = 100  # operators between a convolution and the split
_CHANNEL_AXIS = {"CONV_2D": 0, "FULLY_CONNECTED": 0, "DEPTHWISE_CONV_2D": 3}


@dataclass
class _Slicing:
    """How the parts of a tensor come to be: the operator that makes it, and which of its inputs are sliced how."""

    position: int
    sliced: dict = field(default_factory=dict)  # input slot -> "weights", "constant", "split" or a _Slicing
    factor: int = 1  # output channels an input channel

    def positions(self):
        below = [p for slicing in self.sliced.values() if isinstance(slicing, _Slicing) for p in slicing.positions()]
        return [*below, self.position]


def sites(graph):
    """Returns the `Site` of every SPLIT of channels that can be pushed up to convolutions."""
    found = []
    for position, operator in enumerate(graph.operators):
        slicing = _slicing_of_split(graph, position, operator)
        if slicing is not None:
            positions = (*sorted(set(slicing.positions())), position)
            names = " and ".join(dict.fromkeys(graph.operators[p].name for p in positions[:-1]))
            shape = "x".join(map(str, graph.tensors[operator.inputs[_slot(operator)]].shape))
            splits = sum(kind == "split" for kind in _kinds(slicing))
            added = (len(positions) - 1) * (len(operator.outputs) - 1) - 1 + splits
            found.append(Site("split", positions, added, f"SPLIT of {shape} pushed up through {names}"))
    return found


def apply(file, graph, site, originals):
    """Replaces the operators between the convolutions and the split for one chain a part."""
    operator = graph.operators[site.operators[-1]]
    slicing, new, low = _slicing_of_split(graph, site.operators[-1], operator), [], 0
    split = originals[site.operators[-1]]
    shared = {}
    for part, output in enumerate(split.outputs):
        high = low + graph.tensors[operator.outputs[part]].shape[-1]
        builder = _Parts(file, graph, originals, split, operator.outputs, shared, new)
        builder.make(slicing, part, low, high, int(output))
        low = high
    replace(file, originals, site, new)


class _Parts:
    """Builds the chain of operators that makes one part."""

    def __init__(self, file, graph, originals, split, outputs, shared, new):
        self.file, self.graph, self.originals = file, graph, originals
        self.split, self.outputs, self.shared, self.new = split, outputs, shared, new

    def make(self, slicing, part, low, high, output):
        """Appends the operators that make channels `low` to `high` into tensor `output`."""
        operator = copy.copy(self.originals[slicing.position])
        wholes = [int(index) for index in operator.inputs]
        inputs = list(wholes)
        source_low, source_high = low // slicing.factor, high // slicing.factor
        for slot, how in slicing.sliced.items():
            whole = wholes[slot]
            if how == "weights":
                axis = _CHANNEL_AXIS[self.graph.operators[slicing.position].name] if slot == 1 else 0
                new = self._sliced(whole, axis, low, high, part)
            elif how == "constant":
                new = self._sliced(whole, -1, low, high, part)
            elif how == "split":
                new = self._split(whole, part)
            else:
                shape = (*self.graph.tensors[whole].shape[:-1], source_high - source_low)
                new = self.file.add_tensor(whole, shape, f"/part{part}")
                self.make(how, part, source_low, source_high, new)
            inputs = [new if index == whole else index for index in inputs]  # an operator may read it twice
        operator.inputs, operator.outputs = np.array(inputs, "int32"), np.array([output], "int32")
        self.new.append(operator)

    def _sliced(self, index, axis, low, high, part):
        """A constant's channels from `low` to `high`, with their scales."""
        tensor = self.file.main.tensors[index]
        shape = [int(size) for size in tensor.shape]
        content = np.asarray(self.file.constant(index))
        rows = content.reshape(*shape, -1)  # the last axis holds the bytes of an element
        axis %= len(shape)
        rows = np.take(rows, np.arange(low, high), axis)
        shape[axis] = high - low
        quantization = copy.copy(tensor.quantization)
        if quantization is not None and quantization.scale is not None and len(quantization.scale) > 1:
            quantization.scale = quantization.scale[low:high]
            points = quantization.zeroPoint
            quantization.zeroPoint = points if points is None or len(points) == 1 else points[low:high]
        return self.file.add_tensor(index, shape, f"/part{part}", np.ascontiguousarray(rows), quantization)

    def _split(self, index, part):
        """One part of a small operand, which a SPLIT of its own divides for all parts."""
        if index not in self.shared:
            shape = [int(size) for size in self.file.main.tensors[index].shape]
            parts = []
            for i, output in enumerate(self.outputs):
                shape[-1] = self.graph.tensors[output].shape[-1]
                parts.append(self.file.add_tensor(index, shape, f"/part{i}"))
            operator = copy.copy(self.split)
            inputs = [int(i) for i in operator.inputs]
            inputs[_slot(self.graph.operators[self.originals.index(self.split)])] = index
            operator.inputs, operator.outputs = np.array(inputs, "int32"), np.array(parts, "int32")
            self.new.append(operator)
            self.shared[index] = parts
        return self.shared[index][part]


def _slot(operator):
    return 1 if operator.name == "SPLIT" else 0


def _kinds(slicing):
    for how in slicing.sliced.values():
        if isinstance(how, _Slicing):
            yield from _kinds(how)
        else:
            yield how


def _slicing_of_split(graph, position, operator):
    """The `_Slicing` of a SPLIT's input if it is a split of channels that ends at convolutions, else None."""
    if operator.name not in ("SPLIT", "SPLIT_V") or len(operator.outputs) < 2:
        return None
    source = operator.inputs[_slot(operator)]
    axis = graph.tensors[operator.inputs[0 if operator.name == "SPLIT" else 2]].data
    shape, tensor = graph.tensors[source].shape, graph.tensors[source]
    if axis is None or len(axis) != 4 or int(np.frombuffer(axis.tobytes(), "<i4")[0]) % len(shape) != len(shape) - 1:
        return None
    edges = np.cumsum([graph.tensors[output].shape[-1] for output in operator.outputs])
    if any(
        (graph.tensors[o].scales, graph.tensors[o].zero_points) != (tensor.scales, tensor.zero_points)
        for o in operator.outputs
    ):
        return None
    equal = len({graph.tensors[output].shape[-1] for output in operator.outputs}) == 1
    return _slicing(graph, source, position, edges, shape[-1], len(shape) if equal else None)


def _slicing(graph, index, user, edges, channels, rank, longest=_LONGEST):
    """How the parts of a tensor that only the operator at `user` uses can be made, or None.

    The SPLIT divides small operands of that rank too, none if it is None.
    """
    if not longest:
        return None
    makers = [p for p, operator in enumerate(graph.operators) if index in operator.outputs]
    users = [p for p, operator in enumerate(graph.operators) if index in operator.inputs]
    if len(makers) != 1 or users != [user] or index in graph.outputs or graph.tensors[index].shape[-1] != channels:
        return None
    position, operator = makers[0], graph.operators[makers[0]]
    slicing = _Slicing(position)
    if len(operator.outputs) != 1:
        return None
    if operator.name in _CHANNEL_AXIS and not _weights(graph, operator, slicing, channels):
        return None
    if operator.name in ("CONV_2D", "FULLY_CONNECTED"):
        return slicing if _whole_input(graph, operator) else None
    if operator.name == "DEPTHWISE_CONV_2D":
        inner = graph.tensors[operator.inputs[0]].shape[-1]
        slicing.factor = channels // inner
        if channels % inner or any(edge % slicing.factor for edge in edges):
            return None
        below = _slicing(graph, operator.inputs[0], position, edges // slicing.factor, inner, rank, longest - 1)
        slicing.sliced[0] = below
        return slicing if below else None
    if operator.name in _CHANNELWISE:
        slicing.sliced[0] = _slicing(graph, operator.inputs[0], position, edges, channels, rank, longest - 1)
        return slicing if slicing.sliced[0] else None
    if operator.name in _BINARY:
        return _binary(graph, operator, slicing, edges, channels, rank, longest - 1)
    return None


def _weights(graph, operator, slicing, channels):
    """Notes the constants to be sliced; False if there are others."""
    for slot, index in enumerate(operator.inputs[1:3], 1):
        if index < 0:
            continue
        tensor = graph.tensors[index]
        if tensor.data is None or tensor.type in ("INT4", "UINT4", "INT2") or len(tensor.scales) not in (0, 1, channels):
            return False
        axis = _CHANNEL_AXIS[operator.name] if slot == 1 else 0
        if not tensor.shape or tensor.shape[axis] != channels:
            return False
        slicing.sliced[slot] = "weights"
    return True


def _whole_input(graph, operator):
    """Whether every output channel sees all of the input."""
    weights, source = graph.tensors[operator.inputs[1]].shape, graph.tensors[operator.inputs[0]].shape
    return operator.name == "FULLY_CONNECTED" or weights[3] == source[3]


def _binary(graph, operator, slicing, edges, channels, rank, longest):
    for index in dict.fromkeys(operator.inputs):
        slot, tensor = operator.inputs.index(index), graph.tensors[index]
        if not tensor.shape or tensor.shape[-1] == 1:
            continue
        if tensor.data is not None:
            if len(tensor.scales) > 1:
                return None
            slicing.sliced[slot] = "constant"
            continue
        below = _slicing(graph, index, slicing.position, edges, channels, rank, longest)
        small = tensor.arena_bytes * _SMALL <= graph.tensors[operator.outputs[0]].arena_bytes
        if below is None and len(tensor.shape) == rank and small:
            below = "split"
        if below is None:
            return None
        slicing.sliced[slot] = below
    return slicing if any(isinstance(how, _Slicing) for how in slicing.sliced.values()) else None
