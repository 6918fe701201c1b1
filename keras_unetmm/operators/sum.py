# SPDX-License-Identifier: Apache-2.0
"""SUM: sums over axes."""

from keras_unetmm.operators.shared import reduction
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("SUM", receptive_field=reduction.over_channels, scratch=reduction.sum_scratch, over_axes=True)
