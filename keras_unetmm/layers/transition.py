# SPDX-License-Identifier: Apache-2.0
"""The transitions between dense blocks of the One Hundred Layers Tiramisu (arXiv 1611.09326), table 1."""

from typing import Any

import keras

from keras_unetmm.layers.composite import Composite
from keras_unetmm.layers.dense_block import DenseLayer
from keras_unetmm.layers.rank import layer
from keras_unetmm.types import Shape, Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class TransitionDown(Composite):
    """Batch norm, ReLU, a 1x1 convolution that keeps the channels, dropout, 2x2 max pooling.

    Args:
        dropout: float, rate.

    Shape: `(N, *spatial, C) -> (N, *(spatial / 2), C)`, two or three spatial axes.

    Examples:
        >>> layers.TransitionDown()(keras.Input((16, 16, 8))).shape
        (None, 8, 8, 8)
    """

    def __init__(self, dropout: float = 0.2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dropout = dropout
        self.input_spec = keras.layers.InputSpec(min_ndim=4, max_ndim=5)

    def build(self, input_shape: Shape) -> None:
        dtype = {"dtype": self.dtype_policy.name}
        self.dense = DenseLayer(input_shape[-1], self.dropout, kernel_size=1, name="layer", **dtype)
        self.pool = layer("max_pooling", len(input_shape) - 2, 2, name="pool", **dtype)
        self.dense.build(input_shape)

    def call(self, x: Tensor) -> Tensor:
        return self.pool(self.dense(x))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.pool.compute_output_shape(input_shape)


@keras.saving.register_keras_serializable("keras_unetmm")
class TransitionUp(Composite):
    """A transposed 3x3 (3x3x3) convolution with stride 2 and bias that keeps the channels.

    It makes 2n + 1 places of n; the last is cut off, as the authors' public code does to fit an even skip.

    Shape: `(N, *spatial, C) -> (N, *(spatial * 2), C)`, two or three spatial axes.

    Examples:
        >>> layers.TransitionUp()(keras.Input((16, 16, 8))).shape
        (None, 32, 32, 8)
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.input_spec = keras.layers.InputSpec(min_ndim=4, max_ndim=5)

    def build(self, input_shape: Shape) -> None:
        rank, channels, dtype = len(input_shape) - 2, input_shape[-1], {"dtype": self.dtype_policy.name}
        start = {"strides": 2, "padding": "valid", "kernel_initializer": "he_uniform", **dtype}
        self.conv = layer("transposed_convolution", rank, channels, 3, name="conv", **start)
        self.crop = layer("cropping", rank, ((0, 1),) * rank, name="crop", **dtype)
        self.conv.build(input_shape)

    def call(self, x: Tensor) -> Tensor:
        return self.crop(self.conv(x))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.crop.compute_output_shape(self.conv.compute_output_shape(input_shape))
