# SPDX-License-Identifier: Apache-2.0
"""PRELU: each element, times its channel's slope where it is negative."""

from keras_unetmm.operators.shared import elementwise
from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("PRELU", receptive_field=pointwise, overlaps=elementwise.first_input)
