# SPDX-License-Identifier: Apache-2.0
"""LESS: whether one element is less than another."""

from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("LESS", receptive_field=pointwise)
