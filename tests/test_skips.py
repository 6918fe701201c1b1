import dataclasses

import keras
import numpy as np
import pytest

from keras_unetmm import skips
from keras_unetmm.analysis import skip_memory
from keras_unetmm.layers import Select
from keras_unetmm.models import DI2IN, MSCANMatting, NAFNet, NAFNetUNetMinus, SUNet, Tiramisu, UNet

SMALL = {"width": 8, "encoder_depths": (1, 1), "middle_depth": 1, "decoder_depths": (1, 1)}


@pytest.mark.parametrize(
    ("kind", "fused"),
    [("full", 2), ("none", 0), ("st", 2), (skips.Only(1), 1), (skips.Only((0, 1)), 2), (skips.UNetMinusMinus((2, 2)), 2)],
    ids=["full", "none", "st", "only", "two", "unet--"],
)
def test_every_kind_fits_a_network(kind, fused):
    model = NAFNet(**SMALL, skips=kind)
    assert sum(layer.name.endswith("_fuse") for layer in model.layers) == fused
    assert model(np.zeros((1, 8, 12, 3), "float32")).shape == (1, 8, 12, 3)


def test_names_are_resolved():
    assert skips.get("full") == skips.Full()
    assert skips.get("none") == skips.NoSkip()
    assert skips.get("unet--") == skips.UNetMinusMinus()
    assert (skips.get("sat"), skips.get("at"), skips.get("st")) == (skips.SAT(), skips.AT(), skips.ST())
    assert skips.get(skips.Only(2)) == skips.Only(level=2)


def starts(model):
    """The weights of all that selects channels."""
    parts = [layer for layer in model._flatten_layers() if isinstance(layer, Select)]
    return [keras.ops.convert_to_numpy(part.weight) for part in parts]


NETWORKS = {
    "U-Net": lambda gates: UNet("mcu_width8", levels=3, skips=gates),
    "SUNet": lambda gates: SUNet("mcu_filters16", modules=(1, 1, 1, 1), classes=2, skips=gates),
    "Tiramisu": lambda gates: Tiramisu(growth=3, depths=(3, 3), channels=4, classes=2, skips=gates, dense_skips=gates),
}


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("kind", [skips.SAT, skips.ST])
def test_where_selecting_starts_reaches_every_gate(network, kind):
    keras.utils.set_random_seed(0)
    for initializer, want in ((0.25, 0.25), ("ones", 1.0), (keras.initializers.Constant(-0.5), -0.5)):
        found = starts(NETWORKS[network](kind(initializer=initializer)))
        assert len(found) >= 2
        assert all((values == want).all() for values in found)
    for gates in (kind(), kind.__name__.lower(), kind(keras.initializers.GlorotUniform())):
        found = starts(NETWORKS[network](gates))
        assert all((np.abs(values) <= (3 / values.size) ** 0.5).all() for values in found)
        assert 0 < np.mean(np.concatenate(found) <= 0) < 1
        assert not any(np.array_equal(found[0], values) for values in found[1:] if values.shape == found[0].shape)


@pytest.mark.parametrize("kind", [skips.SAT, skips.ST])
def test_an_unknown_start_is_refused(kind):
    with pytest.raises(ValueError, match=r"initializer must be a name or object of keras\.initializers.*'glorot'"):
        kind(initializer="glorot")
    for wrong in (skips.Only(0), skips.UNetMinusMinus(), "sum"):
        with pytest.raises(ValueError, match="dense_skips must be one of 'full', 'sat', 'at', 'st'"):
            Tiramisu(dense_skips=wrong)


@pytest.mark.parametrize("level", [0, 1, 2, 3, None])
def test_all_target_resolutions(level):
    reductions = (1, 1, 1, 2)  # leave enough channels to shuffle up to full resolution
    model = NAFNetUNetMinus("mcu_width16", reductions=reductions, level=level, input_shape=(32, 48, 3))
    shared = model.get_layer("skips_share").output.shape
    factor = 2 ** (3 if level is None else level)
    assert shared[1:3] == (32 // factor, 48 // factor)
    assert NAFNetUNetMinus("mcu_width16", reductions=reductions, level=level).output_shape == (None, None, None, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"skips": "sum"},
            r"skips must be one of 'full', 'none', 'unet--', 'sat', 'at', 'st' or an object.*'sum'",
        ),
        ({"skips": 3}, r"Received: 3"),
        ({"skips": skips.Only(2)}, r"level must lie between 0 \(full resolution\) and 1\. Received: 2"),
        ({"skips": skips.UNetMinusMinus()}, r"each of the network's 2 levels\. Received: reductions=\(16, 16, 16, 8\)"),
        ({"skips": "sat"}, r"needs 16 channels of them\. Received: 1 channels, as skips='sat'.*Use 'st'"),
        ({"skips": skips.UNetMinusMinus((16, 8))}, r"multiple of 16\. Received: 8 channels"),
        ({"skips": skips.UNetMinusMinus((8, 8), level=0)}, r"multiple of 32\. Received: 16 channels"),
    ],
    ids=["name", "type", "level", "reductions", "sat", "channels", "figure 3c"],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        NAFNet(**SMALL, **arguments)


def test_unknown_options_are_refused_at_once():
    with pytest.raises(ValueError, match="header must be one of"):
        skips.UNetMinusMinus(header="big")
    with pytest.raises(ValueError, match="norm must be one of"):
        skips.UNetMinusMinus(norm="group")
    for reductions in (4, (), (2, 0), (2.0, 2), "22"):
        with pytest.raises(ValueError, match="reductions must be a tuple of positive integers"):
            NAFNetUNetMinus(reductions=reductions)
    with pytest.raises(ValueError, match=r"level must be an integer.*Received: 'a'"):
        NAFNetUNetMinus(level="a")
    assert skips.UNetMinusMinus([2, 2]) == skips.UNetMinusMinus((2, 2))


@pytest.mark.parametrize("kind", [skips.NoSkip(input_skip=True), skips.UNetMinusMinus((2, 2), input_skip=True)])
def test_an_input_skip_is_a_convolution_of_the_input_in_the_last_stage(kind):
    for model in (
        NAFNet(**SMALL, skips=kind),
        UNet("mcu_width8", channels=4, levels=3, skips=kind),
        DI2IN("mcu_width8", levels=2, rank=2, skips=kind),
    ):
        convolution = model.get_layer("input_skip")
        assert convolution.kernel.shape[:3] == (3, 3, 3)
        assert convolution.input.shape == model.input_shape
        assert model.get_layer("dec0_input").output.shape == convolution.output.shape
        other = model.get_layer("dec0_input").input[0]._keras_history.operation.name
        assert other.endswith("_fuse") == (kind.__class__ is skips.UNetMinusMinus)
    plain = NAFNet(**SMALL, skips=plain_kind(kind))
    assert "input_skip" not in [layer.name for layer in plain.layers]
    assert skip_memory(NAFNet(**SMALL, skips=kind, input_shape=(16, 16, 3))) == skip_memory(
        NAFNet(**SMALL, skips=plain_kind(kind), input_shape=(16, 16, 3))
    )


def plain_kind(kind):
    return dataclasses.replace(kind, input_skip=False)


def test_an_input_skip_of_volumes():
    model = UNet("cicek2016", channels=4, levels=2, skips=skips.NoSkip(input_skip=True), input_shape=(4, 4, 4, 1))
    assert model.get_layer("input_skip").kernel.shape == (3, 3, 3, 1, 8)


def test_an_input_skip_is_refused_where_it_has_no_place():
    kind = skips.NoSkip(input_skip=True)
    with pytest.raises(ValueError, match=r"not the resolution of its input\. Received: skips with input_skip=True"):
        MSCANMatting("mcu_width16", skips=kind)
    with pytest.raises(ValueError, match="input_skip"):
        SUNet("mcu_filters16", classes=10, skips=kind)
    with pytest.raises(ValueError, match=r"input_skip must be True or False\. Received: 1"):
        skips.UNetMinusMinus(input_skip=1)


def test_volumes_are_not_shuffled():
    with pytest.raises(ValueError, match=r"two spatial dimensions\. Received: a map of shape .* Use skips='sat'"):
        skips.UNetMinusMinus((2, 2)).keep(np.zeros((1, 4, 4, 4, 8)), 0, 2)
