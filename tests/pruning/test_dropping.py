"""Targeted dropout behind each convolution: it changes nothing until a rate does, and a rate of 1 is a channel gone."""

import keras
import numpy as np
import pytest
from checks import ON_TORCH
from pruning.test_prune import network, outputs

from keras_unetmm import models
from keras_unetmm.pruning import cleaned, masked, with_dropout, without_dropout
from keras_unetmm.pruning.dropping import dropouts, rates_suffice


def images(shape):
    return np.random.default_rng(1).random((2, *shape), "float32")


@ON_TORCH
@pytest.mark.parametrize("name", ["unet sat", "unet 3-D", "vnet", "nafnet"])
def test_it_changes_nothing_until_a_channel_is_off(name):
    model, shape = network(name)
    dropping = with_dropout(model, 0.3, seed=0)
    x = images(shape)
    np.testing.assert_allclose(outputs(dropping, x), outputs(model, x), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(outputs(without_dropout(dropping), x), outputs(model, x), rtol=1e-5, atol=1e-5)
    training = keras.ops.convert_to_numpy(dropping(x, training=True))
    assert np.abs(training - outputs(model, x)).max() > 1e-3


@pytest.mark.parametrize("name", ["unet sat", pytest.param("unet 3-D", marks=ON_TORCH)])
def test_a_rate_of_one_is_a_channel_that_is_gone(name):
    model, shape = network(name)
    dropping = with_dropout(model, 0.3, seed=0)
    assert rates_suffice(dropping)
    gone = {}
    for layer, drop in dropouts(dropping).items():
        count = drop.rates.shape[0]
        gone[layer] = [0, count - 1] if count > 2 else [0]
        drop.rates.assign(np.where(np.isin(np.arange(count), gone[layer]), 1.0, 0.3))
    x = images(shape)
    expected = outputs(masked(model, gone), x)
    np.testing.assert_allclose(outputs(dropping, x), expected, atol=1e-5)
    small = cleaned(dropping)
    np.testing.assert_allclose(outputs(small, x), expected, atol=1e-5)
    assert not dropouts(small)
    assert small.count_params() < model.count_params()


@ON_TORCH
def test_dropout_stands_behind_the_norm_and_the_activation():
    model, _ = network("unet 3-D")
    drop = with_dropout(model).get_layer("enc1_block_conv0_drop")
    assert drop.input._keras_history.operation.name == "enc1_block_norm0"  # conv-relu-norm
    model, _ = network("vnet")
    names = set(dropouts(with_dropout(model)))
    assert "mid_stage_conv0" in names
    assert "head" not in names
    assert "enc0_stage_conv0" not in names  # its channels are added to the image


@ON_TORCH
def test_up_convolutions_can_be_left_whole():
    unet = with_dropout(network("unet 3-D")[0], up_convolutions=False)
    assert not [name for name in dropouts(unet) if "up" in name]
    assert len(dropouts(unet)) == 10
    model = network("vnet")[0]
    left = set(dropouts(with_dropout(model))) - set(dropouts(with_dropout(model, up_convolutions=False)))
    assert left == {"dec1_up_conv", "dec0_up_conv", "dec0_stage_conv0"}  # the last one's channels are added to theirs


@ON_TORCH
def test_where_a_norm_comes_first_rates_do_not_suffice():
    tiramisu = models.Tiramisu("fc_densenet56", input_shape=(16, 16, 3), depths=(1, 1), growth=2, channels=4)
    assert not rates_suffice(with_dropout(tiramisu))
