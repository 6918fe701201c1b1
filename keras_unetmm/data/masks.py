"""Masks, the images they belong to, and what the readers of masks share."""

import functools
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from keras_unetmm.data.dataset import DataSet
from keras_unetmm.data.images import damaged, read_pixels, same_size
from keras_unetmm.data.layout import MissingDataError, partner, whole


def read_mask(path, classes, ignore=None, mapping=None):
    """Reads the mask of an image from a gray or palette file, whose pixels are labels.

    Args:
        path: str or path.
        classes: int, labels 0 to `classes - 1`; 1 and 2 are both the labels 0 and 1.
        ignore: int, the label that counts nowhere, or None.
        mapping: dict from every label the file can hold to the label it becomes; None keeps the labels, `ignore` among them.

    Returns:
        uint8 array `(height, width)`.

    Raises:
        DamagedFileError: a `ValueError`, if the file is not an image or is damaged.
        ValueError: if its pixels are colours, or one has an unknown label.
    """
    try:
        with Image.open(path) as image:
            mode = image.mode
            values = np.asarray(image.convert("L") if mode == "1" else image)  # one bit: 0 and 255
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise damaged(path, "a mask", error) from error
    if mode not in ("1", "L", "P"):
        raise ValueError(
            f"{path} must be a gray or palette image, whose pixels are labels. Received: the mode {mode!r}. "
            "Take the file of labels, not the one in colours."
        )
    return known_labels(path, values, classes, ignore, mapping)


def known_labels(path, values, classes, ignore=None, mapping=None):
    """Returns the labels of an array of any shape as uint8; arguments and errors are those of `read_mask`."""
    if mapping is None:
        mapping = {label: label for label in [*range(max(classes, 2)), *([] if ignore is None else [ignore])]}
    found = _found(values)
    if not set(found) <= set(mapping):
        raise ValueError(
            f"{path} must hold only the labels {_few(sorted(mapping))}. Received: {_few(found)}. Put the original file "
            "back, or correct its labels if you made it."
        )
    table = np.zeros(256, "uint8")
    table[list(mapping)] = list(mapping.values())
    return table[values.astype("uint8", copy=False)]


def _found(values):
    if values.dtype != np.uint8:
        return np.unique(values).tolist()
    present = np.zeros(256, bool)
    present[values] = True  # several times as fast
    return np.flatnonzero(present).tolist()


def _few(labels):
    shown = [f"{label:g}" for label in labels]
    return ", ".join(shown if len(shown) <= 40 else [*shown[:40], f"... ({len(shown)} in all)"])


def resized(pixels, size, method=Image.Resampling.BICUBIC):
    """Resizes bytes `(H, W)` or `(H, W, C)` to `size`, `(height, width)`: without aliasing, unless by NEAREST."""
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[2:] == (1,) else pixels)
    return np.asarray(picture.resize(size[::-1], method)).reshape(*size, *pixels.shape[2:])


def mask_pairs(name, images, mask_of, count, partial=False, classes=1, ignore=None, mapping=None, channels=3, size=None):
    """Returns the data set of images and their masks.

    Args:
        name: str, for messages and tables.
        images: list of paths.
        mask_of: function of the path of an image that returns that of its mask.
        count: int, how many images the published data set has.
        partial: bool, whether fewer will do.
        classes, ignore, mapping: as `read_mask` takes them.
        channels: 3 for RGB, 1 for gray.
        size: `(height, width)` that images (bicubic) and masks (nearest) are resized to, or None.

    Raises:
        MissingDataError: if there are not `count` images, or one has no mask.
    """
    labels = {"classes": classes, "ignore": ignore, "mapping": mapping}
    examples = tuple((path, partner(path, mask_of(path))) for path in whole(name, images, count, partial))
    if size is not None:
        name = f"{name} {size[0]}x{size[1]}"
    return DataSet(name, examples, functools.partial(_read_pair, channels, size, labels), "mask", classes, ignore)


def _read_pair(channels, size, labels, example):
    path, mask_path = example
    image, mask = read_pixels(path, channels), read_mask(mask_path, **labels)
    same_size(path, image.shape[:2], mask_path, mask.shape)
    if size is None:
        return image, mask
    return resized(image, size), resized(mask, size, Image.Resampling.NEAREST)


def listed(path):
    """Returns the names in a text file, one a line: without folder and suffix, in the file's order.

    Raises:
        MissingDataError: if there is no such file, or no name in it.
    """
    try:
        lines = Path(path).read_text().split("\n")
    except OSError as error:
        raise MissingDataError(f"{path} must list the names of the split. Received: {error.strerror}.") from error
    names = [Path(line.split()[0]).name.split(".")[0] for line in lines if line.strip()]
    if not names:
        raise MissingDataError(f"{path} must list the names of the split, one a line. Received: an empty file.")
    return names
