# SPDX-License-Identifier: Apache-2.0
"""Reading volumes from disk."""

from pathlib import Path

import numpy as np

from keras_unetmm.data.images import damaged
from keras_unetmm.data.left_out import warn_left_out


def read_volume_crops(folder, shape):
    """Reads the centre of every volume of a folder.

    Args:
        folder: str or path of a folder with .npy files, arrays `(depth, height, width)` or with a last axis of channels:
            floats in [0, 1], or bytes.
        shape: `(depth, height, width, channels)` of the crops.

    Returns:
        float32 array `(count, depth, height, width, channels)` with values in [0, 1].

    Raises:
        ValueError: if the folder holds no volume, or one that is damaged, smaller than the crop or outside [0, 1].
    """
    return np.stack([read_volume_crop(path, shape) for path in volume_paths(folder)])


def volume_paths(folder):
    """Returns the .npy files of a folder, sorted by name; warns with the names of volumes and images of other kinds.

    Raises:
        ValueError: if there is no such folder, it cannot be read, or holds no volume.
    """
    try:
        every = sorted(Path(folder).iterdir())
    except OSError as error:
        raise ValueError(f"{folder} must be a folder of volumes that can be read. Received: {error.strerror}.") from error
    paths = [path for path in every if path.suffix.lower() == ".npy" and not path.name.startswith(".")]
    warn_left_out(folder, set(every) - set(paths), "only .npy is read")
    if not paths:
        raise ValueError(f"{folder} must hold at least one volume (.npy). Received: a folder without any.")
    return paths


def read_volume_crop(path, shape):
    """Reads the centre of one volume; otherwise like `read_volume_crops`."""
    try:
        volume = np.load(path, allow_pickle=False)
        if not isinstance(volume, np.ndarray):
            raise ValueError("it holds several arrays")
    except (OSError, ValueError, EOFError) as error:
        raise damaged(path, "a volume", error) from error
    *size, channels = shape
    volume = volume[..., None] if volume.ndim == 3 and channels == 1 else volume
    if volume.ndim != 4 or volume.shape[-1] != channels or any(s < w for s, w in zip(volume.shape, size, strict=False)):
        raise ValueError(
            f"{path} must hold at least {'x'.join(map(str, size))} voxels of {channels} channels, the size of the model's "
            f"input. Received: {volume.shape}. Take it out of the folder or choose a smaller size."
        )
    if volume.dtype == np.uint8:
        volume = volume / np.float32(255)
    if volume.dtype.kind != "f" or not (np.isfinite(volume).all() and volume.min() >= 0 and volume.max() <= 1):
        raise ValueError(f"{path} must hold finite floats in [0, 1], or bytes. Received: {volume.dtype}. Scale it.")
    start = [(s - w) // 2 for s, w in zip(volume.shape, size, strict=False)]
    return volume[tuple(slice(a, a + w) for a, w in zip(start, size, strict=True))].astype("float32")
