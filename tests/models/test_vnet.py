import numpy as np
import pytest
import reference
import segmenters
from checks import called, randomize
from segmenters import parameters

from keras_unetmm.graph.abstract_build import abstract_build
from keras_unetmm.models import VNet

SKIPS = (16, 32, 64, 128)


def test_parameters_follow_from_the_paper():
    """Figure 2: 16, 32, 64, 128 and 256 channels down, 256, 128, 64 and 32 up; biases and slopes of all."""
    stages = [(1, 16, 1), (32, 32, 2), (64, 64, 3), (128, 128, 3), (256, 256, 3)]
    stages += [(256, 256, 3), (128, 128, 3), (64, 64, 2), (32, 32, 1)]
    between = [(16, 32), (32, 64), (64, 128), (128, 256), (256, 128), (256, 64), (128, 32), (64, 16)]
    count = sum(125 * (a * c + (n - 1) * c * c) + 2 * n * c for a, c, n in stages)
    count += sum(8 * a * c + 2 * c for a, c in between) + 32 * 2 + 2
    assert parameters(VNet) == count == 65_175_314
    assert parameters(VNet, "sat", rank=3) == 65_182_193
    assert parameters(VNet, rank=2) == 13_275_346


@pytest.mark.parametrize(("rank", "printed"), [(3, 5_377_620), (2, 1_073_620)])
def test_gates_save_by_the_law_that_SAT_prints(rank, printed):
    kernel = 5**rank
    saved = parameters(VNet, "sat", rank=rank) - parameters(VNet, "sat", rank=rank, skips="sat")
    assert saved == kernel * sum((c - 1) * 2 * c for c in SKIPS) - sum(2 * c + 1 for c in SKIPS)
    # the paper's gates have a batch norm, 2C + 3; of what it prints 8 * sum(C - 1) is unexplained, in 2-D and in 3-D
    assert saved - 2 * len(SKIPS) - 8 * sum(c - 1 for c in SKIPS) == printed


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize(("variant", "skips"), [("milletari2016", "full"), ("sat", "sat")])
def test_small_network_equals_the_equations_in_float64(rank, variant, skips):
    model = randomize(VNet(variant, channels=4, convolutions=(1, 2, 2), rank=rank, skips=skips, activation=None))
    weights = reference.Weights(model)
    x = np.random.default_rng(0).random((1, *(8, 12, 4)[:rank], 1))
    want = segmenters.vnet(weights, x, (1, 2, 2), variant == "sat", skips == "sat")
    assert weights.used == set(weights.values)
    np.testing.assert_allclose(called(model, x), want, rtol=1e-4, atol=1e-4)


def test_stages_have_as_many_convolutions_as_published():
    model = abstract_build(VNet)
    depth = {layer.name: layer.convolutions for layer in model.layers if layer.name.endswith("_stage")}
    assert [depth[f"enc{i}_stage"] for i in range(4)] == [depth[f"dec{i}_stage"] for i in range(4)] == [1, 2, 3, 3]
    assert depth["mid_stage"] == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"convolutions": ()}, r"convolutions must be a tuple of positive integers, finest level first\. Received: \(\)"),
        ({"convolutions": (1, 0)}, r"Received: \(1, 0\)"),
        ({"convolutions": 3}, r"Received: 3"),
        ({"channels": 2, "input_shape": (32, 32, 32, 3)}, r"cannot leave channels out\. Received: 3 channels"),
    ],
    ids=["empty", "zero", "number", "channels"],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        VNet(**arguments)
