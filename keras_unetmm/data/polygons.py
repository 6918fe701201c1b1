# SPDX-License-Identifier: Apache-2.0
"""Files of annotations, drawn as masks: polygons of COCO, Label Studio and CVAT, and areas painted there."""

import json
import re
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np

from keras_unetmm.data.images import DamagedFileError
from keras_unetmm.data.layout import MissingDataError
from keras_unetmm.data.outlines import Runs, covered, row_runs

OUTLINES = "polygons or painted areas"


@dataclass(frozen=True)
class Annotated:
    """What a file says of one image.

    Args:
        size: `(height, width)`, or None where the file does not say.
        objects: tuple of `(name of the class, shapes)` in drawing order; a shape is a tuple of points `x, y, x, y, ...`, or
            `keras_unetmm.data.outlines.Runs`.
        relative: bool, whether points are in hundredths of the image's sides.
    """

    size: tuple | None
    objects: tuple = field(default=())
    relative: bool = False


def annotations(path):
    """Reads a file of annotations: COCO or Label Studio's JSON, or CVAT's XML for images.

    Boxes, points and other shapes that outline nothing are left out, with a warning that counts them.

    Args:
        path: str or path.

    Returns:
        `(names, images)`: the names of the classes in the file's order, and a dict from the name of each image in the file
        to what is `Annotated` there.

    Raises:
        MissingDataError: if there is no such file.
        DamagedFileError: a `ValueError`, if it cannot be read as one of these.
    """
    path, others = Path(path), Counter()
    if not path.is_file():
        raise MissingDataError(f"masks must be a folder, or a file of annotations. Received: {path}, which is not there.")
    try:
        names, images = _cvat(path, others) if path.suffix.lower() == ".xml" else _json(path, others)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, ElementTree.ParseError) as error:
        raise _unread(path, error if isinstance(error, ValueError) else repr(error)) from error
    said = ", ".join(f"{count:,} {kind}" for kind, count in sorted(others.items()) if count)
    if not names or not any(about.objects for about in images.values()):
        raise _unread(path, f"it holds no {OUTLINES}{f', only {said}' if said else ''}")
    if said:
        warnings.warn(f"{path}: {said} left out, for only {OUTLINES} are drawn.", stacklevel=2)
    return names, images


def _unread(path, reason):
    return DamagedFileError(
        f"{path} cannot be read as polygons of COCO, Label Studio (JSON) or CVAT (XML): {reason}. Export it again."
    )


def drawn(annotated, labels, size, path):
    """Draws what is annotated in an image.

    Args:
        annotated: `Annotated`.
        labels: dict from the names of classes to labels; objects of other names are not drawn.
        size: `(height, width)` of the image.
        path: of the image, for messages.

    Returns:
        uint8 array `(height, width)` of labels; what is drawn later lies above.

    Raises:
        ValueError: if the annotations are of an image of another size, or damaged.
    """
    if annotated.size is not None and tuple(annotated.size) != tuple(size):
        raise ValueError(
            f"{path} must have the size of its annotations, {annotated.size[0]}x{annotated.size[1]}. Received: "
            f"{size[0]}x{size[1]}. Take the image that was annotated; EXIF orientations are followed."
        )
    height, width = size
    mask = np.zeros(size, "uint8")
    scale = np.array([width / 100, height / 100]) if annotated.relative else np.ones(2)
    for name, shapes in annotated.objects:
        for shape in shapes if name in labels else ():
            try:
                where = covered(shape if isinstance(shape, Runs) else np.reshape(shape, (-1, 2)) * scale, size)
            except ValueError as error:
                raise ValueError(
                    f"{path} must fit what is annotated in it. Received: {error}. Export the annotations again, with the "
                    "image that was annotated."
                ) from error
            mask[where] = labels[name]
    return mask


def _json(path, others):
    content = json.loads(path.read_bytes())
    if isinstance(content, list) and all(isinstance(task, dict) and "data" in task for task in content):
        return _label_studio(content, others)
    if isinstance(content, dict) and "annotations" in content and "categories" in content:
        return _coco(content, others)
    raise ValueError(
        "it is neither COCO's JSON (images, annotations, categories) nor Label Studio's (a list of tasks; export JSON, not "
        "JSON-MIN)"
    )


def _coco(content, others):
    names = {category["id"]: str(category["name"]) for category in content["categories"]}
    found = {image["id"]: [] for image in content["images"]}
    for each in content["annotations"]:
        shapes = each.get("segmentation") or []
        if isinstance(shapes, dict):
            counts, size = shapes["counts"], shapes.get("size")
            shapes = [Runs("columns", counts if isinstance(counts, str) else tuple(counts), size and tuple(size))]
        else:
            shapes = [tuple(map(float, shape)) for shape in shapes]
        if shapes:
            area = float(each.get("area") or 0)
            found[each["image_id"]].append((area, names[each["category_id"]], tuple(shapes)))
        else:
            others["boxes"] += 1
    images = {}
    for image in content["images"]:
        large_first = sorted(found[image["id"]], key=lambda one: -one[0])  # small ones lie above
        size = (image["height"], image["width"]) if image.get("height") and image.get("width") else None
        images[_name(image["file_name"])] = Annotated(size, tuple((name, shapes) for _, name, shapes in large_first))
    return list(dict.fromkeys(names.values())), images


def _label_studio(content, others):
    names, images = {}, {}
    for task in content:
        values = [_name(value) for value in task["data"].values() if isinstance(value, str)]
        values = [value for value in values if re.search(r"\.\w{3,4}$", value)]
        if not values:
            raise ValueError("a task of it names no image file in its data")
        done = [each for each in task.get("annotations", task.get("completions", ())) if not each.get("was_cancelled")]
        if not done:
            continue  # nobody has looked at it: that is not an image of background
        objects = []
        for result in done[-1]["result"]:
            value, kind = result.get("value", {}), str(result.get("type", "")).removesuffix("labels")
            label = next((value[key] for key in (result.get("type"), "labels") if value.get(key)), None)
            if kind in ("choices", "textarea", "rating", "relation"):
                continue  # said of the image, not of a place in it
            if result.get("image_rotation"):
                raise ValueError(f"{values[0]} was turned while it was annotated; turn the file, and annotate it as it is")
            if kind == "polygon" and label and value.get("points"):
                shape = tuple(float(place) for point in value["points"] for place in point)
            elif kind == "brush" and label and value.get("rle"):
                shape = Runs("brush", tuple(value["rle"]), (result["original_height"], result["original_width"]))
            else:
                others[f"shapes of type {kind}" if label else f"shapes of type {kind} without a label"] += 1
                continue
            names[str(label[0])] = None
            objects.append((str(label[0]), (shape,)))
        images[values[0]] = Annotated(None, tuple(objects), relative=True)
    return sorted(names), images


def _cvat(path, others):
    root = ElementTree.parse(path).getroot()
    if root.find("track") is not None:
        raise ValueError("it holds the tracks of a video; export it as CVAT for images")
    names = [str(label.findtext("name")) for label in root.iter("label") if label.findtext("name")]
    images = {}
    for image in root.iter("image"):
        size = int(image.get("height")), int(image.get("width"))
        objects = []
        for shape in sorted(image, key=lambda one: int(one.get("z_order", "0"))):
            if shape.tag == "polygon":
                what = tuple(float(place) for point in shape.get("points").split(";") for place in point.split(","))
            elif shape.tag == "mask":
                sides, corner = (int(shape.get("height")), int(shape.get("width"))), (shape.get("top"), shape.get("left"))
                what = Runs("rows", row_runs(shape.get("rle")), sides, tuple(map(int, corner)))
            else:
                others[f"shapes of type {shape.tag}"] += shape.tag != "tag"
                continue
            objects.append((shape.get("label"), (what,)))
            names += [shape.get("label")] if shape.get("label") not in names else []
        images[_name(image.get("name"))] = Annotated(size, tuple(objects))
    return names, images


def _name(name):
    """The path of an image in a file of annotations: of an address what stands behind the server, or behind `?d=`."""
    path, _, query = name.partition("?")
    place = re.search(r"(?:^|&)d=([^&]+)", query)
    return unquote(place[1] if place else path).replace("\\", "/")
