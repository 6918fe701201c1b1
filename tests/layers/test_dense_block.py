import keras
import numpy as np
import pytest
import reference
import segmenters
from checks import check_layer, randomize

from keras_unetmm.layers import DenseBlock, DenseLayer

SHAPES = {2: (2, 6, 8, 3), 3: (2, 4, 6, 2, 3)}
RANKS = pytest.mark.parametrize("rank", [2, 3])


@RANKS
def test_dense_layer(rank, tmp_path):
    shape = SHAPES[rank]
    check_layer(DenseLayer, {"growth": 4}, shape, output_shape=(*shape[:-1], 4), weights=6, folder=tmp_path)


@RANKS
@pytest.mark.parametrize(("gates", "weights"), [("full", 18), ("sat", 24), ("at", 22), ("st", 20)])
def test_dense_block(rank, gates, weights, tmp_path):
    shape = SHAPES[rank]
    arguments = {"depth": 3, "growth": 4, "dropout": 0.0, "gates": gates}
    check_layer(DenseBlock, arguments, shape, output_shape=(*shape[:-1], 15), weights=weights, folder=tmp_path)


@RANKS
@pytest.mark.parametrize("gates", ["full", "sat"])
@pytest.mark.parametrize("include_input", [True, False])
def test_block_equals_the_equations_in_float64(rank, gates, include_input):
    x = np.random.default_rng(0).normal(size=SHAPES[rank])
    block = DenseBlock(4, 2, include_input=include_input, gates=gates)
    block.build(x.shape)
    weights = reference.Weights(randomize(block))
    want = np.concatenate(segmenters.dense_block(weights, x, 4, gates == "sat")[0 if include_input else 1 :], -1)
    assert weights.used == set(weights.values)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(block(x.astype("float32"))), want, rtol=1e-4, atol=1e-5)


def test_gates_take_channels_off_what_jumps_over_a_layer():
    def read(gates):
        block = DenseBlock(4, 6, gates=gates)
        block.build((1, 4, 6, 10))
        return [layer.conv.kernel.shape[-2] for layer in block.dense]

    assert read("full") == read("st") == [10, 16, 22, 28]
    assert read("sat") == read("at") == [10, 7, 8, 9]


@pytest.mark.parametrize("include_input", [True, False])
def test_a_block_of_one_layer(include_input):
    block = DenseBlock(1, 2, include_input=include_input, gates="sat")
    assert block(np.zeros((1, 4, 6, 3), "float32")).shape == (1, 4, 6, 5 if include_input else 2)


def test_an_unknown_gate_is_refused():
    with pytest.raises(ValueError, match=r"gates must be one of 'full', 'sat', 'at', 'st'\. Received: 'unet--'"):
        DenseBlock(2, 4, gates="unet--")
