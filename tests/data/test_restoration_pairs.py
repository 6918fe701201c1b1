import re
import sys

import numpy as np
import pytest
from PIL import Image
from scipy.io import loadmat, savemat

from keras_unetmm.data import restoration_pairs
from keras_unetmm.data.images import DamagedFileError
from keras_unetmm.data.layout import MissingDataError
from keras_unetmm.data.tiny import write_tiny

pytestmark = pytest.mark.no_backend

# reader, arguments, its inputs in tiny data, what makes their names those of the references, tiny count and published count
CASES = [
    ("sidd", {}, "sidd_medium/Data/*/*_NOISY_*.PNG", ("_NOISY_", "_GT_"), 4, 320),
    ("gopro", {"split": "train"}, "gopro/train/*/blur/*.png", ("/blur/", "/sharp/"), 4, 2103),
    ("gopro", {"split": "test"}, "gopro/test/*/blur/*.png", ("/blur/", "/sharp/"), 2, 1111),
    ("gopro_samples", {}, "gopro_samples/*_blur1.png", ("_blur1", "_sharp1"), 2, 2),
    ("polyu", {"split": "train"}, "polyu/[CN]*_real.JPG", ("_real", "_mean"), 4, 100),
    ("polyu", {"split": "test"}, "polyu/Sony*_real.JPG", ("_real", "_mean"), 2, 100),
    ("levin09", {}, "levin09/*_blur.png", ("ker02_blur|ker01_blur", "ker01_sharp"), 3, 32),
]
IDS = [" ".join([name, *arguments.values()]) for name, arguments, *_ in CASES]
every = pytest.mark.parametrize(("name", "arguments", "pattern", "names", "count", "published"), CASES, ids=IDS)


def tiny(name, folder):
    getattr(restoration_pairs, name).tiny(folder, np.random.default_rng(0))
    return getattr(restoration_pairs, name)


def pixels(path):
    values = np.asarray(Image.open(path))
    return values.reshape(*values.shape[:2], -1)


@every
def test_each_input_comes_with_its_own_reference(tmp_path, name, arguments, pattern, names, count, published):
    found = tiny(name, tmp_path)(tmp_path, **arguments, partial=True)
    paths = sorted(tmp_path.glob(pattern))
    assert (len(found), len(paths), found.target) == (count, count, "image")
    for i, path in enumerate(paths):
        assert found.called(i) == str(path)
        spoilt, reference = found[i]
        assert spoilt.dtype == reference.dtype == ("uint16" if name == "levin09" else "uint8")
        assert spoilt.shape == reference.shape == (*reference.shape[:2], 1 if name == "levin09" else 3)
        np.testing.assert_array_equal(spoilt, pixels(path))
        np.testing.assert_array_equal(reference, pixels(re.sub(*names, str(path))))
        tolerance = {"polyu": 20, "levin09": 8 * 257}.get(name, 8)
        assert np.abs(spoilt.astype(int) - reference / 8 * 7).max() < tolerance  # so they show the same
    assert len({found[i][1].tobytes() for i in range(count)}) == (2 if name == "levin09" else count)


@every
def test_a_set_that_is_not_there_or_not_whole_is_refused(tmp_path, name, arguments, pattern, names, count, published):
    read = getattr(restoration_pairs, name)
    with pytest.raises(MissingDataError, match=r"no such folder\. Get the data from"):
        read(tmp_path, **arguments)
    tiny(name, tmp_path)
    if name == "gopro_samples":
        assert len(read(tmp_path)) == 2
        next(tmp_path.glob(pattern)).unlink()
    with pytest.raises(MissingDataError, match=rf"must have {published:,} examples.*Received: \d\."):
        read(tmp_path, **arguments)
    for path in tmp_path.glob(pattern.replace("[CN]", "").replace("Sony", "")):
        path.unlink()
    with pytest.raises(MissingDataError, match="Received: none"):
        read(tmp_path, **arguments, partial=True)


@every
@pytest.mark.parametrize("harm", ["missing", "truncated", "smaller"])
def test_a_reference_that_does_not_serve_is_named(tmp_path, name, arguments, pattern, names, count, published, harm):
    read = tiny(name, tmp_path)
    reference = type(tmp_path)(re.sub(*names, str(min(tmp_path.glob(pattern)))))
    if harm == "missing":
        reference.unlink()
        with pytest.raises(MissingDataError, match=rf"must have its partner .*{reference.name}"):
            read(tmp_path, **arguments, partial=True)
        return
    found = read(tmp_path, **arguments, partial=True)
    if harm == "truncated":
        reference.write_bytes(reference.read_bytes()[:300])
        with pytest.raises(DamagedFileError, match=rf"{reference.name} cannot be read"):
            found[0]
        return
    write_tiny(reference, pixels(reference)[:-1])
    with pytest.raises(
        ValueError, match=rf"(?s){found.stem(0)}.*{reference.name} must have one size.*Received: \d+x\d+ and"
    ):
        found[0]


def test_no_scene_of_polyu_is_in_both_splits(tmp_path):
    read = tiny("polyu", tmp_path)
    for kind in ("real", "mean"):  # one of the published names has a second underscore
        (tmp_path / "polyu" / f"Sony_a_1_{kind}.JPG").rename(tmp_path / "polyu" / f"Sony_a__1_{kind}.JPG")
    train, test = (read(tmp_path, split, partial=True) for split in ("train", "test"))
    assert [test.stem(i) for i in range(len(test))] == ["Sony_a_12_real", "Sony_a__1_real"]
    assert [train.stem(i) for i in range(len(train))] == [
        "Canon5D2_a_1_real",
        "Canon5D2_b_3_real",
        "Canon80D_a_2_real",
        "Nikon_a_10_real",
    ]


@pytest.mark.parametrize("name", ["gopro", "polyu"])
def test_other_splits_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"split must be one of 'train', 'test'. Received: 'val'"):
        tiny(name, tmp_path)(tmp_path, "val", partial=True)


def test_levin_needs_the_names_of_its_sharp_files(tmp_path):
    read = tiny("levin09", tmp_path)
    index = tmp_path / "levin09" / "kernels.npz"
    content = index.read_bytes()
    np.savez(index, im01_ker01_sharp="im01_ker01")
    with pytest.raises(DamagedFileError, match=r"kernels\.npz cannot be read as the names.*im01_ker02_sharp"):
        read(tmp_path, partial=True)
    for kept in (0, 20, len(content) // 2):
        index.write_bytes(content[:kept])
        with pytest.raises(DamagedFileError, match=r"kernels\.npz cannot be read as the names"):
            read(tmp_path, partial=True)
    index.unlink()
    with pytest.raises(MissingDataError, match=r"partner .*kernels\.npz"):
        read(tmp_path, partial=True)


NOISY, CLEAN = "ValidationNoisyBlocksSrgb", "ValidationGtBlocksSrgb"


def test_validation_blocks_are_loaded_once_and_late(tmp_path, monkeypatch):
    read = tiny("sidd_validation", tmp_path)
    noisy, clean = (loadmat(tmp_path / "sidd_validation" / f"{name}.mat")[name] for name in (NOISY, CLEAN))
    calls = []
    monkeypatch.setattr("scipy.io.loadmat", lambda *args, **kwargs: calls.append(args) or loadmat(*args, **kwargs))
    found = read(tmp_path, partial=True)
    assert calls == []
    assert [found.called(i) for i in range(len(found))] == [f"image0{i}_block0{j}" for i in (0, 1) for j in (0, 1)]
    for i, place in enumerate(np.ndindex(2, 2)):
        spoilt, reference = found[i]
        assert (spoilt.dtype, spoilt.shape) == (np.uint8, (40, 48, 3))
        np.testing.assert_array_equal(spoilt, noisy[place])
        np.testing.assert_array_equal(reference, clean[place])
    assert len(calls) == 2


def test_validation_blocks_that_are_not_there_or_not_whole_are_refused(tmp_path):
    with pytest.raises(MissingDataError, match=r"must hold ValidationNoisyBlocksSrgb\.mat and.*no such folder"):
        restoration_pairs.sidd_validation(tmp_path)
    read = tiny("sidd_validation", tmp_path)
    with pytest.raises(MissingDataError, match=r"must have 1,280 examples.*Received: 4\."):
        read(tmp_path)
    (tmp_path / "sidd_validation" / f"{CLEAN}.mat").unlink()
    with pytest.raises(MissingDataError, match=rf"sidd_validation must have its partner .*{CLEAN}\.mat"):
        read(tmp_path, partial=True)


def test_validation_blocks_need_scipy(tmp_path, monkeypatch):
    read = tiny("sidd_validation", tmp_path)
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    with pytest.raises(ValueError, match=r"scipy\.io must be installed.*pip install"):
        read(tmp_path, partial=True)


@pytest.mark.parametrize("kept", [0, 60, 150, 500, 5000])
def test_truncated_validation_blocks_are_named(tmp_path, kept):
    read = tiny("sidd_validation", tmp_path)
    path = tmp_path / "sidd_validation" / f"{NOISY}.mat"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DamagedFileError, match=rf"{NOISY}\.mat cannot be read"):
        read(tmp_path, partial=True)[0]


@pytest.mark.parametrize(
    ("name", "shape", "kind", "message"),
    [
        (
            NOISY,
            (1, 2, 40, 48, 3),
            "uint8",
            f"{NOISY}.mat and .*{CLEAN}.mat must have one size.*1x2x40x48x3 and 2x2x40x48x3",
        ),
        (NOISY, (2, 2, 40, 48), "uint8", "it must hold bytes named"),
        (NOISY, (2, 2, 40, 48, 3), "single", "it must hold bytes named"),
        ("Other", (2, 2, 40, 48, 3), "uint8", "it must hold bytes named .* not nothing"),
    ],
)
def test_other_validation_blocks_are_refused(tmp_path, name, shape, kind, message):
    read = tiny("sidd_validation", tmp_path)
    savemat(tmp_path / "sidd_validation" / f"{NOISY}.mat", {name: np.zeros(shape, kind)})
    with pytest.raises(ValueError, match=message):
        read(tmp_path, partial=True)
