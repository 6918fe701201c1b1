# SPDX-License-Identifier: Apache-2.0
"""Losses of restored images."""

import math

import keras
from keras import ops

from keras_unetmm.keras_types import Config, DType
from keras_unetmm.types import Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class PSNRLoss(keras.losses.Loss):
    """The negative PSNR of each image, the loss of NAFNet and UNet-- : `10 log10(mean((x - y)**2) + epsilon)`.

    Args:
        epsilon: float, bounds the loss where both images are equal.

    Shape: two of `(N, H, W, C)` with values in [0, 1] `-> (N,)` before the reduction, in dB.

    Examples:
        >>> image = np.zeros((1, 8, 8, 3), "float32")
        >>> round(float(losses.PSNRLoss()(image, image + 0.1)), 2)
        -20.0
    """

    def __init__(
        self, epsilon: float = 1e-8, reduction: str = "sum_over_batch_size", name: str = "psnr_loss", dtype: DType = None
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.epsilon = epsilon

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return 10 / math.log(10) * ops.log(mean_squared_error(y_true, y_pred) + self.epsilon)

    def get_config(self) -> Config:
        return {**super().get_config(), "epsilon": self.epsilon}


def mean_squared_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The mean squared error of each image, `(N, ...) -> (N,)`.

    Examples:
        >>> image = np.zeros((2, 8, 8, 3), "float32")
        >>> losses.mean_squared_error(image, image + 1).shape == (2,)
        True
    """
    difference = ops.cast(y_true, "float32") - ops.cast(y_pred, "float32")  # bytes would wrap around
    return ops.mean(ops.square(difference), axis=tuple(range(1, len(difference.shape))))
