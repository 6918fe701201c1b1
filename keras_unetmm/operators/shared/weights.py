# SPDX-License-Identifier: Apache-2.0
"""Operators with weights: which kernels run them in raster order, and what they unpack and gather."""

import math

from keras_unetmm.tflite_file.operands import Operands


def in_raster_order(operands: Operands) -> bool:
    """Returns whether CMSIS-NN, or TFLM's own kernel in its place, may take pixels in raster order for such types."""
    kind = operands.map.type
    return kind in ("INT8", "FLOAT32") and operands.inputs[1].type == kind


def unpacked(operands: Operands, kernels: str) -> tuple[int, ...]:
    """Returns the scratch for weights of 4 bits, which take a byte each while the operator runs."""
    weights = operands.input(1)
    return (math.prod(weights.shape),) if weights.type == "INT4" else ()


def helium_windows(operands: Operands) -> int:
    """Returns the bytes in which CMSIS-NN for Helium gathers four windows of all channels, padded to 16 elements."""
    height, width = operands.inputs[1].shape[1:3]
    window = operands.map.shape[3] * height * width
    return 4 * (-(-window // 16) * 16)
