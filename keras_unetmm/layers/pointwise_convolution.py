# SPDX-License-Identifier: Apache-2.0
"""The 1x1 convolution, nearly all of the arithmetic of NAFNet (arXiv 2204.04676) and of UNet-- (arXiv 2412.18276)."""

from typing import Any

import keras
from keras import ops

from keras_unetmm.types import Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class PointwiseConvolution(keras.layers.Conv2D):
    """A 1x1 convolution that trains as the matrix product that it is: `y = activation(x W + b)`.

    A convolution's gradients rearrange their operands first, which takes longer than the products themselves on small
    maps. Outside training it stays a convolution, the operator that exporters and integer targets know.

    Args:
        filters: int, channels of the output.
        **kwargs: those of `keras.layers.Conv2D`.

    Shape: `(N, H, W, C) -> (N, H, W, filters)`.

    Raises:
        ValueError: for a kernel size or strides other than 1, for groups, or for channels first.

    Examples:
        >>> layers.PointwiseConvolution(4)(keras.Input((16, 16, 8))).shape
        (None, 16, 16, 4)
    """

    def __init__(self, filters: int, kernel_size: int = 1, **kwargs: Any) -> None:
        super().__init__(filters, kernel_size, **kwargs)
        given = (self.kernel_size, self.strides, self.groups, self.data_format)
        if given != ((1, 1), (1, 1), 1, "channels_last"):
            raise ValueError(
                "PointwiseConvolution takes kernel_size=1, strides=1, groups=1 and data_format='channels_last' only. "
                f"Received: kernel_size={given[0]}, strides={given[1]}, groups={given[2]}, data_format={given[3]!r}. "
                "Use keras.layers.Conv2D for any other convolution."
            )

    def call(self, x: Tensor, training: bool | None = None) -> Tensor:
        if not training:
            return super().call(x)
        *outer, channels = ops.shape(x)
        kernel = ops.reshape(self.kernel, (channels, self.filters))
        y = ops.matmul(ops.reshape(x, (-1, channels)), kernel)  # (N * H * W, filters)
        if self.use_bias:
            y = ops.add(y, self.bias)
        y = ops.reshape(y, (*outer, self.filters))
        return y if self.activation is None else self.activation(y)
