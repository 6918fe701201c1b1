# SPDX-License-Identifier: Apache-2.0
"""TANH: the hyperbolic tangent of each element."""

from keras_unetmm.operators.shared import elementwise
from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("TANH", receptive_field=pointwise, overlaps=elementwise.first_input)
