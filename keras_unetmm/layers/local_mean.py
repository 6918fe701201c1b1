# SPDX-License-Identifier: Apache-2.0
"""The mean over a window around each place, for networks that were trained on patches: TLC (arXiv 2112.04491).

Written from the paper, section 3: statistics that training took over a patch are taken over windows of about that size, not
over a whole image that is larger.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_unetmm.keras_types import Config
from keras_unetmm.types import Shape, Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class LocalMean(keras.layers.Layer):
    """The mean of each channel over the window around each place; near the border that of the nearest whole window.

    A window as large as the map, or larger, gives the mean over the whole map: global average pooling.

    Args:
        window: int or `(height, width)`, in pixels of the map.

    Shape: `(N, H, W, C) -> (N, H, W, C)`.

    Raises:
        ValueError: for a window that is no positive integer or pair of them.

    Examples:
        >>> layers.LocalMean(8)(keras.Input((16, 16, 8))).shape
        (None, 16, 16, 8)
    """

    def __init__(self, window: int | Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        pair = tuple(window) if isinstance(window, (tuple, list)) else (window, window)
        if len(pair) != 2 or not all(type(size) is int and size > 0 for size in pair):
            raise ValueError(f"window must be a positive integer, or (height, width). Received: {window!r}.")
        self.window = pair
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def get_config(self) -> Config:
        return {**super().get_config(), "window": self.window}

    def call(self, x: Tensor) -> Tensor:
        for axis, size in zip((1, 2), self.window, strict=True):
            x = _mean_along(x, axis, size)
        return x

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


def _mean_along(x, axis, size):
    """The mean over windows along one axis, each at its middle; the first and last whole ones go on to the border."""
    length = ops.shape(x)[axis]
    size = min(size, length) if isinstance(length, int) else ops.minimum(size, length)
    sums = ops.cumsum(ops.cast(x, "float32"), axis=axis)
    places = ops.clip(ops.arange(length) - (size - 1) // 2, 0, length - size)  # where the window of each place begins
    last = ops.take(sums, places + size - 1, axis=axis)
    shape = [-1 if i == axis else 1 for i in range(4)]
    begins = ops.reshape(ops.cast(places > 0, "float32"), shape)
    before = ops.take(sums, ops.maximum(places - 1, 0), axis=axis) * begins
    return ops.cast((last - before) / ops.cast(size, "float32"), x.dtype)
