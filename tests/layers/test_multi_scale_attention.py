import keras
import numpy as np
import peers
import pytest
import reference
from checks import check_layer, randomize

from benchmarks import pytorch_mscan
from keras_unetmm.layers import MultiScaleAttention

SHAPE = (2, 6, 10, 4)


@pytest.mark.parametrize(("arguments", "weights"), [({}, 16), ({"kernel_size": 3, "strips": (5,)}, 8)], ids=str)
def test_layer(arguments, weights, tmp_path):
    check_layer(MultiScaleAttention, arguments, SHAPE, output_shape=SHAPE, weights=weights, folder=tmp_path)


def depthwise(w, x, name):
    """The convolution with the kernel and bias of that name, zeros around the map, in float64."""
    kernel, bias = w(name, "kernel"), w(name, "bias")
    height, width = kernel.shape[:2]
    padded = np.pad(x, ((0, 0), (height // 2,) * 2, (width // 2,) * 2, (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    return np.einsum("nyxchw,hwc->nyxc", windows, kernel[..., 0]) + bias


def test_equals_the_equations_in_float64():
    x = np.random.default_rng(1).normal(size=SHAPE)
    layer = MultiScaleAttention()
    layer.build(SHAPE)
    weights = reference.Weights(randomize(layer))
    local = depthwise(weights, x, "local")
    scales = [depthwise(weights, depthwise(weights, local, f"row{k}"), f"column{k}") for k in (7, 11, 21)]
    want = ((local + sum(scales)) @ weights("mix", "kernel")[0, 0] + weights("mix", "bias")) * x
    assert weights.used == set(weights.values)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer(x.astype("float32"))), want, atol=1e-5)


@pytest.mark.parametrize("size", [(6, 10), (23, 2)], ids=str)
def test_equals_pytorch(size):
    peer = pytorch_mscan.Attention(4).eval()
    layer = MultiScaleAttention()
    x = np.random.default_rng(0).normal(size=(2, *size, 4)).astype("float32")
    layer.build(x.shape)
    layer.set_weights([w.reshape(v.shape) for w, v in zip(peers.weights(peer), layer.weights, strict=True)])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer(x)), peers.called(peer, x), atol=1e-5)


def test_it_sees_as_far_as_its_longest_strip_and_the_local_convolution():
    layer = MultiScaleAttention()
    layer.build((1, 61, 51, 1))
    for weight in layer.weights:
        weight.assign(np.ones(weight.shape) if weight.path.endswith("kernel") else np.zeros(weight.shape))
    x = np.zeros((1, 61, 51, 1), "float32")
    x[0, 30, 25] = 1
    row, column = layer.pairs[-1]
    (attention,) = keras.ops.convert_to_numpy(column(row(layer.local(x))))
    rows, columns = np.nonzero(attention[..., 0])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (30 - 12, 30 + 12, 25 - 12, 25 + 12)
