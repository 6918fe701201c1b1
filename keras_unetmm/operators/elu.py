# SPDX-License-Identifier: Apache-2.0
"""ELU: each element, or its exponential less 1 where it is negative."""

from keras_unetmm.operators.shared import elementwise
from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("ELU", receptive_field=pointwise, overlaps=elementwise.first_input)
