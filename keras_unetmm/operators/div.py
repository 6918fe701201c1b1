# SPDX-License-Identifier: Apache-2.0
"""DIV: quotients of elements."""

from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("DIV", receptive_field=pointwise)
