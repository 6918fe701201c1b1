import dataclasses

import keras
import numpy as np
import pytest
from checks import ON_TORCH

from keras_unetmm import skips
from keras_unetmm.analysis import skip_memory
from keras_unetmm.graph.abstract_build import abstract_build
from keras_unetmm.layers import Select
from keras_unetmm.models import DI2IN, MSCANMatting, NAFNet, NAFNetUNetMinus, SUNet, Tiramisu, UNet

SMALL = {"width": 8, "encoder_depths": (1, 1), "middle_depth": 1, "decoder_depths": (1, 1)}


@pytest.mark.parametrize(
    ("kind", "fused"),
    [("full", 2), ("none", 0), ("st", 2), (skips.Only(1), 1), (skips.Only((0, 1)), 2), (skips.UNetMinusMinus((2, 2)), 2)],
    ids=["full", "none", "st", "only", "two", "unet--"],
)
def test_every_kind_fits_a_network(kind, fused):
    model = abstract_build(NAFNet, **SMALL, skips=kind)
    assert sum(layer.name.endswith("_fuse") for layer in model.layers) == fused
    assert model.output_shape == (None, None, None, 3)


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


@ON_TORCH  # where a gate itself starts, its own tests ask on every backend
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
    row = {"variant": "mcu_width16", "reductions": reductions, "level": level}
    model = abstract_build(NAFNetUNetMinus, **row, input_shape=(32, 48, 3))
    shared = model.get_layer("skips_share").output.shape
    factor = 2 ** (3 if level is None else level)
    assert shared[1:3] == (32 // factor, 48 // factor)
    assert abstract_build(NAFNetUNetMinus, **row).output_shape == (None, None, None, 3)


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
        abstract_build(NAFNet, **SMALL, skips=kind),
        abstract_build(UNet, "mcu_width8", channels=4, levels=3, skips=kind),
        abstract_build(DI2IN, "mcu_width8", levels=2, rank=2, skips=kind),
    ):
        convolution = model.get_layer("input_skip")
        assert convolution.kernel.shape[:3] == (3, 3, 3)
        assert convolution.input.shape == model.input_shape
        assert model.get_layer("dec0_input").output.shape == convolution.output.shape
        other = model.get_layer("dec0_input").input[0]._keras_history.operation.name
        assert other.endswith("_fuse") == (kind.__class__ is skips.UNetMinusMinus)
    one, plain = (
        abstract_build(NAFNet, **SMALL, skips=each, input_shape=(16, 16, 3))
        for each in (kind, dataclasses.replace(kind, input_skip=False))
    )
    assert "input_skip" not in [layer.name for layer in plain.layers]
    assert skip_memory(one) == skip_memory(plain)


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


MIXED = ("sat", "full", "unet--")


def test_a_mix_has_its_own_kind_at_each_level():
    model = UNet("mcu_width8", input_shape=(32, 48, 3), skips=("st", "none", skips.UNetMinusMinus((4,))))
    kinds = {layer.name: type(layer).__name__ for layer in model.layers if layer.name.startswith("skip")}
    assert kinds == {"skip0_keep": "Select", "skip2_keep": "StageReduction", "skips_share": "Aggregation"} | {
        "skip2_restore": "IEM"
    }
    assert skip_memory(model) == 32 * 48 * 8 + 8 * 12 * 8
    assert model(np.zeros((1, 32, 48, 3), "float32")).shape == (1, 32, 48, 1)


def test_levels_of_unet_minus_minus_in_a_mix_share_one_map(tmp_path):
    model = UNet("mcu_width8", input_shape=(32, 48, 3), skips=["unet--", "full", "unet--"])
    shared = model.get_layer("skips_share")
    assert [tuple(x.shape[1:3]) for x in shared.input] == [(8, 12), (8, 12)]
    assert model.get_layer("skip0_restore").input is model.get_layer("skip2_restore").input
    assert shared.output.shape[-1] % 16 == 0
    assert "skip1_keep" not in [layer.name for layer in model.layers]
    assert skip_memory(model) == 8 * 12 * shared.output.shape[-1] + 16 * 24 * 16
    model.save(tmp_path / "mixed.keras")
    image = np.random.default_rng(0).random((1, 32, 48, 3)).astype("float32")
    loaded = keras.models.load_model(tmp_path / "mixed.keras", compile=False)
    np.testing.assert_allclose(*(keras.ops.convert_to_numpy(each(image)) for each in (model, loaded)), atol=1e-6)


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        (("sat", "full"), r"skips must be one kind for each of the network's 3 levels, finest first\. Received: 2"),
        (("sat", "full", "sum"), r"skips must be one of 'full'.*a tuple of these, one a level\. Received: 'sum'"),
        (("sat", MIXED, "full"), "Received: a mix within a mix"),
        (("unet--", skips.UNetMinusMinus((4, 4)), "full"), "one kind of UNetMinusMinus"),
        (
            ("full", "full", skips.UNetMinusMinus((5,))),
            r"multiple of 5\. Received: 32 .*fit are reductions=\(4,\)",
        ),
    ],
)
def test_a_mix_that_does_not_fit_is_refused(kinds, message):
    with pytest.raises(ValueError, match=message):
        UNet("mcu_width8", skips=kinds)


def test_names_of_a_mix_are_resolved():
    assert skips.get(MIXED) == skips.Mixed((skips.SAT(), skips.Full(), skips.UNetMinusMinus()))
    with pytest.raises(ValueError, match=r"Received: \(\)"):
        skips.get(())


def test_the_papers_ratios_adapt_to_the_network_and_others_are_refused_by_what_fits():
    for build in (
        lambda kind: abstract_build(UNet, "mcu_width8", skips=kind),
        lambda kind: abstract_build(NAFNet, **SMALL, skips=kind),
    ):
        model = build("unet--")
        assert model.get_layer("skips_share") is not None
        with pytest.raises(ValueError, match=r"The nearest that fit are reductions=") as refused:
            build(skips.UNetMinusMinus())
        named = tuple(map(int, str(refused.value).split("reductions=(")[-1].split(")")[0].split(",")))
        assert build(skips.UNetMinusMinus(named)).count_params() == model.count_params()


def test_figure_3c_is_refused_by_ratios_that_fit():
    network = {"width": 32, "encoder_depths": (0,) * 4, "middle_depth": 0, "decoder_depths": (0,) * 4}
    with pytest.raises(ValueError, match=r"multiple of 256\. Received: 128 .*nearest that fit") as refused:
        abstract_build(NAFNet, **network, skips=skips.UNetMinusMinus(level=0))
    named = tuple(map(int, str(refused.value).split("reductions=(")[-1].split(")")[0].split(",")))
    model = abstract_build(NAFNet, **network, skips=skips.UNetMinusMinus(named, level=0), input_shape=(16, 16, 3))
    assert model.get_layer("skips_share").output.shape[1:3] == (16, 16)


def test_a_penalty_for_channels_that_are_on_is_a_loss_and_switches_them_off():
    plain, penalized = (UNet("mcu_width8", levels=2, skips=skips.SAT(0.2, sparsity=sparsity)) for sparsity in (0.0, 0.5))
    assert plain.losses == []
    np.testing.assert_allclose(keras.ops.convert_to_numpy(penalized.losses[0]), 0.5 * 8 * 0.2, rtol=1e-6)
    penalized.compile(keras.optimizers.SGD(0.5), "mse")
    penalized.train_on_batch(np.zeros((1, 4, 4, 3), "float32"), np.zeros((1, 4, 4, 1), "float32"))
    assert (starts(penalized)[0] <= 0).all()


@pytest.mark.parametrize("network", NETWORKS)
def test_penalty_and_activation_reach_every_gate(network, tmp_path):
    model = NETWORKS[network](skips.SAT(activation="hard_sigmoid", sparsity=1e-3))
    gates = [part for part in model._flatten_layers() if isinstance(part, Select)]
    assert len(gates) >= 2
    assert {(gate.activation, gate.sparsity) for gate in gates} == {("hard_sigmoid", 1e-3)}
    assert len(model.losses) == len(gates)


def test_unknown_activations_and_penalties_are_refused():
    with pytest.raises(ValueError, match=r"activation must be one of 'truncated_relu', .*Received: 'relu'"):
        skips.SAT(activation="relu")
    for sparsity in (-1e-3, float("nan"), True, "1"):
        with pytest.raises(ValueError, match=r"sparsity must be a finite number of at least 0\. Received: "):
            skips.ST(sparsity=sparsity)
