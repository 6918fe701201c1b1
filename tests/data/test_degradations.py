from functools import partial
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import convolve

from keras_unetmm.data.bicubic import bicubic_downscale, bicubic_upscale
from keras_unetmm.data.degradations import (
    as_bytes,
    bicubic_loss,
    gaussian_noise,
    in_order,
    jpeg,
    motion_blur,
    poisson_noise,
)

pytestmark = pytest.mark.no_backend

RANDOM = {
    "gaussian": partial(gaussian_noise, sigma=0.1),
    "gaussian, drawn": partial(gaussian_noise, sigma=(0.1, 0.2)),
    "poisson": partial(poisson_noise, peak=30),
    "poisson, drawn": partial(poisson_noise, peak=(10, 30)),
    "motion": partial(motion_blur, length=7),
    "motion, drawn": partial(motion_blur, length=(5, 9)),
    "jpeg, drawn": partial(jpeg, quality=(5, 40)),
}


def pictures(count=3, height=24, width=36, channels=3):
    y, x = np.mgrid[:height, :width]
    waves = [[0.5 + 0.4 * np.sin(x / (2 + c) + y / (3 + n)) for c in range(channels)] for n in range(count)]
    return np.moveaxis(np.array(waves), 1, -1).astype("float32")


@pytest.mark.parametrize("name", RANDOM)
def test_the_generator_decides_and_nothing_else(name):
    clean = pictures()
    before = clean.copy()
    found, again, other = (RANDOM[name](clean, rng=np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert (found.shape, found.dtype) == (clean.shape, np.float32)
    np.testing.assert_array_equal(found, again)
    assert (found != other).any()
    assert (found != clean).any()
    np.testing.assert_array_equal(clean, before)


def test_gaussian_noise_is_not_clipped_and_has_its_deviation():
    x = np.ones((2, 80, 90, 3), "float32")
    noise = gaussian_noise(x, 0.1, np.random.default_rng(0)) - x
    assert noise.std() == pytest.approx(0.1, rel=0.02)
    assert noise.mean() == pytest.approx(0, abs=0.002)
    assert noise.max() > 0.3
    np.testing.assert_array_equal(gaussian_noise(x, 0, np.random.default_rng(0)), x)


def test_a_range_draws_a_deviation_for_each_image():
    x = np.zeros((40, 24, 30, 1))
    deviations = gaussian_noise(x, (0.1, 0.3), np.random.default_rng(0)).std((1, 2, 3))
    assert 0.09 < deviations.min() < 0.13
    assert 0.27 < deviations.max() < 0.32
    assert deviations.mean() == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize("level", [0.2, 0.8])
def test_poisson_noise_has_the_variance_of_photons(level):
    found = poisson_noise(np.full((1, 200, 200, 1), level), 50, np.random.default_rng(0))
    assert found.mean() == pytest.approx(level, rel=0.01)
    assert found.var() == pytest.approx(level / 50, rel=0.03)
    np.testing.assert_allclose(found * 50, np.rint(found * 50), atol=1e-4)
    assert (poisson_noise(np.full((1, 4, 4, 1), -0.1), 50, np.random.default_rng(0)) == 0).all()


@pytest.mark.parametrize("seed", range(4))
def test_motion_blur_is_a_convolution_along_a_path_with_mirrored_borders(seed):
    clean, point = pictures(1, 20, 26), np.zeros((1, 41, 41, 1))
    point[0, 20, 20] = 1
    kernel = motion_blur(point, (9, 9), np.random.default_rng(seed))[0, ..., 0]
    assert kernel.min() == 0
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    places = np.argwhere(kernel > 0)
    assert 4 < np.ptp(places, 0).max() <= 10
    np.testing.assert_allclose((kernel[:, :, None] * np.mgrid[:41, :41].transpose(1, 2, 0)).sum((0, 1)), 20, atol=1e-4)
    found = motion_blur(clean, (9, 9), np.random.default_rng(seed))[0]
    expected = np.stack([convolve(clean[0, ..., c], kernel, mode="reflect") for c in range(3)], -1)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_motion_blur_draws_lengths_up_to_the_longest_and_a_path_for_each_image():
    points = np.zeros((30, 33, 37, 1))
    points[:, 16, 18] = 1
    found = motion_blur(points, 12, np.random.default_rng(0))
    extents = [np.ptp(np.argwhere(image[..., 0] > 0), 0).max() for image in found]
    assert min(extents) <= 3
    assert 7 <= max(extents) <= 13
    assert len({image.tobytes() for image in found}) == 30
    assert motion_blur(np.ones((1, 3, 4, 1)), 40, np.random.default_rng(0)) == pytest.approx(np.ones((1, 3, 4, 1)), abs=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_what_pillow_writes_and_reads(channels):
    clean = pictures(2, channels=channels) * 1.2 - 0.1  # some of it outside [0, 1]
    found = jpeg(clean, 30, np.random.default_rng(0))
    for image, result in zip(clean, found, strict=True):
        file = BytesIO()
        octets = np.round(np.clip(image, 0, 1) * 255).astype("uint8")
        Image.fromarray(octets.squeeze()).save(file, format="JPEG", quality=30)
        np.testing.assert_array_equal(np.rint(result * 255).squeeze(), np.asarray(Image.open(file)))
    worse = jpeg(clean, 5, np.random.default_rng(0))
    clean = clean.clip(0, 1)
    assert np.square(worse - clean).mean() > 1.5 * np.square(found - clean).mean() > 0


@pytest.mark.parametrize("border", ["mirror", "repeat"])
def test_bicubic_loses_what_a_file_at_low_resolution_loses(border):
    octets = np.rint(pictures() * 255).astype("uint8")
    found = bicubic_loss(octets / np.float32(255), 3, border=border)
    for image, result in zip(octets, found, strict=True):
        small = bicubic_downscale(image, 3, border) / np.float32(255)
        np.testing.assert_allclose(result, np.clip(bicubic_upscale(small, 3, border), 0, 1), atol=1e-6)
    assert (found.dtype, found.shape) == (np.float32, octets.shape)


def test_degradations_follow_each_other():
    clean = pictures()
    both = in_order(partial(bicubic_loss, scale=2), partial(gaussian_noise, sigma=0.1), partial(jpeg, quality=(20, 50)))
    rng = np.random.default_rng(0)
    expected = jpeg(gaussian_noise(bicubic_loss(clean, 2), 0.1, rng), (20, 50), rng)
    np.testing.assert_array_equal(both(clean, rng=np.random.default_rng(0)), expected)


def test_noise_in_a_file_of_bytes_is_cut_and_rounded():
    noise, clean = partial(gaussian_noise, sigma=0.5), pictures()
    noisy, found = (made(clean, rng=np.random.default_rng(0)) for made in (noise, in_order(noise, as_bytes)))
    assert found.dtype == np.float32
    assert noisy.min() < 0
    assert noisy.max() > 1
    assert {0.0, 1.0} <= set(found.ravel())
    np.testing.assert_allclose(found, noisy.clip(0, 1), atol=0.5001 / 255)
    np.testing.assert_allclose(255 * found, np.round(255 * found), atol=1e-4)


@pytest.mark.parametrize(
    ("function", "strength", "message"),
    [
        (gaussian_noise, -0.1, r"sigma must be a number or \(low, high\), at least 0\. Received: -0\.1"),
        (gaussian_noise, (0.2, 0.1), r"Received: \(0\.2, 0\.1\)"),
        (gaussian_noise, float("nan"), "Received: nan"),
        (poisson_noise, 0, "peak must be"),
        (motion_blur, 0.5, r"length must be .*at least 1\. Received: 0\.5"),
        (motion_blur, (1, 2, 3), "length must be"),
        (motion_blur, None, "length must be"),
        (motion_blur, (3, float("inf")), "length must be"),
        (jpeg, 101, "quality must be .*from 1 to 100"),
        (jpeg, (0, 20), r"Received: \(0, 20\)"),
        (bicubic_loss, 5, r"height and a width that 5 divides. Received: 24x36. Use 25x35, the nearest"),
        (bicubic_loss, 100, "Use 100x100"),
        (bicubic_loss, 0, "scale must be a whole number"),
    ],
)
def test_bad_strengths_are_refused(function, strength, message):
    with pytest.raises(ValueError, match=message):
        function(pictures(), strength, np.random.default_rng(0))


@pytest.mark.parametrize(
    "function", [partial(motion_blur, length=3), partial(jpeg, quality=9), partial(bicubic_loss, scale=2)]
)
def test_a_single_image_is_refused(function):
    with pytest.raises(ValueError, match=r"images must be \(N, H, W, C\)\. Received: \(24, 36, 3\)"):
        function(pictures()[0], rng=np.random.default_rng(0))


def test_other_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="1 or 3 channels for JPEG"):
        jpeg(pictures(channels=4), 50, np.random.default_rng(0))
    for functions in ((), (3,)):
        with pytest.raises(ValueError, match="one or more functions"):
            in_order(*functions)
