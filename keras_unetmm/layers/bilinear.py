# SPDX-License-Identifier: Apache-2.0
"""Bilinear resizing, also where a size is known only when the graph runs."""

import keras
from keras import ops


def resize_bilinear(x, size):
    """Resizes maps bilinearly; pixels are squares, so corners are not aligned.

    TensorFlow traces a network of open sizes a second time, for any size, as soon as it is given a second one. Then sizes
    are tensors, which `keras.ops.image.resize` refuses (Keras 3.15), so rows and columns are gathered and mixed here.

    Args:
        x: floats `(N, H, W, C)`.
        size: `(height, width)`, each an int or, in a graph of TensorFlow, a scalar tensor.

    Returns:
        Floats `(N, height, width, C)` of the same type.
    """
    known = all(isinstance(side, int) for side in (*x.shape[1:3], *size))
    if known or keras.backend.backend() != "tensorflow":  # exporters of the others have their own open sizes
        return ops.image.resize(x, size, interpolation="bilinear", data_format="channels_last")
    y = ops.cast(x, keras.backend.result_type(x.dtype, "float32"))
    for axis, side in zip((1, 2), size, strict=True):
        y = _along(y, axis, side)
    return ops.cast(y, x.dtype)


def _along(x, axis, size):
    """Resizes one axis, 1 or 2."""
    have = ops.shape(x)[axis]
    scale = ops.cast(have, "float32") / ops.cast(size, "float32")
    place = (ops.cast(ops.arange(size, dtype="int32"), "float32") + 0.5) * scale - 0.5  # of each new pixel's centre
    before = ops.floor(place)
    share = ops.reshape(ops.cast(place - before, x.dtype), (-1, 1, 1) if axis == 1 else (-1, 1))
    first, second = (ops.clip(ops.cast(before, "int32") + step, 0, have - 1) for step in (0, 1))
    return ops.take(x, first, axis=axis) * (1 - share) + ops.take(x, second, axis=axis) * share
