import keras
import pytest
from backbones import Pyramid, encoder

from keras_unetmm.graph.abstract_build import abstract_build
from keras_unetmm.models.backbone_maps import backbone_maps


def listed(maps):
    return [(found.name, 2**found.halvings, found.channels) for found in maps]


FOUR = [("stage0", 2, 8), ("stage1", 4, 8), ("stage2", 8, 16), ("stage3", 16, 12)]


@pytest.mark.parametrize(
    "input_shape", [(32, 48, 3), (None, None, 3), (None, 48, 3), (16, 16, 32, 1), (None, None, None, 1)]
)
def test_the_last_layer_of_each_resolution(input_shape):
    maps = backbone_maps(encoder(input_shape))
    assert listed(maps) == FOUR
    assert all(found.missing == (0,) * (len(input_shape) - 1) for found in maps)


@pytest.mark.parametrize("input_shape", [(64, 96, 3), (None, None, 3)])
def test_convolutions_without_padding_leave_maps_a_few_pixels_short(input_shape):
    maps = backbone_maps(encoder(input_shape, padding="valid"))
    assert listed(maps) == FOUR
    assert {found.missing for found in maps} == {(1, 1)}


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ("MobileNetV3Small", [16, 72, 96, 288]),  # its layers have no fixed names; padded maps are not finer ones
        ("ResNet50", ["conv1_relu", "conv2_block3_out", "conv3_block4_out", "conv4_block6_out"]),
    ],
)
def test_networks_of_keras(network, expected):
    builder = getattr(keras.applications, network)
    maps = backbone_maps(abstract_build(builder, include_top=False, weights=None, input_shape=(64, 96, 3)))
    assert [found.halvings for found in maps] == [1, 2, 3, 4, 5]
    assert [found.channels if isinstance(expected[0], int) else found.name for found in maps[:-1]] == expected


def test_maps_at_full_size_and_squeezed_branches():
    image = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", name="full")(image)
    squeezed = keras.layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(x)  # 1x1 is a 32nd of 32x32
    x = keras.layers.Multiply(name="excited")([x, squeezed])
    x = keras.layers.MaxPooling2D(name="half")(x)
    x = keras.layers.ZeroPadding2D(((0, 1), (0, 1)), name="padded")(x)
    x = keras.layers.Conv2D(4, 3, strides=2, name="quarter")(x)
    assert listed(backbone_maps(keras.Model(image, x))) == [("excited", 1, 4), ("half", 2, 4), ("quarter", 4, 4)]


def test_layers_in_any_order_by_name_or_tensor():
    backbone = encoder()
    expected = FOUR[1:3]
    assert listed(backbone_maps(backbone, ("stage2", "stage1"))) == expected
    tensors = {"P3": backbone.get_layer("stage2").output, "P2": "stage1"}
    assert listed(backbone_maps(backbone, tensors)) == expected


def test_levels_of_keras_hub_and_keras_cv_and_several_outputs():
    source = encoder()
    names = {"P4": "stage3", "P2": "stage1", "P3": "stage2"}
    tensors = {level: source.get_layer(name).output for level, name in names.items()}
    assert listed(backbone_maps(Pyramid(source, pyramid_outputs=tensors))) == FOUR[1:]
    assert listed(backbone_maps(Pyramid(source, pyramid_level_inputs=names))) == FOUR[1:]
    assert listed(backbone_maps(encoder(outputs=slice(1, 3)))) == FOUR[1:3]
    both = {"P1": "stage0_conv", "P2": "stage0", "P3": "stage1"}  # dilated backbones have levels of one size
    assert listed(backbone_maps(Pyramid(source, pyramid_level_inputs=both))) == FOUR[:2]


def test_levels_leaves_the_coarsest_out():
    assert listed(backbone_maps(encoder(), levels=2)) == FOUR[:2]
    assert listed(backbone_maps(encoder((36, 44, 3)), levels=2)) == FOUR[:2]  # which need not divide by 16


def dense_top():
    backbone = encoder()
    x = keras.layers.GlobalAveragePooling2D(name="pooled")(backbone.output)
    return keras.Model(backbone.input, keras.layers.Dense(5)(x), name="classifier")


def test_the_top_is_cut_off_where_layers_are_named():
    assert listed(backbone_maps(dense_top(), ("stage0", "stage1"))) == FOUR[:2]


def nested():
    return keras.Sequential([keras.Input((32, 48, 3)), encoder()], name="wrapper")


def two_inputs():
    images = [keras.Input((32, 48, 3)), keras.Input((32, 48, 3))]
    return keras.Model(images, keras.layers.Add()(images), name="two")


def shared():
    image = keras.Input((32, 48, 3))
    layer = keras.layers.Conv2D(3, 3, strides=2, padding="same", name="twice")
    return keras.Model(image, layer(layer(image)), name="shared")


def channels_first():
    image = keras.Input((3, 32, 48))
    pool = keras.layers.MaxPooling2D(data_format="channels_first", name="pool")
    return keras.Model(image, pool(image), name="first")


def lopsided():
    image = keras.Input((32, 48, 3))
    return keras.Model(image, keras.layers.MaxPooling2D((1, 4), name="lopsided")(image), name="lopsided_encoder")


ELSEWHERE = keras.Input((16, 24, 3))


@pytest.mark.parametrize(
    ("backbone", "arguments", "message"),
    [
        (lambda: "MobileNetV2", {}, r"must be a functional or sequential keras.Model.*Received: 'MobileNetV2'"),
        (two_inputs, {}, r"must have one input, .*Received: two with \(None, 32, 48, 3\), \(None, 32, 48, 3\)"),
        (lambda: keras.Sequential([keras.Input((7,)), keras.layers.Dense(1)]), {}, r"one input, .*\(None, 7\)"),
        (channels_first, {}, r"channels last\. Received: first, in which pool has data_format='channels_first'"),
        (dense_top, {}, r"end in a map of 4 axes.*classifier with the output \(None, 5\)\. .*include_top=False"),
        (nested, {}, r"halve its maps at least once.*found only: encoder \(stride 16\).*the model that is nested"),
        (lopsided, {}, r"halved equally often along each axis\. Received: lopsided with \(32, 12\) of \(32, 48\)"),
        (lambda: encoder((30, 50, 3)), {}, r"divide by 16.*\(30, 50, 3\)\. The nearest that fits is \(32, 48, 3\)"),
        (lambda: encoder((5, None, 3)), {}, r"Received: \(5, None, 3\)\. The nearest that fits is \(16, None, 3\)"),
        (encoder, {"levels": 5}, r"levels must be a number of maps from 2 to 4, .*Received: 5"),
        (encoder, {"levels": 1}, r"from 2 to 4, the bottom included\. Received: 1"),
        (encoder, {"layers": "stage0"}, r"two or more layers.*Received: 'stage0'\. None finds"),
        (encoder, {"layers": ("stage0",)}, r"two or more layers"),
        (encoder, {"layers": ("stage_0", "stage1")}, r"Received: 'stage_0'\. Near ones are 'stage0'"),
        (encoder, {"layers": ("stage0", "xyz")}, r"Received: 'xyz'\. Near ones are .*'stage3'"),
        (encoder, {"layers": ("stage0", "stage2")}, r"half the size.*Between stage0 and stage2 is no map"),
        (encoder, {"layers": ("stage0", "stage0_conv")}, r"different sizes.*stage0 \(stride 2\), stage0_conv \(stride 2\)"),
        (encoder, {"layers": ("stage0", ELSEWHERE)}, r"computed from the input of the backbone encoder"),
        (dense_top, {"layers": ("stage0", "pooled")}, r"maps of 4 axes.*Received: 'pooled' with the output \(None, 12\)"),
        (shared, {"layers": ("twice", "twice")}, r"one output each\. Received: 'twice', which is called several times"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(backbone, arguments, message):
    with pytest.raises(ValueError, match=message):
        backbone_maps(backbone(), **arguments)
