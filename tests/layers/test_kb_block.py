import keras
import numpy as np
import pytest
import reference
from checks import check_layer, randomize
from kb_reference import kb_block

from keras_unetmm.layers import KBBlock

SHAPE = (2, 4, 6, 8)


@pytest.mark.parametrize("arguments", [{}, {"lightweight": False, "ffn_scale": 2.0}, {"bases": 5}], ids=str)
def test_layer(arguments, tmp_path):
    check_layer(KBBlock, arguments, SHAPE, output_shape=SHAPE, weights=32, folder=tmp_path)


@pytest.mark.parametrize("lightweight", [True, False])
@pytest.mark.parametrize("channels", [8, 64])
def test_equals_the_equations_in_float64(lightweight, channels):
    shape = (2, 4, 6, channels)
    x = np.random.default_rng(1).normal(size=shape)
    block = KBBlock(lightweight=lightweight)
    block.build(shape)
    randomize(block)
    weights = reference.Weights(block)
    want = kb_block(weights, x)
    assert weights.used == set(weights.values)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(block(x.astype("float32"))), want, rtol=1e-4, atol=1e-4)


def test_starts_as_the_authors_code_does():
    block = KBBlock()
    block.build((1, 4, 4, 64))
    for scale in (block.ga1, block.attgamma, block.beta, block.gamma):
        np.testing.assert_allclose(scale.get_weights()[0], 0.01)
    bound = (32 * 36 * 64) ** -0.5
    for weight in block.kba.get_weights():
        assert 0.9 * bound < np.abs(weight).max() <= bound


@pytest.mark.parametrize(
    ("arguments", "channels", "message"),
    [
        ({}, 6, r"multiple of 4 channels, and of 32 beyond 32\. Received: 6 channels\. The nearest that fit: 4 or 8"),
        ({}, 48, r"Received: 48 channels\. The nearest that fit: 32 or 64"),
        ({"ffn_scale": 0.9}, 8, r"even number of channels, at least 2\. Received: ffn_scale=0\.9, which makes 7 of 8"),
    ],
    ids=["group", "middle", "gate"],
)
def test_what_does_not_fit_is_refused(arguments, channels, message):
    with pytest.raises(ValueError, match=message):
        KBBlock(**arguments).build((2, 4, 6, channels))
