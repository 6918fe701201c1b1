# SPDX-License-Identifier: Apache-2.0
"""What a pixel counts in a loss: by its class, and by the weights that training is given."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from keras import ops

from keras_unetmm.losses.shapes import where_label

BALANCED = "balanced"

ClassWeight = Literal["balanced"] | Sequence[float] | Mapping[int, float] | None


def balanced_weights(counts: Sequence[float]) -> tuple[float, ...]:
    """Returns a weight for each class, the rarer it is the larger, so that the mean over all pixels is 1.

    Args:
        counts: sequence of the pixels of each class in the data, or of their shares; the background first.

    Returns:
        tuple of float, `total / (classes that occur * count)`; 1 for a class that does not occur.

    Raises:
        ValueError: for counts that are negative or all 0.

    Examples:
        >>> losses.balanced_weights((990, 10))
        (0.5051, 50.0)
    """
    pixels = np.asarray(counts, float)
    if pixels.ndim != 1 or not np.isfinite(pixels).all() or (pixels < 0).any() or not pixels.sum():
        raise ValueError(f"counts must be a number for each class, not negative, not all 0. Received: {pixels.tolist()}.")
    there = pixels > 0
    weights = np.where(there, pixels.sum() / (there.sum() * np.where(there, pixels, 1)), 1.0)
    return tuple(float(f"{weight:.4g}") for weight in weights)


def validate_class_weight(class_weight, classes):
    """Returns the weights of classes as a tuple, `"balanced"` or None.

    Raises:
        ValueError: for another number of weights, or one that is negative.
    """
    if class_weight is None or class_weight == BALANCED:
        return class_weight
    labels = max(classes, 2)
    if isinstance(class_weight, dict):
        unknown = set(class_weight) - set(range(labels))
        class_weight = None if unknown else [class_weight.get(label, 1.0) for label in range(labels)]
    weights = np.asarray(class_weight if isinstance(class_weight, (tuple, list, np.ndarray)) else np.nan, float)
    if weights.shape != (labels,) or not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError(
            f'class_weight must be "balanced", or {labels} numbers, not negative, one for each label from 0, or a dict of '
            f"them. Received: {class_weight!r} with classes={classes}."
        )
    return tuple(weights.tolist())


def of_classes(class_weight, y_true, classes, ignore):
    """The weight of each class, `(labels,)`, from the batch if it is `"balanced"`."""
    if class_weight != BALANCED:
        return ops.convert_to_tensor(class_weight, "float32")
    counted, flags = where_label(y_true, range(max(classes, 2)), ignore)
    counts = ops.sum(flags * counted, axis=tuple(range(len(flags.shape) - 1)))
    present = ops.cast(counts > 0, "float32")
    even = ops.sum(counts) / (ops.maximum(ops.sum(present), 1) * ops.maximum(counts, 1))
    return present * even + (1 - present)


def of_pixels(sample_weight, y_true):
    """Divides the weights that training is given into those of images and those of pixels.

    Args:
        sample_weight: `(N,)` or `(N, 1)`, of images; `(N, ...)` or `(N, ..., 1)`, of pixels; or None.
        y_true: labels `(N, ..., 1)`.

    Returns:
        `(of images, of pixels (N, ..., 1))`, one of them None.

    Raises:
        ValueError: for weights of another shape.
    """
    if sample_weight is None:
        return None, None
    weight = ops.convert_to_tensor(sample_weight)
    shape, wanted = tuple(weight.shape), tuple(y_true.shape)
    if len(shape) == 1 or (len(shape) == 2 and shape[1] == 1 and len(wanted) > 2):
        return ops.reshape(weight, (-1,)), None
    if len(shape) == len(wanted) - 1:
        weight, shape = ops.expand_dims(weight, -1), (*shape, 1)
    if len(shape) != len(wanted) or any(a not in (b, None, 1) and b is not None for a, b in zip(shape, wanted, strict=True)):
        sizes = ", ".join(map(str, wanted[1:-1]))
        raise ValueError(
            f"sample_weight must be (N,), of images, or (N, {sizes}) or (N, {sizes}, 1), of pixels. Received: a shape of "
            f"{tuple(sample_weight.shape)} for labels of {wanted}."
        )
    return None, ops.cast(weight, "float32")
