# SPDX-License-Identifier: Apache-2.0
"""DEPTHWISE_CONV_2D: windows of one channel, times weights of the shape (1, height, width, out)."""

import math

from keras_unetmm.operators.shared import weights, windows
from keras_unetmm.operators.shared.rules import Fields, OperatorRules, Overlap
from keras_unetmm.tflite_file.operands import Operands

_HELIUM_BLOCK = 124  # channels: CMSIS-NN walks wider maps block by block of channels on Helium
_HELIUM_WINDOWS = 4  # gathered at a time


def _macs(operands: Operands) -> int:
    return math.prod(operands.outputs[0].shape) * math.prod(operands.inputs[1].shape[1:3])


def _receptive_field(operands: Operands) -> Fields:
    return windows.receptive_field(operands, operands.inputs[1].shape[1:3], windows.dilations(operands))


def _overlaps(operands: Operands, kernels: frozenset[str]) -> list[Overlap]:
    """The reference kernels take pixels in raster order; CMSIS-NN does so for one output a channel, up to a block."""
    if not windows.are_walked(operands):
        return []
    if "cmsis-nn" in kernels:
        one_each = operands.outputs[0].shape[3] == operands.map.shape[3] <= _HELIUM_BLOCK
        if not (weights.in_raster_order(operands) and one_each):
            return []
    return windows.overlaps(operands, operands.inputs[1].shape[1:3], windows.dilations(operands))


def _scratch(operands: Operands, kernels: str) -> tuple[int, ...]:
    """Weights of 4 bits are unpacked; CMSIS-NN for Helium gathers windows of a block of channels: 4,464 bytes at 3x3."""
    unpacked = weights.unpacked(operands, kernels)
    if kernels != "cmsis-nn-helium" or operands.map.type not in ("INT8", "INT16"):
        return unpacked
    return *unpacked, _HELIUM_WINDOWS * _HELIUM_BLOCK * math.prod(operands.inputs[1].shape[1:3])


RULES = OperatorRules(
    "DEPTHWISE_CONV_2D",
    macs=_macs,
    receptive_field=_receptive_field,
    overlaps=_overlaps,
    scratch=_scratch,
    padding=True,
    zero_padding=True,
)
