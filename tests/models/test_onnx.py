"""ONNX export of a network of each family, run by onnxruntime; KBNet is exported in its own tests."""

import contextlib
import warnings

import keras
import numpy as np
import onnxruntime
import pytest
from checks import randomize

from keras_unetmm import models
from keras_unetmm.conversion.onnx import ExportError, export_onnx
from keras_unetmm.graph.jax_forms import jax_forms

L = keras.layers


def exported(model, folder, **arguments):
    path = str(folder / "model.onnx")
    forms = jax_forms() if keras.backend.backend() == "jax" else contextlib.nullcontext()
    with forms, warnings.catch_warnings():
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


@pytest.mark.parametrize("family", list(FAMILIES))
def test_a_network_of_each_family(family, tmp_path):
    rank = 3 if family in ("lunet", "di2in", "vnet") else 2
    if keras.backend.backend() == "jax" and rank == 3:
        pytest.skip("jax2onnx has no convolutions of three dimensions")
    size = ((8, 12, 4) if rank == 3 else (32, 48)) + (1 if rank == 3 or family == "unet" else 3,)
    model = randomize(FAMILIES[family](input_shape=size))
    x = np.random.default_rng(0).random((1, *size)).astype("float32")
    # PyTorch's exporter takes convolutions of three dimensions with a fixed batch only
    fixed = {"input_signature": [keras.InputSpec(shape=x.shape, dtype="float32")]}
    arguments = fixed if keras.backend.backend() == "torch" and rank == 3 else {}
    want = keras.ops.convert_to_numpy(model(x, training=False))
    np.testing.assert_allclose(exported(model, tmp_path, **arguments)(x), want, atol=1e-5)


RESIZED = {
    "nearest": L.UpSampling2D((2, 3)),
    "bilinear": L.UpSampling2D((3, 2), interpolation="bilinear"),
    "larger": L.Resizing(11, 14),
    "smaller": L.Resizing(3, 5),
    "largest": L.MaxPooling2D(2),
    "largest of few": L.MaxPooling2D((3, 2), strides=(2, 1), padding="same"),
    "of all steps": L.MaxPooling2D(3, strides=1, padding="same"),
}


def test_resizing_to_the_nearest_is_exported_where_the_exporter_has_it(tmp_path):
    x = keras.Input((8, 9, 4))
    model = keras.Model(x, L.Resizing(3, 5, interpolation="nearest")(x))
    if keras.backend.backend() == "torch":
        with pytest.raises(ExportError, match=r"exporter of torch failed.*Export under another backend"):
            export_onnx(model, tmp_path / "model.onnx")
    else:
        assert export_onnx(model, tmp_path / "model.onnx").difference < 1e-5


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="PyTorch's exporter lacks some of them, and says so")
def test_resizing_and_pooling_are_exported_by_the_other_backends(tmp_path):
    x = keras.Input((8, 9, 4))
    model = keras.Model(x, [layer(x) for layer in RESIZED.values()])
    assert export_onnx(model, tmp_path / "model.onnx").difference < 1e-5
    row = keras.Input((9, 4))
    pooled = keras.Model(row, [L.MaxPooling1D(3, 2, padding="same")(row), L.UpSampling1D(2)(row)])
    assert export_onnx(pooled, tmp_path / "model.onnx").difference < 1e-5


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="the other exporters take open sizes")
def test_what_jax_exports_of_a_fixed_size_only_says_so(tmp_path):
    x = keras.Input((None, None, 4))
    for layer in (L.MaxPooling2D(2), L.UpSampling2D(2, interpolation="bilinear")):
        model = keras.Model(x, layer(x))
        with pytest.raises(ExportError, match="Fix the size: --size HxW"):
            export_onnx(model, tmp_path / "model.onnx")
        assert export_onnx(model, tmp_path / "model.onnx", size=(8, 8)).difference < 1e-5
