# SPDX-License-Identifier: Apache-2.0
"""SPACE_TO_DEPTH: blocks of pixels gathered into channels."""

from keras_unetmm.operators.shared import shuffles
from keras_unetmm.operators.shared.rules import Fields, OperatorRules, Overlap, ReceptiveField
from keras_unetmm.tflite_file.operands import Operands


def _receptive_field(operands: Operands) -> Fields:
    block = operands.option("BlockSize")
    return ReceptiveField(block, extent=block), ReceptiveField(block, extent=block)


def _overlaps(operands: Operands, kernels: frozenset[str]) -> list[Overlap]:
    return shuffles.overlaps(operands, to_space=False)


RULES = OperatorRules("SPACE_TO_DEPTH", receptive_field=_receptive_field, overlaps=_overlaps)
