# SPDX-License-Identifier: Apache-2.0
"""Images or volumes by which the ranges of a network's values are measured."""

import os
import warnings
from pathlib import Path

import numpy as np

_MOST_OUTSIDE = 1 / 3  # of all values: noise takes some there
_LEAST_SPAN = 0.2  # of [0, 1], that pictures take up


def calibration_inputs(calibration, shapes, names, stacklevel=2):
    """Returns calibration data as a list of float32 arrays `(count, ...)` with values in [0, 1], one for each input.

    Args:
        calibration: as for `convert`; for several inputs a folder with a folder for each, or an iterable of lists, tuples or
            dicts of arrays.
        shapes: list of tuples, what the inputs take, batch 1.
        names: list of str, of the inputs.
        stacklevel: as for `calibration_images`.

    Raises:
        ValueError: those of `calibration_images`, or if an input is missing.
    """
    if len(shapes) == 1:
        return [calibration_images(calibration, shapes[0], stacklevel + 1)]
    if isinstance(calibration, (str, os.PathLike)):
        folders = [Path(calibration, name) for name in names]
        missing = [folder.name for folder in folders if not folder.is_dir()]
        if missing:
            raise ValueError(
                f"calibration must hold a folder for each input, with the input's name: {', '.join(names)}. Received: "
                f"{calibration}, without {', '.join(missing)}."
            )
        found = [calibration_images(folder, shape, stacklevel + 1) for folder, shape in zip(folders, shapes, strict=True)]
    else:
        samples = [_sample(sample, i, names) for i, sample in enumerate(calibration)]
        parts = zip(*samples, strict=True) if samples else [[]] * len(shapes)
        found = [calibration_images(part, shape, stacklevel + 1) for part, shape in zip(parts, shapes, strict=True)]
    if len({len(images) for images in found}) > 1:
        counts = ", ".join(f"{len(images)} of {name}" for images, name in zip(found, names, strict=True))
        raise ValueError(f"calibration must hold as many of each input. Received: {counts}. Pair them by their names.")
    return found


def _sample(sample, i, names):
    """One array for each input, in the model's order."""
    if isinstance(sample, dict) and set(sample) == set(names):
        return [sample[name] for name in names]
    if isinstance(sample, (list, tuple)) and len(sample) == len(names):
        return list(sample)
    said = f"a dict of {', '.join(map(str, sample))}" if isinstance(sample, dict) else f"a {type(sample).__name__}"
    said += f" of {len(sample)}" if isinstance(sample, (list, tuple)) else ""
    raise ValueError(
        f"calibration must give a list of {len(names)} arrays, or a dict, for the inputs {', '.join(names)}. Received: "
        f"sample {i} is {said}."
    )


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


def _holds_arrays(folder):
    """Whether a folder holds .npy files."""
    return Path(folder).is_dir() and any(path.suffix.lower() == ".npy" for path in Path(folder).iterdir())


def _read(calibration, shape):
    """The images, unless they do not fit."""
    if isinstance(calibration, (str, os.PathLike)):
        from keras_unetmm.data.arrays import read_array_crops
        from keras_unetmm.data.images import read_crops
        from keras_unetmm.data.volume_crops import read_volume_crops

        images = len(shape) == 4 and shape[-1] in (1, 3) and not _holds_arrays(calibration)
        read = read_crops if images else read_volume_crops if len(shape) == 5 else read_array_crops
        return read(calibration, shape[1:])
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
