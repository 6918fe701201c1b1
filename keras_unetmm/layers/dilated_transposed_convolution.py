# SPDX-License-Identifier: Apache-2.0
"""The transposed convolution of a dilated U-Net module (SUNets, arXiv 1804.10343): stride 1, with a rate."""

from typing import Any

import keras
from keras import ops

from keras_unetmm.types import Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class DilatedTransposedConvolution(keras.layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose` of stride 1 that keeps the size of its map, with a rate on every device.

    It is the convolution with the kernel turned by 180 degrees, inputs and outputs exchanged, and computed as such:
    TensorFlow has no dilated transposed convolution on CPUs. It equals PyTorch's with `padding=rate` and a 3x3 kernel.

    Args:
        filters: int, channels of the output.
        kernel_size: int, odd.
        dilation_rate: int.

    Shape: `(N, H, W, C) -> (N, H, W, filters)`; the kernel is `(height, width, filters, C)`, as Keras has it.

    Examples:
        >>> layers.DilatedTransposedConvolution(12, dilation_rate=2)(keras.Input((16, 16, 8))).shape
        (None, 16, 16, 12)
    """

    def __init__(self, filters: int, kernel_size: int = 3, dilation_rate: int = 1, **kwargs: Any) -> None:
        super().__init__(filters, kernel_size, dilation_rate=dilation_rate, **{**kwargs, "strides": 1, "padding": "same"})

    def call(self, x: Tensor) -> Tensor:
        kernel = ops.swapaxes(ops.flip(self.kernel, axis=(0, 1)), 2, 3)  # (h, w, C, filters)
        return ops.conv(x, kernel, padding="same", dilation_rate=self.dilation_rate) + self.bias
