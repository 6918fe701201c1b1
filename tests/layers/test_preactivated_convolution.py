import keras
import numpy as np
import pytest
import torch
from checks import check_layer, randomize
from torch.nn import functional

from keras_unetmm.layers import PreactivatedConvolution

SHAPE = (2, 6, 9, 4)


@pytest.mark.parametrize(
    ("arguments", "size"),
    [
        ({}, (6, 9)),
        ({"kernel_size": 1}, (6, 9)),
        ({"rate": 2}, (6, 9)),
        ({"kind": "down"}, (3, 5)),
        ({"kind": "up"}, (12, 18)),
        ({"kind": "up", "rate": 2}, (6, 9)),
    ],
    ids=str,
)
def test_layer(arguments, size, tmp_path):
    arguments, shape = {"filters": 5, **arguments}, (2, *size, 5)
    check_layer(PreactivatedConvolution, arguments, SHAPE, output_shape=shape, weights=6, folder=tmp_path)


@pytest.mark.parametrize("shape", [(2, 6, 9, 4), (1, 7, 12, 4), (1, 1, 2, 4)], ids=str)
@pytest.mark.parametrize(
    ("arguments", "convolution", "options"),
    [
        ({}, functional.conv2d, {"padding": 1}),
        ({"rate": 4}, functional.conv2d, {"padding": 4, "dilation": 4}),
        ({"kind": "down"}, functional.conv2d, {"stride": 2, "padding": 1}),
        ({"kind": "down", "kernel_size": 7}, functional.conv2d, {"stride": 2, "padding": 3}),
        ({"kind": "up"}, functional.conv_transpose2d, {"stride": 2, "padding": 1, "output_padding": 1}),
        ({"kind": "up", "rate": 4}, functional.conv_transpose2d, {"padding": 4, "dilation": 4}),
    ],
    ids=["same", "rate", "down", "stem", "up", "up with a rate"],
)
def test_equals_pytorch(arguments, convolution, options, shape):
    layer = PreactivatedConvolution(5, **arguments)
    layer.build(shape)
    randomize(layer)
    arrays = [torch.from_numpy(np.array(keras.ops.convert_to_numpy(w))) for w in layer.weights]
    gamma, beta, mean, variance, kernel, bias = arrays
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    y = functional.batch_norm(torch.from_numpy(x).permute(0, 3, 1, 2), mean, variance, gamma, beta, eps=1e-5)
    want = convolution(functional.relu(y), kernel.permute(3, 2, 0, 1), bias, **options).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer(x, training=False)), want, atol=1e-5)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"kind must be one of 'same', 'down', 'up'\. Received: 'left'"):
        PreactivatedConvolution(4, kind="left")
    with pytest.raises(ValueError, match=r"has stride 2 and so no rate\. Received: rate=2\. Use kind='same'"):
        PreactivatedConvolution(4, kind="down", rate=2)
