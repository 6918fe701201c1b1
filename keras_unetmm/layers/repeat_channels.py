# SPDX-License-Identifier: Apache-2.0
"""The shortcut of V-Net (arXiv 1606.04797) where a stage has more channels than its input."""

from typing import Any

import keras
from keras import ops

from keras_unetmm.types import Shape, Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class RepeatChannels(keras.layers.Layer):
    """Repeats the channels in turn until there are enough: `y[..., c] = x[..., c mod C]`.

    A volume of one channel is thus added to each of the 16 channels of V-Net's first stage, as published; all other
    uses, colour images and skips that bring fewer channels than the stage has, are this project's.

    Args:
        channels: int, of the output; no fewer than C.

    Shape: `(N, *spatial, C) -> (N, *spatial, channels)`.

    Raises:
        ValueError: if the input has more channels than the output.

    Examples:
        >>> layers.RepeatChannels(8)(keras.Input((16, 16, 2))).shape
        (None, 16, 16, 8)
    """

    def __init__(self, channels: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.channels = channels

    def build(self, input_shape: Shape) -> None:
        if input_shape[-1] > self.channels:
            raise ValueError(
                f"RepeatChannels(channels={self.channels}) cannot leave channels out. Received: {input_shape[-1]} "
                f"channels. Use at least {input_shape[-1]}, or give the stage an input of at most {self.channels}."
            )

    def call(self, x: Tensor) -> Tensor:
        times = -(-self.channels // x.shape[-1])
        return x if x.shape[-1] == self.channels else ops.concatenate([x] * times, axis=-1)[..., : self.channels]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.channels)
