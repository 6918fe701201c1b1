# SPDX-License-Identifier: Apache-2.0
"""HARD_SWISH: x * relu6(x + 3) / 6 of each element."""

from keras_unetmm.operators.shared import elementwise
from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("HARD_SWISH", receptive_field=pointwise, overlaps=elementwise.first_input)
