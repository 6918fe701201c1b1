"""What a file loses: its metrics against numpy, its layers against damage that was done to one of them."""

import copy
import dataclasses
import functools
import json
import math
import re
import warnings

import keras
import numpy as np
import pytest
from checks import ONE_BACKEND, randomize
from tflite.network import Network

from keras_unetmm import layers, metrics, models, tflite
from keras_unetmm.compare.quality import Example, LayerNoise, Quality, Score, Shown, compare
from keras_unetmm.compare.quality_picture import draw
from keras_unetmm.compare.quality_table import layers_table, scores_table
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import read

pytestmark = ONE_BACKEND
SIZE = (12, 16)


def images(count=3, seed=0, size=SIZE):
    return np.random.default_rng(seed).random((count, *size, 3)).astype("float32")


def examples(inputs, references=None):
    references = [None] * len(inputs) if references is None else references
    return [Example(f"image {i}", *pair) for i, pair in enumerate(zip(inputs, references, strict=True))]


@functools.cache
def network():
    """Convolutions beside a path around them, so that the noise of one is little in what follows; and its file."""
    keras.utils.set_random_seed(0)
    convolution = functools.partial(keras.layers.Conv2D, padding="same")
    inputs = keras.Input((*SIZE, 3))
    x = convolution(6, 1, name="first")(inputs)
    y = convolution(6, 3, name="beside")(x)
    x = keras.layers.Add(name="join")([x, y])
    y = convolution(6, 3, name="later", activation="relu")(x)
    x = keras.layers.Add(name="join_again")([x, y])
    model = randomize(keras.Model(inputs, convolution(3, 1, name="last")(x)))
    for name in ("beside", "later"):
        layer = model.get_layer(name)
        layer.set_weights([weight * 0.3 for weight in layer.get_weights()])
    return model, tflite.convert(model, images(8), output_kind="values")


def damaged(content, layer):
    """The file with the signs of a convolution's weights turned around."""
    graph, file = read(content).main, File(content)
    (operator,) = (o for o in graph.operators if f"/{layer}" in graph.tensors[o.outputs[0]].name)
    buffer = file.model.buffers[file.main.tensors[operator.inputs[1]].buffer]
    weights = np.asarray(buffer.data, "uint8").view("int8")
    buffer.data = (-weights.astype(int)).clip(-127, 127).astype("int8").view("uint8")
    return file.packed()


def decibels(signal, noise):
    return 10 * np.log10(np.sum(signal.astype("float64") ** 2) / np.sum((signal.astype("float64") - noise) ** 2))


@pytest.mark.parametrize("layer", ["beside", "later"])
def test_the_worst_layer_is_the_one_that_was_damaged(layer):
    model, content = network()
    whole = compare(model, content, examples(images()))
    assert [noise.layer for noise in whole.layers] == ["first", "beside", "join", "later", "join_again", "output"]
    assert min(noise.sqnr_db for noise in whole.layers) > 25
    broken = compare(model, damaged(content, layer), examples(images()))
    worst, second = broken.worst(2)
    assert (worst.layer, worst.kind) == (layer, "Conv2D")
    assert worst.sqnr_db < second.sqnr_db < min(noise.sqnr_db for noise in whole.layers)
    place = [noise.layer for noise in broken.layers].index(layer)
    assert broken.layers[:place] == whole.layers[:place], "what comes before is as it was"


def test_metrics_are_those_of_the_outputs():
    model, content = network()
    inputs, references = images(), images(seed=1)
    found = compare(model, content, examples(inputs, references), (metrics.PSNR, metrics.SSIM))
    given = np.round(inputs * 255).astype("float32") / np.float32(255)  # the bytes of a camera
    floats = keras.ops.convert_to_numpy(model(given, training=False))
    integers = tflite.run(content, inputs).values[0]
    psnr, ssim = found.scores
    for outputs, score in ((floats, psnr.float), (integers, psnr.int8)):
        errors = np.mean((outputs.astype("float64") - references) ** 2, axis=(1, 2, 3))
        assert score == pytest.approx(np.mean(10 * np.log10(1 / errors)), abs=1e-3)
    assert psnr.difference == psnr.int8 - psnr.float != 0
    assert ssim.int8 == pytest.approx(float(np.mean(metrics.ssim(references, integers))), abs=1e-5)
    scale = read(content).main.tensors[-1].scales[0]
    apart = floats.astype("float64") - integers
    assert found.agreement_db == pytest.approx(10 * np.log10((255 * scale) ** 2 / np.mean(apart**2)), abs=1e-3)
    assert found.levels == round(np.abs(apart).max() / scale)
    assert found.largest == pytest.approx(np.abs(apart).max(), rel=1e-4)
    assert (found.images, found.runtime) == (3, "tflm")


def test_layers_are_measured_over_the_first_images_together():
    model, content = network()
    inputs = images() * np.float32([[[[1.0]]], [[[0.2]]], [[[0.6]]]])
    found = compare(model, content, examples(inputs), layer_images=2)
    assert (found.images, found.layer_images) == (3, 2)
    given = np.round(inputs[:2] * 255).astype("float32") / np.float32(255)
    floats = keras.ops.convert_to_numpy(model(given, training=False))
    integers = tflite.run(content, inputs[:2], "litert-reference").values[0]
    assert found.layers[-1].layer == "output"
    assert found.layers[-1].sqnr_db == pytest.approx(decibels(floats, integers), abs=1e-3)
    assert found.layers[-1].largest == pytest.approx(np.abs(floats - integers).max(), rel=1e-4)
    assert found.layers[-1].of == pytest.approx(np.abs(floats).max(), rel=1e-6)
    assert compare(model, content, examples(inputs), layer_images=0).layers == ()


def test_what_a_camera_cuts_off_is_no_noise():
    model, content = network()
    inputs = images()
    inputs[:, ::2] -= 0.9
    found, cut = (compare(model, content, examples(x)) for x in (inputs, np.clip(inputs, 0, 1)))
    assert found.agreement_db == cut.agreement_db
    assert found.layers == cut.layers


def test_bytes_that_are_only_chosen_agree():
    model = keras.Sequential([keras.Input((*SIZE, 3)), keras.layers.MaxPooling2D(name="largest")])
    inputs = np.random.default_rng(0).integers(0, 256, (4, *SIZE, 3)) / np.float32(255)
    content = tflite.convert(model, inputs, output_kind="values")
    found = compare(model, content, examples(inputs), runtime="litert")
    assert found.agreement_db > 120
    assert found.levels == 0
    assert found.layers[-1].sqnr_db > 120


def test_what_a_device_cannot_show_counts_in_the_metrics_alone():
    """An image that is too bright: the metric is of what the network gives, the agreement of what may be seen."""
    model = keras.Sequential([keras.Input((*SIZE, 3)), keras.layers.Conv2D(3, 1)])
    model.set_weights([np.eye(3, dtype="float32")[None, None], np.full(3, 0.5, "float32")])
    inputs = images(2)
    found = compare(model, tflite.convert(model, images(8), output_kind="image"), examples(inputs, inputs), (metrics.PSNR,))
    assert found.scores[0].float == pytest.approx(10 * np.log10(1 / 0.25), abs=1e-3)
    assert found.scores[0].int8 > found.scores[0].float + 1
    assert found.agreement_db > 45
    assert max(found.shown[0].float.max(), found.shown[0].int8.max()) <= 1


def test_logits_are_measured_as_probabilities():
    model = randomize(keras.Sequential([keras.Input((*SIZE, 3)), keras.layers.Conv2D(1, 1, activation="sigmoid", name="c")]))
    model.get_layer("c").set_weights([np.float32([3, -2, 1]).reshape(1, 1, 3, 1), np.float32([-1])])
    content = tflite.convert(model, images(8), output_kind="logits")
    masks = (keras.ops.convert_to_numpy(model(images())) > 0.5).astype("int32")
    assert 0.2 < masks.mean() < 0.8
    (score,) = compare(model, content, examples(images(), masks), (functools.partial(metrics.Dice, classes=1),)).scores
    assert score.float == pytest.approx(1)
    assert 0.95 < score.int8 <= 1


def test_normalisation_is_done_once():
    model, _ = network()
    mean, std = 0.25, (0.5, 0.25, 1.0)
    content = tflite.convert(model, images(8), output_kind="values", mean=mean, std=std)
    found = compare(model, content, examples(images(), images(seed=1)), (metrics.PSNR,))
    floats = keras.ops.convert_to_numpy(model((images() - np.float32(mean)) / np.float32(std), training=False))
    errors = np.mean((floats - images(seed=1)) ** 2, axis=(1, 2, 3))
    assert found.scores[0].float == pytest.approx(np.mean(10 * np.log10(1 / errors)), abs=1e-3)
    assert found.agreement_db > 30


def test_layers_of_networks_are_found_under_their_names():
    model = randomize(models.UNet(channels=2, levels=2, skips="sat", input_shape=(16, 24, 3)))
    found = compare(model, tflite.convert(model, images(4, size=(16, 24))), examples(images(2, size=(16, 24))))
    names = [noise.layer for noise in found.layers]
    assert len(names) == len(set(names)) > 8
    assert {"enc0_block_relu0", "skip0_keep_attend_sigmoid", "dec0_fuse", "head"} < set(names)
    assert "enc0_block_conv0" not in names, "fused with the activation after it"
    assert all(noise.sqnr_db > 20 for noise in found.layers), "no layer is taken for another"


def test_layers_of_several_operators_are_measured_at_their_end():
    stack = (layers.GlobalResponseNormalization(name="grn"), keras.layers.LayerNormalization(name="norm"), layers.GELU())
    pool = (keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(5), keras.layers.ReLU(), keras.layers.Dense(4))
    model = randomize(keras.Sequential([keras.Input((*SIZE, 3)), keras.layers.Conv2D(4, 3), *stack, *pool]))
    found = compare(model, tflite.convert(model, images(8)), examples(images()))
    assert {"grn", "norm"} < {noise.layer for noise in found.layers}
    assert all(noise.sqnr_db > 15 for noise in found.layers), found.layers


def test_volumes():
    volumes = np.random.default_rng(0).random((3, 3, 6, 8, 1)).astype("float32")
    stack = (keras.layers.Conv3D(2, 3, padding="same"), keras.layers.ReLU(), keras.layers.Conv3D(1, 1))
    model = randomize(keras.Sequential([keras.Input((None, None, None, 1)), *stack]))
    content = tflite.convert(model, volumes, size=(3, 6, 8))
    found = compare(model, content, examples(volumes), size=(3, 6, 8))
    assert found.agreement_db > 35
    assert found.shown[0].int8.shape == (3, 6, 8, 1)
    assert all(noise.sqnr_db > 20 for noise in found.layers), "what is called once a slice is not taken for its neighbour"
    assert found.layers[-1].layer == "output"
    with pytest.raises(ValueError, match=r"fit each other. Received: a model that takes \(1, 3, 6, 6, 1\)"):
        compare(model, content, examples(volumes), size=(3, 6, 6))
    with pytest.raises(ValueError, match=r"size must be \(depth, height, width\)"):
        compare(model, content, examples(volumes))


def quality(count=3, names=40, reference=True):
    """One made by hand, of noise."""
    rng, shown = np.random.default_rng(0), []
    for i in range(count):
        image, output = rng.random((2, 16, 24, 3)).astype("float32")
        other = np.clip(output + rng.normal(scale=0.01, size=output.shape), 0, 1)
        shown.append(Shown(f"image {i}", image, output, other, image if reference else None))
    noises = tuple(LayerNoise(f"enc_block{i}_conv", "Conv2D", 40.0 - i % 7, 0.1, 2.0) for i in range(names))
    return Quality((Score("psnr", 31.5, 31.25),), 30.0, 3, 0.04, noises, 9, 2, "tflm", "int8", tuple(shown))


def test_the_picture_says_what_it_shows(tmp_path):
    found = quality()
    found = dataclasses.replace(found, layers=(*found.layers, LayerNoise("bad", "Add", -3.0, 9.0, 1.0)))
    draw(found, tmp_path / "a.svg", "a title")
    said = re.findall(r"<!-- (.*?) -->", (tmp_path / "a.svg").read_text())
    assert {"a title", "input", "float", "int8", "reference", "|float - int8|", "shown 20 times as large", "image 2"} <= set(
        said
    )
    assert "1  bad: -3.0 dB" in said
    assert "signal to quantisation noise of every layer's output, on 2 images" in said
    draw(quality(reference=False), tmp_path / "b.svg")
    assert "reference" not in re.findall(r"<!-- (.*?) -->", (tmp_path / "b.svg").read_text())


def test_pictures_of_everything_that_networks_give(tmp_path):
    rng = np.random.default_rng(0)
    for i, (shape, reference) in enumerate(
        [
            ((8, 8, 1), rng.integers(0, 2, (8, 8, 1))),
            ((8, 8, 5), rng.integers(0, 5, (8, 8, 1))),
            ((4, 8, 8, 1), rng.random((4, 8, 8, 1))),
            ((8, 8, 1), rng.random((8, 8, 2))),
            ((10,), np.int32(3)),
        ]
    ):
        image = rng.random((4, 8, 8, 1) if len(shape) == 4 else (8, 8, 3))
        one = dataclasses.replace(quality(1, 8).shown[0], image=image, reference=reference)
        one = dataclasses.replace(one, float=rng.random(shape), int8=rng.random(shape))
        draw(dataclasses.replace(quality(1, 8), shown=(one,)), tmp_path / f"{i}.png")
        assert (tmp_path / f"{i}.png").stat().st_size > 10_000
    draw(dataclasses.replace(quality(1, 0), layers=()), tmp_path / "none.png")
    with pytest.raises(ValueError, match=r"picture must end in \.png or .svg. Received: .*a.gif"):
        draw(quality(), tmp_path / "a.gif")
    assert not (tmp_path / "a.gif").exists()


def test_tables_and_json():
    found = quality()
    found = dataclasses.replace(found, agreement_db=math.inf)
    printed = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert printed["metrics"] == {"psnr": {"float": 31.5, "int8": 31.25, "difference": -0.25}}
    assert printed["agreement_db"] is None
    assert printed["layers"][6] == {"layer": "enc_block6_conv", "kind": "Conv2D", "sqnr_db": 34.0, "largest": 0.1, "of": 2.0}
    assert [noise.layer for noise in found.worst(2)] == ["enc_block6_conv", "enc_block13_conv"]
    table = scores_table("a title", {"kodak": found, "more": found})
    assert list(table.columns[0].cells) == ["kodak", "", "", "", "more", "", "", ""]
    assert next(iter(table.columns[5].cells)) == "-0.2500"
    assert list(layers_table(found, 3).columns[0].cells) == [f"enc_block{i}_conv" for i in (6, 13, 20)]


def file_of(dtype):
    net = Network(dtype=dtype)
    return net.file(net.unary("RELU", net.input(1, *SIZE, 3)))


def test_floats_are_compared_with_what_the_file_gives():
    model = keras.Sequential([keras.Input((*SIZE, 3)), keras.layers.LeakyReLU(0.25, name="leaky")])
    inputs = images() - np.float32(0.5)
    found = compare(model, file_of("float32"), examples(inputs), runtime="litert")
    want = np.where(inputs < 0, inputs / 4, inputs)
    apart = np.abs(want - np.maximum(inputs, 0)).astype("float64")
    assert (found.numbers, found.levels) == ("float32", None)
    assert found.largest == pytest.approx(apart.max())
    span = float(want.max()) - float(want.min())
    assert found.agreement_db == pytest.approx(10 * np.log10(span**2 / np.mean(apart**2)))
    assert [layer.layer for layer in found.layers] == ["output"], "no name of the file's is a layer's"
    assert found.as_json()["largest"] == found.largest
    table = scores_table("a title", {"kodak": found})
    assert list(table.columns[2].cells) == ["float32 against float, dB", "largest difference"]


def test_what_cannot_be_compared_is_refused():
    model, content = network()
    other = keras.Sequential([keras.Input((*SIZE, 3)), keras.layers.Conv2D(5, 1)])
    larger = keras.Sequential([keras.Input((24, 24, 3)), keras.layers.Conv2D(3, 1)])
    gray = keras.Sequential([keras.Input((None, None, 1)), keras.layers.Conv2D(3, 1)])
    spoilt = keras.models.clone_model(model)
    spoilt.get_layer("later").set_weights([w * np.float32("nan") for w in model.get_layer("later").get_weights()])
    several = keras.Sequential([keras.Input((*SIZE, 3)), keras.layers.Conv2D(4, 1, activation="softmax")])
    indices = tflite.convert(several, images(2), output_kind="indices")
    one = examples(images(1))
    cases = [
        ((model, file_of("bool"), one), "file must have an input of float32, or of integers with one scale"),
        ((model, b"no file at all", one), "must be a .tflite file"),
        ((model, content[:400], one), "cut short or damaged"),
        ((other, content, one), r"a model that gives \(1, 12, 16, 5\) for the file, a file that gives \(1, 12, 16, 3\)"),
        ((larger, content, one), r"a model that takes \(None, 24, 24, 3\), a file that takes \(1, 12, 16, 3\)"),
        ((gray, content, one), r"a model that takes \(None, None, None, 1\)"),
        ((spoilt, content, one), r"finite weights. Received: 324 of 324 values of .*later.*kernel"),
        ((several, indices, one), "one of output_kind='indices'"),
        ((model, content, []), "at least one. Received: none"),
        (
            (model, content, examples(images(1, size=(12, 12)))),
            r"the file's size, \(12, 16, 3\). Received: image 0 of shape",
        ),
        ((model, content, examples(images(1) * np.float32("inf"))), "finite float images"),
        ((model, content, examples((images(1) * 255).astype("uint8"))), "type uint8"),
        ((model, content, one, (metrics.PSNR,)), "must have references where there are metrics"),
    ]
    for arguments, message in cases:
        with pytest.raises(ValueError, match=message):
            compare(*arguments)
    with pytest.raises(ValueError, match=r"runtime must be one of 'tflm', 'litert', 'litert-reference'. Received: 'onnx'"):
        compare(model, content, one, runtime="onnx")


@pytest.mark.parametrize(
    ("numbers", "runtime", "least"),
    [
        ("int8", "tflm", 25),
        ("int16", "tflm", 35),
        ("float32", "tflm", 100),
        ("float16", "litert", 50),
        ("hybrid", "litert", 35),
    ],
)
def test_files_of_the_stock_converter_are_compared(numbers, runtime, least):
    tensorflow = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("the stock converter takes models of the TensorFlow backend")
    convolution = functools.partial(keras.layers.Conv2D, 24, 3, padding="same")  # smaller weights would stay floats
    stack = convolution(name="first", activation="relu"), convolution(name="later"), keras.layers.ReLU(name="least")
    model = randomize(keras.Sequential([keras.Input((*SIZE, 3)), *stack, keras.layers.Conv2D(3, 1, name="last")]))
    content = stock(tensorflow, model, numbers)
    assert [read(content).main.tensors[i].type for i in read(content).main.inputs] == ["FLOAT32"]
    assert "?x12x16x3" in tflite.check(content, "tflm", compile=False).note
    found = compare(model, content, examples(images()), runtime=runtime)
    assert (found.numbers, found.images) == (numbers, 3)
    assert [noise.layer for noise in found.layers] == ["first", "least", "output"], "later is fused with the activation"
    assert min(noise.sqnr_db for noise in found.layers) > least
    if numbers == "int8":
        own = compare(model, tflite.convert(model, images(8), output_kind="values"), examples(images()))
        assert abs(found.agreement_db - own.agreement_db) < 3
    if runtime == "litert":
        with pytest.raises(ValueError, match="run it on LiteRT: --runtime litert"):
            compare(model, content, examples(images()))


def test_a_reshape_by_the_shape_of_an_open_batch_is_compared_as_of_one_image():
    tensorflow = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("the stock converter takes models of the TensorFlow backend")
    first, last = keras.layers.Conv2D(24, 3, padding="same", name="first"), keras.layers.Conv2D(3, 1, name="last")
    model = randomize(keras.Sequential([keras.Input((*SIZE, 3)), first, keras.layers.Reshape((24, 16, 12)), last]))
    content = stock(tensorflow, model, "int8")
    assert {"SHAPE", "RESHAPE"} <= {operator.name for operator in read(content).main.operators}
    found = compare(model, content, examples(images()))
    assert "first" in [noise.layer for noise in found.layers]
    assert min(noise.sqnr_db for noise in found.layers) > 20


def test_a_file_of_several_entry_points_is_not_compared():
    model, content = network()
    file = File(content)
    file.model.subgraphs.append(copy.deepcopy(file.main))
    file.model.signatureDefs = None
    with pytest.raises(ValueError, match=r"one entry point. Received: 2, graph 0, graph 1. Convert each signature"):
        compare(model, file.packed(), examples(images(1)))


def stock(tensorflow, model, numbers):
    """The file that TensorFlow's own converter makes of a model, float ends and an open batch."""
    lite = tensorflow.lite
    converter = lite.TFLiteConverter.from_keras_model(model)
    if numbers != "float32":
        converter.optimizations = [lite.Optimize.DEFAULT]
    if numbers == "float16":
        converter.target_spec.supported_types = [tensorflow.float16]
    if numbers.startswith("int"):
        converter.representative_dataset = lambda: ([image[None]] for image in images(8))
    if numbers == "int16":
        maps = lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        converter.target_spec.supported_ops = [maps]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of statistics that only older converters took
        return converter.convert()
