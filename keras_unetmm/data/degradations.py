# SPDX-License-Identifier: Apache-2.0
"""What spoils an image: noise, blur, compression and lost resolution, drawn by the generator that is passed and no other.

Each function takes images `(N, H, W, C)` with values in [0, 1] and returns float32 of the same shape. A strength is a
number, or `(low, high)` to draw one for each image.
"""

from collections.abc import Callable
from io import BytesIO
from numbers import Real

import numpy as np
from PIL import Image

from keras_unetmm.data.bicubic import bicubic_downscale, bicubic_upscale
from keras_unetmm.types import Tensor

Strength = float | tuple[float, float]  # of every image, or `(low, high)`, from which each image draws its own
Degradation = Callable[..., np.ndarray]  # of `images` and `rng`


def gaussian_noise(images: Tensor, sigma: Strength, rng: np.random.Generator) -> np.ndarray:
    """Adds white Gaussian noise; the result is not clipped, as in the denoising literature.

    Args:
        images: float array with values in [0, 1].
        sigma: standard deviation on the same scale: 25 / 255 for "sigma 25".
        rng: `numpy.random.Generator`.

    Returns:
        float32 array of the same shape.

    Raises:
        ValueError: if sigma is negative.

    Examples:
        >>> images = np.full((1, 32, 32, 3), 0.5, "float32")
        >>> data.gaussian_noise(images, 25 / 255, rng=np.random.default_rng(0)).shape
        (1, 32, 32, 3)
    """
    sigma = _strength("sigma", sigma, images, rng, 0)
    return (images + rng.normal(scale=sigma, size=np.shape(images))).astype("float32")


def poisson_noise(images: Tensor, peak: Strength, rng: np.random.Generator) -> np.ndarray:
    """Adds shot noise: each value becomes a count of photons; the result is not clipped.

    Args:
        images: float array with values in [0, 1]; what is below 0 counts as 0.
        peak: photons at white; the fewer, the noisier.
        rng: `numpy.random.Generator`.

    Returns:
        float32 array of the same shape.

    Raises:
        ValueError: if peak is not positive.

    Examples:
        >>> images = np.full((1, 32, 32, 3), 0.5, "float32")
        >>> data.poisson_noise(images, peak=30, rng=np.random.default_rng(0)).shape
        (1, 32, 32, 3)
    """
    peak = _strength("peak", peak, images, rng, 1e-3)
    return (rng.poisson(np.maximum(images, 0) * peak) / peak).astype("float32")


def motion_blur(images: Tensor, length: Strength, rng: np.random.Generator) -> np.ndarray:
    """Blurs each image along a camera path of its own, straight or bent smoothly; beyond the border the image is mirrored.

    Args:
        images: float array `(N, H, W, C)` with values in [0, 1].
        length: pixels of the path, at least 1: the longest, or `(low, high)`.
        rng: `numpy.random.Generator`.

    Returns:
        float32 array of the same shape.

    Raises:
        ValueError: if a length is below 1 or images have another rank.

    Examples:
        >>> images = np.full((1, 32, 32, 3), 0.5, "float32")
        >>> data.motion_blur(images, length=7, rng=np.random.default_rng(0)).shape
        (1, 32, 32, 3)
    """
    images = _batch(images)
    lengths = _strength("length", length, images, rng, 1)
    if isinstance(length, Real):
        lengths = rng.uniform(1, length, len(images))
    kernels = [_path_kernel(pixels, rng) for pixels in np.ravel(lengths)]
    return np.stack([_filtered(image, kernel) for image, kernel in zip(images, kernels, strict=True)])


def jpeg(images: Tensor, quality: int, rng: np.random.Generator) -> np.ndarray:
    """Compresses each image as JPEG, with halved colour resolution, and reads it again; values are clipped to [0, 1] first.

    Args:
        images: float array `(N, H, W, C)` with values in [0, 1] and 1 or 3 channels.
        quality: int from 1 to 100, as Pillow has it; a whole one is drawn of `(low, high)`.
        rng: `numpy.random.Generator`.

    Returns:
        float32 array of the same shape.

    Raises:
        ValueError: for other qualities, channels or ranks.

    Examples:
        >>> images = np.full((1, 32, 32, 3), 0.5, "float32")
        >>> data.jpeg(images, quality=40, rng=np.random.default_rng(0)).shape
        (1, 32, 32, 3)
    """
    images = _bytes(_batch(images))
    if images.shape[-1] not in (1, 3):
        raise ValueError(f"images must have 1 or 3 channels for JPEG. Received: {images.shape}.")
    qualities = np.broadcast_to(np.ravel(_strength("quality", quality, images, rng, 1, 100)), len(images))
    found = np.empty(images.shape, "float32")
    for i, image in enumerate(images):
        file = BytesIO()
        Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(file, "JPEG", quality=round(qualities[i]))
        found[i] = np.asarray(Image.open(file)).reshape(image.shape)
    return found / 255


def bicubic_loss(images: Tensor, scale: int, rng: np.random.Generator | None = None, border: str = "mirror") -> np.ndarray:
    """Shrinks each image as MATLAB does, rounds it to 8 bits as a file has them, and enlarges it to its size again.

    Args:
        images: float array `(N, H, W, C)` with values in [0, 1].
        scale: int, at least 1; it must divide height and width.
        rng: not used: nothing here is random.
        border: `"mirror"` or `"repeat"`; see `bicubic_downscale`.

    Returns:
        float32 array of the same shape with values in [0, 1].

    Raises:
        ValueError: if the scale does not divide the size, or for other scales, borders or ranks.

    Examples:
        >>> images = np.full((1, 32, 32, 3), 0.5, "float32")
        >>> data.bicubic_loss(images, scale=2).shape
        (1, 32, 32, 3)
    """
    small = bicubic_downscale(_bytes(_batch(images)), scale, border)
    height, width = np.shape(images)[1:3]
    if height % scale or width % scale:
        nearest = "x".join(str(max(scale, round(size / scale) * scale)) for size in (height, width))
        raise ValueError(
            f"images must have a height and a width that {scale} divides. Received: {height}x{width}. "
            f"Use {nearest}, the nearest."
        )
    return bicubic_upscale(small.astype("float32") / 255, scale, border).clip(0, 1)


def as_bytes(images: Tensor, rng: np.random.Generator | None = None) -> np.ndarray:
    """Keeps what a file of 8 bits keeps: values cut at black and white, and rounded to a 255th.

    Behind noise, in `in_order`, it makes what a camera's file or a device's input holds.

    Args:
        images: float array.
        rng: not used: nothing here is random.

    Returns:
        float32 array of the same shape with values in [0, 1].

    Examples:
        >>> (255 * data.as_bytes(np.array([-0.2, 0.5, 1.3]))).round().tolist()
        [0.0, 128.0, 255.0]
    """
    return _bytes(images).astype("float32") / 255


def in_order(*functions: Degradation) -> Degradation:
    """Returns a function `(images, rng)` that degrades by several functions, one after the other.

    Args:
        functions: each takes `images` and `rng=`, such as `functools.partial(jpeg, quality=40)`; the first is applied first.

    Raises:
        ValueError: if there is none, or one cannot be called.

    Examples:
        >>> from functools import partial
        >>> degrade = data.in_order(partial(data.gaussian_noise, sigma=0.1), partial(data.jpeg, quality=40))
        >>> degrade(np.zeros((1, 32, 32, 3), "float32"), np.random.default_rng(0)).shape
        (1, 32, 32, 3)
    """
    if not functions or not all(map(callable, functions)):
        raise ValueError(f"in_order must have one or more functions of images and rng. Received: {functions}.")

    def degrade(images, rng):
        for function in functions:
            images = function(images, rng=rng)
        return images

    return degrade


def _strength(name, value, images, rng, least, most=np.inf):
    """A number as it is; of `(low, high)` one for each image, `(N, 1, 1, 1)`."""
    ends = (value, value) if isinstance(value, Real) else value
    if not isinstance(ends, tuple | list) or len(ends) != 2 or not least <= ends[0] <= ends[1] <= min(most, 1e9):
        bounds = f"at least {least}" if most == np.inf else f"from {least} to {most}"
        raise ValueError(f"{name} must be a number or (low, high), {bounds}. Received: {value!r}.")
    if isinstance(value, Real):
        return value
    return rng.uniform(*ends, (len(images),) + (1,) * (np.ndim(images) - 1))


def _batch(images):
    images = np.asarray(images)
    if images.ndim != 4:
        raise ValueError(f"images must be (N, H, W, C). Received: {images.shape}. Add the axes it lacks.")
    return images


def _bytes(images):
    return np.rint(np.clip(images, 0, 1) * 255).astype("uint8")


def _path_kernel(length, rng):
    """Rasterises a path of so many pixels around its centre of mass: what share of the exposure each pixel got."""
    steps = 4 * int(np.ceil(length)) + 1
    time = np.linspace(-0.5, 0.5, steps)
    angle = rng.uniform(0, 2 * np.pi) + rng.normal(size=2) @ np.stack([2 * time, 8 * time**2])  # turns about a radian or two
    path = np.cumsum(np.stack([np.sin(angle), np.cos(angle)]), 1) * (length / steps)
    path -= path.mean(1, keepdims=True)
    radius = int(np.ceil(np.abs(path).max()))
    kernel = np.zeros((2 * radius + 2,) * 2)
    corner = np.floor(path).astype(int)
    down, right = path - corner
    for below, after in np.ndindex(2, 2):  # each point is shared by the four pixels around it
        share = np.where(below, down, 1 - down) * np.where(after, right, 1 - right)
        np.add.at(kernel, (corner[0] + radius + below, corner[1] + radius + after), share)
    return kernel[:-1, :-1] / steps


def _filtered(image, kernel):
    radius = len(kernel) // 2
    height, width = image.shape[:2]
    padded = np.pad(image.astype("float32"), ((radius, radius), (radius, radius), (0, 0)), "symmetric")
    total = np.zeros(image.shape, "float32")
    for down, right in np.argwhere(kernel):  # few of its pixels lie on the path
        flipped = padded[2 * radius - down :, 2 * radius - right :]
        total += np.float32(kernel[down, right]) * flipped[:height, :width]
    return total
