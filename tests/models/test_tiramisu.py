import re

import numpy as np
import pytest
import reference
import segmenters
from checks import called, randomize
from segmenters import parameters

from keras_unetmm.graph.abstract_build import abstract_build
from keras_unetmm.models import Tiramisu
from keras_unetmm.models.tiramisu import VARIANTS


@pytest.mark.parametrize(
    ("variant", "trained", "everything"),
    [
        ("fc_densenet56", 1_376_795, 1_397_963),  # the paper prints 1.5M
        ("fc_densenet67", 3_463_243, 3_502_923),  # 3.5M
        ("fc_densenet103", 9_322_091, 9_425_163),  # 9.4M
    ],
)
def test_parameters_with_11_classes(variant, trained, everything):
    assert parameters(Tiramisu, variant) == trained
    assert parameters(Tiramisu, variant, everything=True) == everything


@pytest.mark.parametrize("variant", list(VARIANTS))
def test_the_name_counts_the_convolutions(variant):
    row = VARIANTS[variant]
    levels = len(row.depths) - 1
    convolutions = 1 + 2 * sum(row.depths[:-1]) + row.depths[-1] + 2 * levels + 1
    assert variant == f"fc_densenet{convolutions}"


def test_channels_of_the_hundred_layers_are_those_of_table_2():
    model = abstract_build(Tiramisu, "fc_densenet103")
    assert [model.get_layer(f"enc{i}_block").output.shape[-1] for i in range(5)] == [112, 192, 304, 464, 656]
    assert model.get_layer("enc4_down").output.shape[-1] + model.get_layer("mid_block").output.shape[-1] == 896
    fused = [model.get_layer(f"dec{i}_fuse").output.shape[-1] for i in (4, 3, 2, 1, 0)]
    after = [channels + 16 * depth for channels, depth in zip(fused, (12, 10, 7, 5, 4), strict=True)]
    assert after == [1088, 816, 576, 384, 256]  # the table has a misprint, 578


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize(("skips", "dense"), [("full", "full"), ("full", "sat"), ("sat", "sat")])
def test_small_network_equals_the_equations_in_float64(rank, skips, dense):
    depths = (2, 1, 3)
    model = Tiramisu(growth=3, depths=depths, channels=4, rank=rank, skips=skips, dense_skips=dense, classes=3)
    weights = reference.Weights(randomize(model))
    x = np.random.default_rng(0).random((2, *(8, 12, 4)[:rank], 3))
    want = segmenters.tiramisu(weights, x, depths, skips == "sat", dense == "sat")
    assert weights.used == set(weights.values)
    np.testing.assert_allclose(called(model, x), want, atol=1e-5)


def test_gates_inside_blocks_save_parameters():
    full = parameters(Tiramisu, "fc_densenet56")
    dense = parameters(Tiramisu, "fc_densenet56", dense_skips="sat")
    both = parameters(Tiramisu, "fc_densenet56", skips="sat", dense_skips="sat")
    assert full > dense > both == 510_752


def test_dropout_of_a_row_is_0_2():
    model = abstract_build(Tiramisu, growth=2, depths=(1, 1), channels=4)
    assert model.get_layer("enc0_block").dense[0].drop.rate == 0.2
    assert model.get_layer("enc0_down").dense.drop.rate == 0.2


@pytest.mark.parametrize("gates", ["unet--", "none", None, ["sat"]], ids=str)
def test_an_unknown_gate_is_refused(gates):
    with pytest.raises(ValueError, match=rf"dense_skips must be one of .*Received: {re.escape(repr(gates))}"):
        Tiramisu(dense_skips=gates)
