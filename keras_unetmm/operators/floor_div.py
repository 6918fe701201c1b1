# SPDX-License-Identifier: Apache-2.0
"""FLOOR_DIV: whole quotients of elements."""

from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("FLOOR_DIV", receptive_field=pointwise)
