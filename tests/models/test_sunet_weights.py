"""A classifier's weights in a segmenter, and PyTorch checkpoints of both."""

import keras
import numpy as np
import peers
import pytest
from checks import ON_TORCH

from benchmarks import pytorch_sunet
from keras_unetmm import models

pytestmark = ON_TORCH  # weights go where they belong, whatever the backend
SMALL = {"filters": 3, "modules": (2, 1, 1, 1), "channels": (6, 8, 9, 10), "stem": 4}
ROW = (3, (2, 1, 1, 1), (6, 8, 9, 10))


def classifier(**arguments):
    return models.SUNet("sunet64", **{"classes": 5, **SMALL, **arguments})


def segmenter(**arguments):
    return models.SUNetSegmentation("sunet64", **{"classes": 4, "activation": None, **SMALL, **arguments})


def images(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def called(model, x):
    return keras.ops.convert_to_numpy(model(x, training=False))


@pytest.fixture(scope="module")
def peer():
    return peers.randomized(pytorch_sunet.SUNet(ROW, classes=5, stem=4))


@pytest.fixture(scope="module")
def loaded(peer):
    model = classifier(classifier_activation=None)
    models.load_pytorch_sunet(model, peer.state_dict())
    return model


def test_the_published_classifier_equals_pytorch():
    network = peers.randomized(pytorch_sunet.SUNet("sunet64"))
    state = {"epoch": 90, "state_dict": {f"module.{name}": value for name, value in network.state_dict().items()}}
    model = models.SUNet64(classifier_activation=None)
    models.load_pytorch_sunet(model, state)
    x = images(1, 64, 96, 3)
    np.testing.assert_allclose(called(model, x), peers.called(network, x), atol=1e-3)


@pytest.mark.parametrize(("output_stride", "degridding"), [(16, None), (8, 6)])
def test_a_segmenter_equals_pytorch(output_stride, degridding):
    network = peers.randomized(pytorch_sunet.SUNet(ROW, 4, output_stride, degridding, stem=4))
    model = segmenter(output_stride=output_stride, degridding=degridding is not None, degridding_filters=degridding)
    models.load_pytorch_sunet(model, network.state_dict())
    x = images(1, 61, 40, 3)
    np.testing.assert_allclose(called(model, x), peers.called(network, x), atol=1e-4)


@pytest.mark.parametrize("output_stride", [8, 32])
def test_a_classifier_gives_its_features(loaded, output_stride):
    model = segmenter(output_stride=output_stride, degridding=True, degridding_filters=6, weights=loaded)
    x = images(1, 64, 96, 3)
    got = called(keras.Model(model.input, model.get_layer("tail_relu").output), x)
    want = called(keras.Model(loaded.input, loaded.get_layer("tail_relu").output), x)
    if output_stride == 32:
        np.testing.assert_allclose(got, want, atol=1e-6)
    assert got.shape == (1, 64 // output_stride, 96 // output_stride, 10)


def test_a_saved_classifier_without_its_top(tmp_path, loaded):
    bare = classifier(include_top=False)
    bare.set_weights(loaded.get_weights()[:-2])
    bare.save(tmp_path / "classifier.keras")
    model = segmenter(weights=tmp_path / "classifier.keras")
    for name in ("stem", "block1_unet1", "block4_unet0", "tail_norm"):
        for got, want in zip(model.get_layer(name).get_weights(), loaded.get_layer(name).get_weights(), strict=True):
            np.testing.assert_array_equal(got, want)


def test_what_does_not_fit_is_refused_and_changes_nothing(loaded, peer):
    for arguments, message in (
        ({"modules": (2, 2, 1, 1)}, r"Missing: \['block2_unet1'\] \(1 in all\)"),
        ({"modules": (1, 1, 1, 1)}, r"Left over: \['block1_unet1'\] \(1 in all\)"),
        (
            {"skips": "none"},
            r"Of other shapes: \['block1_unet0', .*\(4 in all\)\. Build both from one row, with the same skips",
        ),
    ):
        model = segmenter(**arguments)
        before = model.get_weights()
        with pytest.raises(ValueError, match=message):
            models.load_classifier(model, loaded)
        assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))

    for other in (3, models.SUNet):
        with pytest.raises(ValueError, match=r"must be a keras\.Model .*Received: (3|<function SUNet)"):
            segmenter(weights=other)

    state = peer.state_dict()
    with pytest.raises(ValueError, match=r"'linear\.weight' must come out as \(10, 7\)\. Received: \(10, 5\)"):
        models.load_pytorch_sunet(classifier(classes=7), state)
    with pytest.raises(ValueError, match=r"Missing: \['final\.conv1\.bias', .*Left over: \['linear\.bias'"):
        models.load_pytorch_sunet(segmenter(), state)
