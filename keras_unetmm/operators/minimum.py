# SPDX-License-Identifier: Apache-2.0
"""MINIMUM: the smaller of two elements."""

from keras_unetmm.operators.shared import elementwise
from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("MINIMUM", receptive_field=pointwise, overlaps=elementwise.all_inputs, together=True)
