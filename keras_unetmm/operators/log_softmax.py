# SPDX-License-Identifier: Apache-2.0
"""LOG_SOFTMAX: the logarithm of a softmax over the channels."""

from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("LOG_SOFTMAX", receptive_field=pointwise)
