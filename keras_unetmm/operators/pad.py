# SPDX-License-Identifier: Apache-2.0
"""PAD: zeros around a map."""

from keras_unetmm.operators.shared.rules import Fields, GlobalOperatorError, OperatorRules, ReceptiveField
from keras_unetmm.tflite_file.operands import Operands


def _receptive_field(operands: Operands) -> Fields:
    tensor, numbers = operands.input(1), operands.numbers(1)
    if tensor is None or numbers is None or tensor.shape != (4, 2) or any(numbers[:2]) or any(numbers[6:]):
        raise GlobalOperatorError("it pads with other values than zeros, or other axes than rows and columns")
    return ReceptiveField(before=numbers[2]), ReceptiveField(before=numbers[4])


RULES = OperatorRules("PAD", receptive_field=_receptive_field, zero_padding=True)
