"""Criteria against numpy, and Taylor's against the loss without the channel."""

import keras
import numpy as np
import pytest
from checks import ON_TORCH
from pruning.test_prune import network

from keras_unetmm.pruning import with_dropout
from keras_unetmm.pruning.criteria import Norms, Taylor
from keras_unetmm.pruning.dropping import dropouts


@pytest.fixture(name="given")
def fixture_given():
    model, shape = network("unet st")
    random = np.random.default_rng(0)
    batches = [
        (random.random((2, *shape), "float32"), random.integers(0, 2, (2, *shape[:2], 1)).astype("float32"))
        for _ in range(2)
    ]
    return with_dropout(model, 0.3, seed=0), batches


@pytest.mark.parametrize("order", [pytest.param(1, marks=ON_TORCH), 2])
def test_norms(given, order):
    model, batches = given
    scores = Norms(model, order).scores(batches)
    assert list(scores) == list(dropouts(model))
    part = keras.Model(model.inputs[0], model.get_layer("dec1_up_drop").output)
    maps = np.concatenate([keras.ops.convert_to_numpy(part(images, training=False)) for images, _ in batches])
    norms = np.stack([[np.sum(np.abs(m[..., c]) ** order) ** (1 / order) for c in range(m.shape[-1])] for m in maps]).mean(0)
    np.testing.assert_allclose(scores["dec1_up"], norms / np.sqrt(np.sum(norms**2)), rtol=1e-4)


def test_taylor_is_the_slope_of_the_loss(given):
    model, batches = given
    loss = keras.losses.BinaryCrossentropy()
    weights = [keras.ops.convert_to_numpy(weight).copy() for weight in model.weights]
    scores = Taylor(model, loss).scores(batches)
    for weight, value in zip(model.weights, weights, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(weight), value)

    layer = model.get_layer("enc1_block_norm0")  # a factor of the channel behind the norm is one of gamma and beta...
    relu = model.get_layer("enc1_block_relu0").output  # ...before a ReLU, which a positive factor passes
    assert relu._keras_history.operation.input._keras_history.operation is layer
    gamma, beta = (keras.ops.convert_to_numpy(weight).copy() for weight in (layer.gamma, layer.beta))

    def losses(channel, factor):
        scale = np.ones(len(gamma))
        scale[channel] = factor
        layer.gamma.assign(gamma * scale)
        layer.beta.assign(beta * scale)
        predictions = (
            np.asarray(keras.ops.convert_to_numpy(model(images, training=False)), "float64") for images, _ in batches
        )
        found = ((p, references) for p, (_, references) in zip(predictions, batches, strict=True))
        return sum(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)) for p, y in found)

    slopes = np.array([(losses(c, 1.01) - losses(c, 0.99)) / 0.02 for c in range(len(gamma))])
    expected = np.abs(slopes) / np.linalg.norm(slopes)
    np.testing.assert_allclose(scores["enc1_block_conv0"], expected, atol=0.02)
    assert np.ptp(expected) > 0.2
