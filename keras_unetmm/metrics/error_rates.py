# SPDX-License-Identifier: Apache-2.0
"""How much of the background a mask marks, and how much of the object it misses."""

import keras
from keras import ops

from keras_unetmm.keras_types import DType
from keras_unetmm.metrics.overlap import Overlap, count
from keras_unetmm.metrics.precision import not_a_number


@keras.saving.register_keras_serializable("keras_unetmm")
class FalsePositiveRate(Overlap):
    """The share of pixels outside a class that are predicted inside: `FP / (FP + TN)`, mean over classes, then images.

    An image with no pixel outside counts 0. Thresholds are those of `Dice`.

    Args:
        classes: int, channels of y_pred.
        ignore: int, the label of pixels that count nowhere, or None.
        label: int, the only class to measure, or None for all but 0, the background.

    Raises:
        ValueError: as of `Dice`.

    Shape: labels `(N, ..., 1)`, scores `(N, ..., classes) -> ()`.

    Examples:
        >>> metric = metrics.FalsePositiveRate()
        >>> metric.update_state(np.array([[[1], [1], [0], [0]]]), np.array([[[0.9], [0.8], [0.7], [0.3]]]))
        >>> round(float(metric.result()), 4)
        0.5
    """

    def __init__(
        self,
        classes: int = 1,
        ignore: int | None = None,
        label: int | None = None,
        name: str = "false_positive_rate",
        dtype: DType = None,
    ) -> None:
        super().__init__(false_positive_rate, "down", name, dtype, classes, ignore, label)


@keras.saving.register_keras_serializable("keras_unetmm")
class FalseNegativeRate(Overlap):
    """The share of pixels inside a class that are predicted outside: `FN / (FN + TP)`, mean over classes, then images.

    An image with no pixel inside counts 0. Thresholds are those of `Dice`.

    Args:
        classes: int, channels of y_pred.
        ignore: int, the label of pixels that count nowhere, or None.
        label: int, the only class to measure, or None for all but 0, the background.

    Raises:
        ValueError: as of `Dice`.

    Shape: labels `(N, ..., 1)`, scores `(N, ..., classes) -> ()`.

    Examples:
        >>> metric = metrics.FalseNegativeRate()
        >>> metric.update_state(np.array([[[1], [1], [0], [0]]]), np.array([[[0.9], [0.2], [0.1], [0.3]]]))
        >>> round(float(metric.result()), 4)
        0.5
    """

    def __init__(
        self,
        classes: int = 1,
        ignore: int | None = None,
        label: int | None = None,
        name: str = "false_negative_rate",
        dtype: DType = None,
    ) -> None:
        super().__init__(false_negative_rate, "down", name, dtype, classes, ignore, label)


def false_positive_rate(y_true, y_pred, classes, ignore, label):
    """`FP / (FP + TN)` of each image, `(N,)`."""
    _, extra, _, neither = count(y_true, y_pred, classes, ignore, label)
    return ops.mean(ops.divide_no_nan(extra, extra + neither), axis=1) + not_a_number(y_true, y_pred)


def false_negative_rate(y_true, y_pred, classes, ignore, label):
    """`FN / (FN + TP)` of each image, `(N,)`."""
    hits, _, missed, _ = count(y_true, y_pred, classes, ignore, label)
    return ops.mean(ops.divide_no_nan(missed, missed + hits), axis=1) + not_a_number(y_true, y_pred)
