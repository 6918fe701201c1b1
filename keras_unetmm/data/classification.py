# SPDX-License-Identifier: Apache-2.0
"""Classification by ImageNet, and any data set of TensorFlow Datasets."""

import functools
import os
from collections.abc import Mapping
from pathlib import Path

from keras_unetmm.data.dataset import DataSet
from keras_unetmm.data.images import read_pixels, same_size
from keras_unetmm.data.layout import MissingDataError, extra, home, one_of, reader, whole
from keras_unetmm.data.left_out import dangling, warn_left_out
from keras_unetmm.data.masks import known_labels, resized
from keras_unetmm.data.tiny import tiny_scene, write_tiny
from keras_unetmm.types import PathLike

IMAGENET = {"train": 1_281_167, "val": 50_000}
KINDS = {"label": "class", "segmentation_mask": "mask", None: "image"}


def _tiny_imagenet(folder, rng):
    for split in IMAGENET:
        for index, name in enumerate(("n01440764", "n01443537", "n03000684")):
            for number in range(2):
                image, _ = tiny_scene(rng, (48, 64), (0, index + 1))
                write_tiny(Path(folder, "imagenet") / split / name / f"{name}_{number}.JPEG", image)


@reader(tiny=_tiny_imagenet)
def imagenet(folder: PathLike, split: str = "train", short: int | None = 256, partial: bool = False) -> DataSet:
    """Reads ImageNet, ILSVRC 2012: photographs and their class, the classes in the order of their WordNet ids.

    Get it from https://image-net.org or kaggle.com/c/imagenet-object-localization-challenge (research use). The photographs
    for validation are published in one folder: sort them into the folders of their classes::

        imagenet/train/n01440764/n01440764_18.JPEG
        imagenet/val/n01440764/ILSVRC2012_val_00000293.JPEG

    Args:
        folder: str or path, the folder of all data sets.
        split: `"train"` (1,281,167 images) or `"val"` (50,000).
        short: int, pixels, what the shorter side is resized to (bicubic); None leaves the many sizes.
        partial: bool, whether fewer images will do; the classes are then those of both splits' folders.

    Raises:
        MissingDataError: if the data set is not there, or not whole.
        ValueError: for another split.

    Examples:
        >>> data.imagenet.tiny("tiny", np.random.default_rng(0))
        >>> data.imagenet("tiny", partial=True)[0][0].shape
        (256, 341, 3)
    """
    one_of("split", split, IMAGENET)
    root = home(folder, "imagenet", "the folders train and val", "https://image-net.org")
    classes = {name: index for index, name in enumerate(sorted(set().union(*(_folders(root / part) for part in IMAGENET))))}
    examples = tuple(
        (os.path.join(root, split, name, file), classes[name])
        for name in sorted(_folders(root / split))
        for file in _photographs(root / split / name)
    )
    if not examples:
        raise MissingDataError(
            f"{root / split} must hold photographs (.JPEG), in a folder for each class that has its WordNet id as name. "
            "Received: none. Unpack the data set there, and sort the photographs into such folders."
        )
    whole(f"imagenet {split}", examples, IMAGENET[split], partial)
    return DataSet(f"imagenet {split}", examples, functools.partial(_read_class, short), "class", len(classes))


def _folders(path):
    if not path.is_dir():
        return []
    with os.scandir(path) as entries:
        return [entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")]


def _photographs(path):
    with os.scandir(path) as entries:
        links = {entry.name: entry.is_symlink() for entry in entries}  # which asks the disk nothing for each of a million
    wanted = [name for name in sorted(links) if name.lower().endswith((".jpeg", ".jpg")) and not name.startswith(".")]
    found = [name for name in wanted if not (links[name] and dangling(path / name))]
    warn_left_out(path, [path / name for name in set(links) - set(found)], "only .JPEG and .jpg are read")
    return found


def _read_class(short, example):
    path, label = example
    image = read_pixels(path)
    if short is None:
        return image, label
    height, width = image.shape[:2]
    scale = short / min(height, width)
    return resized(image, (round(height * scale), round(width * scale))), label


def _tiny_tfds(folder, rng):
    library = extra("tensorflow_datasets")
    features = library.features

    class TinyShapes(library.core.GeneratorBasedBuilder, skip_registration=True):
        """Balls of three sorts, with label and mask."""

        VERSION = library.core.Version("1.0.0")

        def _info(self):
            image, mask = features.Image(shape=(None, None, 3)), features.Image(shape=(None, None, 1))
            form = {"image": image, "segmentation_mask": mask, "label": features.ClassLabel(num_classes=3)}
            return library.core.DatasetInfo(builder=self, features=features.FeaturesDict(form))

        def _split_generators(self, _):
            return {split: self._generate_examples() for split in ("train", "test")}

        def _generate_examples(self):
            for label in range(3):
                image, mask = tiny_scene(rng, (48, 64), (0, label + 1))
                yield label, {"image": image, "segmentation_mask": mask[..., None], "label": label}

    TinyShapes(data_dir=folder, file_format="array_record").download_and_prepare()


@reader(tiny=_tiny_tfds)
def tfds(
    folder: PathLike,
    name: str,
    split: str,
    image: str = "image",
    target: str | None = None,
    kind: str | None = None,
    classes: int | None = None,
    ignore: int | None = None,
    mapping: Mapping[int, int] | None = None,
) -> DataSet:
    """Reads a data set of TensorFlow Datasets that was prepared as ArrayRecord files, without TensorFlow.

    The licence is that of the data set. Preparing one needs TensorFlow, once; the error for a missing one says the command::

        NAME/VERSION/NAME-train.array_record-00000-of-00001, dataset_info.json, features.json

    Args:
        folder: str or path, the folder of all data sets.
        name: str, such as `"oxford_iiit_pet"` or `"div2k/bicubic_x4"`.
        split: str, such as `"train"` or `"train[:80%]"`.
        image: str, the feature that is the image.
        target: str, the feature that is the target, or None, for which the image itself is.
        kind: `"class"`, `"mask"` or `"image"`, what the target is; needed unless target is `"label"`,
            `"segmentation_mask"` or None.
        classes: int, how many labels there are; None asks the data set, which knows it of classes, not of masks.
        ignore: int, the label of masks that counts nowhere, or None.
        mapping: dict from every label on disk to the label it becomes, for masks whose labels do not count from 0.

    Raises:
        MissingDataError: if it is not prepared, or not as ArrayRecord files.
        ValueError: for another kind, split or feature; when reading, if image and mask differ in size or a label is unknown.

    Examples:
        >>> pets = data.tfds("data", "oxford_iiit_pet", "train", target="segmentation_mask", kind="mask")  # doctest: +SKIP
    """
    kind_of_target: str = one_of("kind", KINDS.get(target) if kind is None else kind, ("class", "mask", "image"))
    source = _source(folder, name, split)
    features = source.dataset_info.features
    one_of("image", image, sorted(features))
    one_of("target", target, [*sorted(features), None])
    if classes is None and kind_of_target == "class":
        classes = features[target].num_classes
    if classes is None and kind_of_target == "mask":
        raise ValueError(
            f"classes must be given for the masks of {name}, which do not say how many they have. Received: None."
        )
    labels = {"classes": classes, "ignore": ignore, "mapping": mapping}
    examples = tuple((f"{folder}/{name}/{split}/{index}", index) for index in range(len(source)))
    read = functools.partial(_read_tfds, source, image, target, kind_of_target, labels)
    return DataSet(f"{name} {split}", examples, read, kind_of_target, classes, ignore)


def _source(folder, name, split):
    library = extra("tensorflow_datasets")
    extra("array_record")
    missing = library.core.DatasetNotFoundError, NotImplementedError, AssertionError, OSError
    try:
        return library.data_source(name, split=split, data_dir=os.fspath(folder), download=False)
    except missing as error:
        command = (
            f"tfds.builder({name!r}, data_dir={os.fspath(folder)!r}, file_format='array_record').download_and_prepare()"
        )
        raise MissingDataError(
            f"{folder} must hold {name} of TensorFlow Datasets as ArrayRecord files. Received: none. Prepare it, once, "
            f'where TensorFlow is installed: python -c "import tensorflow_datasets as tfds; {command}"'
        ) from error


def _read_tfds(source, image, target, kind, labels, example):
    name, index = example
    entry = source[index]
    pixels = entry[image]
    if kind == "image":
        return pixels, pixels if target is None else entry[target]
    if kind == "class":
        return pixels, int(entry[target])
    mask = entry[target]
    mask = known_labels(name, mask[..., 0] if mask.shape[2:] == (1,) else mask, **labels)
    same_size(name, pixels.shape[:2], "its mask", mask.shape)
    return pixels, mask
