# SPDX-License-Identifier: Apache-2.0
"""CAST: each element as another type."""

from keras_unetmm.operators.shared.pointwise import of_any_rank
from keras_unetmm.operators.shared.rules import OperatorRules

RULES = OperatorRules("CAST", receptive_field=of_any_rank)
