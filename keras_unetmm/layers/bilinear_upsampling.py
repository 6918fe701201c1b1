# SPDX-License-Identifier: Apache-2.0
"""Bilinear upsampling by a whole number, as decoders without transposed convolutions have it."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_unetmm.layers.bilinear import resize_bilinear
from keras_unetmm.types import Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class BilinearUpsampling(keras.layers.UpSampling2D):
    """Keras's bilinear `UpSampling2D`, which also takes images of several sizes in one process under TensorFlow.

    Args:
        size: int or tuple of two, by how much height and width grow.

    Shape: `(N, H, W, C) -> (N, H * size, W * size, C)`.

    Raises:
        ValueError: for another interpolation, or channels first.

    Examples:
        >>> layers.BilinearUpsampling(2)(keras.Input((16, 16, 8))).shape
        (None, 32, 32, 8)
    """

    def __init__(self, size: int | Sequence[int] = 2, **kwargs: Any) -> None:
        super().__init__(size, **{"interpolation": "bilinear", "data_format": "channels_last", **kwargs})
        given = (self.interpolation, self.data_format)
        if given != ("bilinear", "channels_last"):
            raise ValueError(
                "BilinearUpsampling takes interpolation='bilinear' and data_format='channels_last' only. Received: "
                f"interpolation={given[0]!r}, data_format={given[1]!r}. Use keras.layers.UpSampling2D for any other."
            )

    def call(self, x: Tensor) -> Tensor:
        return resize_bilinear(x, tuple(side * factor for side, factor in zip(ops.shape(x)[1:3], self.size, strict=True)))
