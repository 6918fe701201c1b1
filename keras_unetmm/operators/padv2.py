# SPDX-License-Identifier: Apache-2.0
"""PADV2: a value around a map."""

from keras_unetmm.operators.shared.rules import Fields, GlobalOperatorError, OperatorRules
from keras_unetmm.tflite_file.operands import Operands


def _receptive_field(operands: Operands) -> Fields:
    raise GlobalOperatorError("it pads with other values than zeros, or other axes than rows and columns")


RULES = OperatorRules("PADV2", receptive_field=_receptive_field)
