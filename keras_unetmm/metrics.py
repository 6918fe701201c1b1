"""Image quality metrics, for `model.compile` or to call on arrays; values averaged over images."""

import math

import keras
import numpy as np
from keras import ops

from keras_unetmm.losses import mean_squared_error


@keras.saving.register_keras_serializable("keras_unetmm")
class PSNR(keras.metrics.MeanMetricWrapper):
    """Peak signal to noise ratio in dB: `10 log10(max_value**2 / mean((x - y)**2))`, infinite for equal images.

    Args:
        max_value: float, the brightest value an image can have.
    """

    def __init__(self, max_value=1.0, name="psnr", dtype=None):
        super().__init__(psnr, name=name, dtype=dtype, max_value=max_value)
        self.max_value = max_value
        self._direction = "up"

    def get_config(self):
        return {"name": self.name, "dtype": self.dtype, "max_value": self.max_value}


@keras.saving.register_keras_serializable("keras_unetmm")
class SSIM(keras.metrics.MeanMetricWrapper):
    """Structural similarity, Wang et al. 2004, equation 13, over a Gaussian window of 11 x 11 pixels, sigma 1.5.

    Equal to scikit-image's `structural_similarity(..., gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False)`: windows that reach over the border are left out.

    Args:
        max_value: float, the brightest value an image can have.
    """

    def __init__(self, max_value=1.0, name="ssim", dtype=None):
        super().__init__(ssim, name=name, dtype=dtype, max_value=max_value)
        self.max_value = max_value
        self._direction = "up"

    def get_config(self):
        return {"name": self.name, "dtype": self.dtype, "max_value": self.max_value}


def psnr(y_true, y_pred, max_value=1.0):
    """Peak signal to noise ratio of each image in dB, two of `(N, H, W, C) -> (N,)`."""
    return 10 / math.log(10) * ops.log(max_value**2 / mean_squared_error(y_true, y_pred))


def ssim(y_true, y_pred, max_value=1.0, size=11, sigma=1.5):
    """Structural similarity of each image, two of `(N, H, W, C) -> (N,)`.

    Args:
        y_true, y_pred: images of one shape.
        max_value: float, the brightest value an image can have.
        size: int, pixels of the Gaussian window's side.
        sigma: float, its standard deviation in pixels.

    Raises:
        ValueError: if the images are smaller than the window.
    """
    if len(y_true.shape) != 4:
        raise ValueError(f"ssim needs images (N, height, width, channels). Received: a shape of {tuple(y_true.shape)}.")
    height, width, channels = y_true.shape[1:]
    if None not in (height, width) and min(height, width) < size:
        raise ValueError(f"ssim needs images of at least {size}x{size} pixels. Received: {height}x{width}.")
    y_true, y_pred = ops.cast(y_true, "float32"), ops.cast(y_pred, "float32")
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
    return ops.mean(similarity, axis=(1, 2, 3))
