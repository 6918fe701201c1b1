import keras
import numpy as np
import peers
import pytest
from checks import check_layer

from benchmarks import pytorch_sunet
from keras_unetmm.layers import ResidualDownsampling


@pytest.mark.parametrize(("size", "halved"), [((6, 10), (3, 5)), ((7, 9), (4, 5))], ids=["even", "odd"])
def test_layer(size, halved, tmp_path):
    shape, output = (2, *size, 3), (2, *halved, 6)
    check_layer(ResidualDownsampling, {"filters": 6}, shape, output_shape=output, weights=14, folder=tmp_path)


@pytest.mark.parametrize("size", [(6, 10), (7, 9), (1, 2)], ids=str)
def test_equals_pytorch(size):
    peer = peers.randomized(pytorch_sunet.Residual(3, 6))
    x = np.random.default_rng(0).normal(size=(2, *size, 3)).astype("float32")
    layer = ResidualDownsampling(6)
    layer.build(x.shape)
    layer.set_weights(peers.weights(peer))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer(x, training=False)), peers.called(peer, x), atol=1e-5)
