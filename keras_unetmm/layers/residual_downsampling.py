# SPDX-License-Identifier: Apache-2.0
"""The residual block after the stem of SUNets (arXiv 1804.10343), section 3. Written from the paper."""

from typing import Any

import keras

from keras_unetmm.layers.composite import Composite
from keras_unetmm.layers.preactivated_convolution import EPSILON, PreactivatedConvolution, fan_out_normal, symmetric_stride_2
from keras_unetmm.types import Shape, Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class ResidualDownsampling(Composite):
    """Two 3x3 convolutions, the first of stride 2, beside a 1x1 convolution of stride 2.

    `h = relu(norm(x))`, then `y = conv2(relu(norm(conv1(h)))) + shortcut(h)`. Sizes are halved and rounded up.

    Args:
        filters: int, channels of the output.
        momentum: float, of the batch normalizations.

    Shape: `(N, H, W, C) -> (N, ceil(H / 2), ceil(W / 2), filters)`.

    Examples:
        >>> layers.ResidualDownsampling(24)(keras.Input((16, 16, 8))).shape
        (None, 8, 8, 24)
    """

    def __init__(self, filters: int, momentum: float = 0.9, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.momentum = momentum

    def build(self, input_shape: Shape) -> None:
        dtype = {"dtype": self.dtype_policy.name}
        self.norm = keras.layers.BatchNormalization(epsilon=EPSILON, momentum=self.momentum, name="norm", **dtype)
        self.relu = keras.layers.ReLU(name="relu", **dtype)
        self.padding, self.conv1 = symmetric_stride_2(self.filters, 3, "conv1", **dtype)
        self.conv2 = PreactivatedConvolution(self.filters, momentum=self.momentum, name="conv2", **dtype)
        # every second pixel first: with stride 2 in a 1x1 convolution of few channels, PyTorch 2.13 crashes in its gradient
        self.subsample = keras.layers.AveragePooling2D(1, strides=2, name="subsample", **dtype)
        self.shortcut = keras.layers.Conv2D(self.filters, 1, kernel_initializer=fan_out_normal(), name="shortcut", **dtype)
        self.add = keras.layers.Add(name="add", **dtype)

        self.norm.build(input_shape)
        self.conv1.build(self.padding.compute_output_shape(input_shape))
        self.conv2.build((*input_shape[:-1], self.filters))
        self.shortcut.build(input_shape)

    def call(self, x: Tensor) -> Tensor:
        h = self.relu(self.norm(x))
        y = self.conv2(self.conv1(self.padding(h)))  # (N, ceil(H / 2), ceil(W / 2), filters)
        return self.add([y, self.shortcut(self.subsample(h))])
