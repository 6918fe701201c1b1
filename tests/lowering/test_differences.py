import keras
import numpy as np
import pytest
from checks import randomize

from keras_unetmm import layers
from keras_unetmm.lowering.differences import differences


def model(*stack, shape=(6, 10, 8)):
    return randomize(keras.Sequential([keras.Input(shape), *stack]))


def images(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def test_each_exchanged_layer_is_measured():
    chain = (keras.layers.Conv2D(4, 3, name="conv"), keras.layers.BatchNormalization(name="norm"), layers.GELU(name="gelu"))
    found = differences(model(*chain), images(2, 6, 10, 8))
    assert [(d.layer, d.kind, d.becomes) for d in found] == [
        ("norm", "BatchNormalization", ()),
        ("gelu", "GELU", ("SigmoidGELU",)),
        ("output", "Model", ()),
    ]
    assert found[0].largest <= 1e-5
    assert 0.005 < found[1].largest <= 0.0204
    assert found[1].of > found[1].largest


def test_the_largest_of_several_images():
    network = model(layers.GELU())
    batch = images(3, 6, 10, 8)
    each = [differences(network, batch[i : i + 1])[-1].largest for i in range(3)]
    assert differences(network, batch)[-1].largest == pytest.approx(max(each), abs=1e-7)


def test_the_output_comes_last_even_if_nothing_was_exchanged():
    (only,) = differences(model(keras.layers.ReLU(name="relu")), images(1, 6, 10, 8))
    assert (only.layer, only.becomes, only.largest) == ("output", (), 0.0)


def test_slices_of_a_volume_are_put_together():
    network = model(keras.layers.Conv3D(3, 3, padding="same", name="conv"), shape=(4, 6, 8, 2))
    for target in ("tflm", "coral"):
        for found, name in zip(differences(network, images(1, 4, 6, 8, 2), target), ("conv", "output"), strict=True):
            assert found.layer == name
            assert found.largest <= 1e-5 < found.of


def test_a_layer_that_is_called_twice_shows_at_the_output():
    inputs, gelu = keras.Input((6, 10, 8)), layers.GELU()
    (only,) = differences(keras.Model(inputs, gelu(gelu(inputs))), images(1, 6, 10, 8))
    assert only.layer == "output"
    assert 0.005 < only.largest < 0.05
