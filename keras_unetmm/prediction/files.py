# SPDX-License-Identifier: Apache-2.0
"""Reading what is predicted on, and writing results as they were: bits, EXIF, colour profile, orientation of volumes."""

import gzip
import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from keras_unetmm.atomic_write import atomic_write
from keras_unetmm.data.images import opened, read_pixels
from keras_unetmm.data.layout import extra
from keras_unetmm.data.orientation import from_canonical
from keras_unetmm.data.own_files import VOLUMES
from keras_unetmm.data.volume_sets import read_volume, scaled
from keras_unetmm.prediction.sources import PredictionError

LOSSLESS = {".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP", ".webp": "WEBP"}
ORIENTATION = 274  # the tag of EXIF


@dataclass(frozen=True)
class Input:
    """A picture or volume.

    Args:
        path: of the file.
        values: array `(H, W, C)` of bytes or 16-bit integers, or float32 `(D, H, W, 1)`.
        about: dict, what Pillow saves beside the pixels: `exif`, `icc_profile`; of a volume its `affine` and `header`.
    """

    path: Path
    values: np.ndarray
    about: dict


def read_input(path, channels, axes, window=None):
    """Reads a picture, turned as its EXIF orientation says, or a NIfTI volume, turned to RAS and scaled as in training.

    Args:
        path: str or path.
        channels: int, that the network takes.
        axes: int, 2 or 3.
        window: `(low, high)` in Hounsfield units of a volume, or None for mean 0 and deviation 1.

    Raises:
        DamagedFileError: a `ValueError`, if the file cannot be read.
        PredictionError: for a network of other channels than a picture has.
    """
    path = Path(path)
    if axes == 3:
        image, affine = read_volume(path, canonical=True)
        nibabel = extra("nibabel")
        file = nibabel.load(path)
        about = {"affine": file.affine, "header": file.header, "turned": not np.array_equal(affine, file.affine)}
        return Input(path, scaled(image, window).T[..., None], about)
    if channels not in (1, 3):
        raise PredictionError(f"pictures have 1 or 3 channels. Received: a network of {channels}; call predict on arrays.")
    values = read_pixels(path, channels)
    with opened(path, "an image") as image:
        exif, profile = image.getexif(), image.info.get("icc_profile")
        exif.pop(ORIENTATION, None)
        return Input(path, values, {"exif": exif.tobytes() if len(exif) else None, "icc_profile": profile})


def is_volume(path):
    """Whether a file is a NIfTI volume by its name."""
    return str(path).lower().endswith(VOLUMES)


def stem(path):
    """The name of a file without suffix."""
    name = Path(path).name
    return next((name[: -len(end)] for end in VOLUMES if name.lower().endswith(end)), Path(path).stem)


def restored_suffix(path):
    """The suffix of a restored picture: its own where that format loses nothing, else .png."""
    suffix = Path(path).suffix.lower()
    return suffix if suffix in LOSSLESS else ".png"


def write_picture(path, values, like):
    """Writes a restored picture with the bits that its input had.

    Args:
        path: of the file, written whole or not at all.
        values: float array `(H, W, C)` in [0, 1]; what lies outside is cut off.
        like: `Input`.
    """
    path = Path(path)
    deep = like.values.dtype == np.uint16
    kind = np.uint16 if deep and path.suffix.lower() in (".png", ".tif", ".tiff") else np.uint8
    pixels = np.rint(np.clip(values, 0, 1) * np.iinfo(kind).max).astype(kind)
    pixels = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    given = {name: value for name, value in like.about.items() if value is not None}
    with atomic_write(path) as temporary:
        if kind == np.uint16 and pixels.ndim == 3:
            content = _deep_colours(pixels, path.suffix.lower(), given)
            Path(temporary).write_bytes(content)
            return
        options = {"lossless": True} if path.suffix.lower() == ".webp" else {}
        given = {} if path.suffix.lower() == ".bmp" else given
        Image.fromarray(pixels).save(temporary, LOSSLESS[path.suffix.lower()], **given, **options)


def write_mask(path, labels):
    """Writes labels as a gray picture whose values they are."""
    with atomic_write(path) as temporary:
        Image.fromarray(labels).save(temporary, "PNG")


def write_colours(path, pixels):
    """Writes a picture of bytes."""
    with atomic_write(path) as temporary:
        Image.fromarray(pixels).save(temporary, "PNG")


def write_array(path, values):
    """Writes floats as .npy."""
    with atomic_write(path) as temporary, open(temporary, "wb") as file:
        np.save(file, values)


def write_volume(path, values, like):
    """Writes labels or values of a volume as NIfTI, in the orientation, and with the header, of its input.

    Args:
        path: of the file, .nii.gz.
        values: array `(D, H, W)`.
        like: `Input`.
    """
    nibabel = extra("nibabel")
    array = values.T
    if like.about["turned"]:
        array = from_canonical(array, like.about["affine"])
    header = like.about["header"].copy()
    header.set_data_dtype(array.dtype)
    header.set_slope_inter(1, 0)
    image = nibabel.Nifti1Image(array, like.about["affine"], header)
    with atomic_write(path) as temporary:
        Path(temporary).write_bytes(gzip.compress(image.to_bytes(), mtime=0))


def _deep_colours(pixels, suffix, given):
    """RGB of 16 bits by OpenCV, which Pillow cannot write; in a PNG with EXIF and colour profile."""
    opencv = extra("cv2", "opencv-python-headless")
    done, content = opencv.imencode(suffix, np.ascontiguousarray(pixels[..., ::-1]))
    if not done:
        raise PredictionError(f"a picture of {pixels.shape} cannot be written as {suffix}.")
    content = content.tobytes()
    if suffix != ".png":
        return content
    chunks = b""
    if "icc_profile" in given:
        chunks += _chunk(b"iCCP", b"profile\0\0" + zlib.compress(given["icc_profile"]))
    if "exif" in given:
        chunks += _chunk(b"eXIf", given["exif"].removeprefix(b"Exif\0\0"))
    end = 8 + 25  # behind the signature and the header
    return content[:end] + chunks + content[end:]


def _chunk(name, data):
    """A chunk of a PNG file."""
    file = io.BytesIO()
    file.write(struct.pack(">I", len(data)) + name + data)
    file.write(struct.pack(">I", zlib.crc32(name + data)))
    return file.getvalue()
