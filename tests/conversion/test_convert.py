import warnings

import keras
import numpy as np
import pytest
from checks import ONE_BACKEND, randomize
from tflite import files as handmade

from keras_unetmm import layers, models, tflite
from keras_unetmm.conversion.convert import ConversionError
from keras_unetmm.conversion.file_passes import validate_no_floats
from keras_unetmm.quantization.calibration import calibration_images
from keras_unetmm.quantization.quantize import quantize_aware
from keras_unetmm.targets.targets import TARGETS, check
from keras_unetmm.tflite_file.graph import read
from keras_unetmm.tflite_file.metadata import metadata

TINY = {"encoder_depths": (1, 0, 0, 0), "middle_depth": 0, "decoder_depths": (0, 0, 0, 1)}
BUILDERS = {
    "full": lambda: models.NAFNet("mcu_width16", skips="full", **TINY),
    "none": lambda: models.NAFNet("mcu_width16", skips="none", **TINY),
    "unet--": lambda: models.NAFNetUNetMinus("mcu_width16"),  # the whole depth
    "unet--, layer norm": lambda: models.NAFNetUNetMinus("mcu_width16", norm="layer"),
}
BYTE = np.float32(1 / 255)


def images(count=4, size=(32, 48)):
    return np.random.default_rng(0).random((count, *size, 3)).astype("float32")


def small(*stack, size=(8, 12)):
    return randomize(keras.Sequential([keras.Input((*size, 3)), *stack]))


def quantization(content):
    """Type, scale and zero point of the input and of the output."""
    graph = read(content).main
    ends = [graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]]
    return [(tensor.type, *map(np.float32, tensor.scales), *tensor.zero_points) for tensor in ends]


def names(content):
    return [operator.name for operator in read(content).main.operators]


@pytest.mark.parametrize("kind", BUILDERS if keras.backend.backend() == "tensorflow" else ["unet--"])
def test_networks_become_integers_and_run_on_TFLM_as_on_LiteRT(kind):
    model = randomize(BUILDERS[kind]())
    x = images()
    content = tflite.convert(model, x, size=(32, 48), output_kind="image")

    graph = read(content).main
    assert {tensor.type for tensor in graph.tensors} <= {"INT8", "INT32"}
    assert graph.tensors[graph.inputs[0]].shape == (1, 32, 48, 3)
    assert quantization(content) == [("INT8", BYTE, -128)] * 2

    on_tflm = tflite.run(content, x)
    on_reference = tflite.run(content, x, "litert-reference")
    apart = np.abs(on_tflm.outputs[0].astype(int) - on_reference.outputs[0])
    assert apart.max() == 0, "TFLM's kernels come from LiteRT's reference kernels: not one LSB over the whole depth"
    assert on_tflm.arena.head >= tflite.plan(content).order_bound

    want = np.clip(keras.ops.convert_to_numpy(model(x, training=False)), 0, 1)
    correlation = np.corrcoef(on_tflm.values[0].ravel(), want.ravel())[0, 1]
    assert correlation > 0.98, "the integer file must compute what the model computes"


@ONE_BACKEND
def test_a_size_that_does_not_divide_is_padded_inside_the_file():
    model = randomize(models.NAFNet("mcu_width16", **TINY))
    x = images(2, (21, 35))
    content = tflite.convert(model, x, size=(21, 35), output_kind="values")
    want = keras.ops.convert_to_numpy(model(x, training=False))
    got = tflite.run(content, x)
    assert got.outputs[0].shape == (2, 21, 35, 3)
    assert np.corrcoef(got.values[0].ravel(), want.ravel())[0, 1] > 0.98


@ONE_BACKEND
@pytest.mark.parametrize("target", TARGETS)
def test_every_target_takes_what_is_converted_for_it(target):
    chain = (layers.PixelUnshuffle(2), keras.layers.LayerNormalization(), layers.PointwiseConvolution(24), layers.GELU())
    model = small(*chain, layers.GlobalResponseNormalization(), keras.layers.UpSampling2D(2), layers.PixelShuffle(2))
    content = tflite.convert(model, images(2, (8, 12)), target)
    verdict = check(content, target)
    assert verdict.count("supported") == len(verdict.operators) > 0
    assert metadata(content)["target"] == target
    want = keras.ops.convert_to_numpy(model(images(2, (8, 12)), training=False))
    got = tflite.run(content, images(2, (8, 12)), "litert-reference").values[0]
    assert np.corrcoef(got.ravel(), want.ravel())[0, 1] > 0.98


def test_nearest_upsampling_becomes_one_operator():
    content = tflite.convert(small(keras.layers.UpSampling2D(2), keras.layers.Conv2D(3, 1)), images(2, (8, 12)))
    assert names(content) == ["RESIZE_NEAREST_NEIGHBOR", "CONV_2D"]
    assert tflite.run(content, images(1, (8, 12))).outputs[0].shape == (1, 16, 24, 3)


@ONE_BACKEND
@pytest.mark.parametrize("io", ["int8", "uint8"])
def test_a_frame_goes_in_and_comes_out_by_a_copy(io):
    model = small(keras.layers.Conv2D(3, 3, padding="same", activation="relu"))
    content = tflite.convert(
        model, images(4, (8, 12)) * 0.5 + 0.2, io=io, output_kind="image"
    )  # the calibration does not reach 0 and 1
    kind, zero = {"int8": ("INT8", -128), "uint8": ("UINT8", 0)}[io]
    assert quantization(content) == [(kind, BYTE, zero)] * 2
    frame = np.random.default_rng(1).integers(0, 256, (8, 12, 3), "uint8")
    result = tflite.run(content, frame if io == "uint8" else (frame ^ 0x80).view("int8"))
    shown = result.outputs[0] if io == "uint8" else result.outputs[0].view("uint8") ^ 0x80
    want = np.clip(keras.ops.convert_to_numpy(model(frame[None].astype("float32") / 255, training=False)), 0, 1)
    assert want.std() > 0.05
    assert np.abs(shown / 255 - want).max() < 0.02
    np.testing.assert_array_equal(result.outputs[0], tflite.run(content, frame / np.float32(255)).outputs[0])


@ONE_BACKEND
def test_normalisation_is_inside_the_file():
    model = small(keras.layers.Conv2D(3, 3, padding="same"))
    mean, std = (0.2, 0.3, 0.4), (0.5, 0.25, 1.0)
    content = tflite.convert(model, images(4, (8, 12)), output_kind="values", mean=mean, std=std)
    assert quantization(content)[0] == ("INT8", BYTE, -128)
    described = metadata(content)
    assert (described["mean"], described["std"]) == (list(mean), list(std))
    x = images(4, (8, 12))
    want = keras.ops.convert_to_numpy(model((x - np.float32(mean)) / np.float32(std), training=False))
    assert np.corrcoef(tflite.run(content, x).values[0].ravel(), want.ravel())[0, 1] > 0.999


@ONE_BACKEND
def test_what_the_output_is():
    x = images(4, (8, 12))
    head = [keras.layers.Conv2D(5, 3, padding="same"), keras.layers.Activation("softmax")]
    model = small(*head)
    scores = keras.ops.convert_to_numpy(model(x, training=False))

    probabilities = tflite.convert(model, x)
    assert quantization(probabilities)[1] == ("INT8", np.float32(1 / 256), -128)
    assert np.abs(tflite.run(probabilities, x).values[0] - scores).max() < 0.03

    logits = tflite.convert(model, x, output_kind="logits")
    assert names(logits) == ["CONV_2D"]

    indices = tflite.convert(model, x, output_kind="indices", io="uint8")
    assert names(indices) == ["QUANTIZE", "CONV_2D", "ARG_MAX", "CAST"]
    result = tflite.run(indices, x).outputs[0]
    assert (result.shape, result.dtype) == ((4, 8, 12), np.int8)
    np.testing.assert_array_equal(result, tflite.run(logits, x).outputs[0].argmax(-1))
    assert (result == scores.argmax(-1)).mean() > 0.95
    np.testing.assert_array_equal(tflite.run(tflite.plan(indices).planned.content, x).outputs[0], result)

    kinds = {metadata(content)["output"]["kind"] for content in (probabilities, logits, indices)}
    assert kinds == {"probabilities", "logits", "indices"}


@ONE_BACKEND
def test_an_output_far_from_an_image_is_warned_of():
    model = small(keras.layers.Rescaling(20.0, -10.0), keras.layers.Conv2D(3, 1))
    with pytest.warns(UserWarning, match=r"taken for an image.*output_kind='values'"):
        tflite.convert(model, images(2, (8, 12)), output_kind="image")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        content = tflite.convert(model, images(2, (8, 12)), output_kind="values")
    assert metadata(content)["output"]["kind"] == "values"


@ONE_BACKEND
@pytest.mark.parametrize("io", ["int8", "uint8"])
@pytest.mark.parametrize(
    "build",
    [
        lambda x: keras.layers.Concatenate()([x, keras.layers.Conv2D(2, 3, padding="same")(x)])[..., :3],
        lambda x: keras.layers.Conv2D(3, 1)(keras.layers.Concatenate()([x, 5 * keras.layers.Conv2D(2, 1)(x)])),
        lambda x: keras.layers.Maximum()([x, keras.layers.Conv2D(3, 1)(x)]),
        lambda x: layers.PixelShuffle(2)(keras.layers.Conv2D(12, 3, padding="same")(x)),
        lambda x: keras.layers.UpSampling2D(2, interpolation="bilinear")(keras.layers.Conv2D(3, 3, padding="same")(x)),
        lambda x: keras.layers.Cropping2D(0)(keras.layers.Conv2D(3, 3, padding="same")(x)),
        lambda x: keras.layers.Activation("sigmoid")(keras.layers.Conv2D(3, 1)(x)),
    ],
    ids=["features", "concatenated", "maximum", "shuffle", "bilinear", "cropping", "sigmoid"],
)
def test_ends_are_bytes_whatever_meets_them(build, io):
    inputs = keras.Input((8, 12, 3))
    model = randomize(keras.Model(inputs, build(inputs)))
    x = images(4, (8, 12))
    content = tflite.convert(model, x, output_kind="image", io=io)
    kind, zero = {"int8": ("INT8", -128), "uint8": ("UINT8", 0)}[io]
    assert quantization(content) == [(kind, BYTE, zero)] * 2
    on_tflm, on_reference = (tflite.run(content, x, runtime) for runtime in ("tflm", "litert-reference"))
    np.testing.assert_array_equal(on_tflm.outputs[0], on_reference.outputs[0])
    want = np.clip(keras.ops.convert_to_numpy(model(x, training=False)), 0, 1)
    assert np.abs(on_tflm.values[0] - want).max() < 0.06


def test_a_layer_without_an_integer_form_is_refused():
    model = small(keras.layers.UnitNormalization(name="unit"))
    with pytest.raises(ValueError, match=r"target 'tflm'\. Received: unit, a UnitNormalization"):
        tflite.convert(model, images(2, (8, 12)))


def test_a_float_operator_is_refused_by_the_names_of_its_tensors():
    content = handmade.build([((1, 4), np.zeros((1, 4), "float32")), ((1, 4), None)], [("RELU", [0], [1], None)], [1], [1])
    with pytest.raises(
        ConversionError, match=r"(?s)1 tensors of the file are not integers.*graph/t0/value \(1, 4\): FLOAT32"
    ):
        validate_no_floats(read(content))


@ONE_BACKEND
def test_integers_that_the_target_cannot_run_are_refused():
    model = small(keras.layers.Activation("exponential"))
    with pytest.raises(ValueError, match=r"the activation 'exponential', which becomes EXP, and tflm has"):
        tflite.convert(model, images(2, (8, 12)))
    with pytest.raises(ConversionError, match=r"(?s)tflm cannot run it.* GELU: .*Instead: x \* sigmoid"):
        tflite.convert(small(layers.GELU()), images(2, (8, 12)), gelu="operator")


@pytest.mark.parametrize(
    ("calibration", "message"),
    [
        ([], r"at least one image\. Received: none"),
        ([np.zeros((8, 8, 3), "float32")], r"image 0 of shape \(8, 8, 3\)"),
        ([np.zeros((32, 48, 3), "uint8")], r"type uint8.*scale bytes by 1/255"),
        ([np.full((32, 48, 3), np.nan, "float32")], r"finite float images"),
        ([images(1)[0] * 2 - 1], r"values in \[0, 1\].* 50% of them outside"),
        ([(images(1)[0], 3)], r"image 0 is a tuple.*without labels"),
        (5, r"a folder, or an iterable.*Received: 5"),
        ([np.full((32, 48, 3), 255, "float32")], r"values in \[0, 1\].*Received: 255 to 255.*mean and std"),
    ],
    ids=["none", "shape", "bytes", "nan", "negative", "labels", "number", "range"],
)
def test_bad_calibration_is_refused(calibration, message):
    with pytest.raises(ValueError, match=message):
        tflite.convert(small(keras.layers.Conv2D(3, 1), size=(None, None)), calibration, size=(32, 48))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": "esp32"}, r"target must be one of 'litert'.*Received: 'esp32'"),
        ({"io": "float32"}, r"io must be one of 'int8', 'uint8'\. Received: 'float32'"),
        ({"output_kind": "picture"}, r"output_kind must be one of .*Received: 'picture'"),
        ({"output_kind": "logits"}, r"ends in softmax or sigmoid\. Received: one that ends in conv, a Conv2D"),
        ({"mean": (0.1, 0.2)}, r"mean must be a finite number, or 3, one a channel\. Received: \(0\.1, 0\.2\)"),
        ({"std": 0.0}, r"std must be positive\. Received: \[0\.0, 0\.0, 0\.0\]"),
        ({"gate": "none"}, r"gate must be one of"),
        ({"size": (8, 16)}, r"size must be one that the model takes"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        tflite.convert(small(keras.layers.Conv2D(3, 1, name="conv")), images(2, (8, 12)), **arguments)


def test_the_old_name_of_output_kind_warns():
    model, x = small(keras.layers.Conv2D(3, 1, name="conv")), images(2, (8, 12))
    with (
        pytest.warns(FutureWarning, match="output is now called output_kind"),
        pytest.raises(ValueError, match=r"output_kind must be one of .*Received: 'picture'"),
    ):
        tflite.convert(model, x, output="picture")
    with (
        pytest.warns(FutureWarning, match="output is now called output_kind"),
        pytest.raises(ValueError, match="output_kind='logits' takes a model that ends in softmax"),
    ):
        quantize_aware(model, x, output="logits")


def test_models_without_an_output_of_their_own_are_refused():
    with pytest.raises(ValueError, match="whose output is its input"):
        tflite.convert(small(keras.layers.Dropout(0.1)), images(2, (8, 12)))


@ONE_BACKEND
def test_the_index_of_one_class_is_whether_it_is_likely():
    x = images(4, (8, 12))
    model = small(keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid"))
    likely = keras.ops.convert_to_numpy(model(x, training=False))[..., 0]
    for io in ("int8", "uint8"):
        content = tflite.convert(model, x, output_kind="indices", io=io)
        assert names(content)[-4:] == ["CONV_2D", "GREATER", "CAST", "RESHAPE"]
        got = tflite.run(content, x).outputs[0]
        assert (got.shape, got.dtype) == ((4, 8, 12), np.int8)
        assert ((got == 1) == (likely > 0.5))[np.abs(likely - 0.5) > 0.02].all()
        assert set(np.unique(got)) == {0, 1}


def test_indices_of_too_many_classes_are_refused():
    with pytest.raises(ValueError, match=r"from 1 to 128 classes\. Received: a model output of \(None, 8, 12, 200\)"):
        tflite.convert(small(keras.layers.Conv2D(200, 1)), images(2, (8, 12)), output_kind="indices")


def test_calibration_may_be_an_iterator_with_or_without_a_batch():
    want = images(3)
    shape = (1, 32, 48, 3)
    np.testing.assert_array_equal(calibration_images(iter(want), shape), want)
    np.testing.assert_array_equal(calibration_images((x[None] for x in want), shape), want)
    np.testing.assert_array_equal(calibration_images(want * 1.2 - 0.1, shape), np.clip(want * 1.2 - 0.1, 0, 1))


def test_volumes_come_from_a_folder_of_arrays(tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "a.npy", rng.random((9, 10, 12), "float32"))
    np.save(tmp_path / "b.npy", rng.integers(0, 256, (8, 9, 12, 1), "uint8"))
    found = calibration_images(tmp_path, (1, 8, 8, 12, 1))
    assert found.shape == (2, 8, 8, 12, 1)
    assert 0 <= found.min() < found.max() <= 1


def test_an_open_size_must_be_given():
    with pytest.raises(ValueError, match=r"Pass for example size=\(256, 256\)"):
        tflite.convert(small(keras.layers.Conv2D(3, 1), size=(None, None)), images())


def _three(activation=None, spread=0.03):
    start = keras.initializers.RandomNormal(0, spread, seed=1)
    layers = [keras.layers.Conv2D(16, 3, padding="same", activation="relu")]
    layers.append(keras.layers.Conv2D(3, 3, padding="same", kernel_initializer=start, activation=activation))
    return lambda x: layers[1](layers[0](x))


def _residual(x):
    return keras.layers.Rescaling(0.05)(keras.layers.Conv2D(3, 3, padding="same", activation="tanh")(x))


def _restored(x):
    return keras.layers.Add()([x, _residual(x)])


OUTPUTS = {
    "signs": (_three(), "values"),
    "tanh": (_three("tanh", 0.5), "values"),
    "residual": (_residual, "values"),
    "restored": (_restored, "image"),
    "bounded": (_three("hard_sigmoid", 0.5), "image"),
    "sigmoid": (_three("sigmoid", 0.5), "probabilities"),
}


@ONE_BACKEND
@pytest.mark.parametrize("kind", OUTPUTS)
@pytest.mark.parametrize("trained", [False, True])
def test_an_output_is_an_image_only_if_it_lies_where_images_do(kind, trained):
    build, want = OUTPUTS[kind]
    if trained and kind == "bounded":
        pytest.skip("refused by quantize_aware")
    keras.utils.set_random_seed(0)
    inputs = keras.Input((16, 16, 3))
    model = keras.Model(inputs, build(inputs))
    x = np.random.default_rng(0).random((6, 16, 16, 3)).astype("float32")
    made = quantize_aware(model, x) if trained else model
    content = tflite.convert(made, None if trained else x)
    assert metadata(content)["output"]["kind"] == want
    floats = keras.ops.convert_to_numpy(model(x, training=False))
    got = np.concatenate([tflite.run(content, image[None]).values[0] for image in x])
    noise = np.mean((got - floats) ** 2)
    assert 10 * np.log10(floats.var() / noise) > 20, "1.5 dB where the values below zero are cut"
