# SPDX-License-Identifier: Apache-2.0
"""Structural similarity."""

import keras
import numpy as np
from keras import ops

from keras_unetmm.keras_types import DType
from keras_unetmm.metrics.image_quality import ImageQuality, prepare
from keras_unetmm.metrics.precision import not_a_number
from keras_unetmm.types import Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class SSIM(ImageQuality):
    """Structural similarity, Wang et al. 2004, equation 13, over a Gaussian window of 11 x 11 pixels, sigma 1.5.

    Equal to scikit-image's `structural_similarity(..., gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False)`: windows that reach over the border are left out.

    Args:
        max_value: float, the brightest value an image can have.
        luma: bool, whether to compare only Y of BT.601's studio range, as in super-resolution; max_value stays.
        shave: int, pixels of border left out on each side; in super-resolution the factor.
        rounded: bool, whether both are first clipped and rounded to 255 steps, as papers measure 8-bit images.

    Raises:
        ValueError: for arguments out of range, for images that have no luma, and for ones smaller than the window.

    Shape: two of `(N, H, W, C)` with values in [0, max_value] `-> ()`.

    Examples:
        >>> metric, image = metrics.SSIM(), np.random.default_rng(0).random((1, 16, 16, 1))
        >>> metric.update_state(image, image)
        >>> round(float(metric.result()), 2)
        1.0
    """

    def __init__(
        self,
        max_value: float = 1.0,
        luma: bool = False,
        shave: int = 0,
        rounded: bool = False,
        name: str = "ssim",
        dtype: DType = None,
    ) -> None:
        super().__init__(ssim, name, dtype, max_value, luma, shave, rounded)


def ssim(
    y_true: Tensor,
    y_pred: Tensor,
    max_value: float = 1.0,
    size: int = 11,
    sigma: float = 1.5,
    luma: bool = False,
    shave: int = 0,
    rounded: bool = False,
) -> Tensor:
    """Structural similarity of each image, two of `(N, H, W, C) -> (N,)`.

    Args:
        y_true, y_pred: images of one shape.
        max_value: float, the brightest value an image can have.
        size: int, pixels of the Gaussian window's side.
        sigma: float, its standard deviation in pixels.
        luma, shave, rounded: as of `SSIM`.

    Raises:
        ValueError: for arguments out of range, for images that have no luma, and for ones smaller than the window.

    Examples:
        >>> image = np.random.default_rng(0).random((2, 16, 16, 3)).astype("float32")
        >>> [round(float(value), 2) for value in metrics.ssim(image, image)]
        [1.0, 1.0]
    """
    if len(y_true.shape) != 4:
        raise ValueError(f"ssim needs images (N, height, width, channels). Received: a shape of {tuple(y_true.shape)}.")
    broken = not_a_number(y_true, y_pred)
    y_true, y_pred = (prepare(images, max_value, luma, shave, rounded) for images in (y_true, y_pred))
    height, width, channels = y_true.shape[1:]
    if any(side is not None and side < size for side in (height, width)):
        left = f" after shave={shave}" if shave else ""
        raise ValueError(f"ssim needs images of at least {size}x{size} pixels. Received: {height}x{width}{left}.")
    # variances and covariances are those of the shifted images too, but lose less to float32 cancellation
    shift = ops.mean(y_true, axis=(1, 2), keepdims=True)
    x, y = y_true - shift, y_pred - shift

    def local_mean(image):
        for line in (window[:, None], window[None, :]):
            kernel = np.tile(line[..., None, None], (1, 1, channels, 1))
            image = ops.depthwise_conv(image, kernel, padding="valid", data_format="channels_last")
        return image

    window = np.exp(-0.5 * ((np.arange(size) - (size - 1) / 2) / sigma) ** 2)
    window = (window / window.sum()).astype("float32")
    mean_x, mean_y = local_mean(x), local_mean(y)
    variances = local_mean(x * x + y * y) - mean_x**2 - mean_y**2
    covariance = local_mean(x * y) - mean_x * mean_y
    mean_x, mean_y = mean_x + shift, mean_y + shift

    c1, c2 = (0.01 * max_value) ** 2, (0.03 * max_value) ** 2
    similarity = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    similarity = similarity / ((mean_x**2 + mean_y**2 + c1) * (variances + c2))
    return ops.mean(similarity, axis=(1, 2, 3)) + broken
