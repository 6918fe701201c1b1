import keras
import pytest

from keras_unetmm.graph.abstract_build import abstract_build


def large():
    inputs = keras.Input((1_000_000,))
    return keras.Model(inputs, keras.layers.Dense(1_000_000, name="dense")(inputs))


def test_weights_take_no_memory():
    model = abstract_build(large)  # 4 TB
    assert [tuple(weight.shape) for weight in model.weights] == [(1_000_000, 1_000_000), (1_000_000,)]
    assert model.output_shape == (None, 1_000_000)
    after = keras.layers.Dense(2)
    after.build((None, 3))  # Keras gives its pending weights values here
    keras.layers.Dense(2)(keras.Input((3,)))
    assert after.get_weights()[0].shape == (3, 2)


def test_policy_is_that_of_the_caller():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        assert abstract_build(large).get_layer("dense").compute_dtype == "bfloat16"
    finally:
        keras.config.set_dtype_policy("float32")


def test_errors_are_those_of_the_function():
    with pytest.raises(ValueError, match="not so"):
        abstract_build(refuse, "not so")


def refuse(message):
    raise ValueError(message)
