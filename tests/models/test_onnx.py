"""ONNX export of a network of each family, run by onnxruntime; KBNet is exported in its own tests."""

import warnings

import keras
import numpy as np
import onnxruntime
import pytest
from checks import randomize

from keras_unetmm import models


def exported(model, folder, **arguments):
    path = str(folder / "model.onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporters' own
        model.export(path, format="onnx", verbose=False, **arguments)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {session.get_inputs()[0].name: x})[0]


SUNET = {"filters": 3, "modules": (1, 1, 1, 1), "channels": (6, 8, 9, 10), "stem": 4}
SMALL = {"encoder_depths": (1, 0, 0, 0), "middle_depth": 1, "decoder_depths": (0, 0, 0, 1)}
FAMILIES = {
    "unet": lambda **size: models.UNet(channels=4, levels=2, skips="sat", **size),
    "lunet": lambda **size: models.LUnet("harp_width2", levels=2, **size),
    "di2in": lambda **size: models.DI2IN(channels=4, levels=1, skips="at", **size),
    "vnet": lambda **size: models.VNet("sat", channels=4, convolutions=(1, 2), skips="st", **size),
    "tiramisu": lambda **size: models.Tiramisu(growth=2, depths=(2, 2), channels=4, dense_skips="sat", **size),
    # strided and dilated modules, de-gridding and resizing
    "sunet": lambda **size: models.SUNetSegmentation(
        output_stride=16, degridding=True, degridding_filters=6, **SUNET, **size
    ),
}


@pytest.mark.parametrize(("builder", "norm"), [(models.NAFNet, "layer"), (models.NAFNetUNetMinus, "batch")])
def test_export_gives_the_same_images(builder, norm, tmp_path):
    model = randomize(builder("mcu_width16", input_shape=(32, 48, 3), norm=norm, **SMALL))
    x = np.random.default_rng(0).random((1, 32, 48, 3)).astype("float32")
    want = keras.ops.convert_to_numpy(model(x, training=False))
    got = exported(model, tmp_path)(x)
    np.testing.assert_allclose(got, want, atol=1e-5)


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="jax2onnx cannot express the padding of an open size")
def test_an_open_size_is_padded_in_the_exported_file(tmp_path):
    model = randomize(models.NAFNet("mcu_width16", **SMALL))
    x = np.random.default_rng(0).random((1, 37, 53, 3)).astype("float32")
    want = keras.ops.convert_to_numpy(model(x, training=False))
    np.testing.assert_allclose(exported(model, tmp_path)(x), want, atol=1e-5)


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="jax2onnx: max pooling, resizing, maps of three dimensions")
@pytest.mark.parametrize("family", list(FAMILIES))
def test_a_network_of_each_family(family, tmp_path):
    rank = 3 if family in ("lunet", "di2in", "vnet") else 2
    size = ((8, 12, 4) if rank == 3 else (32, 48)) + (1 if rank == 3 or family == "unet" else 3,)
    model = randomize(FAMILIES[family](input_shape=size))
    x = np.random.default_rng(0).random((1, *size)).astype("float32")
    # PyTorch's exporter takes convolutions of three dimensions with a fixed batch only
    fixed = {"input_signature": [keras.InputSpec(shape=x.shape, dtype="float32")]}
    arguments = fixed if keras.backend.backend() == "torch" and rank == 3 else {}
    want = keras.ops.convert_to_numpy(model(x, training=False))
    np.testing.assert_allclose(exported(model, tmp_path, **arguments)(x), want, atol=1e-5)
