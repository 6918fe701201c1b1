# SPDX-License-Identifier: Apache-2.0
"""Masks, the images they belong to, and what the readers of masks share."""

import functools
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from keras_unetmm.data.dataset import DataSet
from keras_unetmm.data.images import deep, deep_pixels, opened, read_pixels, same_size
from keras_unetmm.data.layout import MissingDataError, partner, whole
from keras_unetmm.data.lossy_masks import nearest

SCALED = {"2": 85, "4": 17}  # gray of so many bits: what a label is multiplied by when Pillow reads it


def read_mask(path, classes, ignore=None, mapping=None, own=False):
    """Reads the mask of an image from a file whose pixels are labels, turned as its EXIF orientation says.

    Labels are gray values of 1, 2, 4, 8, 16 or 32 bits, or the indices of a palette. Gray that was saved as colours, or with
    a transparency that leaves every pixel opaque, is gray. A mask in black and white, 0 and the brightest value of its bits,
    has two labels: white is 1, or what the mapping makes of 255 where it has no 1.

    Args:
        path: str or path.
        classes: int, labels 0 to `classes - 1`; 1 and 2 are both the labels 0 and 1.
        ignore: int, the label that counts nowhere, or None.
        mapping: dict from every label the file can hold to the label it becomes; None keeps the labels, `ignore` among them.
        own: bool, whether it is a user's own mask: JPEG will do where black and white, or gray values that are far apart,
            stand for labels; and errors name the options of `unetmm train`.

    Returns:
        uint8 array `(height, width)`.

    Raises:
        DamagedFileError: a `ValueError`, if the file is not an image or is damaged.
        ValueError: if its pixels are colours or transparent, or one has an unknown label.
    """
    with opened(path, "a mask") as image:
        form, values, gray = mask_values(path, image)
    known = _mapping(classes, ignore, mapping)
    two = set(known) <= {0, 1, 255} and 0 in known and not (ignore == 255 and known.get(255) == 255)
    white = {"1": 1, "16": 65535}.get(form, 255)
    if gray is not None and not set(_found(values)) <= set(known) and len(_found(gray)) == len(_found(values)):
        values = gray  # a gray picture that was saved with a palette
    if form in SCALED and not set(_found(values)) <= set(known) and set(_found(values // SCALED[form])) <= set(known):
        values = values // SCALED[form]
    jpeg = image.format in ("JPEG", "MPO") and not form and not set(_found(values)) <= set(known)
    if jpeg and own:
        values = nearest(path, values, (0, white) if two else known)
    if two and white in _found(values) and set(_found(values)) <= {0, white}:
        values = np.where(values == white, 1 if 1 in known else 255, 0).astype("uint8")
    if form == "colours":
        raise ValueError(
            f"{path} must hold a label in each pixel. Received: a picture in colours. Take the file of labels, or save each "
            "colour's label as a gray value."
        )
    if form == "transparent":
        raise ValueError(
            f"{path} must be opaque, with a label in each pixel. Received: a picture in which some pixels are transparent. "
            "Save the labels as gray values without transparency."
        )
    if jpeg and not own:
        raise ValueError(
            f"{path} must hold only the labels {_few(sorted(known))}. Received: {_few(_found(values))} in a JPEG file, "
            "which changes values near edges. Save masks as PNG."
        )
    return known_labels(path, values, classes, ignore, mapping, own)


def mask_values(path, image):
    """Returns the form of a mask, its values `(H, W)`, and for a palette all of whose colours are gray that gray, else None.

    The form is `"1"` or `"16"` for so many bits; `"2"` or `"4"`, too, with values that Pillow has scaled up to 255;
    `"colours"` or `"transparent"` for what is no mask; otherwise `""`.
    """
    form = _few_bits(image)
    if deep(image):
        colours = deep_pixels(path, image)
        opaque, form = True, "16"
    elif image.mode == "1":
        return "1", np.asarray(ImageOps.exif_transpose(image)).astype("uint8"), None
    elif image.mode.startswith("I;16"):
        return "16", np.asarray(ImageOps.exif_transpose(image)).astype("uint16"), None
    elif image.mode in ("L", "I", "F"):
        return form, np.asarray(ImageOps.exif_transpose(image)), None
    elif image.mode == "P":
        indices = np.asarray(ImageOps.exif_transpose(image))
        colours = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
        if image.getpalette("RGB")[:6] in ([0] * 3 + [255] * 3, [255] * 3 + [0] * 3):
            return "", colours[..., 0], None  # black and white, in whatever order
        return "", indices, colours[..., 0] if _is_gray(colours) else None
    else:
        pixels = np.asarray(ImageOps.exif_transpose(image).convert("RGBA"))
        colours, opaque, form = pixels[..., :3], bool((pixels[..., 3] == 255).all()), ""
    if not opaque:
        return "transparent", colours[..., 0], None
    return form if _is_gray(colours) else "colours", colours[..., 0], None


def _few_bits(image):
    """`"2"` or `"4"` of a gray image with so many bits that Pillow has opened and not yet read, otherwise `""`."""
    for tile in image.tile:
        arguments = tile.args if isinstance(tile.args, tuple) else (tile.args,)
        for bits in SCALED:
            if any(str(argument).startswith(f"L;{bits}") for argument in arguments):
                return bits
    return ""


def _is_gray(colours):
    return bool((colours == colours[..., :1]).all())


def _mapping(classes, ignore, mapping):
    if mapping is not None:
        return mapping
    return {label: label for label in [*range(max(classes, 2)), *([] if ignore is None else [ignore])]}


def known_labels(path, values, classes, ignore=None, mapping=None, own=False):
    """Returns the labels of an array of any shape as uint8; arguments and errors are those of `read_mask`.

    Without a mapping, 255 is 1 where there are two labels and the array holds only 0 and 255.
    """
    found = _found(values)
    if mapping is None and max(classes, 2) == 2 and ignore != 255 and 255 in found and set(found) <= {0, 255}:
        mapping = {0: 0, 255: 1}
    mapping = _mapping(classes, ignore, mapping)
    if not set(found) <= set(mapping):
        unknown = next(value for value in found if value not in mapping)
        raise ValueError(
            f"{path} must hold only the labels {_few(sorted(mapping))}. Received: {_few(found)}. "
            f"{_named(unknown) if own else _mended(found)}"
        )
    table = np.zeros(256, "uint8")
    table[list(mapping)] = list(mapping.values())
    return table[values.astype("uint8", copy=False)]


def _named(unknown):
    return (
        f"Name every value that stands for a label (--classes NAME={unknown:g},...), or leave its pixels out (--ignore "
        f"{unknown:g})."
    )


def _mended(found):
    two = len(found) == 2 and found[0] == 0
    mapped = f" If {found[1]:g} is label 1, pass mapping={{0: 0, {found[1]:g}: 1}}." if two else ""
    return f"Put the original file back, or correct its labels if you made it.{mapped}"


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
    """Resizes pixels `(H, W)` or `(H, W, C)` to `size`, `(height, width)`: without aliasing, unless by NEAREST.

    They are bytes, uint16 `(H, W, C)` or floats `(H, W, C)`.
    """
    if pixels.dtype != np.uint8:  # Pillow has no colours of 16 bits, and none that are floats
        planes = [
            Image.fromarray(plane.astype("float32")).resize(size[::-1], method) for plane in np.moveaxis(pixels, -1, 0)
        ]
        found = np.stack(planes, -1)
        return np.rint(found).clip(0, 65535).astype("uint16") if pixels.dtype == np.uint16 else found
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
