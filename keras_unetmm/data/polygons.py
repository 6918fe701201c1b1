"""Files of annotations: the polygons of COCO, Label Studio and CVAT, drawn as masks."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image, ImageDraw

from keras_unetmm.data.images import damaged
from keras_unetmm.data.layout import MissingDataError, extra


@dataclass(frozen=True)
class Annotated:
    """What a file says of one image.

    Args:
        size: `(height, width)`, or None where the file does not say.
        objects: tuple of `(name of the class, shapes)` in drawing order; a shape is a tuple of points `x, y, x, y, ...`, or
            COCO's dict of a run-length code.
        relative: bool, whether points are in hundredths of the image's sides.
    """

    size: tuple | None
    objects: tuple = field(default=())
    relative: bool = False


def annotations(path):
    """Reads a file of annotations: COCO or Label Studio's JSON, or CVAT's XML for images.

    Args:
        path: str or path.

    Returns:
        `(names, images)`: the names of the classes in the file's order, and a dict from the file name of each image to what
        is `Annotated` there.

    Raises:
        MissingDataError: if there is no such file.
        DamagedFileError: a `ValueError`, if it cannot be read as one of these.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingDataError(f"masks must be a folder, or a file of annotations. Received: {path}, which is not there.")
    try:
        names, images = _cvat(path) if path.suffix.lower() == ".xml" else _json(path)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, ElementTree.ParseError) as error:
        kinds = "polygons of COCO, Label Studio (JSON) or CVAT (XML)"
        raise damaged(path, kinds, error if isinstance(error, ValueError) else repr(error)) from error
    if not names or not any(about.objects for about in images.values()):
        raise damaged(path, "annotations", "it holds no polygon; brush strokes and boxes alone are not read")
    return names, images


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
        ValueError: if the annotations are of an image of another size.
    """
    if annotated.size is not None and tuple(annotated.size) != tuple(size):
        raise ValueError(
            f"{path} must have the size of its annotations, {annotated.size[0]}x{annotated.size[1]}. Received: "
            f"{size[0]}x{size[1]}. Take the image that was annotated; EXIF orientations are followed."
        )
    height, width = size
    mask = Image.new("L", (width, height))
    scale = np.array([width / 100, height / 100]) if annotated.relative else np.ones(2)
    for name, shapes in annotated.objects:
        if name not in labels:
            continue
        for shape in shapes:
            if isinstance(shape, dict):
                covered = Image.fromarray(_run_lengths(shape, size).astype("uint8") * 255)
                mask.paste(labels[name], mask=covered)
                continue
            points = np.reshape(shape, (-1, 2)) * scale - 0.5  # places of pixels' corners to their centres
            ImageDraw.Draw(mask).polygon([tuple(point) for point in points.tolist()], fill=labels[name])
    return np.asarray(mask)


def _json(path):
    content = json.loads(path.read_bytes())
    if isinstance(content, list):
        return _label_studio(content)
    if isinstance(content, dict) and "annotations" in content and "categories" in content:
        return _coco(content)
    raise ValueError("it is neither COCO's JSON (images, annotations, categories) nor Label Studio's (a list of tasks)")


def _coco(content):
    names = {category["id"]: str(category["name"]) for category in content["categories"]}
    found = {image["id"]: [] for image in content["images"]}
    for each in content["annotations"]:
        shapes = each.get("segmentation") or []
        shapes = [shapes] if isinstance(shapes, dict) else [tuple(map(float, shape)) for shape in shapes]
        if shapes:
            area = float(each.get("area") or 0)
            found[each["image_id"]].append((area, names[each["category_id"]], tuple(shapes)))
    images = {}
    for image in content["images"]:
        large_first = sorted(found[image["id"]], key=lambda one: -one[0])  # small ones lie above
        size = (image["height"], image["width"]) if image.get("height") and image.get("width") else None
        images[_base(image["file_name"])] = Annotated(size, tuple((name, shapes) for _, name, shapes in large_first))
    return list(dict.fromkeys(names.values())), images


def _label_studio(content):
    names, images = {}, {}
    for task in content:
        values = [value for value in task["data"].values() if isinstance(value, str) and re.search(r"\.\w{3,4}$", value)]
        if not values:
            raise ValueError("a task of it names no image file in its data")
        done = [each for each in task.get("annotations", task.get("completions", ())) if not each.get("was_cancelled")]
        objects = []
        for result in done[-1]["result"] if done else ():
            if result.get("type") in ("brushlabels", "brush"):
                raise ValueError("it holds brush strokes: export those as PNG masks, or draw polygons")
            value = result.get("value", {})
            if value.get("polygonlabels") and value.get("points"):
                name = str(value["polygonlabels"][0])
                names[name] = None
                objects.append((name, (tuple(float(place) for point in value["points"] for place in point),)))
        images[_base(values[0])] = Annotated(None, tuple(objects), relative=True)
    return sorted(names), images


def _cvat(path):
    root = ElementTree.parse(path).getroot()
    names = [str(label.findtext("name")) for label in root.iter("label") if label.findtext("name")]
    images = {}
    for image in root.iter("image"):
        size = int(image.get("height")), int(image.get("width"))
        every = sorted(image.iter("polygon"), key=lambda polygon: int(polygon.get("z_order", "0")))
        objects = []
        for polygon in every:
            points = tuple(float(place) for point in polygon.get("points").split(";") for place in point.split(","))
            objects.append((polygon.get("label"), (points,)))
            names += [polygon.get("label")] if polygon.get("label") not in names else []
        images[_base(image.get("name"))] = Annotated(size, tuple(objects))
    return names, images


def _base(name):
    """The name of an image file without folders; Label Studio puts eight hexadecimal digits before it."""
    stem = re.split(r"[/\\]", name.split("?")[0])[-1]
    return re.sub(r"^[0-9a-f]{8}-", "", stem)


def _run_lengths(shape, size):
    counts = shape["counts"]
    if isinstance(counts, str):
        return extra("pycocotools.mask").decode({"size": list(size), "counts": counts.encode()})
    flat = np.repeat(np.arange(len(counts)) % 2, counts)
    return flat.reshape(size[::-1]).T
