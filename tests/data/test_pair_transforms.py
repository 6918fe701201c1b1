"""Augmentation of pairs: the same places of image and mask, volumes too, and the same at every call."""

from functools import partial

import keras
import numpy as np
import pytest

from keras_unetmm import data
from keras_unetmm.data import Batches, DataSet

MOVING = {
    "elastic": partial(data.elastic, amplitude=3, spacing=8),
    "crop_and_resize": partial(data.crop_and_resize, scale=(0.5, 0.8)),
}
CHANGING = {"brightness_contrast": data.brightness_contrast, "noise": data.noise, "blur": data.blur}


def pair(axes):
    """A mask of blocks, and an image that shows it."""
    mask = np.kron(np.random.default_rng(7).integers(0, 3, (4,) * axes), np.ones((8,) * axes)).astype("uint8")
    return (mask[..., None] / np.float32(2)), mask


@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("name", MOVING)
def test_image_and_mask_move_alike(name, axes):
    image, mask = pair(axes)
    moved, labels = MOVING[name](image, mask, np.random.default_rng(1), "mask")
    assert moved.shape == image.shape
    assert labels.dtype == np.uint8
    assert set(np.unique(labels)) <= {0, 1, 2}
    assert np.mean(labels != mask) > 0.1, "it moved"
    apart = np.abs(moved[..., 0] * 2 - labels)
    assert np.mean(apart < 0.51) > 0.85, "the image is where its mask is, but for values between two at an edge"
    both, same = MOVING[name](image, image.copy(), np.random.default_rng(1), "image")
    np.testing.assert_array_equal(both, same)


@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("name", CHANGING)
def test_values_change_and_masks_stay(name, axes):
    image, mask = pair(axes)
    changed, labels = CHANGING[name](image, mask, np.random.default_rng(1), "mask")
    assert labels is mask
    assert changed.shape == image.shape
    assert 1e-3 < np.abs(changed - image).max() < 1
    _, reference = CHANGING[name](image, image + 1, np.random.default_rng(1), "image")
    if name == "brightness_contrast":
        np.testing.assert_allclose(reference - changed, (reference - changed).mean(), atol=1e-5)  # both alike
    else:
        np.testing.assert_array_equal(reference, image + 1)


def test_brightness_and_blur_are_what_they_say():
    image = np.zeros((9, 9, 1), "float32")
    image[4, 4] = 1
    blurred, _ = data.blur(image, None, np.random.default_rng(0), "mask", sigma=(1, 1))
    line = np.exp(-0.5 * np.arange(-4, 5) ** 2)
    np.testing.assert_allclose(blurred[..., 0], np.outer(line, line) / line.sum() ** 2, atol=1e-4)
    noisy, _ = data.noise(np.zeros((64, 64, 1), "float32"), None, np.random.default_rng(0), "mask", sigma=(0.1, 0.1))
    assert noisy.std() == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize(
    "wrong",
    [
        partial(data.elastic, amplitude=-1),
        partial(data.crop_and_resize, scale=(0, 1)),
        partial(data.noise, sigma=(2, 1)),
        partial(data.blur, sigma=(-1, 1)),
    ],
)
def test_what_is_no_strength_is_refused(wrong):
    with pytest.raises(ValueError, match="Received"):
        wrong(*pair(2), np.random.default_rng(0), "mask")


def of_pairs(axes):
    image, mask = pair(axes)
    return DataSet("made", tuple((i,) for i in range(4)), lambda example: (image, mask), "mask", 3)


@pytest.mark.parametrize("axes", [2, 3])
def test_batches_are_the_same_at_every_call(axes):
    augment = ("flip", *MOVING.values(), *CHANGING.values())
    made = [Batches(of_pairs(axes), 2, augment=augment, seed=3).numbered(5) for _ in range(2)]
    for first, second in zip(*made, strict=True):
        np.testing.assert_array_equal(first, second)
    inputs, targets = made[0]
    assert inputs.dtype == np.float32
    assert targets.dtype == np.int32
    assert targets.shape == inputs.shape
    assert np.abs(Batches(of_pairs(axes), 2, augment=augment, seed=3).numbered(6)[0] - inputs).max() > 0.01


@pytest.mark.parametrize(
    "layer",
    [
        partial(keras.layers.RandomBrightness, 0.2, value_range=(0, 1)),
        partial(keras.layers.RandomContrast, 0.3, value_range=(0, 1)),
        partial(keras.layers.RandomGaussianBlur, value_range=(0, 1)),
    ],
    ids=lambda layer: layer.func.__name__,
)
def test_the_layers_of_keras(layer):
    made = [Batches(of_pairs(2), 2, augment=(layer,), seed=3).numbered(1) for _ in range(2)]
    for first, second in zip(*made, strict=True):
        np.testing.assert_array_equal(first, second)
    assert set(np.unique(made[0][1])) <= {0, 1, 2}


def test_a_layer_that_moves_masks_otherwise_is_refused():
    with pytest.raises(ValueError, match=r"Take functools.partial\(data.elastic"):
        Batches(of_pairs(2), 2, augment=(keras.layers.RandomElasticTransform,))


def test_random_scale_is_uniform_and_moves_image_and_mask_alike():
    image, mask = np.zeros((20, 40, 3), "uint8"), np.zeros((20, 40), "uint8")
    image[4:12, 10:30], mask[4:12, 10:30] = 200, 1
    rng, factors = np.random.default_rng(0), []
    for _ in range(400):
        found, labels = data.random_scale(image, mask, rng, "mask")
        assert found.shape[:2] == labels.shape
        assert (found.dtype, labels.dtype) == (image.dtype, mask.dtype)
        assert set(np.unique(labels)) <= {0, 1}
        assert np.mean((found[..., 0] > 100) != labels) < 0.1
        factors.append(labels.shape[1] / 40)
    assert 0.48 <= min(factors) < 0.55
    assert 1.9 < max(factors) <= 2
    assert np.mean(factors) == pytest.approx(1.25, abs=0.07)
    assert np.mean(np.array(factors) < 1) == pytest.approx(1 / 3, abs=0.07)


def test_random_scale_comes_before_the_crop():
    image, mask = np.full((32, 32, 3), 90, "uint8"), np.ones((32, 32), "uint8")
    dataset = DataSet("one", (0,), lambda _: (image, mask), "mask", 3, 255)
    half = partial(data.random_scale, scale=(0.5, 0.5))
    images, masks = Batches(dataset, 1, patch=32, augment=(half,)).numbered(0)
    assert (masks == 1).sum() == 16 * 16  # the whole image, half as large, in the middle of the window
    assert (masks == 255).sum() == 32 * 32 - 16 * 16
    np.testing.assert_allclose(images[0, 8:24, 8:24], 90 / 255, atol=1e-6)
    np.testing.assert_array_equal(images[0, :8], 0)
    images, masks = Batches(dataset, 1, patch=32, augment=(partial(data.random_scale, scale=(2, 2)),)).numbered(0)
    assert (masks == 1).all()


def test_random_scale_of_others():
    rng = np.random.default_rng(0)
    photograph = np.random.default_rng(1).random((8, 12, 3)).astype("float32")
    found, same = data.random_scale(photograph, photograph, rng, "image", scale=(2, 2))
    assert found is same
    assert (found.shape, found.dtype) == ((16, 24, 3), np.float32)
    assert data.random_scale(photograph, 7, rng, "class", scale=(0.5, 0.5))[1] == 7
    labels = np.arange(6, dtype="int32").reshape(2, 3)
    assert data.random_scale(photograph[:2, :3], labels, rng, "mask", scale=(2, 2))[1][0].tolist() == [0, 0, 1, 1, 2, 2]
    with pytest.raises(ValueError, match=r"scale of random_scale must be \(low, high\), both above 0. Received: \(0, 1\)"):
        data.random_scale(photograph, photograph, rng, "image", scale=(0, 1))
    with pytest.raises(ValueError, match="random_scale is for images"):
        data.random_scale(np.zeros((4, 4, 4, 1)), np.zeros((4, 4, 4)), rng, "mask")
