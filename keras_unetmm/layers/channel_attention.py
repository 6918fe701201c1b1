# SPDX-License-Identifier: Apache-2.0
"""Simplified channel attention, NAFNet (arXiv 2204.04676), equation 6. Written from the equation."""

import keras

from keras_unetmm.layers.composite import Composite
from keras_unetmm.layers.pointwise_convolution import PointwiseConvolution
from keras_unetmm.types import Shape, Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class SimplifiedChannelAttention(Composite):
    """Rescales each channel by a point-wise map of the global mean: `y = x * (W mean(x) + b)`.

    Shape: `(N, H, W, C) -> (N, H, W, C)`.

    Examples:
        >>> layers.SimplifiedChannelAttention()(keras.Input((16, 16, 8))).shape
        (None, 16, 16, 8)
    """

    def build(self, input_shape: Shape) -> None:
        channels = input_shape[-1]
        self.pool = keras.layers.GlobalAveragePooling2D(keepdims=True, name="pool", dtype=self.dtype_policy.name)
        self.conv = PointwiseConvolution(channels, name="conv", dtype=self.dtype_policy.name)
        self.multiply = keras.layers.Multiply(name="multiply", dtype=self.dtype_policy.name)
        self.conv.build((input_shape[0], 1, 1, channels))

    def call(self, x: Tensor) -> Tensor:
        weights = self.conv(self.pool(x))  # (N, 1, 1, C)
        return self.multiply([x, weights])
