"""Images or volumes by which the ranges of a network's values are measured."""

import os
import warnings

import numpy as np

_MOST_OUTSIDE = 1 / 3  # of all values: noise takes some there
_LEAST_SPAN = 0.2  # of [0, 1], that pictures take up


def calibration_images(calibration, shape, stacklevel=2):
    """Returns calibration data as one float32 array `(count, H, W, C)` or `(count, D, H, W, C)` with values in [0, 1].

    Args:
        calibration: as for `convert`.
        shape: `(1, height, width, channels)` that the model takes, or `(1, depth, height, width, channels)`.

        stacklevel: int, whose line a warning names, as of `warnings.warn`: 2 is the caller's.

    Raises:
        ValueError: if there is none, or one that does not fit, or all values are the same.

    Warns:
        UserWarning: if the values take up so small a part of [0, 1] that they may have been scaled twice.
    """
    images = _read(calibration, shape)
    low, high = float(images.min()), float(images.max())
    if low == high:
        raise ValueError(
            f"calibration must hold pictures, from which the ranges of the network's values are measured. Received: "
            f"{len(images)} whose values are all {low:.3g}. Pass 20 to 200 typical inputs."
        )
    if high - low < _LEAST_SPAN:
        warnings.warn(
            f"The calibration images hold values from {low:.3g} to {high:.3g} only; the device's bytes stand for 0 to 1. If "
            "they were scaled by 1/255 twice, or normalised, pass them as they were; else add others, or the file cuts off "
            "what those make.",
            stacklevel=stacklevel,
        )
    return images


def _read(calibration, shape):
    """The images, unless they do not fit."""
    if isinstance(calibration, (str, os.PathLike)):
        from keras_unetmm.data.images import read_crops
        from keras_unetmm.data.volume_crops import read_volume_crops

        return (read_crops if len(shape) == 4 else read_volume_crops)(calibration, shape[1:])
    if not hasattr(calibration, "__iter__"):
        raise ValueError(
            f"calibration must be a folder, or an iterable of arrays of shape {shape[1:]}. Received: {calibration!r}."
        )
    images = []
    for i, image in enumerate(calibration):
        if isinstance(image, (tuple, list, dict)):
            raise ValueError(
                f"calibration must give arrays of shape {shape[1:]}. Received: image {i} is a {type(image).__name__}. Give "
                "the inputs alone, without labels."
            )
        values = np.asarray(image)
        values = values[0] if values.ndim == len(shape) and len(values) == 1 else values
        if values.shape != shape[1:] or values.dtype.kind != "f" or not np.isfinite(values).all():
            raise ValueError(
                f"calibration must give finite float images of shape {shape[1:]}. Received: image {i} of shape "
                f"{values.shape} and type {values.dtype}. Crop it to the model's size and scale bytes by 1/255."
            )
        images.append(values.astype("float32"))
    if not images:
        raise ValueError("calibration must give at least one image. Received: none. Pass 20 to 200 typical inputs.")
    images = np.stack(images)
    low, high = float(images.min()), float(images.max())
    outside = float(np.mean((images < 0) | (images > 1)))
    if low < -1 or high > 2 or outside > _MOST_OUTSIDE:
        raise ValueError(
            f"calibration must hold values in [0, 1], as the device's bytes stand for. Received: {low:.3g} to {high:.3g}, "
            f"{outside:.0%} of them outside. "
            "Scale bytes by 1/255; a model's own normalisation belongs into the arguments mean and std."
        )
    return np.clip(images, 0, 1)
