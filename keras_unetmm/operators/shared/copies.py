# SPDX-License-Identifier: Apache-2.0
"""Operators that copy bytes as they are: in place, there is nothing to copy."""

import math

import numpy as np

from keras_unetmm.operators.shared.rules import Overlap
from keras_unetmm.tflite_file.graph import Tensor
from keras_unetmm.tflite_file.operands import Operands


def whole(operands: Operands, kernels: frozenset[str]) -> list[Overlap]:
    """Returns the overlap of an operator that copies its first input as it is, for all kernels."""
    alike = operands.inputs[0].arena_bytes == operands.outputs[0].arena_bytes
    return [Overlap(0, 0, same=0)] if alike else []


def pieces(parts: list[Tensor], joined: Tensor, axis: int) -> dict[int, int]:
    """Returns where parts start in the map that they make up, if they lie one after the other in it.

    Args:
        parts: the parts, along the axis.
        joined: the map.
        axis: the axis along which it is joined or split.

    Returns:
        dict from a part's position to bytes; without those whose address would not be aligned.
    """
    if math.prod(joined.shape[: axis % len(joined.shape)]) != 1:
        return {}
    sizes = [math.prod(part.shape) * part.element_bytes for part in parts]
    if sum(sizes) != math.prod(joined.shape) * joined.element_bytes:
        return {}
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    return {i: start for i, start in enumerate(starts) if start % 16 == 0}


def split(operands: Operands, place: int, axis_place: int) -> list[Overlap]:
    """Returns the overlaps of an operator that splits the input at `place` along the axis in that at `axis_place`."""
    axis = _constant(operands.inputs[axis_place])
    if axis is None:
        return []
    starts = pieces(operands.outputs, operands.inputs[place], axis)
    return [Overlap(place, part, same=-start) for part, start in starts.items()]


def _constant(tensor):
    """The first number of a constant of int32, or None."""
    if tensor is None or tensor.data is None or tensor.type != "INT32" or len(tensor.data) < 4:
        return None
    return int(np.frombuffer(np.ascontiguousarray(tensor.data[:4]).tobytes(), "<i4")[0])
