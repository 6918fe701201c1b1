"""Files that a reader does not take are counted and named, whatever made it leave them out."""

import os
import shutil

import numpy as np
import pytest

from keras_unetmm.data import (
    classification,
    lesions,
    mattes,
    membranes,
    photograph_sets,
    restoration_pairs,
    scenes,
    volume_sets,
)
from keras_unetmm.data.layout import MissingDataError, files

pytestmark = pytest.mark.no_backend

# reader, the folder of its inputs, what changes a name of an input to that of its partner
READERS = {
    "isic2017": (lesions.isic2017, "isic2017/ISIC-2017_Training_Data"),
    "isic2018": (lesions.isic2018, "isic2018/train"),
    "camvid": (scenes.camvid, "camvid/train"),
    "cityscapes": (scenes.cityscapes, "cityscapes/leftImg8bit/train/bonn"),
    "bsds500": (photograph_sets.bsds500, "bsds500/train"),
    "kodak24": (photograph_sets.kodak24, "kodak24"),
    "set14": (photograph_sets.set14, "set14"),
    "div2k": (photograph_sets.div2k, "div2k/DIV2K_train_HR"),
    "p3m10k": (mattes.p3m10k, "p3m10k/train/blurred_image"),
    "rwp636": (mattes.rwp636, "rwp636/image"),
    "sidd": (restoration_pairs.sidd, "sidd_medium/Data/0001_001_S6_00100_00060_3200_L"),
    "gopro": (restoration_pairs.gopro, "gopro/train/GOPR0372_07_00/blur"),
    "gopro samples": (restoration_pairs.gopro_samples, "gopro_samples"),
    "polyu": (restoration_pairs.polyu, "polyu"),
    "levin09": (restoration_pairs.levin09, "levin09"),
    "isbi2012": (membranes.isbi2012, "isbi2012/image"),
    "imagenet": (classification.imagenet, "imagenet/train/n01440764"),
    "coco": (scenes.coco, "coco/train2017"),
    "hippocampus": (volume_sets.hippocampus, "hippocampus/images"),
}


@pytest.mark.parametrize("name", READERS)
def test_images_that_are_not_read_are_named_and_the_rest_is(tmp_path, name):
    reader, folder = READERS[name]
    reader.tiny(str(tmp_path), np.random.default_rng(0))
    whole = reader(str(tmp_path), partial=True).examples  # without a warning, which would be an error here
    for stray in ("strange.gif", "other.webp", ".hidden.gif", "readme.txt"):
        (tmp_path / folder / stray).write_bytes(b"")
    (tmp_path / folder / "gone.jpg").symlink_to(tmp_path / "nowhere")
    with pytest.warns(
        UserWarning, match=r"3 files left out, for .*gone\.jpg \(a link to .*nowhere.*, other\.webp, strange\.gif\."
    ):
        assert reader(str(tmp_path), partial=True).examples == whole


@pytest.mark.parametrize(
    ("name", "suffix"),
    [("isic2018", ".jpg"), ("camvid", ".jpg"), ("kodak24", ".png"), ("p3m10k", ".jpg"), ("imagenet", ".JPEG")],
)
def test_a_suffix_in_other_letters_is_read(tmp_path, name, suffix):
    reader, folder = READERS[name]
    reader.tiny(str(tmp_path), np.random.default_rng(0))
    dataset = reader(str(tmp_path), partial=True)
    want = [dataset[i][0] for i in range(len(dataset))]
    first = min(path for path in (tmp_path / folder).iterdir() if path.suffix == suffix)
    first.rename(first.with_suffix(suffix.swapcase()))
    again = reader(str(tmp_path), partial=True)
    assert len(again) == len(dataset)
    renamed = [i for i in range(len(again)) if again.called(i).endswith(suffix.swapcase())]
    np.testing.assert_array_equal(again[renamed[0]][0], want[renamed[0]])


def test_a_partner_that_is_a_link_to_nothing_is_named_as_such(tmp_path):
    lesions.isic2018.tiny(str(tmp_path), np.random.default_rng(0))
    _, mask = lesions.isic2018(str(tmp_path), partial=True).examples[0]
    mask.unlink()
    mask.symlink_to("gone.png")
    with pytest.raises(MissingDataError, match=r"must have its partner .*Received: a link to gone\.png, which is not there"):
        lesions.isic2018(str(tmp_path), partial=True)


def test_a_folder_of_links_to_nothing_says_so(tmp_path):
    for i in range(12):
        os.symlink("gone", tmp_path / f"{i:02d}.jpg")
    with (
        pytest.warns(
            UserWarning, match=r"12 files left out.*09\.jpg \(a link to gone, which is not there\), \.\.\. \(2 more\)"
        ),
        pytest.raises(MissingDataError, match=r"must hold photographs \(\*\.jpg\)\. Received: none"),
    ):
        files(tmp_path, "*.jpg", "photographs")


def test_superpixels_of_isic_are_known_and_not_named(tmp_path):
    lesions.isic2017.tiny(str(tmp_path), np.random.default_rng(0))
    folder = tmp_path / READERS["isic2017"][1]
    shutil.copy(next(folder.glob("*.jpg")), folder / "ISIC_0000000_superpixels.png")
    assert len(lesions.isic2017(str(tmp_path), partial=True)) == 3


def test_a_set_that_is_taken_as_it_is_says_how_much_of_it_is_there(tmp_path):
    from keras_unetmm.data import isic2018
    from keras_unetmm.data.left_out import counts_said

    isic2018.tiny(tmp_path, np.random.default_rng(0))
    said = []
    with counts_said(said.append):
        isic2018(tmp_path, partial=True)
    isic2018(tmp_path, "val", partial=True)
    assert said == ["isic2018 train: 4 of 800 examples read"]
