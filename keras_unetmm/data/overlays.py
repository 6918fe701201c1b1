# SPDX-License-Identifier: Apache-2.0
"""Pictures of images with masks over them, in bytes."""

import numpy as np
from PIL import Image, ImageDraw

from keras_unetmm.data.images import as_floats
from keras_unetmm.data.labels import palette

OPACITY = 0.45
_CELL = 240  # pixels of a side in a sheet


def shown(image):
    """An image as RGB bytes, of a volume the slice in the middle; other values than [0, 1] from darkest to brightest."""
    image = as_floats(image)
    if image.ndim == 4:
        image = image[len(image) // 2]
    if image.min() < -0.5 or image.max() > 1.5:
        image = (image - image.min()) / max(float(np.ptp(image)), 1e-6)
    return np.rint(np.clip(np.repeat(image, 3, -1) if image.shape[-1] == 1 else image[..., :3], 0, 1) * 255).astype("uint8")


def overlay(image, mask, classes, opacity=OPACITY):
    """An image with the colours of a mask over it; the background stays as it is.

    Args:
        image: array `(H, W, C)` as for `shown`.
        mask: array `(H, W)` of labels.
        classes: int, labels of the mask, 1 and 2 being both two.
        opacity: float, of the colours.

    Returns:
        uint8 array `(H, W, 3)`.
    """
    picture = shown(image).astype("float32")
    if mask.ndim == 3:
        mask = mask[len(mask) // 2]
    table = palette(max(classes, 3))
    marked = mask[..., None] > 0
    mixed = np.where(marked, (1 - opacity) * picture + opacity * table[mask], picture)
    return np.rint(mixed).astype("uint8")


def sheet(rows, titles=()):
    """Small pictures in rows, on one picture.

    Args:
        rows: list of lists of uint8 arrays `(H, W, 3)`.
        titles: str for each row, written above it.

    Returns:
        A `PIL.Image.Image`.
    """
    columns, top = max(map(len, rows)), 16 if titles else 0
    high = _CELL + top
    whole = Image.new("RGB", (columns * _CELL, len(rows) * high), "white")
    for i, row in enumerate(rows):
        for j, pixels in enumerate(row):
            picture = Image.fromarray(pixels)
            times = (_CELL - 4) // max(picture.size)
            if times > 1:  # small ones whole pixels larger
                picture = picture.resize((times * picture.width, times * picture.height), Image.Resampling.NEAREST)
            picture.thumbnail((_CELL - 4, _CELL - 4), Image.Resampling.LANCZOS)
            left, above = (_CELL - picture.width) // 2, (_CELL - picture.height) // 2
            whole.paste(picture, (j * _CELL + left, i * high + top + above))
        if titles:
            ImageDraw.Draw(whole).text((4, i * high + 2), str(titles[i]), fill="black")
    return whole


def examples_sheet(dataset, count=6):
    """A picture of some examples of a data set: images with masks over them, or inputs beside references."""
    rows, titles = [], []
    for index in [i * len(dataset) // min(count, len(dataset)) for i in range(min(count, len(dataset)))]:
        image, target = dataset[index]
        row = [shown(image)]
        if dataset.target == "mask":
            row.append(overlay(image, np.where(target == dataset.ignore, 255, target), dataset.classes))
        elif target is not image:
            row.append(shown(target))
        rows.append(row)
        titles.append(dataset.stem(index))
    if len(rows[0]) == 1:  # clean photographs: three a row
        rows, titles = [[each[0] for each in rows[i : i + 3]] for i in range(0, len(rows), 3)], ()
    return sheet(rows, titles)
