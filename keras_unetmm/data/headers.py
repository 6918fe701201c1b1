# SPDX-License-Identifier: Apache-2.0
"""A look at every file of a data set that costs little: headers and ends, no pixels."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_unetmm.data.dataset import DataSet
from keras_unetmm.data.images import opened, upright_size
from keras_unetmm.data.own_files import IMAGES

ENDS = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}  # near the end of a whole file
TAIL = 4096  # bytes, in which some cameras write more behind it


@dataclass(frozen=True)
class Headers:
    """What headers and ends of files say.

    Args:
        suspects: tuple of int, examples that may be damaged, or whose image and mask have two sizes, in order.
        looked_at: int, examples, in random order where there was no time for all.
        smallest: `(height, width)` of the image with the shortest side, and its path, or None without images.
    """

    suspects: tuple
    looked_at: int
    smallest: tuple | None


def headers(dataset: DataSet, seconds: float = 3.0) -> Headers:
    """Finds examples that may be damaged, or whose image and mask have two sizes, without reading pixels.

    Args:
        dataset: `DataSet`; entries of its examples that are paths of images are looked at.
        seconds: float, after which no more are.

    Returns:
        `Headers`.
    """
    found: list[int] = []
    smallest, began = None, time.monotonic()
    order = np.random.default_rng(1).permutation(len(dataset)).tolist()
    for count, index in enumerate(order):
        if time.monotonic() - began > seconds:
            return Headers(tuple(sorted(found)), count, smallest)
        paths = [part for part in dataset.examples[index] if isinstance(part, Path) and part.suffix.lower() in IMAGES]
        try:
            sizes = {_size(path) for path in paths}
        except ValueError:
            sizes = set()
        if paths and len(sizes) != 1:
            found.append(index)
        elif paths and (smallest is None or min(min(sizes)) < min(smallest[0])):
            smallest = sizes.pop(), paths[0]
    return Headers(tuple(sorted(found)), len(order), smallest)


def _size(path):
    """`(height, width)` of an image whose file looks whole.

    Raises:
        ValueError: if it does not.
    """
    with opened(path, "an image") as image:
        if image.format in ENDS:
            image.fp.seek(0, 2)
            image.fp.seek(max(0, image.fp.tell() - TAIL))
            if ENDS[image.format] not in image.fp.read():
                raise ValueError(f"{path} has no end")
        if image.format == "PNG" and "exif" not in image.info:  # which Pillow would look for behind the pixels
            return image.size[::-1]
        return upright_size(image)
