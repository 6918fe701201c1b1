# SPDX-License-Identifier: Apache-2.0
"""MIRROR_PAD: a map's own values around it, mirrored."""

from keras_unetmm.operators.shared.rules import OperatorRules
from keras_unetmm.tflite_file.operands import Operands

_INT32 = 4  # bytes


def _scratch(operands: Operands, kernels: str) -> tuple[int, ...]:
    return (_INT32 * len(operands.input(0).shape),) * 2


RULES = OperatorRules("MIRROR_PAD", scratch=_scratch)
