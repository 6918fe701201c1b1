import keras
import numpy as np
import pytest
from checks import check_layer, randomize
from kb_reference import grouped

from keras_unetmm.layers import GroupedConv2D

SHAPE = (2, 5, 7, 8)
KINDS = [(2, 2), (8, 2), (8, 8), (4, 4), (6, 2)]


@pytest.mark.parametrize(("filters", "groups"), KINDS)
def test_layer(filters, groups, tmp_path):
    arguments = {"filters": filters, "kernel_size": 3, "groups": groups, "padding": "same"}
    check_layer(GroupedConv2D, arguments, SHAPE, output_shape=(2, 5, 7, filters), weights=2, folder=tmp_path)


@pytest.mark.parametrize(("filters", "groups"), KINDS)
def test_equals_the_equation_in_float64(filters, groups):
    layer = GroupedConv2D(filters, (3, 5), groups=groups, padding="same")
    layer.build(SHAPE)
    randomize(layer)
    x = np.random.default_rng(0).normal(size=SHAPE)
    want = grouped(x, *(weight.astype("float64") for weight in layer.get_weights()), groups)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer(x.astype("float32"))), want, rtol=1e-4, atol=1e-5)


def test_has_the_weights_of_the_plain_layer():
    plain, ours = keras.layers.Conv2D(6, 3, groups=2), GroupedConv2D(6, 3, groups=2)
    for layer in (plain, ours):
        layer.build(SHAPE)
    assert [w.shape for w in ours.weights] == [w.shape for w in plain.weights]


def test_channels_first_is_refused():
    with pytest.raises(ValueError, match=r"data_format must be 'channels_last'\. Received: 'channels_first'"):
        GroupedConv2D(4, 3, groups=2, data_format="channels_first")
