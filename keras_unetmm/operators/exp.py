# SPDX-License-Identifier: Apache-2.0
"""EXP: the exponential of each element."""

from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("EXP", receptive_field=pointwise)
