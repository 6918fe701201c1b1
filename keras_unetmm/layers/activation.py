# SPDX-License-Identifier: Apache-2.0
"""The two activations that MSCAN (arXiv 2209.08575) chooses from, the published one and one that costs a device nothing."""

import keras

from keras_unetmm.layers.gelu import GELU

ACTIVATIONS = ("gelu", "relu")


def activation(kind, **kwargs):
    """Returns an activation layer by name.

    Args:
        kind: `"gelu"`, as published; or `"relu"`, which an integer graph fuses into the convolution in front of it.

    Raises:
        ValueError: for any other name.
    """
    if kind == "gelu":
        return GELU(**kwargs)
    if kind == "relu":
        return keras.layers.ReLU(**kwargs)
    raise ValueError(f"activation must be one of {', '.join(map(repr, ACTIVATIONS))}. Received: {kind!r}.")
