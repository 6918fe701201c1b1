"""Multiply-accumulate operations of a network, by the counting rule of the restoration papers."""

import math

import keras

from keras_unetmm.expand import expand


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


def static_shape(model, size=None):
    """Returns `(1, height, width, channels)` of the model's input.

    Raises:
        ValueError: if the model leaves a size open that `size` does not give, or fixes another one.
    """
    height, width, channels = model.inputs[0].shape[1:]
    if size is None:
        size = (height, width)
    if None in size:
        raise ValueError(
            f"size must be given for a model that takes images of any size. Received: size=None and a model input of "
            f"{(height, width, channels)}. Pass size=(height, width), for example size=(256, 256)."
        )
    for own, wanted in zip((height, width), size, strict=True):
        if (own is not None and own != wanted) or wanted < 1:
            raise ValueError(
                f"size must be one that the model takes. Received: size={tuple(size)} and a model input of "
                f"{(height, width, channels)}. Build the model with input_shape=(None, None, {channels}) to choose freely."
            )
    return (1, *size, channels)


def _layer_macs(layer):
    if isinstance(layer, keras.layers.GlobalAveragePooling2D):
        return math.prod(layer.input.shape[1:])
    if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)):
        outputs = math.prod(layer.output.shape[1:-1])
        return outputs * sum(math.prod(weight.shape) for weight in layer.weights)
    return 0
