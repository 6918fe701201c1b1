# SPDX-License-Identifier: Apache-2.0
"""The decoder's upsampling of NAFNet (arXiv 2204.04676): a 1x1 convolution and a pixel shuffle."""

from typing import Any

import keras

from keras_unetmm.layers.composite import Composite
from keras_unetmm.layers.pixel_shuffle import PixelShuffle
from keras_unetmm.layers.pointwise_convolution import PointwiseConvolution
from keras_unetmm.types import Shape, Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class PixelShuffleUpsampling(Composite):
    """Doubles the resolution: `y = shuffle(conv(x))`, a 1x1 convolution without bias to `4 * channels`.

    Args:
        channels: int, of the output.

    Shape: `(N, H, W, C) -> (N, 2H, 2W, channels)`.

    Examples:
        >>> layers.PixelShuffleUpsampling(4)(keras.Input((16, 16, 8))).shape
        (None, 32, 32, 4)
    """

    def __init__(self, channels: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.channels = channels

    def build(self, input_shape: Shape) -> None:
        self.conv = PointwiseConvolution(4 * self.channels, use_bias=False, name="conv", dtype=self.dtype_policy.name)
        self.shuffle = PixelShuffle(2, name="shuffle", dtype=self.dtype_policy.name)
        self.conv.build(input_shape)
        self.shuffle.build((*input_shape[:-1], 4 * self.channels))

    def call(self, x: Tensor) -> Tensor:
        return self.shuffle(self.conv(x))
