# SPDX-License-Identifier: Apache-2.0
"""GELU: the Gaussian error linear unit of each element."""

from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("GELU", receptive_field=pointwise)
