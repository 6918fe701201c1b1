"""The blocks' smaller parts: gate, attention, scale, separable convolution, upsampling, padding."""

import keras
import numpy as np
import pytest
import reference
from checks import check_layer, randomize

from keras_unetmm import layers

SHAPE = (2, 6, 10, 4)


def called(layer, *arrays):
    arrays = [array.astype("float32") for array in arrays]
    return keras.ops.convert_to_numpy(layer(arrays if len(arrays) > 1 else arrays[0]))


@pytest.mark.parametrize(
    ("layer", "arguments", "output", "weights"),
    [
        (layers.GELU, {}, SHAPE, 0),
        (layers.SimpleGate, {}, (2, 6, 10, 2), 0),
        (layers.ChannelScale, {"initial": 0.5}, SHAPE, 1),
        (layers.SimplifiedChannelAttention, {}, SHAPE, 2),
        (layers.SeparableConvolution, {"channels": 3}, (2, 6, 10, 3), 4),
        (layers.PixelShuffleUpsampling, {"channels": 3}, (2, 12, 20, 3), 1),
        (layers.PadToMultiple, {"multiple": 4}, (2, 8, 12, 4), 0),
    ],
)
def test_layer(layer, arguments, output, weights, tmp_path):
    check_layer(layer, arguments, SHAPE, output_shape=output, weights=weights, folder=tmp_path)


def test_crop(tmp_path):
    check_layer(layers.CropLike, {}, [SHAPE, (2, 5, 7, 1)], output_shape=(2, 5, 7, 4), weights=0, folder=tmp_path)


def test_gate_multiplies_the_halves():
    x = np.random.default_rng(0).normal(size=SHAPE)
    np.testing.assert_allclose(called(layers.SimpleGate(), x), x[..., :2] * x[..., 2:], rtol=1e-6)


def test_gate_refuses_an_odd_number_of_channels():
    with pytest.raises(ValueError, match=r"even number of channels\. Received: 5 .* 4 or 6"):
        layers.SimpleGate()(np.zeros((1, 2, 2, 5), "float32"))


def test_attention_equals_the_equation():
    x = np.random.default_rng(0).normal(size=SHAPE)
    layer = layers.SimplifiedChannelAttention()
    layer.build(SHAPE)
    weights = reference.Weights(randomize(layer))
    want = x * weights.conv(x.mean((1, 2), keepdims=True), "conv")
    np.testing.assert_allclose(called(layer, x), want, rtol=1e-4, atol=1e-5)


def test_padding_is_zero_below_and_right_and_cropping_undoes_it():
    x = np.random.default_rng(0).normal(size=(1, 5, 7, 2))
    padded = called(layers.PadToMultiple(4), x)
    np.testing.assert_array_equal(padded[:, :5, :7], x.astype("float32"))
    assert padded.shape == (1, 8, 8, 2)
    assert padded.sum() == pytest.approx(x.sum(), rel=1e-5)
    np.testing.assert_array_equal(called(layers.CropLike(), padded, x), x.astype("float32"))


def test_gelu_equals_the_equation():
    x = np.linspace(-6, 6, 60).reshape(1, 5, 4, 3)
    np.testing.assert_allclose(called(layers.GELU(), x), reference.gelu(x), atol=1e-6)
