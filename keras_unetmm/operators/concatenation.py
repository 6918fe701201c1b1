# SPDX-License-Identifier: Apache-2.0
"""CONCATENATION: maps joined along an axis."""

from keras_unetmm.operators.shared import copies
from keras_unetmm.operators.shared.pointwise import along_channels
from keras_unetmm.operators.shared.rules import Fields, OperatorRules, Overlap
from keras_unetmm.tflite_file.operands import Operands


def _receptive_field(operands: Operands) -> Fields:
    return along_channels(operands, operands.option("Axis"))


def _overlaps(operands: Operands, kernels: frozenset[str]) -> list[Overlap]:
    starts = copies.pieces(operands.inputs, operands.outputs[0], operands.option("Axis"))
    return [Overlap(part, 0, same=start) for part, start in starts.items()]


RULES = OperatorRules("CONCATENATION", receptive_field=_receptive_field, overlaps=_overlaps)
