import keras
import numpy as np
import pytest
import reference
import segmenters
from checks import check_layer, randomize

from keras_unetmm.layers import TransitionDown, TransitionUp

SHAPES = {2: (2, 6, 8, 3), 3: (2, 4, 6, 2, 3)}
RANKS = pytest.mark.parametrize("rank", [2, 3])


@RANKS
def test_down(rank, tmp_path):
    shape = SHAPES[rank]
    output = (2, *(n // 2 for n in shape[1:-1]), 3)
    check_layer(TransitionDown, {"dropout": 0.0}, shape, output_shape=output, weights=6, folder=tmp_path)


@RANKS
def test_up(rank, tmp_path):
    shape = SHAPES[rank]
    check_layer(TransitionUp, {}, shape, output_shape=(2, *(2 * n for n in shape[1:-1]), 3), weights=2, folder=tmp_path)


@RANKS
def test_both_equal_the_equations_in_float64(rank):
    x = np.random.default_rng(0).normal(size=SHAPES[rank])
    down, up = TransitionDown(), TransitionUp()
    for layer, name in ((down, "layer"), (up, "conv")):
        layer.build(x.shape)
        weights = reference.Weights(randomize(layer))
        if layer is down:
            want = segmenters.pool(segmenters.dense_layer(weights, x, name))
        else:
            want = segmenters.transposed(x, weights(name, "kernel"), weights(name, "bias"))
        np.testing.assert_allclose(keras.ops.convert_to_numpy(layer(x.astype("float32"))), want, rtol=1e-4, atol=1e-5)
