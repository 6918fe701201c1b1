# SPDX-License-Identifier: Apache-2.0
"""RESIZE_NEAREST_NEIGHBOR: a map made larger or smaller, its new pixels copies of the nearest."""

from keras_unetmm.operators.shared import resizing
from keras_unetmm.operators.shared.rules import Fields, OperatorRules
from keras_unetmm.tflite_file.operands import Operands


def _receptive_field(operands: Operands) -> Fields:
    return resizing.receptive_field(operands, between=False)


RULES = OperatorRules("RESIZE_NEAREST_NEIGHBOR", receptive_field=_receptive_field)
