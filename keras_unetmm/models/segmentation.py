# SPDX-License-Identifier: Apache-2.0
"""What the segmentation networks share: rows of their tables, the image that they take, the head."""

from dataclasses import fields, replace

import keras

from keras_unetmm import skips as skip_connections
from keras_unetmm.layers.checked_sizes import CheckedSizes, check_sizes
from keras_unetmm.layers.rank import checked, layer
from keras_unetmm.models.arguments import is_count

ACTIVATIONS = ("auto", "sigmoid", "softmax", None)


def chosen(variants, variant, **changes):
    """Returns a row of a table of variants, with the entries that are not None replaced.

    Numbers of channels, levels and the like must be positive integers; `rank` must be 2 or 3.

    Raises:
        ValueError: for an unknown row, or an entry that does not fit.
    """
    if not isinstance(variant, str) or variant not in variants:
        raise ValueError(f"variant must be one of {', '.join(map(repr, variants))}. Received: {variant!r}.")
    row = replace(variants[variant], **{name: value for name, value in changes.items() if value is not None})
    checked(row.rank)
    for field in fields(row):
        value = getattr(row, field.name)
        counts = (value,) if field.type is int else value if isinstance(value, (tuple, list)) else ()
        if field.type in (int, tuple) and (not counts or not all(map(is_count, counts))):
            kind = "a positive integer" if field.type is int else "a tuple of positive integers, finest level first"
            raise ValueError(f"{field.name} must be {kind}. Received: {value!r}.")
        if field.name == "dropout" and not (isinstance(value, (int, float)) and 0 <= value < 1):
            raise ValueError(f"dropout must be a rate of at least 0 and below 1. Received: {value!r}.")
    return row


def image(input_shape, rank, channels, halvings):
    """Returns the symbolic input of a network that halves its maps so many times, and that input with its sizes checked.

    Args:
        input_shape: `(height, width, channels)`, or `(depth, height, width, channels)` for rank 3; sizes may be None. None
            stands for any size and `channels`.
        rank: int, 2 or 3.
        channels: int, of the input where `input_shape` is None.
        halvings: int.

    Raises:
        ValueError: if the shape is not one, or a size cannot be halved so often.
    """
    if input_shape is None:
        input_shape = (None,) * rank + (channels,)
    shape = tuple(input_shape) if isinstance(input_shape, (tuple, list)) else ()
    if len(shape) != rank + 1 or not is_count(shape[-1]) or not all(s is None or is_count(s) for s in shape[:-1]):
        names = ("depth, height, width", "height, width")[3 - rank]
        raise ValueError(
            f"input_shape must be ({names}, channels) for rank={rank}, where all but the channels may be None. "
            f"Received: {input_shape}. Pass {(None,) * rank + (channels,)} for any size, or rank={5 - rank}."
        )
    check_sizes(shape, 2**halvings, 1, "input_shape")
    inputs = keras.Input(shape, name="image")
    if halvings and None in shape:
        return inputs, CheckedSizes(2**halvings, name="sizes")(inputs)
    return inputs, inputs


def connections(skips, batch_norm):
    """Returns `keras_unetmm.skips.get(skips)`, UNet-- with the batch norm that the network's own blocks have.

    Raises:
        ValueError: for an unknown name.
    """
    skips = skip_connections.get(skips)
    return skips.with_defaults(norm="batch") if batch_norm else skips


def head(x, classes, activation, initializer="glorot_uniform"):
    """Returns the prediction of a segmentation network: a 1x1 (1x1x1) convolution and its activation.

    Args:
        x: symbolic map.
        classes: int, channels of the prediction.
        activation: `"sigmoid"`, `"softmax"`, None for logits, or `"auto"`: sigmoid for one class, which is then
            foreground against background, and softmax for several. It is computed in full precision.
        initializer: str, of the kernel.

    Raises:
        ValueError: for another activation, or classes that are not a number.
    """
    activation = head_activation(classes, activation)
    x = layer("convolution", len(x.shape) - 2, classes, 1, kernel_initializer=initializer, name="head")(x)
    return keras.layers.Activation(activation, dtype=keras.config.floatx(), name="prediction")(x)


def head_activation(classes, activation):
    """Returns the name of the head's activation, see `head`.

    Raises:
        ValueError: for another activation, or classes that are not a number.
    """
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {', '.join(map(repr, ACTIVATIONS))}. Received: {activation!r}.")
    if not is_count(classes):
        raise ValueError(f"classes must be a positive integer. Received: {classes!r}.")
    if activation == "auto":
        activation = "sigmoid" if classes == 1 else "softmax"
    return activation or "linear"
