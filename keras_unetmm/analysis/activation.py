# SPDX-License-Identifier: Apache-2.0
"""What a network's stages respond to: figure 5 of SUNets (arXiv 1804.10343)."""

import keras
import numpy as np

from keras_unetmm.analysis.stages import level_maps, stage_maps, values
from keras_unetmm.types import Tensor

CHANNELS = ("mean", "strongest")


def activation_maps(model: keras.Model, images: Tensor, channel: str = "mean") -> dict[str, np.ndarray]:
    """Returns how strongly each place of each stage's map responds, `{stage: array (N, *spatial)}`.

    Args:
        model: a functional `keras.Model` of this package; see `keras_unetmm.analysis.stages.stage_maps` for its stages.
        images: array `(N, *spatial, C)`, as the model takes them.
        channel: `"mean"`, the mean of the absolute values over the channels; or `"strongest"`, of each image and stage the
            channel whose absolute values sum to most, as the paper's figure has it.

    Raises:
        ValueError: for a model without stages, images that do not fit, or another channel.

    Examples:
        >>> model = models.UNet(channels=4, levels=2, skips="sat", input_shape=(32, 32, 3))
        >>> analysis.activation_maps(model, np.zeros((1, 32, 32, 3)))["enc0"].shape
        (1, 32, 32)
    """
    return _maps(model, stage_maps(model), images, channel)


def level_activation_maps(model: keras.Model, images: Tensor, channel: str = "strongest") -> dict[str, np.ndarray]:
    """Returns the maps of figure 5 of the paper: the levels of a SUNet that segments, and the classes that it tells.

    Args:
        model: a `SUNetSegmentation`.
        images: array `(N, H, W, C)`, as the model takes them.
        channel: as of `activation_maps`.

    Returns:
        dict of arrays `(N, h, w)`: `level1` is the residual block, `level2` to `level5` the ends of the four blocks,
        `level6` the map of classes before it is resized, `classes` the label of each pixel.

    Raises:
        ValueError: for another model, images that do not fit, or another channel.

    Examples:
        >>> model = models.SUNetSegmentation(filters=8, classes=3, input_shape=(64, 64, 3))
        >>> analysis.level_activation_maps(model, np.zeros((1, 64, 64, 3)))["level1"].shape
        (1, 16, 16)
    """
    found = _maps(model, level_maps(model), images, channel)
    (output,) = values(model, [model.outputs[0]], images)
    labels = output.argmax(-1) if output.shape[-1] > 1 else output[..., 0] > 0.5
    return {**found, "classes": labels.astype("float32")}


def _maps(model, maps, images, channel):
    if channel not in CHANNELS:
        raise ValueError(f"channel must be one of {', '.join(map(repr, CHANNELS))}. Received: {channel!r}.")
    arrays = values(model, maps.values(), images)
    reduced = _strongest if channel == "strongest" else lambda array: np.abs(array).mean(-1)
    return {name: reduced(array) for name, array in zip(maps, arrays, strict=True)}


def _strongest(array):
    """Of each image the channel whose absolute values sum to most."""
    sums = np.abs(array).sum(tuple(range(1, array.ndim - 1)))  # (N, C)
    chosen = sums.argmax(-1).reshape(-1, *[1] * (array.ndim - 1))
    return np.take_along_axis(array, chosen, axis=-1)[..., 0]
