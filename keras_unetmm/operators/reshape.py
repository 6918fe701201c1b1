# SPDX-License-Identifier: Apache-2.0
"""RESHAPE: the same bytes under another shape."""

from keras_unetmm.operators.shared import copies
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("RESHAPE", overlaps=copies.whole)
