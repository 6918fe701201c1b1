import keras
import numpy as np
import pytest
import reference
from checks import check_layer, randomize

from keras_unetmm.layers import NAFBlock

SHAPE = (2, 6, 10, 4)


@pytest.mark.parametrize(
    ("arguments", "weights"),
    [
        ({}, 18),
        ({"norm": "batch"}, 22),
        ({"channel_attention": False}, 16),
        ({"expansion": 4, "feed_forward_expansion": 6}, 18),
    ],
    ids=str,
)
def test_layer(arguments, weights, tmp_path):
    check_layer(NAFBlock, arguments, SHAPE, output_shape=SHAPE, weights=weights, folder=tmp_path)


def test_starts_as_the_identity():
    x = np.random.default_rng(0).normal(size=SHAPE).astype("float32")
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(NAFBlock()(x)), x)


def test_equals_the_equations_in_float64():
    x = np.random.default_rng(1).normal(size=SHAPE)
    block = NAFBlock()
    block.build(SHAPE)
    randomize(block)
    weights = reference.Weights(block)
    want = reference.naf_block(weights, x)
    assert weights.used == set(weights.values)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(block(x.astype("float32"))), want, rtol=1e-4, atol=1e-4)


def test_an_unknown_norm_is_refused():
    with pytest.raises(ValueError, match=r"norm must be one of 'layer', 'batch'\. Received: 'group'"):
        NAFBlock(norm="group")(np.zeros(SHAPE, "float32"))


def test_a_wrong_rank_is_refused():
    with pytest.raises(ValueError, match="expected ndim=4, found ndim=3"):
        NAFBlock()(np.zeros((6, 10, 4), "float32"))
