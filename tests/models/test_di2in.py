import keras
import numpy as np
import pytest
import reference
import segmenters
from checks import called, randomize
from segmenters import parameters

from keras_unetmm import tflite
from keras_unetmm.models import DI2IN


def test_parameters_are_the_published_ones():
    assert parameters(DI2IN) == 2_353_089
    assert parameters(DI2IN, skips="sat") == 2_063_053
    assert parameters(DI2IN, "mcu_width8") == 197_345
    assert parameters(DI2IN, "mcu_width8", skips="sat") == 173_649


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("skips", ["full", "sat"])
def test_small_network_equals_the_equations_in_float64(rank, skips):
    model = randomize(DI2IN(channels=4, levels=2, rank=rank, skips=skips))
    weights = reference.Weights(model)
    x = np.random.default_rng(0).random((2, *(8, 12, 4)[:rank], 1))
    want = segmenters.di2in(weights, x, 2, skips == "sat")
    assert weights.used == set(weights.values)
    np.testing.assert_allclose(called(model, x), want, atol=1e-5)


@pytest.mark.parametrize(("channels", "nearest"), [(7, "6 or 8"), (1, "2")])
def test_odd_channels_are_refused(channels, nearest):
    with pytest.raises(ValueError, match=rf"channels must be even.*Received: {channels}\. Use {nearest}\.$"):
        DI2IN(channels=channels)


@pytest.mark.parametrize("rank", [2, 3])
def test_gates_save_by_one_law(rank):
    row = {"rank": rank, "channels": 6, "levels": 2}
    saved = parameters(DI2IN, **row) - parameters(DI2IN, **row, skips="sat")
    assert saved == sum(3**rank * (c - 1) * c // 2 - (2 * c + 1) for c in (6, 12))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tests/tflite/test_convert.py comes from all backends")
def test_the_row_for_devices_becomes_integers_that_TFLM_runs():
    model = randomize(DI2IN("mcu_width8", skips="sat"))
    images = np.random.default_rng(0).random((4, 32, 48, 3)).astype("float32")
    content = tflite.convert(model, images, size=(32, 48))
    run = tflite.run(content, images[0])
    want = keras.ops.convert_to_numpy(model(images[:1], training=False))
    np.testing.assert_allclose(run.values[0], want, atol=0.02)
    planned = tflite.plan(content).planned
    assert planned.head < run.arena.head
    np.testing.assert_array_equal(tflite.run(planned.content, images[0]).outputs[0], run.outputs[0])
