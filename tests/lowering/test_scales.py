"""Which maps of an integer graph have one scale."""

import keras
import pytest
from tflite.stacks import graph

from keras_unetmm.lowering.scales import BYTES, PROBABILITIES, QuantizationPoints

layers = keras.layers


def points(build, output="values"):
    return QuantizationPoints(graph((8, 12, 3), build), output)


def test_a_concatenation_joins_the_ranges_of_what_it_reads():
    def build(x):
        a, b = layers.Conv2D(3, 1, name="a")(x), layers.Conv2D(3, 1, name="b")(x)
        return layers.Conv2D(3, 1, name="c")(layers.Concatenate(name="both")([a, b]))

    found = points(build)
    assert found.leader("a") == found.leader("b") == found.leader("both") != found.leader("c")
    assert not found.fixed.keys() & {found.leader("a"), found.leader("c")}
    assert found.output == "c"


def test_a_concatenation_takes_nothing_from_a_range_that_is_prescribed():
    def build(x):
        a, b = layers.Conv2D(3, 1, name="a")(x), layers.Activation("sigmoid", name="gate")(x)
        return layers.Concatenate(name="both")([a, b])

    found = points(build)
    assert found.leader("a") == found.leader("both") != found.leader("gate")
    assert found.fixed["gate"] == PROBABILITIES


def test_an_image_is_bytes_through_all_that_only_moves_them():
    def build(x):
        y = layers.Conv2D(3, 1, name="made")(layers.Conv2D(3, 1, name="before")(x))
        return layers.Cropping2D(1, name="cut")(layers.MaxPooling2D(2, name="pooled")(y))

    found = points(build, "image")
    assert found.fixed[found.leader("cut")] == found.fixed[found.leader("made")] == BYTES
    assert found.leader("before") not in found.fixed
    assert len(points(build).fixed) == 1, "of values, that of the input alone"


def test_a_map_that_others_read_keeps_its_range_though_it_is_the_image():
    def build(x):
        y = layers.Conv2D(3, 1, name="made")(x)
        cut = layers.Cropping2D(((0, 4), (0, 6)), name="cut")(y)
        pooled = layers.MaxPooling2D(2, name="pooled")(layers.Conv2D(3, 1)(y))
        return layers.Add(name="sum")([cut, pooled])

    found = points(build, "image")
    assert found.fixed[found.leader("sum")] == BYTES
    assert found.leader("cut") == found.leader("made") not in found.fixed


@pytest.mark.parametrize(("name", "limits"), [("sigmoid", PROBABILITIES), ("tanh", (-1.0, 127 / 128)), ("silu", None)])
def test_what_a_kernel_prescribes_is_fixed(name, limits):
    found = points(lambda x: layers.Activation(name, name="last")(layers.Conv2D(3, 1)(x)))
    assert found.fixed.get("last") == limits


@pytest.mark.parametrize(
    ("activation", "joined"),
    [("relu", True), ("relu6", True), ("sigmoid", False), ("linear", False)],
)
def test_nothing_is_rounded_between_a_convolution_and_the_clip_behind_it(activation, joined):
    model = graph((8, 12, 3), lambda x: layers.Activation(activation)(layers.Conv2D(3, 1, name="conv")(x)))
    assert QuantizationPoints(model, "values").rounds(model.get_layer("conv")) == (not joined)


def test_a_convolution_that_two_read_is_rounded():
    def build(x):
        y = layers.Conv2D(3, 1, name="conv")(x)
        return layers.Add()([y, layers.ReLU()(y)])

    model = graph((8, 12, 3), build)
    assert QuantizationPoints(model, "values").rounds(model.get_layer("conv"))


def test_averages_are_rounded_in_the_range_that_they_read():
    model = graph((8, 12, 3), lambda x: layers.AveragePooling2D(2, name="mean")(layers.Conv2D(3, 1, name="conv")(x)))
    found = QuantizationPoints(model, "values")
    assert found.leader("mean") == found.leader("conv")
    assert found.rounds(model.get_layer("mean"))
