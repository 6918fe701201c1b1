"""Segmentation at several scales and mirrored, averaged: how SUNets (arXiv 1804.10343) and their rivals are tested."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_unetmm.types import Tensor

AVERAGES = ("probabilities", "logits")


def predict_multi_scale(
    model: keras.Model,
    images: Tensor,
    scales: Sequence[Any] = (0.5, 0.75, 1.0, 1.25),
    flip: bool = True,
    multiple: int = 32,
    batch_size: int = 8,
    activation: Any = None,
    average: str = "probabilities",
) -> Any:
    """Segments images at several scales, each also mirrored left to right, and averages the probabilities.

    Each image is resized bilinearly (smoothed where it shrinks), segmented, and the result resized back. The paper does
    not say what it averages; the authors' code adds the logits of an image and its mirror image before the softmax,
    cuts images into windows, and averages probabilities over scales. Here all are probabilities, of whole images, or all
    are logits.

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

    Returns:
        float32 array `(N, H, W, classes)`; of a list, a list of arrays `(H, W, classes)`.

    Raises:
        ValueError: for a model of fixed size or several outputs, or images, scales, a `multiple` or an
            `average` that do not fit.
    """
    if average not in AVERAGES:
        raise ValueError(f"average must be one of {', '.join(map(repr, AVERAGES))}. Received: {average!r}.")
    if isinstance(images, (list, tuple)):
        return [
            predict_multi_scale(model, np.asarray(image)[None], scales, flip, multiple, 1, activation, average)[0]
            for image in images
        ]
    images = np.asarray(images, "float32")
    _check(model, images, scales, multiple)
    activation = keras.activations.get(activation)
    batches = [images[i : i + batch_size] for i in range(0, len(images), batch_size)]
    before, after = (activation, None) if average == "probabilities" else (keras.activations.linear, activation)
    found = np.concatenate([_averaged(model, batch, scales, flip, multiple, before) for batch in batches])
    return found if after is None else ops.convert_to_numpy(after(ops.convert_to_tensor(found)))


def _averaged(model, images, scales, flip, multiple, activation):
    total, size = 0.0, images.shape[1:3]
    for scale in scales:
        scaled = tuple(max(round(side * scale / multiple), 1) * multiple for side in size)
        x = ops.convert_to_numpy(ops.image.resize(images, scaled, antialias=True, data_format="channels_last"))
        for mirrored in (False, True)[: 1 + flip]:
            y = model.predict_on_batch(x[:, :, ::-1] if mirrored else x)
            y = ops.image.resize(activation(ops.cast(y, "float32")), size, data_format="channels_last")
            y = ops.convert_to_numpy(y)
            total = total + (y[:, :, ::-1] if mirrored else y)
    return total / np.float32(len(scales) * (1 + flip))


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
