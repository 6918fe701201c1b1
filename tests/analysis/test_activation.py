import numpy as np
import pytest
import reference
import segmenters
from checks import randomize

from keras_unetmm import models
from keras_unetmm.analysis import activation_maps


@pytest.mark.parametrize("size", [(8, 12), (4, 6, 8)])
def test_stages_equal_the_equations_in_float64(size):
    order = "conv-relu-norm"
    model = randomize(models.LUnet(rank=len(size), channels=3, levels=2, convolutions=1, order=order))
    images = np.random.default_rng(0).normal(size=(2, *size, 1))
    weights = reference.Weights(model)
    kept = segmenters.convolution_block(weights, images, 1, order, "enc0_block")
    middle = segmenters.convolution_block(weights, segmenters.pool(kept), 1, order, "mid_block")
    x = segmenters.transposed(middle, weights("dec0_up", "kernel"), weights("dec0_up", "bias"))
    x = segmenters.convolution_block(weights, np.concatenate([x, kept], -1), 1, order, "dec0_block")
    want = {"enc0": kept, "mid": middle, "dec0": x}
    found = activation_maps(model, images)
    assert list(found) == list(want)
    for stage, array in want.items():
        assert (array < 0).any(), "absolute values would not matter"
        np.testing.assert_allclose(found[stage], np.abs(array).mean(-1), atol=1e-5)


def test_the_modules_of_a_sunet():
    model = models.SUNetSegmentation("mcu_filters16", modules=(1, 1, 1, 1), output_stride=8)
    found = activation_maps(model, np.zeros((1, 64, 32, 3)))
    assert [array.shape for array in found.values()] == [(1, 16, 8), (1, 8, 4), (1, 8, 4), (1, 8, 4)]
