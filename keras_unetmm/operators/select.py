# SPDX-License-Identifier: Apache-2.0
"""SELECT: elements of one map or of another, as a third says."""

from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("SELECT", receptive_field=pointwise)
