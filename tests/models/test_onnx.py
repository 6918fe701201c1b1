"""ONNX export of the two networks, run by onnxruntime."""

import warnings

import keras
import numpy as np
import onnxruntime
import pytest
from checks import randomize

from keras_unetmm import models


def exported(model, folder):
    path = str(folder / "model.onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporters' own
        model.export(path, format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {session.get_inputs()[0].name: x})[0]


@pytest.mark.parametrize("builder", [models.NAFNet, models.NAFNetUNetMinus])
def test_export_gives_the_same_images(builder, tmp_path):
    model = randomize(builder("mcu_width16", input_shape=(32, 48, 3)))
    x = np.random.default_rng(0).random((1, 32, 48, 3)).astype("float32")
    want = keras.ops.convert_to_numpy(model(x, training=False))
    got = exported(model, tmp_path)(x)
    np.testing.assert_allclose(got, want, atol=1e-5)


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="jax2onnx cannot express the padding of an open size")
def test_an_open_size_is_padded_in_the_exported_file(tmp_path):
    model = randomize(models.NAFNet("mcu_width16"))
    x = np.random.default_rng(0).random((1, 37, 53, 3)).astype("float32")
    want = keras.ops.convert_to_numpy(model(x, training=False))
    np.testing.assert_allclose(exported(model, tmp_path)(x), want, atol=1e-5)
