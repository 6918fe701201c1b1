# SPDX-License-Identifier: Apache-2.0
"""Multi-scale convolutional attention, MSCA, of SegNeXt (arXiv 2209.08575), section 3.1, equations 1 and 2.

Written from the paper. Where it is silent, on biases and on which strip of a pair comes first (they commute but for
biases at the border), it does as the authors' public code (Apache-2.0, read for that).
"""

from collections.abc import Sequence
from typing import Any

import keras

from keras_unetmm.layers.composite import Composite
from keras_unetmm.layers.pointwise_convolution import PointwiseConvolution
from keras_unetmm.layers.preactivated_convolution import fan_out_normal
from keras_unetmm.types import Shape, Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class MultiScaleAttention(Composite):
    """Weighs every value of a map by what depthwise convolutions of several sizes see around it.

    `y = x * mix(d + sum_k column_k(row_k(d)))` with `d = local(x)`: a local depthwise convolution, then for each length k a
    `1 x k` and a `k x 1` depthwise one, the strips, and a 1x1 convolution. There is no sigmoid.

    Args:
        kernel_size: int, odd, of the local convolution.
        strips: tuple of int, odd, the lengths k.

    Shape: `(N, H, W, C) -> (N, H, W, C)`.

    Examples:
        >>> layers.MultiScaleAttention()(keras.Input((16, 16, 8))).shape
        (None, 16, 16, 8)
    """

    def __init__(self, kernel_size: int = 5, strips: Sequence[int] = (7, 11, 21), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kernel_size = kernel_size
        self.strips = tuple(strips)

    def build(self, input_shape: Shape) -> None:
        dtype = {"dtype": self.dtype_policy.name}
        self.local = depthwise(self.kernel_size, name="local", **dtype)
        self.pairs = []
        for k in self.strips:
            row = depthwise((1, k), name=f"row{k}", **dtype)
            self.pairs.append((row, depthwise((k, 1), name=f"column{k}", **dtype)))
        self.sum = keras.layers.Add(name="sum", **dtype)
        self.mix = PointwiseConvolution(input_shape[-1], kernel_initializer=fan_out_normal(), name="mix", **dtype)
        self.weigh = keras.layers.Multiply(name="weigh", **dtype)
        for layer in (self.local, *(strip for pair in self.pairs for strip in pair), self.mix):
            layer.build(input_shape)

    def call(self, x: Tensor) -> Tensor:
        local = self.local(x)
        scales = [column(row(local)) for row, column in self.pairs]
        return self.weigh([self.mix(self.sum([local, *scales])), x])

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


def depthwise(kernel_size, **kwargs):
    """Returns a depthwise convolution that keeps the size, with MSCAN's start."""
    return keras.layers.DepthwiseConv2D(kernel_size, padding="same", depthwise_initializer=fan_out_normal(), **kwargs)
