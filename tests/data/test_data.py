import sys

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image
from turned import stored_as, with_orientation

from keras_unetmm import data
from keras_unetmm.data import masks
from keras_unetmm.data.images import read_pixels, smallest_size
from keras_unetmm.data.volume_crops import volume_paths


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for name, size in (("b.png", (20, 30)), ("a.jpg", (24, 16))):
        Image.fromarray(rng.integers(0, 256, (*size, 3), "uint8")).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("not an image")
    return tmp_path


def test_images_are_read_as_floats(folder):
    image = data.read_image(folder / "b.png")
    assert (image.shape, image.dtype) == ((20, 30, 3), np.float32)
    np.testing.assert_array_equal(image * 255, np.asarray(Image.open(folder / "b.png")))
    assert data.read_image(folder / "b.png", channels=1).shape == (20, 30, 1)


def test_sixteen_bits_are_scaled_and_open_ranges_refused(tmp_path):
    ramp = np.linspace(0, 65535, 64).astype("uint16").reshape(8, 8)
    Image.fromarray(ramp).save(tmp_path / "deep.png")
    np.testing.assert_allclose(data.read_image(tmp_path / "deep.png")[..., 0], ramp / 65535, atol=1e-6)
    Image.fromarray(ramp.astype("float32")).save(tmp_path / "open.tif")
    with pytest.raises(ValueError, match="brightest value is not known"):
        data.read_image(tmp_path / "open.tif")


RAMP = np.random.default_rng(0).integers(0, 65536, (6, 9, 3)).astype("uint16")


def write_deep(path, pixels, turn=1):
    """Writes 16 bits in RGB, a PNG or a TIFF."""
    if path.suffix == ".png":
        path.write_bytes(with_orientation(cv2.imencode(".png", pixels[..., ::-1])[1].tobytes(), turn))
    else:
        tifffile.imwrite(path, pixels, photometric="rgb", extratags=[(274, "H", 1, turn, True)])


@pytest.mark.parametrize("name", ["deep.png", "deep.tif"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_sixteen_bits_in_colours_stay_sixteen_bits(tmp_path, name, turn):
    write_deep(tmp_path / name, stored_as(RAMP, turn), turn)
    pixels = read_pixels(tmp_path / name)
    np.testing.assert_array_equal(pixels, RAMP)
    gray = read_pixels(tmp_path / name, 1)
    want = RAMP @ np.array([0.299, 0.587, 0.114])
    assert (gray.shape, gray.dtype) == ((6, 9, 1), np.uint16)
    assert np.abs(gray[..., 0] - want).max() < 1
    np.testing.assert_allclose(data.read_image(tmp_path / name), RAMP / 65535, atol=1e-6)
    half = masks.resized(RAMP, (3, 9))
    assert (half.shape, half.dtype) == ((3, 9, 3), np.uint16)
    assert len(np.unique(half % 257)) > 10, "cut to 8 bits and back"


def test_transparency_of_sixteen_bits_is_left_out(tmp_path):
    (tmp_path / "a.png").write_bytes(cv2.imencode(".png", np.dstack([RAMP[..., ::-1], RAMP[..., :1]]))[1].tobytes())
    np.testing.assert_array_equal(read_pixels(tmp_path / "a.png"), RAMP)


def test_without_opencv_sixteen_bits_are_refused_and_not_cut(tmp_path, monkeypatch):
    write_deep(tmp_path / "deep.png", RAMP)
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(
        ValueError, match=r"opencv-python-headless must be installed.*pip install keras-unetmm\[data\]"
    ) as raised:
        read_pixels(tmp_path / "deep.png")
    assert not isinstance(raised.value, data.DamagedFileError), "--on-error skip would leave it out"


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_pictures_are_turned_as_their_exif_says(tmp_path, name, turn):
    y, x = np.mgrid[:16, :24]
    upright = np.stack([y * 12, x * 8, (x + y) * 4], -1).astype("uint8")
    exif = Image.Exif()
    exif[0x0112] = turn
    kept = {"a.jpg": {"quality": 100, "subsampling": 0}, "a.webp": {"lossless": True}}.get(name, {})
    Image.fromarray(stored_as(upright, turn)).save(tmp_path / name, exif=exif, **kept)
    assert np.abs(read_pixels(tmp_path / name).astype(int) - upright).max() <= 8  # of JPEG
    assert np.abs(read_pixels(tmp_path / name, 1)[..., 0] - upright @ np.array([0.299, 0.587, 0.114])).max() <= 8
    assert smallest_size(tmp_path) == (16, 24)
    Image.fromarray(stored_as(upright[..., 0].astype("uint16") * 257, turn)).save(tmp_path / "gray.png", exif=exif)
    np.testing.assert_array_equal(read_pixels(tmp_path / "gray.png", 1)[..., 0], upright[..., 0].astype("uint16") * 257)


def test_images_of_kinds_that_are_not_read_are_counted_and_named(folder):
    for name in ("c.heic", "d.gif", ".hidden.gif"):
        (folder / name).write_bytes(b"")
    (folder / "e.txt").symlink_to(folder / "nowhere")
    with pytest.warns(
        UserWarning, match=r"3 files left out, for only \.png, .*: c\.heic, d\.gif, e\.txt \(a link to .*nowhere"
    ):
        assert [path.name for path in data.image_paths(folder)] == ["a.jpg", "b.png"]
    (folder / "f.png").symlink_to(folder / "nowhere")
    with (
        pytest.warns(UserWarning, match="3 files left out"),
        pytest.raises(ValueError, match=r"f\.png cannot be read: No such file"),
    ):
        data.read_crops(folder, (12, 16, 3))


def test_volumes_of_kinds_that_are_not_read_are_counted_and_named(tmp_path):
    for name in ("a.npy", "b.NPY"):
        np.save(tmp_path / "x.npy", np.zeros((3, 4, 5), "uint8"))
        (tmp_path / "x.npy").rename(tmp_path / name)
    (tmp_path / "c.nii.gz").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"1 file left out, for only \.npy is read: c\.nii\.gz\."):
        assert [path.name for path in volume_paths(tmp_path)] == ["a.npy", "b.NPY"]


def test_crops_are_centred_and_in_the_order_of_names(folder):
    crops = data.read_crops(folder, (12, 16, 3))
    assert crops.shape == (2, 12, 16, 3)
    np.testing.assert_array_equal(crops[1], data.read_image(folder / "b.png")[4:16, 7:23])


def test_bad_folders_are_refused(folder, tmp_path):
    with pytest.raises(ValueError, match=r"missing must be a folder of images that can be read.*No such file"):
        data.image_paths(tmp_path / "missing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="at least one image"):
        data.image_paths(tmp_path / "empty")
    with pytest.raises(ValueError, match=r"a\.jpg must be at least 18x18 pixels.*Received: 24x16"):
        data.read_crops(folder, (18, 18, 3))
    content = (folder / "b.png").read_bytes()
    (folder / "b.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"b\.png cannot be read as an image.*take it out of the folder"):
        data.read_crops(folder, (12, 16, 3))


def test_noise_has_the_stated_deviation_and_repeats():
    x = np.full((4, 64, 64, 3), 0.5, "float32")
    noisy = data.gaussian_noise(x, 25 / 255, np.random.default_rng(3))
    assert (noisy - x).std() == pytest.approx(25 / 255, rel=0.02)
    assert (noisy - x).mean() == pytest.approx(0, abs=0.002)
    np.testing.assert_array_equal(noisy, data.gaussian_noise(x, 25 / 255, np.random.default_rng(3)))
