# SPDX-License-Identifier: Apache-2.0
"""SVDF: a dense layer over time, as two vectors for each of its filters."""

from keras_unetmm.operators.shared.rules import OperatorRules
from keras_unetmm.tflite_file.operands import Operands

_INT32 = 4  # bytes


def _macs(operands: Operands) -> int:
    """One for each input and each step in memory, for each filter."""
    units, steps = operands.inputs[1].shape, operands.inputs[2].shape
    return operands.map.shape[0] * units[0] * (units[1] + steps[1])


def _scratch(operands: Operands, kernels: str) -> tuple[int, ...]:
    """One for each filter, and of integers one for each unit; CMSIS-NN for Helium keeps a sum for each filter."""
    source, filters = operands.input(0), operands.input(1).shape[0]
    integers = source.type == "INT8"
    per_batch = (filters, filters // operands.options.Rank()) if integers else (filters,)
    sums = (_INT32 * filters,) if integers and kernels == "cmsis-nn-helium" else ()
    return (*(_INT32 * source.shape[0] * count for count in per_batch), *sums)


RULES = OperatorRules("SVDF", macs=_macs, scratch=_scratch)
