import shutil
import subprocess
import sys

import numpy as np
import pytest

from keras_unetmm.data import classification
from keras_unetmm.data.images import DamagedFileError, read_pixels
from keras_unetmm.data.layout import MissingDataError
from keras_unetmm.data.tiny import COLOURS

pytestmark = pytest.mark.no_backend


@pytest.fixture
def photographs(tmp_path):
    classification.imagenet.tiny(tmp_path, np.random.default_rng(0))
    return tmp_path / "imagenet"


@pytest.mark.parametrize("split", ["train", "val"])
def test_imagenet_counts_its_classes_in_the_order_of_their_ids(photographs, split):
    shutil.rmtree(photographs / "val" / "n01440764")  # the first class: the others keep their numbers
    dataset = classification.imagenet(photographs.parent, split, short=None, partial=True)
    assert (dataset.target, dataset.classes) == ("class", 3)
    ids = ("n01440764", "n01443537", "n03000684")
    expected = [(f"{name}_{number}", ids.index(name)) for name in ids[split == "val" :] for number in range(2)]
    assert [(dataset.stem(index), dataset[index][1]) for index in range(len(dataset))] == expected
    for index, (image, label) in enumerate(dataset):
        np.testing.assert_array_equal(image, read_pixels(dataset.called(index)))
        close = [(np.abs(image.astype(int) - colour).mean(axis=-1) < 20).sum() for colour in COLOURS[1:4]]
        assert np.argmax(close) == label  # the ball has the colour of its class


def test_imagenet_resizes_the_shorter_side(photographs):
    image, label = classification.imagenet(photographs.parent, short=24, partial=True)[5]
    assert (image.shape, image.dtype, label) == ((24, 32, 3), np.uint8, 2)
    assert classification.imagenet(photographs.parent, partial=True)[0][0].shape == (256, 341, 3)


def test_imagenet_says_what_is_missing_or_damaged(photographs):
    folder = photographs.parent
    with pytest.raises(MissingDataError, match=r"imagenet train must have 1,281,167 examples, as published. Received: 6"):
        classification.imagenet(folder)
    with pytest.raises(ValueError, match=r"split must be one of 'train', 'val'. Received: 'test'"):
        classification.imagenet(folder, "test")
    dataset = classification.imagenet(folder, "val", partial=True)
    for path, _ in dataset.examples:
        shutil.move(path, photographs / "val")  # as published: in one folder
    with pytest.raises(MissingDataError, match=r"in a folder for each class.*sort the photographs"):
        classification.imagenet(folder, "val", partial=True)
    with pytest.raises(MissingDataError, match="no such folder"):
        classification.imagenet(folder / "none")
    dataset = classification.imagenet(folder, partial=True)
    with open(dataset.called(1), "wb") as file:
        file.write(b"no photograph")
    with pytest.raises(DamagedFileError, match=r"n01440764_1\.JPEG cannot be read"):
        dataset[1]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A real data set of TensorFlow Datasets, written by another process, for TensorFlow must not come into this one."""
    folder = tmp_path_factory.mktemp("tfds")
    run(f"import numpy as np; classification.tfds.tiny({str(folder)!r}, np.random.default_rng(0))")
    return folder


def run(code):
    code = f"from keras_unetmm.data import classification; {code}"
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_set_of_tensorflow_datasets_is_read(prepared, split):
    classes = classification.tfds(prepared, "tiny_shapes", split, target="label")
    scenes = classification.tfds(prepared, "tiny_shapes", split, target="segmentation_mask", classes=4)
    images = classification.tfds(prepared, "tiny_shapes", split)
    assert [(data.target, data.classes, len(data)) for data in (classes, scenes, images)] == [
        ("class", 3, 3),
        ("mask", 4, 3),
        ("image", None, 3),
    ]
    assert classes.called(2) == f"{prepared}/tiny_shapes/{split}/2"
    assert sorted(label for _, label in classes) == [0, 1, 2]
    for (image, label), (_, mask), (again, same) in zip(classes, scenes, images, strict=True):
        assert (image.shape, image.dtype, mask.shape, mask.dtype) == ((48, 64, 3), np.uint8, (48, 64), np.uint8)
        np.testing.assert_array_equal(image, again)
        np.testing.assert_array_equal(image, same)
        assert set(np.unique(mask)) == {0, label + 1}
        assert np.median(np.abs(COLOURS[mask] - image.astype(int))) < 15


def test_labels_of_tensorflow_datasets_are_mapped_and_checked(prepared):
    mapping = {0: 255, 1: 0, 2: 1, 3: 2}
    arguments = {"split": "train[:67%]", "target": "segmentation_mask", "kind": "mask", "classes": 3, "ignore": 255}
    mapped = classification.tfds(prepared, "tiny_shapes", **arguments, mapping=mapping)
    assert len(mapped) == 2
    assert {label for _, mask in mapped for label in np.unique(mask).tolist()} <= {0, 1, 2, 255}
    del mapping[0]
    with pytest.raises(ValueError, match=r"tiny_shapes/train\[:67%\]/0 must hold only the labels 1, 2, 3. Received: 0"):
        classification.tfds(prepared, "tiny_shapes", **arguments, mapping=mapping)[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "validation"}, "Unknown split 'validation'"),
        ({"target": "box"}, "kind must be one of 'class', 'mask', 'image'. Received: None"),
        ({"target": "box", "kind": "mask"}, r"target must be one of .*'label'.*Received: 'box'"),
        ({"image": "picture"}, r"image must be one of 'image', 'label', 'segmentation_mask'. Received: 'picture'"),
        ({"target": "segmentation_mask"}, "classes must be given for the masks of tiny_shapes"),
        ({"name": "mnist"}, r"must hold mnist of TensorFlow Datasets.*tfds\.builder\('mnist', data_dir=.*'array_record'"),
        ({"name": "no_such_name"}, "must hold no_such_name of TensorFlow Datasets"),
    ],
)
def test_errors_say_what_is_expected(prepared, arguments, message):
    with pytest.raises(ValueError, match=message):
        classification.tfds(prepared, **{"name": "tiny_shapes", "split": "train", **arguments})


def test_reading_imports_no_tensorflow(prepared):
    code = f"import sys; print(classification.tfds({str(prepared)!r}, 'tiny_shapes', 'train', target='label')[0][0].shape)"
    assert run(f"{code}; print('tensorflow' in sys.modules)") == "(48, 64, 3)\nFalse\n"
