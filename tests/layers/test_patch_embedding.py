import keras
import numpy as np
import peers
import pytest
from checks import check_layer
from torch import nn

from benchmarks import pytorch_mscan
from keras_unetmm.layers import ConvolutionalStem, OverlappingPatchEmbedding
from keras_unetmm.layers.preactivated_convolution import fan_out_normal


@pytest.mark.parametrize(("size", "halved"), [((6, 10), (3, 5)), ((7, 9), (4, 5))], ids=["even", "odd"])
def test_embedding(size, halved, tmp_path):
    shape, output = (2, *size, 3), (2, *halved, 4)
    check_layer(OverlappingPatchEmbedding, {"channels": 4}, shape, output_shape=output, weights=6, folder=tmp_path)


@pytest.mark.parametrize("activation", ["gelu", "relu"])
@pytest.mark.parametrize(("size", "quarter"), [((8, 12), (2, 3)), ((9, 5), (3, 2))], ids=["even", "odd"])
def test_stem(size, quarter, activation, tmp_path):
    arguments = {"channels": 4, "activation": activation}
    shape, output = (2, *size, 3), (2, *quarter, 4)
    check_layer(ConvolutionalStem, arguments, shape, output_shape=output, weights=12, folder=tmp_path)


@pytest.mark.parametrize("size", [(8, 12), (9, 5), (1, 2)], ids=str)
@pytest.mark.parametrize("activation", [None, "gelu", "relu"])
def test_equals_pytorch(size, activation):
    between = {"gelu": nn.GELU, "relu": nn.ReLU}
    first, second = pytorch_mscan.halving(3, 2), pytorch_mscan.halving(2, 4)
    peer = peers.randomized(nn.Sequential(first, between[activation](), second) if activation else first)
    layer = ConvolutionalStem(4, activation) if activation else OverlappingPatchEmbedding(2)
    x = np.random.default_rng(0).normal(size=(2, *size, 3)).astype("float32")
    layer.build(x.shape)
    layer.set_weights(peers.weights(peer))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer(x, training=False)), peers.called(peer, x), atol=1e-5)


def test_open_sizes():
    x = keras.Input((None, 7, 3))
    assert ConvolutionalStem(4)(x).shape == (None, None, 2, 4)
    assert OverlappingPatchEmbedding(4)(x).shape == (None, None, 4, 4)


def test_weights_start_by_the_outputs_that_an_input_reaches():
    keras.utils.set_random_seed(0)
    for shape, fan_out in (((3, 3, 50, 200), 9 * 200), ((1, 21, 2000, 1), 21)):
        kernel = keras.ops.convert_to_numpy(fan_out_normal()(shape))
        assert abs(kernel.std() / np.sqrt(2 / fan_out) - 1) < 0.02
        assert np.abs(kernel).max() > 3 * kernel.std(), "not truncated"


def test_layers_start_apart():
    stem = ConvolutionalStem(4)
    stem.build((1, 8, 8, 2))
    first, second = (keras.ops.convert_to_numpy(e.projection.kernel) for e in (stem.embedding1, stem.embedding2))
    assert (first != second[..., :2]).any()


def test_an_odd_width_is_refused():
    with pytest.raises(ValueError, match=r"channels of ConvolutionalStem must be even.*Received: 5\. Use 4 or 6"):
        ConvolutionalStem(5)


def test_an_unknown_activation_is_refused():
    with pytest.raises(ValueError, match=r"activation must be one of 'gelu', 'relu'\. Received: 'swish'"):
        ConvolutionalStem(4, "swish")(np.zeros((1, 8, 8, 3), "float32"))
