# SPDX-License-Identifier: Apache-2.0
"""Losses of alpha mattes."""

import keras
from keras import ops

from keras_unetmm.keras_types import Config, DType
from keras_unetmm.losses.shapes import same_size
from keras_unetmm.types import Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class MattingLoss(keras.losses.Loss):
    """Weighted mean absolute difference of alpha: `sum(w |a - b|) / sum(w)` over an image, mean over images.

    Args:
        unknown_weight: float, w where the trimap is unknown; elsewhere w is 1.

    Raises:
        ValueError: for a negative weight and for shapes that do not fit.

    Shape: alpha in [0, 1] and, needed for other weights than 1, 1 where the trimap is unknown `(N, H, W, 2)`; alpha
    `(N, H, W, 1) -> (N,)` before the reduction.

    Examples:
        >>> alpha = np.full((1, 4, 4, 2), 0.5, "float32")
        >>> round(float(losses.MattingLoss()(alpha, alpha[..., :1] + 0.1)), 4)
        0.1
    """

    def __init__(
        self,
        unknown_weight: float = 1.0,
        reduction: str = "sum_over_batch_size",
        name: str = "matting_loss",
        dtype: DType = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if unknown_weight < 0:
            raise ValueError(f"unknown_weight must be at least 0. Received: {unknown_weight}. Take 1 for a plain mean.")
        self.unknown_weight = unknown_weight

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        difference, unknown = alpha_difference(y_true, y_pred, with_unknown=self.unknown_weight != 1)
        if unknown is None:
            return ops.mean(difference, axis=(1, 2, 3))
        weights = 1 + (self.unknown_weight - 1) * unknown
        total = ops.maximum(ops.sum(weights, axis=(1, 2, 3)), keras.config.epsilon())
        return ops.sum(weights * difference, axis=(1, 2, 3)) / total

    def get_config(self) -> Config:
        return {**super().get_config(), "unknown_weight": self.unknown_weight}


def alpha_difference(y_true: Tensor, y_pred: Tensor, with_unknown: bool) -> tuple[Tensor, Tensor | None]:
    """Returns `|alpha - y_pred|` and, if asked, 1 where the trimap is unknown, else None; each `(N, H, W, 1)`.

    Raises:
        ValueError: unless y_true is `(N, H, W, 2)`, or 1 channel without the trimap, and y_pred `(N, H, W, 1)`.

    Examples:
        >>> alpha = np.full((1, 2, 2, 1), 0.5, "float32")
        >>> losses.alpha_difference(alpha, alpha + 0.25, with_unknown=False)[0].shape == (1, 2, 2, 1)
        True
    """
    channels = (2,) if with_unknown else (1, 2)
    if len(y_true.shape) != 4 or not same_size(y_true, y_pred) or y_true.shape[-1] not in channels or y_pred.shape[-1] != 1:
        raise ValueError(
            "y_true must be (N, H, W, 2), alpha and the unknown region, and y_pred (N, H, W, 1), of one size. "
            f"Received: shapes {tuple(y_true.shape)} and {tuple(y_pred.shape)}. Stack both maps of y_true in its channels."
        )
    y_true = ops.cast(y_true, "float32")
    difference = ops.abs(y_true[..., :1] - ops.cast(y_pred, "float32"))
    return difference, y_true[..., 1:] if with_unknown else None
