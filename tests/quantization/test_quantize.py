"""Quantisation-aware models: what they compute, how they train, and that their file computes the same.

One file although it is long: its networks, images and measures serve all three.
"""

import keras
import numpy as np
import pytest
from checks import JIT, ONE_BACKEND, randomize

from keras_unetmm import models, skips, tflite
from keras_unetmm.conversion.convert import ConversionError
from keras_unetmm.layers import SimpleGate
from keras_unetmm.quantization.quantize import is_quantize_aware, operators, plain, quantize_aware
from keras_unetmm.quantization.quantized_layers import FakeQuantize
from keras_unetmm.tflite_file.graph import read

SIZE = (16, 24)


def images(count=3, size=SIZE):
    """Smooth and noisy, of whole bytes: nothing else goes into a file."""
    rng = np.random.default_rng(0)
    coarse = rng.random((count, 4, 4, 3))
    y = coarse.repeat(-(-size[0] // 4), 1).repeat(-(-size[1] // 4), 2)[:, : size[0], : size[1]]
    y = (y + np.roll(y, 2, 1) + np.roll(y, 2, 2)) / 3 + rng.normal(scale=0.03, size=y.shape)
    return (np.round(255 * np.clip(y, 0, 1)) / 255).astype("float32")


def network(build, size=(None, None)):
    inputs = keras.Input((*size, 3))
    return randomize(keras.Model(inputs, build(inputs)))


def tiny(size=SIZE):
    layers = keras.layers

    def build(x):
        x = layers.Conv2D(4, 3, padding="same", use_bias=False, name="first")(x)
        x = layers.ReLU(name="relu")(layers.BatchNormalization(name="norm")(x))
        return layers.Conv2D(2, 1, name="last")(x)

    return network(build, size)


def array(model, x):
    return keras.ops.convert_to_numpy(model(x, training=False))


def quantizers(model):
    return {layer.name: layer for layer in model.layers if isinstance(layer, FakeQuantize) and layer.fixed is None}


def limits(model):
    return {name: layer.limits for name, layer in quantizers(model).items()}


def compiled(model, rate=1e-3):
    model.compile(keras.optimizers.SGD(rate), "mse", jit_compile=JIT)
    return model


def scales(content):
    """Of the maps of a file, in the order in which they are made."""
    graph = read(content).main
    return [graph.tensors[number].scales[0] for operator in graph.operators for number in operator.outputs]


def steps_apart(content, model, given, x=None):
    """How many steps lie between what a file gives and what the model gives, and how many the file's values cover."""
    x = given if x is None else x
    graph = read(content).main
    last = graph.tensors[graph.outputs[0]]
    got = tflite.run(content, given, "tflm").outputs[0].astype(int)
    want = np.round(array(model, x) / last.scales[0]) + last.zero_points[0]
    return np.abs(got.reshape(want.shape) - want), np.ptp(got)


def nafnet(**choices):
    depths = {"encoder_depths": (1,), "middle_depth": 0, "decoder_depths": (0,)}
    return models.NAFNet("mcu_width16", width=8, **{**depths, **choices})


def mixed(x):
    layers = keras.layers
    y = layers.Conv2D(4, 3, padding="same")(x)
    a = layers.SeparableConv2D(4, 3, padding="same", activation="silu")(layers.MaxPooling2D(2)(y))
    a = layers.Conv2DTranspose(4, 2, strides=2)(a)
    return layers.Conv2D(3, 1)(layers.Add()([y, a, layers.Conv2D(4, 1)(x)]))


def behind(*layers):
    """A convolution and other layers."""
    return keras.Sequential([keras.layers.Conv2D(4, 3, padding="same"), *layers])


NETWORKS = {
    "full": lambda: randomize(nafnet(decoder_depths=(1,))),
    "unet--": lambda: randomize(nafnet(skips=skips.UNetMinusMinus((4,)))),
    "unet": lambda: randomize(
        models.UNet(input_shape=(None, None, 3), channels=4, levels=2, classes=1, order="conv-norm-relu", skips="sat")
    ),
    "mixed": lambda: network(mixed, SIZE),
    "nearest": lambda: network(behind(keras.layers.UpSampling2D(2), keras.layers.Conv2D(3, 1)), SIZE),
    "layer norm": lambda: randomize(nafnet(norm="layer")),
    "kernel basis": lambda: randomize(models.KBNet(width=8, encoder_depths=(1,), middle_depth=0, decoder_depths=(0,))),
    "leaky": lambda: network(behind(keras.layers.LeakyReLU(negative_slope=0.2), keras.layers.Conv2D(3, 1)), SIZE),
    "slopes": lambda: network(behind(keras.layers.PReLU(shared_axes=(1, 2)), keras.layers.Conv2D(3, 1)), SIZE),
}
NEIGHBOURS = {  # whose kernels round in ways of their own
    "bilinear": keras.layers.UpSampling2D(2, interpolation="bilinear"),
    "average": keras.layers.AveragePooling2D(2),
}


@ONE_BACKEND
@pytest.mark.parametrize("kind", NETWORKS)
def test_the_file_computes_what_was_trained(kind):
    x = images()
    model = NETWORKS[kind]()
    made = quantize_aware(model, x)
    assert made.inputs[0].shape == model.inputs[0].shape, "open, where the model is"
    apart, span = steps_apart(tflite.convert(made, None, size=SIZE), made, x)
    assert span > 10
    assert apart.max() == 0


def volume(x):
    """With every layer of volumes, and slices at the ends that know a part of the kernel only."""
    layers = keras.layers
    fine = layers.ReLU()(layers.BatchNormalization()(layers.Conv3D(4, 3, padding="same")(x)))
    y = layers.BatchNormalization()(layers.Conv3D(6, 3, padding="same", activation="relu")(layers.MaxPooling3D(2)(fine)))
    up = layers.Cropping3D(1)(layers.UpSampling3D(2)(layers.Conv3D(4, 3, padding="same")(y)))
    y = layers.Concatenate()([layers.Conv3DTranspose(4, 2, strides=2)(y), fine])
    y = layers.Concatenate()([layers.Cropping3D(1)(y), up])
    return layers.Conv3D(3, 1, activation="softmax")(layers.Conv3D(4, 3, padding="same", use_bias=False)(y))


@ONE_BACKEND
@pytest.mark.parametrize("ends", ["operator", "stack"])
def test_the_file_of_volumes_computes_what_was_trained(ends):
    size = (6, 8, 8)
    inputs = keras.Input((*size, 3))
    model = randomize(keras.Model(inputs, volume(inputs)))
    x = np.stack([images(1, size[1:])[0] * (1 - 0.1 * abs(d - 2)) for d in range(size[0])])
    x = np.round(255 * x)[None].astype("float32") / 255
    made = quantize_aware(model, x, volume=ends)
    content = tflite.convert(made, None, volume=ends)
    apart, span = steps_apart(content, made, x if ends == "operator" else x.reshape(1, -1, *x.shape[3:]), x)
    assert span > 10
    assert apart.max() == 0


@ONE_BACKEND
@pytest.mark.parametrize("kind", NEIGHBOURS)
def test_operators_that_round_in_ways_of_their_own_give_the_same_bytes(kind):
    x = images()
    made = quantize_aware(network(behind(NEIGHBOURS[kind]), SIZE), x, output_kind="values")
    apart, span = steps_apart(tflite.convert(made, None, output_kind="values"), made, x)
    assert span > 100
    assert apart.max() == 0


def joined_with_the_image(kind):
    """Networks that read the image again where it is joined with maps of another range."""
    layers = keras.layers

    def build(x):
        first = layers.Conv2D(4, 3, padding="same", activation="sigmoid" if kind == "probabilities" else "relu")(x)
        if kind == "smaller":
            y = layers.Concatenate()([layers.AveragePooling2D(2)(x), layers.MaxPooling2D(2)(first)])
        elif kind == "largest":
            y = layers.Maximum()([x, layers.Conv2D(3, 1)(first)])
        else:
            y = layers.Concatenate()([x, first])
        if kind == "twice":
            y = layers.Concatenate()([layers.Conv2D(4, 3, padding="same")(y), x])
        return layers.Conv2D(3, 3, padding="same")(y)

    return network(build, SIZE)


@ONE_BACKEND
@pytest.mark.parametrize("kind", ["once", "smaller", "largest", "twice", "probabilities"])
def test_an_image_that_is_joined_with_maps_has_their_range(kind):
    x, model = images(), joined_with_the_image(kind)
    made = quantize_aware(model, x, output_kind="values")
    content = tflite.convert(made, None, output_kind="values")
    graph = read(content).main
    assert graph.tensors[graph.inputs[0]].scales == pytest.approx([1 / 255]), "a device gives the same bytes"
    assert np.abs(array(made, x) - array(model, x)).max() < 0.1 * np.ptp(array(model, x))
    apart, span = steps_apart(content, made, x)
    assert span > 100
    assert apart.max() == 0


def clipped_late(kind):
    """Networks whose ReLU comes behind what moves bytes, or twice."""
    layers = keras.layers

    def build(x):
        first = layers.Conv2D(4, 3, padding="same")(x)
        if kind == "transposed":
            y = layers.BatchNormalization()(layers.Conv2DTranspose(4, 2, strides=2, use_bias=False)(first))
            y = layers.ReLU()(y)
        elif kind == "pooled":
            y = layers.Activation("relu6")(layers.MaxPooling2D(2)(first))
        elif kind == "read before":  # by a second layer, so that it stays where it is
            pooled = layers.MaxPooling2D(2)(first)
            y = layers.Concatenate()([layers.ReLU()(pooled), layers.Conv2D(4, 1)(pooled)])
        else:
            once = layers.Activation("relu")(first)
            y = layers.Concatenate()([once, layers.Conv2D(4, 3, padding="same")(layers.Activation("relu")(once))])
        return layers.Conv2D(3, 3, padding="same")(y)

    return network(build, SIZE)


@ONE_BACKEND
@pytest.mark.parametrize("kind", ["transposed", "pooled", "read before", "twice"])
def test_a_clip_is_where_the_converter_has_it(kind):
    x, model = images(), clipped_late(kind)
    made = quantize_aware(model, x, output_kind="values")
    assert np.abs(array(made, x) - array(model, x)).max() < 0.1 * np.ptp(array(model, x))
    apart, span = steps_apart(tflite.convert(made, None, output_kind="values"), made, x)
    assert span > 100
    assert apart.max() == 0


@ONE_BACKEND
def test_the_file_has_the_ranges_of_the_model_at_any_size():
    made = quantize_aware(tiny((None, None)), images(), output_kind="values")
    relu, last = quantizers(made).values()
    relu.set_limits(0.0, 2.5)
    last.set_limits(-1.25, 3.0)
    content = tflite.convert(made, None, size=(8, 12), output_kind="values")
    assert scales(content) == pytest.approx([2.5 / 255, 4.25 / 255], rel=1e-6)
    apart, span = steps_apart(content, made, images(2, (8, 12)))
    assert span > 10
    assert apart.max() <= 1


@ONE_BACKEND
def test_halves_of_a_convolution_have_the_range_of_the_whole():
    def build(x):
        return keras.layers.Conv2D(3, 1)(SimpleGate()(keras.layers.Conv2D(8, 3, padding="same", name="both")(x)))

    x = images()
    made = quantize_aware(network(build, SIZE), x)
    quantizers(made)["both_range"].set_limits(-2.0, 3.1)
    split, halves = (tflite.convert(made, None, gate=gate) for gate in ("split", "halves"))
    names = [[operator.name for operator in read(content).main.operators] for content in (split, halves)]
    assert ["SPLIT" in of for of in names] == [True, False]
    assert scales(halves)[:2] == pytest.approx([5.1 / 255] * 2, rel=1e-6)
    np.testing.assert_array_equal(*(tflite.run(content, x).outputs[0] for content in (split, halves)))


def test_normalizations_are_folded_and_the_network_computes_as_before():
    x, model = images(), tiny()
    made = quantize_aware(model, x)
    assert [is_quantize_aware(each) for each in (model, made)] == [False, True]
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in made.layers)
    want, got = array(model, x), array(made, x)
    assert 0 < np.abs(got - want).max() < 4 * np.ptp(want) / 255
    assert len(np.unique(got)) <= 256


def test_normalization_of_the_input_is_part_of_the_model():
    x, model = images(), tiny()
    made = quantize_aware(model, x, mean=0.4, std=0.5)
    want = array(model, (x - np.float32(0.4)) / np.float32(0.5))
    assert np.abs(array(made, x) - want).max() < 8 * np.ptp(want) / 255
    with pytest.raises(ValueError, match="mean and std are part of a quantisation-aware model"):
        tflite.convert(made, None, mean=0.5)


def test_indices_are_trained_as_scores():
    x = images()
    model = network(keras.layers.Conv2D(4, 1, activation="softmax"), SIZE)
    made = quantize_aware(model, x, output_kind="indices")
    assert (array(made, x).argmax(-1) == array(model, x).argmax(-1)).mean() > 0.95
    assert array(made, x).min() < 0, "scores"


def test_probabilities_are_exact_in_training():
    x = images()
    made = quantize_aware(network(keras.layers.Conv2D(1, 1, activation="sigmoid"), SIZE), x)
    np.testing.assert_array_equal(array(made, x) * 256 % 1, 0)
    training = keras.ops.convert_to_numpy(made(x, training=True))
    assert (training * 256 % 1 != 0).mean() > 0.9
    assert np.abs(training - array(made, x)).max() < 1 / 256


@pytest.mark.parametrize("ranges", ["learned", "average", "fixed"])
def test_ranges_move_as_asked(ranges):
    x = images()
    made = compiled(quantize_aware(tiny(), x, ranges=ranges), 0.0 if ranges == "average" else 0.01)
    quantizers(made)["last_range"].set_limits(-4.0, 4.0)
    before = limits(made)
    assert len(before) == 2
    assert sum("_range/" in w.path for w in made.trainable_weights) == (4 if ranges == "learned" else 0)
    bright = np.ones((1, *SIZE, 3), "float32")
    made.train_on_batch(bright, np.full((1, *SIZE, 2), 5, "float32"))
    if ranges == "fixed":
        assert limits(made) == before
    elif ranges == "learned":
        assert limits(made) != before
    else:
        graph = plain(made)[0]
        last = array(keras.Model(graph.inputs[0], graph.get_layer("last").output), bright)
        want = 0.99 * 4 + 0.01 * last.max()
        assert float(quantizers(made)["last_range"].high) == pytest.approx(want, abs=2e-4)


def test_a_small_network_learns_by_fit():
    x = images()
    made = quantize_aware(tiny(), x)
    made.compile(keras.optimizers.Adam(0.03), "mse", jit_compile=JIT)
    before = np.mean((array(made, x) - x[..., :2]) ** 2)
    many = np.tile(x, (60, 1, 1, 1))
    made.fit(many, many[..., :2], batch_size=3, shuffle=False, verbose=0)
    after = array(made, x)
    assert np.mean((after - x[..., :2]) ** 2) < before / 5, "with the first ranges it does not come below a half"
    assert len(np.unique(after)) <= 256


def test_a_saved_model_computes_the_same(tmp_path):
    x = images()
    made = quantize_aware(network(mixed, SIZE), x)
    made.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(array(again, x), array(made, x))
    assert limits(again) == limits(made)


def test_the_plain_model_has_the_rounded_weights_and_a_range_a_layer():
    x, model = images(), tiny()
    made = quantize_aware(model, x)
    graph, ranges = plain(made)
    assert not is_quantize_aware(graph)
    assert ranges.keys() == {layer.name for layer in graph.layers}
    assert ranges["relu"] == limits(made)["relu_range"]
    assert ranges["last"] == limits(made)["last_range"]
    want = array(operators(model)[0], x)
    np.testing.assert_allclose(want, array(model, x), atol=1e-5)
    assert 0 < np.abs(array(graph, x) - want).max() < 0.02 * np.ptp(want)
    kernel = graph.get_layer("last").get_weights()[0]
    step = np.abs(kernel).max((0, 1, 2)) / 127
    np.testing.assert_allclose(kernel / step, np.round(kernel / step), atol=1e-4)


def test_bad_arguments_are_refused(tmp_path):
    model, x = tiny((None, None)), images()
    with pytest.raises(ValueError, match=r"ranges must be one of 'learned', 'average', 'fixed'\. Received: 'mean'"):
        quantize_aware(model, x, ranges="mean")
    with pytest.raises(ValueError, match=r"open size needs size, or calibration as an iterable.*Received: calibration='"):
        quantize_aware(model, str(tmp_path))
    with pytest.raises(ValueError, match="at least one image"):
        quantize_aware(model, [])
    model.get_layer("first").kernel.assign(np.full((3, 3, 3, 4), np.nan))
    with pytest.raises(ValueError, match=r"finite weights\. Received: 108 of 108 values of first/kernel"):
        quantize_aware(model, x)


@ONE_BACKEND
def test_an_operator_without_a_range_is_refused_by_name():
    made = quantize_aware(tiny(), images())
    y = keras.ops.abs(made.output)
    with pytest.raises(ConversionError, match="ABS"):
        tflite.convert(keras.Model(made.input, y * made.output), None, output_kind="values")


def test_layers_without_an_integer_form_on_volumes_are_refused_before_the_training():
    inputs = keras.Input((4, 8, 8, 1))
    model = keras.Model(inputs, keras.layers.AveragePooling3D(2, name="means")(inputs))
    with pytest.raises(ValueError, match="Received: means, an AveragePooling3D, a layer that has no integer form"):
        quantize_aware(model, np.zeros((1, 4, 8, 8, 1), "float32"))


def test_layers_that_are_called_again_are_refused():
    twice = keras.layers.Conv2D(3, 1, name="twice")
    model = network(lambda x: keras.layers.Add()([twice(x), twice(keras.layers.ReLU()(x))]), SIZE)
    with pytest.raises(ValueError, match="twice, which is called 2 times"):
        quantize_aware(model, images())


@ONE_BACKEND
def test_names_of_the_users_are_not_taken_by_what_is_added():
    def build(x):
        x = keras.layers.SeparableConv2D(4, 3, activation="silu", name="first")(x)
        for name in ("first_depthwise", "first_activation", "first_range", "last_range"):
            x = keras.layers.Conv2D(4, 1, name=name)(x)
        return keras.layers.Conv2D(2, 1, name="last")(x)

    made = quantize_aware(network(build, SIZE), images(), output_kind="values")
    assert len({layer.name for layer in made.operations}) == len(made.operations)
    assert "CONV_2D" in {operator.name for operator in read(tflite.convert(made, None)).main.operators}


@pytest.mark.parametrize(("inputs", "outputs"), [(2, 1), (1, 2)])
def test_several_inputs_or_outputs_are_refused_with_their_number(inputs, outputs):
    maps = [keras.Input((8, 8, 3)) for _ in range(inputs)]
    joined = keras.layers.Add()(maps) if inputs > 1 else maps[0]
    model = keras.Model(maps, [keras.layers.Conv2D(2, 1)(joined) for _ in range(outputs)])
    with pytest.raises(ValueError, match=rf"one input and one output\. Received: {inputs} inputs and {outputs} outputs"):
        quantize_aware(model, images(2, (8, 8)))
