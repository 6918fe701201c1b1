# SPDX-License-Identifier: Apache-2.0
"""CUMSUM: sums of all elements of an axis up to each one, or up to the one before."""

from keras_unetmm.operators.shared.pointwise import along_channels, first_number
from keras_unetmm.operators.shared.rules import Fields, OperatorRules, Overlap
from keras_unetmm.operators.shared.walks import can_be_proven
from keras_unetmm.tflite_file.operands import Operands


def _receptive_field(operands: Operands) -> Fields:
    return along_channels(operands, first_number(operands, 1))


def _overlaps(operands: Operands, kernels: frozenset[str]) -> list[Overlap]:
    """Along the last axis elements are taken in the order in which they lie, but from the end if it is reversed.

    An element is read and then written; if the sum is exclusive, it is written first.
    """
    source, output, axis = operands.inputs[0], operands.outputs[0], first_number(operands, 1)
    if axis is None or axis not in (-1, len(source.shape) - 1) or operands.option("Reverse", True):
        return []
    if source.shape != output.shape or source.type != output.type or not can_be_proven(source, output, source.element_bytes):
        return []
    return [Overlap(0, 0, least=source.element_bytes if operands.option("Exclusive") else 0)]


RULES = OperatorRules("CUMSUM", receptive_field=_receptive_field, overlaps=_overlaps)
