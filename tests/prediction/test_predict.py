"""One image or volume of any size: by windows as whole, on every backend."""

import keras
import numpy as np
import pytest

import keras_unetmm
from keras_unetmm import models
from keras_unetmm.models.windows import placed, ramp
from keras_unetmm.prediction import PredictionError, load_predictor
from keras_unetmm.prediction.predict import labels_of

RNG = np.random.default_rng(0)


def local_unet():
    """A U-Net of two levels, whose outputs see a neighbourhood."""
    return models.UNet("mcu_width8", channels=4, levels=3, input_shape=(None, None, 3), classes=2)


def randomized(model):
    """Statistics of batch norm, too: what a border does to them is then seen."""
    model.set_weights([w + RNG.normal(scale=0.1, size=w.shape) ** 2 for w in model.get_weights()])
    return model


def test_windows_of_a_local_network_give_the_whole_image():
    model = randomized(local_unet())
    image = RNG.random((150, 203, 3)).astype("float32")  # no multiple of anything
    whole = keras_unetmm.predict(model, image)
    assert whole.shape == (150, 203, 2)
    padded = np.pad(image, ((0, 2), (0, 1), (0, 0)))
    np.testing.assert_allclose(whole, model.predict_on_batch(padded[None])[0, :150, :203], atol=1e-5)
    for window in (112, (128, 96)):
        made = keras_unetmm.predict(model, image, window=window)
        np.testing.assert_allclose(made, whole, atol=1e-4)
    counted = []
    keras_unetmm.predict(model, image, window=112, progress=lambda *each: counted.append(each))
    assert counted[-1][0] == counted[-1][1] > 1
    coarse = keras_unetmm.predict(model, image, window=64, overlap=8)  # an overlap below what the network sees
    assert 1e-4 < np.abs(coarse - whole).max() < 0.5


def test_what_sees_everything_is_blended():
    model = models.NAFNet("mcu_width16", width=4, encoder_depths=(1, 1), middle_depth=1, decoder_depths=(1, 1))
    image = RNG.random((70, 90, 3)).astype("float32")
    made = keras_unetmm.predict(randomized(model), image, window=32)
    assert made.shape == image.shape
    assert np.isfinite(made).all()
    tiny = load_predictor(model)
    assert tiny.multiple == 4
    assert tiny.kind == "image"


def test_volumes():
    model = randomized(models.LUnet("harp_width2", levels=2, convolutions=1, classes=1))
    volume = RNG.normal(size=(20, 33, 27, 1)).astype("float32")
    whole = keras_unetmm.predict(model, volume)
    assert whole.shape == (20, 33, 27, 1)
    made = keras_unetmm.predict(model, volume[..., 0], window=24)
    np.testing.assert_allclose(made, whole, atol=1e-4)


def test_flips_are_averaged():
    model = randomized(local_unet())
    image = RNG.random((16, 24, 3)).astype("float32")
    ways = [(), (0,), (1,), (0, 1)]
    want = np.mean([np.flip(keras_unetmm.predict(model, np.flip(image, way)), way) for way in ways], axis=0)
    np.testing.assert_allclose(keras_unetmm.predict(model, image, flips=True), want, atol=1e-5)


def test_bytes_are_scaled_and_memory_bounds_the_window():
    model = randomized(local_unet())
    pixels = RNG.integers(0, 256, (64, 300, 3)).astype("uint8")
    whole = keras_unetmm.predict(model, pixels)
    np.testing.assert_allclose(whole, keras_unetmm.predict(model, pixels / np.float32(255)), atol=1e-6)
    network = load_predictor(model)
    assert network.memory((64, 304)) > 2 * network.memory((64, 96))
    calls = []
    small = keras_unetmm.predict(model, pixels, memory=network.memory((64, 128)), progress=lambda *n: calls.append(n))
    assert calls, "it does not fit whole"
    np.testing.assert_allclose(small, whole, atol=1e-4)
    with pytest.raises(PredictionError, match="memory must be enough for a window of 64x64"):
        keras_unetmm.predict(model, pixels, memory=1000)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"image": np.zeros((8, 8), "float32")}, r"image must be \(H, W, 3\)"),
        ({"image": np.zeros((1, 8, 8, 3), "float32")}, "without a batch"),
        ({"image": np.full((8, 8, 3), np.nan, "float32")}, "finite"),
        ({"window": 30}, "window must be a multiple of 4"),
        ({"window": (32, 32, 32)}, "or 2 of them"),
        ({"window": 32, "overlap": 32}, "overlap must be below"),
    ],
)
def test_what_does_not_fit_is_refused(given, match):
    image = RNG.random((48, 64, 3)).astype("float32")
    with pytest.raises(PredictionError, match=match):
        keras_unetmm.predict(local_unet(), **{"image": image, **given})


def test_a_network_that_gives_no_map_is_refused():
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs))
    with pytest.raises(PredictionError, match="must give a map"):
        keras_unetmm.predict(model, np.zeros((8, 8, 3)))
    with pytest.raises(PredictionError, match="which is not there"):
        load_predictor("nowhere")


def test_images_are_resized_as_in_training():
    from dataclasses import replace

    from keras_unetmm.data.masks import resized

    network = replace(load_predictor(randomized(local_unet())), resize=(32, 48))
    pixels = RNG.integers(0, 256, (64, 96, 3)).astype("uint8")
    made = keras_unetmm.predict(network, pixels)
    assert made.shape == (64, 96, 2)
    small = keras_unetmm.predict(network, resized(pixels, (32, 48)), resize=None)
    np.testing.assert_allclose(made[::2, ::2].mean(), small.mean(), atol=0.02)
    assert np.abs(made - keras_unetmm.predict(network, pixels, resize=None)).max() > 0.01


@pytest.mark.no_backend
def test_windows_cover_every_place():
    for size, window, overlap in ((64, 64, 8), (96, 32, 8), (100, 48, 20), (100, 48, 47), (64, 16, 0)):
        starts = placed(size, window, overlap, 4)
        covered = np.zeros(size)
        for start in starts:
            covered[start : start + window] += ramp(start, window, size, overlap // 4, overlap)
        assert (covered > 0).all()
        assert starts[-1] + window == size
    assert labels_of(None, np.float32([[[0.4], [0.6]]])).tolist() == [[0, 1]]
