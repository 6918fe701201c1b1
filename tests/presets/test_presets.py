"""The presets of the package: what they load to, on every backend, and that they do what they were trained for."""

import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from typer.testing import CliRunner

import keras_unetmm
from keras_unetmm import tflite
from keras_unetmm.cli import app
from keras_unetmm.presets import PresetError, card, from_preset, names
from keras_unetmm.presets.table import PRESETS

ROOT = Path(__file__).parents[2]


def called(model, x):
    return keras.ops.convert_to_numpy(model(x[None].astype("float32"), training=False))[0]


def blot(*sizes):
    """Where a blot is in the middle of an image or a volume."""
    places = np.meshgrid(*(np.linspace(-1, 1, size) for size in sizes), indexing="ij")
    return sum((2.2 * place + 0.1) ** 2 for place in places) < 1


def dark(where, channels):
    """A picture of a dark blot on skin, with a little noise."""
    inside, outside = np.array([0.42, 0.28, 0.24])[:channels], np.array([0.78, 0.6, 0.55])[:channels]
    noise = np.random.default_rng(0).normal(scale=0.01, size=(*where.shape, channels))
    return np.clip(np.where(where[..., None], inside, outside) + noise, 0, 1).astype("float32")


@pytest.mark.parametrize("name", names())
def test_a_preset_is_what_its_card_says(name):
    assert name in PRESETS
    model, said = keras_unetmm.from_preset(name), card(name)
    assert model.count_params() == said["parameters"]
    assert (ROOT / "recipes" / PRESETS[name].recipe).is_file()
    content = (ROOT / "tflite" / name / "model.tflite").read_bytes()
    assert said["file"]["bytes"] == len(content)
    *sizes, channels = said["input"]
    x = dark(blot(*sizes), channels)
    mean, std = PRESETS[name].normal or (0, 1)
    got, file = called(model, (x - mean) / std), tflite.run(content, x, "litert").values[0][0]
    assert got.shape == file.shape
    assert np.isfinite(got).all()
    assert np.abs(np.clip(got, 0, 1) - file).mean() < 0.05, "the file is of this network"


@pytest.mark.every_backend
@pytest.mark.parametrize("name", [name for name in names() if name.startswith("lesions")])
def test_a_dark_blot_on_skin_is_found(name):
    want = blot(128, 128)
    found = called(from_preset(name), dark(want, 3))[..., 0] > 0.5
    assert 2 * (found & want).sum() / (found.sum() + want.sum()) > 0.8


def test_the_command_lists_cards():
    listed = CliRunner().invoke(app, ["presets", "--json"])
    assert json.loads(listed.output) == [card(name) for name in names()]
    table = CliRunner().invoke(app, ["presets"]).output
    for name in names():
        assert re.search(rf"\b{name}\b", table)
    assert max(map(len, table.splitlines())) <= 80


def test_a_wrong_name_lists_the_right_ones():
    with pytest.raises(PresetError, match=rf"name must be one of '{names()[0]}'.*Received: 'denoised'"):
        from_preset("denoised")
