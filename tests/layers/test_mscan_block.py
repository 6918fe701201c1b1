import keras
import numpy as np
import peers
import pytest
from checks import check_layer, randomize

from benchmarks import pytorch_mscan
from keras_unetmm.layers import MSCANBlock

SHAPE = (2, 6, 10, 4)
WEIGHTS = 4 + 2 + 16 + 2 + 1 + 4 + 2 + 2 + 2 + 1  # norm, proj, MSCA, proj, scale; norm, fc, depthwise, fc, scale


@pytest.mark.parametrize("arguments", [{}, {"expansion": 2, "activation": "relu", "drop_path": 0.3}], ids=str)
def test_layer(arguments, tmp_path):
    check_layer(MSCANBlock, arguments, SHAPE, output_shape=SHAPE, weights=WEIGHTS, folder=tmp_path)


def test_equals_pytorch():
    peer = peers.randomized(pytorch_mscan.Block(4, 3))
    for module in peer.modules():
        if isinstance(module, pytorch_mscan.Scale):
            module.weight.data.uniform_(0.5, 1.5)
    block = MSCANBlock(expansion=3)
    block.build(SHAPE)
    block.set_weights([w.reshape(v.shape) for w, v in zip(peers.weights(peer), block.weights, strict=True)])
    x = np.random.default_rng(0).normal(size=SHAPE).astype("float32")
    np.testing.assert_allclose(keras.ops.convert_to_numpy(block(x, training=False)), peers.called(peer, x), atol=1e-5)


def test_scales_start_at_a_hundredth():
    block = MSCANBlock()
    block.build(SHAPE)
    for scale in (block.scale1, block.scale2):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(scale.scale), np.full(4, 0.01, "float32"))


def test_drop_path_leaves_branches_out_for_whole_images_and_keeps_their_mean():
    keras.utils.set_random_seed(0)
    block = MSCANBlock(drop_path=0.25)
    block.build((1, 4, 6, 4))
    randomize(block)
    block.scale2.scale.assign(np.zeros(4))  # leaves the attention branch
    one = np.random.default_rng(0).normal(size=(1, 4, 6, 4))
    for norm in (block.norm1, block.norm2):
        norm.trainable = False  # the same statistics in training
    x = np.repeat(one, 400, 0).astype("float32")
    whole, dropped = (keras.ops.convert_to_numpy(block(x, training=on)) - x for on in (False, True))
    share = (dropped / whole)[np.abs(whole) > 0.1].reshape(400, -1)  # of each value of each image
    assert np.abs(share - share[:, :1]).max() < 1e-3, "an image's branch is there as a whole or not at all"
    kept = share[:, 0] > 0.5
    np.testing.assert_allclose(share[kept, 0], 1 / 0.75, rtol=1e-3)
    np.testing.assert_allclose(share[~kept, 0], 0, atol=1e-3)
    assert 0.68 < kept.mean() < 0.82


def test_an_unknown_activation_is_refused():
    with pytest.raises(ValueError, match=r"activation must be one of 'gelu', 'relu'\. Received: 'swish'"):
        MSCANBlock(activation="swish")(np.zeros(SHAPE, "float32"))


def test_a_wrong_rank_is_refused():
    with pytest.raises(ValueError, match="expected ndim=4, found ndim=3"):
        MSCANBlock()(np.zeros((6, 10, 4), "float32"))
