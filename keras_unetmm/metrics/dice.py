# SPDX-License-Identifier: Apache-2.0
"""Dice coefficient of masks."""

import keras
from keras import ops

from keras_unetmm.keras_types import DType
from keras_unetmm.metrics.overlap import Overlap, count
from keras_unetmm.metrics.precision import not_a_number


@keras.saving.register_keras_serializable("keras_unetmm")
class Dice(Overlap):
    """Dice coefficient of hard predictions: `2 TP / (2 TP + FP + FN)`, mean over foreground classes, then over images.

    A class that is in neither the reference nor the prediction of an image counts 1 there. An image with NaN in its
    prediction makes the mean NaN.

    Args:
        classes: int, channels of y_pred: 1 for the probability of label 1, which is hit above 0.5; K for scores of labels 0
            to K - 1, of which the highest counts.
        ignore: int, the label of pixels that count nowhere, or None.
        label: int, the only class to measure, or None for all but 0, the background.

    Raises:
        ValueError: for arguments out of range, shapes that do not fit, and numpy arrays with other labels. In a graph such
            labels are not seen and belong to no class: the readers of `data` must refuse them.

    Shape: labels `(N, ..., 1)`, scores `(N, ..., classes) -> ()`.

    Examples:
        >>> metric = metrics.Dice()
        >>> metric.update_state(np.array([[[1], [1], [0], [0]]]), np.array([[[0.9], [0.2], [0.1], [0.3]]]))
        >>> round(float(metric.result()), 4)
        0.6667
    """

    def __init__(
        self, classes: int = 1, ignore: int | None = None, label: int | None = None, name: str = "dice", dtype: DType = None
    ) -> None:
        super().__init__(dice, "up", name, dtype, classes, ignore, label)


def dice(y_true, y_pred, classes, ignore, label):
    """Dice coefficient of each image, `(N,)`."""
    hits, extra, missed, _ = count(y_true, y_pred, classes, ignore, label)
    marked = 2 * hits + extra + missed
    return ops.mean(ops.where(marked > 0, 2 * hits / ops.maximum(marked, 1), 1.0), axis=1) + not_a_number(y_true, y_pred)
