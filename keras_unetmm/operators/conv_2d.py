# SPDX-License-Identifier: Apache-2.0
"""CONV_2D: windows of all channels, times weights of the shape (out, height, width, in)."""

import math

from keras_unetmm.operators.shared import weights, windows
from keras_unetmm.operators.shared.rules import Fields, OperatorRules, Overlap
from keras_unetmm.tflite_file.operands import Operands


def _macs(operands: Operands) -> int:
    output = operands.outputs[0].shape
    return math.prod(output) * math.prod(operands.inputs[1].shape) // output[-1]


def _receptive_field(operands: Operands) -> Fields:
    return windows.receptive_field(operands, operands.inputs[1].shape[1:3], windows.dilations(operands))


def _overlaps(operands: Operands, kernels: frozenset[str]) -> list[Overlap]:
    """The reference kernels take pixels in raster order, unless the convolution is grouped.

    CMSIS-NN takes 1x1 kernels channel by channel, and 1xN kernels in three parts.
    """
    if not windows.are_walked(operands):
        return []
    kernel = operands.inputs[1].shape
    if kernel[3] != operands.map.shape[3]:
        return []
    if "cmsis-nn" in kernels and not (weights.in_raster_order(operands) and kernel[1] > 1):
        return []
    return windows.overlaps(operands, kernel[1:3], windows.dilations(operands))


def _scratch(operands: Operands, kernels: str) -> tuple[int, ...]:
    """Weights of 4 bits are unpacked; CMSIS-NN for Helium gathers four windows of other kernels than 1x1."""
    unpacked, kernel = weights.unpacked(operands, kernels), operands.inputs[1].shape
    if kernels != "cmsis-nn-helium" or operands.map.type != "INT8" or kernel[1:3] == (1, 1):
        return unpacked
    return *unpacked, weights.helium_windows(operands)


RULES = OperatorRules(
    "CONV_2D",
    macs=_macs,
    receptive_field=_receptive_field,
    overlaps=_overlaps,
    scratch=_scratch,
    padding=True,
    zero_padding=True,
)
