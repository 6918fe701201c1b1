"""Targeted dropout: its rates are kept, dead channels stay dead, and the mean of what is left is kept up."""

import keras
import numpy as np
import pytest

from keras_unetmm.layers import TargetedDropout


def test_a_model_with_it_is_kept_with_its_rates(tmp_path):
    inputs = keras.Input((5, 7, 3))
    model = keras.Model(inputs, TargetedDropout(0.25, seed=1, name="drop")(inputs))
    model.get_layer("drop").rates.assign([0.0, 0.5, 1.0])
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras").get_layer("drop")
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(again.rates), [0.0, 0.5, 1.0])
    assert again.get_config() == model.get_layer("drop").get_config()
    assert again.trainable_weights == []


def test_it_computes_in_its_policy():
    layer = TargetedDropout(0.5, dtype="mixed_float16")
    assert keras.backend.standardize_dtype(layer(np.ones((2, 4, 3), "float32"), training=True).dtype) == "float16"
    assert keras.backend.standardize_dtype(layer.rates.dtype) == "float32"


def test_each_channel_is_dropped_whole_at_its_own_rate():
    layer = TargetedDropout(0.0, seed=3)
    x = np.ones((2000, 2, 3, 4), "float32")
    layer.build(x.shape)
    rates = np.array([0.0, 0.2, 0.6, 1.0], "float32")
    layer.rates.assign(rates)
    y = keras.ops.convert_to_numpy(layer(x, training=True))
    kept = y[:, 0, 0, :] > 0
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1, :1], y.shape))
    np.testing.assert_allclose(kept.mean(0), 1 - rates, atol=0.05)
    np.testing.assert_allclose(
        y[:, 0, 0, :3][kept[:, :3]], np.broadcast_to(1 / (1 - rates[:3]), (2000, 3))[kept[:, :3]], rtol=1e-6
    )
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer(x, training=False)), x * (rates < 1))


@pytest.mark.parametrize("rate", [-0.1, 1.0, "0.5", None])
def test_refuses_a_rate(rate):
    with pytest.raises(ValueError, match=r"rate must be at least 0 and below 1. Received"):
        TargetedDropout(rate)
