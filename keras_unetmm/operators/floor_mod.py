# SPDX-License-Identifier: Apache-2.0
"""FLOOR_MOD: what whole division of elements leaves."""

from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("FLOOR_MOD", receptive_field=pointwise)
