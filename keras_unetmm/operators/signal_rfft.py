# SPDX-License-Identifier: Apache-2.0
"""SignalRfft, a custom operator: the spectrum of real numbers."""

from keras_unetmm.operators.shared.custom_options import number
from keras_unetmm.operators.shared.rules import OperatorRules
from keras_unetmm.tflite_file.operands import Operands


def _scratch(operands: Operands, kernels: str) -> tuple[int, ...]:
    return (number(operands.options, "fft_length") * operands.input(0).element_bytes,)


RULES = OperatorRules("SignalRfft", custom=True, scratch=_scratch)
