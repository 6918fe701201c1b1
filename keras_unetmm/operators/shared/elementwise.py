# SPDX-License-Identifier: Apache-2.0
"""Operators that read element t and then write element t: the output may take the input's place."""

import math

from keras_unetmm.operators.shared.rules import Overlap
from keras_unetmm.operators.shared.walks import can_be_proven
from keras_unetmm.tflite_file.operands import Operands


def first_input(operands: Operands, kernels: frozenset[str]) -> list[Overlap]:
    """Returns the overlap of an operator that changes its first input element by element, for all kernels."""
    return _in_order(operands, [0])


def all_inputs(operands: Operands, kernels: frozenset[str]) -> list[Overlap]:
    """Returns the overlaps of an operator that joins its inputs element by element, for all kernels.

    An input that is broadcast is read again later and may not overlap.
    """
    return _in_order(operands, range(len(operands.inputs)))


def _in_order(operands, places):
    found, b = [], operands.outputs[0]
    for place in places:
        a = operands.inputs[place]
        if a is None or a.shape != b.shape:
            continue
        groups = (16,) if a.element_bytes == b.element_bytes else (a.element_bytes, b.element_bytes)
        if can_be_proven(a, b, *groups):
            grown = b.element_bytes - a.element_bytes
            found.append(Overlap(place, 0, least=max(0, (math.prod(b.shape) - 1) * grown)))
    return found
