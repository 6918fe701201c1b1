import numpy as np
import peers
import pytest
import reference
import segmenters
from checks import called, randomize
from segmenters import parameters

from benchmarks import pytorch_lunet
from keras_unetmm.graph.abstract_build import abstract_build
from keras_unetmm.models import LUnet


@pytest.mark.parametrize(
    ("variant", "count"),
    [
        ("harp_width4", 10_702),
        ("harp_width2", 2_772),
        ("harp_width8", 42_042),
        ("table_width4", 9_934),
        ("table_width2", 2_572),
        ("table_width8", 39_034),
        ("ct_width24", 373_802),
        ("mcu_width8", 10_569),
    ],
)
def test_parameters_are_the_published_ones(variant, count):
    assert parameters(LUnet, variant) == count


@pytest.mark.parametrize("rank", [2, 3])
def test_network_equals_the_equations_in_float64(rank):
    model = randomize(LUnet("harp_width2", rank=rank, levels=3))
    weights = reference.Weights(model)
    x = np.random.default_rng(0).random((2, *(8, 12, 4)[:rank], 1))
    want = segmenters.unet(weights, x, 3, 3, "conv-relu-norm")
    assert weights.used == set(weights.values)
    np.testing.assert_allclose(called(model, x), want, atol=1e-5)


def test_network_equals_a_plain_PyTorch_one_with_its_weights_in_order():
    peer = peers.randomized(pytorch_lunet.LUnet(2, levels=3, convolutions=2))
    model = LUnet("harp_width2", levels=3, convolutions=2, activation=None)
    model.set_weights(peers.weights(peer))
    x = np.random.default_rng(0).random((2, 8, 12, 4, 1)).astype("float32")
    np.testing.assert_allclose(called(model, x), peers.called(peer, x), atol=1e-5)


def test_all_levels_have_the_same_channels():
    model = abstract_build(LUnet, "harp_width8")
    blocks = [layer for layer in model.layers if layer.name.endswith("_block")]
    assert [block.output.shape[-1] for block in blocks] == [8] * 7
    assert {block.channels for block in blocks} == {(8, 8, 8)}


def test_an_unknown_row_is_refused():
    with pytest.raises(ValueError, match=r"variant must be one of 'harp_width4', .*Received: 'width4'"):
        LUnet("width4")
