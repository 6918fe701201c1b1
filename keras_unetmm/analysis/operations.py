"""Multiply-accumulate operations of a network, by the counting rule of the restoration papers."""

import math

import keras

from keras_unetmm.expand import expand, static_shape


def macs(model, size=None):
    """Counts the multiply-accumulate operations of one image.

    The rule is that of the tables in NAFNet and UNet--: the weights of a convolution times its output pixels, plus one
    for each biased output, plus the inputs of global average pooling. Norms and element-wise operations are free.

    Args:
        model: a functional `keras.Model` on images.
        size: `(height, width)` in pixels; by default the model's own, which then must be static.

    Returns:
        int.

    Raises:
        ValueError: if no size is known.
    """
    shape = static_shape(model, size)
    return sum(_layer_macs(layer) for layer in expand(model, shape).layers)


def _layer_macs(layer):
    if isinstance(layer, keras.layers.GlobalAveragePooling2D):
        return math.prod(layer.input.shape[1:])
    if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)):
        outputs = math.prod(layer.output.shape[1:-1])
        return outputs * sum(math.prod(weight.shape) for weight in layer.weights)
    return 0
