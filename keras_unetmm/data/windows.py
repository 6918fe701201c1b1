# SPDX-License-Identifier: Apache-2.0
"""Windows of one size out of examples of any size."""

import dataclasses

import numpy as np

from keras_unetmm.data.layout import Reader, reader


def random_window(dataset, image, target, size, rng):
    """The same window of an image and its target at a random place; what is smaller is padded.

    Args:
        dataset: `DataSet`, says what the target is.
        image: array `(H, W, C)` or `(D, H, W, C)`.
        target: array with the same sizes, or the class of the image.
        size: int or tuple of pixels or voxels.
        rng: `numpy.random.Generator`.

    Raises:
        ValueError: if input and target have different sizes, or photographs are smaller than the window.
    """
    return _windows(dataset, image, target, size, lambda spare: int(rng.integers(spare + 1)))


def window(dataset, image, target, size):
    """The window in the middle; otherwise like `random_window`."""
    return _windows(dataset, image, target, size, lambda spare: spare // 2)


def sizes(shape):
    """`48x64x3`."""
    return "x".join(map(str, shape)) or "one number"


def _windows(dataset, image, target, size, place):
    axes = image.ndim - 1
    size = (size,) * axes if isinstance(size, int) else tuple(size)
    if len(size) != axes:
        raise ValueError(f"patch must have {axes} sizes for {dataset.name}. Received: {size}.")
    if dataset.target != "class" and target.shape[:axes] != image.shape[:axes]:
        raise ValueError(
            f"input and target of {dataset.name} must have one size. "
            f"Received: {sizes(image.shape)} and {sizes(target.shape)}."
        )
    if dataset.target == "image" and any(a < b for a, b in zip(image.shape, size, strict=False)):
        raise ValueError(
            f"the images of {dataset.name} must be at least {sizes(size)}, the patch. "
            f"Received: {sizes(image.shape)}. Choose a smaller patch."
        )
    starts = [place(max(0, have - want)) for have, want in zip(image.shape, size, strict=False)]
    if target is image:
        part = _cut(image, starts, size, 0)
        return part, part
    if dataset.target == "class":
        return _cut(image, starts, size, 0), target
    outside = 0
    if dataset.target == "mask":
        outside = dataset.ignore if dataset.ignore is not None else 0
    return _cut(image, starts, size, 0), _cut(target, starts, size, outside)


def _cut(array, starts, size, outside):
    part = array[tuple(slice(start, start + want) for start, want in zip(starts, size, strict=True))]
    missing = [want - have for have, want in zip(part.shape, size, strict=False)]
    if not any(missing):
        return part
    padding = [(gap // 2, gap - gap // 2) for gap in missing] + [(0, 0)] * (part.ndim - len(size))
    return np.pad(part, padding, constant_values=outside)


def cropped(read: Reader, multiple: int) -> Reader:
    """A reader of the same photographs, cut below and to the right to multiples of a number, as super-resolution is scored.

    Args:
        read: reader of clean photographs, such as `keras_unetmm.data.set14`.
        multiple: int, pixels.

    Examples:
        >>> read = data.cropped(data.set14, 4)
        >>> read.tiny("tiny", np.random.default_rng(0))
        >>> read("tiny", partial=True)[0][0].shape
        (80, 96, 3)
    """

    @reader(tiny=read.tiny)
    def cut(folder, partial=False):
        whole = read(folder, partial=partial)

        def part(example):
            clean = whole.read(example)[0]
            height, width = (size - size % multiple for size in clean.shape[:2])
            return (clean[:height, :width],) * 2

        return dataclasses.replace(whole, name=f"{whole.name} cut to {multiple}", read=part)

    return cut
