# SPDX-License-Identifier: Apache-2.0
"""AVERAGE_POOL_2D: the mean of each window."""

from keras_unetmm.operators.shared import pools
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("AVERAGE_POOL_2D", receptive_field=pools.receptive_field, overlaps=pools.overlaps, padding=True)
