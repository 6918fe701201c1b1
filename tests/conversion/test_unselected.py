"""Channels that gates have switched off are not in the file."""

import keras
import numpy as np
from graph.test_selected import gated

from keras_unetmm import models, tflite
from keras_unetmm.pruning import without_unselected
from keras_unetmm.quantize import quantize_aware

SHAPE = (32, 32, 3)
UNET = {"variant": "mcu_width8", "levels": 2, "input_shape": SHAPE, "skips": "st"}
IMAGES = [np.random.default_rng(i).random(SHAPE).astype("float32") for i in range(4)]


def half(count):
    return range(count // 2, count)


def test_a_file_holds_what_is_on():
    model = gated(models.UNet, off=half, **UNET)
    file, smaller = (tflite.convert(each, IMAGES) for each in (model, without_unselected(model)))
    whole = tflite.convert(gated(models.UNet, off=lambda count: [], **UNET), IMAGES)
    assert file == smaller
    assert len(file) < len(whole)
    assert tflite.plan(file).planned.placement.head < tflite.plan(whole).planned.placement.head
    found = (tflite.run(file, IMAGES[0], runtime="litert").outputs[0][0] + 128.0) / 256
    want = keras.ops.convert_to_numpy(model(IMAGES[0][None], training=False))[0]
    assert np.abs(found - want).mean() < 0.2 * want.std()


def test_training_on_in_int8_goes_without_them_too():
    model = quantize_aware(gated(models.UNet, off=half, **UNET), IMAGES)
    assert model.get_layer("dec0_block_conv0").kernel.shape[2] == 8 + 4
