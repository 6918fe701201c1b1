"""Exchanging the layers that a target has no integer operator for, weights carried over."""

import keras
import numpy as np

from keras_unetmm.expand import expand
from keras_unetmm.layers import GELU, GlobalResponseNormalization
from keras_unetmm.tflite.integer_layers import (
    IntegerGlobalResponseNormalization,
    IntegerLayerNormalization,
    NearestUpsampling,
    SigmoidGELU,
)

TARGETS = ("tflm",)


def lower(model, target="tflm", input_shape=None):
    """Returns a model with the same function whose layers map to integer operators of the target.

    Equal but for GELU, whose sigmoid form differs by at most 0.021. Batch normalization in front of a 1x1
    convolution is folded into it. Composite layers come out as their parts, all in float32.

    Args:
        model: a functional or sequential `keras.Model` with one input.
        target: `"tflm"`, TensorFlow Lite for Microcontrollers.
        input_shape: tuple with the batch size, of the new model; by default the model's own.

    Raises:
        ValueError: for an unknown target, or a model that is not a graph of layers.
    """
    if target not in TARGETS:
        raise ValueError(f"target must be one of {', '.join(map(repr, TARGETS))}. Received: {target!r}.")
    graph = expand(model, input_shape)
    return keras.models.clone_model(graph, clone_function=_exchange, call_function=_call)


def _exchange(layer):
    """Returns the chain of layers that stands for one layer."""
    if type(layer).__name__ == "Gelu":  # keras.ops.gelu or keras.activations.gelu, called as a function
        return [SigmoidGELU(name=layer.name)]
    if not isinstance(layer, keras.layers.Layer):
        return [layer]
    if isinstance(layer, GELU) or (isinstance(layer, keras.layers.Activation) and _ends_in_gelu(layer)):
        return [SigmoidGELU(name=layer.name)]
    if _ends_in_gelu(layer):
        return [_rebuilt(layer, activation=None), SigmoidGELU(name=f"{layer.name}_gelu")]
    if isinstance(layer, keras.layers.LayerNormalization) and _plain(layer):
        return [_exchanged(layer, IntegerLayerNormalization(layer.epsilon, name=layer.name))]
    if isinstance(layer, GlobalResponseNormalization):
        return [_exchanged(layer, IntegerGlobalResponseNormalization(layer.epsilon, name=layer.name))]
    if isinstance(layer, keras.layers.UpSampling2D) and layer.interpolation == "nearest":
        return [NearestUpsampling(layer.size, name=layer.name)]
    return [_rebuilt(layer)]


def _call(chain, *args, **kwargs):
    first, *rest = chain
    if _is_pointwise(first) and isinstance(_source(args[0]), keras.layers.BatchNormalization):
        norm = _source(args[0])
        first, args = _folded(norm, first), (norm.input,)
    x = first(*args, **kwargs)
    for layer in rest:
        x = layer(x)
    return x


def _ends_in_gelu(layer):
    return getattr(layer, "activation", None) is keras.activations.gelu


def _plain(layer):
    axis = [layer.axis] if isinstance(layer.axis, int) else list(layer.axis)
    return axis == [-1] and layer.scale and layer.center and not layer.rms_scaling


def _is_pointwise(layer):
    return isinstance(layer, keras.layers.Conv2D) and layer.kernel_size == (1, 1) and layer.groups == 1


def _source(tensor):
    return tensor._keras_history.operation


def _rebuilt(layer, **changes):
    config = {**layer.get_config(), "dtype": "float32", **changes}
    return _exchanged(layer, type(layer).from_config(config))


def _exchanged(layer, replacement):
    if layer.weights:
        replacement.build_from_config(layer.get_build_config())
        replacement.set_weights(layer.get_weights())
    return replacement


def _folded(norm, conv):
    """The 1x1 convolution that equals the batch normalization followed by `conv`."""
    channels = norm.moving_mean.shape
    mean, variance = (keras.ops.convert_to_numpy(w) for w in (norm.moving_mean, norm.moving_variance))
    gamma = keras.ops.convert_to_numpy(norm.gamma) if norm.scale else np.ones(channels)
    beta = keras.ops.convert_to_numpy(norm.beta) if norm.center else np.zeros(channels)
    scale = gamma / np.sqrt(variance + norm.epsilon)
    kernel = keras.ops.convert_to_numpy(conv.kernel)  # (1, 1, in, out)
    bias = keras.ops.convert_to_numpy(conv.bias) if conv.use_bias else 0.0

    folded = type(conv).from_config({**conv.get_config(), "use_bias": True})
    folded.build(norm.input.shape)
    folded.set_weights([kernel * scale[:, None], bias + (beta - mean * scale) @ kernel[0, 0]])
    return folded
