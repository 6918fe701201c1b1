# SPDX-License-Identifier: Apache-2.0
"""Folders of a user's own volumes and their masks, as NIfTI."""

import functools
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from keras_unetmm.data.dataset import DataSet
from keras_unetmm.data.labels import Labels, Value, labels_of
from keras_unetmm.data.layout import MissingDataError, extra, reader
from keras_unetmm.data.own_files import VOLUMES, few, own_files, split_of
from keras_unetmm.data.own_pairs import matched
from keras_unetmm.data.partners import divided
from keras_unetmm.data.tiny import tiny_scene
from keras_unetmm.data.volume_sets import Window, read_mask_volume, read_volume_pair, validate_volumes
from keras_unetmm.types import PathLike

LOOKED_AT = 8  # masks, to find out what labels there are


def _tiny(folder, rng):
    nibabel = extra("nibabel")
    for i in range(4):
        image, mask = tiny_scene(rng, (20, 24, 16), (0, 1), 1)
        for part, array in (("images", image[..., 0].astype("int16")), ("masks", mask)):
            path = Path(folder, part, f"{i}.nii.gz")
            path.parent.mkdir(parents=True, exist_ok=True)
            nibabel.save(nibabel.Nifti1Image(array, np.eye(4)), path)


@reader(tiny=_tiny)
def volumes(
    folder: PathLike,
    images: PathLike = "images",
    masks: PathLike = "masks",
    classes: Mapping[str, Value] | None = None,
    ignore: Value | None = None,
    split: str | None = None,
    validation: float = 0.1,
    seed: int = 0,
    channel: int = 0,
    spacing: float | None = None,
    window: Window = None,
    partial: bool = False,
) -> DataSet:
    """Reads a folder of NIfTI volumes (.nii, .nii.gz) and their masks, in any orientation.

    Each volume is turned to the orientation RAS where its file says how it lies, and its mask to the volume; masks that lie
    elsewhere are refused. Partners are found as by `pairs`.

    Args:
        folder: str or path that the others are relative to.
        images, masks: str or path of folders, at any depth; both may be one.
        classes: dict from the name of each label to its value in the files, the background first; None looks at some masks.
        ignore: value of voxels that count nowhere, which become 255; or None.
        split, validation, seed: as for `pairs`.
        channel: int, which one of a volume that has several.
        spacing: float, millimetres to resample to, or None.
        window: `(low, high)` in Hounsfield units, scaled to [0, 1]; None gives every volume zero mean and unit deviation.
        partial: bool, leaves out volumes without a partner, with a warning that names them.

    Returns:
        A `DataSet` of float32 `(D, H, W, 1)` and uint8 `(D, H, W)`.

    Raises:
        MissingDataError: if a folder is not there or holds no volume, or a volume has no partner.
        ValueError: for other arguments; when reading, for a mask of another size or place, or a label that is none.

    Examples:
        >>> data.volumes.tiny("tiny", np.random.default_rng(0))
        >>> data.volumes("tiny")[0][0].ndim
        4
    """
    validate_volumes(spacing, window)
    root = Path(folder) / images
    examples = volume_examples(root, Path(folder) / masks, partial)
    labels = labels_of(classes, ignore) if classes is not None else labels_in_volumes(examples)
    mapping = {**{mark: label for label, mark in enumerate(labels.marks)}, **({} if ignore is None else {ignore: 255})}
    known = {"mapping": mapping, "classes": labels.classes, "ignore": labels.ignored, "own": True}
    name = " ".join(filter(None, (root.name or str(root), split, f"{spacing} mm" if spacing else None)))
    read = functools.partial(read_volume_pair, known, channel, spacing, window, canonical=True)
    chosen = split_of(examples, split, validation, seed, root)
    return DataSet(name, tuple(chosen), read, "mask", labels.classes, labels.ignored)


def volume_examples(root, masks, partial=False):
    """Returns the paths of volumes and of their masks, a tuple of both for each; the arguments are those of `volumes`."""
    if Path(masks).resolve() != Path(root).resolve():
        found = own_files(root, VOLUMES, "volumes", without=masks)
        return matched(found, own_files(masks, VOLUMES, "masks", without=root), masks, partial)
    found = own_files(root, VOLUMES, "volumes")
    ours, theirs = divided(list(found))
    if not theirs:
        raise MissingDataError(
            f"{root} must hold volumes and their masks, such as x.nii.gz and x_mask.nii.gz, where no folder of masks is "
            f"named. Received: {len(found):,} volumes without. Name the folder of masks (--masks DIR)."
        )
    return matched({name: found[name] for name in ours}, {name: found[name] for name in theirs}, root, partial)


def labels_in_volumes(examples):
    """Returns the `Labels` that the masks of some volumes hold, by looking at a few."""
    values = set()
    for _, path in examples[:: max(1, len(examples) // LOOKED_AT)][:LOOKED_AT]:
        values |= set(np.unique(read_mask_volume(path)).tolist())
    wrong = [value for value in values if value != int(value) or not 0 <= value <= 255]
    if wrong or len(values) < 2:
        raise ValueError(
            f"masks must hold two labels or more, from 0 to 255. Received: {few(sorted(values))}. Put the right masks "
            "there, or name their values (--classes NAME=VALUE,...)."
        )
    marks = sorted(map(int, values))
    if marks == [0, 255]:
        return Labels(("background", "foreground"), (0, 255))
    if marks[-1] < 64:
        marks = list(range(marks[-1] + 1))
    names = ["foreground"] if len(marks) == 2 else [f"class{i}" for i in range(1, len(marks))]
    return Labels(("background", *names), tuple(marks))
