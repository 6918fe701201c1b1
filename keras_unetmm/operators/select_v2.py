# SPDX-License-Identifier: Apache-2.0
"""SELECT_V2: elements of one map or of another, as a third says, all broadcast."""

from keras_unetmm.operators.shared.pointwise import pointwise
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("SELECT_V2", receptive_field=pointwise)
