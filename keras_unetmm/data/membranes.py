# SPDX-License-Identifier: Apache-2.0
"""Cell membranes: the ISBI 2012 challenge of electron microscopy."""

from pathlib import Path

from keras_unetmm.data.dataset import DataSet
from keras_unetmm.data.layout import files, home, one_of, reader
from keras_unetmm.data.left_out import warn_left_out
from keras_unetmm.data.masks import mask_pairs
from keras_unetmm.data.tiny import write_tiny_pair
from keras_unetmm.types import PathLike

SLICES = {"train": range(24), "test": range(24, 30)}
INSIDE = {0: 0, 255: 1}


def _tiny_isbi2012(folder, rng):
    for slices in SLICES.values():
        for index in slices[:3]:
            name, root = f"{index}.png", Path(folder, "isbi2012")
            write_tiny_pair(rng, root / "image" / name, root / "label" / name, list(INSIDE), channels=1)


@reader(tiny=_tiny_isbi2012)
def isbi2012(folder: PathLike, split: str = "train", partial: bool = False) -> DataSet:
    """Reads the labelled slices of ISBI 2012: gray 512x512 images and binary masks, 0 on a membrane and 1 inside a cell.

    Get them from the GitHub repository zhixuhao/unet, data/membrane/train. They are 30 consecutive slices of one volume, so
    they are split in two blocks, not at random. Research use; licence not verified::

        isbi2012/image/0.png ... 29.png
        isbi2012/label/0.png ... 29.png

    Args:
        folder: str or path, the folder of all data sets.
        split: `"train"` (slices 0 to 23) or `"test"` (24 to 29).
        partial: bool, whether fewer slices will do.

    Raises:
        MissingDataError: if the data set is not there, or not whole.
        ValueError: for another split.

    Examples:
        >>> data.isbi2012.tiny("tiny", np.random.default_rng(0))
        >>> data.isbi2012("tiny", partial=True)[0][0].shape
        (48, 64, 1)
    """
    one_of("split", split, SLICES)
    root = home(folder, "isbi2012", "the folders image and label", "github.com/zhixuhao/unet (data/membrane/train)")
    there = {path.stem: path for path in files(root / "image", "*.png", "slices")}
    known = {str(index) for slices in SLICES.values() for index in slices}
    warn_left_out(
        root / "image", [path for stem, path in there.items() if stem not in known], "only 0.png to 29.png are read"
    )
    images = [there[str(index)] for index in SLICES[split] if str(index) in there]
    name = f"isbi2012 {split}"
    return mask_pairs(
        name, images, lambda path: root / "label" / path.name, len(SLICES[split]), partial, mapping=INSIDE, channels=1
    )
