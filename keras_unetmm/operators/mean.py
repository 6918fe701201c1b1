# SPDX-License-Identifier: Apache-2.0
"""MEAN: means over axes."""

from keras_unetmm.operators.shared import reduction
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("MEAN", receptive_field=reduction.over_channels, scratch=reduction.sum_scratch, over_axes=True)
