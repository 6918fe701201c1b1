# SPDX-License-Identifier: Apache-2.0
"""Folders of a user's own pairs: images with masks, with a file of annotations, or with references."""

import functools
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from keras_unetmm.data import lossy_masks
from keras_unetmm.data.annotated_files import named
from keras_unetmm.data.dataset import DataSet
from keras_unetmm.data.images import damaged, read_pixels, same_size
from keras_unetmm.data.labels import Value, found_labels, labels_of, read_labels
from keras_unetmm.data.layout import MissingDataError, reader
from keras_unetmm.data.masks import resized
from keras_unetmm.data.own_files import few, own_files, split_of
from keras_unetmm.data.partners import divided, partners
from keras_unetmm.data.polygons import annotations, drawn
from keras_unetmm.data.tiny import tiny_scene, write_tiny, write_tiny_pair
from keras_unetmm.types import PathLike, Size

LOOKED_AT = 48  # masks, to find out what labels there are


def _tiny(folder, rng):
    root = Path(folder)
    for i in range(4):
        write_tiny_pair(rng, root / "images" / f"{i}.png", root / "masks" / f"{i}.png", [0, 255])
        image = tiny_scene(rng, (48, 64), (0, 1))[0]
        write_tiny(root / "inputs" / f"{i}.png", image // 8 * 7)
        write_tiny(root / "references" / f"{i}.png", image)


@reader(tiny=_tiny)
def pairs(
    folder: PathLike,
    images: PathLike = "images",
    masks: PathLike | None = None,
    references: PathLike | None = None,
    classes: Mapping[str, Value] | Sequence[str] | None = None,
    ignore: Value | None = None,
    split: str | None = None,
    validation: float = 0.1,
    seed: int = 0,
    size: Size = None,
    channels: int = 3,
    partial: bool = False,
) -> DataSet:
    """Reads a folder of images, and their masks or references.

    A mask is an image of labels: gray values, 0 and 255, 1 bit, a palette, black and white saved as colours, or colours
    that `classes` names; or polygons and painted areas in one file, as COCO, Label Studio and CVAT export them. Of a JPEG
    each pixel is the nearest label, where these are far apart. Partners have the same name, or names that differ in what
    stands before or behind, as `x.jpg` and `x_mask.png`, in a word for folders, or in all but their numbers; both may lie
    in one folder. Images and masks are turned as their EXIF orientation says.

    Args:
        folder: str or path that the others are relative to.
        images: str or path of the folder of images, at any depth.
        masks: str or path of the folder of masks, or of a file of annotations; None with no references, too, for masks
            that lie beside their images.
        references: str or path of the folder of references, images of the same size, instead of masks.
        classes: dict from the name of each label to what stands for it in the files: a gray value or `"#rrggbb"`, the
            background first; of annotations a list of names. None looks at some masks and finds out.
        ignore: gray value or `"#rrggbb"` of pixels that count nowhere, which become 255; or None.
        split: `"train"`, `"validation"`, or None for all.
        validation: float, share that is for validation, drawn by the seed; or int, how many.
        seed: int.
        size: `(height, width)` that images (bicubic) and masks (nearest) are resized to, or None.
        channels: 3 for RGB, 1 for gray.
        partial: bool, leaves out images without a partner, with a warning that names them.

    Returns:
        A `DataSet` of `(image, mask)`, uint8 or uint16 `(H, W, channels)` and uint8 `(H, W)`, or of two images.

    Raises:
        MissingDataError: if a folder is not there or holds no image, or an image has no partner.
        ValueError: for other arguments; when reading, for a pair of two sizes or a label that is none.

    Examples:
        >>> data.pairs.tiny("tiny", np.random.default_rng(0))
        >>> data.pairs("tiny", masks="masks")[0][0].shape
        (48, 64, 3)
    """
    if masks is not None and references is not None:
        raise ValueError(f"masks and references must not both be given. Received: {masks} and {references}. Choose one.")
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 (gray) or 3 (RGB). Received: {channels!r}.")
    root = Path(folder) / images
    beside = masks if references is None else references
    other = None if beside is None else Path(folder) / beside
    name = " ".join(filter(None, (root.name or str(root), split)))
    if size is not None:
        name = f"{name} {size[0]}x{size[1]}"
    take = functools.partial(split_of, split=split, validation=validation, seed=seed, folder=root)
    if references is not None:
        found = own_files(root, without=other)
        examples = matched(found, own_files(other, what="references", without=root), other, partial)
        return DataSet(name, tuple(take(examples)), functools.partial(_read_references, channels, size))
    if other is not None and not other.is_dir():
        return _annotated(name, root, other, classes, ignore, take, size, channels, partial)
    examples = mask_examples(root, other, partial)
    labels = labels_of(classes, ignore) if classes is not None else labels_in(examples)
    lossy = [mask.name for _, mask in examples if mask.suffix.lower() in lossy_masks.SUFFIXES]
    if lossy:
        said = f"{len(lossy):,} of {len(examples):,} masks are JPEG, such as {lossy[0]}"
        warnings.warn(f"{said}, which changes values near edges: each pixel is the nearest label.", stacklevel=2)
    read = functools.partial(_read_masked, channels, size, labels)
    return DataSet(name, tuple(take(examples)), read, "mask", labels.classes, labels.ignored)


def mask_examples(root, masks, partial=False):
    """Returns the paths of images and of their masks, a tuple of both for each; the arguments are those of `pairs`."""
    if masks is not None and Path(masks).resolve() != Path(root).resolve():
        found = own_files(root, without=masks)
        return matched(found, own_files(masks, what="masks", without=root), masks, partial)
    found = own_files(root)
    ours, theirs = divided(list(found))
    if not theirs:
        raise MissingDataError(
            f"{root} must hold images and their masks, such as x.jpg and x_mask.png, where no folder of masks is named. "
            f"Received: {len(found):,} images without. Name the folder of masks (--masks DIR)."
        )
    there = {name: found[name] for name in theirs}
    return matched({name: found[name] for name in ours}, there, root, partial)


def labels_in(examples, on_error="raise"):
    """Returns the `Labels` that the masks of some examples hold, by looking at a few, evenly spread.

    With `on_error="skip"` damaged ones are passed over.
    """
    step = max(1, len(examples) // LOOKED_AT)
    return found_labels([mask for _, mask in examples[::step][:LOOKED_AT]], on_error)


def matched(images, others, folder, partial):
    """Returns the paths of images and of their partners.

    Args:
        images, others: dicts from names to paths.
        folder: str or path of the others, for messages.
        partial: bool, whether images without one are left out.

    Raises:
        MissingDataError: if one has none, unless `partial`.
    """
    belongs = partners(images, others)
    alone = [str(path.name) for name, path in images.items() if name not in belongs]
    if alone:
        said = f"{len(alone):,} of {len(images):,} images have none: {few(alone)}"
        if not partial or not belongs:
            raise MissingDataError(
                f"{folder} must hold a partner of each image, by the same name or one such as x_mask. Received: {said}; "
                f"there are {few(sorted(path.name for path in others.values())[:3])}. Add them, take those images away, or "
                "leave them out (--partial)."
            )
        warnings.warn(f"{folder}: {said}. They are left out.", stacklevel=4)
    spare = set(others) - set(belongs.values())
    if spare:
        names = few(others[name].name for name in spare)
        warnings.warn(f"{folder}: {len(spare):,} files belong to no image and are left out: {names}.", stacklevel=4)
    return [(path, others[belongs[name]]) for name, path in images.items() if name in belongs]


def _annotated(name, root, path, classes, ignore, take, size, channels, partial):
    names, about = annotations(path)
    wanted = list(classes) if classes is not None else ["background", *(one for one in names if one != "background")]
    unknown = [one for one in wanted[1:] if one not in names]
    if unknown or len(wanted) < 2:
        raise ValueError(
            f"classes must be the background and names that {path} has: {few(names)}. Received: {wanted}. Correct --classes."
        )
    if ignore is not None:
        raise ValueError(f"ignore must be None for a file of annotations. Received: {ignore!r}. Leave it out.")
    found = own_files(root)
    meant = named(found, about, path)
    if len(meant) < len(found):
        alone = few(file.name for one, file in found.items() if one not in meant)
        said = f"{len(found) - len(meant):,} of {len(found):,} are not in it: {alone}"
        if not partial or not meant:
            raise MissingDataError(
                f"{path} must name every image of {root}. Received: {said}. Annotate them, take them away, or leave them "
                "out (--partial)."
            )
        warnings.warn(f"{path}: {said}. They are left out.", stacklevel=4)
    labels = {one: label for label, one in enumerate(wanted)}
    examples = [(found[one], about[name]) for one, name in meant.items()]
    read = functools.partial(_read_drawn, channels, size, labels)
    return DataSet(name, tuple(take(examples)), read, "mask", 1 if len(wanted) == 2 else len(wanted))


def _fitting(image, mask, size):
    if size is None:
        return image, mask
    return resized(image, size), resized(mask, size, Image.Resampling.NEAREST)


def _read_masked(channels, size, labels, example):
    path, mask_path = example
    image, mask = read_pixels(path, channels), read_labels(mask_path, labels)
    same_size(path, image.shape[:2], mask_path, mask.shape)
    return _fitting(image, mask, size)


def _read_drawn(channels, size, labels, example):
    path, about = example
    image = read_pixels(path, channels)
    return _fitting(image, drawn(about, labels, image.shape[:2], path), size)


def _read_references(channels, size, example):
    image, reference = (read_pixels(path, channels) for path in example)
    same_size(example[0], image.shape[:2], example[1], reference.shape[:2])
    if image.dtype != reference.dtype:
        raise damaged(example[1], "a reference", f"it has {reference.dtype}, its image {image.dtype}")
    return (image, reference) if size is None else (resized(image, size), resized(reference, size))
