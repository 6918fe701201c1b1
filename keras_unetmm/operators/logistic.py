# SPDX-License-Identifier: Apache-2.0
"""LOGISTIC: the logistic function of each element."""

from keras_unetmm.operators.shared import elementwise
from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("LOGISTIC", receptive_field=pointwise, overlaps=elementwise.first_input)
