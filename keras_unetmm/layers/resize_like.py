# SPDX-License-Identifier: Apache-2.0
"""Bilinear resizing to the size of another map, as segmentation networks end."""

from collections.abc import Sequence

import keras
from keras import ops

from keras_unetmm.layers.bilinear import resize_bilinear
from keras_unetmm.types import Shape, Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class ResizeLike(keras.layers.Layer):
    """Resizes the first input bilinearly to the height and width of the second.

    Pixels are squares, so corners are not aligned: PyTorch's `align_corners=False`, TensorFlow's half-pixel centres.

    Shape: `[(N, H, W, C), (N, h, w, D)] -> (N, h, w, C)`.

    Examples:
        >>> layers.ResizeLike()([keras.Input((16, 16, 8)), keras.Input((40, 30, 3))]).shape
        (None, 40, 30, 8)
    """

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        x, like = inputs
        return resize_bilinear(x, ops.shape(like)[1:3])

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        (batch, _, _, channels), like = input_shape
        return (batch, *like[1:3], channels)

    def compute_output_spec(self, inputs: Sequence[Tensor]) -> keras.KerasTensor:
        x, like = inputs
        return keras.KerasTensor(self.compute_output_shape([x.shape, like.shape]), dtype=self.compute_dtype)
