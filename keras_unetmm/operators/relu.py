# SPDX-License-Identifier: Apache-2.0
"""RELU: each element, or 0 if that is more."""

from keras_unetmm.operators.shared import elementwise
from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("RELU", receptive_field=pointwise, overlaps=elementwise.first_input)
