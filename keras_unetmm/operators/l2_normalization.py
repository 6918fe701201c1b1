# SPDX-License-Identifier: Apache-2.0
"""L2_NORMALIZATION: the channels of each place, divided by their norm."""

from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("L2_NORMALIZATION", receptive_field=pointwise)
