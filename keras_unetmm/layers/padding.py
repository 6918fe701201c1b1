# SPDX-License-Identifier: Apache-2.0
"""Padding to the sizes that a network can take, and cropping back, as NAFNet does at test time."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_unetmm.types import Shape, Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class PadToMultiple(keras.layers.Layer):
    """Pads zeros below and to the right until height and width are multiples of `multiple`.

    Args:
        multiple: int.

    Shape: `(N, H, W, C) -> (N, ceil(H / multiple) * multiple, ceil(W / multiple) * multiple, C)`.

    Examples:
        >>> layers.PadToMultiple(16)(keras.Input((30, 45, 3))).shape
        (None, 32, 48, 3)
    """

    def __init__(self, multiple: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(multiple, int) or multiple < 1:
            raise ValueError(f"multiple must be a positive integer. Received: {multiple!r}.")
        self.multiple = multiple
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def call(self, x: Tensor) -> Tensor:
        # not -size % multiple: exported to ONNX, the remainder of a negative number is negative
        height, width = ((self.multiple - size % self.multiple) % self.multiple for size in ops.shape(x)[1:3])
        if isinstance(height, int) and isinstance(width, int) and height == width == 0:
            return x
        return ops.pad(x, ((0, 0), (0, height), (0, width), (0, 0)))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, *sizes, channels = input_shape
        return (batch, *(None if s is None else s + -s % self.multiple for s in sizes), channels)

    def compute_output_spec(self, x: Tensor) -> keras.KerasTensor:
        return keras.KerasTensor(self.compute_output_shape(x.shape), dtype=self.compute_dtype)


@keras.saving.register_keras_serializable("keras_unetmm")
class CropLike(keras.layers.Layer):
    """Keeps of the first input the upper left part that has the second input's height and width.

    Shape: `[(N, H, W, C), (N, h, w, D)] -> (N, h, w, C)`.

    Examples:
        >>> layers.CropLike()([keras.Input((16, 16, 8)), keras.Input((13, 15, 3))]).shape
        (None, 13, 15, 8)
    """

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        x, like = inputs
        if x.shape[1:3] == like.shape[1:3] and None not in x.shape[1:3]:
            return x
        height, width = ops.shape(like)[1:3]
        return x[:, :height, :width, :]

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        (batch, _, _, channels), like = input_shape
        return (batch, *like[1:3], channels)

    def compute_output_spec(self, inputs: Sequence[Tensor]) -> keras.KerasTensor:
        x, like = inputs
        return keras.KerasTensor(self.compute_output_shape([x.shape, like.shape]), dtype=self.compute_dtype)
