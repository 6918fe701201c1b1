# SPDX-License-Identifier: Apache-2.0
"""Photographs into what a device takes, and what it gives into pictures."""

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from keras_unetmm.engine.ports import DTYPES

FITS = ("crop", "resize")
_BYTES = 256
_NEAR = 0.02  # of a scale, within which it is taken for that of a whole range
_PALETTE = 97  # steps through the hues, so that neighbouring classes differ


def loaded(path, port, fit="crop"):
    """Returns what a device takes, of an image or a .npy file.

    A byte of an image stands for its share of the range if the input's range is that of [0, 1], [-1, 1] or [0, 255], as of
    cameras; else for a number in [0, 1], which the input's scale quantises.

    Args:
        path: path of an image, or of a .npy file with numbers of the input's type, or floats.
        port: dict with `type`, `shape`, `scale` and `zero_point`.
        fit: `"crop"`, the centre; `"resize"`. What an image of another size than the input's is made of.

    Returns:
        tuple of the array, and a str that says what was done to the image, or an empty one.

    Raises:
        ValueError: if it is neither, too small to be cropped, or of other channels than the input.
    """
    path, shape, dtype = Path(path), tuple(port["shape"]), np.dtype(DTYPES[port["type"]])
    if fit not in FITS:
        raise ValueError(f"fit must be one of {', '.join(FITS)}. Received: {fit!r}.")
    if path.suffix == ".npy":
        return _numbers(path, shape, dtype, port), ""
    if len(shape) != 4 or shape[0] != 1 or shape[3] not in (1, 3) or dtype.itemsize != 1:
        raise ValueError(
            f"the input of this network is {dtype} of the shape {shape}: no image. Received: {path}. Give a .npy file."
        )
    image = _opened(path).convert("L" if shape[3] == 1 else "RGB")
    image, said = _fitted(image, shape[1:3], fit, path)
    pixels = np.asarray(image, "uint8").reshape(shape)
    return quantised(pixels, port, dtype), said


def quantised(pixels, port, dtype):
    """Returns the bytes of an image as the input's type."""
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    if port["scale"] is None or _whole_range(port, low, high):
        return (pixels.astype("int64") + low).astype(dtype)
    real = pixels.astype("float64") / (_BYTES - 1)
    return np.clip(np.round(real / port["scale"]) + port["zero_point"], low, high).astype(dtype)


def _whole_range(port, low, high):
    """Whether the bytes of a type stand for all of [0, 1], [-1, 1] or [0, 255]."""
    least, most = ((end - port["zero_point"]) * port["scale"] for end in (low, high))
    ranges = ((0, 1), (-1, 1), (0, _BYTES - 1))
    return any(max(abs(least - a), abs(most - b)) <= _NEAR * (b - a) for a, b in ranges)


def _numbers(path, shape, dtype, port):
    try:
        given = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path} must be a .npy file of numbers. Received: {error}.") from None
    given = given[None] if given.shape == shape[1:] else given
    if given.shape == shape and given.dtype.kind == "f" and port["scale"] is not None:
        limits = np.iinfo(dtype)
        return np.clip(np.round(given / port["scale"]) + port["zero_point"], limits.min, limits.max).astype(dtype)
    if given.shape != shape or given.dtype != dtype:
        raise ValueError(
            f"{path} must hold {dtype} of the shape {shape}, or floats. Received: {given.dtype} of the shape {given.shape}."
        )
    return given


def _opened(path):
    try:
        return Image.open(path)
    except UnidentifiedImageError:
        raise ValueError(f"{path} must be an image, or a .npy file. Received: neither.") from None


def _fitted(image, size, fit, path):
    height, width = size
    if image.size == (width, height):
        return image, ""
    was = f"{image.height}x{image.width}"
    if fit == "resize":
        return image.resize((width, height), Image.Resampling.BICUBIC), f"resized from {was} to {height}x{width}"
    if image.height < height or image.width < width:
        raise ValueError(
            f"{path} must have {height}x{width} pixels or more, to be cropped. Received: {was}. Try --fit resize, or write "
            "the firmware for that size."
        )
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height)), f"the centre, {height}x{width} of {was}"


def picture(values, port, kind=None):
    """Returns the `PIL.Image.Image` of an output.

    Args:
        values: array of the output's type and shape.
        port: dict with `scale` and `zero_point`.
        kind: what it is: `"image"`, `"probabilities"`, `"values"`, `"logits"`, `"indices"`, or None for a guess.

    Returns:
        Of an image its bytes; of probabilities and logits a mask, white where one channel is likely, or with many channels
        the number of the likeliest class, in colours; of indices the same.

    Raises:
        ValueError: if it is no image.
    """
    if values.ndim not in (3, 4) or values.shape[0] != 1 or (values.ndim == 4 and kind == "indices" and values.shape[3] > 1):
        raise ValueError(f"the output of this network is of the shape {values.shape}: no picture. Give -o a .npy file.")
    map_ = values[0] if values.ndim == 4 else values[0][..., None]
    channels = map_.shape[2]
    if kind is None:
        kind = "indices" if values.dtype.itemsize > 1 else "image" if channels in (1, 3) else "probabilities"
    if kind == "indices":
        return _classes(map_[..., 0])
    if kind in ("probabilities", "logits"):
        if channels > 1:
            return _classes(map_.argmax(-1))
        return Image.fromarray(np.where(_real(map_[..., 0], port) >= _middle(kind), 255, 0).astype("uint8"))
    if channels not in (1, 3):
        raise ValueError(f"the output of this network has {channels} channels: no picture. Give -o a .npy file.")
    return Image.fromarray(_display(map_, port).squeeze())


def _middle(kind):
    return 0.5 if kind == "probabilities" else 0.0


def _real(values, port):
    if port["scale"] is None:
        return values.astype("float64")
    return (values.astype("float64") - port["zero_point"]) * port["scale"]


def _display(values, port):
    """Bytes of a display: as they are where they stand for a whole range, else of numbers in [0, 1]."""
    limits = np.iinfo(values.dtype) if values.dtype.kind in "iu" else None
    is_bytes = limits is not None and values.dtype.itemsize == 1 and port["scale"] is not None
    if is_bytes and _whole_range(port, limits.min, limits.max):
        return (values.astype("int64") - limits.min).astype("uint8")
    return np.clip(np.round(_real(values, port) * (_BYTES - 1)), 0, _BYTES - 1).astype("uint8")


def _classes(numbers):
    """Numbers of classes as they are, with colours: class 0 is black."""
    rows, columns = numbers.shape
    made = Image.frombytes("P", (columns, rows), numbers.astype("uint8").tobytes())
    places = np.arange(_BYTES)
    hues = np.stack([places * _PALETTE % _BYTES, np.where(places, 200, 0), np.where(places, 255, 0)], axis=-1).astype(
        "uint8"
    )
    made.putpalette(Image.frombytes("HSV", (_BYTES, 1), hues.tobytes()).convert("RGB").tobytes())
    return made
