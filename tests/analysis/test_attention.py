import keras
import numpy as np
import pytest
import reference
import segmenters
from checks import randomize

from keras_unetmm import models
from keras_unetmm.analysis import attention_maps
from keras_unetmm.layers import UNetModule

SMALL = {"channels": 3, "levels": 3, "convolutions": 1}


@pytest.mark.parametrize("size", [(8, 12), (4, 8, 12)])
def test_gates_equal_the_equation_in_float64(size):
    model = randomize(models.LUnet(rank=len(size), skips="sat", **SMALL))
    for level in range(2):  # one channel is switched off
        model.get_layer(f"skip{level}_keep").select.weight.assign(np.array([0.9, -0.2, 0.6], "float32"))
    images = np.random.default_rng(0).normal(size=(2, *size, 1))
    found = attention_maps(model, images)
    assert list(found) == ["skip0_keep", "skip1_keep"]
    weights, x = reference.Weights(model), images
    for level in range(2):
        x = segmenters.convolution_block(weights, x, 1, "conv-relu-norm", f"enc{level}_block")
        want = segmenters.gate(weights, x, f"skip{level}_keep")[..., 0]
        assert want.std() > 0.001
        np.testing.assert_allclose(found[f"skip{level}_keep"], want, atol=1e-5)
        x = segmenters.pool(x)


def test_gates_inside_dense_blocks_and_unet_modules():
    model = models.Tiramisu(growth=2, depths=(2, 2), channels=4, skips="at", dense_skips="sat")
    randomize(model)
    images = np.random.default_rng(0).normal(size=(1, 6, 8, 3))
    found = attention_maps(model, images)
    assert next(iter(found)) == "skip0_keep"
    assert set(found) == {"skip0_keep", "enc0_block_gate0", "mid_block_gate0", "dec0_block_gate0"}
    weights = reference.Weights(model)
    want = segmenters.gate(weights, segmenters.convolved(weights, images, "intro"), "enc0_block", "gate0")
    np.testing.assert_allclose(found["enc0_block_gate0"], want[..., 0], atol=1e-5)
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, UNetModule(2, 4, skip="sat", name="module")(inputs))
    found = attention_maps(model, np.zeros((1, 15, 12, 3)))
    assert {gate: array.shape for gate, array in found.items()} == {"module_keep": (1, 8, 6)}


def test_bad_input():
    with pytest.raises(ValueError, match=r"gates that attend\. Received: 'lunet', which has none\. Build it with"):
        attention_maps(models.LUnet(rank=2, skips="st", **SMALL), np.zeros((1, 8, 8, 1)))
    model = models.LUnet(rank=2, skips="at", **SMALL)
    with pytest.raises(ValueError, match=r"images must be a batch.*Received: shape \(8, 8, 1\)"):
        attention_maps(model, np.zeros((8, 8, 1)))
    with pytest.raises(
        ValueError, match=r"size must be.*Received: size=\(10, 8\).*divide by 4.*nearest that fits is \(12, 8, 1\)"
    ):
        attention_maps(model, np.zeros((1, 10, 8, 1)))
