# SPDX-License-Identifier: Apache-2.0
"""RELU_0_TO_1: each element, held between 0 and 1."""

from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("RELU_0_TO_1", receptive_field=pointwise)
