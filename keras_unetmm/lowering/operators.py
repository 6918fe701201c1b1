# SPDX-License-Identifier: Apache-2.0
"""A lowered model with a layer for every operator of its file."""

import keras
import numpy as np

from keras_unetmm.graph.names import Names
from keras_unetmm.graph.nodes import followers, maker, tensors_read
from keras_unetmm.lowering.folding import scaled_before
from keras_unetmm.lowering.operator_layers import Scaled, Shifted
from keras_unetmm.lowering.scales import CLIPS, activation

_WITH_ACTIVATION = (
    *(keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Conv2DTranspose, keras.layers.Dense),
    *(keras.layers.Conv3D, keras.layers.Conv3DTranspose),
)


def operators_of(graph):
    """Returns an equal functional model in which every operator is a layer.

    Args:
        graph: a lowered model, laid out by `keras_unetmm.graph.expand.expand`.
    """
    alone = {layer.name for layer in graph.operations if len(followers(layer)) == 1}

    def call(layer, *args, **kwargs):
        if isinstance(layer, keras.layers.Dense) and len(args[0].shape) < 4:
            return _call(*_with_constants_before(layer, args[0], alone))
        return _call(layer, *args, **kwargs)

    return keras.models.clone_model(graph, clone_function=copied, call_function=Names(graph).settled(call))


def _with_constants_before(dense, x, alone):
    """A dense layer with the products and sums with constants before it that only it reads, as the converter has it."""
    while isinstance(maker(x), (Scaled, Shifted)) and maker(x).name in alone:
        constant = maker(x)
        values = np.ravel(keras.ops.convert_to_numpy(constant.constant))
        scale, shift = (values, np.zeros(1)) if isinstance(constant, Scaled) else (np.ones(1), values)
        dense, x = scaled_before(dense, scale, shift), tensors_read(constant)[0]
    return dense, x


def copied(layer):
    """Returns a copy of a layer with its weights."""
    copy = type(layer).from_config(layer.get_config())
    if isinstance(layer, keras.layers.Layer) and layer.weights:
        copy.build_from_config(layer.get_build_config())
        copy.set_weights(layer.get_weights())
    return copy


def _call(layer, *args, **kwargs):
    if isinstance(layer, keras.layers.SeparableConv2D):
        return _separated(layer)(*args)
    if isinstance(layer, keras.layers.Dense) and len(args[0].shape) == 4:
        return _call(_as_convolution(layer), *args)
    if isinstance(layer, _WITH_ACTIVATION) and activation(layer) not in ("linear", *CLIPS):
        last, layer.activation = layer.activation, keras.activations.linear
        return _activated(keras.layers.Activation(last, name=f"{layer.name}_activation"), layer(*args))
    if isinstance(layer, keras.layers.Activation):
        return _activated(layer, *args)
    if isinstance(layer, keras.layers.ReLU) and layer.negative_slope and not layer.threshold and layer.max_value is None:
        return keras.layers.LeakyReLU(layer.negative_slope, name=layer.name)(*args)
    if isinstance(layer, (keras.layers.Add, keras.layers.Multiply)) and len(args[0]) > 2:
        return _two_by_two(layer, *args)
    return layer(*args, **kwargs)


def _two_by_two(layer, tensors):
    x = tensors[0]
    for i, other in enumerate(tensors[1:]):
        last = i == len(tensors) - 2
        x = (layer if last else type(layer)(name=f"{layer.name}_part{i}"))([x, other])
    return x


def _activated(layer, x):
    if activation(layer) == "softmax":
        return keras.layers.Softmax(name=layer.name)(x)
    if activation(layer) != "silu":
        return layer(x)
    gate = keras.layers.Activation("sigmoid", name=f"{layer.name}_sigmoid")(x)
    return keras.layers.Multiply(name=f"{layer.name}_product")([x, gate])


def _as_convolution(layer):
    """The 1x1 convolution that a dense layer is on maps; as a product of matrices its bias would be an operator apart."""
    config = {"use_bias": layer.use_bias, "activation": layer.activation, "name": layer.name}
    convolution = keras.layers.Conv2D(layer.units, 1, **config)
    kernel, *bias = layer.get_weights()
    convolution.build((None, None, None, kernel.shape[0]))
    convolution.set_weights([kernel[None, None], *bias])
    return convolution


def _separated(layer):
    common = {"padding": layer.padding, "dilation_rate": layer.dilation_rate}
    first = keras.layers.DepthwiseConv2D(
        layer.kernel_size,
        layer.strides,
        depth_multiplier=layer.depth_multiplier,
        use_bias=False,
        name=f"{layer.name}_depthwise",
        **common,
    )
    second = keras.layers.Conv2D(layer.filters, 1, use_bias=layer.use_bias, name=f"{layer.name}_pointwise")
    depthwise, pointwise, *bias = layer.get_weights()
    first.build((None, None, None, depthwise.shape[2]))
    first.set_weights([depthwise])
    second.build((None, None, None, pointwise.shape[2]))
    second.set_weights([pointwise, *bias])
    second.activation = layer.activation

    def called(x):
        return _call(second, first(x))

    return called
