import keras
import numpy as np
import peers
from checks import check_layer
from torch import nn

from keras_unetmm.layers import Degridding

SHAPE = (2, 6, 9, 3)


def test_layer(tmp_path):
    check_layer(Degridding, {"filters": 5}, SHAPE, output_shape=(*SHAPE[:-1], 5), weights=12, folder=tmp_path)


def test_equals_pytorch():
    first, second = nn.Conv2d(3, 5, 3, padding=2, dilation=2), nn.Conv2d(5, 5, 3, padding=1)
    peer = peers.randomized(nn.Sequential(first, nn.BatchNorm2d(5), nn.ReLU(), second, nn.BatchNorm2d(5), nn.ReLU()))
    layer = Degridding(5)
    layer.build(SHAPE)
    layer.set_weights(peers.weights(peer))
    x = np.random.default_rng(0).normal(size=SHAPE).astype("float32")
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer(x, training=False)), peers.called(peer, x), atol=1e-5)


def test_the_published_width_is_the_default():
    assert Degridding().filters == 512
