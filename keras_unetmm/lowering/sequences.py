# SPDX-License-Identifier: Apache-2.0
"""1-D layers as 2-D layers on maps of one row: exact, and the operators that every target has."""

import keras
import numpy as np

from keras_unetmm.lowering.integer_layers import Resizing

L = keras.layers


def on_rows(layer, shape):
    """Returns the 2-D layers, to be called one on the other's output, that stand for a 1-D layer; or None if none do.

    The first one makes a map of one row of the sequence, and the last one a sequence or a vector of the map.

    Args:
        layer: a Keras layer on sequences `(N, T, C)`.
        shape: tuple, of the sequence, with a fixed number of steps.
    """
    if None in shape[1:]:
        raise ValueError(
            f"A sequence must have a fixed number of steps. Received: {shape} at {layer.name}. Pass size to convert."
        )
    inner = next((form(layer, shape) for kind, form in _TABLE if isinstance(layer, kind)), None)
    if inner is None:
        return None
    made = layer.compute_output_shape(shape)
    first = L.Reshape((1, *shape[1:]), name=f"{layer.name}_row")
    return (first, *inner, L.Reshape(tuple(made[1:]), name=f"{layer.name}_steps"))


def _padded(layer):
    """What a causal convolution puts before its first step, and the padding of the rest."""
    if layer.padding != "causal":
        return (), layer.padding
    before = (layer.kernel_size[0] - 1) * layer.dilation_rate[0]
    return (L.ZeroPadding2D(((0, 0), (before, 0)), name=f"{layer.name}_before"),), "valid"


def _common(layer, padding):
    return {
        "kernel_size": (1, layer.kernel_size[0]),
        "strides": (1, layer.strides[0]),
        "padding": padding,
        "use_bias": layer.use_bias,
        "activation": layer.activation,
        "name": layer.name,
    }


def _convolution(layer, shape):
    before, padding = _padded(layer)
    dilation = (layer.dilation_rate[0],) * 2  # the Edge TPU takes the same in both directions; a row has one place
    made = L.Conv2D(layer.filters, dilation_rate=dilation, groups=layer.groups, **_common(layer, padding))
    return (*before, _weighed(made, layer, shape))


def _depthwise(layer, shape):
    before, padding = _padded(layer)
    common = {**_common(layer, padding), "strides": (layer.strides[0],) * 2}  # the row has one place
    dilation = (layer.dilation_rate[0],) * 2  # the Edge TPU takes the same in both directions; a row has one place
    made = L.DepthwiseConv2D(depth_multiplier=layer.depth_multiplier, dilation_rate=dilation, **common)
    return (*before, _weighed(made, layer, shape))


def _separable(layer, shape):
    before, padding = _padded(layer)
    common = {**_common(layer, padding), "strides": (layer.strides[0],) * 2}
    dilation = (layer.dilation_rate[0],) * 2  # the Edge TPU takes the same in both directions; a row has one place
    made = L.SeparableConv2D(layer.filters, depth_multiplier=layer.depth_multiplier, dilation_rate=dilation, **common)
    return (*before, _weighed(made, layer, shape))


def _transposed(layer, shape):
    if layer.output_padding is not None or set(layer.dilation_rate) != {1}:
        return None
    return (_weighed(L.Conv2DTranspose(layer.filters, **_common(layer, layer.padding)), layer, shape),)


def _weighed(made, layer, shape):
    made.build((1, 1, None, shape[-1]))
    weights = layer.get_weights()
    made.set_weights([w[None] if w.ndim == 3 else w for w in weights])
    return made


def _pooling(kind):
    def form(layer, shape):
        return (kind((1, layer.pool_size[0]), (1, layer.strides[0]), layer.padding, name=layer.name),)

    return form


def _padding(layer, shape):
    return (L.ZeroPadding2D(((0, 0), tuple(layer.padding)), name=layer.name),)


def _cropping(layer, shape):
    return (L.Cropping2D(((0, 0), tuple(layer.cropping)), name=layer.name),)


def _upsampling(layer, shape):
    return (Resizing((1, shape[1] * int(np.prod(layer.size))), "nearest", name=layer.name),)


_TABLE = (
    (L.Conv1DTranspose, _transposed),
    (L.Conv1D, _convolution),
    (L.DepthwiseConv1D, _depthwise),
    (L.SeparableConv1D, _separable),
    (L.MaxPooling1D, _pooling(L.MaxPooling2D)),
    (L.AveragePooling1D, _pooling(L.AveragePooling2D)),
    (L.GlobalAveragePooling1D, lambda layer, shape: (L.GlobalAveragePooling2D(name=layer.name),)),
    (L.GlobalMaxPooling1D, lambda layer, shape: (L.GlobalMaxPooling2D(name=layer.name),)),
    (L.ZeroPadding1D, _padding),
    (L.Cropping1D, _cropping),
    (L.UpSampling1D, _upsampling),
)
LAYERS = tuple(kind for kind, _ in _TABLE)
"""The layers of one spatial axis that have an integer form."""
