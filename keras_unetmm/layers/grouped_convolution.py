# SPDX-License-Identifier: Apache-2.0
"""A grouped convolution that trains on every backend, written as a depthwise one."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_unetmm.types import Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class GroupedConv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` with `groups`, computed as a depthwise convolution and a sum over each group.

    Same arguments, weights and results. In TensorFlow the plain form has no gradient on a CPU without oneDNN, so Keras
    has XLA compile it, and XLA on a CPU, JAX's too, took about a hundred times as long as this form for the block of
    KBNet. PyTorch's own form is kept where a group writes several channels: there it is the faster one.

    Shape: `(N, H, W, C) -> (N, H', W', filters)`.

    Raises:
        ValueError: for maps with channels first.

    Examples:
        >>> layers.GroupedConv2D(16, 3, groups=4, padding="same")(keras.Input((16, 16, 8))).shape
        (None, 16, 16, 16)
    """

    def __init__(self, filters: int, kernel_size: int | Sequence[int], **kwargs: Any) -> None:
        super().__init__(filters, kernel_size, **kwargs)
        if self.data_format != "channels_last":
            raise ValueError(
                f"data_format must be 'channels_last'. Received: {self.data_format!r}. Use keras.layers.Conv2D, or "
                "keras.config.set_image_data_format('channels_last')."
            )

    def convolution_op(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        *size, members, filters = kernel.shape  # members: channels that one group reads
        written = filters // self.groups
        if keras.backend.backend() == "torch" and written > 1:
            return super().convolution_op(inputs, kernel)
        kernel = ops.reshape(kernel, (*size, members, self.groups, written))
        kernel = ops.reshape(ops.transpose(kernel, (0, 1, 3, 2, 4)), (*size, -1, 1))
        if written > 1:
            inputs = ops.repeat(inputs, written, axis=-1)  # (N, H, W, groups * members * written)
        y = ops.depthwise_conv(inputs, kernel, strides=self.strides, padding=self.padding, dilation_rate=self.dilation_rate)
        if members == 1:
            return y
        height, width = ops.shape(y)[1:3]
        y = ops.sum(ops.reshape(y, (-1, height, width, self.groups, members, written)), axis=-2)
        return ops.reshape(y, (-1, height, width, filters))
