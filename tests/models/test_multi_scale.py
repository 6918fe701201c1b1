import keras
import numpy as np
import pytest

from keras_unetmm import models
from keras_unetmm.models import multi_scale


def convolution(activation=None, channels=3, classes=2, size=(None, None)):
    """A segmenter of one layer, which is not symmetric."""
    image = keras.Input((*size, channels))
    model = keras.Model(image, keras.layers.Conv2D(classes, 3, padding="same", activation=activation)(image))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.weights])
    return model


def pixels(channels=3, classes=2):
    """A segmenter that looks at each pixel alone."""
    image = keras.Input((None, None, channels))
    return keras.Model(image, keras.layers.Conv2D(classes, 1, activation="softmax")(image))


def images(*shape):
    return np.random.default_rng(1).random(shape).astype("float32")


def test_one_scale_without_mirror_images_is_the_model():
    model, x = convolution("softmax"), images(3, 9, 14, 3)
    got = models.predict_multi_scale(model, x, scales=(1,), flip=False, multiple=1, batch_size=2)
    np.testing.assert_allclose(got, model.predict(x, verbose=0), atol=1e-6)
    assert got.dtype == "float32"


def test_mirror_images_are_averaged():
    model, x = convolution("softmax"), images(2, 8, 12, 3)
    got = models.predict_multi_scale(model, x, scales=(1,), multiple=4)
    want = (model.predict(x, verbose=0) + model.predict(x[:, :, ::-1], verbose=0)[:, :, ::-1]) / 2
    np.testing.assert_allclose(got, want, atol=1e-6)
    mirrored = models.predict_multi_scale(model, x[:, :, ::-1])
    np.testing.assert_allclose(mirrored[:, :, ::-1], models.predict_multi_scale(model, x), atol=1e-6)


def test_scales_are_averaged():
    model, x = convolution("softmax"), images(1, 64, 128, 3)
    each = [models.predict_multi_scale(model, x, scales=(scale,)) for scale in (0.5, 0.75, 1, 1.25)]
    np.testing.assert_allclose(models.predict_multi_scale(model, x), np.mean(each, axis=0), atol=1e-6)
    assert abs(each[0] - each[2]).max() > 0.01


def test_an_even_image_keeps_its_prediction_at_every_scale():
    model, x = pixels(), np.full((2, 50, 70, 3), 0.3, "float32")
    want = model.predict(x, verbose=0)
    np.testing.assert_allclose(models.predict_multi_scale(model, x, scales=(0.5, 1.0, 2.5)), want, atol=1e-5)


def test_sizes_are_rounded_to_what_the_network_takes():
    model = models.UNet(channels=2, levels=4, input_shape=(None, None, 1))  # halves three times
    got = models.predict_multi_scale(model, images(1, 21, 37, 1), multiple=8)
    assert got.shape == (1, 21, 37, 2)
    np.testing.assert_allclose(got.sum(-1), 1.0, atol=1e-5)


def test_logits_become_probabilities_first():
    logits, model, x = convolution(), convolution("softmax"), images(1, 32, 64, 3)
    got = models.predict_multi_scale(logits, x, activation="softmax")
    np.testing.assert_allclose(got, models.predict_multi_scale(model, x), atol=1e-6)


def test_a_coarse_output_is_resized():
    image = keras.Input((None, None, 3))
    model = keras.Model(image, keras.layers.AveragePooling2D(4)(image))
    assert models.predict_multi_scale(model, images(1, 40, 24, 3)).shape == (1, 40, 24, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"images": images(8, 8, 3)}, r"images must be \(N, H, W, 3\), at least one\. Received: an array of \(8, 8, 3\)"),
        ({"images": images(1, 8, 8, 1)}, r"images must be \(N, H, W, 3\)"),
        ({"images": images(0, 8, 8, 3)}, r"at least one"),
        ({"scales": ()}, r"scales must be a tuple of positive numbers\. Received: \(\)"),
        ({"scales": (1, -1)}, r"scales must be"),
        ({"window": 0}, r"window must be a positive number of pixels, or None\. Received: 0"),
        ({"window": 48}, r"window must be a multiple of 32, which the network asks for\. Received: 48"),
        ({"shorter_side": 2.5}, r"shorter_side must be a positive number of pixels, or None\. Received: 2\.5"),
        ({"multiple": 0}, r"multiple must be a positive integer\. Received: 0"),
        (
            {"model": convolution(size=(8, 8))},
            r"takes? images of any size\. Received: one for 8x8 pixels\. Build it with input_shape=\(None, None, 3\)",
        ),
        ({"model": keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])}, r"must take one batch of images"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        models.predict_multi_scale(**{"model": pixels(), "images": images(1, 8, 8, 3), **arguments})


def test_images_of_different_sizes_are_a_list():
    model, sizes = convolution("softmax"), [(8, 12), (16, 4)]
    given = [images(*size, 3) for size in sizes]
    found = models.predict_multi_scale(model, given, scales=(0.5, 1), multiple=4)
    assert [each.shape for each in found] == [(*size, 2) for size in sizes]
    for image, each in zip(given, found, strict=True):
        alone = models.predict_multi_scale(model, image[None], scales=(0.5, 1), multiple=4)[0]
        np.testing.assert_allclose(each, alone, atol=1e-6)


@pytest.mark.parametrize(("side", "starts"), [(6, [0]), (7, [0, 1]), (10, [0, 4]), (11, [0, 4, 5]), (20, [0, 4, 8, 12, 14])])
def test_windows_are_two_thirds_of_one_apart(side, starts):
    assert multi_scale.window_starts(side, 6) == starts


def test_windows_are_averaged_where_they_overlap():
    model, x = convolution("softmax"), images(2, 6, 10, 3)
    got = models.predict_multi_scale(model, x, scales=(1,), flip=False, multiple=2, window=6)
    parts = [model.predict(x[:, :, start : start + 6], verbose=0) for start in (0, 4)]
    want = np.concatenate([parts[0][:, :, :4], (parts[0][:, :, 4:] + parts[1][:, :, :2]) / 2, parts[1][:, :, 2:]], axis=2)
    np.testing.assert_allclose(got, want, atol=1e-6)
    assert np.abs(got - model.predict(x, verbose=0)).max() > 1e-3


def test_what_is_smaller_than_a_window_is_padded():
    model, x = convolution("softmax"), images(1, 4, 6, 3)
    got = models.predict_multi_scale(model, x, scales=(1,), flip=False, multiple=1, window=8, fill=(0.1, 0.2, 0.3))
    padded = np.tile(np.float32([0.1, 0.2, 0.3]), (1, 8, 8, 1))
    padded[:, 2:6, 1:7] = x
    np.testing.assert_allclose(got, model.predict(padded, verbose=0)[:, 2:6, 1:7], atol=1e-6)


def test_the_shorter_side_is_resized_first():
    model, x = convolution("softmax"), images(1, 8, 12, 3)
    got = models.predict_multi_scale(model, x, scales=(0.5, 1), multiple=1, shorter_side=16)
    np.testing.assert_allclose(got, models.predict_multi_scale(model, x, scales=(1, 2), multiple=1), atol=1e-6)


def test_logits_are_averaged_before_they_become_probabilities():
    model, x = convolution(), images(2, 8, 12, 3)
    logits = (model.predict(x, verbose=0) + model.predict(x[:, :, ::-1], verbose=0)[:, :, ::-1]) / 2
    got = models.predict_multi_scale(model, x, scales=(1,), multiple=4, activation="softmax", average="logits")
    want = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(got, want, atol=1e-5)
    other = models.predict_multi_scale(model, x, scales=(1,), multiple=4, activation="softmax")
    assert np.abs(other - want).max() > 1e-3
    with pytest.raises(ValueError, match=r"average must be one of 'probabilities', 'logits'\. Received: 'mean'"):
        models.predict_multi_scale(model, x, average="mean")
