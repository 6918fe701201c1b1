"""Runs whose network goes on in the arithmetic of its int8 file."""

import json

import keras
import numpy as np
import pytest
from rich.console import Console
from training.small import written

from keras_unetmm import training
from keras_unetmm.cli.run_folder import read_run
from keras_unetmm.quantization.quantize import is_quantize_aware
from keras_unetmm.training.folder import TrainingError

SHORT = {'"steps": 60': '"steps": 4', '"evaluate_every": 20': '"evaluate_every": 2'}

VOLUMES = """from functools import partial

import keras

from keras_unetmm import data, losses, metrics
from keras_unetmm.training import Recipe


def network():
    inputs = keras.Input((None, None, None, 1))
    x = keras.layers.Conv3D(4, 3, padding="same", activation="relu", name="first")(inputs)
    return keras.Model(inputs, keras.layers.Conv3D(3, 1, activation="softmax", name="last")(x))


recipe = Recipe(
    model=network,
    train=partial(data.hippocampus, partial=True),
    evaluate={"test": partial(data.hippocampus, split="test", partial=True)},
    device_values=(0.5, 0.125),
    evaluate_patch=(16, 16, 16),
    patch=(16, 16, 16),
    batch=2,
    loss=partial(losses.SegmentationLoss, classes=3),
    optimizer=keras.optimizers.Adam,
    steps=4,
    metrics=(partial(metrics.Dice, classes=3),),
)
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    recipe = written(folder, text={**SHORT, "steps=60,\n": "steps=60,\n    normalize=(0.4, 0.5),\n"})
    train(recipe, folder / "floats")
    return recipe, folder / "floats/best.keras"


def train(recipe, out, **options):
    return training.train(recipe, None, out, smoke=True, console=Console(quiet=True), **options)


def test_a_trained_network_goes_on_as_its_int8_file(trained, tmp_path):
    recipe, floats = trained
    scores = train(recipe, tmp_path / "run", quantize=floats)
    model = keras.models.load_model(tmp_path / "run/best.keras")
    assert is_quantize_aware(model)
    image = np.random.default_rng(0).uniform(size=(1, 16, 16, 3)).astype("float32")
    plain = keras.models.load_model(floats)((image - 0.4) / 0.5, training=False)
    outputs = keras.ops.convert_to_numpy(model(image, training=False))
    cut = outputs.min(), outputs.max()  # of its range: after so few steps the output is no image yet
    apart = np.abs(outputs - np.clip(keras.ops.convert_to_numpy(plain), *cut))
    assert apart.max() > 0, "rounded, and trained on a little"
    assert apart.mean() < 0.1 * outputs.std(), "the same network"
    assert len(np.unique(outputs)) <= 256
    again = training.evaluate_run(tmp_path / "run", None, console=Console(quiet=True))
    assert again["kodak24"]["psnr"] == pytest.approx(scores["kodak24"]["psnr"], abs=1e-4)


def test_volumes_go_on_as_the_device_has_them(tmp_path):
    recipe = tmp_path / "recipe.py"
    recipe.write_text(VOLUMES)
    train(recipe, tmp_path / "floats")
    train(recipe, tmp_path / "run", quantize=tmp_path / "floats/best.keras")
    model = keras.models.load_model(tmp_path / "run/best.keras")
    volume = np.random.default_rng(0).normal(size=(1, 16, 16, 16, 1)).astype("float32")
    plain = keras.ops.convert_to_numpy(keras.models.load_model(tmp_path / "floats/best.keras")(volume, training=False))
    outputs = keras.ops.convert_to_numpy(model(0.125 * volume + 0.5, training=False))
    assert np.abs(outputs - plain).mean() < 0.1 * plain.std(), "the same network, of what the device has"
    shape = (1, 16, 16, 16, 1)
    images, undone = read_run(tmp_path / "floats").calibration(shape)
    assert undone == (0.5, 0.125), "the file undoes what the device's values are"
    again, undone = read_run(tmp_path / "run").calibration(shape)
    assert undone is None, "the network does so itself"
    np.testing.assert_allclose(again, images, atol=1e-6)
    assert 0.3 < np.mean(images) < 0.7
    assert 0.05 < np.std(images) < 0.3


def test_it_is_a_run_of_its_own(trained, tmp_path):
    recipe, floats = trained
    train(recipe, tmp_path / "run", quantize=floats, steps=2)
    assert json.loads((tmp_path / "run/run.json").read_text())["quantize"] == str(floats)
    with pytest.raises(TrainingError, match=r"quantize was '.*best.keras' and is None now"):
        train(recipe, tmp_path / "run", steps=2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quantize": "missing.keras"}, r"--quantize MODEL.keras\) must be a trained network. Received: missing.keras"),
        ({"precision": "mixed_bfloat16"}, "precision must be float32 to quantize"),
        ({"teacher": "teacher.keras"}, r"teacher \(--teacher\) must be none to quantize"),
    ],
)
def test_what_cannot_be_quantized(trained, tmp_path, options, message):
    recipe, floats = trained
    with pytest.raises(TrainingError, match=message):
        train(recipe, tmp_path / "run", **{"quantize": floats, **options})
    assert not (tmp_path / "run").exists()
