# SPDX-License-Identifier: Apache-2.0
"""Losses of the papers, and what they share with the metrics: which labels and mattes fit a prediction."""

from keras_unetmm.losses.masks import CrossEntropy, DiceLoss, MaskLoss, SegmentationLoss
from keras_unetmm.losses.mattes import MattingLoss, alpha_difference
from keras_unetmm.losses.restoration import PSNRLoss, mean_squared_error
from keras_unetmm.losses.shapes import check_mask_arguments, check_masks, foreground, where_label
from keras_unetmm.losses.weights import balanced_weights

__all__ = [
    "CrossEntropy",
    "DiceLoss",
    "MaskLoss",
    "MattingLoss",
    "PSNRLoss",
    "SegmentationLoss",
    "alpha_difference",
    "balanced_weights",
    "check_mask_arguments",
    "check_masks",
    "foreground",
    "mean_squared_error",
    "where_label",
]
