# SPDX-License-Identifier: Apache-2.0
"""FULLY_CONNECTED: a matrix product with weights of the shape (out, in)."""

import math

from keras_unetmm.operators.shared import weights
from keras_unetmm.operators.shared.rules import OperatorRules
from keras_unetmm.tflite_file.operands import Operands

_INT32 = 4  # bytes


def _macs(operands: Operands) -> int:
    return math.prod(operands.outputs[0].shape) * operands.inputs[1].shape[-1]


def _scratch(operands: Operands, kernels: str) -> tuple[int, ...]:
    """CMSIS-NN for Helium keeps a sum, or a multiplier and a shift, for each output."""
    unpacked = weights.unpacked(operands, kernels)
    if kernels != "cmsis-nn-helium" or operands.map.type != "INT8":
        return unpacked
    return *unpacked, 2 * _INT32 * operands.inputs[1].shape[0]


RULES = OperatorRules("FULLY_CONNECTED", macs=_macs, scratch=_scratch)
