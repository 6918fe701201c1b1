# SPDX-License-Identifier: Apache-2.0
"""LESS_EQUAL: whether one element is not greater than another."""

from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("LESS_EQUAL", receptive_field=pointwise)
