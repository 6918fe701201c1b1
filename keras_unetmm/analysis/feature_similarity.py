# SPDX-License-Identifier: Apache-2.0
"""How much of the encoder's maps the information enhancement modules restore: Table 2 of UNet-- (arXiv 2412.18276)."""

import keras
import numpy as np
from keras import ops

from keras_unetmm.analysis.stages import restored_maps, values
from keras_unetmm.metrics import ssim
from keras_unetmm.types import Tensor

WINDOW = 11


def feature_similarity(model: keras.Model, images: Tensor) -> dict[int, float]:
    """Returns the SSIM between each encoder map and the map that the skips restore of it, `{level: mean over images}`.

    The paper does not say how maps are brought to the range of an image. Here each channel of each map is scaled to
    [0, 1] by itself, so that the likeness of structure counts and every channel counts the same; a constant one is 0.

    Args:
        model: a functional `keras.Model` of this package with `skips="unet--"`.
        images: array `(N, H, W, C)`, as the model takes them.

    Raises:
        ValueError: for a model without such skips, or whose skips restore other channels than were kept, and for images
            that do not fit, or whose coarsest kept map is smaller than SSIM's window of 11x11.

    Examples:
        >>> model = models.UNet(channels=8, levels=3, up="halving", skips="unet--", input_shape=(64, 64, 3))
        >>> list(analysis.feature_similarity(model, np.random.default_rng(0).random((1, 64, 64, 3))))
        [0, 1]
    """
    pairs = restored_maps(model)
    for level, (kept, restored) in pairs.items():
        if kept.shape[-1] != restored.shape[-1]:
            raise ValueError(
                f"model must restore as many channels as its encoder had. Received: {model.name}, whose level {level} had "
                f"{kept.shape[-1]} and gets {restored.shape[-1]}, which have no SSIM. A U-Net with up='halving' does."
            )
    arrays = values(model, [tensor for pair in pairs.values() for tensor in pair], images)
    _validate_large_enough(np.shape(images), arrays[-1].shape[1:3])
    return {level: _similarity(arrays[2 * i], arrays[2 * i + 1]) for i, level in enumerate(pairs)}


def _validate_large_enough(shape, coarsest):
    if min(coarsest) < WINDOW:
        fit = tuple(size * -(-WINDOW // own) for size, own in zip(shape[1:3], coarsest, strict=True))
        raise ValueError(
            f"images must be large enough for SSIM's window of {WINDOW}x{WINDOW} on every map. Received: shape {shape}, of "
            f"which a map of {coarsest[0]}x{coarsest[1]} is made. Images of {fit[0]}x{fit[1]} do."
        )


def _similarity(kept, restored):
    return float(ops.convert_to_numpy(ops.mean(ssim(_scaled(kept), _scaled(restored)))))


def _scaled(maps):
    low, high = (find(maps, axis=(1, 2), keepdims=True) for find in (np.min, np.max))
    return (maps - low) / np.where(high > low, high - low, 1)
