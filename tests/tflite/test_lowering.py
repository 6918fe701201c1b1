import keras
import numpy as np
import pytest
from checks import randomize

from keras_unetmm import layers, models
from keras_unetmm.tflite import integer_layers
from keras_unetmm.tflite.lowering import lower

SHAPE = (6, 10, 8)


def single(*stack):
    return randomize(keras.Sequential([keras.Input(SHAPE), *stack]))


def difference(model):
    x = np.random.default_rng(1).normal(size=(2, *SHAPE)).astype("float32")
    lowered = lower(model)
    before, after = (keras.ops.convert_to_numpy(m(x, training=False)) for m in (model, lowered))
    return np.abs(before - after).max(), lowered


@pytest.mark.parametrize(
    ("layer", "replacement", "tolerance"),
    [
        (keras.layers.LayerNormalization(epsilon=1e-6), integer_layers.IntegerLayerNormalization, 1e-5),
        (layers.GlobalResponseNormalization(), integer_layers.IntegerGlobalResponseNormalization, 1e-5),
        (keras.layers.Activation("gelu"), integer_layers.SigmoidGELU, 0.021),
        (layers.GELU(), integer_layers.SigmoidGELU, 0.021),
        (keras.layers.UpSampling2D((2, 3)), integer_layers.NearestUpsampling, 0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, keras.layers.Layer) else "",
)
def test_a_layer_is_exchanged_for_its_equal(layer, replacement, tolerance):
    off, lowered = difference(single(layer))
    assert off <= tolerance
    assert any(isinstance(part, replacement) for part in lowered.layers)


def test_gelu_inside_a_convolution_is_taken_out():
    off, lowered = difference(single(keras.layers.Conv2D(4, 3, padding="same", activation="gelu")))
    assert off <= 0.021
    assert [type(part).__name__ for part in lowered.layers] == ["InputLayer", "Conv2D", "SigmoidGELU"]


def test_gelu_called_as_a_function():
    inputs = keras.Input(SHAPE)
    off, lowered = difference(keras.Model(inputs, keras.activations.gelu(inputs)))
    assert 0 < off <= 0.021
    assert any(isinstance(part, integer_layers.SigmoidGELU) for part in lowered.layers)


@pytest.mark.parametrize("use_bias", [True, False])
def test_batch_norm_is_folded_into_a_pointwise_convolution(use_bias):
    norm, conv = keras.layers.BatchNormalization(), keras.layers.Conv2D(5, 1, use_bias=use_bias)
    off, lowered = difference(single(norm, conv))
    assert off <= 1e-5
    assert [type(part).__name__ for part in lowered.layers] == ["InputLayer", "Conv2D"]


def test_batch_norm_stays_before_a_padded_convolution():
    off, lowered = difference(single(keras.layers.BatchNormalization(), keras.layers.Conv2D(5, 3, padding="same")))
    assert off <= 1e-6
    assert any(isinstance(part, keras.layers.BatchNormalization) for part in lowered.layers)


def test_batch_norm_with_two_readers_serves_both():
    inputs = keras.Input(SHAPE)
    x = keras.layers.BatchNormalization()(inputs)
    model = randomize(keras.Model(inputs, keras.layers.Concatenate()([keras.layers.Conv2D(4, 1)(x), x])))
    assert difference(model)[0] <= 1e-5


def test_a_model_without_gelu_stays_equal():
    model = randomize(models.NAFNet("mcu_width16", norm="layer", input_shape=(16, 24, 3)))
    x = np.random.default_rng(0).random((1, 16, 24, 3)).astype("float32")
    before, after = (keras.ops.convert_to_numpy(m(x, training=False)) for m in (model, lower(model)))
    np.testing.assert_allclose(after, before, atol=1e-4)


def test_mixed_precision_is_lowered_to_float32():
    layer = layers.NAFBlock(dtype="mixed_bfloat16")
    lowered = lower(keras.Sequential([keras.Input(SHAPE), layer]))
    assert {part.compute_dtype for part in lowered.layers} == {"float32"}


def test_an_unknown_target_is_refused():
    with pytest.raises(ValueError, match=r"target must be one of 'tflm'\. Received: 'esp32'"):
        lower(single(keras.layers.ReLU()), "esp32")
