# SPDX-License-Identifier: Apache-2.0
"""REDUCE_ALL: whether all is true, over axes."""

from keras_unetmm.operators.shared import reduction
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("REDUCE_ALL", scratch=reduction.axes_scratch)
