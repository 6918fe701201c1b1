import keras
import numpy as np
import pytest
import torch
from checks import check_layer, randomize

from keras_unetmm.layers import DilatedTransposedConvolution

SHAPE = (2, 9, 14, 3)


@pytest.mark.parametrize("rate", [1, 4])
def test_layer(rate, tmp_path):
    arguments = {"filters": 5, "dilation_rate": rate}
    check_layer(DilatedTransposedConvolution, arguments, SHAPE, output_shape=(*SHAPE[:-1], 5), weights=2, folder=tmp_path)


@pytest.mark.parametrize("rate", [1, 2, 8])
def test_equals_pytorch(rate):
    layer = DilatedTransposedConvolution(5, dilation_rate=rate)
    layer.build(SHAPE)
    randomize(layer)
    kernel, bias = (torch.from_numpy(np.array(keras.ops.convert_to_numpy(w))) for w in layer.weights)
    x = np.random.default_rng(0).normal(size=SHAPE).astype("float32")
    want = torch.nn.functional.conv_transpose2d(
        torch.from_numpy(x).permute(0, 3, 1, 2), kernel.permute(3, 2, 0, 1), bias, padding=rate, dilation=rate
    )
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer(x)), want.permute(0, 2, 3, 1).numpy(), atol=1e-5)


def test_has_the_weights_of_the_strided_layer():
    strided, dilated = keras.layers.Conv2DTranspose(5, 3, strides=2), DilatedTransposedConvolution(5, dilation_rate=2)
    for layer in (strided, dilated):
        layer.build(SHAPE)
    assert [w.shape for w in strided.weights] == [w.shape for w in dilated.weights]
