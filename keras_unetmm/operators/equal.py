# SPDX-License-Identifier: Apache-2.0
"""EQUAL: whether two elements are equal."""

from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("EQUAL", receptive_field=pointwise)
