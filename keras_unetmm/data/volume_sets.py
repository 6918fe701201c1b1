# SPDX-License-Identifier: Apache-2.0
"""Volumes with masks, from NIfTI files: hippocampus, prostate, liver, and organs in CT.

An array of a NIfTI file runs over x, y, z; volumes here are `(z, y, x)`, so that the first axis counts slices.
One file although it is long: a reader for each set, all by the few functions before them.
"""

import functools
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from keras_unetmm.data.dataset import DataSet
from keras_unetmm.data.images import damaged, same_size
from keras_unetmm.data.layout import every_fifth, extra, files, home, one_of, partner, reader, whole
from keras_unetmm.data.masks import known_labels, listed
from keras_unetmm.data.orientation import aligned, to_canonical
from keras_unetmm.data.tiny import tiny_scene
from keras_unetmm.types import PathLike

SPLITS = ("train", "test")
DECATHLON = "http://medicaldecathlon.com"
Window = tuple[float, float] | None  # Hounsfield units, from black to white; None brings a volume to mean 0, deviation 1


def nifti(
    name: str,
    images: Sequence[Path],
    labels: Path,
    mapping: Mapping[int, int],
    classes: int,
    channel: int = 0,
    spacing: float | None = None,
    window: Window = None,
) -> DataSet:
    """Returns the data set of NIfTI volumes and their labels.

    Reading gives float32 `(D, H, W, 1)` and uint8 `(D, H, W)`. Labels that are stored in another orientation than their
    image are brought to it; see `keras_unetmm.data.orientation.aligned`.

    Args:
        name: str, for messages and tables.
        images: list of paths.
        labels: path of the folder with a file of labels under the name of each image.
        mapping: dict from every label on disk to the label it becomes.
        classes: int, how many labels there are then; 1 and 2 are both two.
        channel: int, which one of an image that has several.
        spacing: float, millimetres between voxels in every direction, which images (linear) and labels (nearest) are
            resampled to; None leaves the voxels.
        window: `(low, high)` in Hounsfield units, which becomes [0, 1] and where values are cut off; None brings every
            volume to zero mean and unit deviation.

    Raises:
        MissingDataError: if an image has no labels.
        DamagedFileError: when reading, a `ValueError`, if a file is damaged.
        ValueError: for another spacing or window; when reading, if image and labels differ in size or lie in different
            places, or a label is unknown.

    Examples:
        >>> from pathlib import Path
        >>> data.hippocampus.tiny("tiny", np.random.default_rng(0))
        >>> images = sorted(Path("tiny/hippocampus/images").iterdir())
        >>> scans = data.nifti("scans", images, Path("tiny/hippocampus/labels"), mapping={0: 0, 1: 1, 2: 1}, classes=1)
        >>> scans[0][0].ndim
        4
    """
    validate_volumes(spacing, window)
    examples = tuple((path, partner(path, labels / path.name)) for path in images)
    name += f" {spacing} mm" if spacing is not None else ""
    read = functools.partial(read_volume_pair, {"mapping": mapping, "classes": classes}, channel, spacing, window)
    return DataSet(name, examples, read, "mask", classes)


def validate_volumes(spacing, window):
    """Raises `ValueError` for millimetres or Hounsfield units that are none."""
    if spacing is not None and not spacing > 0:
        raise ValueError(f"spacing must be millimetres above 0, or None. Received: {spacing}.")
    if window is not None and not window[0] < window[1]:
        raise ValueError(f"window must be (low, high) in Hounsfield units, low below high. Received: {window}.")


def read_volume_pair(labels, channel, spacing, window, example, canonical=False):
    """Reads a volume and its labels; with `canonical`, both turned so that x, y, z lead right, forward and up.

    Args:
        labels: dict, arguments of `known_labels`.
        channel, spacing, window: as for `nifti`.
        example: tuple of two paths.
        canonical: bool.

    Returns:
        float32 `(D, H, W, 1)` and uint8 `(D, H, W)`.
    """
    path, mask_path = example
    image, affine, says = _finite(path, channel)
    mask, mask_affine, mask_says = _load(mask_path, 0, None)
    mask = aligned(path, image.shape, affine, mask_path, mask, mask_affine, says and mask_says)
    same_size(path, image.shape, mask_path, mask.shape)
    if canonical and says:  # both: labels that do not say where they lie are turned with their image
        (image, turned), (mask, _) = (to_canonical(each, affine) for each in (image, mask))
        affine = turned
    mask = known_labels(mask_path, mask, **labels)
    if spacing is not None:
        image, mask = _isotropic(image, mask, affine, spacing)
    return scaled(image, window).T[..., None], mask.T


def read_volume(path, channel=0, canonical=False):
    """Reads a NIfTI volume: float32 over x, y, z, and its affine; with `canonical` turned to the orientation RAS.

    Raises:
        DamagedFileError: if the file is damaged, or holds values that are not finite.
    """
    image, affine, says = _finite(path, channel)
    return to_canonical(image, affine) if canonical and says else (image, affine)


def _finite(path, channel):
    image, affine, says = _load(path, channel, "float32")
    if not np.isfinite(image).all():
        raise damaged(path, "a volume", "it holds values that are not finite")
    return image, affine, says


def read_mask_volume(path):
    """Reads the labels of a volume as they are stored, over x, y, z."""
    return _load(path, 0, None)[0]


def _load(path, channel, dtype):
    nibabel = extra("nibabel")
    broken = nibabel.filebasedimages.ImageFileError, nibabel.spatialimages.HeaderDataError, zlib.error, EOFError
    try:
        file = nibabel.load(path)
        values = np.asarray(file.dataobj, dtype)
        values = values[..., channel] if values.ndim == 4 else values
        if values.ndim != 3:
            raise ValueError(f"it has {values.ndim} axes")
    except (OSError, ValueError, IndexError, TypeError, *broken) as error:
        raise damaged(path, "a volume", error) from error
    codes = [int(file.header.get(code, 1)) for code in ("sform_code", "qform_code")] if hasattr(file.header, "get") else [1]
    return values, file.affine, any(codes)


def _isotropic(image, mask, affine, spacing):
    extra("scipy")
    nibabel, processing = extra("nibabel"), extra("nibabel.processing")
    image, mask = nibabel.Nifti1Image(image, affine), nibabel.Nifti1Image(mask, affine)
    image = processing.resample_to_output(image, 3 * [spacing], order=1, cval=float(np.min(image.dataobj)))
    mask = processing.resample_from_to(mask, image, order=0)
    return np.asarray(image.dataobj), np.asarray(mask.dataobj)


def scaled(image, window):
    """A volume with zero mean and unit deviation, or the values of a window as [0, 1], cut off there."""
    if window is None:
        return (image - image.mean()) / (image.std() or 1)
    low, high = window
    return ((image - low) / (high - low)).clip(0, 1)


def _fifths(name, split, root, count, partial, folders=("imagesTr", "labelsTr"), **how):
    """A Decathlon task, whose test labels are not published: every fifth labelled volume in sorted order is for testing."""
    images, labels = (root / part for part in folders)
    paths = whole(name, files(images, "*.nii.gz", "volumes"), count, partial)
    return nifti(f"{name} {split}", every_fifth(paths, split), labels, **how)


def _lists(name, split, root, count=None, **how):
    """Volumes in images/ and labels/, listed in train.txt and test.txt; `count` moves the border between the two lists."""
    one_of("split", split, SPLITS)
    names = {part: listed(root / f"{part}.txt") for part in SPLITS}
    if count is not None:
        every = [*names["train"], *names["test"]]
        names = {"train": every[:count], "test": every[count:]}
    paths = [partner(root / f"{split}.txt", root / "images" / f"{stem}.nii.gz") for stem in names[split]]
    return nifti(f"{name} {split}", paths, root / "labels", **how)


def _tiny(root, images, labels, values, rng, count=10, size=(1, 1, 1), channels=1, offset=0, lists=False):
    nibabel = extra("nibabel")
    names = [f"volume_{index:03d}" for index in range(count)]
    for name in names:
        image, mask = tiny_scene(rng, (20, 24, 16), values, channels)
        image = (image[..., 0] if channels == 1 else image).astype("int16") + offset
        for folder, array in ((images, image), (labels, mask)):
            (root / folder).mkdir(parents=True, exist_ok=True)
            nibabel.save(nibabel.Nifti1Image(array, np.diag([*size, 1.0])), root / folder / f"{name}.nii.gz")
    if lists:
        for split, part in (("train", names[:-2]), ("test", names[-2:])):
            (root / f"{split}.txt").write_text("\n".join(part) + "\n")


def _tiny_hippocampus(folder, rng):
    _tiny(Path(folder, "hippocampus"), "images", "labels", range(3), rng)


@reader(tiny=_tiny_hippocampus)
def hippocampus(folder: PathLike, split: str = "train", spacing: float | None = None, partial: bool = False) -> DataSet:
    """Reads the hippocampus MRI of the Medical Segmentation Decathlon, Task04: anterior part (1) and posterior part (2).

    Volumes have about 36x50x35 voxels of 1 mm. Get Task04_Hippocampus.tar from http://medicaldecathlon.com (CC BY-SA 4.0)
    and call imagesTr images, labelsTr labels; the two sides of a patient may lie in two volumes::

        hippocampus/images/hippocampus_001.nii.gz
        hippocampus/labels/hippocampus_001.nii.gz

    Args:
        folder: str or path, the folder of all data sets.
        split: `"train"` or `"test"`, every fifth volume in sorted order: 208 and 52 of the 260 published with labels.
        spacing: float, millimetres to resample to, or None.
        partial: bool, whether fewer volumes will do.

    Raises:
        MissingDataError: if the data set is not there, or not whole.
        ValueError: for another split.

    Examples:
        >>> data.hippocampus.tiny("tiny", np.random.default_rng(0))
        >>> data.hippocampus("tiny", partial=True)[0][0].shape
        (16, 24, 20, 1)
    """
    root = home(folder, "hippocampus", "the folders images and labels", DECATHLON)
    how = {"folders": ("images", "labels"), "mapping": {0: 0, 1: 1, 2: 2}, "classes": 3, "spacing": spacing}
    return _fifths("hippocampus", split, root, 260, partial, **how)


def _tiny_prostate(folder, rng):
    _tiny(Path(folder, "Task05_Prostate"), "imagesTr", "labelsTr", range(3), rng, channels=2)


@reader(tiny=_tiny_prostate)
def prostate(folder: PathLike, split: str = "train", spacing: float | None = None, partial: bool = False) -> DataSet:
    """Reads the prostate MRI of the Medical Segmentation Decathlon, Task05: the T2 channel; both zones together are label 1.

    Get Task05_Prostate.tar from http://medicaldecathlon.com (CC BY-SA 4.0)::

        Task05_Prostate/imagesTr/prostate_00.nii.gz     T2 and ADC
        Task05_Prostate/labelsTr/prostate_00.nii.gz

    Args:
        folder: str or path, the folder of all data sets.
        split: `"train"` (26 volumes) or `"test"` (6, every fifth in sorted order).
        spacing: float, millimetres to resample to, or None: about 0.6x0.6x3.6 mm.
        partial: bool, whether fewer volumes will do.

    Raises:
        MissingDataError: if the data set is not there, or not whole.
        ValueError: for another split.

    Examples:
        >>> data.prostate.tiny("tiny", np.random.default_rng(0))
        >>> data.prostate("tiny", partial=True)[0][0].shape
        (16, 24, 20, 1)
    """
    root = home(folder, "Task05_Prostate", "the folders imagesTr and labelsTr", DECATHLON)
    return _fifths("prostate", split, root, 32, partial, mapping={0: 0, 1: 1, 2: 1}, classes=1, spacing=spacing)


def _tiny_liver(folder, rng):
    _tiny(Path(folder, "Task03_Liver"), "imagesTr", "labelsTr", range(3), rng, size=(2, 2, 3), offset=-128)


@reader(tiny=_tiny_liver)
def liver(
    folder: PathLike,
    split: str = "train",
    spacing: float | None = 2.0,
    window: Window = (-160.0, 240.0),
    partial: bool = False,
) -> DataSet:
    """Reads the liver CT of the Medical Segmentation Decathlon, Task03 (LiTS): liver and tumour together are label 1.

    Get Task03_Liver.tar from http://medicaldecathlon.com (CC BY-SA 4.0)::

        Task03_Liver/imagesTr/liver_0.nii.gz
        Task03_Liver/labelsTr/liver_0.nii.gz

    Args:
        folder: str or path, the folder of all data sets.
        split: `"train"` (105 volumes) or `"test"` (26, every fifth in sorted order).
        spacing: float, millimetres to resample to, or None.
        window: `(low, high)` in Hounsfield units, scaled to [0, 1].
        partial: bool, whether fewer volumes will do.

    Raises:
        MissingDataError: if the data set is not there, or not whole.
        ValueError: for another split.

    Examples:
        >>> data.liver.tiny("tiny", np.random.default_rng(0))
        >>> data.liver("tiny", partial=True)[0][0].shape
        (24, 24, 20, 1)
    """
    root = home(folder, "Task03_Liver", "the folders imagesTr and labelsTr", DECATHLON)
    how = {"mapping": {0: 0, 1: 1, 2: 1}, "classes": 1, "spacing": spacing, "window": window}
    return _fifths("liver", split, root, 131, partial, **how)


def _tiny_harp(folder, rng):
    _tiny(Path(folder, "harp"), "images", "labels", range(2), rng, count=6, lists=True)


@reader(tiny=_tiny_harp)
def harp(folder: PathLike, split: str = "train", count: int | None = None, spacing: float | None = None) -> DataSet:
    """Reads HarP, MRI with hippocampus masks of the Harmonized Protocol, as arranged by the user: hippocampus is label 1.

    The data are not freely fetched: ask for them at http://www.hippocampal-protocol.net and http://adni.loni.usc.edu,
    convert them to NIfTI and cut out the hippocampi (64x64x64 voxels in the LUnet paper; 135 people, 270 sides). In the
    lists, keep the two sides of a person together::

        harp/images/NAME.nii.gz
        harp/labels/NAME.nii.gz     0 and 1
        harp/train.txt, test.txt    a NAME a line

    Args:
        folder: str or path, the folder of all data sets.
        split: `"train"` or `"test"`.
        count: int, volumes to train on, the first ones of both lists joined, all others being for testing: 200 and 50 are
            the paper's splits. None takes the lists as they are.
        spacing: float, millimetres to resample to, or None.

    Raises:
        MissingDataError: if a list or a volume that it names is not there.
        ValueError: for another split.

    Examples:
        >>> data.harp.tiny("tiny", np.random.default_rng(0))
        >>> data.harp("tiny")[0][0].shape
        (16, 24, 20, 1)
    """
    root = home(
        folder, "harp", "the folders images and labels, train.txt and test.txt", "http://www.hippocampal-protocol.net"
    )
    return _lists("harp", split, root, count, mapping={0: 0, 1: 1}, classes=1, spacing=spacing)


def _tiny_ct_organ(folder, rng):
    _tiny(Path(folder, "ct"), "images", "labels", range(2), rng, count=6, offset=-128, lists=True)


@reader(tiny=_tiny_ct_organ)
def ct_organ(
    folder: PathLike,
    split: str = "train",
    name: str = "ct",
    spacing: float | None = None,
    window: Window = (-1000.0, 400.0),
) -> DataSet:
    """Reads CT volumes with the mask of one organ, as arranged by the user: the organ is label 1.

    The LUnet paper segments the submandibular gland and the trachea, in data that are not published::

        ct/images/NAME.nii.gz
        ct/labels/NAME.nii.gz     0 and 1
        ct/train.txt, test.txt    a NAME a line

    Args:
        folder: str or path, the folder of all data sets.
        split: `"train"` or `"test"`.
        name: str, the data set's own folder, one for each organ.
        spacing: float, millimetres to resample to, or None.
        window: `(low, high)` in Hounsfield units, scaled to [0, 1].

    Raises:
        MissingDataError: if a list or a volume that it names is not there.
        ValueError: for another split.

    Examples:
        >>> data.ct_organ.tiny("tiny", np.random.default_rng(0))
        >>> data.ct_organ("tiny")[0][0].shape
        (16, 24, 20, 1)
    """
    source = "your own CT scans, as NIfTI"
    root = home(folder, name, "the folders images and labels, train.txt and test.txt", source)
    return _lists(name, split, root, mapping={0: 0, 1: 1}, classes=1, spacing=spacing, window=window)


def _tiny_ct_trachea(folder, rng):
    _tiny(Path(folder, "trachea"), "images", "labels", range(6), rng, count=6, offset=-128, lists=True)


@reader(tiny=_tiny_ct_trachea)
def ct_trachea(
    folder: PathLike,
    split: str = "train",
    spacing: float | None = None,
    window: Window = (-1000.0, 400.0),
) -> DataSet:
    """Reads CT volumes with masks of the tracheal tree in five parts, as arranged by the user.

    The parts are those of the LUnet paper, whose data are not published: trachea (1), its extension (2), carina (3), left
    bronchus (4) and right bronchus (5)::

        trachea/images/NAME.nii.gz
        trachea/labels/NAME.nii.gz     0 to 5
        trachea/train.txt, test.txt    a NAME a line

    Args:
        folder: str or path, the folder of all data sets.
        split: `"train"` or `"test"`.
        spacing: float, millimetres to resample to, or None.
        window: `(low, high)` in Hounsfield units, scaled to [0, 1].

    Raises:
        MissingDataError: if a list or a volume that it names is not there.
        ValueError: for another split.

    Examples:
        >>> data.ct_trachea.tiny("tiny", np.random.default_rng(0))
        >>> data.ct_trachea("tiny")[0][0].shape
        (16, 24, 20, 1)
    """
    root = home(folder, "trachea", "the folders images and labels, train.txt and test.txt", "your own CT scans, as NIfTI")
    return _lists("trachea", split, root, mapping={n: n for n in range(6)}, classes=6, spacing=spacing, window=window)
