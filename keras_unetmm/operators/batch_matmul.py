# SPDX-License-Identifier: Apache-2.0
"""BATCH_MATMUL: matrix products of two maps."""

import math

from keras_unetmm.operators.shared.rules import OperatorRules
from keras_unetmm.tflite_file.operands import Operands

_INT32 = 4  # bytes


def _macs(operands: Operands) -> int:
    left = operands.inputs[0].shape
    return math.prod(operands.outputs[0].shape) * (left[-2] if operands.option("AdjX") else left[-1])


def _scratch(operands: Operands, kernels: str) -> tuple[int, ...]:
    """CMSIS-NN for Helium keeps a sum for each column."""
    helium = kernels == "cmsis-nn-helium" and operands.map.type == "INT8"
    return (_INT32 * operands.outputs[0].shape[-1],) if helium else ()


RULES = OperatorRules("BATCH_MATMUL", macs=_macs, scratch=_scratch)
