"""That a file gives the bytes of its quantisation-aware model for all that is accepted, and that the rest is refused."""

from pathlib import Path

import keras
import numpy as np
import pytest
from checks import ONE_BACKEND

from keras_unetmm import layers as ours
from keras_unetmm import tflite
from keras_unetmm.conversion import same_bytes
from keras_unetmm.conversion.convert import ConversionError
from keras_unetmm.conversion.ranges import RangeError
from keras_unetmm.conversion.same_bytes import trials, validate_same_bytes
from keras_unetmm.quantization.integer_kernels import sigmoid_steps, tanh_steps
from keras_unetmm.quantization.quantize import plain, quantize_aware, renewed
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import read

L = keras.layers
SIZE = (8, 12)
EXACT = {"linear", "relu", "relu6", "hard_tanh", "sigmoid", "tanh", "softmax", "silu", "swish", "gelu", "leaky_relu"}
OTHERS = ("glu", "sparsemax", "threshold")  # which change the shape, or need an argument
ACTIVATIONS = [
    name
    for name in dir(keras.activations)
    if not name.startswith("_") and name not in ("get", "serialize", "deserialize", *OTHERS)
]


def images():
    rng = np.random.default_rng(0)
    ramp = np.arange(SIZE[0] * SIZE[1] * 3).reshape(1, *SIZE, 3) % 256
    extreme = 255 * rng.integers(0, 2, (1, *SIZE, 3))
    return (np.concatenate([rng.integers(0, 256, (2, *SIZE, 3)), ramp, extreme, 0 * ramp, 0 * ramp + 255]) / 255).astype(
        "f4"
    )


X = images()


def network(build, scale=1.0, seed=0):
    """With weights that use the whole range of an activation."""
    rng, inputs = np.random.default_rng(seed), keras.Input((*SIZE, 3))
    model = keras.Model(inputs, build(inputs))
    for weight in model.weights:
        values = rng.normal(size=weight.shape)
        fan = np.prod(weight.shape[:-1]) if len(weight.shape) > 1 else 10
        weight.assign(np.abs(values) + 0.5 if "variance" in weight.path else scale * values / np.sqrt(fan))
    return model


def convolution(filters=6, **arguments):
    return L.Conv2D(filters, 3, padding="same", **arguments)


def then(layer):
    """A layer between two convolutions."""
    return lambda x: L.Conv2D(2, 1)(layer(convolution()(x)))


def joined(layer):
    return lambda x: L.Conv2D(2, 1)(layer([convolution()(x), convolution()(x)]))


def apart(model):
    """By how many steps the file and the quantisation-aware model differ, and how many the values cover."""
    made = quantize_aware(model, X, output_kind="values")
    content = tflite.convert(made, None, output_kind="values")
    graph = read(content).main
    last = graph.tensors[graph.outputs[0]]
    want = np.round(keras.ops.convert_to_numpy(made(X, training=False)) / last.scales[0]) + last.zero_points[0]
    got = np.stack([tflite.run(content, x[None], "tflm").outputs[0] for x in X]).astype(int).reshape(want.shape)
    return np.abs(got - want), np.ptp(got)


@ONE_BACKEND
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_gives_its_files_bytes_or_is_refused_by_name(name):
    if name in EXACT:  # inside a layer, and alone
        steps, span = apart(network(lambda x: then(L.Activation(name, name="here"))(convolution(activation=name)(x)), 3.0))
        assert span > 100
        assert steps.max() == 0
    else:
        for build in (lambda x: L.Conv2D(2, 1)(convolution(activation=name)(x)), then(L.Activation(name, name="here"))):
            with pytest.raises(ValueError, match=r"byte by byte|tflm has no|in floats") as caught:
                quantize_aware(network(build, 3.0), X)
            assert f"with the activation {getattr(keras.activations, name).__name__}" in str(caught.value).replace("'", "")


def subtracted(layer, x):
    """A layer that reads what another reads as well."""
    return L.Conv2D(2, 1)(L.Subtract()([layer(x), x]))


def joined_and_read(x):
    """A map that is joined with one of another range, and read by a convolution."""
    return L.Conv2D(2, 1)(L.Concatenate()([x, convolution(3)(x)]))


LAYERS = {
    "depthwise": then(L.DepthwiseConv2D(3, padding="same", activation="relu")),
    "separable": then(L.SeparableConv2D(4, 3, activation="relu6")),
    "separable, normalized": then(lambda x: L.ReLU()(L.BatchNormalization()(L.SeparableConv2D(4, 3)(x)))),
    "reshaped, then clipped": lambda x: L.Conv1D(2, 1)(L.ReLU()(L.Reshape((-1, 6))(convolution()(x)))),
    "flattened, then clipped": lambda x: L.Dense(5)(L.ReLU()(L.Flatten()(convolution()(x)))),
    "1-D, pooled, then clipped": lambda x: L.Conv1D(2, 1)(
        L.ReLU()(L.MaxPooling1D(2)(L.Conv1D(4, 3)(L.Reshape((-1, 3))(x))))
    ),
    "pooled, normalized, clipped": lambda x: L.Conv2D(2, 1)(
        L.ReLU()(L.BatchNormalization()(L.MaxPooling2D(2)(convolution()(x))))
    ),
    "normalized image, clipped": lambda x: L.Conv2D(2, 3)(L.ReLU(6.0)(L.BatchNormalization()(x))),
    "means, clipped": then(lambda x: L.ReLU()(L.AveragePooling2D(2)(x))),
    "relu6 of a join": lambda x: subtracted(L.Activation("relu6"), L.Concatenate()([convolution(3)(x), convolution(2)(x)])),
    "relu6 of a product": lambda x: subtracted(L.ReLU(6.0), L.Multiply()([convolution()(x), convolution()(x)])),
    "relu6, joined with what goes beyond": lambda x: L.Conv2D(2, 1)(
        L.Concatenate()([L.ReLU(6.0)(L.LeakyReLU()(convolution()(x))), L.Rescaling(3.0)(convolution()(x))])
    ),
    "sigmoid, joined and read besides": lambda x: joined_and_read(convolution(activation="sigmoid")(x)),
    "sigmoid, moved and then joined": lambda x: joined_and_read(L.ZeroPadding2D(1)(convolution(activation="sigmoid")(x))),
    "sigmoid, enlarged and then joined": lambda x: joined_and_read(
        L.UpSampling2D(2, interpolation="bilinear")(convolution(activation="sigmoid")(x))
    ),
    "dense on maps": then(L.Dense(5)),
    "dense on maps, tanh": then(L.Dense(5, activation="tanh")),
    "dense": lambda x: L.Dense(7)(L.Flatten()(L.MaxPooling2D(4)(convolution()(x)))),
    "transposed": then(L.Conv2DTranspose(4, 3, strides=2, padding="same")),
    "max pooling": then(L.MaxPooling2D(3, 2, padding="same")),
    "average pooling": then(L.AveragePooling2D(2)),
    "average pooling, odd": then(L.AveragePooling2D((2, 3))),
    "average pooling, padded": then(L.AveragePooling2D(3, 2, padding="same")),
    "global average": then(L.GlobalAveragePooling2D(keepdims=True)),
    "global maximum": then(L.GlobalMaxPooling2D(keepdims=True)),
    "nearest": then(L.UpSampling2D(2)),
    "bilinear": then(L.UpSampling2D(2, interpolation="bilinear")),
    "bilinear by 3": then(L.UpSampling2D(3, interpolation="bilinear")),
    "bilinear by 2 and 5": then(L.UpSampling2D((2, 5), interpolation="bilinear")),
    "resized like": lambda x: ours.ResizeLike()([L.MaxPooling2D(2)(convolution()(x)), x]),
    "layer normalization, dense": lambda x: L.Dense(4)(L.LayerNormalization()(L.Dense(8)(L.Flatten()(x)))),
    "rms normalization, dense": lambda x: L.Dense(4)(L.RMSNormalization()(L.Dense(8)(L.Flatten()(x)))),
    "average, dense": lambda x: L.Dense(4)(L.GlobalMaxPooling2D()(joined(L.Average())(x))),
    "group normalization": then(L.GroupNormalization(2)),
    "softmax": then(L.Softmax()),
    "softmax of rows": then(L.Softmax(axis=1)),
    "leaky": then(L.LeakyReLU(0.3)),
    "relu with a slope": then(L.ReLU(negative_slope=0.1)),
    "slopes": then(L.PReLU(shared_axes=(1, 2))),
    "batch norm": then(L.BatchNormalization()),
    "layer norm": then(L.LayerNormalization()),
    "response norm": then(ours.GlobalResponseNormalization()),
    "rescaling": then(L.Rescaling(2.0, 0.1)),
    "attention": then(ours.SimplifiedChannelAttention()),
    "gate": then(ours.SimpleGate()),
    "shuffles": then(ours.PixelUnshuffle(2)),
    "add": joined(L.Add()),
    "subtract": joined(L.Subtract()),
    "multiply": joined(L.Multiply()),
    "maximum": joined(L.Maximum()),
    "concatenate": joined(L.Concatenate()),
    "three": lambda x: L.Multiply()([convolution()(x), convolution()(x), convolution(1)(x)]),
    "relu of a sum": lambda x: L.ReLU()(L.Add()([convolution()(x), convolution()(x)])),
    "softmax of means": lambda x: L.Softmax()(L.AveragePooling2D(2)(convolution()(x))),
}


@ONE_BACKEND
@pytest.mark.parametrize("build", [then(L.LayerNormalization()), then(L.GroupNormalization(2))])
def test_factors_of_one_and_sums_with_zero_stay_in_the_file(build):
    """The converter leaves them out, and the model rounds there, until they are trained."""
    inputs = keras.Input((*SIZE, 3))
    keras.utils.set_random_seed(0)
    assert apart(keras.Model(inputs, build(inputs)))[0].max() == 0


@ONE_BACKEND
@pytest.mark.parametrize("kind", LAYERS)
def test_every_layer_gives_its_files_bytes(kind):
    keras.utils.set_random_seed(0)
    steps, span = apart(network(LAYERS[kind], 2.0))
    assert span > 50
    assert steps.max() == 0


def shuffled(activation):
    """An image whose last layer moves what an activation gives."""
    return network(lambda x: ours.PixelShuffle(2)(L.Conv2D(12, 3, padding="same", activation=activation)(x)), 3.0)


@ONE_BACKEND
@pytest.mark.parametrize(("activation", "asked"), [("sigmoid", "image"), ("tanh", "image"), ("sigmoid", "auto")])
def test_an_image_whose_kernel_has_a_range_of_its_own_is_requantised(activation, asked):
    made = quantize_aware(shuffled(activation), X, output_kind=asked)
    content = tflite.convert(made, None, output_kind=asked)
    graph = read(content).main
    assert graph.operators[-1].name == "QUANTIZE"
    (scale,) = graph.tensors[graph.outputs[0]].scales
    assert scale == pytest.approx(1 / 255)
    values = keras.ops.convert_to_numpy(made(X, training=False)).astype(float)
    want = np.clip(np.round(values / scale), 0, 255) - 128  # 128/256 is a little less than a half, for so is the scale
    got = np.concatenate([tflite.run(content, x[None], "tflm").outputs[0] for x in X])
    np.testing.assert_array_equal(got, want)
    assert np.ptp(got.astype(int)) > 100


def of_one_activation(name, scale):
    """A file of one operator that reads bytes of that scale, with the zero point 0."""
    file = File(tflite.convert(network(lambda x: L.Activation(name)(convolution()(x))), X, output_kind="values"))
    last = file.main.operators[-1]
    file.main.operators, file.main.inputs, file.model.signatureDefs = [last], last.inputs, None
    quantization = file.main.tensors[int(last.inputs[0])].quantization
    quantization.scale, quantization.zeroPoint = np.array([scale], "float32"), np.array([0])
    file.prune()
    return file.packed()


@ONE_BACKEND
@pytest.mark.parametrize("scale", [1 / 4096, 0.0031, 1 / 256, 0.0264, 2.0, 40.0])  # of powers of two some values are halves
@pytest.mark.parametrize(("name", "steps", "zero"), [("sigmoid", sigmoid_steps, 128), ("tanh", tanh_steps, 0)])
def test_integers_of_sigmoid_and_tanh_are_those_of_tflm(name, steps, zero, scale):
    content = of_one_activation(name, scale)
    shape = read(content).main.tensors[read(content).main.inputs[0]].shape
    x = np.resize(np.arange(-128, 128), shape).astype("int8")
    (got,) = tflite.run(content, x, "tflm").outputs
    made = steps(keras.ops.convert_to_tensor(x.astype("float32")), keras.ops.convert_to_tensor(np.float32(scale)))
    np.testing.assert_array_equal(got, keras.ops.convert_to_numpy(made) - zero)


@pytest.mark.parametrize("layer", [L.ReLU(1.0), L.ReLU(threshold=0.2), L.ReLU(6.0, negative_slope=0.1)])
def test_relus_of_several_operators_are_refused(layer):
    with pytest.raises(ValueError, match=f"Received: {layer.name}, a ReLU"):
        quantize_aware(network(then(layer)), X)


def test_a_function_of_the_user_is_not_taken_for_one_of_keras():
    def relu(x):
        return keras.ops.tanh(x)

    with pytest.raises(ValueError, match="with the activation relu"):
        quantize_aware(network(then(L.Activation(relu, name="mine"))), X)
    with pytest.raises(ValueError, match="with the activation relu"):
        tflite.convert(network(then(L.Activation(relu, name="mine"))), X, output_kind="values")


def pair():
    """A quantisation-aware model and its file."""
    made = quantize_aware(network(then(L.Activation("tanh", name="squashed"))), X, output_kind="values")
    return made, tflite.convert(made, None, output_kind="values")


@ONE_BACKEND
def test_the_first_layer_that_differs_is_named():
    made, content = pair()
    validate_same_bytes(content, made, X, list(plain(made)[1]))
    first = next(layer for layer in made.layers if type(layer).__name__ == "QuantizedConv2D")
    first.bias.assign(first.bias + 0.2)
    with pytest.raises(
        RangeError, match=rf"Received: {first.name}, a Conv2D, where [\d.]+% of the values differ, by up to \d+"
    ):
        validate_same_bytes(content, made, X, list(plain(made)[1]))
    with pytest.raises(RangeError, match="its output"):
        validate_same_bytes(content, made, X, [])


@ONE_BACKEND
def test_the_half_of_a_gate_that_differs_is_named():
    made = quantize_aware(network(then(ours.SimpleGate())), X, output_kind="values")
    content = tflite.convert(made, None, output_kind="values")
    names = [f"{name}{half}" for name in plain(made)[1] for half in ("", "_first", "_second")]
    validate_same_bytes(content, made, X, names)
    layer = next(layer for layer in made.layers if type(layer).__name__ == "QuantizedConv2D")
    layer.bias.assign(layer.bias + 0.2 * np.array([0, 0, 0, 0, 0, 1]))
    with pytest.raises(RangeError, match=f"Received: {layer.name}_second, a Conv2D"):
        validate_same_bytes(content, made, X, names)


@ONE_BACKEND
def test_a_convolution_with_large_biases_is_exact_and_one_that_is_wrong_by_one_step_is_refused(monkeypatch):
    """The converter rounds biases of more than 2**24 steps otherwise than the model."""
    monkeypatch.setattr(same_bytes, "_BY_CHANCE", 0)
    model = network(lambda x: L.Conv2D(40, 1, name="last")(convolution(16, activation="relu", name="first")(x)))
    rng = np.random.default_rng(1)
    for layer in model.layers[1:]:
        layer.kernel.assign(layer.kernel * 10 ** rng.uniform(-3, 0, layer.filters))
        layer.bias.assign(rng.normal(size=layer.filters))
    made = quantize_aware(model, X, output_kind="values")
    content = tflite.convert(made, X, output_kind="values")
    graph = read(content).main
    for operator, name in zip(graph.operators, ("first", "last"), strict=True):
        x, weights, bias = (graph.tensors[i] for i in operator.inputs)
        unit = np.float32(x.scales[0]) * np.array(weights.scales, "float32")
        want = keras.ops.convert_to_numpy(made.get_layer(name).bias) / unit
        want = np.sign(want) * np.floor(np.abs(want) + np.float32(0.5))
        assert np.abs(want).max() > 2**24
        np.testing.assert_array_equal(bias.data.view("int32"), want)
    names = list(plain(made)[1])
    step = graph.tensors[graph.operators[0].outputs[0]].scales[0]
    made.get_layer("first").bias.assign(made.get_layer("first").bias + step * np.eye(16)[0])
    with pytest.raises(RangeError, match="Received: first, a Conv2D"):
        validate_same_bytes(content, made, X, names)


@ONE_BACKEND
def test_one_value_by_chance_is_let_pass_on_litert_unless_the_output_is_another(monkeypatch):
    made, content = pair()
    last = [layer for layer in made.layers if type(layer).__name__ == "QuantizedConv2D"][-1]
    graph = read(content).main
    step, start = graph.tensors[graph.outputs[0]].scales[0], keras.ops.convert_to_numpy(last.bias)
    one = np.eye(1, 576)[0]
    for steps, apart, most, said in (
        (0.6, one, 1e-3, None),
        (0.6, one, 0, "Received: early"),
        (0.6, 2 * one, 1e-3, "Received: early"),
        (0.6, one + one[::-1], 1e-3, "Received: early"),
        (5.0, one, 1e-3, "Received: its output, behind early"),
    ):  # on TFLM none is
        monkeypatch.setattr(same_bytes, "_first", lambda *_, apart=apart, most=most: ("early, a Tanh", apart, most))
        last.bias.assign(start + steps * step)
        if said is None:
            validate_same_bytes(content, made, X, [], "litert-reference")
        else:
            with pytest.raises(RangeError, match=said):
                validate_same_bytes(content, made, X, [], "litert-reference")
        with pytest.raises(RangeError, match="Received: early"):
            validate_same_bytes(content, made, X, [])


@ONE_BACKEND
@pytest.mark.parametrize("given", [None, X])
def test_a_conversion_ends_with_the_comparison(given, monkeypatch):
    made, _ = pair()
    seen = []

    def different(content, model, images, names, runtime):
        seen.append(images)
        raise RangeError("The file must give what the model gives.")

    monkeypatch.setattr(same_bytes, "validate_same_bytes", different)
    with pytest.raises(ConversionError, match="must give what the model gives"):
        tflite.convert(made, given, output_kind="values")
    (tried,) = seen
    if given is not None:
        np.testing.assert_allclose(tried, X, atol=1e-6)
    else:
        assert len(tried) == 5
        assert {0.0, 1.0} == set(np.unique(tried[2:])), "black, white, and both"


@ONE_BACKEND
def test_models_that_earlier_versions_saved_are_compared_in_the_arithmetic_of_this_one():
    """They round means otherwise, which shows where a mean is over no power of two."""
    old = keras.saving.load_model(Path(__file__).parents[2] / "tflite" / "denoise-full" / "quantized.keras", compile=False)
    assert any(type(layer).__name__ == "MeanUnit" for layer in old.layers)
    made = renewed(old)
    assert not any(type(layer).__name__ == "MeanUnit" for layer in made.layers)
    assert renewed(made) is made
    content = tflite.convert(old, None, size=(16, 24))
    validate_same_bytes(
        content, made, np.random.default_rng(1).random((2, 16, 24, 3)).astype("float32"), list(plain(old)[1])
    )


def test_trials_are_whole_bytes():
    drawn = trials(np.zeros((1, 4, 6, 3), "float32"))
    np.testing.assert_allclose(255 * drawn, np.round(255 * drawn), atol=1e-4)
    assert (np.diff(drawn[1].ravel()) >= 0).all()
    assert (drawn[1].min(), drawn[1].max()) == (0, 1)
    many = np.random.default_rng(0).random((20, 4, 6, 3)).astype("float32")
    assert trials(many).shape == (8, 4, 6, 3)
