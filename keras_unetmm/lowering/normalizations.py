# SPDX-License-Identifier: Apache-2.0
"""Normalizations over channels, over groups of them, and by the root of the mean square, as integer operators."""

import keras
import numpy as np

from keras_unetmm.layers.composite import Composite
from keras_unetmm.lowering.operator_layers import ChannelMean, ReciprocalRoot, Scaled, Shifted, built


@keras.saving.register_keras_serializable("keras_unetmm")
class IntegerGroupNormalization(Composite):
    """Group normalization: `y = gamma * (x - mean) / sqrt(variance + epsilon) + beta`, both over the map and a group.

    The mean over a group of channels is a 1x1 convolution of the channels' means, which gives each channel its group's, and
    has epsilon for its bias.

    Args:
        groups: int, of the channels; as many as channels for instance normalization.
        epsilon: float.

    Shape: `(N, H, W, C) -> (N, H, W, C)`.
    """

    def __init__(self, groups, epsilon=1e-3, **kwargs):
        super().__init__(**kwargs)
        self.groups = groups
        self.epsilon = epsilon

    def build(self, input_shape):
        channels = input_shape[-1]
        each = (input_shape[0], 1, 1, channels)
        pool = keras.layers.GlobalAveragePooling2D
        self.average = built(pool(keepdims=True, name="average"), input_shape)
        self.energy = built(pool(keepdims=True, name="energy"), input_shape)
        self.average_group = None
        if self.groups == channels:
            self.energy_plus = built(Shifted(self.epsilon, name="plus"), each)
        else:
            self.average_group = built(keras.layers.Conv2D(channels, 1, use_bias=False, name="average_group"), each)
            self.energy_plus = built(keras.layers.Conv2D(channels, 1, name="energy_group"), each)
        self.centred = built(keras.layers.Subtract(name="centred"), [input_shape, each])
        self.square = built(keras.layers.Multiply(name="square"), [input_shape] * 2)
        self.root = built(ReciprocalRoot(name="root"), each)
        self.normalized = built(keras.layers.Multiply(name="normalized"), [input_shape, each])
        self.gamma = built(Scaled(name="gamma"), input_shape)
        self.beta = built(Shifted(name="beta"), input_shape)

    def set_scales(self, gamma, beta):
        """Sets `(C,)` scale and shift, and the weights of the means over groups."""
        channels = len(gamma)
        if self.average_group is not None:
            group = np.arange(channels) * self.groups // channels
            share = (group[:, None] == group) * (self.groups / channels)
            self.average_group.set_weights([share[None, None]])
            self.energy_plus.set_weights([share[None, None], np.full(channels, self.epsilon)])
        self.gamma.set_weights([gamma])
        self.beta.set_weights([beta])

    def call(self, x):
        mean = self.average(x)  # (N, 1, 1, C)
        centred = self.centred([x, mean if self.average_group is None else self.average_group(mean)])
        variance = self.energy_plus(self.energy(self.square([centred, centred])))  # and epsilon
        return self.beta(self.gamma(self.normalized([centred, self.root(variance)])))


class OverChannels(Composite):
    """A normalization over the channels of each place.

    Args:
        epsilon: float.
        mean: `"mean"`, the operator; or `"convolution"`, a 1x1 convolution with the weights 1/C.

    Shape: `(N, ..., C) -> (N, ..., C)`.
    """

    def __init__(self, epsilon=1e-6, mean="mean", **kwargs):
        super().__init__(**kwargs)
        self.input_spec = None
        self.epsilon = epsilon
        self.mean = mean


@keras.saving.register_keras_serializable("keras_unetmm")
class IntegerLayerNormalization(OverChannels):
    """Layer normalization over channels: `y = gamma * (x - mean) / sqrt(variance + epsilon) + beta`."""

    def build(self, input_shape):
        one = (*input_shape[:-1], 1)
        self.average = built(ChannelMean(self.mean, name="average"), input_shape)
        self.centred = built(keras.layers.Subtract(name="centred"), [input_shape, one])
        self.square = built(keras.layers.Multiply(name="square"), [input_shape] * 2)
        self.variance = built(ChannelMean(self.mean, name="variance"), input_shape)
        self.plus = built(Shifted(self.epsilon, name="plus"), one)
        self.root = built(ReciprocalRoot(name="root"), one)
        self.normalized = built(keras.layers.Multiply(name="normalized"), [input_shape, one])
        self.gamma = built(Scaled(name="gamma"), input_shape)
        self.beta = built(Shifted(name="beta"), input_shape)

    def call(self, x):
        centred = self.centred([x, self.average(x)])
        variance = self.variance(self.square([centred, centred]))  # (N, ..., 1)
        return self.beta(self.gamma(self.normalized([centred, self.root(self.plus(variance))])))


@keras.saving.register_keras_serializable("keras_unetmm")
class IntegerRMSNormalization(OverChannels):
    """RMS normalization over channels: `y = gamma * x / sqrt(mean(x**2) + epsilon)`."""

    def build(self, input_shape):
        one = (*input_shape[:-1], 1)
        self.square = built(keras.layers.Multiply(name="square"), [input_shape] * 2)
        self.energy = built(ChannelMean(self.mean, name="energy"), input_shape)
        self.plus = built(Shifted(self.epsilon, name="plus"), one)
        self.root = built(ReciprocalRoot(name="root"), one)
        self.normalized = built(keras.layers.Multiply(name="normalized"), [input_shape, one])
        self.gamma = built(Scaled(name="gamma"), input_shape)

    def call(self, x):
        root = self.root(self.plus(self.energy(self.square([x, x]))))
        return self.gamma(self.normalized([x, root]))
