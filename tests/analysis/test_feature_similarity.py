import keras
import numpy as np
import pytest
from checks import randomize
from skimage.metrics import structural_similarity

from keras_unetmm import models, skips
from keras_unetmm.analysis import feature_similarity

IMAGES = np.random.default_rng(0).random((2, 22, 28, 3)).astype("float32")
KIND = skips.UNetMinusMinus(reductions=(4, 4))
SMALL = {"encoder_depths": (1, 1), "middle_depth": 1, "decoder_depths": (1, 1), "norm": "batch"}


def scaled(channel):
    return (channel - channel.min()) / (channel.max() - channel.min() or 1)


def test_equals_scikit_images():
    model = randomize(models.NAFNet("mcu_width16", skips=KIND, **SMALL))
    # one channel of the finest restored map is constant
    dead = next(weight for weight in model.get_layer("skip0_restore").weights if "separable/pointwise/kernel" in weight.path)
    dead.assign(keras.ops.convert_to_numpy(dead) * (np.arange(dead.shape[-1]) != 5))
    found = feature_similarity(model, IMAGES)
    assert list(found) == [0, 1]
    for level in (0, 1):
        ends = [model.get_layer(f"skip{level}_keep").input, model.get_layer(f"skip{level}_restore").output]
        maps = [keras.ops.convert_to_numpy(x) for x in keras.Model(model.inputs[0], ends)(IMAGES, training=False)]
        options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1.0}
        want = [
            structural_similarity(scaled(maps[0][n, ..., c]), scaled(maps[1][n, ..., c]), **options)
            for n in range(2)
            for c in range(maps[0].shape[-1])
        ]
        assert found[level] == pytest.approx(np.mean(want), abs=1e-4)
    assert all(abs(value) < 0.9 for value in found.values())


def test_bad_input():
    model = models.NAFNet("mcu_width16", skips=KIND, **SMALL)
    with pytest.raises(ValueError, match=r"Received: shape \(1, 16, 40, 3\), of which a map of 8x20.*Images of 32x40 do"):
        feature_similarity(model, np.zeros((1, 16, 40, 3)))
    with pytest.raises(ValueError, match=r"skips that restore.*Received: 'lunet', which has none.*skips='unet--'"):
        feature_similarity(models.LUnet(rank=2, channels=2, levels=2), IMAGES)
    wide = models.UNet(channels=8, levels=3, up="nearest", skips=KIND)
    with pytest.raises(ValueError, match=r"Received: unet, whose level 0 had 8 and gets 16, which have no SSIM"):
        feature_similarity(wide, np.zeros((1, 48, 48, 1)))
