# SPDX-License-Identifier: Apache-2.0
"""Errors of alpha mattes, on the whole image or where the trimap is unknown."""

import keras
from keras import ops

from keras_unetmm.keras_types import DType
from keras_unetmm.losses import alpha_difference
from keras_unetmm.metrics.image_mean import ImageMean
from keras_unetmm.metrics.precision import not_a_number


@keras.saving.register_keras_serializable("keras_unetmm")
class SAD(ImageMean):
    """Sum of absolute differences in thousands: `sum |a - b| / 1000` over the pixels of a region, mean over images.

    Args:
        unknown: bool, whether the region is only where the trimap is unknown, else the whole image. An image without
            unknown pixels then counts 0.

    Raises:
        ValueError: for shapes that do not fit.

    Shape: alpha in [0, 1] and, needed for the unknown region, 1 where the trimap is unknown `(N, H, W, 2)`; alpha
    `(N, H, W, 1) -> ()`.

    Examples:
        >>> metric = metrics.SAD()
        >>> metric.update_state(np.zeros((1, 100, 100, 1)), np.full((1, 100, 100, 1), 0.5))
        >>> round(float(metric.result()), 2)
        5.0
    """

    def __init__(self, unknown: bool = False, name: str = "sad", dtype: DType = None) -> None:
        super().__init__(sad, "down", name, dtype, unknown=unknown)


@keras.saving.register_keras_serializable("keras_unetmm")
class MattingMSE(ImageMean):
    """Mean squared error of alpha: `sum (a - b)**2 / pixels` of a region, in [0, 1] and not times 1000, mean over images.

    Args:
        unknown: bool, whether the region is only where the trimap is unknown, else the whole image. An image without
            unknown pixels then counts 0.

    Raises:
        ValueError: for shapes that do not fit.

    Shape: alpha in [0, 1] and, needed for the unknown region, 1 where the trimap is unknown `(N, H, W, 2)`; alpha
    `(N, H, W, 1) -> ()`.

    Examples:
        >>> metric = metrics.MattingMSE()
        >>> metric.update_state(np.zeros((1, 8, 8, 1)), np.full((1, 8, 8, 1), 0.5))
        >>> round(float(metric.result()), 2)
        0.25
    """

    def __init__(self, unknown: bool = False, name: str = "matting_mse", dtype: DType = None) -> None:
        super().__init__(matting_mse, "down", name, dtype, unknown=unknown)


def sad(y_true, y_pred, unknown):
    """Sum of absolute differences of each image, divided by 1000, `(N,)`."""
    difference, region = _difference(y_true, y_pred, unknown)
    return ops.sum(difference * region, axis=(1, 2, 3)) / 1000 + not_a_number(y_true, y_pred)


def matting_mse(y_true, y_pred, unknown):
    """Mean squared difference of each image, `(N,)`."""
    difference, region = _difference(y_true, y_pred, unknown)
    error = ops.divide_no_nan(ops.sum(difference**2 * region, axis=(1, 2, 3)), ops.sum(region, axis=(1, 2, 3)))
    return error + not_a_number(y_true, y_pred)


def _difference(y_true, y_pred, unknown):
    difference, region = alpha_difference(y_true, y_pred, with_unknown=unknown)
    return difference, region if unknown else ops.ones_like(difference)
