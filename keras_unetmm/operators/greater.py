# SPDX-License-Identifier: Apache-2.0
"""GREATER: whether one element is greater than another."""

from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("GREATER", receptive_field=pointwise)
