import keras
import numpy as np
import pytest

from keras_unetmm import models
from keras_unetmm.analysis.stages import checked, stage_maps, values


def test_stages_stand_in_the_order_of_running():
    maps = stage_maps(models.UNet("mcu_width8", levels=3))
    assert list(maps) == ["enc0", "enc1", "mid", "dec1", "dec0"]
    assert [map_.shape[-1] for map_ in maps.values()] == [8, 16, 32, 16, 8]
    assert maps["enc0"]._keras_history.operation.name == "enc0_block", "not what comes after it"
    maps = stage_maps(models.SUNet("mcu_filters16", modules=(1, 2, 1, 1)))
    assert list(maps) == ["block1_unet0", "block2_unet0", "block2_unet1", "block3_unet0", "block4_unet0"]


@pytest.mark.parametrize("skips", ["full", "sat"])
def test_an_encoder_with_names_of_its_own(skips):
    inputs = keras.Input((16, 24, 3))
    fine = keras.layers.Conv2D(4, 3, padding="same", name="fine")(inputs)
    coarse = keras.layers.Conv2D(8, 3, strides=2, padding="same", name="coarse")(fine)
    model = models.unet_on(keras.Model(inputs, coarse), layers=["fine", "coarse"], skips=skips)
    maps = stage_maps(model)
    assert next(iter(maps)) == "enc0"
    assert list(maps)[-1] == "dec0"
    assert maps["enc0"].shape == (None, 16, 24, 4)


def test_values_of_many_images_are_those_of_each():
    model = models.LUnet(rank=2, channels=2, levels=2, convolutions=1)
    images = np.random.default_rng(0).random((11, 4, 6, 1))
    maps = [stage_maps(model)[stage] for stage in ("dec0", "mid")]
    many = values(model, maps, images)
    assert [array.shape for array in many] == [(11, 4, 6, 2), (11, 2, 3, 2)]
    for i in (0, 10):
        for array, one in zip(many, values(model, maps, images[i : i + 1]), strict=True):
            np.testing.assert_allclose(array[i], one[0], atol=1e-6)


def test_bad_input():
    model = models.LUnet(rank=2, channels=2, levels=2, convolutions=1)
    with pytest.raises(ValueError, match=r"images must be a batch.*Received: shape \(4, 6, 1\)"):
        checked(model, np.zeros((4, 6, 1)))
    with pytest.raises(ValueError, match=r"at least one image\. Received: shape \(0, 4, 6, 1\)"):
        checked(model, np.zeros((0, 4, 6, 1)))
    with pytest.raises(ValueError, match="images must be finite numbers"):
        checked(model, np.full((1, 4, 6, 1), np.nan))
    assert checked(model, np.full((1, 4, 6, 1), 255, "uint8")).dtype == "float32"
    inputs = keras.Input((4, 6, 1))
    with pytest.raises(ValueError, match=r"model must have stages.*Received: 'around'.*not one around it"):
        stage_maps(keras.Model(inputs, model(inputs), name="around"))
