# SPDX-License-Identifier: Apache-2.0
"""QUANTIZE: each element in another scale or type of integers."""

from keras_unetmm.operators.shared import elementwise
from keras_unetmm.operators.shared.pointwise import of_any_rank
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("QUANTIZE", receptive_field=of_any_rank, overlaps=elementwise.first_input)
