# SPDX-License-Identifier: Apache-2.0
"""RESIZE_BILINEAR: a map made larger or smaller, its new pixels weighted means of four."""

from keras_unetmm.operators.shared import resizing
from keras_unetmm.operators.shared.rules import Fields, OperatorRules
from keras_unetmm.tflite_file.operands import Operands


def _receptive_field(operands: Operands) -> Fields:
    return resizing.receptive_field(operands, between=True)


RULES = OperatorRules("RESIZE_BILINEAR", receptive_field=_receptive_field)
