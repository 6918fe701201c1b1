# SPDX-License-Identifier: Apache-2.0
"""Metrics of the papers, for `model.compile` or to call on arrays: mean over images, MeanIoU over all pixels.

Top-1 and top-5 of classes `(N,)` are Keras's own `SparseCategoricalAccuracy` and `SparseTopKCategoricalAccuracy(k=5)`.
"""

from keras_unetmm.metrics.dice import Dice
from keras_unetmm.metrics.error_rates import FalseNegativeRate, FalsePositiveRate
from keras_unetmm.metrics.matting import SAD, MattingMSE
from keras_unetmm.metrics.mean_iou import MeanIoU
from keras_unetmm.metrics.peak_signal_to_noise import PSNR, psnr
from keras_unetmm.metrics.spread import spread
from keras_unetmm.metrics.structural_similarity import SSIM, ssim
from keras_unetmm.metrics.surfaces import BoundaryF1, ComponentError, HausdorffDistance95

__all__ = [
    "PSNR",
    "SAD",
    "SSIM",
    "BoundaryF1",
    "ComponentError",
    "Dice",
    "FalseNegativeRate",
    "FalsePositiveRate",
    "HausdorffDistance95",
    "MattingMSE",
    "MeanIoU",
    "psnr",
    "spread",
    "ssim",
]
