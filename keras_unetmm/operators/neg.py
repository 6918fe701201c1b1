# SPDX-License-Identifier: Apache-2.0
"""NEG: each element with the other sign."""

from keras_unetmm.operators.shared import elementwise
from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("NEG", receptive_field=pointwise, overlaps=elementwise.first_input)
