# SPDX-License-Identifier: Apache-2.0
"""EXPAND_DIMS: the same bytes with an axis of length 1 more."""

from keras_unetmm.operators.shared import copies
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("EXPAND_DIMS", overlaps=copies.whole)
