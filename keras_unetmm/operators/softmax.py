# SPDX-License-Identifier: Apache-2.0
"""SOFTMAX: a softmax over the channels."""

from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("SOFTMAX", receptive_field=pointwise)
