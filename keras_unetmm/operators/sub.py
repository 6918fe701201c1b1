# SPDX-License-Identifier: Apache-2.0
"""SUB: differences of elements."""

from keras_unetmm.operators.shared import elementwise
from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("SUB", receptive_field=pointwise, overlaps=elementwise.all_inputs, together=True)
