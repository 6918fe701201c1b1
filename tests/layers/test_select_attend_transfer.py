"""Select, Attend and the whole gate, in two and three dimensions."""

import keras
import numpy as np
import pytest
from checks import check_layer, randomize

from keras_unetmm.layers import Attend, Select, SelectAttendTransfer

SHAPES = [(2, 6, 10, 4), (2, 3, 6, 5, 4)]
WEIGHTS = [-0.5, 0.25, 1.0, 3.0]


@pytest.mark.parametrize("shape", SHAPES, ids=["2-D", "3-D"])
@pytest.mark.parametrize(("layer", "weights", "channels"), [(Select, 1, 4), (Attend, 2, 1), (SelectAttendTransfer, 3, 1)])
def test_layers(layer, weights, channels, shape, tmp_path):
    check_layer(layer, {}, shape, output_shape=(*shape[:-1], channels), weights=weights, folder=tmp_path)


@pytest.mark.parametrize("shape", SHAPES, ids=["2-D", "3-D"])
def test_the_gate_equals_the_equations_in_float64(shape):
    gate = SelectAttendTransfer()
    gate.build(shape)
    randomize(gate)
    gate.select.weight.assign(WEIGHTS)
    x = np.random.default_rng(0).normal(size=shape)
    kernel, bias = (keras.ops.convert_to_numpy(w).astype("float64") for w in gate.attend.convolution.weights)
    selected = x * np.clip(WEIGHTS, 0, 1)
    want = 1 / (1 + np.exp(-(selected @ kernel.reshape(4, 1) + bias)))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(gate(x.astype("float32"))), want, atol=1e-6)


def test_a_gate_has_two_weights_a_channel_and_a_bias():
    gate = SelectAttendTransfer()
    gate.build((1, 8, 8, 32))
    assert gate.count_params() == 2 * 32 + 1


def test_a_channel_that_is_off_stays_off():
    select = Select()
    select.build((1, 4, 4, 4))
    select.weight.assign(WEIGHTS)
    x = keras.Input((4, 4, 4))
    model = keras.Model(x, select(x))
    model.compile(keras.optimizers.SGD(0.5), "mse")
    model.train_on_batch(np.ones((1, 4, 4, 4), "float32"), np.full((1, 4, 4, 4), 2.0, "float32"))
    after = keras.ops.convert_to_numpy(select.weight)
    assert after[0] == WEIGHTS[0]
    assert after[1] > WEIGHTS[1]


@pytest.mark.parametrize("layer", [Select, SelectAttendTransfer])
def test_weights_start_from_glorots_distribution_so_half_are_off(layer):
    keras.utils.set_random_seed(0)
    gates = [layer() for _ in range(40)]
    for gate in gates:
        gate.build((1, 8, 8, 48))
    values = np.array([keras.ops.convert_to_numpy(getattr(gate, "select", gate).weight) for gate in gates])
    bound = (6 / (48 + 48)) ** 0.5
    assert 0.95 * bound < np.abs(values).max() <= bound
    assert 0.45 < np.mean(values <= 0) < 0.55
    assert len(np.unique(values, axis=0)) == len(gates), "each gate draws its own"


@pytest.mark.parametrize("layer", [Select, SelectAttendTransfer])
@pytest.mark.parametrize(
    ("initializer", "want"),
    [(0.5, 0.5), (1, 1.0), ("ones", 1.0), (keras.initializers.Constant(0.3), 0.3)],
    ids=["number", "whole", "name", "object"],
)
def test_the_start_is_an_argument_and_is_kept(layer, initializer, want, tmp_path):
    made = layer(initializer)
    inputs = keras.Input((4, 6, 3))
    keras.Model(inputs, made(inputs)).save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras").layers[1]
    again = layer.from_config(loaded.get_config())
    again.build((1, 4, 6, 3))
    for gate in (made, loaded, again):
        np.testing.assert_allclose(keras.ops.convert_to_numpy(getattr(gate, "select", gate).weight), [want] * 3)


def test_a_config_from_before_the_argument_still_loads():
    select = Select.from_config({"name": "keep", "initial": 0.7})
    select.build((1, 4, 6, 3))
    assert select.name == "keep"
    np.testing.assert_allclose(keras.ops.convert_to_numpy(select.weight), [0.7] * 3)
    assert SelectAttendTransfer.from_config({"name": "keep"}).name == "keep"


@pytest.mark.parametrize("layer", [Select, SelectAttendTransfer])
@pytest.mark.parametrize("initializer", ["glorot", None, True, [1, 2]], ids=str)
def test_an_unknown_start_is_refused(layer, initializer):
    with pytest.raises(ValueError, match=r"initializer must be a name or object of keras\.initializers.*Received: "):
        layer(initializer)


def test_maps_of_one_dimension_are_refused():
    with pytest.raises(ValueError, match="expected min_ndim=4"):
        SelectAttendTransfer()(np.zeros((1, 8, 4), "float32"))
