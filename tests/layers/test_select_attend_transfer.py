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


def test_maps_of_one_dimension_are_refused():
    with pytest.raises(ValueError, match="expected min_ndim=4"):
        SelectAttendTransfer()(np.zeros((1, 8, 4), "float32"))
