import itertools
import re

import nibabel
import numpy as np
import pytest
from nibabel import orientations

from keras_unetmm.data import volume_sets
from keras_unetmm.data.images import DamagedFileError
from keras_unetmm.data.layout import MissingDataError

pytestmark = pytest.mark.no_backend

# reader, arguments, folder, examples to train on and to test on, classes, whether three labels become two
READERS = [
    (volume_sets.hippocampus, {"partial": True}, "hippocampus/labels", (8, 2), 3, False),
    (volume_sets.prostate, {"partial": True}, "Task05_Prostate/labelsTr", (8, 2), 1, True),
    (volume_sets.liver, {"partial": True, "spacing": None}, "Task03_Liver/labelsTr", (8, 2), 1, True),
    (volume_sets.harp, {}, "harp/labels", (4, 2), 1, False),
    (volume_sets.ct_organ, {}, "ct/labels", (4, 2), 1, False),
    (volume_sets.ct_trachea, {}, "trachea/labels", (4, 2), 6, False),
]
NAMES = [reader.__name__ for reader, *_ in READERS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for reader, *_ in READERS:
        reader.tiny(str(folder), np.random.default_rng(0))
    return folder


@pytest.mark.parametrize(("reader", "arguments", "labels", "counts", "classes", "merged"), READERS, ids=NAMES)
def test_volumes_come_with_their_own_masks(folder, reader, arguments, labels, counts, classes, merged):
    names = []
    for split, count in zip(("train", "test"), counts, strict=True):
        dataset = reader(folder, split, **arguments)
        assert (len(dataset), dataset.target, dataset.classes) == (count, "mask", classes)
        for index in range(len(dataset)):
            names.append(dataset.stem(index))
            image, mask = dataset[index]
            assert (image.shape, image.dtype, mask.shape, mask.dtype) == (
                (16, 24, 20, 1),
                np.float32,
                (16, 24, 20),
                np.uint8,
            )
            stored = nibabel.load(folder / labels / f"{names[-1]}.nii.gz").get_fdata().transpose(2, 1, 0)
            np.testing.assert_array_equal(mask, stored > 0 if merged else stored)
            original = nibabel.load(dataset.called(index)).get_fdata()
            original = (original[..., 0] if original.ndim == 4 else original).transpose(2, 1, 0)
            assert np.corrcoef(original.ravel(), image.ravel())[0, 1] > 0.999  # scaled, and otherwise the same
            if reader in (volume_sets.liver, volume_sets.ct_organ, volume_sets.ct_trachea):
                assert 0 <= image.min() < image.max() <= 1
            else:
                np.testing.assert_allclose([image.mean(), image.std()], [0, 1], atol=1e-4)
    assert len(set(names)) == sum(counts)  # no volume in both splits
    with pytest.raises(ValueError, match=r"split must be one of 'train', 'test'. Received: 'val'"):
        reader(folder, "val", **arguments)
    with pytest.raises(MissingDataError, match="no such folder"):
        reader(folder / "elsewhere", **arguments)


def test_every_fifth_is_for_testing_and_half_a_download_is_refused(folder):
    assert [path.name for path, _ in volume_sets.liver(folder, "test", partial=True).examples] == [
        "volume_004.nii.gz",
        "volume_009.nii.gz",
    ]
    for reader, count in ((volume_sets.hippocampus, 260), (volume_sets.prostate, 32), (volume_sets.liver, 131)):
        with pytest.raises(MissingDataError, match=f"must have {count} examples, as published. Received: 10"):
            reader(folder)


def test_lists_say_the_split_and_count_moves_its_border(folder, tmp_path):
    stems = [f"volume_{index:03d}" for index in range(6)]
    for count, border in ((None, 4), (1, 1), (5, 5)):
        train, test = (volume_sets.harp(folder, split, count) for split in ("train", "test"))
        assert [train.stem(i) for i in range(len(train))] == stems[:border]
        assert [test.stem(i) for i in range(len(test))] == stems[border:]
    volume_sets.ct_organ.tiny(tmp_path, np.random.default_rng(0))
    (tmp_path / "ct").rename(tmp_path / "gland")
    assert volume_sets.ct_organ(tmp_path, name="gland").name == "gland train"
    (tmp_path / "gland" / "images" / "volume_000.nii.gz").unlink()
    with pytest.raises(MissingDataError, match=r"train\.txt must have its partner .*volume_000"):
        volume_sets.ct_organ(tmp_path, name="gland")
    (tmp_path / "gland" / "test.txt").unlink()
    with pytest.raises(MissingDataError, match=r"test\.txt must list the names"):
        volume_sets.ct_organ(tmp_path, name="gland")


def write(folder, image, mask, affine=None):
    for name, array in (("images", image), ("labels", mask)):
        (folder / name).mkdir(exist_ok=True)
        nibabel.save(nibabel.Nifti1Image(array, np.eye(4) if affine is None else affine), folder / name / "a.nii.gz")
    return folder / "images" / "a.nii.gz"


def dataset(folder, **arguments):
    return volume_sets.nifti("test", [folder / "images" / "a.nii.gz"], folder / "labels", {0: 0, 3: 9}, 10, **arguments)


@pytest.mark.parametrize("flip", [1, -1])
def test_resampling_gives_cubes_and_keeps_labels_on_their_image(tmp_path, flip):
    grid = np.stack(np.indices((20, 24, 10)), axis=-1) * (1.0, 0.5, 3.0)
    inside = np.linalg.norm(grid - (9, 6, 13), axis=-1) < 5  # a ball of 5 mm
    affine = np.diag([flip * 1.0, 0.5, 3.0, 1.0])
    affine[:3, 3] = (-7, 3, 11)
    write(tmp_path, 1000 * inside.astype("int16"), 3 * inside.astype("uint8"), affine)
    image, mask = dataset(tmp_path, spacing=1.0, window=(0, 1000))[0]
    assert image.shape[:3] == mask.shape == (28, 13, 20)  # 27, 11.5 and 19 mm between the outer voxels
    assert (mask > 0).sum() == pytest.approx(4 / 3 * np.pi * 5**3, rel=0.15)
    assert set(np.unique(mask)) == {0, 9}
    assert np.mean((image[..., 0] > 0.5) == (mask > 0)) > 0.97
    nibabel.save(nibabel.Nifti1Image(3 * inside.astype("uint8"), np.eye(4)), tmp_path / "labels" / "a.nii.gz")
    np.testing.assert_array_equal(dataset(tmp_path, spacing=1.0)[0][1], mask)  # the image says where the voxels are
    rows, _, columns = np.nonzero(mask)
    assert (rows.mean(), columns.mean()) == pytest.approx((13, 9 if flip > 0 else 10), abs=0.6)


def oblique():
    """An affine that turns by 20 degrees and shifts."""
    c, s = np.cos(np.radians(20)), np.sin(np.radians(20))
    affine = np.diag([1.0, 1.5, 2.0, 1.0])
    affine[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ affine[:3, :3]
    affine[:3, 3] = (-30, 12, 7)
    return affine


IN_ORIENTATIONS = ["".join(code) for axes in itertools.permutations(("RL", "AP", "SI")) for code in itertools.product(*axes)]


@pytest.mark.parametrize("orientation", IN_ORIENTATIONS)
@pytest.mark.parametrize("affine", [np.diag([1.0, 1.5, 2.0, 1.0]), np.diag([-1.0, -1.0, 1.0, 1.0]), oblique()])
def test_labels_in_another_orientation_are_brought_to_their_image(tmp_path, orientation, affine):
    rng = np.random.default_rng(0)
    image, mask = rng.normal(size=(4, 5, 6)).astype("float32"), 3 * rng.integers(2, size=(4, 5, 6)).astype("uint8")
    write(tmp_path, image, mask, affine)
    want = dataset(tmp_path)[0]
    turn = orientations.ornt_transform(orientations.io_orientation(affine), orientations.axcodes2ornt(orientation))
    stored = nibabel.Nifti1Image(mask, affine).as_reoriented(turn)
    assert "".join(nibabel.aff2axcodes(stored.affine)) == orientation
    nibabel.save(stored, tmp_path / "labels" / "a.nii.gz")
    got = dataset(tmp_path)[0]
    np.testing.assert_array_equal(got[0], want[0])
    np.testing.assert_array_equal(got[1], want[1])
    for spacing in (0.7, 3.0):
        labels = tmp_path / "labels" / "a.nii.gz"
        turned = dataset(tmp_path, spacing=spacing)[0]
        nibabel.save(nibabel.Nifti1Image(mask, affine), labels)
        np.testing.assert_array_equal(turned[1], dataset(tmp_path, spacing=spacing)[0][1])
        nibabel.save(stored, labels)


@pytest.mark.parametrize("shift", [(3, 0, 0), (0, -2, 0), (0, 0, 40)])
@pytest.mark.parametrize("flip", [1, -1])
def test_labels_that_lie_elsewhere_are_refused(tmp_path, shift, flip):
    image, mask = np.random.default_rng(0).normal(size=(4, 5, 6)), np.zeros((4, 5, 6), "uint8")
    write(tmp_path, image, mask, np.diag([1.0, 1.5, 2.0, 1.0]))
    affine = np.diag([flip * 1.0, 1.5, 2.0, 1.0])
    affine[:3, 3] = shift
    affine[0, 3] += 3 * (flip < 0)
    nibabel.save(nibabel.Nifti1Image(mask, affine), tmp_path / "labels" / "a.nii.gz")
    with pytest.raises(
        ValueError, match=r"labels/a.nii.gz must lie where its image .*images/a.nii.gz lies\. Received: voxels up"
    ):
        dataset(tmp_path)[0]


def test_labels_whose_file_says_nothing_of_a_place_lie_on_their_image(tmp_path):
    image, mask = np.random.default_rng(0).normal(size=(4, 5, 6)), np.zeros((4, 5, 6), "uint8")
    mask[:2, 3:] = 3
    write(tmp_path, image, mask, oblique())
    want = dataset(tmp_path)[0][1]
    for affine in (None, np.eye(4), oblique() + 0.01 * np.eye(4)):  # none, the default, rounded
        nibabel.save(nibabel.Nifti1Image(mask, affine), tmp_path / "labels" / "a.nii.gz")
        np.testing.assert_array_equal(dataset(tmp_path)[0][1], want)


def test_windows_cut_off_and_volumes_without_contrast_are_zero(tmp_path):
    image = np.array([-2000, -160, 40, 240, 3000], "int16").reshape(5, 1, 1)
    write(tmp_path, image, np.zeros((5, 1, 1), "uint8"))
    np.testing.assert_allclose(dataset(tmp_path, window=(-160, 240))[0][0].ravel(), [0, 0, 0.5, 1, 1])
    write(tmp_path, np.full((5, 1, 1), 7, "int16"), np.zeros((5, 1, 1), "uint8"))
    assert not dataset(tmp_path)[0][0].any()
    with pytest.raises(ValueError, match=r"window must be \(low, high\)"):
        dataset(tmp_path, window=(240, -160))
    with pytest.raises(ValueError, match="spacing must be millimetres above 0"):
        dataset(tmp_path, spacing=0)


ONES = np.arange(60, dtype="float32").reshape(3, 4, 5)
NONE = np.zeros((3, 4, 5), "uint8")


@pytest.mark.parametrize(
    ("image", "mask", "message"),
    [
        (ONES, NONE + 1, r"labels/a\.nii\.gz must hold only the labels 0, 3. Received: 1\."),
        (ONES, NONE + np.float32(0.5), r"labels/a\.nii\.gz must hold only the labels 0, 3. Received: 0\.5\."),
        (ONES, NONE[:2], r"must have one size. Received: 3x4x5 and 2x4x5"),
        (np.where(ONES > 3, np.float32(np.nan), ONES), NONE, r"images/a\.nii\.gz .* not finite"),
        (ONES[0], NONE[0], r"images/a\.nii\.gz cannot be read as a volume: it has 2 axes"),
    ],
)
def test_wrong_volumes_are_named_when_read(tmp_path, image, mask, message):
    write(tmp_path, image, mask)
    with pytest.raises(ValueError, match=message):
        dataset(tmp_path)[0]


@pytest.mark.parametrize("spoil", [lambda content: content[: len(content) // 2], lambda _: b"no volume", lambda _: b""])
@pytest.mark.parametrize("part", ["images", "labels"])
def test_damaged_volumes_are_named_when_read(tmp_path, part, spoil):
    write(tmp_path, np.random.default_rng(0).normal(size=(30, 30, 30)), np.zeros((30, 30, 30), "uint8"))
    path = tmp_path / part / "a.nii.gz"
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(DamagedFileError, match=f"{re.escape(str(path))} cannot be read as a volume"):
        dataset(tmp_path)[0]


def test_a_volume_without_labels_is_named(tmp_path):
    write(tmp_path, ONES, NONE)
    (tmp_path / "labels" / "a.nii.gz").unlink()
    with pytest.raises(MissingDataError, match=r"images/a\.nii\.gz must have its partner .*labels/a\.nii\.gz"):
        dataset(tmp_path)
