"""Layers that are one integer operator each, for which Keras has none."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("keras_unetmm")
class Scaled(keras.layers.Layer):
    """MUL with a constant: `y = scale * x`.

    Args:
        by: float; or None for a weight a channel.

    Shape: `(..., C) -> (..., C)`.
    """

    def __init__(self, by=None, **kwargs):
        super().__init__(**kwargs)
        self.by = by

    def build(self, input_shape):
        if self.by is None:
            self.scale = self.add_weight(name="scale", shape=(input_shape[-1],), initializer="ones")

    @property
    def constant(self):
        """What x is multiplied by."""
        return self.scale if self.by is None else self.by

    def call(self, x):
        return x * self.constant


@keras.saving.register_keras_serializable("keras_unetmm")
class Shifted(keras.layers.Layer):
    """ADD with a constant: `y = x + shift`.

    Args:
        by: float; or None for a weight a channel.

    Shape: `(..., C) -> (..., C)`.
    """

    def __init__(self, by=None, **kwargs):
        super().__init__(**kwargs)
        self.by = by

    def build(self, input_shape):
        if self.by is None:
            self.shift = self.add_weight(name="shift", shape=(input_shape[-1],), initializer="zeros")

    @property
    def constant(self):
        """What is added to x."""
        return self.shift if self.by is None else self.by

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
