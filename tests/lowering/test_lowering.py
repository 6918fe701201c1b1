"""A lowered model computes what the model computes, and is made of what the target has.

One file although it is long: every form of every layer is held to that by the same few lines.
"""

import keras
import numpy as np
import pytest
from checks import FIRST, randomize
from tflite.stacks import difference, graph, stack

from keras_unetmm import layers, models
from keras_unetmm.lowering import integer_layers
from keras_unetmm.lowering.lowering import UnknownLayerError, lower, lowered
from keras_unetmm.lowering.options import CHOICES
from keras_unetmm.lowering.prepare import prepared
from keras_unetmm.targets.targets import TABLE, TARGETS

SHAPE = (6, 10, 8)
EXACT = 1e-5


def single(*layers, shape=SHAPE):
    return stack(shape, *layers)


def kinds(model):
    return [type(layer).__name__ for layer in model.layers[1:]]


@pytest.mark.every_backend
@pytest.mark.parametrize(
    ("layer", "target", "becomes", "tolerance"),
    [
        (keras.layers.LayerNormalization(epsilon=1e-6), "tflm", ["IntegerLayerNormalization"], EXACT),
        (keras.layers.LayerNormalization(center=False, scale=False), "coral", ["IntegerLayerNormalization"], EXACT),
        (layers.GlobalResponseNormalization(), "tflm", ["IntegerGlobalResponseNormalization"], EXACT),
        (layers.GlobalResponseNormalization(), "ethos-u55", ["IntegerGlobalResponseNormalization"], EXACT),
        (keras.layers.Activation("gelu"), "tflm", ["SigmoidGELU"], 0.0204),
        (layers.GELU(), "tflm", ["SigmoidGELU"], 0.0204),
        (layers.GELU(), "litert", ["OperatorGELU"], 1e-6),
        (layers.GELU(), "ethos-u65", ["OperatorGELU"], 1e-6),
        (keras.layers.UpSampling2D((2, 3)), "tflm", ["Resizing"], 0),
        (keras.layers.UpSampling2D(16), "ethos-u55", ["Resizing", "Resizing"], 0),
        (keras.layers.UpSampling2D(2, interpolation="bilinear"), "ethos-u55", ["Resizing"], EXACT),
        (layers.PixelShuffle(2), "tflm", ["PixelShuffle"], 0),
        (layers.PixelShuffle(2), "coral", ["Conv2DTranspose"], 0),
        (layers.PixelUnshuffle(2), "coral", ["PixelUnshuffle"], 0),
        (layers.PixelUnshuffle(2), "ethos-u55", ["Conv2D"], 0),
        (keras.layers.Conv2DTranspose(5, 2, strides=2), "coral", ["Conv2DTranspose"], EXACT),
        (keras.layers.Conv2DTranspose(5, 2, strides=2, activation="relu"), "tflm", ["Conv2D", "PixelShuffle"], EXACT),
        (keras.layers.Conv2DTranspose(5, 3, strides=3, padding="same"), "tflm", ["Conv2D", "PixelShuffle"], EXACT),
        (keras.layers.Conv2DTranspose(5, 3, strides=2), "tflm", ["Conv2DTranspose"], EXACT),
        (layers.DilatedTransposedConvolution(5, 3, 2), "tflm", ["Conv2D"], EXACT),
        (layers.PointwiseConvolution(5, activation="relu"), "tflm", ["Conv2D"], EXACT),
        (layers.GroupedConv2D(8, 3, groups=4, padding="same"), "tflm", ["Conv2D"], EXACT),
        (layers.GroupedConv2D(16, 3, groups=4, use_bias=False), "coral", ["Conv2D"], EXACT),
        (layers.Select(0.7), "tflm", ["Affine"], EXACT),
        (keras.layers.LeakyReLU(0.1), "tflm", ["LeakyReLU"], 0),
        (keras.layers.LeakyReLU(0.1), "coral", ["PReLU"], EXACT),
        (keras.layers.PReLU(shared_axes=(1, 2)), "tflm", ["PReLU"], 0),
        (keras.layers.Rescaling(2.0, -0.5), "tflm", ["Affine"], EXACT),
        (keras.layers.Normalization(mean=[0.1] * 8, variance=[0.3] * 8), "tflm", ["Affine"], EXACT),
        (keras.layers.Dropout(0.5), "tflm", [], 0),
        (layers.SimpleGate(), "tflm", ["SimpleGate"], 0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, keras.layers.Layer) else None,
)
def test_a_layer_is_exchanged_for_its_equal(layer, target, becomes, tolerance):
    off, changed = difference(single(layer), target)
    assert off <= tolerance
    assert kinds(changed) == becomes


@pytest.mark.parametrize("form", ["operator", "convolution"])
@pytest.mark.parametrize("factor", [4, 2, 3, 8][:FIRST])
def test_shuffles_in_steps_are_exact(factor, form):
    channels = factor**2 * (2 if factor < 8 else 1)
    for target in ("coral", "ethos-u55"):  # in one step, and in steps of 2
        chosen = {"shuffle": form, "unshuffle": form}
        shape = (2 * factor, 3 * factor, channels)
        off, _ = difference(
            single(layers.PixelShuffle(factor), layers.PixelUnshuffle(factor), shape=shape), target, **chosen
        )
        assert off == 0
        assert difference(single(layers.PixelShuffle(factor), shape=shape), target, **chosen)[0] == 0
        assert difference(single(layers.PixelUnshuffle(factor), shape=shape), target, **chosen)[0] == 0


@pytest.mark.parametrize("use_bias", [False, True])
def test_a_shuffle_as_a_convolution_takes_in_the_convolution_before_it(use_bias):
    conv = keras.layers.Conv2D(12, 1, use_bias=use_bias)
    off, changed = difference(single(conv, layers.PixelShuffle(2)), "coral")
    assert off <= EXACT
    alone = ["Conv2D", "Conv2DTranspose"]  # a bias of its own for every phase is none of a transposed convolution
    assert kinds(changed) == (alone if use_bias else ["Conv2DTranspose"])
    off, changed = difference(single(conv, layers.PixelShuffle(2)), "tflm")
    assert off <= EXACT
    assert kinds(changed) == ["Conv2D", "PixelShuffle"]


@pytest.mark.parametrize("factor", [3, 4, 5, 16])
def test_bilinear_upsampling_as_a_mean_after_the_nearest(factor):
    off, changed = difference(single(keras.layers.UpSampling2D(factor, interpolation="bilinear")), "ethos-u55")
    assert off <= EXACT
    assert {"EdgePadding", "DepthwiseConv2D", "Cropping2D"} <= set(kinds(changed))


def test_resizing_to_the_size_of_another_map():
    image = keras.Input((16, 24, 3))
    small = keras.layers.Conv2D(5, 3, strides=4, padding="same")(image)
    model = randomize(keras.Model(image, layers.ResizeLike()([small, image])))
    for target in ("tflm", "ethos-u55"):
        assert difference(model, target)[0] <= EXACT


def test_gelu_inside_a_convolution_is_taken_out():
    off, changed = difference(single(keras.layers.Conv2D(4, 3, padding="same", activation="gelu")))
    assert off <= 0.0204
    assert kinds(changed) == ["Conv2D", "SigmoidGELU"]


def test_gelu_called_as_a_function():
    inputs = keras.Input(SHAPE)
    off, changed = difference(keras.Model(inputs, keras.activations.gelu(inputs)))
    assert 0 < off <= 0.0204
    assert kinds(changed) == ["SigmoidGELU"]


def test_the_bound_of_the_sigmoid_form_of_gelu():
    x = np.linspace(-8, 8, 160_001, dtype="float32")
    exact = keras.ops.convert_to_numpy(layers.GELU()(x))
    off = np.abs(keras.ops.convert_to_numpy(integer_layers.SigmoidGELU()(x)) - exact).max()
    assert 0.0202 < off < 0.0204


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize(
    "convolution",
    [
        lambda **k: keras.layers.Conv2D(5, 3, padding="same", **k),
        lambda **k: keras.layers.Conv2D(8, 3, padding="same", groups=4, **k),
        lambda **k: keras.layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, **k),
        lambda **k: keras.layers.Conv2DTranspose(5, 3, strides=2, **k),
        lambda **k: keras.layers.Conv2DTranspose(5, 2, strides=2, **k),
        lambda **k: keras.layers.SeparableConv2D(5, 3, padding="same", depth_multiplier=2, **k),
    ],
)
def test_scales_after_a_convolution_are_folded_into_it(convolution, use_bias):
    chain = (convolution(use_bias=use_bias), keras.layers.BatchNormalization(), layers.ChannelScale(0.5))
    off, changed = difference(single(*chain, keras.layers.ReLU()))
    assert off <= EXACT
    assert not {"BatchNormalization", "Affine", "ChannelScale"} & set(kinds(changed))


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("scale", [keras.layers.BatchNormalization(), layers.Select(0.4)])
def test_scales_before_a_pointwise_convolution_are_folded_into_it(scale, use_bias):
    off, changed = difference(single(scale, keras.layers.Conv2D(5, 1, use_bias=use_bias)))
    assert off <= EXACT
    assert kinds(changed) == ["Conv2D"]


@pytest.mark.parametrize("form", CHOICES["affine"])
def test_batch_norm_stays_before_a_padded_convolution(form):
    norm, conv = keras.layers.BatchNormalization(), keras.layers.Conv2D(5, 3, padding="same")
    off, changed = difference(single(norm, keras.layers.ReLU(), conv), affine=form)
    assert off <= EXACT
    assert kinds(changed) == ["Affine", "ReLU", "Conv2D"]


def test_a_convolution_that_another_layer_reads_keeps_its_scale_to_itself():
    inputs = keras.Input(SHAPE)
    x = keras.layers.Conv2D(4, 3, padding="same")(inputs)
    model = keras.Model(inputs, keras.layers.Concatenate()([keras.layers.BatchNormalization()(x), x]))
    off, changed = difference(randomize(model))
    assert off <= EXACT
    assert "Affine" in kinds(changed)


def test_batch_norm_with_two_readers_serves_both():
    inputs = keras.Input(SHAPE)
    x = keras.layers.BatchNormalization()(inputs)
    model = keras.Model(inputs, keras.layers.Concatenate()([keras.layers.Conv2D(4, 1)(x), x]))
    assert difference(randomize(model))[0] <= EXACT


def test_a_layer_that_is_used_twice():
    inputs = keras.Input(SHAPE)
    conv, norm = keras.layers.Conv2D(8, 3, padding="same"), keras.layers.BatchNormalization()
    model = keras.Model(inputs, norm(conv(norm(conv(inputs)))))
    assert difference(randomize(model))[0] <= EXACT


def test_the_gate_as_halves_of_its_convolutions():
    chain = (layers.PointwiseConvolution(12), keras.layers.DepthwiseConv2D(3, padding="same"), layers.SimpleGate())
    off, changed = difference(single(*chain), gate="halves")
    assert off <= EXACT
    assert sorted(kinds(changed)) == ["Conv2D", "Conv2D", "DepthwiseConv2D", "DepthwiseConv2D", "Multiply"]
    off, changed = difference(single(keras.layers.ReLU(), layers.SimpleGate()), gate="halves")
    assert off == 0
    assert kinds(changed) == ["ReLU", "SimpleGate"]


def test_only_the_largest_gates_are_halved():
    gate, down = [layers.PointwiseConvolution(16), layers.SimpleGate()], keras.layers.MaxPooling2D(2)
    off, changed = difference(single(*gate, down, layers.PointwiseConvolution(16), layers.SimpleGate()), gate="largest")
    assert off <= EXACT
    assert kinds(changed) == ["Conv2D", "Conv2D", "Multiply", "MaxPooling2D", "Conv2D", "SimpleGate"]


@pytest.mark.parametrize("target", ["tflm", "coral"])
def test_kernel_basis_attention_basis_by_basis(target):
    image = keras.Input(SHAPE)
    attention = keras.layers.Conv2D(3, 1)(image)
    model = keras.Model(image, layers.KernelBasisAttention()([keras.layers.ReLU()(image), attention]))
    off, changed = difference(randomize(model), target)
    assert off <= EXACT
    assert "IntegerKernelBasisAttention" in kinds(changed)


@pytest.mark.parametrize(
    ("build", "choices"),
    [
        (keras.layers.Conv2DTranspose(3, 2, 2, activation="softmax"), {}),
        (lambda x: layers.SimpleGate()(keras.layers.Conv2D(8, 1, activation="softmax")(x)), {}),
        (lambda x: layers.PixelShuffle(2)(layers.PixelShuffle(4)(keras.layers.Conv2D(64, 1)(x))), {"target": "ethos-u55"}),
        (lambda x: keras.layers.UpSampling2D(2)(keras.layers.UpSampling2D(16)(x)), {"target": "ethos-u55"}),
        (lambda x: (s := layers.PixelShuffle(2))(x) + s(keras.layers.ReLU()(x)), {"target": "coral"}),
        (lambda x: (s := layers.SimpleGate())(x) + s(keras.layers.ReLU()(x)), {"gate": "halves"}),
        (
            lambda x: (
                layers.SimpleGate()(keras.layers.Dropout(0.1)(c := keras.layers.Conv2D(8, 1)(x)))
                + layers.SimpleGate()(keras.layers.Dropout(0.2)(c))
            ),
            {"gate": "halves"},
        ),
        (keras.layers.Conv2D(3, 1, activation="leaky_relu"), {"target": "coral"}),
        (lambda x: keras.layers.Conv2D(3, 1)(inputs=x), {}),
        (keras.layers.Normalization(axis=None, mean=0.5, variance=0.3), {}),
        (keras.Sequential([keras.Input(SHAPE), keras.layers.Conv2D(3, 1), keras.layers.ReLU()]), {}),
        (lambda x: keras.ops.gelu(x, approximate=True), {"target": "litert"}),
    ],
)
def test_layers_that_meet_in_unusual_ways(build, choices):
    assert difference(graph(SHAPE, build), **choices)[0] <= EXACT


def test_scales_within_a_model_within_the_model_are_folded():
    inner = keras.Sequential([keras.Input(SHAPE), keras.layers.Conv2D(3, 1), keras.layers.BatchNormalization()])
    off, changed = difference(graph(SHAPE, inner))
    assert off <= EXACT
    assert kinds(changed) == ["Conv2D"]


@pytest.mark.parametrize(
    "build",
    [
        lambda: keras.layers.Normalization(axis=2, mean=np.arange(10.0), variance=np.arange(10.0) + 1, name="odd_one"),
        lambda: keras.layers.UpSampling2D(2, data_format="channels_first", name="odd_one"),
        lambda: type("Mine", (keras.layers.BatchNormalization,), {"call": lambda self, x: x * 2})(name="odd_one"),
        lambda: keras.layers.UnitNormalization(name="odd_one"),
    ],
)
def test_what_only_looks_like_a_known_layer_is_refused(build):
    with pytest.raises(UnknownLayerError, match="odd_one"):
        lower(single(build()), input_shape=(1, *SHAPE))


def test_a_convolution_takes_in_no_layer_of_the_users_own():
    mine = type("Mine", (keras.layers.BatchNormalization,), {"call": lambda self, x: super(type(self), self).call(x) * 2})
    with pytest.raises(UnknownLayerError, match="odd_one, a Mine"):
        lower(single(keras.layers.Conv2D(3, 1), mine(name="odd_one")))


def test_mixed_precision_of_the_session_does_not_reach_the_file():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = single(keras.layers.LayerNormalization(), layers.PixelShuffle(2), layers.ChannelScale(0.5))
        changed = lower(model, "coral")
        assert {part.compute_dtype for part in changed.layers} == {"float32"}
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("layer", [keras.layers.UpSampling2D(2), keras.layers.UpSampling2D(2, interpolation="bilinear")])
def test_open_sizes_are_refused_where_they_matter(layer):
    with pytest.raises(ValueError, match=r"fixed size to be resized.*Pass input_shape"):
        lower(keras.Sequential([keras.Input((None, None, 3)), layer]))


TINY = {"encoder_depths": (1, 0, 0, 0), "middle_depth": 1, "decoder_depths": (0, 0, 0, 1)}
NETWORKS = {
    "NAFNetUNetMinus": lambda: models.NAFNetUNetMinus("mcu_width16", norm="layer", input_shape=(32, 48, 3), **TINY),
    "UNet": lambda: models.UNet("mcu_width8", skips="sat", input_shape=(16, 32, 3)),
    "MSCANMatting": lambda: models.MSCANMatting("mcu_width16", input_shape=(64, 96, 3)),
    "SUNetSegmentation": lambda: models.SUNetSegmentation("mcu_filters16", modules=(1, 1, 1, 1), input_shape=(33, 64, 3)),
}
ALIKE = {repr(TABLE[name].options): name for name in reversed(TARGETS)}  # a network is lowered by a target's options alone


@pytest.fixture(scope="module")
def networks():
    return {name: randomize(build()) for name, build in NETWORKS.items()}


@pytest.mark.parametrize("target", ALIKE.values())
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_stay_equal(networks, name, target):
    assert difference(networks[name], target)[0] <= (0.02 if TABLE[target].options.gelu == "sigmoid" else 1e-4)


def test_a_choice_changes_the_form():
    model = single(layers.PixelShuffle(2))
    assert kinds(difference(model, "tflm", shuffle="convolution")[1]) == ["Conv2DTranspose"]
    assert kinds(difference(model, "coral", shuffle="operator")[1]) == ["PixelShuffle"]


def test_mixed_precision_is_lowered_to_float32():
    layer = layers.NAFBlock(dtype="mixed_bfloat16")
    changed = lower(keras.Sequential([keras.Input(SHAPE), layer]))
    assert {part.compute_dtype for part in changed.layers} == {"float32"}


def test_what_became_of_each_layer_is_told():
    chain = (keras.layers.Conv2D(4, 3, name="conv"), keras.layers.BatchNormalization(name="norm"), layers.GELU(name="gelu"))
    made = lowered(single(*chain))
    told = {entry.layer.name: entry.becomes for entry in made.legalizations}
    assert told == {"conv": ("Conv2D",), "norm": (), "gelu": ("SigmoidGELU",)}
    with pytest.warns(FutureWarning, match="exchanges is now called legalizations"):
        assert made.exchanges is made.legalizations


@pytest.mark.parametrize("target", TARGETS)
def test_a_layer_without_an_integer_form_is_named_with_the_target(target):
    model = single(keras.layers.UnitNormalization(name="odd_one"))
    with pytest.raises(UnknownLayerError, match=rf"target '{target}'\. Received: odd_one, a UnitNormalization, a layer"):
        lower(model, target)


def test_a_layer_of_the_users_own_is_refused():
    class Mine(keras.layers.Layer):
        def call(self, x):
            return keras.ops.erf(x)

    with pytest.raises(UnknownLayerError, match=r"a Mine, a layer of your own.*keras_unetmm\.layers\.Composite"):
        lower(single(Mine()))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": "esp32"}, r"target must be one of 'litert', 'tflm', .*Received: 'esp32'"),
        ({"gate": "third"}, r"gate must be one of 'split', 'halves', 'largest'\. Received: 'third'"),
        ({"gates": "split"}, r"or a form: gelu, .*Received: gates='split'.*output_kind"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        lower(single(keras.layers.ReLU()), **arguments)


@pytest.mark.parametrize(
    ("place", "name"), [("input", "volume"), ("input", "slices"), ("layer", "stack"), ("layer", "c0_taps1_2")]
)
def test_a_name_of_the_users_is_not_taken_by_what_lowering_adds(place, name):
    keras.backend.clear_session()  # what is added has the names of a fresh session
    inputs = keras.Input((2, 4, 4, 1), name=name if place == "input" else "in")
    x = keras.layers.Conv3D(2, 3, padding="same", name="c0")(inputs)
    y = keras.layers.Conv3D(2, 3, padding="same", name=name if place == "layer" else "c1")(x)
    model = keras.Model(inputs, keras.layers.Concatenate(name="joined")([x, y]))
    made = lower(model, "tflm", (1, 2, 4, 4, 1))
    assert [x.name for x in made.inputs] == [x.name for x in model.inputs]
    assert len({layer.name for layer in made.operations}) == len(made.operations)
    images = np.random.default_rng(0).random((1, 2, 4, 4, 1)).astype("float32")
    np.testing.assert_allclose(*(keras.ops.convert_to_numpy(m(images)) for m in (model, made)), atol=1e-5)


@pytest.mark.parametrize("name", ["image", "normalization"])
def test_the_normalisation_in_front_takes_no_name_of_the_users(name):
    inputs = keras.Input((4, 4, 3), name=name)
    model = keras.Model(inputs, keras.layers.Conv2D(2, 1, name="image" if name != "image" else "normalization")(inputs))
    made = lower(prepared(model, (1, 4, 4, 3), "values", 0.5, 0.25))
    x = np.random.default_rng(0).random((1, 4, 4, 3)).astype("float32")
    want, got = model((x - 0.5) / 0.25), made(x)
    np.testing.assert_allclose(*map(keras.ops.convert_to_numpy, (want, got)), atol=1e-5)
