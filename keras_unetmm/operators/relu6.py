# SPDX-License-Identifier: Apache-2.0
"""RELU6: each element, held between 0 and 6."""

from keras_unetmm.operators.shared import elementwise
from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("RELU6", receptive_field=pointwise, overlaps=elementwise.first_input)
