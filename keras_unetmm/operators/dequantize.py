# SPDX-License-Identifier: Apache-2.0
"""DEQUANTIZE: each integer as a float."""

from keras_unetmm.operators.shared import elementwise
from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("DEQUANTIZE", receptive_field=pointwise, overlaps=elementwise.first_input)
