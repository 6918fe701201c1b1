import keras
import numpy as np
import pytest
import reference
import segmenters
from checks import check_layer, randomize

from keras_unetmm.layers import ConvolutionBlock
from keras_unetmm.layers.convolution_block import ORDERS

SHAPES = {2: (2, 6, 10, 3), 3: (2, 3, 4, 5, 3)}


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize(("order", "weights"), [("conv-relu", 4), ("conv-relu-norm", 12)])
def test_layer(rank, order, weights, tmp_path):
    shape = SHAPES[rank]
    arguments = {"channels": (4, 5), "order": order}
    check_layer(ConvolutionBlock, arguments, shape, output_shape=(*shape[:-1], 5), weights=weights, folder=tmp_path)


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("order", ORDERS)
def test_equals_the_equations_in_float64(rank, order):
    x = np.random.default_rng(0).normal(size=SHAPES[rank])
    block = ConvolutionBlock((4, 2, 6), order)
    block.build(x.shape)
    weights = reference.Weights(randomize(block))
    want = segmenters.convolution_block(weights, x, 3, order)
    assert weights.used == set(weights.values)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(block(x.astype("float32"))), want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"channels": (4,), "order": "norm-conv"}, r"order must be one of 'conv-relu', .*Received: 'norm-conv'"),
        ({"channels": 4}, r"channels must be a tuple of positive integers.*Received: 4\. Two convolutions.*\(16, 16\)"),
        ({"channels": ()}, r"channels must be a tuple"),
        ({"channels": (4, 0)}, r"Received: \(4, 0\)"),
    ],
    ids=["order", "number", "empty", "zero"],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ConvolutionBlock(**arguments)


def test_a_wrong_rank_is_refused():
    with pytest.raises(ValueError, match="expected min_ndim=4, found ndim=3"):
        ConvolutionBlock((4,))(np.zeros((6, 10, 4), "float32"))
