# SPDX-License-Identifier: Apache-2.0
"""Batch normalization, ReLU and a convolution, in this order: what SUNets (arXiv 1804.10343) are made of.

Written from the paper. Alignment is that of PyTorch, in which the authors trained: a convolution of stride 2 pads as
much before its map as after it, where Keras's "same" pads after it only; the transposed one has `padding=1` and
`output_padding=1`.
"""

from typing import Any

import keras

from keras_unetmm.layers.composite import Composite
from keras_unetmm.layers.dilated_transposed_convolution import DilatedTransposedConvolution
from keras_unetmm.layers.pointwise_convolution import PointwiseConvolution
from keras_unetmm.types import Shape, Tensor

KINDS = ("same", "down", "up")
EPSILON = 1e-5  # of every batch normalization: PyTorch's, the paper names none


def fan_out_normal():
    """Returns a new initializer, He's of the paper: normal with variance 2 over the outputs that one input reaches.

    The paper cites He et al. (arXiv 1502.01852), who have fan in and fan out; the authors' code takes fan out.
    """
    return keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")


@keras.saving.register_keras_serializable("keras_unetmm")
class PreactivatedConvolution(Composite):
    """`y = convolution(relu(norm(x)))`, with a bias.

    Args:
        filters: int, channels of the output.
        kernel_size: int, odd.
        kind: `"same"` keeps the size; `"down"` has stride 2 and returns half of it, rounded up; `"up"` is a transposed
            convolution of stride 2 that returns twice the size or, with a rate above 1, of stride 1.
        rate: int, the dilation.
        momentum: float, of the running mean and variance.

    Shape: `(N, H, W, C) -> (N, H', W', filters)`.

    Raises:
        ValueError: for an unknown kind, or `"down"` with a rate.

    Examples:
        >>> layers.PreactivatedConvolution(12, kind="down")(keras.Input((16, 16, 8))).shape
        (None, 8, 8, 12)
    """

    def __init__(
        self, filters: int, kernel_size: int = 3, kind: str = "same", rate: int = 1, momentum: float = 0.9, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(map(repr, KINDS))}. Received: {kind!r}.")
        if kind == "down" and rate != 1:
            raise ValueError(f"kind='down' has stride 2 and so no rate. Received: rate={rate}. Use kind='same' with it.")
        self.filters = filters
        self.kernel_size = kernel_size
        self.kind = kind
        self.rate = rate
        self.momentum = momentum

    def build(self, input_shape: Shape) -> None:
        dtype = {"dtype": self.dtype_policy.name}
        options = {"kernel_initializer": fan_out_normal(), "name": "convolution", **dtype}
        self.norm = keras.layers.BatchNormalization(epsilon=EPSILON, momentum=self.momentum, name="norm", **dtype)
        self.relu = keras.layers.ReLU(name="relu", **dtype)
        self.padding = self.crop = None
        if self.kind == "down":
            self.padding, self.convolution = symmetric_stride_2(self.filters, self.kernel_size, "convolution", **dtype)
        elif self.kind == "same" and self.kernel_size == 1:
            self.convolution = PointwiseConvolution(self.filters, **options)
        elif self.kind == "same":
            self.convolution = keras.layers.Conv2D(
                self.filters, self.kernel_size, padding="same", dilation_rate=self.rate, **options
            )
        elif self.rate > 1:
            self.convolution = DilatedTransposedConvolution(self.filters, self.kernel_size, self.rate, **options)
        else:  # the whole product, of which PyTorch's padding cuts off the first rows and columns
            self.convolution = keras.layers.Conv2DTranspose(self.filters, self.kernel_size, strides=2, **options)
            margin = (self.kernel_size // 2, self.kernel_size // 2 - 1)
            self.crop = keras.layers.Cropping2D((margin, margin), name="crop", **dtype)
        self.norm.build(input_shape)
        self.convolution.build(input_shape if self.padding is None else self.padding.compute_output_shape(input_shape))

    def call(self, x: Tensor) -> Tensor:
        x = self.relu(self.norm(x))
        x = x if self.padding is None else self.padding(x)
        x = self.convolution(x)  # (N, H', W', filters), transposed: one row and column more
        return x if self.crop is None else self.crop(x)


def symmetric_stride_2(filters, kernel_size, name, **kwargs):
    """Returns zero padding by half a kernel on every side, and the convolution of stride 2 that it is for.

    Args:
        filters: int, channels of the output.
        kernel_size: int, odd.
        name: str, of the convolution.
        **kwargs: for both layers.
    """
    padding = keras.layers.ZeroPadding2D(kernel_size // 2, name=f"{name}_padding", **kwargs)
    options = {"strides": 2, "kernel_initializer": fan_out_normal(), "name": name, **kwargs}
    return padding, keras.layers.Conv2D(filters, kernel_size, **options)
