# SPDX-License-Identifier: Apache-2.0
"""Augmentation of pairs, of images and of volumes: what moves places moves both, what changes values is for the input.

For images `keras.layers` has random layers of its own, which a recipe's `augment` takes as well: `RandomBrightness`,
`RandomContrast`, `RandomGaussianBlur`, `RandomZoom` and others. These here are for volumes, too. Each is a function
`(image, target, rng, kind, ...)` of floats; `functools.partial` sets how strong it is.
"""

import functools

import numpy as np
from PIL import Image

from keras_unetmm.data.layout import extra
from keras_unetmm.data.masks import resized

Target = np.ndarray | int  # a mask, an image or a matte; or the class of the image
KINDS = ("image", "mask", "matte", "class")


def on_pairs(function):
    """Marks a function as one of pairs, for `Augmentation`."""
    function.on_pairs = True
    return function


def is_on_pairs(entry):
    """Whether an entry of `augment` is a function of pairs, with arguments set or not."""
    while isinstance(entry, functools.partial):
        entry = entry.func
    return getattr(entry, "on_pairs", False)


def before_crop(function):
    """Marks a function as one of pairs that comes before windows are cut out, and takes pixels as they are on disk."""
    function.before_crop = True
    return on_pairs(function)


def is_before_crop(entry):
    """Whether an entry of `augment` comes before windows are cut out."""
    while isinstance(entry, functools.partial):
        entry = entry.func
    return getattr(entry, "before_crop", False)


@before_crop
def random_scale(
    image: np.ndarray, target: Target, rng: np.random.Generator, kind: str, scale: tuple[float, float] = (0.5, 2.0)
) -> tuple[np.ndarray, Target]:
    """Resizes an image and its target by one factor, uniform in a range, before a window is cut out.

    As SUNets (arXiv 1804.10343), section 7.2, and DeepLab train: images bilinearly, masks by the nearest pixel. What is then
    smaller than the window is padded, a mask with the label that is ignored.

    Args:
        image: array `(H, W, C)`, as on disk.
        target: mask `(H, W)`, an image or matte, or the class of the image.
        rng: `numpy.random.Generator`.
        kind: str, what the target is, as of `DataSet`.
        scale: `(low, high)` of the factor of height and width.

    Returns:
        the image and the target.

    Raises:
        ValueError: for a scale that is none, or a volume.

    Examples:
        >>> image, mask = np.zeros((32, 32, 3), "uint8"), np.zeros((32, 32), "uint8")
        >>> larger, larger_mask = data.random_scale(image, mask, np.random.default_rng(0), "mask", scale=(2.0, 2.0))
        >>> larger.shape, larger_mask.shape
        ((64, 64, 3), (64, 64))
    """
    if not 0 < scale[0] <= scale[1]:
        raise ValueError(f"scale of random_scale must be (low, high), both above 0. Received: {scale}.")
    if np.ndim(image) != 3:
        raise ValueError(f"random_scale is for images (H, W, C). Received: a volume of {np.shape(image)}. Leave it out.")
    factor = rng.uniform(*scale)
    size = tuple(max(int(factor * side), 1) for side in image.shape[:2])
    found = resized(image, size, Image.Resampling.BILINEAR)
    if target is image:
        return found, found
    if kind == "class":
        return found, target
    if kind != "mask":
        return found, resized(target, size, Image.Resampling.BILINEAR)
    rows, columns = (
        ((np.arange(now) + 0.5) * was / now).astype(int) for now, was in zip(size, image.shape[:2], strict=True)
    )
    return found, np.asarray(target)[np.ix_(rows, columns)]


@on_pairs
def elastic(
    image: np.ndarray,
    target: Target,
    rng: np.random.Generator,
    kind: str,
    amplitude: float = 4.0,
    spacing: int = 32,
    share: float = 1.0,
) -> tuple[np.ndarray, Target]:
    """Bends an image and its target alike, by smooth shifts (Simard et al., ICDAR 2003; as U-Net, arXiv 1505.04597, has it).

    Args:
        image: float array `(H, W, C)` or `(D, H, W, C)`.
        target: mask `(H, W)` or `(D, H, W)`, or an image.
        rng: `numpy.random.Generator`.
        kind: str, what the target is, as of `DataSet`.
        amplitude: float, standard deviation of the shifts in pixels.
        spacing: int, pixels between places whose shifts are drawn.
        share: float, of the examples that are bent.

    Returns:
        the image and the target.

    Raises:
        ValueError: for an amplitude or spacing that is none.

    Examples:
        >>> image, mask = np.zeros((32, 32, 3), "float32"), np.zeros((32, 32), "int32")
        >>> data.elastic(image, mask, np.random.default_rng(0), "mask", amplitude=2.0)[0].shape
        (32, 32, 3)
    """
    if not amplitude >= 0 or not spacing >= 1:
        raise ValueError(
            f"elastic needs an amplitude of 0 or more and a spacing of 1 or more. Received: {amplitude}, {spacing}."
        )
    if rng.random() >= share:
        return image, target
    size = image.shape[:-1]
    coarse = [-(-side // spacing) + 3 for side in size]
    shifts = [_smooth(rng.normal(scale=amplitude, size=coarse), size, spacing) for _ in size]
    places = [grid + shift for grid, shift in zip(np.indices(size, "float32"), shifts, strict=True)]
    return _moved(image, target, places, kind)


@on_pairs
def crop_and_resize(
    image: np.ndarray, target: Target, rng: np.random.Generator, kind: str, scale: tuple[float, float] = (0.7, 1.0)
) -> tuple[np.ndarray, Target]:
    """Takes a part of an image and of its target, at a random place, and enlarges it to the whole size.

    Args:
        image, target, rng, kind: as for `elastic`.
        scale: `(low, high)`, sides of the part as a share of those of the image.

    Returns:
        the image and the target.

    Raises:
        ValueError: for a scale that is none.

    Examples:
        >>> image, mask = np.zeros((32, 32, 3), "float32"), np.zeros((32, 32), "int32")
        >>> data.crop_and_resize(image, mask, np.random.default_rng(0), "mask")[0].shape
        (32, 32, 3)
    """
    if not 0 < scale[0] <= scale[1] <= 1:
        raise ValueError(f"scale must be (low, high), above 0 and at most 1. Received: {scale}.")
    part, size = rng.uniform(*scale), image.shape[:-1]
    starts = [rng.uniform(0, (1 - part) * (side - 1)) for side in size]
    lines = [start + np.arange(side, dtype="float32") * part for start, side in zip(starts, size, strict=True)]
    return _moved(image, target, np.meshgrid(*lines, indexing="ij"), kind)


@on_pairs
def brightness_contrast(
    image: np.ndarray, target: Target, rng: np.random.Generator, kind: str, brightness: float = 0.1, contrast: float = 0.2
) -> tuple[np.ndarray, Target]:
    """Shifts and stretches the values of an image; of a pair of images those of both alike.

    Args:
        image, target, rng, kind: as for `elastic`.
        brightness: float, most that is added or taken away.
        contrast: float, most that the distance to the mean grows or shrinks, as a share.

    Returns:
        the image and the target.

    Examples:
        >>> image, mask = np.zeros((32, 32, 3), "float32"), np.zeros((32, 32), "int32")
        >>> data.brightness_contrast(image, mask, np.random.default_rng(0), "mask")[0].shape
        (32, 32, 3)
    """
    shift, stretch = rng.uniform(-brightness, brightness), 1 + rng.uniform(-contrast, contrast)
    mean = image.mean()

    def changed(values):
        return (values - mean) * stretch + mean + shift

    return changed(image), changed(target) if kind == "image" else target


@on_pairs
def noise(
    image: np.ndarray, target: Target, rng: np.random.Generator, kind: str, sigma: tuple[float, float] = (0.0, 0.05)
) -> tuple[np.ndarray, Target]:
    """Adds white Gaussian noise to an image, and nothing to its target.

    Args:
        image, target, rng, kind: as for `elastic`.
        sigma: `(low, high)` of the standard deviation.

    Returns:
        the image and the target.

    Raises:
        ValueError: for a sigma that is none.

    Examples:
        >>> image, mask = np.zeros((32, 32, 3), "float32"), np.zeros((32, 32), "int32")
        >>> data.noise(image, mask, np.random.default_rng(0), "mask")[0].shape
        (32, 32, 3)
    """
    _validate_sigma(sigma)
    return image + rng.normal(scale=rng.uniform(*sigma), size=image.shape).astype("float32"), target


@on_pairs
def blur(
    image: np.ndarray, target: Target, rng: np.random.Generator, kind: str, sigma: tuple[float, float] = (0.0, 1.0)
) -> tuple[np.ndarray, Target]:
    """Blurs an image by a Gaussian, and its target not at all.

    Args:
        image, target, rng, kind: as for `elastic`.
        sigma: `(low, high)` of the standard deviation in pixels.

    Returns:
        the image and the target.

    Raises:
        ValueError: for a sigma that is none.

    Examples:
        >>> image, mask = np.zeros((32, 32, 3), "float32"), np.zeros((32, 32), "int32")
        >>> data.blur(image, mask, np.random.default_rng(0), "mask")[0].shape
        (32, 32, 3)
    """
    _validate_sigma(sigma)
    wide = rng.uniform(*sigma)
    return extra("scipy.ndimage", "scipy").gaussian_filter(image, (wide,) * (image.ndim - 1) + (0,), mode="mirror"), target


def _validate_sigma(sigma):
    if not 0 <= sigma[0] <= sigma[1]:
        raise ValueError(f"sigma must be (low, high), 0 or more. Received: {sigma}.")


def _moved(image, target, places, kind):
    """An image, linearly, and its target, labels by the nearest, at other places; beyond the border it is mirrored."""
    sample = extra("scipy.ndimage", "scipy").map_coordinates

    def at(values, order):
        return sample(values, places, order=order, mode="mirror")

    def of_channels(values):
        return np.stack([at(values[..., channel], 1) for channel in range(values.shape[-1])], -1)

    moved = of_channels(image)
    if kind == "class":
        return moved, target
    return moved, at(target, 0) if kind == "mask" else of_channels(target)


def _smooth(coarse, size, spacing):
    """A coarse grid of shifts on all places, by cubic splines."""
    zoomed = extra("scipy.ndimage", "scipy").map_coordinates
    lines = [1 + np.arange(side, dtype="float32") / spacing for side in size]
    return zoomed(coarse.astype("float32"), np.meshgrid(*lines, indexing="ij"), order=3, mode="nearest")
