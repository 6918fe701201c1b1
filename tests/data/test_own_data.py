"""A user's own folders: every format that is read, which file belongs to which, what is refused."""

import json
import struct
import zlib
from unittest.mock import ANY

import numpy as np
import pytest
from PIL import Image

from keras_unetmm import data
from keras_unetmm.data.annotated_files import named
from keras_unetmm.data.headers import Headers, headers
from keras_unetmm.data.images import DamagedFileError
from keras_unetmm.data.labels import found_labels, labels_of, read_labels
from keras_unetmm.data.layout import MissingDataError
from keras_unetmm.data.outlines import inside
from keras_unetmm.data.overlays import examples_sheet
from keras_unetmm.data.partners import divided, partners
from keras_unetmm.data.polygons import Annotated, annotations
from keras_unetmm.data.summary import report, summarize

pytestmark = pytest.mark.no_backend
MASK = np.zeros((12, 20), "uint8")
MASK[2:6, 3:9] = 1
MASK[8:, 15:] = 2
BINARY = (MASK == 1).astype("uint8")


def picture(seed=0, height=12, width=20, channels=3):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), "uint8")


def save(path, pixels, mode=None, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2:] == (1,) else pixels)
    (image if mode is None else image.convert(mode)).save(path, **options)
    return path


@pytest.mark.parametrize("name", ["a.JPG", "a.jpeg", "a.png", "a.PNG", "a.tiff", "a.TIF", "a.webp", "a.bmp"])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "CMYK", "P"])
def test_photographs_of_every_kind(tmp_path, name, mode):
    if (name.lower().endswith(("png", "webp", "bmp")) and mode == "CMYK") or (mode in ("RGBA", "P") and "j" in name.lower()):
        pytest.skip("this format has no such mode")
    if name.lower().endswith(("webp", "bmp")) and mode == "P":
        pytest.skip("saved as colours")
    smooth = np.repeat(np.linspace(0, 255, 20).astype("uint8")[None, :, None], 12, 0).repeat(3, -1)
    save(tmp_path / "photos" / "below" / name, smooth, mode)
    dataset = data.photographs(tmp_path, "photos")
    clean, same = dataset[0]
    assert clean is same
    assert clean.shape == (12, 20, 3)
    assert clean.dtype == np.uint8
    assert np.abs(clean.astype(int) - smooth).max() < (60 if mode == "P" else 12)
    assert data.photographs(tmp_path, "photos", channels=1)[0][0].shape == (12, 20, 1)
    assert headers(dataset) == Headers((), 1, ((12, 20), tmp_path / "photos" / "below" / name))


def test_sixteen_bits_stay(tmp_path):
    deep = np.arange(240, dtype="uint16").reshape(12, 20) * 257
    (tmp_path / "p").mkdir()
    Image.fromarray(deep).save(tmp_path / "p" / "gray.png")
    Image.fromarray(deep).save(tmp_path / "p" / "gray2.tif")
    cv2 = pytest.importorskip("cv2")
    cv2.imwrite(str(tmp_path / "p" / "rgb.png"), np.stack([deep] * 3, -1))
    cv2.imwrite(str(tmp_path / "p" / "rgb2.tif"), np.stack([deep] * 3, -1))
    for clean, _ in data.photographs(tmp_path, "p", channels=1):
        np.testing.assert_array_equal(clean[..., 0], deep)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_of_images_and_masks(tmp_path, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    undone = (None, "FLIP_LEFT_RIGHT", "ROTATE_180", "FLIP_TOP_BOTTOM", "TRANSPOSE", "ROTATE_90", "TRANSVERSE", "ROTATE_270")

    def turned(pixels):
        image = Image.fromarray(pixels)
        return image if orientation == 1 else image.transpose(Image.Transpose[undone[orientation - 1]])

    pixels, deep = picture(), picture(channels=1)[..., 0].astype("uint16") * 257
    (tmp_path / "i").mkdir()
    (tmp_path / "m").mkdir()
    turned(pixels).save(tmp_path / "i" / "x.png", exif=exif)
    turned(deep).save(tmp_path / "i" / "y.tif", exif=exif)  # Pillow would map plain TIFFs into memory, and not turn them
    turned(MASK).save(tmp_path / "m" / "y.tif", exif=exif)
    save(tmp_path / "m" / "x.png", MASK)  # drawn on the photograph as viewers show it
    dataset = data.pairs(tmp_path, "i", "m")
    np.testing.assert_array_equal(dataset[0][0], pixels)
    np.testing.assert_array_equal(dataset[1][0], np.stack([deep] * 3, -1))
    for _, mask in dataset:
        np.testing.assert_array_equal(mask, MASK)


def forms(tmp_path):
    """Every form of the same three labels, or two."""
    colours = np.array([(0, 0, 0), (255, 0, 0), (0, 128, 255)], "uint8")
    indexed = Image.fromarray(MASK)
    indexed.putpalette(colours.tobytes() + bytes(3 * 253))
    yield "labels", save(tmp_path / "a.png", MASK), ("background", "a", "b"), MASK
    path = tmp_path / "palette.png"
    indexed.save(path)
    yield "palette", path, ("background", "a", "b"), MASK
    table = {"background": "#000000", "a": "#ff0000", "b": "#0080ff"}
    yield "colours", save(tmp_path / "c.png", colours[MASK]), table, MASK
    yield "colours in BMP", save(tmp_path / "c.bmp", colours[MASK]), table, MASK
    opaque = np.dstack([colours[MASK], np.full(MASK.shape, 255, "uint8")])
    yield "opaque colours", save(tmp_path / "o.png", opaque), table, MASK
    two = ("background", "a")
    yield "0 and 255", save(tmp_path / "w.png", BINARY * 255), two, BINARY
    yield "1 bit", save(tmp_path / "b.png", BINARY * 255, "1"), two, BINARY
    yield "1 bit TIFF", save(tmp_path / "b.tif", BINARY * 255, "1"), two, BINARY
    yield "RGB black and white", save(tmp_path / "r.png", np.stack([BINARY * 255] * 3, -1)), two, BINARY
    yield "LA", save(tmp_path / "la.png", BINARY * 255, "LA"), two, BINARY
    deep = tmp_path / "deep.png"
    Image.fromarray(BINARY.astype("uint16") * 65535).save(deep)
    yield "16 bits", deep, two, BINARY
    yield "values of their own", save(tmp_path / "v.png", BINARY * 90 + 10), {"background": 10, "a": 100}, BINARY


def test_masks_of_every_form(tmp_path):
    for form, path, classes, wanted in forms(tmp_path):
        found = read_labels(path, labels_of(classes))
        np.testing.assert_array_equal(found, wanted, form)


@pytest.mark.parametrize("form", ["labels", "palette", "colours", "0 and 255", "1 bit", "RGB black and white", "16 bits"])
def test_labels_are_found(tmp_path, form):
    _, path, _, wanted = next(each for each in forms(tmp_path / "made") if each[0] == form)
    save(tmp_path / "i" / f"{path.stem}.jpg", picture())
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / path.name).write_bytes(path.read_bytes())
    dataset = data.pairs(tmp_path, "i", "m")
    mask = dataset[0][1]
    assert dataset.classes == (1 if wanted.max() == 1 else 3)
    for label in np.unique(wanted):  # colours are in rising order: their numbers may differ
        assert len(np.unique(mask[wanted == label])) == 1
    assert len(np.unique(mask)) == len(np.unique(wanted))


def test_ignored(tmp_path):
    mask = MASK.copy()
    mask[0] = 255
    save(tmp_path / "i" / "x.jpg", picture())
    save(tmp_path / "m" / "x.png", mask)
    found = data.pairs(tmp_path, "i", "m")
    assert (found.classes, found.ignore) == (3, 255)
    np.testing.assert_array_equal(found[0][1], mask)
    two = np.where(mask == 2, 0, mask)
    save(tmp_path / "m" / "x.png", np.where(two == 1, 0, two))  # background and what is ignored alone
    given = data.pairs(tmp_path, "i", "m", classes=("background", "a"), ignore=255)
    assert set(np.unique(given[0][1])) == {0, 255}


def test_labels_that_are_none_are_refused(tmp_path):
    save(tmp_path / "i" / "x.jpg", picture())
    save(tmp_path / "m" / "x.png", MASK * 7)
    with pytest.raises(ValueError, match=r"labels 0, 1. Received: 0, 7, 14"):
        data.pairs(tmp_path, "i", "m", classes=("background", "a"))[0]
    save(tmp_path / "m" / "x.png", picture())
    with pytest.raises(ValueError, match="Is it a photograph"):
        data.pairs(tmp_path, "i", "m")
    save(tmp_path / "m" / "x.png", np.zeros((12, 20), "uint8"))
    with pytest.raises(ValueError, match="the value 0 in every pixel"):
        data.pairs(tmp_path, "i", "m")
    with pytest.raises(ValueError, match=r"label 0 in every pixel of the 1 looked at"):
        summarize(data.pairs(tmp_path, "i", "m", classes=("background", "a")))
    save(tmp_path / "m" / "x.png", MASK[:, :10])
    with pytest.raises(ValueError, match=r"must have one size\. Received: 12x20 and 12x10"):
        data.pairs(tmp_path, "i", "m")[0]


COCO = {
    "images": [{"id": 7, "file_name": "sub/x.JPG", "height": 12, "width": 20}],
    "categories": [{"id": 3, "name": "a"}, {"id": 9, "name": "b"}],
    "annotations": [
        {"image_id": 7, "category_id": 3, "area": 24, "segmentation": [[3, 2, 9, 2, 9, 6, 3, 6]]},
        {"image_id": 7, "category_id": 9, "area": 20, "segmentation": [[15, 8, 20, 8, 20, 12, 15, 12]]},
    ],
}


def label_studio():
    def polygon(name, points):
        value = {"points": [[x / 20 * 100, y / 12 * 100] for x, y in points], "polygonlabels": [name]}
        return {"type": "polygonlabels", "value": value}

    result = [
        polygon("a", [(3, 2), (9, 2), (9, 6), (3, 6)]),
        polygon("b", [(15, 8), (20, 8), (20, 12), (15, 12)]),
    ]
    return [{"data": {"image": "/data/upload/1/0a1b2c3d-x.JPG"}, "annotations": [{"result": result}]}]


CVAT = """<annotations><meta><job><labels><label><name>a</name></label><label><name>b</name></label></labels></job></meta>
<image id="0" name="x.JPG" width="20" height="12">
<polygon label="a" points="3,2;9,2;9,6;3,6" z_order="0"/><polygon label="b" points="15,8;20,8;20,12;15,12" z_order="1"/>
</image></annotations>"""


@pytest.mark.parametrize("kind", ["coco", "label studio", "cvat"])
def test_annotations(tmp_path, kind):
    save(tmp_path / "i" / "x.JPG", picture())
    content = {"coco": json.dumps(COCO), "label studio": json.dumps(label_studio()), "cvat": CVAT}[kind]
    path = tmp_path / ("a.xml" if kind == "cvat" else "a.json")
    path.write_text(content)
    dataset = data.pairs(tmp_path, "i", path)
    assert dataset.classes == 3
    mask = dataset[0][1]
    np.testing.assert_array_equal(mask, MASK)
    only = data.pairs(tmp_path, "i", path, classes=("background", "b"))
    assert only.classes == 1
    np.testing.assert_array_equal(only[0][1], mask == 2)
    with pytest.raises(ValueError, match=r"names that .* has: a, b"):
        data.pairs(tmp_path, "i", path, classes=("background", "c"))


def brush(mask, repeated=True):
    """Label Studio's code of a stroke: values of 8 bits, lengths of 3, 5, 9 or 16 bits."""
    pixels = np.zeros((*mask.shape, 4), "uint8")
    pixels[..., 3] = mask * 255
    flat, bits = pixels.reshape(-1), f"{pixels.size:032b}{7:05b}" + "".join(f"{wide - 1:04b}" for wide in (3, 5, 9, 16))
    ends = [*(np.flatnonzero(np.diff(flat)) + 1), len(flat)] if repeated else range(200, len(flat) + 200, 200)
    start = 0
    for end in (min(int(end), len(flat)) for end in ends):
        which, wide = next((i, wide) for i, wide in enumerate((3, 5, 9, 16)) if end - start - 1 < 2**wide)
        values = flat[start : start + 1] if repeated else flat[start:end]
        bits += f"{int(repeated)}{which:02b}{end - start - 1:0{wide}b}" + "".join(f"{value:08b}" for value in values)
        start = end
    bits += "0" * (-len(bits) % 8)
    return [int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)]


def stroke(mask, name, **about):
    value = {"format": "rle", "rle": brush(mask, **about), "brushlabels": [name]}
    return {"type": "brushlabels", "value": value, "original_width": 20, "original_height": 12}


def test_painted_areas(tmp_path):
    save(tmp_path / "i" / "x.JPG", picture())
    save(tmp_path / "i" / "y.JPG", picture())
    result = [stroke(MASK == 1, "a"), stroke(MASK == 2, "b", repeated=False), {"type": "rectanglelabels", "value": {}}]
    said = {"data": {"image": "/data/local-files/?d=i%2Fx.JPG"}, "annotations": [{"result": result}]}
    not_yet = {"data": {"image": "y.JPG"}, "annotations": []}
    (tmp_path / "a.json").write_text(json.dumps([said, not_yet]))
    with (
        pytest.warns(UserWarning, match=r"1 of 2 are not in it: y.JPG"),
        pytest.warns(UserWarning, match="1 shapes of type rectangle without a label left out"),
    ):
        dataset = data.pairs(tmp_path, "i", "a.json", partial=True)
    assert [path.name for path, _ in dataset.examples] == ["x.JPG"]  # nobody has said that y is background
    np.testing.assert_array_equal(dataset[0][1], MASK)
    result[:] = [{**result[0], "value": {**result[0]["value"], "rle": result[0]["value"]["rle"][:30]}}]
    (tmp_path / "a.json").write_text(json.dumps([said]))
    with pytest.warns(UserWarning, match="y.JPG"):
        damaged = data.pairs(tmp_path, "i", "a.json", partial=True)
    with pytest.raises(ValueError, match=r"a brush stroke ends too early\. Export the annotations again"):
        damaged[0]
    (tmp_path / "i" / "y.JPG").unlink()
    rows = '<mask label="a" rle="2, 4, 1, 5, 6, 5, 1" left="3" top="2" width="6" height="4" z_order="0"/><box label="b"/>'
    (tmp_path / "a.xml").write_text(CVAT[: CVAT.index("<polygon")] + rows + "</image></annotations>")
    with pytest.warns(UserWarning, match="1 shapes of type box left out"):
        mask = data.pairs(tmp_path, "i", "a.xml", classes=("background", "a"))[0][1]
    want = np.zeros((12, 20), "uint8")
    want[2:6, 3:9] = [[0, 0, 1, 1, 1, 1], [0, 1, 1, 1, 1, 1], [0] * 6, [1, 1, 1, 1, 1, 0]]
    np.testing.assert_array_equal(mask, want)


def test_polygons_cover_the_pixels_whose_centres_lie_inside():
    rng = np.random.default_rng(0)
    columns, rows = np.meshgrid(np.arange(40) + 0.5, np.arange(30) + 0.5)
    centres = np.stack([columns.ravel(), rows.ravel()], 1)
    for _ in range(20):
        points = rng.uniform((-8, -8), (48, 38), (3, 2))  # also outside of the image
        edges = zip(points, np.roll(points, -1, 0), strict=True)
        side = [(b - a)[0] * (centres - a)[:, 1] - (b - a)[1] * (centres - a)[:, 0] for a, b in edges]
        want = (np.all(np.greater(side, 0), 0) | np.all(np.less(side, 0), 0)).reshape(30, 40)
        np.testing.assert_array_equal(inside(points, (30, 40)), want)


def test_images_of_one_name_are_told_apart_by_their_folders(tmp_path):
    about = {name: Annotated(None) for name in ("cam0/x.jpg", "cam1/x.jpg", "0a1b2c3d-y.jpg")}
    found = {name: tmp_path / name for name in ("cam1/x.jpg", "cam0/x.jpg", "y.jpg", "z.jpg")}
    meant = named(found, about, "a.json")
    assert meant == {"cam1/x.jpg": "cam1/x.jpg", "cam0/x.jpg": "cam0/x.jpg", "y.jpg": "0a1b2c3d-y.jpg"}
    with pytest.raises(ValueError, match=r"no other can be meant\. Received: x.jpg for .*cam0/x.jpg, .*cam1/x.jpg"):
        named(found, ["x.jpg"], "a.json")
    with pytest.raises(ValueError, match=r"no other can be meant\. Received: cam0/x.jpg, cam1/x.jpg for"):
        named({"x": tmp_path / "x.jpg"}, about, "a.json")


@pytest.mark.parametrize("quality", [95, 60])
def test_jpeg_masks_are_read_where_labels_can_be_told(tmp_path, quality):
    mask = np.kron(BINARY, np.ones((8, 8), "uint8"))
    save(tmp_path / "i" / "x.png", picture(0, 96, 160))
    save(tmp_path / "m" / "x.jpg", mask * 255, quality=quality)
    with pytest.warns(UserWarning, match=r"1 of 1 masks are JPEG, such as x.jpg"):
        dataset = data.pairs(tmp_path, "i", "m")
    assert dataset.classes == 1
    np.testing.assert_array_equal(dataset[0][1], mask)
    path = save(tmp_path / "m" / "x.jpg", mask * 100 + 50, quality=quality)
    np.testing.assert_array_equal(read_labels(path, labels_of({"background": 50, "a": 150})), mask)
    for labels, why in (({"background": 50, "a": 60}, "10 gray values apart"), (("background", "a"), "near none of")):
        with pytest.raises(ValueError, match=why):
            read_labels(path, labels_of(labels))
    save(path, mask * 9, quality=quality)  # neither black and white, nor the labels 0 and 1
    with pytest.raises(ValueError, match=r"values up to \d+, none of them near 255"):
        read_labels(path, labels_of(("background", "a")))
    save(path, picture(3, 96, 160), quality=quality)
    with pytest.raises(ValueError, match=r"must be a mask|near none of"):
        data.pairs(tmp_path, "i", "m")


@pytest.mark.parametrize("bits", [2, 4])
def test_gray_of_few_bits(tmp_path, bits):
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    rows = [f"{int(''.join(f'{value:0{bits}b}' for value in row), 2):0{20 * bits // 4}x}" for row in MASK]
    content = zlib.compress(b"".join(b"\0" + bytes.fromhex(row) for row in rows))
    header = struct.pack(">IIBBBBB", 20, 12, bits, 0, 0, 0, 0)
    path = tmp_path / "x.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", content) + chunk(b"IEND", b""))
    np.testing.assert_array_equal(read_labels(path, labels_of(("background", "a", "b"))), MASK)
    found = found_labels([path])
    assert len(found.names) == 3
    np.testing.assert_array_equal(read_labels(path, found), MASK)


def test_annotations_that_are_none(tmp_path):
    save(tmp_path / "i" / "x.JPG", picture())
    (tmp_path / "a.json").write_text('{"images": 3')
    with pytest.raises(DamagedFileError, match="polygons of COCO"):
        data.pairs(tmp_path, "i", "a.json")
    run = {**COCO, "annotations": [{"image_id": 7, "category_id": 3, "segmentation": {"counts": [24, 12, 204]}}]}
    (tmp_path / "a.json").write_text(json.dumps(run))
    mask = data.pairs(tmp_path, "i", "a.json", classes=("background", "a"))[0][1]
    np.testing.assert_array_equal(np.argwhere(mask.T)[:, 0], [2] * 12)  # a run down the third column
    save(tmp_path / "i" / "y.jpg", picture())
    with pytest.raises(MissingDataError, match=r"1 of 2 are not in it: y.jpg"):
        data.pairs(tmp_path, "i", "a.json")
    assert annotations(tmp_path / "a.json")[0] == ["a", "b"]


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        ("a b", "a b"),
        ("a b", "a_mask b_mask"),
        ("a b", "mask_a mask_b"),
        ("a_image b_image", "a_mask b_mask"),
        ("1 11 2", "1_L 11_L 2_L"),
        ("x/1 y/1", "x/1_seg y/1_seg"),
        ("im1 im10", "im1GT im10GT"),
        ("cell-01 cell-02", "cell-01.masks cell-02.masks"),
        ("img_1 img_2", "mask_1 mask_2"),
        ("IMG_1 Foto2", "img_1 foto2"),
        ("cam0/a cam1/b", "a b"),
        ("a b", "x/a y/b"),
        ("1/image 2/image", "1/mask 2/mask"),
        ("1/images/a 2/images/b", "1/masks/a 2/masks/b"),
        ("frame07 frame8", "label7 label08"),
        ("s00_t1 s11_t1 s3_t1", "s00_seg s11_seg s3_seg"),
        ("scan-ann-a scan-bob-a", "truth-ann truth-bob"),
    ],
)
def test_partners(images, masks):
    images, masks = images.split(), masks.split()
    assert partners(images, masks) == dict(zip(images, masks, strict=True))
    if "/" not in images[0] and set(images).isdisjoint(masks):
        assert divided([*images, *masks])[1] in (masks, [])


def test_what_belongs_to_two_belongs_to_none():
    assert partners(["cam0/a", "cam1/a", "cam1/b"], ["a", "b"]) == {"cam1/b": "b"}
    assert partners(["x1", "y1"], ["m1", "m2"]) == {}
    assert divided(["1/image", "1/mask", "2/image", "2/mask"]) == (["1/image", "2/image"], ["1/mask", "2/mask"])
    assert divided(["a", "masks/a", "b", "masks/b"]) == (["a", "b"], ["masks/a", "masks/b"])


def test_folders_below_that_are_no_images(tmp_path):
    for name in ("a", "b"):
        save(tmp_path / "d" / f"{name}.jpg", picture())
        save(tmp_path / "d" / "drawn" / f"{name}.png", BINARY)
        save(tmp_path / "d" / "run" / "pictures" / f"{name}.png", picture())
        save(tmp_path / "d" / "results" / f"{name}.png", picture())
    (tmp_path / "d" / "run" / "run.json").write_text("{}")
    (tmp_path / "d" / "results" / "predict.json").write_text("{}")
    assert len(data.pairs(tmp_path, "d", "d/drawn")) == 2
    assert len(data.photographs(tmp_path / "d", "results")) == 2
    (tmp_path / "d" / "drawn").rename(tmp_path / "drawn")
    save(tmp_path / "m" / "x.png", BINARY)
    with pytest.raises(MissingDataError, match=r"2 of 2 images have none: a.jpg, b.jpg; there are x.png"):
        data.pairs(tmp_path, "d", "m")


def test_pairs_in_one_folder_and_without_partner(tmp_path):
    for name in ("a", "b", "c"):
        save(tmp_path / "d" / f"{name}.JPG", picture())
        save(tmp_path / "d" / f"{name}_mask.png", BINARY * 255)
    assert len(data.pairs(tmp_path, "d")) == 3
    save(tmp_path / "d" / "alone.jpg", picture())
    with pytest.raises(MissingDataError, match=r"1 of 4 images have none: alone.jpg"):
        data.pairs(tmp_path, "d")
    with pytest.warns(UserWarning, match=r"alone.jpg. They are left out"):
        assert len(data.pairs(tmp_path, "d", partial=True)) == 3
    (tmp_path / "d" / "alone.jpg").unlink()
    save(tmp_path / "d" / "spare_mask.png", BINARY)
    with pytest.warns(UserWarning, match=r"1 files belong to no image and are left out: spare_mask.png"):
        assert len(data.pairs(tmp_path, "d")) == 3


def test_references(tmp_path):
    for name in ("a", "b"):
        save(tmp_path / "blurred" / f"{name}_blur.png", picture())
        save(tmp_path / "sharp" / f"{name}_sharp.png", picture(1))
    dataset = data.pairs(tmp_path, "blurred", references="sharp")
    assert dataset.target == "image"
    np.testing.assert_array_equal(dataset[0][1], picture(1))


def test_split(tmp_path):
    for i in range(10):
        save(tmp_path / "p" / f"{i}.png", picture(i))
    parts = [
        {data.photographs(tmp_path, "p", split, 0.2, seed).stem(i) for i in range(n)}
        for split, n, seed in (("train", 8, 0), ("validation", 2, 0), ("validation", 2, 1))
    ]
    assert not parts[0] & parts[1]
    assert len(parts[0] | parts[1]) == 10
    assert parts[1] != parts[2]
    with pytest.raises(ValueError, match="validation must be a share"):
        data.photographs(tmp_path, "p", "train", 10)
    save(tmp_path / "one" / "x.png", picture())
    with pytest.raises(MissingDataError, match="at least two examples"):
        data.photographs(tmp_path, "one", "train")
    (tmp_path / "none").mkdir()
    with pytest.raises(MissingDataError, match="at least one of photographs"):
        data.photographs(tmp_path, "none")
    with pytest.raises(MissingDataError, match="no such folder"):
        data.photographs(tmp_path, "nowhere")


def test_what_is_left_out_is_named(tmp_path):
    save(tmp_path / "p" / "a.png", picture())
    (tmp_path / "p" / "b.heic").write_bytes(b"?")
    (tmp_path / "p" / "c.jpg").symlink_to("gone.jpg")
    with pytest.warns(UserWarning, match=r"2 files left out.*b.heic, c.jpg \(a link to gone.jpg"):
        assert len(data.photographs(tmp_path, "p")) == 1


def test_ten_thousand_files_start_in_seconds(tmp_path):
    import time

    first = save(tmp_path / "i" / "0.jpg", picture())
    mask = save(tmp_path / "m" / "0.png", BINARY * 255)
    for i in range(1, 10_000):
        (tmp_path / "i" / f"{i}.jpg").hardlink_to(first)
        (tmp_path / "m" / f"{i}.png").hardlink_to(mask)
    began = time.process_time()
    dataset = data.pairs(tmp_path, "i", "m", split="train")
    said = report(summarize(dataset, seconds=2), ("background", "leaf"))
    assert time.process_time() - began < 10
    assert said[0].startswith("m train" if "m train" in said[0] else "i train: 9,000 examples")
    assert any(line.startswith("  1 leaf: 10.0% of the pixels") for line in said), said


def test_summary_and_sheet(tmp_path):
    for i in range(3):
        save(tmp_path / "i" / f"{i}.png", picture(i, 12 + i, 20))
        save(tmp_path / "m" / f"{i}.png", np.pad(MASK, ((0, i), (0, 0))))
    (tmp_path / "i" / "3.png").write_bytes((tmp_path / "i" / "2.png").read_bytes()[:200])
    save(tmp_path / "m" / "3.png", MASK)
    dataset = data.pairs(tmp_path, "i", "m")
    with pytest.raises(DamagedFileError, match=r"3.png cannot be read"):
        summarize(dataset)
    found = summarize(dataset, on_error="skip")
    assert found.looked_at == 3
    assert found.within == {0: 3, 1: 3, 2: 3}
    assert sum(found.shares(3)) == pytest.approx(1)
    assert any("cannot be read" in line for line in report(found))
    (tmp_path / "i" / "3.png").unlink()
    (tmp_path / "m" / "3.png").unlink()
    made = examples_sheet(data.pairs(tmp_path, "i", "m"))
    assert made.size == (480, 3 * 256)
    assert len(np.unique(np.asarray(made).reshape(-1, 3), axis=0)) > 100


@pytest.mark.parametrize("turn", ["LPS", "SAR", "RAS", "AIL"])
def test_volumes_of_any_orientation(tmp_path, turn):
    nibabel = pytest.importorskip("nibabel")
    from nibabel import orientations

    values = np.arange(4 * 5 * 6).reshape(4, 5, 6).astype("int16")
    mask = (values > 60).astype("uint8")
    affine = np.diag([1.0, 2.0, 3.0, 1.0])
    affine[:3, 3] = (-10, 5, 3)

    def stored(array, codes):
        way = orientations.ornt_transform(orientations.io_orientation(affine), orientations.axcodes2ornt(codes))
        turned = orientations.apply_orientation(array, way)
        return nibabel.Nifti1Image(turned, affine @ orientations.inv_ornt_aff(way, array.shape))

    for folder, array, codes in (("i", values, turn), ("m", mask, "RPI")):
        (tmp_path / folder).mkdir()
        nibabel.save(stored(array, codes), tmp_path / folder / "x.NII.GZ".lower())
    dataset = data.volumes(tmp_path, "i", "m")
    image, found = dataset[0]
    assert dataset.classes == 1
    np.testing.assert_array_equal(found, mask.T)
    plain = (values - values.mean()) / values.std()
    np.testing.assert_allclose(image[..., 0], plain.T, atol=1e-5)
    nibabel.save(nibabel.Nifti1Image(np.asarray(stored(mask, turn).dataobj), None), tmp_path / "m" / "x.nii.gz")
    np.testing.assert_array_equal(data.volumes(tmp_path, "i", "m")[0][1], mask.T)  # it lies as its image is stored
    moved = stored(mask, "RAS")
    moved.affine[0, 3] += 4
    nibabel.save(nibabel.Nifti1Image(mask, moved.affine), tmp_path / "m" / "x.nii.gz")
    with pytest.raises(ValueError, match="must lie where its image"):
        data.volumes(tmp_path, "i", "m")[0]


def test_one_broken_photograph_among_many(tmp_path):
    first = save(tmp_path / "p" / "0.jpg", picture(0, 32, 32))
    for i in range(1, 1000):
        (tmp_path / "p" / f"{i}.jpg").hardlink_to(first)
    for name in ("7.jpg", "998.jpg"):
        (tmp_path / "p" / name).unlink()
        (tmp_path / "p" / name).write_bytes(first.read_bytes()[:-150])
    dataset = data.photographs(tmp_path, "p")
    with pytest.raises(DamagedFileError, match=r"7.jpg cannot be read as an image.*skip\)\. 1 more look so: .*998.jpg"):
        summarize(dataset)
    found = summarize(dataset, most=20, on_error="skip")
    assert [name[-7:].lstrip("/") for name, _ in found.problems] == ["p/7.jpg", "998.jpg"]
    assert "998.jpg" in report(found)[-1]


def test_one_mask_of_another_size_among_many(tmp_path):
    for folder, pixels in (("i", picture()), ("m", BINARY)):
        first = save(tmp_path / folder / "0.png", pixels)
        for i in range(1, 300):
            (tmp_path / folder / f"{i}.png").hardlink_to(first)
    (tmp_path / "m" / "222.png").unlink()
    save(tmp_path / "m" / "222.png", BINARY.T)
    assert headers(data.pairs(tmp_path, "i", "m")) == Headers((138,), 300, ((12, 20), ANY))  # in the order of names
    with pytest.raises(ValueError, match=r"222.png must have one size\. Received: 12x20 and 20x12"):
        summarize(data.pairs(tmp_path, "i", "m"), most=10)


def test_holes_are_not_filled_by_order(tmp_path):
    """A small polygon inside a large one lies above it, whatever the order of the file."""
    outer = {"image_id": 7, "category_id": 3, "area": 200, "segmentation": [[0, 0, 20, 0, 20, 12, 0, 12]]}
    inner = {"image_id": 7, "category_id": 9, "area": 20, "segmentation": [[5, 4, 10, 4, 10, 8, 5, 8]]}
    save(tmp_path / "i" / "x.JPG", picture())
    for order in ([outer, inner], [inner, outer]):
        (tmp_path / "a.json").write_text(json.dumps({**COCO, "annotations": order}))
        mask = data.pairs(tmp_path, "i", "a.json")[0][1]
        assert mask[6, 7] == 2
        assert mask[1, 1] == 1
