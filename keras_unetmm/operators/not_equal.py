# SPDX-License-Identifier: Apache-2.0
"""NOT_EQUAL: whether two elements differ."""

from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("NOT_EQUAL", receptive_field=pointwise)
