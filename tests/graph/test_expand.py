import keras
import numpy as np
import pytest
from checks import randomize

from keras_unetmm import models
from keras_unetmm.graph.expand import expand, static_shape
from keras_unetmm.layers import Composite, NAFBlock


def outputs(model, x):
    return keras.ops.convert_to_numpy(model(x, training=False))


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_the_parts_equal_the_whole(norm):
    model = randomize(models.NAFNetUNetMinus("mcu_width16", norm=norm))
    parts = expand(model, (1, 20, 32, 3))
    x = np.random.default_rng(0).random((1, 20, 32, 3)).astype("float32")
    np.testing.assert_allclose(outputs(parts, x), outputs(model, x), atol=1e-6)
    assert parts.input_shape == (1, 20, 32, 3)
    assert parts.count_params() == model.count_params()
    assert not any(isinstance(layer, (Composite, keras.Model)) for layer in parts.layers)
    assert "enc0_block0_sca_conv" in [layer.name for layer in parts.layers]


def test_nested_and_sequential_models_and_shared_layers():
    block = NAFBlock(name="block")
    inner = keras.Sequential([keras.layers.Conv2D(4, 1, name="first"), keras.layers.ReLU()], name="inner")
    inputs = keras.Input((8, 12, 3))
    x = inner(inputs)
    model = randomize(keras.Model(inputs, keras.ops.concatenate([block(block(x)), x * 2.0])))
    x = np.random.default_rng(0).random((2, 8, 12, 3)).astype("float32")
    np.testing.assert_allclose(outputs(expand(model), x), outputs(model, x), atol=1e-6)
    np.testing.assert_allclose(outputs(expand(inner), x), outputs(inner, x), atol=1e-6)


def test_the_original_is_left_alone():
    model = randomize(models.NAFNet("mcu_width16"))
    before = [layer.name for layer in model._flatten_layers()]
    expand(model, (1, 16, 16, 3))
    assert [layer.name for layer in model._flatten_layers()] == before


def test_what_is_no_graph_is_refused():
    class Subclassed(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(ValueError, match=r"functional or sequential keras\.Model.*Received: Subclassed"):
        expand(Subclassed())
    two = [keras.Input((4, 4, 1)), keras.Input((4, 4, 1))]
    with pytest.raises(ValueError, match=r"have one input\. Received: 2 inputs"):
        static_shape(keras.Model(two, keras.layers.Add()(two)))
    assert len(expand(keras.Model(two, keras.layers.Add()(two))).inputs) == 2


def test_sizes():
    open_size = models.NAFNet("mcu_width16")
    fixed = models.NAFNet("mcu_width16", input_shape=(16, 24, 3))
    assert static_shape(open_size, (5, 7)) == (1, 5, 7, 3)
    assert static_shape(fixed) == static_shape(fixed, (16, 24)) == (1, 16, 24, 3)
    with pytest.raises(ValueError, match=r"size must be \(height, width\).*size=\(256, 256\)"):
        static_shape(open_size)
    with pytest.raises(ValueError, match=r"size must be one that the model takes\. Received: size=\(16, 16\)"):
        static_shape(fixed, (16, 16))
    with pytest.raises(ValueError, match=r"Received: size=\(0, 16\)"):
        static_shape(open_size, (0, 16))
    vector = keras.Input((7,))
    with pytest.raises(ValueError, match=r"image model takes inputs \(N, height, width, channels\)"):
        static_shape(keras.Model(vector, keras.layers.Dense(1)(vector)))
    with pytest.raises(ValueError, match="that has been built"):
        static_shape(keras.Sequential([keras.layers.Conv2D(1, 1)]))
