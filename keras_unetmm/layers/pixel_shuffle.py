# SPDX-License-Identifier: Apache-2.0
"""Pixel shuffle and unshuffle: trading channels for resolution and back without losing a value.

Sub-pixel convolution, Shi et al. (arXiv 1609.05158), section 3.2, equation 4. The channel order is that of
`keras.ops.depth_to_space` (block position outermost); PyTorch's has the channel outermost, so ported weights
are permuted once, in `keras_unetmm.models.pytorch_weights`.
"""

from typing import Any

import keras
from keras import ops

from keras_unetmm.types import Shape, Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class PixelShuffle(keras.layers.Layer):
    """Moves channels into space: `y[r*h + i, r*w + j, c] = x[h, w, (r*i + j)*C + c]`.

    Args:
        factor: int >= 2, the `r` above.

    Shape: `(N, H, W, C * factor**2) -> (N, H * factor, W * factor, C)`.

    Raises:
        ValueError: if the channels are not a multiple of `factor**2`.

    Examples:
        >>> layers.PixelShuffle(2)(keras.Input((16, 16, 8))).shape
        (None, 32, 32, 2)
    """

    def __init__(self, factor: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = _checked(factor)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape: Shape) -> None:
        channels, block = input_shape[-1], self.factor**2
        if channels % block:
            raise ValueError(
                f"PixelShuffle(factor={self.factor}) needs input channels that are a multiple of {block}. "
                f"Received: {channels} channels, input shape {tuple(input_shape)}. "
                f"The nearest that fit: {_nearest(channels, block)}."
            )

    def call(self, x: Tensor) -> Tensor:
        return ops.depth_to_space(x, self.factor, data_format="channels_last")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, height, width, channels = input_shape
        larger = (None if size is None else size * self.factor for size in (height, width))
        return (batch, *larger, channels // self.factor**2)


@keras.saving.register_keras_serializable("keras_unetmm")
class PixelUnshuffle(keras.layers.Layer):
    """Moves space into channels: the inverse of `PixelShuffle`.

    Args:
        factor: int >= 2.

    Shape: `(N, H * factor, W * factor, C) -> (N, H, W, C * factor**2)`.

    Raises:
        ValueError: if the height or the width is not a multiple of `factor`.

    Examples:
        >>> layers.PixelUnshuffle(2)(keras.Input((16, 16, 8))).shape
        (None, 8, 8, 32)
    """

    def __init__(self, factor: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = _checked(factor)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape: Shape) -> None:
        for name, size in zip(("height", "width"), input_shape[1:3], strict=True):
            if size is not None and size % self.factor:
                raise ValueError(
                    f"PixelUnshuffle(factor={self.factor}) needs a {name} that is a multiple of {self.factor}. "
                    f"Received: {size}, input shape {tuple(input_shape)}. "
                    f"The nearest that fit: {_nearest(size, self.factor)}."
                )

    def call(self, x: Tensor) -> Tensor:
        return ops.space_to_depth(x, self.factor, data_format="channels_last")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, height, width, channels = input_shape
        smaller = (None if size is None else size // self.factor for size in (height, width))
        return (batch, *smaller, channels * self.factor**2)


def change_level(levels_up, **kwargs):
    """Returns the layer that moves a map by powers of two without losing a value.

    Args:
        levels_up: int, positive to a finer level (shuffle), negative to a coarser one (unshuffle), 0 to stay.
    """
    if levels_up > 0:
        return PixelShuffle(2**levels_up, **kwargs)
    if levels_up < 0:
        return PixelUnshuffle(2**-levels_up, **kwargs)
    return keras.layers.Identity(**kwargs)


def _checked(factor):
    if not isinstance(factor, int) or factor < 2:
        raise ValueError(f"factor must be an integer of at least 2. Received: {factor!r}.")
    return factor


def _nearest(value, multiple):
    below = value // multiple * multiple
    return " or ".join(str(v) for v in (below, below + multiple) if v)
