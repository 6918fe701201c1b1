# SPDX-License-Identifier: Apache-2.0
"""DEPTH_TO_SPACE: blocks of channels laid out as blocks of pixels."""

from keras_unetmm.operators.shared import shuffles
from keras_unetmm.operators.shared.rules import Fields, OperatorRules, Overlap, ReceptiveField
from keras_unetmm.tflite_file.operands import Operands


def _receptive_field(operands: Operands) -> Fields:
    field = ReceptiveField(factor=operands.option("BlockSize"))
    return field, field


def _overlaps(operands: Operands, kernels: frozenset[str]) -> list[Overlap]:
    return shuffles.overlaps(operands, to_space=True)


RULES = OperatorRules("DEPTH_TO_SPACE", receptive_field=_receptive_field, overlaps=_overlaps)
