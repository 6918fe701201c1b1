import numpy as np
import pytest
from PIL import Image

from keras_unetmm.data.bicubic import bicubic_downscale, bicubic_upscale

pytestmark = pytest.mark.no_backend


def picture(height=24, width=36, channels=3):
    y, x = np.mgrid[:height, :width]
    return np.stack([0.5 + 0.4 * np.sin(x / (2 + c) + y / 5) for c in range(channels)], -1)


def by_definition(line, scale, shrink, border):
    """One output after the other, from the sum that defines them, over a line that is extended instead of indexed."""
    factor = 1 / scale if shrink else scale
    spread = max(1.0, 1 / factor)
    pad = 4 * scale + 4
    far = np.pad(line, pad, {"mirror": "symmetric", "repeat": "edge"}[border])
    found = []
    for i in range(int(np.ceil(len(line) * factor - 1e-9))):
        distance = np.abs(np.arange(len(far)) - pad - ((i + 0.5) / factor - 0.5)) / spread
        near = (distance**3 * 1.5 - distance**2 * 2.5 + 1) * (distance <= 1)
        tail = (-0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2) * ((distance > 1) & (distance < 2))
        found.append((near + tail) @ far / (near + tail).sum())
    return np.array(found)


@pytest.mark.parametrize("border", ["mirror", "repeat"])
@pytest.mark.parametrize("resize", [bicubic_downscale, bicubic_upscale])
@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8])
def test_every_direction_agrees_with_the_definition(resize, scale, border):
    line = np.random.default_rng(0).random(25)
    shrink = resize is bicubic_downscale
    expected = by_definition(line, scale, shrink, border)
    for shape, axis in (((25, 1, 1), 0), ((1, 25, 1), 1)):
        found = resize(line.reshape(shape), scale, border)
        assert found.shape[axis] == (-(-25 // scale) if shrink else 25 * scale)
        np.testing.assert_allclose(np.moveaxis(found, axis, 0)[:, 0, 0], expected, atol=1e-12)


@pytest.mark.parametrize("size", [(12, 18), (8, 12), (48, 72), (96, 144)])
def test_inner_pixels_agree_with_pillow(size):
    image = picture().astype("float32")
    scale = max(24 // size[0], size[0] // 24)
    found = (bicubic_downscale if size[0] < 24 else bicubic_upscale)(image, scale)
    inner = np.s_[3 * scale : -3 * scale] if size[0] > 24 else np.s_[2:-2]
    for c in range(3):
        expected = np.asarray(Image.fromarray(image[..., c]).resize(size[::-1], Image.Resampling.BICUBIC))
        np.testing.assert_allclose(found[inner, inner, c], expected[inner, inner], atol=2e-6)


@pytest.mark.parametrize(("shrink", "kind"), [(True, "uint8"), (False, "uint8"), (True, "float32"), (False, "float64")])
def test_constants_type_and_shape_stay(shrink, kind):
    image = np.full((2, 9, 12, 2), 200, kind)
    found = (bicubic_downscale if shrink else bicubic_upscale)(image, 3)
    assert (found.dtype, found.shape) == (np.dtype(kind), (2, 3, 4, 2) if shrink else (2, 27, 36, 2))
    np.testing.assert_allclose(found, 200, rtol=1e-6)


def test_bytes_are_rounded_after_each_direction_with_halves_up():
    weights = np.array([-3, -9, 29, 111, 111, 29, -9, -3]) / 256  # the kernel at 1/4, 3/4, 5/4 and 7/4, normalised
    image = np.random.default_rng(1).integers(0, 256, (16, 20, 1), "uint8")

    def halved(values):
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(values, ((3, 3), (0, 0)), "edge"), 8, 0)[::2]
        return np.floor(np.clip(windows @ weights, 0, 255) + 0.5)

    expected = halved(halved(image[..., 0].astype(float)).T).T
    np.testing.assert_array_equal(bicubic_downscale(image, 2, "repeat")[..., 0], expected)
    ramp = np.repeat(np.array([[10], [11]], "uint8"), 8, 1)[..., None]  # its middle is a half
    np.testing.assert_array_equal(bicubic_downscale(ramp, 2), np.full((1, 4, 1), 11))


def test_overshoot_of_bytes_is_clipped():
    edge = np.repeat(np.array([0, 0, 255, 255], "uint8"), 8)[None, :, None]
    assert bicubic_upscale(edge / 255, 2).max() > 1.01
    assert bicubic_upscale(edge, 2)[0, [0, 35], 0].tolist() == [0, 255]


def test_leading_axes_are_images():
    images = np.stack([picture(), picture()[::-1]])
    for image, small in zip(images, bicubic_downscale(images, 4), strict=True):
        np.testing.assert_array_equal(small, bicubic_downscale(image, 4))


@pytest.mark.parametrize(
    ("image", "scale", "border", "message"),
    [
        (picture(), 1.5, "mirror", r"scale must be a whole number.*Received: 1\.5"),
        (picture(), 0, "mirror", "at least 1"),
        (picture(), 2, "wrap", "border must be 'mirror' or 'repeat'.*'wrap'"),
        (picture()[..., 0], 2, "mirror", r"height, width, channels\)\. Received: \(24, 36\)"),
        (picture()[:0], 2, "mirror", r"Received: \(0, 36, 3\)"),
        (np.zeros((4, 4, 1), "uint16"), 2, "mirror", "bytes or floats. Received: uint16"),
    ],
)
def test_bad_arguments_are_refused(image, scale, border, message):
    for resize in (bicubic_downscale, bicubic_upscale):
        with pytest.raises(ValueError, match=message):
            resize(image, scale, border)
