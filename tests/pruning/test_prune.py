"""Pruning: the small network computes what the masked one does, has the arithmetic's parameters, and keeps its optimizer."""

import keras
import numpy as np
import pytest
from checks import ON_TORCH

from keras_unetmm import models, skips
from keras_unetmm.analysis import macs
from keras_unetmm.graph.channels import Channels
from keras_unetmm.graph.expand import expand
from keras_unetmm.pruning import masked, prune

NETWORKS = {
    "unet": (models.UNet, "mcu_width8", {"skips": "full"}, (16, 24, 3)),
    "unet sat": (models.UNet, "mcu_width8", {"skips": "sat"}, (16, 24, 3)),
    "unet st": (models.UNet, "mcu_width8", {"skips": "st", "levels": 3}, (16, 24, 3)),
    "unet at": (models.UNet, "mcu_width8", {"skips": "at", "levels": 3}, (16, 24, 3)),
    "unet none": (models.UNet, "mcu_width8", {"skips": "none", "up": "nearest", "levels": 3}, (16, 24, 3)),
    "unet--": (models.UNet, "mcu_width8", {"skips": skips.UNetMinusMinus((4, 8, 4))}, (16, 24, 3)),
    "unet 3-D": (models.UNet, "harp_width4", {"levels": 3}, (8, 12, 16, 1)),
    "lunet 3-D": (models.LUnet, "harp_width4", {"levels": 3}, (8, 12, 16, 1)),
    "vnet": (models.VNet, "sat", {"rank": 2, "channels": 4, "convolutions": (1, 2, 2)}, (16, 24, 1)),
    "vnet sat 3-D": (models.VNet, "sat", {"channels": 6, "convolutions": (1, 2), "skips": "sat"}, (8, 12, 16, 1)),
    "nafnet": (models.NAFNet, "mcu_width16", {"encoder_depths": (1, 1), "decoder_depths": (1, 1)}, (16, 24, 3)),
}


def network(name, seed=0, **other):
    """A network whose norms and biases are not where they start, and the shape of its images."""
    build, variant, changes, shape = NETWORKS[name]
    keras.utils.set_random_seed(seed)
    model, random = build(variant, **{**changes, **other}), np.random.default_rng(seed)
    for variable in model.weights:
        if len(variable.shape) == 1:
            moved = np.abs(random.normal(0, 0.05, variable.shape))
            variable.assign(keras.ops.convert_to_numpy(variable) + moved)
    return model, shape


def a_third(model, seed=0):
    """A third of the channels of each layer that can go."""
    found, random, dropped = Channels(expand(model)), np.random.default_rng(seed), {}
    for layer, numbers in found.made_by().items():
        loose = [i for i, number in enumerate(numbers) if int(number) not in found.held]
        some = {layer: random.permutation(loose)[: len(loose) // 3].tolist()}
        try:
            found.gone(dropped | some)
        except ValueError:  # another layer would be empty: residuals tie several together
            continue
        dropped |= some
    assert sum(map(len, dropped.values())) > 5
    return dropped


def outputs(model, images):
    return keras.ops.convert_to_numpy(model(images, training=False))


EVERYWHERE = ("unet sat", "vnet sat 3-D")
CASES = [name if name in EVERYWHERE else pytest.param(name, marks=ON_TORCH) for name in NETWORKS]


@pytest.mark.parametrize("name", CASES)
def test_a_pruned_network_computes_what_the_masked_one_does(name):
    model, shape = network(name)
    dropped, images = a_third(model), np.random.default_rng(1).random((2, *shape), "float32")
    small, mask = prune(model, dropped), masked(model, dropped)
    whole = outputs(model, images)
    np.testing.assert_allclose(outputs(small, images), outputs(mask, images), atol=1e-5 * max(1, np.abs(whole).max()))
    assert np.abs(outputs(small, images) - whole).max() > 1e-3
    assert small.count_params() < 0.8 * model.count_params()
    assert mask.count_params() == model.count_params()
    sized = expand(model, (1, *shape))
    found = Channels(sized)
    assert found.macs() == macs(model, shape[:-1])
    assert found.macs(found.gone(dropped)) == macs(small, shape[:-1])


def unet_parameters(widths, rank=3, inputs=1, classes=2):
    """Parameters that are trained of a U-Net with conv-relu-norm blocks, by hand: widths by layer."""

    def block(given, name):
        total = 0
        for i in range(2):
            made = widths[f"{name}_block_conv{i}"]
            total, given = total + 3**rank * given * made + made + 2 * made, made
        return total, given

    total, given, kept = 0, inputs, []
    for level in range(2):
        own, given = block(given, f"enc{level}")
        total, kept = total + own, [*kept, given]
    own, given = block(given, "mid")
    total += own
    for level in (1, 0):
        up = widths[f"dec{level}_up"]
        total += 2**rank * given * up + up
        own, given = block(up + kept[level], f"dec{level}")
        total += own
    return total + given * classes + classes


@ON_TORCH
def test_every_step_has_the_parameters_that_the_arithmetic_says():
    model = network("unet 3-D")[0]
    random = np.random.default_rng(0)
    for _ in range(12):
        found = Channels(expand(model))
        widths = {layer: len(numbers) for layer, numbers in found.made_by().items()}
        trained = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
        assert trained == unet_parameters(widths)
        layer = random.choice([layer for layer, count in widths.items() if count > 2 and layer != "head"])
        model = prune(model, {layer: [int(random.integers(widths[layer]))]})
        assert len(Channels(model).made_by()[layer]) == widths[layer] - 1


def test_the_optimizer_goes_on_with_the_slots_that_are_left():
    model, shape = network("unet sat")
    model.compile(keras.optimizers.AdamW(1e-3, weight_decay=0.0), "binary_crossentropy")
    random = np.random.default_rng(2)
    images, masks = random.random((4, *shape), "float32"), random.integers(0, 2, (4, *shape[:2], 1)).astype("float32")
    for _ in range(3):
        model.train_on_batch(images, masks)
    before = {slot.name: keras.ops.convert_to_numpy(slot) for slot in model.optimizer.variables}
    dropped = {"enc1_block_conv0": [0, 5, 6], "dec0_up": [1]}
    small = prune(model, dropped)
    after = {slot.name: keras.ops.convert_to_numpy(slot) for slot in small.optimizer.variables}
    assert int(after["iteration"]) == 3
    kept = np.delete(np.arange(16), dropped["enc1_block_conv0"])
    name = "enc1_block_conv0_kernel_momentum"
    np.testing.assert_array_equal(after[name], before[name][..., kept])
    assert np.abs(after[name]).max() > 0
    name = "enc1_block_conv1_kernel_velocity"
    np.testing.assert_array_equal(after[name], before[name][:, :, kept])
    name = "dec0_up_kernel_momentum"
    np.testing.assert_array_equal(after[name], np.delete(before[name], 1, axis=2))
    small.train_on_batch(images, masks)
    assert int(small.optimizer.iterations) == 4


@ON_TORCH
def test_the_model_is_not_changed():
    model, _ = network("unet")
    before = [keras.ops.convert_to_numpy(weight).copy() for weight in model.weights]
    masked(model, {"enc0_block_conv0": [0]})
    prune(model, {"enc0_block_conv0": [0]})
    for weight, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(weight), value)


@ON_TORCH
def test_channels_that_are_added_go_together():
    found = Channels(expand(network("vnet")[0]))
    made = found.made_by()
    np.testing.assert_array_equal(made["enc0_down_conv"], made["enc1_stage_conv1"])
    assert not set(made["enc1_stage_conv0"].tolist()) & set(made["enc1_stage_conv1"].tolist())


@ON_TORCH
@pytest.mark.parametrize(
    ("dropped", "says"),
    [
        ({"enc0_block_conv0": range(8)}, "enc0_block_conv0 must keep a channel. Received: all 8 dropped"),
        ({"enc9_block_conv0": [0]}, "channels must name layers that make channels: enc0_block_conv0, .*Received: 'enc9"),
        ({"enc0_block_conv0": [8]}, r"channels of enc0_block_conv0 must be integers from 0 to 7. Received: \[8\]"),
        ({"enc0_block_conv0": [-1]}, r"from 0 to 7. Received: \[-1\]"),
        ({"enc0_block_conv0": [0.5]}, r"from 0 to 7. Received: \[0.5\]"),
        ({"head": [0]}, "channel 0 of head cannot be pruned: its values are the network's output"),
    ],
)
def test_says_what_cannot_be_pruned(dropped, says):
    with pytest.raises(ValueError, match=says):
        prune(network("unet")[0], dropped)


@ON_TORCH
def test_says_what_mixes_channels():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.LayerNormalization(name="norm")(keras.layers.Conv2D(4, 3, name="first")(inputs))
    model = keras.Model(inputs, keras.layers.Conv2D(1, 3)(x))
    with pytest.raises(ValueError, match=r"channel 2 of first cannot be pruned: its values are mixed by norm, a Layer"):
        prune(model, {"first": [2]})


def test_refuses_what_is_no_graph():
    class Own(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(ValueError, match=r"functional or sequential keras.Model that has been built. Received: Own"):
        prune(Own(), {"a": [0]})


@ON_TORCH
def test_says_which_optimizers_do():
    model, shape = network("unet st")
    model.compile(keras.optimizers.Adafactor(1e-3), "binary_crossentropy")
    model.train_on_batch(np.zeros((1, *shape), "float32"), np.zeros((1, *shape[:2], 1), "float32"))
    with pytest.raises(ValueError, match=r"slots of the shapes of the weights, as Adam.*Received: Adafactor"):
        prune(model, {"enc0_block_conv0": [0]})
