# SPDX-License-Identifier: Apache-2.0
"""SQUEEZE: the same bytes without axes of length 1."""

from keras_unetmm.operators.shared import copies
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("SQUEEZE", overlaps=copies.whole)
