# SPDX-License-Identifier: Apache-2.0
"""The de-gridding filters of SUNets (arXiv 1804.10343), section 4. Written from the paper."""

from typing import Any

import keras

from keras_unetmm.layers.composite import Composite
from keras_unetmm.layers.preactivated_convolution import EPSILON, fan_out_normal
from keras_unetmm.types import Shape, Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class Degridding(Composite):
    """Two 3x3 convolutions of falling rate that smooth the grid which dilated convolutions leave behind.

    `y = relu(norm2(conv2(relu(norm1(conv1(x))))))`, conv1 with rate 2, conv2 with rate 1.

    Args:
        filters: int, of both.
        momentum: float, of the batch normalizations.

    Shape: `(N, H, W, C) -> (N, H, W, filters)`.

    Examples:
        >>> layers.Degridding(filters=32)(keras.Input((16, 16, 8))).shape
        (None, 16, 16, 32)
    """

    def __init__(self, filters: int = 512, momentum: float = 0.99, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.momentum = momentum

    def build(self, input_shape: Shape) -> None:
        dtype = {"dtype": self.dtype_policy.name}
        norm = {"epsilon": EPSILON, "momentum": self.momentum, **dtype}
        first, second = ({"kernel_initializer": fan_out_normal(), "padding": "same", **dtype} for _ in range(2))
        self.conv1 = keras.layers.Conv2D(self.filters, 3, dilation_rate=2, name="conv1", **first)
        self.norm1 = keras.layers.BatchNormalization(name="norm1", **norm)
        self.relu1 = keras.layers.ReLU(name="relu1", **dtype)
        self.conv2 = keras.layers.Conv2D(self.filters, 3, name="conv2", **second)
        self.norm2 = keras.layers.BatchNormalization(name="norm2", **norm)
        self.relu2 = keras.layers.ReLU(name="relu2", **dtype)
        self.conv1.build(input_shape)
        for layer in (self.norm1, self.conv2, self.norm2):
            layer.build((*input_shape[:-1], self.filters))

    def call(self, x: Tensor) -> Tensor:
        x = self.relu1(self.norm1(self.conv1(x)))  # (N, H, W, filters)
        return self.relu2(self.norm2(self.conv2(x)))
