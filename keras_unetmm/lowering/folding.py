# SPDX-License-Identifier: Apache-2.0
"""Scales and shifts that a convolution takes in: exact, and one operator and one map less each."""

import keras
import numpy as np

from keras_unetmm.layers import ChannelScale, Select
from keras_unetmm.lowering.integer_layers import Affine

_CHANNELS_BEFORE_LAST = (  # of kernels, filters and then inputs
    *(keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose),
)
_DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
_SEPARABLE = (keras.layers.SeparableConv1D, keras.layers.SeparableConv2D)
_CONVOLUTIONS = (
    *(keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D, keras.layers.Dense),
    *_DEPTHWISE,
    *_SEPARABLE,
    *_CHANNELS_BEFORE_LAST,
)

_ELEMENTWISE = {
    "linear",
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "gelu",
    "sigmoid",
    "hard_sigmoid",
    "silu",
    "hard_silu",
    "tanh",
    "hard_tanh",
}


def affine(layer):
    """Returns `(scale, shift)`, a number for each channel, if the layer multiplies and adds nothing else, or None."""
    if isinstance(layer, Affine):
        return _array(layer.scale), _array(layer.shift) if layer.shifted else np.zeros(layer.scale.shape, "float32")
    if isinstance(layer, ChannelScale):
        return _array(layer.scale), np.zeros(layer.scale.shape, "float32")
    if isinstance(layer, Select):  # a constant once it is trained
        return layer.scales(), np.zeros(layer.weight.shape, "float32")
    if isinstance(layer, keras.layers.BatchNormalization) and _over_channels(layer):
        mean, variance = _array(layer.moving_mean), _array(layer.moving_variance)
        scale = (_array(layer.gamma) if layer.scale else 1.0) / np.sqrt(variance + layer.epsilon)
        return scale, (_array(layer.beta) if layer.center else 0.0) - mean * scale
    if isinstance(layer, keras.layers.Normalization) and not layer.invert and _per_channel(layer):
        mean, variance = (np.ravel(keras.ops.convert_to_numpy(value)) for value in (layer.mean, layer.variance))
        scale = 1 / np.maximum(np.sqrt(variance), keras.config.epsilon())
        return scale, -mean * scale
    if isinstance(layer, keras.layers.Rescaling):
        scale, shift = np.broadcast_arrays(np.ravel(layer.scale), np.ravel(layer.offset))
        return scale.astype("float32"), shift.astype("float32")
    return None


def as_layer(scale, shift, shape, form, name):
    """Returns the layer that multiplies and adds, for maps of that shape."""
    shifted = bool(np.any(shift))
    layer = Affine(form, shifted, name=name)
    layer.build(shape)
    values = (scale, shift) if shifted else (scale,)
    layer.set_weights([np.broadcast_to(v, shape[-1:]).reshape(w.shape) for v, w in zip(values, layer.weights, strict=True)])
    return layer


def is_elementwise(layer):
    """Whether a layer's activation looks at one value at a time."""
    name = getattr(getattr(layer, "activation", None), "__name__", "linear")
    return name in _ELEMENTWISE


def can_take_in(layer):
    """Whether a layer is a convolution whose output may be scaled and shifted by its weights."""
    return isinstance(layer, _CONVOLUTIONS) and getattr(layer, "activation", None) in (None, keras.activations.linear)


def is_pointwise(layer):
    """Whether a layer is a product with a matrix at every place, which may scale and shift its input."""
    if isinstance(layer, (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)) and not isinstance(
        layer, _CHANNELS_BEFORE_LAST
    ):
        return set(layer.kernel_size) == {1} and layer.groups == 1
    return isinstance(layer, keras.layers.Dense)


def scaled_after(layer, scale, shift):
    """Returns the layer that equals `layer` and then `scale * y + shift`."""
    if isinstance(layer, _SEPARABLE):
        return _separable_scaled_after(layer, scale, shift)
    kernel = _array(layer.kernel)
    if isinstance(layer, _DEPTHWISE):
        kernel = kernel * np.reshape(np.broadcast_to(scale, np.prod(kernel.shape[-2:])), kernel.shape[-2:])
    elif isinstance(layer, _CHANNELS_BEFORE_LAST):
        kernel = kernel * np.reshape(scale, (-1, 1))
    else:
        kernel = kernel * scale
    bias = _array(layer.bias) if layer.use_bias else 0.0
    return with_weights(layer, kernel, bias * scale + shift)


def _separable_scaled_after(layer, scale, shift):
    """The same of a separable convolution, by the weights of its second half."""
    depthwise, pointwise, *bias = layer.get_weights()
    copy = type(layer).from_config({**layer.get_config(), "use_bias": True, "dtype": "float32"})
    copy.build((None, *[None] * (depthwise.ndim - 2), depthwise.shape[-2]))
    bias = (bias[0] if bias else 0.0) * scale + shift
    copy.set_weights([depthwise, pointwise * scale, np.broadcast_to(bias, pointwise.shape[-1:])])
    return copy


def scaled_before(layer, scale, shift):
    """Returns the layer that equals `scale * x + shift` and then a pointwise `layer`."""
    kernel = _array(layer.kernel)  # (..., in, out)
    matrix = kernel.reshape(kernel.shape[-2:])
    bias = _array(layer.bias) if layer.use_bias else 0.0
    shift = np.broadcast_to(shift, matrix.shape[:1])
    return with_weights(layer, kernel * np.reshape(scale, (-1, 1)), bias + shift @ matrix)


def with_weights(layer, kernel, bias, **changes):
    """Returns a copy of a convolution with other weights, and a bias; `changes` are of its config."""
    width = kernel.shape[-2 if isinstance(layer, _CHANNELS_BEFORE_LAST) else -1]
    if isinstance(layer, _DEPTHWISE):
        width *= kernel.shape[-2]
    config = {**layer.get_config(), "use_bias": True, "dtype": "float32", **changes}
    copy = type(layer).from_config(config)
    copy.build(_input_shape(copy, kernel))
    copy.set_weights([kernel, np.broadcast_to(bias, (width,))])
    return copy


def _input_shape(layer, kernel):
    if isinstance(layer, _CHANNELS_BEFORE_LAST):
        channels = kernel.shape[-1]
    elif isinstance(layer, _DEPTHWISE):
        channels = kernel.shape[-2]
    else:
        channels = kernel.shape[-2] * getattr(layer, "groups", 1)
    return (None, *[None] * (kernel.ndim - 2), channels)


def _per_channel(layer):
    last = len(layer.output.shape) - 1
    return [axis % (last + 1) for axis in layer.axis] in ([], [last])


def _over_channels(layer):
    return layer.axis in (-1, [-1]) or layer.axis == len(layer.input.shape) - 1


def _array(weight):
    return keras.ops.convert_to_numpy(weight)
