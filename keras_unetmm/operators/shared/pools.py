# SPDX-License-Identifier: Apache-2.0
"""Pooling: windows without weights."""

from keras_unetmm.operators.shared import windows
from keras_unetmm.operators.shared.rules import Fields, GlobalOperatorError, Overlap
from keras_unetmm.tflite_file.operands import Operands


def receptive_field(operands: Operands) -> Fields:
    """Returns the receptive field of a pool.

    Raises:
        GlobalOperatorError: if its window is the whole map.
    """
    if _size(operands) == tuple(operands.map.shape[1:3]):
        raise GlobalOperatorError("its window is the whole map. Use pooling over smaller windows, or tile fewer levels")
    return windows.receptive_field(operands, _size(operands))


def overlaps(operands: Operands, kernels: frozenset[str]) -> list[Overlap]:
    """Returns the overlap of a pool: all kernels take the windows in raster order."""
    return windows.overlaps(operands, _size(operands)) if windows.are_walked(operands) else []


def _size(operands):
    return operands.option("FilterHeight"), operands.option("FilterWidth")
