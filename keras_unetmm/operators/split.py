# SPDX-License-Identifier: Apache-2.0
"""SPLIT: a map cut into equal parts along an axis."""

from keras_unetmm.operators.shared import copies
from keras_unetmm.operators.shared.pointwise import along_channels, first_number
from keras_unetmm.operators.shared.rules import Fields, OperatorRules, Overlap
from keras_unetmm.tflite_file.operands import Operands

_MAP, _AXIS = 1, 0  # places of the inputs


def _receptive_field(operands: Operands) -> Fields:
    return along_channels(operands, first_number(operands, _AXIS))


def _overlaps(operands: Operands, kernels: frozenset[str]) -> list[Overlap]:
    return copies.split(operands, _MAP, _AXIS)


RULES = OperatorRules("SPLIT", receptive_field=_receptive_field, overlaps=_overlaps)
