# SPDX-License-Identifier: Apache-2.0
"""RELU_N1_TO_1: each element, held between -1 and 1."""

from keras_unetmm.operators.shared import elementwise
from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("RELU_N1_TO_1", receptive_field=pointwise, overlaps=elementwise.first_input)
