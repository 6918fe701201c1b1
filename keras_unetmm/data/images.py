"""Reading photographs from disk."""

from pathlib import Path

import numpy as np
from PIL import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")


class DamagedFileError(ValueError):
    """A file that cannot be read: a run may name it and go on with the next one."""


def read_image(path, channels=3):
    """Reads an image file.

    Args:
        path: str or path.
        channels: 3 for RGB, 1 for gray.

    Returns:
        float32 array `(height, width, channels)` with values in [0, 1].

    Raises:
        DamagedFileError: a `ValueError`, if the file is not an image or is damaged.
        ValueError: for other channels.
    """
    return as_floats(read_pixels(path, channels))


def read_pixels(path, channels=3):
    """Reads an image file as it is: uint8 or uint16 `(height, width, channels)`; otherwise like `read_image`."""
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 (gray) or 3 (RGB). Received: {channels}.")
    try:
        with Image.open(path) as image:
            if image.mode.startswith("I;16"):
                return np.repeat(np.asarray(image).astype("uint16")[..., None], channels, axis=-1)
            if image.mode in ("I", "F"):
                raise ValueError(f"its pixels have the mode {image.mode!r}, whose brightest value is not known")
            pixels = np.asarray(image.convert("RGB" if channels == 3 else "L"))
    except (FileNotFoundError, PermissionError) as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}. Put it back, or take what names it away.") from error
    except Exception as error:  # Pillow raises nearly anything for a damaged file
        raise damaged(path, "an image", error) from error
    return pixels.reshape(*pixels.shape[:2], channels)


def as_floats(values):
    """Scales bytes and 16-bit integers to float32 in [0, 1]; floats stay as they are."""
    values = np.asarray(values)
    if values.dtype.kind == "f":
        return values.astype("float32", copy=False)
    return values.astype("float32") / np.iinfo(values.dtype).max


def damaged(path, kind, error):
    """The error of a file that cannot be read as what it should be."""
    return DamagedFileError(
        f"{path} cannot be read as {kind}: {error}. Replace it, take it out of the folder, or skip it (--damaged skip)."
    )


def same_size(path, size, other, other_size):
    """Refuses an image and a mask of different sizes.

    Raises:
        ValueError: if the tuples `size` and `other_size` differ.
    """
    if tuple(size) != tuple(other_size):
        raise ValueError(
            f"{path} and {other} must have one size. Received: {'x'.join(map(str, size))} and "
            f"{'x'.join(map(str, other_size))}. Replace the pair or take it out of the folders."
        )


def image_paths(folder):
    """Returns the image files of a folder, sorted by name.

    Raises:
        ValueError: if there is no such folder, it cannot be read, or holds no image.
    """
    try:
        paths = sorted(path for path in Path(folder).iterdir() if path.suffix.lower() in SUFFIXES)
    except OSError as error:
        raise ValueError(f"{folder} must be a folder of images that can be read. Received: {error.strerror}.") from error
    if not paths:
        raise ValueError(f"{folder} must hold at least one image ({', '.join(SUFFIXES)}). Received: a folder without any.")
    return paths


def smallest_size(folder):
    """Returns `(height, width)` that every image of a folder has at least.

    Raises:
        ValueError: if the folder holds no image, or a damaged one.
    """
    sizes = []
    for path in image_paths(folder):
        try:
            with Image.open(path) as image:
                sizes.append(image.size[::-1])
        except Exception as error:  # Pillow raises nearly anything for a damaged file
            raise damaged(path, "an image", error) from error
    return tuple(map(min, zip(*sizes, strict=True)))


def read_crops(folder, shape):
    """Reads the centre of every image of a folder.

    Images are cropped, never resized: resizing changes the noise.

    Args:
        folder: str or path.
        shape: `(height, width, channels)` of the crops.

    Returns:
        float32 array `(count, height, width, channels)` with values in [0, 1].

    Raises:
        ValueError: if the folder holds no image, or one that is damaged or smaller than the crop.
    """
    return np.stack([read_crop(path, shape) for path in image_paths(folder)])


def read_crop(path, shape):
    """Reads the centre of one image; otherwise like `read_crops`."""
    height, width, channels = shape
    image = read_image(path, channels)
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    if top < 0 or left < 0:
        raise ValueError(
            f"{path} must be at least {height}x{width} pixels, the size of the model's input. Received: "
            f"{image.shape[0]}x{image.shape[1]}. Take it out of the folder or choose a smaller size."
        )
    return image[top : top + height, left : left + width]
