"""Channel attention by means over windows, against means taken window by window."""

import keras
import numpy as np
import pytest
from checks import check_layer, randomize

from keras_unetmm import models, skips
from keras_unetmm.layers import LocalMean

SMALL = {"width": 8, "encoder_depths": (1, 0), "middle_depth": 1, "decoder_depths": (0, 1)}


def windowed(x, height, width):
    """The mean over the window around each place, that of the nearest whole window at the border."""
    _, rows, columns, _ = x.shape
    height, width = min(height, rows), min(width, columns)
    out = np.empty_like(x)
    for row in range(rows):
        top = min(max(row - (height - 1) // 2, 0), rows - height)
        for column in range(columns):
            left = min(max(column - (width - 1) // 2, 0), columns - width)
            out[:, row, column] = x[:, top : top + height, left : left + width].mean((1, 2))
    return out


@pytest.mark.parametrize("window", [3, (4, 7), (9, 2), 1, (20, 4), 99])
def test_means_are_those_of_the_windows(window):
    x = np.random.default_rng(0).normal(3, 1, (2, 9, 12, 3)).astype("float32")
    pair = window if isinstance(window, tuple) else (window, window)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(LocalMean(window)(x)), windowed(x, *pair), atol=1e-5)


def test_the_layer(tmp_path):
    check_layer(LocalMean, {"window": (3, 4)}, (2, 6, 8, 4), output_shape=(2, 6, 8, 4), weights=0, folder=tmp_path)


@pytest.mark.parametrize("kind", ["full", skips.UNetMinusMinus((2, 2))], ids=["full", "unet--"])
def test_windows_larger_than_the_image_change_nothing(kind):
    model = randomize(models.NAFNet(**SMALL, skips=kind))
    images = np.random.default_rng(0).random((1, 24, 32, 3)).astype("float32")
    whole, same, other = (
        keras.ops.convert_to_numpy(each(images))
        for each in (model, models.local_means(model, 32), models.local_means(model, 8))
    )
    np.testing.assert_allclose(same, whole, atol=1e-5)
    assert np.abs(other - whole).max() > 1e-3


def test_windows_shrink_with_the_levels():
    model = models.local_means(models.NAFNet(**SMALL), (24, 16))
    windows = {layer.name: layer.window for layer in model.layers if isinstance(layer, LocalMean)}
    assert windows == {
        "enc0_block0_sca_pool": (24, 16),
        "mid_block0_sca_pool": (6, 4),
        "dec0_block0_sca_pool": (24, 16),
    }
    model = models.local_means(models.KBNet("sidd_width64", **SMALL), 16)
    assert sorted(layer.window[0] for layer in model.layers if isinstance(layer, LocalMean)) == [4, 16, 16]


@pytest.mark.parametrize(
    ("network", "window", "message"),
    [
        (lambda: models.UNet("mcu_width8", levels=2), 32, r"model must have channel attention.*Received: 'unet'"),
        (lambda: models.NAFNet(**SMALL), 3, r"window must be an integer of at least 4.*Received: 3"),
        (lambda: models.NAFNet(**SMALL), (16, 2.5), r"window must be.*Received: \(16, 2\.5\)"),
    ],
)
def test_what_does_not_fit_is_refused(network, window, message):
    with pytest.raises(ValueError, match=message):
        models.local_means(network(), window)
    with pytest.raises(ValueError, match=r"window must be a positive integer.*Received: 0"):
        LocalMean(0)
