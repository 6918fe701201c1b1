# SPDX-License-Identifier: Apache-2.0
"""Layers that are one integer operator each, for which Keras has none."""

import keras
import numpy as np
from keras import ops


class _WithConstant(keras.layers.Layer):
    """An operator with a constant: a number, or a weight a channel."""

    constants, start = "constants", "zeros"  # the weight's name and initializer

    def __init__(self, by=None, **kwargs):
        super().__init__(**kwargs)
        self.by = by

    def build(self, input_shape):
        if self.by is None:
            self.weight = self.add_weight(name=self.constants, shape=(input_shape[-1],), initializer=self.start)

    @property
    def constant(self):
        """The number or the weight."""
        return self.weight if self.by is None else self.by


@keras.saving.register_keras_serializable("keras_unetmm")
class Scaled(_WithConstant):
    """MUL with a constant: `y = scale * x`.

    Args:
        by: float; or None for a weight a channel.

    Shape: `(..., C) -> (..., C)`.
    """

    constants, start = "scale", "ones"

    def call(self, x):
        return x * self.constant


@keras.saving.register_keras_serializable("keras_unetmm")
class Shifted(_WithConstant):
    """ADD with a constant: `y = x + shift`.

    Args:
        by: float; or None for a weight a channel.

    Shape: `(..., C) -> (..., C)`.
    """

    constants, start = "shift", "zeros"

    def call(self, x):
        return x + self.constant


@keras.saving.register_keras_serializable("keras_unetmm")
class ChannelMean(keras.layers.Layer):
    """The mean over channels.

    Args:
        form: `"mean"`, the operator; or `"convolution"`, of maps, 1x1 with the weights 1/C.

    Shape: `(N, ..., C) -> (N, ..., 1)`.
    """

    def __init__(self, form="mean", **kwargs):
        super().__init__(**kwargs)
        self.form = form

    def call(self, x):
        channels = x.shape[-1]
        if self.form == "convolution" and len(x.shape) == 4:
            return ops.conv(x, np.full((1, 1, channels, 1), 1 / channels, "float32"))
        return ops.mean(x, axis=-1, keepdims=True)


@keras.saving.register_keras_serializable("keras_unetmm")
class ReciprocalRoot(keras.layers.Layer):
    """RSQRT: `y = 1 / sqrt(x)`.

    Shape: any, unchanged.
    """

    def call(self, x):
        return ops.rsqrt(x)


@keras.saving.register_keras_serializable("keras_unetmm")
class OneChannel(keras.layers.Layer):
    """STRIDED_SLICE of one channel.

    Args:
        channel: int.

    Shape: `(N, ..., C) -> (N, ..., 1)`.
    """

    def __init__(self, channel, **kwargs):
        super().__init__(**kwargs)
        self.channel = channel

    def call(self, x):
        return x[..., self.channel : self.channel + 1]


def built(layer, shape):
    """Returns a part of a composite, built in float32, as integer graphs are made of."""
    layer.dtype_policy = keras.dtype_policies.get("float32")
    layer.build(shape)
    return layer
