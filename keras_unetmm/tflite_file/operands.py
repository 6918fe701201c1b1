# SPDX-License-Identifier: Apache-2.0
"""What rules about operators ask of a graph: which tensor is the map, which are constants, and their values."""

import numpy as np

_MAPS = {"SPLIT": 1, "TRANSPOSE_CONV": 2, "SELECT": 1, "SELECT_V2": 1, "EMBEDDING_LOOKUP": 1}  # the map's place, if not 0
WINDOWED = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED")  # those with weights
_NUMBERS = {"INT32": "<i4", "INT64": "<i8"}


def names_in(text):
    """Returns the set of the words in a text: tables of operators read as such."""
    return frozenset(text.split())


class Operands:
    """One operator's tensors.

    Args:
        graph: `Graph`.
        operator: `Operator` of it.
    """

    def __init__(self, graph, operator):
        self.name, self.options = operator.name, operator.options
        self.inputs = [graph.tensors[i] if i >= 0 else None for i in operator.inputs]
        self.outputs = [graph.tensors[i] for i in operator.outputs if i >= 0]

    @property
    def map(self):
        """The `Tensor` of which the operator's kernel is chosen by type, or None."""
        return self.input(_MAPS.get(self.name, 0)) or next(iter(self.outputs), None)

    @property
    def maps(self):
        """All that is computed: inputs that are no constants, and outputs."""
        return [tensor for tensor in self.inputs if tensor is not None and tensor.data is None] + self.outputs

    @property
    def output(self):
        """The first output, or None."""
        return next(iter(self.outputs), None)

    @property
    def weights(self):
        """The weights of a convolution or a dense layer, or None."""
        return self.input(1) if self.name in WINDOWED else None

    @property
    def bias(self):
        """Their bias, or None."""
        return self.input(3 if self.name == "TRANSPOSE_CONV" else 2) if self.name in WINDOWED else None

    def input(self, place):
        """Returns the input at that place, or None."""
        return self.inputs[place] if place < len(self.inputs) else None

    def numbers(self, place):
        """Returns a constant input's integers as a tuple, or None if it is absent or computed."""
        tensor = self.input(place)
        if tensor is None or tensor.data is None or tensor.type not in _NUMBERS:
            return None
        return tuple(np.frombuffer(tensor.data.tobytes(), _NUMBERS[tensor.type]).tolist())

    def axes(self):
        """Returns the axes that a reduction runs over, counted from 0, or None if they are computed."""
        numbers, rank = self.numbers(1), len(self.map.shape)
        return None if numbers is None else tuple(sorted(axis % rank if rank else axis for axis in numbers))

    def option(self, name, default=0):
        """Returns a field of the options."""
        return getattr(self.options, name)() if hasattr(self.options, name) else default
