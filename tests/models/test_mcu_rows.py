"""What the rows for devices promise: integers on TFLM that compute what the network computes, in a planned arena."""

import keras
import numpy as np
import pytest
from checks import randomize

from keras_unetmm import models, tflite

ROWS = {
    "unet": lambda: models.UNet("mcu_width8"),
    "unet sat": lambda: models.UNet("mcu_width8", skips="sat"),
    "lunet": lambda: models.LUnet("mcu_width8"),
    "sunet": lambda: models.SUNet("mcu_filters16", classes=10, modules=(1, 1, 1, 1)),
    "sunet segmentation": lambda: models.SUNetSegmentation("mcu_filters16", classes=4, modules=(1, 1, 1, 1)),
}


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tests/tflite/test_convert.py comes from all backends")
@pytest.mark.parametrize("row", ROWS)
def test_a_row_becomes_integers_and_runs_on_TFLM(row):
    model = randomize(ROWS[row]())
    images = np.random.default_rng(0).random((4, 32, 48, 3)).astype("float32")
    content = tflite.convert(model, images, size=(32, 48))
    run = tflite.run(content, images)
    want = keras.ops.convert_to_numpy(model(images, training=False))
    assert want.std() > 0.005
    correlation = np.corrcoef(run.values[0].ravel(), want.ravel())[0, 1]
    assert correlation > 0.97, correlation
    planned = tflite.plan(content).planned
    assert planned.head <= run.arena.head
    np.testing.assert_array_equal(tflite.run(planned.content, images).outputs[0], run.outputs[0])


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tests/tflite/test_convert.py comes from all backends")
def test_gates_of_SAT_save_head_once_it_is_planned():
    heads = {}
    for skips in ("full", "sat"):
        model = randomize(models.UNet("mcu_width8", skips=skips))
        content = tflite.convert(model, np.random.default_rng(0).random((2, 32, 32, 3)).astype("float32"), size=(32, 32))
        heads[skips] = tflite.plan(content).planned.head
    assert heads["sat"] < 0.6 * heads["full"]
