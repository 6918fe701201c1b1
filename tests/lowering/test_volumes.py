"""3-D networks as 2-D layers on slices: the same function, and integer files that TFLM runs."""

import keras
import numpy as np
import pytest
from checks import FIRST, ONE_BACKEND, randomize
from tflite import stacks
from tflite.stacks import graph, stack

from keras_unetmm import layers, models, tflite
from keras_unetmm.lowering.lowering import UnknownLayerError, lower
from keras_unetmm.targets.targets import TARGETS
from keras_unetmm.tflite_file.graph import read

SHAPE = (5, 6, 8, 4)  # depth, height, width, channels
EXACT = 1e-5


def single(*layers, shape=SHAPE):
    return stack(shape, *layers)


def difference(model, target="tflm"):
    off, changed = stacks.difference(model, target)
    assert not any("3D" in type(layer).__name__ for layer in changed.layers)
    return off


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.Conv3D(6, 3, padding="same"),
        keras.layers.Conv3D(6, 3, padding="valid", activation="relu"),
        keras.layers.Conv3D(6, (3, 1, 5), padding="same", use_bias=False),
        keras.layers.Conv3D(6, (2, 3, 3), strides=2, padding="same"),
        keras.layers.Conv3D(6, 2, strides=(2, 1, 2)),
        keras.layers.Conv3D(6, 3, dilation_rate=(2, 1, 2), padding="same"),
        keras.layers.Conv3D(6, 1),
        keras.layers.Conv3D(6, 1, groups=1, strides=2),
        keras.layers.Conv3DTranspose(6, 2, strides=2),
        keras.layers.Conv3DTranspose(6, 3, strides=2),
        keras.layers.Conv3DTranspose(6, 3, strides=2, padding="same", use_bias=False),
        keras.layers.Conv3DTranspose(6, (4, 3, 3), strides=(2, 1, 1), padding="same"),
        keras.layers.MaxPooling3D(2),
        keras.layers.MaxPooling3D(3, strides=2, padding="same"),
        keras.layers.MaxPooling3D((1, 2, 2)),
        keras.layers.UpSampling3D((2, 1, 3)),
        keras.layers.Cropping3D(((1, 2), (0, 1), (2, 0))),
        keras.layers.PReLU(shared_axes=(1, 2, 3)),
        keras.layers.Softmax(),
        layers.SimpleGate(),
        layers.RepeatChannels(10),
        layers.Select(0.7),
    ],
    ids=lambda layer: type(layer).__name__,
)
@pytest.mark.parametrize("target", ["tflm", "coral"])
def test_a_layer_becomes_its_equal_on_slices(layer, target):
    assert difference(single(layer), target) <= EXACT


@pytest.mark.parametrize(
    "build",
    [
        lambda x: keras.layers.Conv3D(2, 1)(
            keras.layers.Conv3D(4, 3, padding="same")(keras.layers.MaxPooling3D((5, 1, 1))(x))
        ),
        lambda x: (conv := keras.layers.Conv3D(4, 3, padding="same"))(conv(x)),
        lambda x: keras.layers.Add()([x, keras.layers.MaxPooling3D((5, 1, 1))(x)]),
        keras.layers.Softmax(axis=4),
        keras.Sequential([keras.Input(SHAPE), keras.layers.Conv3D(2, 3)]),
        keras.layers.Normalization(mean=0.5, variance=0.3),
    ],
)
def test_layers_that_meet_in_unusual_ways(build):
    assert difference(graph(SHAPE, build)) <= EXACT


def test_gelu_behind_a_convolution():
    assert difference(single(keras.layers.Conv3D(3, 3, activation="gelu")), "tflm") <= 0.0204


def test_many_slices_side_by_side():
    assert difference(single(keras.layers.Conv3D(3, (11, 1, 1), padding="same"), shape=(20, 4, 4, 2))) <= EXACT


@pytest.mark.parametrize("scale", [keras.layers.BatchNormalization, layers.Select])
def test_scales_are_folded(scale):
    after = single(keras.layers.Conv3D(3, 3), scale())
    before = single(scale(), keras.layers.Conv3D(3, 1))
    transposed = single(keras.layers.Conv3DTranspose(3, 2, strides=2), scale())
    for model in (after, before, transposed):
        assert difference(model) <= EXACT
        assert "Affine" not in {type(layer).__name__ for layer in lower(model, input_shape=(1, *SHAPE)).layers}


@pytest.mark.parametrize(
    "build",
    [
        lambda: models.LUnet("mcu_width8", rank=3, input_shape=(8, 16, 24, 1)),
        lambda: models.UNet("mcu_width8", rank=3, skips="sat", input_shape=(8, 16, 24, 1)),
        lambda: models.DI2IN("mcu_width8", rank=3, skips="st", input_shape=(16, 16, 32, 1)),
    ][:FIRST],
    ids=["LUnet", "UNet", "DI2IN"][:FIRST],
)
def test_networks_stay_equal(build):
    model = randomize(build())
    for target in ("tflm", "ethos-u55", "coral"):
        assert difference(model, target) <= EXACT


def converted(target="tflm", **arguments):
    model = randomize(models.LUnet("mcu_width8", rank=3, input_shape=(8, 16, 24, 1)))
    volumes = np.random.default_rng(0).random((2, 8, 16, 24, 1), "float32")
    return model, volumes, tflite.convert(model, volumes, target, **arguments)


@ONE_BACKEND
def test_a_volume_segmenter_runs_on_TFLM_as_on_LiteRT():
    model, volumes, content = converted()
    graph = read(content).main
    assert {tensor.type for tensor in graph.tensors} <= {"INT8", "INT32"}
    assert graph.tensors[graph.inputs[0]].shape == graph.tensors[graph.outputs[0]].shape == (1, 8, 16, 24, 1)
    assert not any(operator.name == "QUANTIZE" for operator in graph.operators), "slices must share one scale"
    on_tflm, on_reference = (tflite.run(content, volumes, runtime) for runtime in ("tflm", "litert-reference"))
    np.testing.assert_array_equal(on_tflm.outputs[0], on_reference.outputs[0])
    want = keras.ops.convert_to_numpy(model(volumes, training=False))
    assert np.abs(on_tflm.values[0] - want).max() < 0.05
    assert np.corrcoef(on_tflm.values[0].ravel(), want.ravel())[0, 1] > 0.9
    planned = tflite.plan(content).planned
    assert planned.head < on_tflm.arena.head
    np.testing.assert_array_equal(tflite.run(planned.content, volumes).outputs[0], on_tflm.outputs[0])


@ONE_BACKEND
def test_coral_gets_an_image_of_slices_below_each_other():
    _, _, content = converted("coral")
    graph = read(content).main
    assert graph.tensors[graph.inputs[0]].shape == graph.tensors[graph.outputs[0]].shape == (1, 8 * 16, 24, 1)
    assert max(len(tensor.shape) for tensor in graph.tensors) == 4


def test_what_has_no_form_on_slices_is_refused():
    far = {"dilation_rate": (9, 1, 1), "padding": "same"}  # one tap of two lies outside the volume, for any slice
    for layer in (
        keras.layers.GlobalAveragePooling3D(name="odd_one"),
        keras.layers.Conv3D(4, 3, groups=2, name="odd_one"),
        keras.layers.Conv3D(4, (2, 1, 1), **far, name="odd_one"),
        keras.layers.Softmax(axis=2, name="odd_one"),
        keras.layers.PReLU(name="odd_one"),
    ):
        for target in TARGETS:
            with pytest.raises(UnknownLayerError, match=rf"target '{target}'\. Received: odd_one"):
                lower(single(layer), target, (1, *SHAPE))


def test_an_open_size_is_refused():
    with pytest.raises(ValueError, match=r"fixed size.*input_shape=\(1, depth"):
        lower(single(keras.layers.Conv3D(4, 3), shape=(None, None, None, 2)))
