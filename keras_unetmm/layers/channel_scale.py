# SPDX-License-Identifier: Apache-2.0
"""The learned scale of a residual branch, NAFNet's beta and gamma (arXiv 2204.04676), figure 3."""

from typing import Any

import keras

from keras_unetmm.types import Shape, Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class ChannelScale(keras.layers.Layer):
    """Multiplies every channel by one learned number: `y = scale * x`.

    Args:
        initial: float, where the scales start; 0 makes a residual block start as the identity.

    Shape: `(N, *spatial, C) -> (N, *spatial, C)`.

    Examples:
        >>> layers.ChannelScale(initial=1.0)(keras.Input((16, 16, 8))).shape
        (None, 16, 16, 8)
    """

    def __init__(self, initial: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.initial = initial

    def build(self, input_shape: Shape) -> None:
        start = keras.initializers.Constant(self.initial)
        self.scale = self.add_weight(name="scale", shape=(input_shape[-1],), initializer=start)

    def call(self, x: Tensor) -> Tensor:
        return x * self.scale
