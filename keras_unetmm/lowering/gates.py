# SPDX-License-Identifier: Apache-2.0
"""The simple gate without SPLIT: the convolutions before it, each as two of half the filters."""

import keras

from keras_unetmm.graph.nodes import maker
from keras_unetmm.lowering.folding import is_elementwise

_HALVES = ("first", "second")


def as_halves(x, alone):
    """Returns the two halves of a map's channels, each made by convolutions of its own; or None if no convolution makes it.

    Args:
        x: tensor `(N, H, W, 2C)` of a functional graph.
        alone: function of a tensor that says whether one layer alone reads it.
    """
    chain = []
    while alone(x):
        layer = maker(x)
        if not isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)) or getattr(layer, "groups", 1) > 1:
            break
        if getattr(layer, "depth_multiplier", 1) > 1 or not is_elementwise(layer):
            break
        chain.append(layer)
        x = layer.input
        if not isinstance(layer, keras.layers.DepthwiseConv2D):  # which reads all channels: here the halves begin
            return tuple(_called(reversed(chain), x, half) for half in range(2))
    return None


def whole(name):
    """Returns the name of the layer of which a layer with that name is a half, if it is one."""
    first, second = (f"_{half}" for half in _HALVES)
    return name.removesuffix(first).removesuffix(second)


def half_of(x, name):
    """Returns the channels of a whole layer's array `(..., C)` that the layer of a name has: all, unless it is a half."""
    if whole(name) == name:
        return x
    channels = x.shape[-1] // 2
    return x[..., :channels] if name.endswith(_HALVES[0]) else x[..., channels:]


def _called(chain, x, half):
    for layer in chain:
        x = _half(layer, half)(x)
    return x


def _half(layer, half):
    config = {**layer.get_config(), "name": f"{layer.name}_{_HALVES[half]}"}
    weights = layer.get_weights()
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        channels = weights[0].shape[2] // 2
        kernel = weights[0][:, :, half * channels : (half + 1) * channels]
        shape = (None, None, None, channels)
    else:
        channels = weights[0].shape[3] // 2
        config["filters"] = channels
        kernel = weights[0][..., half * channels : (half + 1) * channels]
        shape = (None, None, None, kernel.shape[2])
    copy = type(layer).from_config(config)
    copy.build(shape)
    copy.set_weights([kernel, *(bias[half * channels : (half + 1) * channels] for bias in weights[1:])])
    return copy
