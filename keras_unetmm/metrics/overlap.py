# SPDX-License-Identifier: Apache-2.0
"""What a predicted mask hits and misses, counted in each image."""

import numpy as np
from keras import ops

from keras_unetmm.losses import check_mask_arguments, check_masks, foreground, where_label
from keras_unetmm.metrics.image_mean import ImageMean


class Overlap(ImageMean):
    """The mean over images of a function of `count`; its arguments are those of `count`."""

    def __init__(self, function, direction, name, dtype, classes, ignore, label):
        check_mask_arguments(classes, ignore)
        if label is not None and label not in range(max(classes, 2)):
            raise ValueError(
                f"label must be None or one of 0 to {max(classes, 2) - 1}. Received: {label!r} with classes={classes}. "
                "None averages over the classes above 0."
            )
        super().__init__(function, direction, name, dtype, classes=classes, ignore=ignore, label=label)


def count(y_true, y_pred, classes, ignore, label):
    """Returns true positives, false positives, false negatives and true negatives, pixels of each image and class.

    Args:
        y_true: labels `(N, ..., 1)`.
        y_pred: `(N, ..., classes)`, see `predicted_labels`.
        classes: int, channels of y_pred.
        ignore: int, the label of pixels to leave out, or None.
        label: int, the only class to count, or None for all of the foreground.

    Returns:
        four of `(N, classes above 0)`, or of `(N, 1)` for one label.

    Raises:
        ValueError: for shapes that do not fit, and for arrays with other labels.
    """
    check_masks(y_true, y_pred, classes)
    check_labels(y_true, classes, ignore)
    labels = foreground(classes) if label is None else [label]
    counted, actual = where_label(y_true, labels, ignore)
    _, predicted = where_label(predicted_labels(y_pred, classes), labels, None)

    def pixels(flags):
        return ops.sum(flags * counted, axis=tuple(range(1, len(flags.shape) - 1)))

    hits = pixels(actual * predicted)
    extra, missed = pixels(predicted) - hits, pixels(actual) - hits
    return hits, extra, missed, pixels((1 - actual) * (1 - predicted))


def predicted_labels(y_pred, classes):
    """Scores `(N, ..., classes)` to labels `(N, ..., 1)`: above 0.5 for one channel, else the highest score."""
    if classes == 1:
        return ops.cast(ops.cast(y_pred, "float32") > 0.5, "int32")
    return ops.expand_dims(ops.argmax(y_pred, axis=-1), -1)


def check_labels(y_true, classes, ignore):
    """Raises ValueError for labels that are no class, in numpy arrays only: in a graph there is nothing to look at yet."""
    if not isinstance(y_true, np.ndarray):
        return
    last = max(classes, 2) - 1
    wrong = ~((y_true >= 0) & (y_true <= last))  # NaN is wrong, too
    if ignore is not None:
        wrong &= y_true != ignore
    if wrong.any():
        also = "" if ignore is None else f" or ignore={ignore}"
        raise ValueError(
            f"y_true must hold labels from 0 to {last}{also}. Received: {np.unique(y_true[wrong]).tolist()[:5]}. "
            "Set classes to the number of classes, or ignore to the label of pixels that belong to none."
        )
