# SPDX-License-Identifier: Apache-2.0
"""LEAKY_RELU: each element, smaller by a factor where it is negative."""

from keras_unetmm.operators.shared import elementwise
from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("LEAKY_RELU", receptive_field=pointwise, overlaps=elementwise.first_input)
