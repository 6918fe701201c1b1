# SPDX-License-Identifier: Apache-2.0
"""Skin lesions: the ISIC challenges of 2017 and 2018, lesion boundaries."""

from pathlib import Path

from keras_unetmm.data.dataset import DataSet
from keras_unetmm.data.layout import files, home, one_of, reader
from keras_unetmm.data.masks import mask_pairs
from keras_unetmm.data.tiny import write_tiny_pair
from keras_unetmm.types import PathLike, Size

ISIC2017 = {"train": ("Training", 2000), "val": ("Validation", 150), "test": ("Test_v2", 600)}
ISIC2018 = {"train": 800, "val": 200}
TWINS = {"ISIC_0012887", "ISIC_0012989", "ISIC_0012672", "ISIC_0012673"}  # two pairs of near duplicates
LESION = {0: 0, 255: 1}


def _tiny_isic2017(folder, rng):
    for part, _ in ISIC2017.values():
        data, masks = _folders2017(Path(folder, "isic2017"), part)
        for index in range(3):
            name = f"ISIC_{index:07d}"
            write_tiny_pair(rng, data / f"{name}.jpg", masks / f"{name}_segmentation.png", list(LESION))


def _folders2017(root, part):
    return root / f"ISIC-2017_{part}_Data", root / f"ISIC-2017_{part}_Part1_GroundTruth"


@reader(tiny=_tiny_isic2017)
def isic2017(
    folder: PathLike,
    split: str = "train",
    size: Size = (256, 256),
    channels: int = 3,
    partial: bool = False,
) -> DataSet:
    """Reads ISIC 2017, part 1: photographs of skin and binary masks, 1 inside the lesion.

    Get the parts from https://challenge.isic-archive.com/data/#2017 (CC0 by that page; not verified) and unpack them as they
    are; superpixels are not read::

        isic2017/ISIC-2017_Training_Data/ISIC_0000000.jpg
        isic2017/ISIC-2017_Training_Part1_GroundTruth/ISIC_0000000_segmentation.png
        isic2017/ISIC-2017_Validation_Data, ISIC-2017_Validation_Part1_GroundTruth
        isic2017/ISIC-2017_Test_v2_Data, ISIC-2017_Test_v2_Part1_GroundTruth

    Args:
        folder: str or path, the folder of all data sets.
        split: `"train"` (2,000 images), `"val"` (150) or `"test"` (600).
        size: `(height, width)` in pixels that images and masks are resized to; None leaves their many sizes.
        channels: 3 for RGB, 1 for gray.
        partial: bool, whether fewer images will do.

    Raises:
        MissingDataError: if the data set is not there, or not whole.
        ValueError: for another split.

    Examples:
        >>> data.isic2017.tiny("tiny", np.random.default_rng(0))
        >>> data.isic2017("tiny", partial=True)[0][0].shape
        (256, 256, 3)
    """
    one_of("split", split, ISIC2017)
    part, count = ISIC2017[split]
    source = "https://challenge.isic-archive.com/data/#2017"
    data, masks = _folders2017(home(folder, "isic2017", "the folders ISIC-2017_*_Data and _GroundTruth", source), part)
    images = files(data, "*.jpg", "photographs", beside=("*_superpixels.png",))

    def mask_of(path):
        return masks / f"{path.stem}_segmentation.png"

    return mask_pairs(f"isic2017 {split}", images, mask_of, count, partial, mapping=LESION, channels=channels, size=size)


def _tiny_isic2018(folder, rng):
    for index, split in enumerate(["train"] * 4 + ["val"] * 2):
        name, root = f"ISIC_{index:07d}", Path(folder, "isic2018")
        write_tiny_pair(rng, root / split / f"{name}.jpg", root / "mask" / f"{name}_segmentation.png", list(LESION))


@reader(tiny=_tiny_isic2018)
def isic2018(
    folder: PathLike,
    split: str = "train",
    size: Size = None,
    channels: int = 3,
    partial: bool = False,
) -> DataSet:
    """Reads 1,000 images of ISIC 2018, task 1, at 256x256 pixels: photographs of skin and binary masks, 1 inside the lesion.

    The images are those of the GitHub repository komour/diploma, made smaller and saved as JPEG twice; scores cannot be
    compared with the challenge's. ISIC_0012989 and ISIC_0012672 are near duplicates of ISIC_0012887 and ISIC_0012673: none
    of the four is taken for validation. Non-commercial use (believed CC BY-NC 4.0); cite arXiv 1902.03368::

        isic2018/train/ISIC_0000000.jpg
        isic2018/val/ISIC_0000006.jpg
        isic2018/mask/ISIC_0000000_segmentation.png     of both

    Args:
        folder: str or path, the folder of all data sets.
        split: `"train"` (800 images) or `"val"` (200).
        size: `(height, width)` in pixels that images and masks are resized to, or None.
        channels: 3 for RGB, 1 for gray.
        partial: bool, whether fewer images will do.

    Raises:
        MissingDataError: if the data set is not there, or not whole.
        ValueError: for another split.

    Examples:
        >>> data.isic2018.tiny("tiny", np.random.default_rng(0))
        >>> data.isic2018("tiny", partial=True)[0][0].shape
        (48, 64, 3)
    """
    one_of("split", split, ISIC2018)
    root = home(folder, "isic2018", "the folders train, val and mask", "github.com/komour/diploma (data and images)")
    images = [path for path in files(root / split, "*.jpg", "photographs") if split == "train" or path.stem not in TWINS]

    def mask_of(path):
        return root / "mask" / f"{path.stem}_segmentation.png"

    name = f"isic2018 {split}"
    return mask_pairs(name, images, mask_of, ISIC2018[split], partial, mapping=LESION, channels=channels, size=size)
