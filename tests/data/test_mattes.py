import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import grey_dilation, grey_erosion

from keras_unetmm.data import mattes
from keras_unetmm.data.images import DamagedFileError
from keras_unetmm.data.layout import MissingDataError
from keras_unetmm.data.tiny import write_tiny

pytestmark = pytest.mark.no_backend

# reader, arguments, folders of its images, alphas and trimaps, tiny count and published count
P3M = "p3m10k/validation/P3M-500-"
CASES = [
    ("p3m10k", {"split": "train"}, ("p3m10k/train/blurred_image", "p3m10k/train/mask", None), 2, 9421),
    ("p3m10k", {"split": "p3m500p"}, (f"{P3M}P/blurred_image", f"{P3M}P/mask", f"{P3M}P/trimap"), 2, 500),
    ("p3m10k", {"split": "p3m500np"}, (f"{P3M}NP/original_image", f"{P3M}NP/mask", f"{P3M}NP/trimap"), 2, 500),
    ("rwp636", {}, ("rwp636/image", "rwp636/alpha", None), 2, 636),
    ("alphamatting", {"split": "train"}, ("alphamatting/input", "alphamatting/alpha", "alphamatting/trimap1"), 8, 27),
    ("alphamatting", {"split": "test"}, ("alphamatting/input", "alphamatting/alpha", "alphamatting/trimap1"), 2, 27),
]
IDS = [" ".join([name, *arguments.values()]) for name, arguments, *_ in CASES]
every = pytest.mark.parametrize(("name", "arguments", "folders", "count", "published"), CASES, ids=IDS)


def tiny(name, folder):
    getattr(mattes, name).tiny(folder, np.random.default_rng(0))
    return getattr(mattes, name)


@every
def test_images_come_with_alpha_and_what_is_unknown(tmp_path, name, arguments, folders, count, published):
    found = tiny(name, tmp_path)(tmp_path, **arguments, partial=True)
    assert (len(found), found.target) == (count, "matte")
    images, alphas, trimaps = (folder and tmp_path / folder for folder in folders)
    for i in range(count):
        image, matte = found[i]
        stem = found.stem(i)
        picture = Image.open(next(images.glob(f"{stem}.*")))
        np.testing.assert_array_equal(image, np.asarray(picture))
        assert (matte.dtype, matte.shape) == (np.uint8, (picture.height, picture.width, 2))
        np.testing.assert_array_equal(matte[..., 0], np.asarray(Image.open(alphas / f"{stem}.png")))
        if trimaps:
            expected = np.asarray(Image.open(trimaps / f"{stem}.png")) == 128
        else:
            expected = mattes.unknown_region(matte[..., 0], 10) > 0
        np.testing.assert_array_equal(matte[..., 1], expected * 255)
        assert 0 < expected.mean() < 1
    assert len({found[i][0].tobytes() for i in range(count)}) == count


def test_every_fifth_of_alphamatting_is_for_testing(tmp_path):
    read = tiny("alphamatting", tmp_path)
    train, test = (read(tmp_path, split, partial=True) for split in ("train", "test"))
    assert [test.stem(i) for i in range(len(test))] == ["GT05", "GT10"]
    assert [train.stem(i) for i in range(len(train))] == [f"GT{i:02d}" for i in (1, 2, 3, 4, 6, 7, 8, 9)]


def test_the_trimap_of_portraits_is_read_where_there_is_one(tmp_path):
    read = tiny("rwp636", tmp_path)
    grays = np.tile(np.repeat(np.array([0, 1, 254, 255], "uint8"), 24), (80, 1))[..., None]
    for stem in ("0001", "0002"):
        write_tiny(tmp_path / "rwp636" / "trimap" / f"{stem}.png", grays)
    matte = read(tmp_path, partial=True)[1][1]
    np.testing.assert_array_equal(matte[..., 1:], np.where((grays == 0) | (grays == 255), 0, 255))


@pytest.mark.parametrize(("name", "images"), [("p3m10k", "p3m10k/train/mask"), ("rwp636", "rwp636/alpha")])
def test_the_width_of_what_is_unknown_can_be_chosen(tmp_path, name, images):
    read = tiny(name, tmp_path)
    matte = read(tmp_path, width=0, partial=True)[0][1]
    np.testing.assert_array_equal(matte[..., 1] > 0, (matte[..., 0] > 0) & (matte[..., 0] < 255))


@pytest.mark.parametrize("width", [0, 1, 4, 40])
def test_the_unknown_region_is_between_dilation_and_erosion(width):
    rng = np.random.default_rng(0)
    alpha = rng.choice(np.array([0, 0, 0, 0, 128, 255], "uint8"), (30, 44))
    alpha[8:20, 5:20], alpha[15:, 25:] = 255, 0
    size = (2 * width + 1,) * 2
    dilated = grey_dilation(alpha, size, mode="constant", cval=0)
    eroded = grey_erosion(alpha, size, mode="constant", cval=255)
    expected = np.where((dilated > 0) & (eroded < 255), 255, 0)
    np.testing.assert_array_equal(mattes.unknown_region(alpha, width), expected)


def test_a_hard_edge_is_unknown_as_well_and_a_plain_picture_nowhere():
    alpha = np.zeros((6, 9), "uint8")
    assert not mattes.unknown_region(alpha, 3).any()
    assert not mattes.unknown_region(255 - alpha, 3).any()
    alpha[:, 4:] = 255
    assert mattes.unknown_region(alpha, 2)[0].tolist() == [0, 0, 255, 255, 255, 255, 0, 0, 0]
    with pytest.raises(ValueError, match=r"width must be at least 0 pixels\. Received: -1"):
        mattes.unknown_region(alpha, -1)


@every
def test_a_set_that_is_not_there_or_not_whole_is_refused(tmp_path, name, arguments, folders, count, published):
    read = getattr(mattes, name)
    with pytest.raises(MissingDataError, match=r"no such folder\. Get the data from"):
        read(tmp_path, **arguments)
    tiny(name, tmp_path)
    with pytest.raises(MissingDataError, match=rf"must have {published:,} examples.*Received: \d+\."):
        read(tmp_path, **arguments)
    for path in (tmp_path / folders[0]).iterdir():
        path.unlink()
    with pytest.raises(MissingDataError, match="Received: none"):
        read(tmp_path, **arguments, partial=True)


@every
@pytest.mark.parametrize("part", [1, 2], ids=["alpha", "trimap"])
@pytest.mark.parametrize("harm", ["missing", "truncated", "smaller"])
def test_a_partner_that_does_not_serve_is_named(tmp_path, name, arguments, folders, count, published, part, harm):
    if folders[part] is None:
        part = 1
    read = tiny(name, tmp_path)
    found = read(tmp_path, **arguments, partial=True)
    other = tmp_path / folders[part] / f"{found.stem(0)}.png"
    if harm == "missing":
        other.unlink()
        with pytest.raises(MissingDataError, match=rf"must have its partner .*{other.name}"):
            read(tmp_path, **arguments, partial=True)
    elif harm == "truncated":
        other.write_bytes(other.read_bytes()[:60])
        with pytest.raises(DamagedFileError, match=rf"{other.name} cannot be read"):
            found[0]
    else:
        write_tiny(other, np.zeros((7, 8, 1), "uint8"))
        with pytest.raises(ValueError, match=rf"{found.called(0)} and {other} must have one size.*and 7x8"):
            found[0]


def test_an_alpha_of_sixteen_bits_is_refused(tmp_path):
    found = tiny("rwp636", tmp_path)(tmp_path, partial=True)
    write_tiny(tmp_path / "rwp636" / "alpha" / "0001.png", np.zeros((80, 96, 1), "uint16"))
    with pytest.raises(DamagedFileError, match=r"0001\.png cannot be read as a matte.*8 bits, not be uint16"):
        found[0]


def test_other_splits_are_refused(tmp_path):
    for name, splits in (("p3m10k", "'train', 'p3m500p', 'p3m500np'"), ("alphamatting", "'train', 'test'")):
        with pytest.raises(ValueError, match=f"split must be one of {splits}. Received: 'val'"):
            tiny(name, tmp_path)(tmp_path, "val", partial=True)
