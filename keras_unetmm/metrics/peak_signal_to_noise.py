# SPDX-License-Identifier: Apache-2.0
"""Peak signal to noise ratio."""

import math

import keras
from keras import ops

from keras_unetmm.keras_types import DType
from keras_unetmm.losses import mean_squared_error
from keras_unetmm.metrics.image_quality import ImageQuality, prepare
from keras_unetmm.metrics.precision import not_a_number
from keras_unetmm.types import Tensor

MOST = 100.0  # dB that an image counts


@keras.saving.register_keras_serializable("keras_unetmm")
class PSNR(ImageQuality):
    """Peak signal to noise ratio in dB: `10 log10(max_value**2 / mean((x - y)**2))`, mean over images.

    An image counts at most 100 dB, an error of 1e-5 of max_value: one that is equal to its reference, whose own ratio is
    infinite, would make the mean infinite, and left out it would make the mean worse.

    Args:
        max_value: float, the brightest value an image can have.
        luma: bool, whether to compare only Y of BT.601's studio range, as in super-resolution; max_value stays.
        shave: int, pixels of border left out on each side; in super-resolution the factor.
        rounded: bool, whether both are first clipped and rounded to 255 steps, as papers measure 8-bit images.

    Raises:
        ValueError: for arguments out of range, and for images that have no luma or are all border.

    Shape: two of `(N, H, W, C)` with values in [0, max_value] `-> ()`.

    Examples:
        >>> metric = metrics.PSNR()
        >>> metric.update_state(np.zeros((1, 8, 8, 3)), np.full((1, 8, 8, 3), 0.1))
        >>> round(float(metric.result()), 2)
        20.0
    """

    def __init__(
        self,
        max_value: float = 1.0,
        luma: bool = False,
        shave: int = 0,
        rounded: bool = False,
        name: str = "psnr",
        dtype: DType = None,
    ) -> None:
        super().__init__(counted_psnr, name, dtype, max_value, luma, shave, rounded)


def counted_psnr(y_true, y_pred, **arguments):
    """As `psnr`, but at most 100 dB, so that a mean over images can be taken."""
    values = psnr(y_true, y_pred, **arguments)
    return ops.where(values > MOST, MOST, values)  # which leaves NaN as it is


def psnr(
    y_true: Tensor, y_pred: Tensor, max_value: float = 1.0, luma: bool = False, shave: int = 0, rounded: bool = False
) -> Tensor:
    """Peak signal to noise ratio of each image in dB, two of `(N, H, W, C) -> (N,)`; arguments as of `PSNR`.

    It is infinite for equal images, as the equation has it; the metric `PSNR` counts them as 100 dB.

    Examples:
        >>> float(metrics.psnr(np.zeros((1, 8, 8, 3), "float32"), np.full((1, 8, 8, 3), 0.1, "float32"))[0].round())
        20.0
    """
    pair = [prepare(images, max_value, luma, shave, rounded) for images in (y_true, y_pred)]
    ratio = max_value**2 / mean_squared_error(*pair)
    return 10 / math.log(10) * ops.log(ratio) + not_a_number(y_true, y_pred)
