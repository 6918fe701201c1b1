# SPDX-License-Identifier: Apache-2.0
"""LOG: the logarithm of each element."""

from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("LOG", receptive_field=pointwise)
