import keras
import numpy as np
import pytest
from checks import JIT, check_layer, randomize

from keras_unetmm.layers import PointwiseConvolution

SHAPE = (2, 6, 10, 4)
OUTPUT = (2, 6, 10, 3)


def model_with(layer, shape=(None, None, 4)):
    inputs = keras.Input(shape)
    return keras.Model(inputs, layer(inputs))


@pytest.mark.parametrize(("arguments", "weights"), [({}, 2), ({"use_bias": False, "activation": "relu"}, 1)], ids=str)
def test_layer(arguments, weights, tmp_path):
    check_layer(
        PointwiseConvolution, {"filters": 3, **arguments}, SHAPE, output_shape=OUTPUT, weights=weights, folder=tmp_path
    )


@pytest.mark.parametrize("arguments", [{}, {"use_bias": False}, {"activation": "gelu"}], ids=str)
def test_trains_like_a_convolution_on_maps_of_any_size(arguments):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=SHAPE).astype("float32"), rng.normal(size=OUTPUT).astype("float32")
    trained = []
    for layer in (PointwiseConvolution(3, **arguments), keras.layers.Conv2D(3, 1, **arguments)):
        model = randomize(model_with(layer))
        model.compile(keras.optimizers.SGD(0.5), "mse", jit_compile=JIT)
        loss = model.train_on_batch(x, y)
        trained.append([loss, *(keras.ops.convert_to_numpy(weight) for weight in model.weights)])
    for ours, keras_own in zip(*trained, strict=True):
        np.testing.assert_allclose(ours, keras_own, rtol=1e-5, atol=1e-6)


def test_is_a_convolution_outside_training_only(monkeypatch):
    calls = []
    convolution = keras.layers.Conv2D.convolution_op
    monkeypatch.setattr(
        keras.layers.Conv2D, "convolution_op", lambda self, *arguments: calls.append(self) or convolution(self, *arguments)
    )
    layer = PointwiseConvolution(3)
    x = np.zeros(SHAPE, "float32")
    layer(x, training=True)
    assert not calls
    layer(x)
    layer(x, training=False)
    assert calls == [layer, layer]


def test_half_precision_is_kept_in_training():
    layer = PointwiseConvolution(3, dtype="mixed_float16")
    y = layer(np.ones(SHAPE, "float32"), training=True)
    assert keras.backend.standardize_dtype(y.dtype) == "float16"
    assert layer.kernel.dtype == "float32"


@pytest.mark.parametrize(
    "arguments", [{"kernel_size": 3}, {"strides": 2}, {"groups": 2}, {"data_format": "channels_first"}], ids=str
)
def test_any_other_convolution_is_refused(arguments):
    with pytest.raises(ValueError, match=r"kernel_size=1, strides=1, .* only\. Received: .* Use keras\.layers\.Conv2D"):
        PointwiseConvolution(4, **arguments)
