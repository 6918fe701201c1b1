# SPDX-License-Identifier: Apache-2.0
"""REDUCE_MAX: the largest values over axes."""

from keras_unetmm.operators.shared import reduction
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("REDUCE_MAX", receptive_field=reduction.over_channels, scratch=reduction.axes_scratch, over_axes=True)
