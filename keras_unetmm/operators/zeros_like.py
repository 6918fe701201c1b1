# SPDX-License-Identifier: Apache-2.0
"""ZEROS_LIKE: zeros in the shape of a map."""

from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("ZEROS_LIKE", receptive_field=pointwise)
