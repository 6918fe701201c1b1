"""A layer for every operator."""

import keras
import numpy as np
import pytest
from tflite.stacks import graph

from keras_unetmm.lowering.operators import operators_of

layers = keras.layers


def kinds(build):
    """The layers of the operators of a model, which compute the same."""
    model = graph((8, 12, 3), build)
    made = operators_of(model)
    x = np.random.default_rng(0).normal(size=(2, 8, 12, 3)).astype("float32")
    want, got = (keras.ops.convert_to_numpy(each(x, training=False)) for each in (model, made))
    np.testing.assert_allclose(got, want, atol=1e-5)
    return [type(layer).__name__ for layer in made.layers[1:]]


@pytest.mark.parametrize("kind", [layers.Add, layers.Multiply])
def test_three_are_joined_two_by_two(kind):
    def build(x):
        return kind(name="all")([x, layers.Conv2D(3, 1, name="a")(x), layers.Conv2D(3, 1, name="b")(x)])

    assert sorted(kinds(build)) == sorted(["Conv2D", "Conv2D", kind.__name__, kind.__name__])
    assert operators_of(graph((8, 12, 3), build)).get_layer("all").output.shape == (None, 8, 12, 3)


@pytest.mark.parametrize(
    ("activation", "want"),
    [
        ("relu", ["Conv2D"]),
        ("relu6", ["Conv2D"]),
        ("sigmoid", ["Conv2D", "Activation"]),
        ("tanh", ["Conv2D", "Activation"]),
        ("silu", ["Conv2D", "Activation", "Multiply"]),
    ],
)
def test_activations_that_are_no_clips_stand_apart(activation, want):
    assert kinds(layers.Conv2D(3, 1, activation=activation)) == want


def test_separable_convolutions_are_two():
    def build(x):
        return layers.SeparableConv2D(4, 3, padding="same", depth_multiplier=2, activation="silu")(x)

    assert kinds(build) == ["DepthwiseConv2D", "Conv2D", "Activation", "Multiply"]
