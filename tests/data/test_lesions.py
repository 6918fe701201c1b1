import numpy as np
import pytest

from keras_unetmm.data import lesions, membranes
from keras_unetmm.data.tiny import write_tiny_pair

pytestmark = pytest.mark.no_backend


def test_isic2017_is_resized_and_leaves_superpixels_alone(tmp_path):
    lesions.isic2017.tiny(tmp_path, np.random.default_rng(0))
    data = tmp_path / "isic2017" / "ISIC-2017_Training_Data"
    (data / "ISIC_0000000_superpixels.png").write_bytes(b"")
    dataset = lesions.isic2017(tmp_path, partial=True)
    assert [dataset.stem(index) for index in range(len(dataset))] == ["ISIC_0000000", "ISIC_0000001", "ISIC_0000002"]
    image, mask = dataset[2]
    assert (image.shape, mask.shape) == ((256, 256, 3), (256, 256))
    image, mask = lesions.isic2017(tmp_path, "test", size=(32, 40), channels=1, partial=True)[0]
    assert (image.shape, mask.shape) == ((32, 40, 1), (32, 40))


def test_isic2018_validates_on_no_near_duplicate(tmp_path):
    root = tmp_path / "isic2018"
    for split in ("train", "val"):
        for name in ("ISIC_0000001", "ISIC_0012887", "ISIC_0012989", "ISIC_0012672", "ISIC_0012673"):
            mask = root / "mask" / f"{name}_segmentation.png"
            write_tiny_pair(np.random.default_rng(0), root / split / f"{name}.jpg", mask, [0, 255])
    assert len(lesions.isic2018(tmp_path, "train", partial=True)) == 5
    assert [path.stem for path, _ in lesions.isic2018(tmp_path, "val", partial=True).examples] == ["ISIC_0000001"]


def test_isbi2012_is_split_in_blocks_in_the_order_of_slices(tmp_path):
    root = tmp_path / "isbi2012"
    for index in range(30):
        write_tiny_pair(
            np.random.default_rng(0), root / "image" / f"{index}.png", root / "label" / f"{index}.png", [0, 255], 1
        )
    for split, slices in (("train", range(24)), ("test", range(24, 30))):
        assert [int(path.stem) for path, _ in membranes.isbi2012(tmp_path, split).examples] == list(slices)
