# SPDX-License-Identifier: Apache-2.0
"""REDUCE_PROD: products over axes."""

from keras_unetmm.operators.shared import reduction
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("REDUCE_PROD", receptive_field=reduction.over_channels, over_axes=True)
