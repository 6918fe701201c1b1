# SPDX-License-Identifier: Apache-2.0
"""ADD_N: sums of the elements of any number of maps."""

from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules
from keras_unetmm.tflite_file.operands import Operands

_POINTER = 8  # bytes; the interpreter that measures has 64-bit pointers


def _scratch(operands: Operands, kernels: str) -> tuple[int, ...]:
    return (_POINTER * len(operands.inputs),)


RULES = OperatorRules("ADD_N", receptive_field=pointwise, scratch=_scratch)
