"""What users bring: any names, several inputs and outputs, functions of keras.ops, Keras 2 files; each with little lost.

Many networks are outputs of one model, which takes one conversion.
"""

import json
import shutil

import h5py
import keras
import numpy as np
import pytest
from ai_edge_litert.schema_py_generated import BuiltinOperator
from checks import ONE_BACKEND, randomize
from keras import ops
from PIL import Image

from keras_unetmm import tflite
from keras_unetmm.conversion.conversion import Request
from keras_unetmm.conversion.convert import conversion_of
from keras_unetmm.graph.saved import load_model
from keras_unetmm.lowering.lowering import lower
from keras_unetmm.lowering.written import operators_written
from keras_unetmm.quantization.calibration import calibration_inputs
from keras_unetmm.quantization.quantize import quantize_aware
from keras_unetmm.targets import coral
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import read
from keras_unetmm.tflite_file.metadata import metadata

L = keras.layers
SIZE = (16, 16)


def images(count=6, channels=3, size=SIZE):
    return np.random.default_rng(0).random((count, *size, channels)).astype("float32")


def conv(filters=6, **arguments):
    return L.Conv2D(filters, 3, padding="same", **arguments)


def sequence(x):
    return L.Reshape((64, 12))(x)


def shared_maximum(y):
    return L.Add()([L.Maximum()([y, L.Rescaling(-1.0)(y)]), y])


def shared_upsampling(y, up):
    return L.Add()([up(up(L.MaxPooling2D(4)(y))), y])


def transposed(size, activation):
    def network(x):
        return L.Conv2DTranspose(4, size, strides=2, padding="same", activation=activation)(x)

    return network


NETWORKS = {
    "average": lambda x: L.Average()([conv()(x), conv()(x), conv()(x)]),
    "subtract": lambda x: L.Subtract()([conv()(x), conv()(x)]),
    "minimum": lambda x: L.Minimum()([conv()(x), conv()(x)]),
    "depth to space": lambda x: ops.depth_to_space(conv(8)(x), 2),
    "space to depth": lambda x: ops.space_to_depth(conv(4)(x), 2),
    "groups": lambda x: L.GroupNormalization(2)(conv()(x)),
    "instances": lambda x: L.GroupNormalization(-1)(conv()(x)),
    "root mean square": lambda x: L.RMSNormalization()(conv()(x)),
    "resizing": lambda x: L.Resizing(24, 24)(conv()(x)),
    "resizing, nearest": lambda x: L.Resizing(8, 8, interpolation="nearest")(conv()(x)),
    "resize": lambda x: ops.image.resize(conv()(x), (32, 32)),
    "square": lambda x: ops.square(conv()(x)),
    "power": lambda x: conv()(x) ** 2,
    "abs": lambda x: ops.abs(conv()(x)),
    "clip": lambda x: ops.clip(conv()(x), -0.3, 0.7),
    "negative": lambda x: -conv()(x),
    "by constants": lambda x: conv()(x / 0.5 - 1.0),
    "flip": lambda x: conv()(L.RandomFlip(name="flip")(x)),
    "dense": lambda x: L.Dense(5)(L.Dense(8, activation="relu")(L.GlobalAveragePooling2D()(conv()(x)))),
    "transposed": transposed(3, "relu"),
    "transposed to 6": transposed(3, "relu6"),
    "transposed, whole": transposed(2, "relu"),
    "center": lambda x: conv()(L.CenterCrop(8, 9)(x)),
    "causal": lambda x: L.Conv1D(6, 3, padding="causal", dilation_rate=2, activation="relu")(sequence(x)),
    "1-D": lambda x: L.Conv1DTranspose(4, 4, strides=2)(L.SeparableConv1D(5, 3)(L.DepthwiseConv1D(3)(sequence(x)))),
    "1-D pools": lambda x: L.GlobalAveragePooling1D()(L.MaxPooling1D(2)(L.UpSampling1D(2)(sequence(x)))),
    "shared maximum": lambda x: shared_maximum(conv()(x)),
    "shared": lambda x: shared_upsampling(conv()(x), L.UpSampling2D(2)),
    "relu to 6": lambda x: keras.activations.relu(conv()(x), max_value=6.0),
    "relu of ops": lambda x: keras.activations.relu(conv()(x), negative_slope=0.1),
    "hard tanh": lambda x: ops.hard_tanh(conv()(x)),
    "maximum of channels": lambda x: ops.max(conv()(x), axis=-1, keepdims=True),
    "divided": lambda x: conv()((x - np.array([0.4, 0.5, 0.6], "float32")) / np.array([0.2, 0.3, 0.25], "float32")),
    "split, last unread": lambda x: ops.split(conv()(x), 2, axis=-1)[0],
    "split, ends unread": lambda x: conv()(ops.split(conv()(x), [2, 5], axis=-1)[1]),
    "split, first rows unread": lambda x: ops.split(conv()(x), 2, axis=1)[1],
    "sequential": lambda x: L.ReLU()(keras.Sequential([conv(), L.BatchNormalization()])(x)),
}


def schema_name(code):
    return next(name for name, number in vars(BuiltinOperator).items() if number == code)


def network(names, seed=0):
    inputs = keras.Input((*SIZE, 3), name="in put")
    return randomize(keras.Model(inputs, [NETWORKS[name](inputs) for name in names], name="net (1)"), seed)


@ONE_BACKEND
@pytest.mark.parametrize("target", ["tflm", "coral"])
def test_little_is_lost_of_what_users_write(target):
    made = conversion_of(network(NETWORKS), Request(images(), target))
    left = [(operator.name, operator.why) for operator in made.verdict.operators if operator.verdict != "supported"]
    assert not left
    written = {name for layer in made.network.operations for name in operators_written(layer)}
    assert {operator.name for operator in made.verdict.operators} - {"QUANTIZE", "RELU"} == written
    lost = {name: signal for name, signal in zip(NETWORKS, made.signal_to_noise, strict=True) if signal < 28}
    assert not lost, "in dB"
    assert made.left_out == ("flip, a RandomFlip",)


@ONE_BACKEND
def test_elus_are_integers_whatever_reads_them():
    """The converter takes those for floats that are only moved."""
    x = keras.Input((*SIZE, 3))
    joined = L.Concatenate()([conv(activation="elu")(x), L.ELU()(conv()(x))])
    model = randomize(keras.Model(x, [L.MaxPooling2D(2)(joined), ops.elu(joined)]))
    made = conversion_of(model, Request(images(), "tflm"))
    assert [operator.name for operator in made.verdict.operators].count("ELU") == 3
    assert "LEAKY_RELU" not in {operator.name for operator in made.verdict.operators}
    assert min(made.signal_to_noise) > 28


@ONE_BACKEND
def test_inputs_may_be_a_dict():
    x = {name: keras.Input((*SIZE, channels), name=name) for name, channels in (("rgb", 3), ("depth", 1))}
    model = randomize(keras.Model(x, conv()(L.Concatenate()([x["rgb"], x["depth"]]))))
    samples = [{"rgb": rgb, "depth": depth} for rgb, depth in zip(images(), images(channels=1), strict=True)]
    report = tflite.convert_with_report(model, samples)
    assert report.signal_to_noise[0] > 28
    assert max(entry.largest for entry in report.differences) < 1e-4


@ONE_BACKEND
def test_what_coral_takes_does_not_change_when_the_network_is_trained():
    """An operator's version may depend on its bias and activation, which the last compiler for the Edge TPU must know."""
    names = ["transposed", "transposed to 6", "transposed, whole", "dense", "abs", "groups", "depth to space", "sequential"]
    trained = network(names)
    fresh = keras.models.clone_model(trained)
    found = {}
    for kind, model in (("fresh", fresh), ("trained", trained)):
        content = tflite.convert(model, images(), "coral")
        file = File(content)
        codes = [file.model.operatorCodes[operator.opcodeIndex] for operator in file.main.operators]
        found[kind] = {(max(code.builtinCode, code.deprecatedBuiltinCode), code.version) for code in codes}
        on_tpu = tflite.check(content, "coral", compile=False)
        assert on_tpu.count("supported") == len(on_tpu.operators)
    transposed = 67
    assert {version for code, version in found["trained"] if code == transposed} <= {2, 3}
    assert all(version < coral.REFUSED.get(schema_name(code), 99) for code, version in found["trained"] | found["fresh"])


@ONE_BACKEND
def test_several_inputs_and_outputs_keep_their_order_and_meaning():
    left, right = keras.Input((*SIZE, 3), name="left"), keras.Input((*SIZE, 1), name="a right one")
    both = L.Concatenate()([conv(4)(left), conv(4)(right)])
    outputs = [
        conv(3, activation="sigmoid")(both),
        L.Dense(5)(L.GlobalAveragePooling2D()(both)),
        ops.argmax(conv(4)(both), axis=-1),
    ]
    model = randomize(keras.Model([right, left], outputs))
    x = [images(channels=1), images()]
    content = tflite.convert(model, list(zip(*x, strict=True)), io="uint8")
    described = metadata(content)
    assert [entry["shape"][-1] for entry in described["inputs"]] == [1, 3]
    assert [entry["kind"] for entry in described["outputs"]] == ["probabilities", "values", "indices"]
    assert [entry["type"] for entry in described["outputs"]] == ["uint8", "uint8", "int8"]
    want = [ops.convert_to_numpy(y) for y in model(x, training=False)]
    got = tflite.run(content, x).values
    for expected, found in zip(want[:2], got[:2], strict=True):
        assert np.corrcoef(expected.ravel(), found.ravel())[0, 1] > 0.99
    assert (want[2] == got[2]).mean() > 0.9
    report = tflite.convert_with_report(model, [{"a right one": a, "left": b} for a, b in zip(*x, strict=True)])
    assert report.content
    assert len(report.signal_to_noise) == 3
    assert report.card("it").count("| output |") == 3
    with pytest.raises(ValueError, match=r"quantize_aware takes a model of one input.*2 inputs and 3 outputs"):
        quantize_aware(model, x)


def test_calibration_of_several_inputs_is_paired(tmp_path):
    shapes, names = [(1, 4, 4, 3), (1, 4, 4, 2)], ["photo", "depth"]
    for name, channels in zip(names, (3, 2), strict=True):
        (tmp_path / name).mkdir()
        for i in range(2):
            np.save(tmp_path / name / f"{i}.npy", images(1, channels, (5, 6))[0])
    assert [array.shape for array in calibration_inputs(tmp_path, shapes, names)] == [(2, 4, 4, 3), (2, 4, 4, 2)]
    with pytest.raises(ValueError, match="sample 0 is a dict of photo"):
        calibration_inputs([{"photo": images(1)[0]}], shapes, names)
    shutil.rmtree(tmp_path / "depth")
    with pytest.raises(ValueError, match=r"with the input's name: photo, depth\. Received: .* without depth"):
        calibration_inputs(tmp_path, shapes, names)


@pytest.mark.parametrize("channels", [2, 4])
def test_other_channels_come_from_arrays_or_pages(tmp_path, channels):
    values = np.random.default_rng(0).integers(0, 256, (6, 7, channels), "uint8")
    np.save(tmp_path / "a.npy", values)
    pages = [Image.fromarray(values[..., k]) for k in range(channels)]
    pages[0].save(tmp_path / "b.tif", save_all=True, append_images=pages[1:])
    (found,) = calibration_inputs(tmp_path, [(1, 4, 5, channels)], ["x"])
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_allclose(found[0], values[1:5, 1:6] / 255, rtol=1e-6)
    np.save(tmp_path / "c.npy", values[..., :1])
    with pytest.raises(ValueError, match=r"c\.npy must hold an array of at least .*channels last"):
        calibration_inputs(tmp_path, [(1, 4, 5, channels)], ["x"])


@ONE_BACKEND
def test_what_loses_much_is_warned_of_with_the_layer_and_the_option():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((*SIZE, 3))
    hidden = conv(16, activation="relu")(inputs)
    last = conv(3, kernel_initializer=keras.initializers.RandomNormal(0, 0.03), name="signs")
    model = keras.Model(inputs, last(hidden))
    said = r"signal to noise of [\d.-]+ dB .*most is lost at signs\. Pass output_kind='values', with which it has 3\d\.\d dB"
    with pytest.warns(UserWarning, match=said):
        tflite.convert(model, images(), output_kind="image")
    made = conversion_of(model, Request(images()))
    assert made.outputs == ["values"]
    assert made.signal_to_noise[0] > 35


REFUSED = {
    "channels first": (L.MaxPooling2D(2, data_format="channels_first"), "data_format='channels_first'.*channels_last"),
    "bicubic": (
        L.UpSampling2D(2, interpolation="bicubic"),
        "interpolation='bicubic', where 'nearest' or 'bilinear'",
    ),
    "axes": (L.LayerNormalization(axis=[1, 2, 3]), r"axis=\(1, 2, 3\), where -1.*GroupNormalization\(groups=1\)"),
    "aspect": (L.Resizing(8, 8, crop_to_aspect_ratio=True), "crop_to_aspect_ratio=True, where False converts.*CenterCrop"),
    "lambda": (L.Lambda(lambda x: x + 1), "a Lambda. Write its function with keras.ops"),
    "groups of rows": (L.GroupNormalization(2, axis=1), "axis=1, where -1"),
    "unit": (L.UnitNormalization(), "a UnitNormalization, a layer that has no integer form.*rsqrt"),
    "repeat": (lambda x: ops.repeat(x, 2, axis=1), "keras.ops of the kind Repeat.*UpSampling2D"),
    "root": (ops.sqrt, "of the kind Sqrt.*rsqrt"),
    "quotient": (lambda x: x / (x + 1.0), "of the kind (True)?Divide.*Multiply with a constant"),
    "argmax inside": (lambda x: ops.argmax(x, axis=1), "of the kind Argmax.*the last of the model"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_refusal_names_the_argument_and_the_change(kind):
    layer, message = REFUSED[kind]
    inputs = keras.Input((8, 8, 4))
    with pytest.raises(ValueError, match=message):
        lower(keras.Model(inputs, layer(inputs)), input_shape=(1, 8, 8, 4))


@pytest.mark.filterwarnings("ignore:Layer InputLayer does not have a `quantize` method")
def test_a_rounded_model_and_unknown_arguments_are_refused_by_name():
    model = keras.Sequential([keras.Input((*SIZE, 3)), L.Dense(4, name="dense")])
    with pytest.raises(ValueError, match=r"form: gelu, .*Received: gives='values'\. What the output is, is output_kind"):
        tflite.convert(model, images(), gives="values")
    model.quantize("int8")
    with pytest.raises(ValueError, match=r"float weights\. Received: dense, a Dense that model\.quantize\('int8'\) has"):
        tflite.convert(model, images())


def keras_2(model, path, change):
    """A file as Keras 2 would have written it."""
    model.save(path)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            change(layer["class_name"], layer["config"])
        file.attrs["model_config"] = json.dumps(config)


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_files_of_keras_2_load(tmp_path):
    def old(kind, config):
        if kind in ("DepthwiseConv2D", "Conv2DTranspose"):
            config["groups"] = 1
        if kind == "BatchNormalization":
            config["axis"] = [3]

    stack = [L.DepthwiseConv2D(3), L.BatchNormalization(), L.Conv2DTranspose(3, 2, strides=2)]
    model = randomize(keras.Sequential([keras.Input((8, 8, 3)), *stack]))
    keras_2(model, tmp_path / "old.h5", old)
    x = images(2, size=(8, 8))
    np.testing.assert_allclose(load_model(tmp_path / "old.h5")(x), model(x), rtol=1e-5, atol=1e-6)
    keras_2(model, tmp_path / "odd.h5", lambda kind, config: config.update({"groups": 2} if "Depthwise" in kind else {}))
    with pytest.raises(ValueError, match=r"cannot be loaded as a Keras model: .*DepthwiseConv2D.*groups"):
        load_model(tmp_path / "odd.h5")


@ONE_BACKEND
def test_an_argmax_asked_for_as_something_else_is_refused():
    inputs = keras.Input((*SIZE, 3))
    model = keras.Model(inputs, ops.argmax(conv(4)(inputs), axis=-1))
    with pytest.raises(ValueError, match=r"output_kind must be 'indices' or 'auto' .*Received: 'values'"):
        tflite.convert(model, images(), output_kind="values")
    content = tflite.convert(model, images(), output_kind="indices")
    assert [operator.name for operator in read(content).main.operators] == ["CONV_2D", "ARG_MAX", "CAST"]
    with pytest.raises(ValueError, match=r"output_kind must be one kind, or one for each.*2 for 1 outputs"):
        tflite.convert(model, images(), output_kind=["values", "values"])
