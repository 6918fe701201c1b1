# SPDX-License-Identifier: Apache-2.0
"""A folder of a user's own photographs."""

import functools
from pathlib import Path

from keras_unetmm.data.dataset import DataSet
from keras_unetmm.data.images import read_pixels
from keras_unetmm.data.layout import reader
from keras_unetmm.data.own_files import own_files, split_of
from keras_unetmm.data.tiny import smooth_picture, write_tiny
from keras_unetmm.types import PathLike


def _tiny(folder, rng):
    for i in range(4):
        write_tiny(Path(folder) / "photographs" / f"{i}.png", smooth_picture(rng, 80 - 8 * i, 96))


@reader(tiny=_tiny)
def photographs(
    folder: PathLike,
    images: PathLike = "photographs",
    split: str | None = None,
    validation: float = 0.1,
    seed: int = 0,
    channels: int = 3,
    multiple: int = 1,
) -> DataSet:
    """Reads a folder of photographs, and the folders below it: clean images to degrade and restore.

    JPEG, PNG, TIFF, WebP and BMP, suffixes in any case, 8 and 16 bits, gray, colour, CMYK, and with transparency, which is
    left out; turned as their EXIF orientation says.

    Args:
        folder: str or path that `images` is relative to.
        images: str or path of the folder of photographs; an absolute path stands for itself.
        split: `"train"`, `"validation"`, or None for all.
        validation: float, share that is for validation, drawn by the seed; or int, how many.
        seed: int.
        channels: 3 for RGB, 1 for gray.
        multiple: int, pixels: images are cut below and to the right to multiples of it, as enlarging by it needs.

    Returns:
        A `DataSet` of `(clean, clean)`, uint8 or uint16 `(H, W, channels)`.

    Raises:
        MissingDataError: if there is no such folder, or no photograph in it.
        ValueError: for another split, share or number of channels.

    Examples:
        >>> data.photographs(".", "photos")[0][0].shape
        (24, 32, 3)
    """
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 (gray) or 3 (RGB). Received: {channels!r}.")
    root = Path(folder) / images
    paths = split_of(list(own_files(root, what="photographs").values()), split, validation, seed, root)
    name = " ".join(filter(None, (root.name or str(root), split)))
    return DataSet(name, tuple((path,) for path in paths), functools.partial(_read, channels, multiple))


def _read(channels, multiple, example):
    clean = read_pixels(example[0], channels)
    height, width = (side - side % multiple for side in clean.shape[:2])
    clean = clean[:height, :width]
    return clean, clean
