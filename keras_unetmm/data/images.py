# SPDX-License-Identifier: Apache-2.0
"""Reading photographs from disk."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from keras_unetmm.data.layout import MissingLibraryError, extra
from keras_unetmm.data.left_out import SUFFIXES, warn_left_out
from keras_unetmm.types import PathLike

ORIENTATION = ExifTags.Base.Orientation


class DamagedFileError(ValueError):
    """A file that cannot be read: a run may name it and go on with the next one."""


def read_image(path: PathLike, channels: int = 3) -> np.ndarray:
    """Reads an image file.

    Args:
        path: str or path.
        channels: 3 for RGB, 1 for gray.

    Returns:
        float32 array `(height, width, channels)` with values in [0, 1].

    Raises:
        DamagedFileError: a `ValueError`, if the file is not an image or is damaged.
        ValueError: for other channels.

    Examples:
        >>> data.read_image("photos/a.png").shape
        (24, 32, 3)
    """
    return as_floats(read_pixels(path, channels))


def read_pixels(path, channels=3):
    """Reads an image file as it is: uint8 or uint16 `(height, width, channels)`; otherwise like `read_image`.

    The image is turned as its EXIF orientation says, as viewers show it. Transparency is left out.
    """
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 (gray) or 3 (RGB). Received: {channels}.")
    with opened(path, "an image") as image:
        if deep(image):
            return _in_channels(deep_pixels(path, image), channels)
        if image.mode.startswith("I;16"):
            return _in_channels(np.asarray(ImageOps.exif_transpose(image)).astype("uint16")[..., None], channels)
        if image.mode in ("I", "F"):
            why = "whose brightest value is not known; save 8 or 16 bits"
            raise ValueError(f"its pixels have the mode {image.mode!r}, {why}")
        pixels = np.asarray(ImageOps.exif_transpose(image).convert("RGB" if channels == 3 else "L"))
    return pixels.reshape(*pixels.shape[:2], channels)


@contextlib.contextmanager
def opened(path, kind):
    """Opens an image file; what goes wrong with it, until it is closed, is an error that names it.

    Args:
        path: str or path.
        kind: str, what it should be, for messages: `"an image"`.

    Raises:
        DamagedFileError: if the file is not an image or is damaged.
        MissingLibraryError: if a library that it needs is not installed.
        ValueError: if there is no such file.
    """
    try:
        # A file, not its name: by name Pillow maps plain TIFFs into memory, and their sides are wrong if they are turned.
        with open(path, "rb") as file, Image.open(file) as image:
            yield image
    except (FileNotFoundError, PermissionError) as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}. Put it back, or take what names it away.") from error
    except MissingLibraryError:
        raise
    except UnidentifiedImageError as error:
        reason = "it is empty" if not Path(path).stat().st_size else "it is none of the kinds that are read"
        raise damaged(path, kind, reason) from error
    except Exception as error:  # Pillow raises nearly anything for a damaged file
        raise damaged(path, kind, error) from error


def deep(image):
    """Whether an image that Pillow has opened, and not yet read, has several channels of 16 bits, which it cuts to 8."""
    for tile in image.tile:
        arguments = tile.args if isinstance(tile.args, tuple) else (tile.args,)
        if any(";16" in str(argument) for argument in arguments) and not image.mode.startswith("I"):
            return True
        if tile.codec_name == "ppm" and len(arguments) > 1 and arguments[1] > 255 and image.mode == "RGB":
            return True
    return False


def deep_pixels(path, image):
    """Reads an image of several channels of 16 bits by OpenCV: uint16 `(height, width, 3)`, RGB; gray has three alike.

    Args:
        path: str or path.
        image: the same, as Pillow opened it.
    """
    turn = 1 if image.format == "TIFF" else image.getexif().get(ORIENTATION, 1)  # OpenCV turns TIFF itself
    opencv = extra("cv2", "opencv-python-headless")
    pixels = opencv.imdecode(np.fromfile(path, "uint8"), opencv.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16 or pixels.ndim != 3:
        raise ValueError(f"OpenCV cannot read its 16 bits of the mode {image.mode!r}; save it as a PNG in RGB or gray")
    return np.ascontiguousarray(oriented(pixels[..., 2::-1], turn))


def oriented(pixels, orientation):
    """Turns an array `(H, W, ...)` as an EXIF orientation, 1 to 8, says; other numbers say nothing."""
    turned = {
        2: lambda: pixels[:, ::-1],
        3: lambda: pixels[::-1, ::-1],
        4: lambda: pixels[::-1],
        5: lambda: pixels.swapaxes(0, 1),
        6: lambda: np.rot90(pixels, -1),
        7: lambda: pixels[::-1, ::-1].swapaxes(0, 1),
        8: lambda: np.rot90(pixels),
    }
    return turned.get(orientation, lambda: pixels)()


def _in_channels(pixels, channels):
    """uint16 `(H, W, 1)` or RGB `(H, W, 3)` as gray or RGB; gray by the weights of BT.601, as Pillow has them."""
    if pixels.shape[-1] == channels:
        return pixels
    if channels == 3:
        return np.repeat(pixels, 3, axis=-1)
    luma = pixels.astype("uint64") @ np.array([19595, 38470, 7471], "uint64")
    return ((luma + 0x8000) >> 16).astype("uint16")[..., None]


def as_floats(values):
    """Scales bytes and 16-bit integers to float32 in [0, 1]; floats stay as they are."""
    values = np.asarray(values)
    if values.dtype.kind == "f":
        return values.astype("float32", copy=False)
    return values.astype("float32") / np.iinfo(values.dtype).max


def damaged(path, kind, error):
    """The error of a file that cannot be read as what it should be."""
    return DamagedFileError(
        f"{path} cannot be read as {kind}: {error}. Replace it, take it out of the folder, or skip it (--on-error skip)."
    )


def same_size(path, size, other, other_size):
    """Refuses an image and a mask of different sizes.

    Raises:
        ValueError: if the tuples `size` and `other_size` differ.
    """
    if tuple(size) != tuple(other_size):
        turned = len(size) == 2 and tuple(size) == tuple(other_size)[::-1]
        hint = "One of them is turned: compare their EXIF orientations, which are followed. " if turned else ""
        raise ValueError(
            f"{path} and {other} must have one size. Received: {'x'.join(map(str, size))} and "
            f"{'x'.join(map(str, other_size))}. {hint}Replace the pair or take it out of the folders."
        )


def image_paths(folder: PathLike) -> list[Path]:
    """Returns the image files of a folder, sorted by name; warns with the names of images of kinds that are not read.

    Raises:
        ValueError: if there is no such folder, it cannot be read, or holds no image.

    Examples:
        >>> [path.name for path in data.image_paths("photos")]
        ['a.png', 'b.png']
    """
    try:
        every = sorted(Path(folder).iterdir())
    except OSError as error:
        raise ValueError(f"{folder} must be a folder of images that can be read. Received: {error.strerror}.") from error
    paths = [path for path in every if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")]
    warn_left_out(folder, set(every) - set(paths), f"only {', '.join(SUFFIXES)} are read")
    if not paths:
        raise ValueError(f"{folder} must hold at least one image ({', '.join(SUFFIXES)}). Received: a folder without any.")
    return paths


def smallest_size(folder):
    """Returns `(height, width)` that every image of a folder, turned as it is read, has at least.

    Raises:
        ValueError: if the folder holds no image, or a damaged one.
    """
    sizes = []
    for path in image_paths(folder):
        with opened(path, "an image") as image:
            sizes.append(upright_size(image))
    return tuple(map(min, zip(*sizes, strict=True)))


def upright_size(image):
    """Returns `(height, width)` of an image that Pillow has opened and not yet read, turned as it will be read."""
    width, height = image.size  # Pillow turns those of TIFF itself
    turned = image.format != "TIFF" and image.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8)
    return (width, height) if turned else (height, width)


def read_crops(folder: PathLike, shape: Sequence[int | None]) -> np.ndarray:
    """Reads the centre of every image of a folder.

    Images are cropped, never resized: resizing changes the noise.

    Args:
        folder: str or path.
        shape: `(height, width, channels)` of the crops.

    Returns:
        float32 array `(count, height, width, channels)` with values in [0, 1].

    Raises:
        ValueError: if the folder holds no image, or one that is damaged or smaller than the crop.

    Examples:
        >>> data.read_crops("photos", (16, 16, 3)).shape
        (2, 16, 16, 3)
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
