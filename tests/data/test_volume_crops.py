import numpy as np
import pytest

from keras_unetmm.data.volume_crops import read_volume_crops

SHAPE = (4, 6, 8, 1)


def test_the_centre_of_every_volume_comes_sorted_by_name(tmp_path):
    rng = np.random.default_rng(0)
    floats, octets = rng.random((6, 6, 10), "float32"), rng.integers(0, 256, (4, 8, 8, 1), "uint8")
    np.save(tmp_path / "b.npy", floats)
    np.save(tmp_path / "a.npy", octets)
    found = read_volume_crops(tmp_path, SHAPE)
    assert (found.shape, found.dtype) == ((2, *SHAPE), np.float32)
    np.testing.assert_allclose(found[0], octets[:, 1:7] / np.float32(255), atol=1e-7)
    np.testing.assert_array_equal(found[1, ..., 0], floats[1:5, :, 1:9])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"at least one volume \(\.npy\)"),
        (b"no array", r"a\.npy cannot be read as a volume"),
        (np.zeros((3, 6, 8), "float32"), r"at least 4x6x8 voxels of 1 channels.*Received: \(3, 6, 8, 1\)"),
        (np.zeros((4, 6, 8, 2), "float32"), r"Received: \(4, 6, 8, 2\)"),
        (np.zeros((4, 6), "float32"), r"Received: \(4, 6\)"),
        (np.full((4, 6, 8), 2.0, "float32"), r"finite floats in \[0, 1\]"),
        (np.full((4, 6, 8), np.nan, "float32"), r"finite floats in \[0, 1\]"),
        (np.zeros((4, 6, 8), "int16"), r"Received: int16"),
    ],
    ids=["empty", "damaged", "small", "channels", "flat", "range", "nan", "type"],
)
def test_bad_volumes_are_refused(tmp_path, content, message):
    if isinstance(content, bytes):
        (tmp_path / "a.npy").write_bytes(content)
    elif content is not None:
        np.save(tmp_path / "a.npy", content)
    with pytest.raises(ValueError, match=message):
        read_volume_crops(tmp_path, SHAPE)


def test_a_folder_that_is_not_there():
    with pytest.raises(ValueError, match="must be a folder of volumes"):
        read_volume_crops("nowhere", SHAPE)
