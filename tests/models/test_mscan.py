import keras
import numpy as np
import peers
import pytest
import torch
from checks import called, randomize
from segmenters import parameters

from benchmarks import pytorch_mscan
from keras_unetmm import models
from keras_unetmm.graph.abstract_build import abstract_build
from keras_unetmm.layers import MSCANBlock
from keras_unetmm.models.mscan import VARIANTS

SMALL = {"channels": (4, 6, 5, 8), "depths": (1, 2, 1, 1), "expansions": (3, 2, 2, 1)}


def images(*shape, seed=0):
    return np.random.default_rng(seed).random(shape).astype("float32")


def block(channels, expansion):
    inputs = keras.Input((4, 4, channels))
    return keras.Model(inputs, MSCANBlock(expansion)(inputs))


def test_parameters_of_tiny_as_it_is():
    assert parameters(models.MSCAN) == 3_903_584


@pytest.mark.parametrize(
    ("variant", "count", "printed"),
    [
        ("tiny", 3_903_584, 4.2),
        ("small", 13_450_176, 14.0),
        ("base", 26_277_824, 26.8),
        ("large", 44_636_864, 45.2),
        ("mcu_width16", 255_536, None),
    ],
)
def test_parameters_are_the_published_ones(variant, count, printed):
    """Those of a network with one block a stage, and of every further block."""
    row = VARIANTS[variant]
    total = parameters(models.MSCAN, variant, depths=(1,) * 4)
    for channels, depth, expansion in zip(row.channels, row.depths, row.expansions, strict=True):
        total += (depth - 1) * parameters(block, channels, expansion)
    assert total == count
    if printed:  # with the classifier, in millions
        assert abs((count + 1000 * VARIANTS[variant].channels[-1] + 1000) / 1e6 - printed) <= 0.051


@pytest.mark.parametrize("size", [(64, 96), (45, 70)], ids=["divides", "rounded up"])
def test_all_maps_equal_those_of_a_plain_PyTorch_network(size):
    peer = peers.randomized(pytorch_mscan.MSCAN(*SMALL.values()))
    with torch.no_grad():
        for module in peer.modules():
            if isinstance(module, pytorch_mscan.Scale):
                module.weight.uniform_(0.5, 1.5)
    model = models.MSCAN(**SMALL)
    model.set_weights([w.reshape(v.shape) for w, v in zip(peers.weights(peer), model.weights, strict=True)])
    x = images(2, *size, 3)
    maps = keras.Model(model.input, model.pyramid_outputs)(x, training=False)
    with torch.no_grad():
        want = peer(torch.from_numpy(x.transpose(0, 3, 1, 2).copy()))
    assert list(maps) == ["P2", "P3", "P4", "P5"]
    for got, expected in zip(maps.values(), want, strict=True):
        np.testing.assert_allclose(keras.ops.convert_to_numpy(got), expected.numpy().transpose(0, 2, 3, 1), atol=1e-4)
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(model(x, training=False)), keras.ops.convert_to_numpy(maps["P5"])
    )


def test_maps_by_the_names_of_layers():
    model = abstract_build(models.MSCAN, "tiny", input_shape=(64, 96, 3))
    shapes = [model.get_layer(f"enc{level}_norm").output.shape[1:] for level in range(4)]
    assert shapes == [(16, 24, 32), (8, 12, 64), (4, 6, 160), (2, 3, 256)]
    assert [x.shape[1:] for x in model.pyramid_outputs.values()] == shapes
    assert model.get_layer("enc0_norm").epsilon == 1e-5
    assert (model.name, model.output_shape) == ("mscan_tiny", (None, 2, 3, 256))


@pytest.mark.parametrize(("variant", "last"), [("tiny", 0.1), ("mcu_width16", 0.0)])
def test_drop_path_grows_linearly(variant, last):
    model = abstract_build(models.MSCAN, variant)
    rates = [layer.drop_path for layer in model.layers if "_block" in layer.name]
    np.testing.assert_allclose(rates, np.linspace(0, last, sum(VARIANTS[variant].depths)))


def test_entries_of_a_row_can_be_replaced():
    changes = {"depths": (1, 2, 1, 1), "activation": "gelu", "norm": "layer", "drop_path": 0.4}
    model = abstract_build(models.MSCAN, "mcu_width16", **changes)
    assert isinstance(model.get_layer("enc3_norm"), keras.layers.LayerNormalization)
    block = model.get_layer("enc1_block1")
    assert (block.activation, block.drop_path, block.expansion) == ("gelu", 0.2, 4)
    as_it_is = abstract_build(models.MSCAN, "mcu_width16")
    assert isinstance(as_it_is.get_layer("enc3_norm"), keras.layers.BatchNormalization)


def test_static_and_open_sizes_agree():
    model = randomize(models.MSCAN(**SMALL, input_shape=(None, None, 1)))
    fixed = models.MSCAN(**SMALL, input_shape=(45, 70, 1))
    fixed.set_weights(model.get_weights())
    x = images(2, 45, 70, 1)
    assert fixed.output_shape == (None, 2, 3, 8)
    np.testing.assert_allclose(called(fixed, x), called(model, x), atol=1e-5)


def test_save_and_load(tmp_path):
    model = randomize(models.MSCAN(**SMALL))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    x = images(1, 32, 64, 3)
    np.testing.assert_array_equal(called(again, x), called(model, x))
    assert again.get_layer("enc1_norm").output.shape == (None, None, None, 6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"variant": "mini"}, r"variant must be one of 'tiny', 'small', .*Received: 'mini'"),
        ({"variant": ["tiny"]}, r"variant must be one of"),
        (
            {"channels": (32, 64)},
            r"channels must be a tuple of 4 positive integers.*Received: \(32, 64\).*\(32, 64, 160, 256\)",
        ),
        ({"channels": (33, 64, 160, 256)}, r"must be even.*Received: 33\. Use 32 or 34"),
        ({"depths": (1, 1, 1, 0)}, r"depths must be a tuple of 4 positive integers"),
        ({"expansions": 4}, r"expansions must be a tuple of 4 positive integers.*Received: 4\."),
        ({"drop_path": 1.0}, r"drop_path must be a rate of at least 0 and below 1\. Received: 1\.0"),
        ({"drop_path": "0.1"}, r"drop_path must be a rate"),
        ({"activation": "swish"}, r"activation must be one of 'gelu', 'relu'\. Received: 'swish'"),
        ({"norm": "group"}, r"norm must be one of 'layer', 'batch'\. Received: 'group'"),
        ({"input_shape": (64, 64)}, r"input_shape must be \(height, width, channels\).*Received: \(64, 64\)"),
        ({"input_shape": (64, 0, 3)}, r"input_shape must be"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        models.MSCAN(**arguments)


def test_a_wrong_rank_is_refused_at_the_call():
    with pytest.raises(ValueError, match="incompatible"):
        models.MSCAN(**SMALL)(np.zeros((32, 32, 3), "float32"))
