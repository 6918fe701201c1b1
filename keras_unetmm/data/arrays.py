# SPDX-License-Identifier: Apache-2.0
"""Reading arrays of any number of channels from disk: .npy files, and TIFF files with a page for each channel."""

from pathlib import Path

import numpy as np
from PIL import Image

from keras_unetmm.data.images import as_floats, damaged
from keras_unetmm.data.left_out import warn_left_out

SUFFIXES = (".npy", ".tif", ".tiff")


def array_paths(folder):
    """Returns the .npy and TIFF files of a folder, sorted by name; warns with the names of images of other kinds.

    Raises:
        ValueError: if there is no such folder, it cannot be read, or holds no such file.
    """
    try:
        every = sorted(Path(folder).iterdir())
    except OSError as error:
        raise ValueError(f"{folder} must be a folder of arrays that can be read. Received: {error.strerror}.") from error
    paths = [path for path in every if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")]
    warn_left_out(folder, set(every) - set(paths), f"only {', '.join(SUFFIXES)} are read for a model of that many channels")
    if not paths:
        raise ValueError(
            f"{folder} must hold at least one array ({', '.join(SUFFIXES)}), as the model takes no gray or RGB images. "
            "Received: a folder without any. Save each input with numpy.save."
        )
    return paths


def read_array_crops(folder, shape):
    """Reads the centre of every array of a folder.

    Args:
        folder: str or path of a folder with .npy files, arrays of the shape's axes, or without the last where it is 1; or,
            of images, TIFF files with a page for each channel. Floats in [0, 1], or bytes or 16-bit integers.
        shape: `(..., channels)` of the crops.

    Returns:
        float32 array `(count, ..., channels)`.

    Raises:
        ValueError: if the folder holds no array, or one that is damaged, or smaller than the crop.
    """
    return np.stack([read_array_crop(path, shape) for path in array_paths(folder)])


def read_array_crop(path, shape):
    """Reads the centre of one array; otherwise like `read_array_crops`."""
    *size, channels = shape
    array = _read(path)
    array = array[..., None] if array.ndim == len(size) and channels == 1 else array
    if (
        array.ndim != len(shape)
        or array.shape[-1] != channels
        or any(a < w for a, w in zip(array.shape, size, strict=False))
    ):
        raise ValueError(
            f"{path} must hold an array of at least {tuple(shape)}, channels last. Received: {array.shape}. "
            "Take it out of the folder, move its channels to the end, or choose a smaller size."
        )
    start = [(a - w) // 2 for a, w in zip(array.shape, size, strict=False)]
    return as_floats(array[tuple(slice(a, a + w) for a, w in zip(start, size, strict=True))])


def _read(path):
    try:
        if path.suffix.lower() == ".npy":
            array = np.load(path, allow_pickle=False)
            if not isinstance(array, np.ndarray) or array.dtype.kind not in "fu":
                raise ValueError("it must hold floats, bytes or unsigned integers")
            return array
        with Image.open(path) as image:
            pages = []
            for page in range(getattr(image, "n_frames", 1)):
                image.seek(page)
                pages.append(np.asarray(image))
        array = np.stack(pages, axis=-1)
        if array.ndim != 3:
            raise ValueError(f"its pages must be gray, one for each channel, and have the mode {image.mode!r}")
        return array.astype("uint8") * 255 if array.dtype == bool else array
    except Exception as error:  # Pillow and numpy raise nearly anything for a damaged file
        raise damaged(path, "an array", error) from error
