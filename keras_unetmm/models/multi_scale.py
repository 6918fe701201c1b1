# SPDX-License-Identifier: Apache-2.0
"""Segmentation at several scales and mirrored, averaged: how SUNets (arXiv 1804.10343) and their rivals are tested."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from keras_unetmm.keras_types import Activation
from keras_unetmm.types import Tensor

AVERAGES = ("probabilities", "logits")
OVERLAP = 2 / 3  # of a window, from one to the next


def predict_multi_scale(
    model: keras.Model,
    images: Tensor,
    scales: Sequence[float] = (0.5, 0.75, 1.0, 1.25),
    flip: bool = True,
    multiple: int = 32,
    batch_size: int = 8,
    activation: Activation = None,
    average: str = "probabilities",
    window: int | None = None,
    shorter_side: int | None = None,
    fill: float | Sequence[float] = 0.0,
) -> np.ndarray | list[np.ndarray]:
    """Segments images at several scales, each also mirrored left to right, and averages the probabilities.

    Each image is resized bilinearly (smoothed where it shrinks), segmented, and the result resized back. The paper does
    not say what it averages; the authors' code adds the logits of an image and its mirror image before the softmax,
    resizes images so that the shorter side has 512 pixels at scale 1, cuts them into windows of 512x512 pixels
    (`shorter_side=512, window=512`), and averages probabilities over scales. Here all are probabilities, or all are logits.

    Args:
        model: a `keras.Model` that takes images of any size, `(N, H, W, C) -> (N, h, w, classes)`.
        images: array `(N, H, W, C)` as the model takes it, or a list of arrays `(H, W, C)` of different sizes.
        scales: tuple of float, of height and width. The paper's Cityscapes results go up to 2.5.
        flip: bool, whether mirror images are segmented too.
        multiple: int, to which scaled sizes are rounded, at least once: 32 suits every network of this package; 1 does
            for those that take any size, such as SUNets.
        batch_size: int, images that the model is given at once.
        activation: str or callable that makes probabilities of the model's outputs, `"softmax"` or `"sigmoid"` for
            logits; None if they are probabilities.
        average: `"probabilities"`, those of each scale and mirror image; or `"logits"`, the outputs as they are, of which
            `activation` then makes probabilities.
        window: int, pixels: resized images are cut into square windows, each two thirds of a window beyond the last, whose
            results are averaged where they overlap; smaller ones are padded. None segments them whole.
        shorter_side: int, pixels of the shorter side at scale 1, to which images are enlarged or shrunk; None for their own.
        fill: float, or one a channel: what windows are padded with, as the model takes it.

    Returns:
        float32 array `(N, H, W, classes)`; of a list, a list of arrays `(H, W, classes)`.

    Raises:
        ValueError: for a model of fixed size or several outputs, or images, scales, a `multiple`, `average`, `window` or
            `shorter_side` that do not fit.

    Examples:
        >>> model = models.UNet(channels=4, levels=2, classes=3, input_shape=(None, None, 3))
        >>> models.predict_multi_scale(model, np.zeros((1, 64, 64, 3)), scales=(0.5, 1.0)).shape
        (1, 64, 64, 3)
    """
    if average not in AVERAGES:
        raise ValueError(f"average must be one of {', '.join(map(repr, AVERAGES))}. Received: {average!r}.")
    for name, pixels in (("window", window), ("shorter_side", shorter_side)):
        if pixels is not None and (not isinstance(pixels, int) or pixels < 1):
            raise ValueError(f"{name} must be a positive number of pixels, or None. Received: {pixels!r}.")
    if window is not None and isinstance(multiple, int) and multiple > 0 and window % multiple:
        raise ValueError(f"window must be a multiple of {multiple}, which the network asks for. Received: {window}.")
    activation = keras.activations.get(activation)
    before, after = (activation, None) if average == "probabilities" else (keras.activations.linear, activation)
    how = _How(tuple(scales) if isinstance(scales, list) else scales, flip, multiple, window, shorter_side, fill)

    def found(batch):
        made = how.averaged(model, batch, before)
        return made if after is None else ops.convert_to_numpy(after(ops.convert_to_tensor(made)))

    if isinstance(images, (list, tuple)):
        single = [np.asarray(image, "float32")[None] for image in images]
        for image in single:
            _check(model, image, scales, multiple)
        return [found(image)[0] for image in single]
    images = np.asarray(images, "float32")
    _check(model, images, scales, multiple)
    return np.concatenate([found(images[i : i + batch_size]) for i in range(0, len(images), batch_size)])


@dataclass(frozen=True)
class _How:
    """How images are segmented several times; see `predict_multi_scale`."""

    scales: Sequence[float]
    flip: bool
    multiple: int
    window: int | None
    shorter_side: int | None
    fill: float | Sequence[float]

    def averaged(self, model, images, activation):
        """The mean of what a model makes of a batch at all scales, of the size of the images."""
        total, size = 0.0, images.shape[1:3]
        whole = 1.0 if self.shorter_side is None else self.shorter_side / min(size)
        for scale in self.scales:
            scaled = tuple(self._rounded(side * scale * whole) for side in size)
            x = ops.convert_to_numpy(ops.image.resize(images, scaled, antialias=True, data_format="channels_last"))
            for mirrored in (False, True)[: 1 + self.flip]:
                y = self._segmented(model, x[:, :, ::-1] if mirrored else x, activation)
                y = ops.convert_to_numpy(ops.image.resize(y, size, data_format="channels_last"))
                total = total + (y[:, :, ::-1] if mirrored else y)
        return total / np.float32(len(self.scales) * (1 + self.flip))

    def _rounded(self, side):
        multiple = 1 if self.window else self.multiple  # windows have the size that the network asks for
        return max(round(side / multiple), 1) * multiple

    def _segmented(self, model, x, activation):
        """What a model makes of resized images: whole, or the mean over windows."""
        if self.window is None:
            return activation(ops.cast(model.predict_on_batch(x), "float32"))
        height, width = x.shape[1:3]
        spare = [max(self.window - side, 0) for side in (height, width)]
        before = [gap // 2 for gap in spare]
        padded = np.empty((len(x), height + spare[0], width + spare[1], x.shape[-1]), "float32")
        padded[...] = self.fill
        inside = np.s_[:, before[0] : before[0] + height, before[1] : before[1] + width]
        padded[inside] = x
        total, count = None, np.zeros(padded.shape[1:3], "float32")
        for top in window_starts(padded.shape[1], self.window):
            for left in window_starts(padded.shape[2], self.window):
                place = np.s_[top : top + self.window, left : left + self.window]
                y = ops.cast(model.predict_on_batch(padded[:, *place]), "float32")
                y = ops.image.resize(activation(y), (self.window, self.window), data_format="channels_last")
                y = ops.convert_to_numpy(y)
                total = np.zeros((*padded.shape[:3], y.shape[-1]), "float32") if total is None else total
                total[:, *place] += y
                count[place] += 1
        return (total / count[..., None])[inside]


def window_starts(side: int, window: int) -> list[int]:
    """Returns where windows begin along a side: each two thirds of a window beyond the last, which ends where the side does.

    Args:
        side: int, pixels, at least a window.
        window: int, pixels.
    """
    stride = math.ceil(window * OVERLAP)
    return [min(start, side - window) for start in range(0, side - window + stride, stride)]


def _check(model, images, scales, multiple):
    if len(model.outputs) != 1 or len(model.inputs) != 1 or len(model.inputs[0].shape) != 4:
        raise ValueError(
            "model must take one batch of images (N, H, W, C) and return one map of classes. "
            f"Received: inputs {[x.shape for x in model.inputs]} and outputs {[x.shape for x in model.outputs]}."
        )
    _, height, width, channels = model.inputs[0].shape
    if height is not None or width is not None:
        raise ValueError(
            f"model must take images of any size. Received: one for {height}x{width} pixels. "
            f"Build it with input_shape=(None, None, {channels}) and copy the weights with set_weights."
        )
    if images.ndim != 4 or not images.size or images.shape[-1] != channels:
        raise ValueError(f"images must be (N, H, W, {channels}), at least one. Received: an array of {images.shape}.")
    if not isinstance(scales, (tuple, list)) or not scales or not all(scale > 0 for scale in scales):
        raise ValueError(f"scales must be a tuple of positive numbers. Received: {scales!r}.")
    if not isinstance(multiple, int) or multiple < 1:
        raise ValueError(f"multiple must be a positive integer. Received: {multiple!r}.")
