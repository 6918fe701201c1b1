"""Peak signal to noise ratio."""

import math

import keras
from keras import ops

from keras_unetmm.losses import mean_squared_error
from keras_unetmm.metrics.image_quality import ImageQuality, prepare


@keras.saving.register_keras_serializable("keras_unetmm")
class PSNR(ImageQuality):
    """Peak signal to noise ratio in dB: `10 log10(max_value**2 / mean((x - y)**2))`, infinite for equal images.

    Args:
        max_value: float, the brightest value an image can have.
        luma: bool, whether to compare only Y of BT.601's studio range, as in super-resolution; max_value stays.
        shave: int, pixels of border left out on each side; in super-resolution the factor.
        rounded: bool, whether both are first clipped and rounded to 255 steps, as papers measure 8-bit images.

    Raises:
        ValueError: for arguments out of range, and for images that have no luma or are all border.

    Shape: two of `(N, H, W, C)` with values in [0, max_value] `-> ()`.
    """

    def __init__(self, max_value=1.0, luma=False, shave=0, rounded=False, name="psnr", dtype=None):
        super().__init__(psnr, name, dtype, max_value, luma, shave, rounded)


def psnr(y_true, y_pred, max_value=1.0, luma=False, shave=0, rounded=False):
    """Peak signal to noise ratio of each image in dB, two of `(N, H, W, C) -> (N,)`; arguments as of `PSNR`."""
    y_true, y_pred = (prepare(images, max_value, luma, shave, rounded) for images in (y_true, y_pred))
    return 10 / math.log(10) * ops.log(max_value**2 / mean_squared_error(y_true, y_pred))
