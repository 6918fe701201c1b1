import numpy as np
import pytest
from PIL import Image

from keras_unetmm.data import photograph_sets
from keras_unetmm.data.images import DamagedFileError
from keras_unetmm.data.layout import MissingDataError
from keras_unetmm.data.tiny import smooth_picture, write_tiny

pytestmark = pytest.mark.no_backend

# reader, arguments, the files it reads of its tiny data, in order, and the count of the real set
CASES = [
    ("bsds500", {}, "bsds500/train/*.jpg bsds500/test/*.jpg", 6, 400),
    ("bsds500", {"splits": ("val",)}, "bsds500/val/*.jpg", 3, 100),
    ("cbsd68", {}, "bsds500/val/1*.jpg", 2, 68),
    ("b100", {}, "bsds500/val/*.jpg", 3, 100),
    ("kodak24", {}, "kodak24/*.png", 2, 24),
    ("set5", {}, "set5/*.png", 2, 5),
    ("set12", {}, "set12/*.png", 2, 12),
    ("set14", {}, "set14/*.png", 3, 14),
    ("urban100", {}, "urban100/*.png", 2, 100),
    ("manga109", {}, "manga109/*.png", 2, 109),
    ("div2k", {}, "div2k/DIV2K_train_HR/*.png", 2, 800),
    ("div2k", {"split": "val"}, "div2k/DIV2K_valid_HR/*.png", 2, 100),
    ("flickr2k", {}, "flickr2k/Flickr2K_HR/*.png", 2, 2650),
    ("df2k", {}, "div2k/DIV2K_train_HR/*.png flickr2k/Flickr2K_HR/*.png", 4, 800),
]
IDS = [" ".join([name, *map(str, arguments.values())]) for name, arguments, *_ in CASES]
every = pytest.mark.parametrize(("name", "arguments", "pattern", "count", "published"), CASES, ids=IDS)


def tiny(name, folder):
    getattr(photograph_sets, name).tiny(folder, np.random.default_rng(0))
    return getattr(photograph_sets, name)


def matching(folder, patterns):
    return [path for pattern in patterns.split() for path in sorted(folder.glob(pattern))]


@every
def test_photographs_are_read_as_they_are(tmp_path, name, arguments, pattern, count, published):
    found = tiny(name, tmp_path)(tmp_path, **arguments, partial=True)
    paths = matching(tmp_path, pattern)
    assert (len(found), found.target, len(paths)) == (count, "image", count)
    for i, path in enumerate(paths):
        assert (found.called(i), found.stem(i)) == (str(path), path.stem)
        clean, reference = found[i]
        assert clean is reference
        assert clean.dtype == np.uint8
        picture = Image.open(path)
        expected = np.asarray(picture if name == "set12" else picture.convert("RGB"))
        np.testing.assert_array_equal(clean, expected.reshape(*expected.shape[:2], -1))
        assert clean.shape == (picture.height, picture.width, 1 if name == "set12" else 3)
        assert clean.std() > 10


@every
def test_a_set_that_is_not_there_or_not_whole_is_refused(tmp_path, name, arguments, pattern, count, published):
    read = getattr(photograph_sets, name)
    with pytest.raises(MissingDataError, match=r"no such folder\. Get the data from"):
        read(tmp_path, **arguments)
    tiny(name, tmp_path)
    with pytest.raises(MissingDataError, match=rf"must have {published:,} examples.*Received: \d\."):
        read(tmp_path, **arguments)
    for path in matching(tmp_path, pattern):
        path.unlink()
    with pytest.raises(MissingDataError, match=r"Received: (none|no such file)"):
        read(tmp_path, **arguments, partial=True)


@every
def test_a_damaged_photograph_is_named(tmp_path, name, arguments, pattern, count, published):
    found = tiny(name, tmp_path)(tmp_path, **arguments, partial=True)
    path = matching(tmp_path, pattern)[0]
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(DamagedFileError, match=rf"{path.name} cannot be read"):
        found[0]


def test_the_whole_set_is_taken_without_asking(tmp_path):
    for i in range(5):
        write_tiny(tmp_path / "set5" / f"{i}.bmp", np.zeros((4, 6, 3), "uint8"))
    (tmp_path / "set5" / "SOURCE.md").write_text("no image")
    assert len(photograph_sets.set5(tmp_path)) == 5


def test_pictures_of_other_sets_are_left_out_of_bsds500(tmp_path):
    read = tiny("bsds500", tmp_path)
    found = read(tmp_path, leave_out=("302003", "12003"), partial=True)
    assert [found.stem(i) for i in range(len(found))] == ["100075", "8049", "100007", "2018"]
    with pytest.raises(ValueError, match=r"leave_out must name pictures of bsds500 test.*Received: \['12003'\]"):
        read(tmp_path, splits=("test",), leave_out=("12003", "2018"), partial=True)


@pytest.mark.parametrize(("name", "argument"), [("bsds500", {"splits": ("train", "dev")}), ("div2k", {"split": "dev"})])
def test_other_splits_are_refused(tmp_path, name, argument):
    with pytest.raises(ValueError, match=r"must be one of 'train', 'val'.*Received: 'dev'"):
        tiny(name, tmp_path)(tmp_path, **argument, partial=True)


@pytest.mark.parametrize("name", ["cbsd68", "b100"])
def test_a_folder_of_its_own_serves_as_well(tmp_path, name):
    read = tiny(name, tmp_path)
    (tmp_path / "bsds500" / "cbsd68.txt").unlink()
    write_tiny(tmp_path / name / "one.png", np.full((4, 6, 3), 7, "uint8"))
    found = read(tmp_path, partial=True)
    assert [found.stem(i) for i in range(len(found))] == ["one"]
    assert (found[0][0] == 7).all()


def test_a_listed_picture_that_is_missing_is_named(tmp_path):
    read = tiny("cbsd68", tmp_path)
    (tmp_path / "bsds500" / "val" / "101085.jpg").unlink()
    with pytest.raises(MissingDataError, match=r"cbsd68\.txt must have its partner .*101085\.jpg"):
        read(tmp_path, partial=True)


def test_tiny_pictures_are_drawn_by_the_generator():
    first, again, other = (smooth_picture(np.random.default_rng(seed), 40, 48) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert np.abs(np.diff(first.astype(int), axis=0)).max() < 40
