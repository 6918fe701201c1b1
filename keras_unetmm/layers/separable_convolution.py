# SPDX-License-Identifier: Apache-2.0
"""Depthwise separable convolution with a bias in both halves, as the counts of UNet-- (arXiv 2412.18276) need it."""

from typing import Any

import keras

from keras_unetmm.layers.composite import Composite
from keras_unetmm.layers.pointwise_convolution import PointwiseConvolution
from keras_unetmm.types import Shape, Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class SeparableConvolution(Composite):
    """A depthwise convolution, then a 1x1 convolution: `y = pointwise(depthwise(x))`.

    `keras.layers.SeparableConv2D` has one bias; here each half has its own.

    Args:
        channels: int, of the output.
        kernel_size: int, of the depthwise half.

    Shape: `(N, H, W, C) -> (N, H, W, channels)`.

    Examples:
        >>> layers.SeparableConvolution(12)(keras.Input((16, 16, 8))).shape
        (None, 16, 16, 12)
    """

    def __init__(self, channels: int, kernel_size: int = 3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.channels = channels
        self.kernel_size = kernel_size

    def build(self, input_shape: Shape) -> None:
        dtype = {"dtype": self.dtype_policy.name}
        self.depthwise = keras.layers.DepthwiseConv2D(self.kernel_size, padding="same", name="depthwise", **dtype)
        self.pointwise = PointwiseConvolution(self.channels, name="pointwise", **dtype)
        self.depthwise.build(input_shape)
        self.pointwise.build(input_shape)

    def call(self, x: Tensor) -> Tensor:
        return self.pointwise(self.depthwise(x))
