"""Runs that start from the weights of other runs."""

import dataclasses

import keras
import numpy as np
import pytest
from checks import ON_TORCH
from rich.console import Console
from training.small import written

from keras_unetmm import models, training
from keras_unetmm.training.folder import TrainingError
from keras_unetmm.training.recipe import load_recipe
from keras_unetmm.training.starting import freeze_batch_norm, start

pytestmark = ON_TORCH


def network(classes=3, width=4, inputs=3, levels=2):
    return models.UNet("mcu_width8", channels=width, levels=levels, classes=classes, input_shape=(16, 16, inputs))


def changed(model):
    random = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(np.abs(random.normal(size=weight.shape)))
    return model


def of(layer):
    return [keras.ops.convert_to_numpy(weight) for weight in layer.weights]


@pytest.fixture(name="path")
def fixture_path(tmp_path):
    changed(network()).save(tmp_path / "other.keras")
    return tmp_path / "other.keras"


def test_a_head_for_other_classes_is_new(path):
    model, other = network(classes=5), keras.models.load_model(path)
    before = of(model.get_layer("head"))
    found = start(model, path)
    assert found.new == {"head": "5 channels, not 3"}
    assert not found.unused
    for layer in model.layers:
        expected = before if layer.name == "head" else of(other.get_layer(layer.name))
        for weight, value in zip(of(layer), expected, strict=True):
            np.testing.assert_array_equal(weight, value)
    said = found.said("run")
    assert said == f"starts from run: {len(found.taken)} layers taken; new are head (5 channels, not 3)"


def test_a_segmenter_starts_from_a_classifier(tmp_path):
    options = {"filters": 3, "modules": (1, 1, 1, 1), "channels": (4, 5, 6, 7), "stem": 2}
    changed(models.SUNet("sunet64", classes=2, **options)).save(tmp_path / "best.keras")
    model = models.SUNetSegmentation("sunet64", degridding=True, degridding_filters=4, **options)
    found = start(model, tmp_path)
    assert list(found.new) == ["degridding", "head"]
    assert found.new["degridding"] == "not there"
    assert len(found.taken) == 7


def test_refuses_what_is_new_in_the_middle_and_changes_nothing(path, tmp_path):
    model = network(inputs=1)
    before = [value for layer in model.layers for value in of(layer)]
    with pytest.raises(TrainingError, match=r"must fit all but the last layers of .* of which enc0_block does not"):
        start(model, path)
    for value, now in zip(before, (value for layer in model.layers for value in of(layer)), strict=True):
        np.testing.assert_array_equal(value, now)
    with pytest.raises(TrainingError, match=r"must hold layers of .*enc0_block"):
        start(models.NAFNet("mcu_width16", encoder_depths=(1,), decoder_depths=(1,)), path)
    with pytest.raises(TrainingError, match=r"--from RUN\) must be the folder of an evaluated run, .* Received: .*nothing"):
        start(model, tmp_path / "nothing")
    (tmp_path / "text.keras").write_text("no network")
    with pytest.raises(TrainingError, match="must be a network that Keras can load"):
        start(model, tmp_path / "text.keras")


def test_batch_norm_is_frozen_in_whatever_layer():
    model = changed(models.SUNetSegmentation("mcu_filters16", modules=(1, 1, 1, 1), classes=2))
    freeze_batch_norm(model)
    names = {"gamma", "beta", "moving_mean", "moving_variance"}
    frozen = [(w, keras.ops.convert_to_numpy(w)) for w in model.weights if w.path.rpartition("/")[2] in names]
    assert len(frozen) > 40
    assert not names & {w.path.rpartition("/")[2] for w in model.trainable_weights}
    model.compile(keras.optimizers.SGD(0.1), "categorical_crossentropy")
    random = np.random.default_rng(0)
    model.train_on_batch(random.random((1, 32, 32, 3)), np.ones((1, 32, 32, 2), "float32") / 2)
    for weight, value in frozen:
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(weight), value)


def run(path, out, **options):
    return training.train(path, None, out, smoke=True, console=Console(quiet=True), **options)


def test_a_run_starts_from_a_run(tmp_path):
    path = written(tmp_path, text={"steps=60,\n": "steps=60,\n    freeze_batch_norm=True,\n"})
    run(path, tmp_path / "first", steps=2)
    run(path, tmp_path / "second", steps=2, start_from=tmp_path / "first")
    moved = [
        [
            np.concatenate([np.ravel(v) for v in of(keras.models.load_model(tmp_path / out / "best.keras").get_layer(name))])
            for out in ("first", "second")
        ]
        for name in ("first", "norm")
    ]
    assert 0 < np.abs(moved[0][0] - moved[0][1]).max() < 0.1  # two steps away; from new weights it would be 0.5
    np.testing.assert_array_equal(*moved[1])
    (tmp_path / "first/best.keras").unlink()
    run(path, tmp_path / "second", steps=2, start_from=tmp_path / "first")  # it has weights of its own
    with pytest.raises(TrainingError, match=r"start_from was '.*first' and is None now"):
        run(path, tmp_path / "second", steps=2)
    with pytest.raises(TrainingError, match=r"start_from \(--from RUN\) must be the folder of an evaluated run"):
        run(path, tmp_path / "third", start_from=tmp_path / "first")
    with pytest.raises(TrainingError, match="must be none with architecture_from"):
        run(path, tmp_path / "third", start_from=path, architecture_from=path)


def test_a_recipe_says_what_it_starts_from(tmp_path):
    path = written(tmp_path, text={"steps=60,\n": 'steps=60,\n    start="a run of classify.py",\n'})
    with pytest.raises(TrainingError, match=r"\(--from RUN\) of this recipe must be a run of classify.py. Received: none"):
        training.train(path, tmp_path, tmp_path / "run")
    recipe = load_recipe(path)
    assert recipe.for_smoke().start is None
    with pytest.raises(ValueError, match=r"start must be a sentence on where weights are from, or None. Received: 3"):
        dataclasses.replace(recipe, start=3)
