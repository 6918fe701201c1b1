import re
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image
from turned import stored_as

from keras_unetmm.data import layout, lesions, masks, membranes, scenes, tiny
from keras_unetmm.data.images import DamagedFileError, read_pixels
from keras_unetmm.data.layout import MissingDataError

pytestmark = pytest.mark.no_backend

STREET = dict(enumerate(scenes.STREET))
# reader, splits, what a label is on disk, channels, classes
READERS = [
    (lesions.isic2017, ("train", "val", "test"), {0: 0, 1: 255}, 3, 1),
    (lesions.isic2018, ("train", "val"), {0: 0, 1: 255}, 3, 1),
    (membranes.isbi2012, ("train", "test"), {0: 0, 1: 255}, 1, 1),
    (scenes.camvid, ("train", "val", "test"), {**{i: i for i in range(11)}, 255: 11}, 3, 11),
    (scenes.cityscapes, ("train", "val"), {**STREET, 255: 4}, 3, 19),
    (scenes.voc2012, ("train", "val", "trainval", "trainaug"), {**{i: i for i in range(21)}, 255: 255}, 3, 21),
]
CASES = [
    pytest.param(reader, split, *rest, id=f"{reader.__name__}-{split}")
    for reader, splits, *rest in READERS
    for split in splits
]
ONCE = [pytest.param(reader, splits[0], id=reader.__name__) for reader, splits, *_ in READERS]


def read(reader, folder, split, **arguments):
    whole = {"size": None} if reader is lesions.isic2017 else {}
    return reader(folder, split, **{"partial": True, **whole, **arguments})


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for reader, *_ in READERS:
        reader.tiny(str(folder), np.random.default_rng(0))
    return folder


@pytest.fixture
def folder(written, tmp_path):
    return shutil.copytree(written, tmp_path / "data")


@pytest.mark.parametrize(("reader", "split", "on_disk", "channels", "classes"), CASES)
def test_images_come_with_their_own_masks(written, reader, split, on_disk, channels, classes):
    dataset = read(reader, written, split)
    assert (dataset.target, dataset.classes, dataset.name) == ("mask", classes, f"{reader.__name__} {split}")
    assert dataset.ignore == (255 if 255 in on_disk else None)
    assert 2 <= len(dataset) <= 4
    seen = set()
    for index in range(len(dataset)):
        image, mask = dataset[index]
        assert (image.shape, image.dtype, mask.shape, mask.dtype) == ((48, 64, channels), np.uint8, (48, 64), np.uint8)
        np.testing.assert_array_equal(image, read_pixels(dataset.called(index), channels))
        seen |= set(np.unique(mask).tolist())
        table = np.zeros(256, int)
        table[list(on_disk)] = list(on_disk.values())
        colours = tiny.COLOURS[table[mask]][..., :channels]  # a label has one colour in tiny images
        assert np.median(np.abs(colours - image.astype(int))) < 15
    assert len(seen) > 1
    assert seen <= set(on_disk)


@pytest.mark.parametrize(("reader", "split"), ONCE)
def test_what_is_missing_is_named(folder, reader, split):
    with pytest.raises(MissingDataError, match=r"must have [\d,]+ examples, as published. Received: \d\.") as refused:
        read(reader, folder, split, partial=False)
    assert "partial=True" in str(refused.value)
    with pytest.raises(ValueError, match=r"split must be one of 'train'.*Received: 'validation'"):
        read(reader, folder, "validation")
    path, mask = read(reader, folder, split).examples[0]
    mask.unlink()
    with pytest.raises(MissingDataError, match=f"{re.escape(path.name)} must have its partner .*{re.escape(mask.name)}"):
        read(reader, folder, split)
    with pytest.raises(MissingDataError, match=r"no such folder.*https?://|no such folder.*github\.com"):
        read(reader, folder / "elsewhere", split)


@pytest.mark.parametrize(("reader", "split"), ONCE)
def test_damaged_and_wrong_files_are_named_when_read(folder, reader, split):
    dataset = read(reader, folder, split)
    (first, first_mask), (second, second_mask) = dataset.examples[:2]
    Image.fromarray(np.full((48, 64), 77, "uint8")).save(first_mask)
    with pytest.raises(ValueError, match=f"{re.escape(first_mask.name)} must hold only the labels 0, .*Received: 77"):
        dataset[0]
    Image.fromarray(np.zeros((48, 60), "uint8")).save(first_mask)
    with pytest.raises(ValueError, match=f"{re.escape(first.name)} and .* must have one size. Received: 48x64 and 48x60"):
        dataset[0]
    for path in (second_mask, second):
        path.write_bytes(path.read_bytes()[:100])
        with pytest.raises(DamagedFileError, match=re.escape(path.name)):
            dataset[1]


LABELS = np.array([[0, 1, 2], [2, 255, 0]], "uint8")


def test_masks_are_gray_palette_or_one_bit(tmp_path):
    gray, palette = Image.fromarray(LABELS), Image.fromarray(LABELS)
    palette.putpalette(tiny.COLOURS.astype("uint8").tobytes())
    for image in (gray, palette):
        image.save(tmp_path / "mask.png")
        np.testing.assert_array_equal(masks.read_mask(tmp_path / "mask.png", classes=3, ignore=255), LABELS)
    Image.fromarray(LABELS == 2).save(tmp_path / "bit.png")
    np.testing.assert_array_equal(masks.read_mask(tmp_path / "bit.png", 1, mapping={0: 0, 255: 1}), LABELS == 2)
    palette.convert("RGB").save(tmp_path / "rgb.png")
    with pytest.raises(ValueError, match=r"rgb\.png must hold a label in each pixel\. Received: a picture in colours"):
        masks.read_mask(tmp_path / "rgb.png", 3)


INSIDE = np.array([[0, 1, 0, 1], [0, 0, 1, 1]], bool)
BYTES = INSIDE.astype("uint8") * 255


def in_palette(colours, indices):
    image = Image.fromarray(indices.astype("uint8"))
    image.putpalette([value for colour in colours for value in (colour,) * 3])
    return image


def deep(pixels):
    """16 bits in colours, which Pillow cannot write: the bytes of a PNG."""
    return cv2.imencode(".png", pixels)[1].tobytes()


FORMS = {
    "gray": Image.fromarray(BYTES),
    "labels": Image.fromarray(INSIDE.astype("uint8")),
    "one bit": Image.fromarray(INSIDE),
    "RGB": Image.fromarray(BYTES).convert("RGB"),
    "RGB labels": Image.fromarray(INSIDE.astype("uint8")).convert("RGB"),
    "LA": Image.fromarray(BYTES).convert("LA"),
    "RGBA": Image.fromarray(BYTES).convert("RGBA"),
    "web palette": Image.fromarray(BYTES).convert("P"),
    "white and black": in_palette((255, 0), ~INSIDE),
    "black and white": in_palette((0, 255), INSIDE),
    "no colours": in_palette((0, 0), INSIDE),
    "16 bits": Image.fromarray(INSIDE.astype("uint16") * 65535),
    "labels of 16 bits": Image.fromarray(INSIDE.astype("uint16")),
    "32 bits": Image.fromarray(INSIDE.astype("int32")),
    "16 bits in RGB": deep(np.repeat(INSIDE[..., None].astype("uint16") * 65535, 3, -1)),
    "labels of 16 bits in RGB": deep(np.repeat(INSIDE[..., None].astype("uint16"), 3, -1)),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mapping", [None, {0: 0, 255: 1}, {0: 1, 255: 0}], ids=str)
def test_a_mask_of_two_labels_comes_in_many_forms(tmp_path, form, mapping):
    path = tmp_path / "mask.png"
    path.write_bytes(FORMS[form]) if isinstance(FORMS[form], bytes) else FORMS[form].save(
        path, "TIFF" if form == "32 bits" else "PNG"
    )
    if mapping is not None and ("labels" in form or form in ("no colours", "32 bits")):
        with pytest.raises(ValueError, match=r"must hold only the labels 0, 255\. Received: 0, 1\."):
            masks.read_mask(path, 1, mapping=mapping)
        return
    want = INSIDE if mapping is None or mapping[255] else ~INSIDE
    for classes in (1, 2):
        np.testing.assert_array_equal(masks.read_mask(path, classes, mapping=mapping), want)


def test_a_white_pixel_keeps_its_meaning_where_it_is_a_label_or_ignored(tmp_path):
    Image.fromarray(BYTES).save(tmp_path / "mask.png")
    np.testing.assert_array_equal(masks.read_mask(tmp_path / "mask.png", 1, ignore=255), BYTES)
    with pytest.raises(ValueError, match=r"only the labels 0, 1, 2\. Received: 0, 255\..*pass mapping=\{0: 0, 255: 1\}"):
        masks.read_mask(tmp_path / "mask.png", 3)
    np.testing.assert_array_equal(masks.known_labels("a", BYTES, 1), INSIDE)


def test_what_is_no_mask_is_refused_for_its_own_reason(tmp_path):
    path = tmp_path / "mask.png"
    see_through = np.stack([BYTES, BYTES], -1)
    Image.fromarray(see_through, "LA").save(path)
    with pytest.raises(ValueError, match=r"must be opaque.*some pixels are transparent\. Save the labels as gray"):
        masks.read_mask(path, 1)
    Image.fromarray(INSIDE.astype("uint16") * 300).save(path)
    with pytest.raises(ValueError, match=r"must hold only the labels 0, 1\. Received: 0, 300\."):
        masks.read_mask(path, 1)
    path.write_bytes(deep(np.random.default_rng(0).integers(0, 65536, (4, 5, 3)).astype("uint16")))
    with pytest.raises(ValueError, match="a picture in colours"):
        masks.read_mask(path, 1)
    Image.fromarray(np.kron(BYTES, np.ones((9, 9), "uint8"))).save(tmp_path / "mask.jpg", quality=60)
    with pytest.raises(ValueError, match=r"in a JPEG file, which changes values near edges\. Save masks as PNG"):
        masks.read_mask(tmp_path / "mask.jpg", 1)


@pytest.mark.parametrize("turn", range(1, 9))
def test_image_and_mask_are_turned_alike(folder, turn):
    path, mask = lesions.isic2018(folder, "val", partial=True).examples[0]
    want = lesions.isic2018(folder, "val", partial=True)[0]
    exif = Image.Exif()
    exif[0x0112] = turn
    for file, keep in ((path, {"quality": 100, "subsampling": 0}), (mask, {})):
        with Image.open(file) as image:
            image.load()
        stored = Image.fromarray(stored_as(np.asarray(image), turn))
        stored.save(file, exif=exif, **keep)
    got = lesions.isic2018(folder, "val", partial=True)[0]
    assert np.abs(got[0].astype(int) - want[0]).mean() < 3  # of JPEG
    np.testing.assert_array_equal(got[1], want[1])
    if turn > 4:
        with Image.open(mask) as image:
            image.save(mask)  # whose EXIF is lost
        with pytest.raises(
            ValueError, match=r"one size\. Received: 48x64 and 64x48\. One of them is turned: compare their EXIF"
        ):
            lesions.isic2018(folder, "val", partial=True)[0]


def test_labels_are_mapped_and_unknown_ones_named():
    mapped = masks.known_labels("a", LABELS, 2, 9, {0: 1, 1: 0, 2: 0, 255: 9})
    np.testing.assert_array_equal(mapped, [[1, 0, 0], [0, 9, 1]])
    np.testing.assert_array_equal(masks.known_labels("a", LABELS.astype("float64"), 3, 255), LABELS)
    for classes in (1, 2):
        assert masks.known_labels("a", np.eye(2), classes).max() == 1
        with pytest.raises(ValueError, match=r"a must hold only the labels 0, 1. Received: 0, 1, 2, 255\."):
            masks.known_labels("a", LABELS, classes)
    for strange in (-1.0, 0.5, 256.0, np.nan):
        with pytest.raises(ValueError, match=f"Received: .*{strange:g}"):
            masks.known_labels("a", np.array([0.0, strange]), 2)


def test_image_and_mask_are_resized_alike(folder):
    rows, columns = np.indices((48, 64)) / 8
    board = ((rows.astype(int) + columns.astype(int)) % 2).astype("uint8") * 255
    for path, mask in lesions.isic2018(folder, "val", partial=True).examples:
        Image.fromarray(np.repeat(board[..., None], 3, 2)).save(path, quality=100)
        Image.fromarray(board).save(mask)
    image, mask = lesions.isic2018(folder, "val", size=(12, 32), partial=True)[0]
    assert (image.shape, mask.shape) == ((12, 32, 3), (12, 32))
    assert set(np.unique(mask)) == {0, 1}
    assert np.mean((image[..., 0] > 127) == mask) > 0.98
    image, _ = lesions.isic2018(folder, "val", size=(3, 4), channels=1, partial=True)[0]
    assert image.shape == (3, 4, 1)
    assert np.abs(image.astype(int) - 127).max() < 10  # every pixel is the mean of four squares, half of them white


def test_resizing_makes_no_label_of_its_own(folder):
    for path, mask in scenes.camvid(folder, "val", partial=True).examples:
        Image.fromarray(np.zeros((48, 64, 3), "uint8")).save(path)
        Image.fromarray((np.indices((48, 64))[1] % 12 // 6 * 10).astype("uint8")).save(mask)
    _, mask = scenes.camvid(folder, "val", size=(30, 50), partial=True)[0]
    assert set(np.unique(mask)) == {0, 10}


def test_lists_give_names_without_folder_and_suffix(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("b.nii.gz\n\n/JPEGImages/a.jpg /SegmentationClassAug/a.png\r\n")
    assert masks.listed(path) == ["b", "a"]
    path.write_text("\n")
    with pytest.raises(MissingDataError, match="an empty file"):
        masks.listed(path)
    with pytest.raises(MissingDataError, match="No such file"):
        masks.listed(tmp_path / "none.txt")


def test_a_missing_library_names_the_extra():
    assert layout.extra("json").loads("1") == 1
    with pytest.raises(ValueError, match=r"no_such_library must be installed.*pip install keras-unetmm\[data\]"):
        layout.extra("no_such_library")
