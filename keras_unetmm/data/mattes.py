# SPDX-License-Identifier: Apache-2.0
"""Portraits and objects with the share of the foreground in each pixel, and where a network has to find it out.

Every reader takes `folder` (the folder of all data sets) and returns `(image, matte)` for each example: uint8 `(H, W, 3)`,
and uint8 `(H, W, 2)`: alpha, and 255 where the trimap is unknown, otherwise 0. It raises `MissingDataError` for a folder or
file that is not there, and, when an example is read, `DamagedFileError` for a damaged file and `ValueError` for unequal
sizes. With `partial=True` it takes what is there.
"""

from pathlib import Path

import numpy as np

from keras_unetmm.data.dataset import DataSet
from keras_unetmm.data.images import damaged
from keras_unetmm.data.layout import every_fifth, files, home, one_of, partner, reader, whole
from keras_unetmm.data.restoration_pairs import read_alike
from keras_unetmm.data.tiny import smooth_picture, write_tiny
from keras_unetmm.types import PathLike

PHOTOGRAPHS = "*.[jp][pn]g"  # .jpg or .png


def unknown_region(alpha, width=10):
    """Makes the unknown region of a trimap: the pixels near both foreground and background.

    Args:
        alpha: uint8 array `(H, W)`.
        width: int, pixels in each direction. Unknown is what lies within them of an alpha above 0 and of one below 255, and
            so all within them of an alpha between.

    Returns:
        uint8 array `(H, W)`: 255 where it is unknown, otherwise 0.

    Raises:
        ValueError: if width is negative.
    """
    if width < 0:
        raise ValueError(f"width must be at least 0 pixels. Received: {width}.")
    return np.where(_widened(alpha > 0, width) & _widened(alpha < 255, width), 255, 0).astype("uint8")


def _widened(region, width):
    """Dilates a region by a square: a pixel is in it where the square around it counts any."""
    for axis in (0, 1):
        edges = [(0, 0), (0, 0)]
        edges[axis] = (width + 1, width)
        counts = np.moveaxis(np.cumsum(np.pad(region, edges), axis, dtype="int32"), axis, 0)
        region = np.moveaxis(counts[2 * width + 1 :] > counts[: -2 * width - 1], 0, axis)
    return region


def _read(example, width):
    image, alpha, trimap = example
    if trimap is None:
        pixels, matte = read_alike((image, 3), (alpha, 1))
        region = None
    else:
        pixels, matte, region = read_alike((image, 3), (alpha, 1), (trimap, 1))
    if matte.dtype != np.uint8:
        raise damaged(alpha, "a matte", f"its alpha must have 8 bits, not be {matte.dtype}")
    if region is None:
        unknown = unknown_region(matte[..., 0], width)[..., None]
    else:
        unknown = np.where((region > 0) & (region < 255), 255, 0)
    return pixels, np.concatenate([matte, unknown.astype("uint8")], -1)


def _mattes(name, paths, alphas, trimaps=None, width=10):
    """The data set of some photographs; the other files have the same stem in the folders `alphas` and `trimaps`."""

    def beside(path, folder):
        return None if folder is None else partner(path, folder / f"{path.stem}.png")

    examples = tuple((path, beside(path, alphas), beside(path, trimaps)) for path in paths)
    return DataSet(name, examples, lambda example: _read(example, width), "matte")


def _write_matte(rng, image, alpha, trimap=None, height=40, width=48):
    """Writes tiny data: a disk with a soft edge of 8 pixels, and a trimap that is unknown there."""
    y, x = np.mgrid[:height, :width]
    inside = 4 - np.hypot(y - height / 2, x - width / 2) + rng.uniform(0.25, 0.4) * height
    share = np.rint(inside.clip(0, 8) / 8 * 255).astype("uint8")[..., None]
    write_tiny(image, smooth_picture(rng, height, width))
    write_tiny(alpha, share)
    if trimap is not None:
        write_tiny(trimap, np.where((share > 0) & (share < 255), 128, share).astype("uint8"))


P3M_FOLDERS = {  # of images and trimaps, and the count
    "train": ("train/blurred_image", None, 9421),
    "p3m500p": ("validation/P3M-500-P/blurred_image", "validation/P3M-500-P/trimap", 500),
    "p3m500np": ("validation/P3M-500-NP/original_image", "validation/P3M-500-NP/trimap", 500),
}


def _tiny_p3m10k(folder, rng):
    for images, trimaps, _ in P3M_FOLDERS.values():
        for stem in ("p_0a1b2c", "p_3d4e5f"):
            image = Path(folder) / "p3m10k" / images / f"{stem}.jpg"
            trimap = trimaps and Path(folder) / "p3m10k" / trimaps / f"{stem}.png"
            _write_matte(rng, image, image.parent.parent / "mask" / f"{stem}.png", trimap, 80, 96)


@reader(tiny=_tiny_p3m10k)
def p3m10k(folder: PathLike, split: str = "train", width: int = 10, partial: bool = False) -> DataSet:
    """Reads P3M-10k (Li et al., ACM MM 2021): portraits of about 1400 pixels a side, their faces blurred for privacy.

    ```
    p3m10k/train/{blurred_image/*.jpg,mask/*.png}                              9,421
    p3m10k/validation/P3M-500-P/{blurred_image/*.jpg,mask/*.png,trimap/*.png}    500, faces blurred
    p3m10k/validation/P3M-500-NP/{original_image/*.jpg,mask/*.png,trimap/*.png}  500, faces as they are
    ```

    From github.com/JizhiziLi/P3M (P3M-10k, which becomes `p3m10k`), for academic research after an agreement.

    Args:
        folder: the folder of all data sets.
        split: `"train"`, `"p3m500p"` or `"p3m500np"`.
        width: int, pixels; makes the trimap of `"train"`, see `unknown_region`. The others have theirs.
        partial: bool, whether fewer images will do.

    Examples:
        >>> data.p3m10k.tiny("tiny", np.random.default_rng(0))
        >>> data.p3m10k("tiny", partial=True)[0][0].shape
        (80, 96, 3)
    """
    images, trimaps, count = P3M_FOLDERS[one_of("split", split, tuple(P3M_FOLDERS))]
    layout = "train/{blurred_image,mask} and validation/P3M-500-{P,NP}"
    root = home(folder, "p3m10k", layout, "github.com/JizhiziLi/P3M (P3M-10k)")
    paths = whole(f"p3m10k {split}", files(root / images, "*.jpg", "the portraits"), count, partial)
    alphas = (root / images).parent / "mask"
    return _mattes(f"p3m10k {split}", paths, alphas, trimaps and root / trimaps, width)


def _tiny_rwp636(folder, rng):
    root = Path(folder) / "rwp636"
    for stem in ("0001", "0002"):
        _write_matte(rng, root / "image" / f"{stem}.jpg", root / "alpha" / f"{stem}.png", height=80, width=96)


@reader(tiny=_tiny_rwp636)
def rwp636(folder: PathLike, width: int = 10, partial: bool = False) -> DataSet:
    """Reads RealWorldPortrait-636 (Yu et al., CVPR 2021): portraits, for testing.

    ```
    rwp636/{image/*.jpg or *.png,alpha/*.png}    636, and trimap/*.png where there is such a folder
    ```

    From github.com/yucornetto/MGMatting (RealWorldPortrait-636, which becomes `rwp636`); for research.

    Args:
        folder: the folder of all data sets.
        width: int, pixels; makes the trimap where there is none, see `unknown_region`.
        partial: bool, whether fewer images will do.

    Examples:
        >>> data.rwp636.tiny("tiny", np.random.default_rng(0))
        >>> data.rwp636("tiny", partial=True)[0][0].shape
        (80, 96, 3)
    """
    root = home(
        folder, "rwp636", "image, alpha and perhaps trimap", "github.com/yucornetto/MGMatting (RealWorldPortrait-636)"
    )
    paths = whole("rwp636", files(root / "image", PHOTOGRAPHS, "the portraits"), 636, partial)
    trimaps = root / "trimap"
    return _mattes("rwp636", paths, root / "alpha", trimaps if trimaps.is_dir() else None, width)


def _tiny_alphamatting(folder, rng):
    root = Path(folder) / "alphamatting"
    for i in range(1, 11):
        _write_matte(rng, *(root / part / f"GT{i:02d}.png" for part in ("input", "alpha", "trimap1")))


@reader(tiny=_tiny_alphamatting)
def alphamatting(folder: PathLike, split: str = "train", partial: bool = False) -> DataSet:
    """Reads the training set of alphamatting.com (Rhemann et al., CVPR 2009): flowers, toys and hair of dolls, no portraits.

    ```
    alphamatting/{input,alpha,trimap1}/GT01.png ... GT27.png    27
    ```

    From alphamatting.com (input_training_lowres, gt_training_lowres, trimap_training_lowres); for research. The pictures of
    its test have no public alpha, so every fifth of the 27, in the order of names, is test here.

    Args:
        folder: the folder of all data sets.
        split: `"train"` or `"test"`.
        partial: bool, whether fewer images will do.

    Examples:
        >>> data.alphamatting.tiny("tiny", np.random.default_rng(0))
        >>> data.alphamatting("tiny", partial=True)[0][0].shape
        (40, 48, 3)
    """
    root = home(folder, "alphamatting", "input, alpha and trimap1", "alphamatting.com")
    paths = every_fifth(whole("alphamatting", files(root / "input", "*.png", "the images"), 27, partial), split)
    return _mattes(f"alphamatting {split}", paths, root / "alpha", root / "trimap1")
