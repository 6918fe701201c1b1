import numpy as np
import pytest
from PIL import Image

from keras_unetmm import data


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
