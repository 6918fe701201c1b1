# SPDX-License-Identifier: Apache-2.0
"""SimpleGate, NAFNet (arXiv 2204.04676), equation 4. Written from the equation."""

import keras
from keras import ops

from keras_unetmm.types import Shape, Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class SimpleGate(keras.layers.Layer):
    """Multiplies the first half of the channels by the second: `y = x[..., :C] * x[..., C:]`.

    Shape: `(N, *spatial, 2C) -> (N, *spatial, C)`.

    Raises:
        ValueError: if the number of channels is odd.

    Examples:
        >>> layers.SimpleGate()(keras.Input((16, 16, 8))).shape
        (None, 16, 16, 4)
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.input_spec = keras.layers.InputSpec(min_ndim=3)

    def build(self, input_shape: Shape) -> None:
        if input_shape[-1] % 2:
            raise ValueError(
                f"SimpleGate needs an even number of channels. Received: {input_shape[-1]} channels, "
                f"input shape {tuple(input_shape)}. The nearest that fit: {input_shape[-1] - 1} or {input_shape[-1] + 1}."
            )

    def call(self, x: Tensor) -> Tensor:
        first, second = ops.split(x, 2, axis=-1)
        return first * second
