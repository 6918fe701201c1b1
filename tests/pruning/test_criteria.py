"""Criteria against numpy, and Taylor's against the loss without the channel."""

import keras
import numpy as np
import peers
import pytest
from checks import ON_TORCH
from pruning.test_prune import network

from benchmarks import pytorch_lunet
from keras_unetmm import models
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


@ON_TORCH
def test_stamps_criterion_ranks_as_its_released_code_does():
    """There, what a convolution makes is kept, ReLU then works in place on it, and the norm comes last."""
    import torch

    peer = peers.randomized(pytorch_lunet.LUnet(levels=3, convolutions=2))
    model = models.LUnet("harp_width4", levels=3, convolutions=2, activation=None)
    model.set_weights(peers.weights(peer))
    batches = [(np.random.default_rng(i).normal(size=(2, 8, 12, 16, 1)).astype("float32"), None) for i in range(2)]
    pruned = with_dropout(model, 0.3, seed=0, up_convolutions=False)
    scores = Norms(pruned, 2).scores(batches)

    kept = {}
    for module in (m for m in peer.modules() if isinstance(m, torch.nn.Conv3d) and m is not peer.head):
        module.register_forward_hook(lambda module, _, made: kept.setdefault(module, []).append(made))
    with torch.no_grad():
        for images, _ in batches:
            peer(torch.from_numpy(np.moveaxis(images, -1, 1)))
    ranks = {}
    for module, maps in kept.items():
        norms = sum(each.norm(2, 2).norm(2, 2).norm(2, 2).mean(0) for each in maps)
        ranks[module] = (norms / norms.square().sum().sqrt()).numpy()

    ours, theirs = (np.concatenate(list(each.values())) for each in (scores, ranks))
    assert list(scores) == [layer.name for layer in pruned.layers if layer.name.split("_")[-1].startswith("conv")]
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    np.testing.assert_array_equal(ours.argsort(), theirs.argsort())  # Spearman 1.0
    behind_the_norm = keras.Model(pruned.inputs[0], [pruned.get_layer(f"{name}_drop").output for name in scores])
    other = [keras.ops.convert_to_numpy(each) for each in behind_the_norm(batches[0][0])]
    norms = np.concatenate([np.linalg.norm(each[0].reshape(-1, each.shape[-1]), axis=0) for each in other])
    assert (ours.argsort() != norms.argsort()).any()


@ON_TORCH
def test_a_channel_that_is_off_counts_nothing(given):
    model, batches = given
    before = Norms(model, 2).scores(batches)["enc1_block_conv0"]
    rates = model.get_layer("enc1_block_conv0_drop").rates
    rates.assign(np.where(np.arange(rates.shape[0]) == 3, 1.0, 0.0))
    after = Norms(model, 2).scores(batches)["enc1_block_conv0"]
    assert after[3] == 0 < before[3]
    left = np.arange(len(after)) != 3
    np.testing.assert_allclose(after[left], before[left] / np.linalg.norm(before[left]), rtol=1e-4)


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
