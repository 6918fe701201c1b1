import keras
import numpy as np
import pytest
import reference
import segmenters
from checks import randomize

from keras_unetmm import models
from keras_unetmm.analysis import activation_maps, level_activation_maps


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


def test_the_channel_that_responds_most_and_the_levels_of_a_sunet():
    options = {"filters": 3, "modules": (1, 2, 1, 1), "channels": (4, 5, 6, 7), "stem": 2, "classes": 3}
    model = randomize(models.SUNetSegmentation("sunet64", output_stride=8, degridding=True, degridding_filters=4, **options))
    images = np.random.default_rng(0).normal(size=(2, 64, 32, 3))
    found = level_activation_maps(model, images)
    assert [array.shape[1:] for array in found.values()] == [(16, 8), (16, 8), *[(8, 4)] * 4, (64, 32)]
    outputs = ["residual", "block1_unet0", "block2_unet1", "block3_unet0", "block4_unet0", "head", "prediction"]
    layers = [model.get_layer(name).output for name in outputs]
    *levels, classes = (np.asarray(each) for each in keras.Model(model.inputs[0], layers).predict(images, verbose=0))
    for array, level in zip(found.values(), levels, strict=False):
        for image, values in zip(array, level, strict=True):
            strongest = np.abs(values).sum((0, 1)).argmax()
            np.testing.assert_allclose(image, values[..., strongest], atol=1e-5)
    np.testing.assert_array_equal(found["classes"], classes.argmax(-1))
    with pytest.raises(ValueError, match=r"channel must be one of 'mean', 'strongest'. Received: 'last'"):
        activation_maps(model, images, channel="last")
    with pytest.raises(ValueError, match="model must be a SUNetSegmentation"):
        level_activation_maps(models.LUnet(rank=2, channels=3, levels=2), np.zeros((1, 8, 8, 1)))
