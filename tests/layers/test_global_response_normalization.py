import keras
import numpy as np
import pytest
import reference
from checks import check_layer

from keras_unetmm.layers import GlobalResponseNormalization


@pytest.mark.parametrize("shape", [(2, 6, 10, 4), (2, 3, 5, 4, 4)], ids=["2d", "3d"])
def test_layer(shape, tmp_path):
    check_layer(GlobalResponseNormalization, {"epsilon": 1e-5}, shape, output_shape=shape, weights=2, folder=tmp_path)


def test_starts_as_the_identity():
    x = np.random.default_rng(0).normal(size=(1, 5, 7, 3)).astype("float32")
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(GlobalResponseNormalization()(x)), x)


def test_equals_the_equations_in_float64():
    rng = np.random.default_rng(1)
    x, gamma, beta = rng.normal(size=(2, 5, 7, 3)), rng.normal(size=3), rng.normal(size=3)
    layer = GlobalResponseNormalization()
    layer.build(x.shape)
    layer.set_weights([gamma, beta])
    got = keras.ops.convert_to_numpy(layer(x.astype("float32")))
    np.testing.assert_allclose(got, reference.grn(x, gamma, beta), rtol=1e-4, atol=1e-4)


def test_float16_does_not_overflow():
    x = np.random.default_rng(0).normal(scale=2, size=(1, 128, 160, 4)).astype("float32")
    layer = GlobalResponseNormalization(dtype="mixed_float16")
    layer.build(x.shape)
    layer.set_weights([np.ones(4), np.zeros(4)])
    assert np.isfinite(keras.ops.convert_to_numpy(layer(x))).all()


def test_a_dead_channel_does_not_poison_the_gradient():
    shape = (2, 4, 4, 3)
    inputs = keras.Input(shape[1:])
    model = keras.Model(inputs, GlobalResponseNormalization()(keras.layers.Dense(3)(inputs)))
    model.compile("sgd", "mse")
    model.train_on_batch(np.zeros(shape, "float32"), np.ones(shape, "float32"))
    assert all(np.isfinite(keras.ops.convert_to_numpy(weight)).all() for weight in model.weights)
