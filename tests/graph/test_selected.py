"""Channels that gates have switched off are built out, and nothing that would be missed."""

import keras
import numpy as np
import pytest

from keras_unetmm import layers, models, skips
from keras_unetmm.analysis import macs, skip_memory
from keras_unetmm.analysis.channel_usage import selects, switched_off
from keras_unetmm.pruning import without_unselected

COLOUR = (16, 24, 3)
UNET = {"variant": "mcu_width8", "levels": 3, "input_shape": COLOUR}
DENSE = {"depths": (2, 2), "growth": 3, "channels": 4, "input_shape": COLOUR}
GATED = {
    "unet st": (models.UNet, UNET | {"skips": "st"}),
    "unet sat": (models.UNet, UNET | {"skips": "sat"}),
    "unet st, norm last": (models.UNet, UNET | {"skips": "st", "order": "conv-relu-norm"}),
    "unet st 3-D": (models.UNet, {"variant": "harp_width4", "levels": 2, "input_shape": (8, 8, 12, 1), "skips": "st"}),
    "vnet st": (models.VNet, {"rank": 2, "channels": 4, "convolutions": (1, 2), "input_shape": COLOUR, "skips": "st"}),
    "tiramisu st": (models.Tiramisu, DENSE | {"skips": "st", "dense_skips": "st"}),
    "nafnet st": (
        models.NAFNet,
        {"variant": "mcu_width16", "encoder_depths": (1, 0), "decoder_depths": (0, 1), "skips": "st"},
    ),
}


def gated(build, off=None, **arguments):
    """A network whose weights are not where they start, these channels off at every gate, by default each third."""
    keras.utils.set_random_seed(0)
    model, random = build(**arguments), np.random.default_rng(0)
    for variable in model.weights:
        if len(variable.shape) == 1:
            moved = np.abs(random.normal(0.02, 0.05, variable.shape))
            variable.assign(keras.ops.convert_to_numpy(variable) + moved)
    for _, select in selects(model):
        count = select.weight.shape[0]
        weight = random.uniform(0.2, 1.1, count)
        weight[list(range(0, count, 3) if off is None else off(count))] = -0.3
        select.weight.assign(weight)
    return model


def assert_same(model, smaller, shape):
    images = np.random.default_rng(1).random((2, *(size or 16 for size in shape))).astype("float32")
    want, got = (keras.ops.convert_to_numpy(each(images, training=False)) for each in (model, smaller))
    assert np.ptp(want) > 1e-3
    np.testing.assert_allclose(got, want, atol=1e-5)


@pytest.mark.parametrize("name", GATED)
def test_outputs_are_the_same(name):
    build, arguments = GATED[name]
    model = gated(build, **arguments)
    assert_same(model, without_unselected(model), model.input_shape[1:])


def test_a_u_net_keeps_and_computes_less():
    model = gated(models.UNet, **UNET, skips="st")
    smaller = without_unselected(model)
    kept = {level: 8 * 2**level - len(range(0, 8 * 2**level, 3)) for level in range(2)}
    assert skip_memory(smaller) == sum(16 * 24 // 4**level * channels for level, channels in kept.items())
    decoders = [smaller.get_layer(f"dec{level}_block_conv0").kernel.shape[2] for level in range(2)]
    assert decoders == [8 + kept[0], 16 + kept[1]]
    assert macs(smaller) < macs(model)
    assert smaller.count_params() < model.count_params()
    assert sorted(layer.name for layer in smaller.layers if layer.name.endswith("_keep")) == ["skip0_keep", "skip1_keep"]


def test_what_nothing_else_reads_goes_before_the_gate_too():
    x = keras.Input(COLOUR)
    y = keras.layers.Conv2D(6, 3, padding="same", activation="relu", name="before")(x)
    y = keras.layers.BatchNormalization(name="norm")(y)
    y = layers.Select(name="gate")(y)
    y = keras.layers.Conv2D(5, 3, padding="same", name="behind")(y)
    model = gated(keras.Model, inputs=x, outputs=y)
    smaller = without_unselected(model)
    assert smaller.get_layer("before").filters == 4
    assert smaller.get_layer("norm").gamma.shape == (4,)
    assert smaller.get_layer("behind").kernel.shape == (3, 3, 4, 5)
    assert switched_off(smaller)["total"] == 0
    assert_same(model, smaller, COLOUR)


def test_of_a_gate_that_is_summed_up_goes_what_nothing_else_reads():
    x = keras.Input(COLOUR)
    y = keras.layers.Conv2D(6, 3, padding="same", activation="relu", name="before")(x)
    model = gated(keras.Model, inputs=x, outputs=layers.SelectAttendTransfer(name="gate")(y))
    smaller = without_unselected(model)
    assert smaller.get_layer("before").filters == 4
    assert_same(model, smaller, COLOUR)


def test_a_gate_with_every_channel_off_leaves_no_skip():
    model = gated(models.UNet, off=range, **UNET, skips="st")
    smaller = without_unselected(model)
    assert skip_memory(smaller) == 0
    assert smaller.get_layer("dec0_block_conv0").kernel.shape[2] == 8
    assert_same(model, smaller, COLOUR)


def test_a_network_that_is_nothing_but_off_keeps_a_channel():
    x = keras.Input(COLOUR)
    y = layers.Select(name="gate")(keras.layers.Conv2D(6, 3, padding="same", name="before")(x))
    y = keras.layers.Conv2D(5, 3, padding="same", name="behind", bias_initializer="ones")(y)
    model = gated(keras.Model, off=range, inputs=x, outputs=keras.layers.Add()([y, keras.layers.Conv2D(5, 1)(x)]))
    smaller = without_unselected(model)
    assert smaller.get_layer("before").filters == 1
    assert_same(model, smaller, COLOUR)


@pytest.mark.parametrize("kind", ["full", "at", "sat", "st"])
def test_where_nothing_can_go_the_network_is_the_same(kind):
    model = gated(models.UNet, off=lambda count: [], **UNET, skips=kind)
    assert without_unselected(model) is model


def test_a_hard_sigmoid_switches_off_and_a_sigmoid_does_not():
    for activation, gone in (("hard_sigmoid", True), ("sigmoid", False)):
        model = models.UNet(**UNET, skips=skips.ST(activation=activation))
        for _, select in selects(model):
            select.weight.assign(np.where(np.arange(select.weight.shape[0]) % 2, 1.0, -4.0))
        smaller = without_unselected(model)
        assert (smaller is not model) == gone
        assert_same(model, smaller, COLOUR)
