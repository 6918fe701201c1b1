# SPDX-License-Identifier: Apache-2.0
"""MAXIMUM: the larger of two elements."""

from keras_unetmm.operators.shared import elementwise
from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("MAXIMUM", receptive_field=pointwise, overlaps=elementwise.all_inputs, together=True)
