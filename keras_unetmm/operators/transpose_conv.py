# SPDX-License-Identifier: Apache-2.0
"""TRANSPOSE_CONV: each pixel times weights of the shape (out, height, width, in), laid side by side."""

import math

from keras_unetmm.operators.shared import weights
from keras_unetmm.operators.shared.rules import Fields, GlobalOperatorError, OperatorRules, ReceptiveField
from keras_unetmm.tflite_file.operands import Operands

_INT32, _INT64 = 4, 8  # bytes of an accumulator


def _macs(operands: Operands) -> int:
    return math.prod(operands.inputs[2].shape) * math.prod(operands.inputs[1].shape[:3])  # each pixel meets all weights


def _receptive_field(operands: Operands) -> Fields:
    stride = operands.option("StrideH")
    if operands.option("StrideW") != stride or operands.inputs[1].shape[1:3] != (stride, stride):
        raise GlobalOperatorError("its windows overlap. Use a kernel as large as the stride, or a resize and a convolution")
    return ReceptiveField(factor=stride), ReceptiveField(factor=stride)


def _scratch(operands: Operands, kernels: str) -> tuple[int, ...]:
    """An accumulator for each output. CMSIS-NN for Helium takes less, or four windows and the weights once more."""
    source, bias = operands.input(2), operands.input(3)
    outputs = math.prod(operands.outputs[0].shape)
    if source.type == "INT8":
        accumulators = _INT32 * outputs
        if kernels == "cmsis-nn-helium":
            return max(accumulators, weights.helium_windows(operands)), math.prod(operands.inputs[1].shape)
        return (accumulators,)
    if source.type == "INT16":
        converted = (_INT64 * math.prod(bias.shape),) if bias is not None and bias.type == "INT16" else ()
        return (_INT64 * outputs, *converted)
    return ()


RULES = OperatorRules("TRANSPOSE_CONV", macs=_macs, receptive_field=_receptive_field, scratch=_scratch)
