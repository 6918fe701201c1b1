import keras
import numpy as np
import pytest
import reference
import segmenters
import torch
from checks import called, randomize
from segmenters import parameters

from benchmarks import pytorch_unet
from keras_unetmm.graph.abstract_build import abstract_build
from keras_unetmm.models import UNet

SMALL = {"channels": 4, "levels": 3}


@pytest.mark.parametrize(
    ("variant", "count"),
    [
        ("ronneberger2015", 31_030_658),
        ("harp_width4", 353_954),
        ("harp_width3", 199_340),
        ("harp_width2", 88_810),
        ("ct_width24", 4_802_546),
        ("mcu_width8", 121_529),
    ],
)
def test_parameters_are_the_published_ones(variant, count):
    assert parameters(UNet, variant) == count


def test_parameters_of_cicek_are_the_published_ones_without_batch_norm():
    channels = (32, 64, 64, 128, 128, 256, 256, 512, 256, 256, 128, 128, 64, 64)
    assert parameters(UNet, "cicek2016") == 19_069_955 + 2 * sum(channels)


@pytest.mark.parametrize(("rank", "printed"), [(3, 574_103), (2, 191_063)])
def test_gates_save_what_SAT_prints(rank, printed):
    skips, kernel = (32, 64, 128), 3**rank
    network = {"variant": "cicek2016", "rank": rank, "channels": 32}
    saved = parameters(UNet, **network) - parameters(UNet, **network, skips="sat")
    assert saved == kernel * sum((c - 1) * c for c in skips) - sum(2 * c + 1 for c in skips)
    # the paper's gates have 2C + 3 parameters, ours 2C + 1: a batch norm of the attention map has a gamma and a beta
    assert saved - 2 * len(skips) == printed


@pytest.mark.parametrize("skips", ["full", "sat"])
@pytest.mark.parametrize(
    ("variant", "rank", "order", "up_bias"),
    [
        ("ronneberger2015", 2, "conv-relu", True),
        ("cicek2016", 3, "conv-norm-relu", False),
        ("harp_width4", 3, "conv-relu-norm", True),
    ],
)
def test_small_network_equals_the_equations_in_float64(variant, rank, order, up_bias, skips):
    model = randomize(UNet(variant, **SMALL, rank=rank, skips=skips))
    weights = reference.Weights(model)
    x = np.random.default_rng(0).random((2, *(8, 12, 4)[:rank], model.input_shape[-1]))
    want = segmenters.unet(weights, x, 3, 2, order, up_bias, skips == "sat")
    assert weights.used == set(weights.values)
    np.testing.assert_allclose(called(model, x), want, atol=1e-5)


@pytest.mark.parametrize("sat", [False, True])
def test_network_equals_a_plain_PyTorch_one_with_its_weights_in_order(sat):
    peer = pytorch_unet.UNet(channels=4, levels=4, sat=sat).eval()
    model = UNet("ronneberger2015", channels=4, levels=4, activation=None, skips="sat" if sat else "full")
    gates = [model.get_layer(f"skip{level}_keep") for level in range(3)] if sat else []
    for gate, module in zip(gates, peer.gates if sat else (), strict=True):
        torch.nn.init.uniform_(module.weight, -0.5, 1.5)
        attend = [module.attend.weight.detach().numpy().transpose(2, 3, 1, 0), module.attend.bias.detach().numpy()]
        gate.set_weights([module.weight.detach().numpy().ravel(), *attend])
    ups = [layer for layer in model.layers if layer.name.endswith("_up")]
    mine = [layer for layer in model.layers if layer.weights and layer not in (*ups, *gates)]
    outside = [module for name, module in peer.named_modules() if not name.startswith("gates")]
    theirs = [module for module in outside if isinstance(module, torch.nn.Conv2d)]
    kernels = [weight.detach().numpy().transpose(2, 3, 1, 0) for weight in (module.weight for module in theirs)]
    weights = [w for k, m in zip(kernels, theirs, strict=True) for w in (k, m.bias.detach().numpy())]
    for layer in mine:
        layer.set_weights([weights.pop(0) for _ in layer.weights])
    for layer, module in zip(ups, peer.ups, strict=True):
        layer.set_weights([module.weight.detach().numpy().transpose(2, 3, 1, 0), module.bias.detach().numpy()])
    assert not weights
    x = np.random.default_rng(0).random((2, 16, 24, 1)).astype("float32")
    want = peer(torch.from_numpy(x.transpose(0, 3, 1, 2).copy())).detach().numpy().transpose(0, 2, 3, 1)
    np.testing.assert_allclose(called(model, x), want, atol=1e-5)


def test_rows_differ_as_published():
    def outputs(model, layer):
        return [part.filters for part in model.get_layer(layer).parts if hasattr(part, "filters")]

    cicek, ct = abstract_build(UNet, "cicek2016"), abstract_build(UNet, "ct_width24")
    assert outputs(cicek, "enc2_block") == [128, 256]
    assert outputs(cicek, "mid_block") == [256, 512]
    assert outputs(cicek, "dec2_block") == [256, 256]
    assert (cicek.get_layer("dec2_up").filters, cicek.get_layer("dec2_up").use_bias) == (512, False)
    assert outputs(ct, "mid_block") == [192, 192, 192]
    assert ct.get_layer("dec2_up").filters == 96


def test_dropout_lies_on_the_two_coarsest_maps():
    model = abstract_build(UNet)
    rates = {layer.name: layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)}
    assert rates == {"enc3_dropout": 0.5, "mid_dropout": 0.5}
    assert not any(isinstance(layer, keras.layers.Dropout) for layer in abstract_build(UNet, "mcu_width8").layers)


@pytest.mark.parametrize(("up", "kind"), [("nearest", "UpSampling2D"), ("keeping", "Conv2DTranspose")])
def test_other_upsampling(up, kind):
    model = abstract_build(UNet, "mcu_width8", **SMALL, up=up, input_shape=(8, 12, 3))
    assert type(model.get_layer("dec0_up")).__name__ == kind
    assert model.get_layer("dec0_fuse").output.shape == (None, 8, 12, 8 + 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"order": "relu-conv"}, r"order must be one of 'conv-relu', .*Received: 'relu-conv'"),
        ({"up": "bilinear"}, r"up must be one of 'halving', 'keeping', 'nearest'\. Received: 'bilinear'"),
        ({"levels": 0}, r"levels must be a positive integer\. Received: 0"),
        ({"dropout": 1.0}, r"dropout must be a rate of at least 0 and below 1\. Received: 1\.0"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        UNet("mcu_width8", **arguments)
