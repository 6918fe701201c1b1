import keras
import numpy as np
import pytest
from checks import randomize

from keras_unetmm import models, tflite
from keras_unetmm.tflite.convert import ConversionError, calibration_images
from keras_unetmm.tflite.graph import read

BUILDERS = {
    "full": lambda **k: models.NAFNet("mcu_width16", skips="full", **k),
    "none": lambda **k: models.NAFNet("mcu_width16", skips="none", **k),
    "unet--": lambda **k: models.NAFNetUNetMinus("mcu_width16", **k),
    "unet--, layer norm": lambda **k: models.NAFNetUNetMinus("mcu_width16", norm="layer", **k),
}


def images(count=4, size=(32, 48)):
    return np.random.default_rng(0).random((count, *size, 3)).astype("float32")


@pytest.mark.parametrize("kind", BUILDERS if keras.backend.backend() == "tensorflow" else ["unet--"])
def test_networks_become_integers_and_run_on_TFLM_as_on_LiteRT(kind):
    model = randomize(BUILDERS[kind]())
    x = images()
    content = tflite.convert(model, x, size=(32, 48))

    graph = read(content).main
    assert {tensor.type for tensor in graph.tensors} <= {"INT8", "INT32"}
    assert graph.tensors[graph.inputs[0]].shape == (1, 32, 48, 3)

    on_tflm = tflite.run(content, x)
    on_reference = tflite.run(content, x, "litert-reference")
    apart = np.abs(on_tflm.outputs[0].astype(int) - on_reference.outputs[0])
    assert apart.max() == 0, "TFLM's kernels come from LiteRT's reference kernels: not one LSB over the whole depth"
    assert on_tflm.arena.head >= tflite.plan(content).order_bound

    want = keras.ops.convert_to_numpy(model(x, training=False))
    correlation = np.corrcoef(on_tflm.values[0].ravel(), want.ravel())[0, 1]
    assert correlation > 0.98, "the integer file must compute what the model computes"


def test_a_size_that_does_not_divide_is_padded_inside_the_file():
    model = randomize(models.NAFNet("mcu_width16"))
    x = images(2, (21, 35))
    content = tflite.convert(model, x, size=(21, 35))
    want = keras.ops.convert_to_numpy(model(x, training=False))
    got = tflite.run(content, x)
    assert got.outputs[0].shape == (2, 21, 35, 3)
    assert np.corrcoef(got.values[0].ravel(), want.ravel())[0, 1] > 0.98


def test_nearest_upsampling_becomes_one_operator():
    inputs = keras.Input((8, 12, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(3, 1)(keras.layers.UpSampling2D(2)(inputs)))
    content = tflite.convert(model, images(2, (8, 12)))
    assert [operator.name for operator in read(content).main.operators] == ["RESIZE_NEAREST_NEIGHBOR", "CONV_2D"]
    assert tflite.run(content, images(1, (8, 12))).outputs[0].shape == (1, 16, 24, 3)


def test_a_float_operator_is_refused_by_the_names_of_its_tensors():
    inputs = keras.Input((8, 12, 3))
    model = keras.Model(inputs, keras.layers.GroupNormalization(1, name="group")(inputs))
    with pytest.raises(ConversionError, match=r"(?s)tensors of the file are not integers.*FLOAT32, computed by "):
        tflite.convert(model, images(2, (8, 12)))


def test_integers_that_TFLM_cannot_run_are_refused():
    inputs = keras.Input((8, 12, 3))
    model = keras.Model(inputs, keras.layers.Activation("exponential")(inputs))
    with pytest.raises(ConversionError, match="TFLM does not take it"):
        tflite.convert(model, images(2, (8, 12)))


@pytest.mark.parametrize(
    ("calibration", "message"),
    [
        ([], r"at least one image\. Received: none"),
        ([np.zeros((8, 8, 3), "float32")], r"image 0 of shape \(8, 8, 3\)"),
        ([np.zeros((32, 48, 3), "uint8")], r"type uint8.*scale bytes by 1/255"),
        ([np.full((32, 48, 3), np.nan, "float32")], r"finite float images"),
    ],
    ids=["none", "shape", "bytes", "nan"],
)
def test_bad_calibration_is_refused(calibration, message):
    with pytest.raises(ValueError, match=message):
        tflite.convert(models.NAFNet("mcu_width16"), calibration, size=(32, 48))


def test_calibration_may_be_an_iterator_with_or_without_a_batch():
    want = images(3)
    shape = (1, 32, 48, 3)
    np.testing.assert_array_equal(calibration_images(iter(want), shape), want)
    np.testing.assert_array_equal(calibration_images((x[None] for x in want), shape), want)


def test_an_open_size_must_be_given():
    with pytest.raises(ValueError, match=r"Pass for example size=\(256, 256\)"):
        tflite.convert(models.NAFNet("mcu_width16"), images())
