# SPDX-License-Identifier: Apache-2.0
"""GREATER_EQUAL: whether one element is not less than another."""

from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("GREATER_EQUAL", receptive_field=pointwise)
