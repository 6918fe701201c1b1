# SPDX-License-Identifier: Apache-2.0
"""SQRT: the square root of each element."""

from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("SQRT", receptive_field=pointwise)
