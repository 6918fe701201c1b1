# SPDX-License-Identifier: Apache-2.0
"""ARG_MAX: the number of the largest channel of each place."""

from keras_unetmm.operators.shared.pointwise import check_channels, first_number, of_any_rank
from keras_unetmm.operators.shared.rules import Fields, OperatorRules
from keras_unetmm.tflite_file.operands import Operands


def _receptive_field(operands: Operands) -> Fields:
    check_channels(operands, first_number(operands, 1))
    return of_any_rank(operands)


RULES = OperatorRules("ARG_MAX", receptive_field=_receptive_field)
