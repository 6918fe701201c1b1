import json
import shutil

import numpy as np
import pytest
from PIL import Image

from keras_unetmm.data import scenes
from keras_unetmm.data.images import DamagedFileError
from keras_unetmm.data.layout import MissingDataError
from keras_unetmm.data.tiny import COLOURS

pytestmark = pytest.mark.no_backend


def test_cityscapes_keeps_the_nineteen_scored_classes(tmp_path):
    scenes.cityscapes.tiny(tmp_path, np.random.default_rng(0))
    dataset = scenes.cityscapes(tmp_path, "val", partial=True)
    every = np.zeros((48, 64), "uint8")
    every[0, :34] = range(34)
    Image.fromarray(every).save(dataset.examples[0][1])
    scored = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]
    expected = [scored.index(label) if label in scored else 255 for label in range(34)]
    assert dataset[0][1][0, :34].tolist() == expected


def test_voc2012_names_what_its_list_lacks(tmp_path):
    scenes.voc2012.tiny(tmp_path, np.random.default_rng(0))
    root = tmp_path / "VOCdevkit" / "VOC2012"
    names = root / "ImageSets" / "Segmentation" / "trainaug.txt"
    stems = names.read_text().split()
    names.write_text("".join(f"/JPEGImages/{stem}.jpg /SegmentationClassAug/{stem}.png\n" for stem in stems))
    dataset = scenes.voc2012(tmp_path, "trainaug", partial=True)
    assert [mask.relative_to(root).as_posix() for _, mask in dataset.examples] == [
        f"SegmentationClassAug/{stem}.png" for stem in stems
    ]
    (root / "JPEGImages" / f"{stems[1]}.jpg").unlink()
    with pytest.raises(MissingDataError, match=rf"trainaug\.txt must have its partner .*{stems[1]}\.jpg"):
        scenes.voc2012(tmp_path, "trainaug", partial=True)
    names.unlink()
    with pytest.raises(MissingDataError, match=r"trainaug\.txt must list the names"):
        scenes.voc2012(tmp_path, "trainaug", partial=True)


@pytest.fixture(scope="module")
def tiny_coco(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    scenes.coco.tiny(folder, np.random.default_rng(0))
    return folder


@pytest.fixture
def coco(tiny_coco, tmp_path):
    """The folder of COCO, and functions that read its first annotation file and write it changed."""
    folder = shutil.copytree(tiny_coco, tmp_path / "data")
    path = folder / "coco" / "annotations" / "instances_train2017.json"
    return folder, path, json.loads(path.read_text())


@pytest.mark.parametrize("split", ["train", "val"])
def test_coco_takes_the_tiny_scenes(tiny_coco, split):
    dataset = scenes.coco(tiny_coco, split, partial=True)
    assert (len(dataset), dataset.target, dataset.classes, dataset.ignore) == (3, "mask", 21, 255)
    for image, mask in (dataset[0], dataset[2]):
        assert (image.shape, image.dtype, mask.shape, mask.dtype) == ((48, 64, 3), np.uint8, (48, 64), np.uint8)
        assert set(np.unique(mask)) <= {0, 1, 255}  # the kite is background
        np.testing.assert_array_equal(mask == 255, (mask != 1) & (np.arange(64) >= 60))
        colours = COLOURS[(mask == 1).astype(int)]
        assert np.mean(np.abs(colours - image.astype(int)).mean(axis=-1) < 30) > 0.9  # the ball is where the mask says


def test_coco_draws_small_objects_over_large_ones_and_all_over_crowds(coco):
    folder, path, content = coco

    def box(category, left, right, **others):
        corners = [float(x) for x in (left, 0, right, 0, right, 48, left, 48)]
        other = {
            "image_id": 0,
            "category_id": category,
            "area": 48 * (right - left),
            "iscrowd": 0,
            "segmentation": [corners],
        }
        return {**other, **others}

    ids = {category["name"]: category["id"] for category in content["categories"]}
    crowd = {"size": [48, 64], "counts": [0, 48 * 64]}
    content["annotations"] = [
        box(ids["cat"], 10, 20),
        box(ids["couch"], 0, 40),
        box(ids["kite"], 0, 64),
        box(ids["person"], 0, 64, iscrowd=1, area=10, segmentation=crowd),
        box(ids["tv"], 50, 60, segmentation=[box(0, 50, 54)["segmentation"][0], box(0, 56, 60)["segmentation"][0]]),
    ]
    path.write_text(json.dumps(content))
    dataset = scenes.coco(folder, "train", partial=True)
    assert len(dataset) == 1  # the others have no object now
    expected = np.select(
        [np.isin(np.arange(64), range(a, b)) for a, b in ((10, 20), (0, 40), (50, 54), (56, 60))], [8, 18, 20, 20], 255
    )
    np.testing.assert_array_equal(dataset[0][1], np.tile(expected, (48, 1)))


def test_coco_leaves_out_images_with_few_labelled_pixels(coco):
    folder, path, content = coco
    areas = {0: 999, 1: 1000, 2: 400}
    for annotation in content["annotations"]:
        if annotation["category_id"] == 10:
            annotation["area"] = areas[annotation["image_id"]]
    path.write_text(json.dumps(content))
    assert [found.stem for found, *_ in scenes.coco(folder, "train", partial=True).examples] == ["000000000001"]
    assert len(scenes.coco(folder, "train", least=400, partial=True)) == 3
    with pytest.raises(MissingDataError, match="must annotate 2000 pixels"):
        scenes.coco(folder, "train", least=2000, partial=True)


def test_coco_names_what_is_missing_or_damaged(coco):
    folder, path, content = coco
    with pytest.raises(MissingDataError, match="coco train must have 118,287 examples"):
        scenes.coco(folder, "train")
    content["images"][0]["width"] = 65
    path.write_text(json.dumps(content))
    with pytest.raises(
        ValueError, match=r"000000000000\.jpg and its entry .* must have one size. Received: 48x64 and 48x65"
    ):
        scenes.coco(folder, "train", partial=True)[0]
    path.write_text(path.read_text()[:-20])
    with pytest.raises(DamagedFileError, match=r"instances_train2017\.json cannot be read as COCO annotations"):
        scenes.coco(folder, "train", partial=True)
    path.unlink()
    with pytest.raises(MissingDataError, match=r"partner .*instances_train2017\.json"):
        scenes.coco(folder, "train", partial=True)
    with pytest.raises(MissingDataError, match="no such folder"):
        scenes.coco(folder / "none", "train")
