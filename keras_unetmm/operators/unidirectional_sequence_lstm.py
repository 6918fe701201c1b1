# SPDX-License-Identifier: Apache-2.0
"""UNIDIRECTIONAL_SEQUENCE_LSTM: a recurrent layer over steps in time."""

from keras_unetmm.operators.shared.rules import OperatorRules
from keras_unetmm.tflite_file.operands import Operands

_HIDDEN, _CELL = 18, 19  # places of the states


def _scratch(operands: Operands, kernels: str) -> tuple[int, ...]:
    """Four gates, each as large as the state."""
    batch = operands.input(0).shape[1 if operands.options.TimeMajor() else 0]
    return (batch * operands.input(_HIDDEN).shape[1] * operands.input(_CELL).element_bytes,) * 4


RULES = OperatorRules("UNIDIRECTIONAL_SEQUENCE_LSTM", scratch=_scratch)
