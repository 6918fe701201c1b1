import json
import os

import keras
import numpy as np
import pytest
from PIL import Image
from tflite import files
from typer.testing import CliRunner

from keras_unetmm import models
from keras_unetmm.cli import app


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.tflite").write_bytes(files.unet())
    (tmp_path / "cut.tflite").write_bytes(files.unet()[:300])
    (tmp_path / "words.tflite").write_text("these are not tensors")
    (tmp_path / "images").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").write_text("no image")
    rng = np.random.default_rng(0)
    for i in range(3):
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), "uint8")).save(tmp_path / "images" / f"{i}.png")
    return tmp_path


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def saved(path, **arguments):
    models.NAFNet(width=8, encoder_depths=(1,), middle_depth=1, decoder_depths=(1,), norm="batch", **arguments).save(path)
    return path


def test_models_lists_the_rows(here):
    result = call("models")
    assert result.exit_code == 0
    assert "sidd_width32" in result.stdout
    assert "mcu_width16" in result.stdout


def test_plan_prints_a_table_and_one_json_object(here):
    assert "768 B" in call("plan", "model.tflite").stdout
    result = call("plan", "model.tflite", "--json", "--picture", "arena.svg")
    assert json.loads(result.stdout)["as_is"]["order_bound"] == 768
    assert "<svg" in (here / "arena.svg").read_text()


def test_convert_writes_a_file_that_plan_reads(here):
    saved("model.keras")
    result = call("convert", "model.keras", "--calibration", "images", "--size", "24x32", "-o", "out.tflite")
    assert result.exit_code == 0, result.output
    plan = json.loads(call("plan", "out.tflite", "--json").stdout)
    assert plan["flash_bytes"] == os.path.getsize("out.tflite")
    assert plan["as_is"]["measured"]["head"] >= plan["as_is"]["order_bound"] > 0
    assert oct((here / "out.tflite").stat().st_mode & 0o777) == "0o644"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("plan", "missing.tflite"), "No such file"),
        (("plan", "words.tflite"), "must be a .tflite file"),
        (("plan", "cut.tflite"), "cut short or damaged"),
        (("plan", "images"), "directory"),
        (("plan", "model.tflite", "--arena", "600"), "arena_bytes=600 is too small"),
        (("plan", "model.tflite", "--arena", "-5"), "arena_bytes must be"),
        (("plan", "model.tflite", "--picture", "a.gif"), "must end in .svg or .png"),
        (("plan", "model.tflite", "--picture", "nowhere/a.png"), "folder that exists"),
        (("convert", "open.keras", "--calibration", "images", "-o", "open.keras"), "must end in .tflite"),
        (("convert", "missing.keras", "--calibration", "images", "-o", "o.tflite"), "not a file"),
        (("convert", "words.tflite", "--calibration", "images", "-o", "o.tflite"), "cannot be loaded as a Keras model"),
        (("convert", "open.keras", "--calibration", "images", "-o", "o.tflite"), "size must be (height, width)"),
        (
            ("convert", "open.keras", "--calibration", "images", "--size", "64", "-o", "o.tflite"),
            "--size must be HEIGHTxWIDTH",
        ),
        (
            ("convert", "open.keras", "--calibration", "images", "--size", "0x8", "-o", "o.tflite"),
            "--size must be HEIGHTxWIDTH",
        ),
        (("convert", "open.keras", "--calibration", "images", "--size", "64x64", "-o", "o.tflite"), "at least 64x64 pixels"),
        (
            ("convert", "fixed.keras", "--calibration", "images", "--size", "24x24", "-o", "o.tflite"),
            "one that the model takes",
        ),
        (("convert", "open.keras", "--calibration", "empty", "--size", "16x16", "-o", "o.tflite"), "at least one image"),
        (
            ("convert", "open.keras", "--calibration", "broken", "--size", "16x16", "-o", "o.tflite"),
            "cannot be read as an image",
        ),
        (("convert", "open.keras", "--calibration", "none", "--size", "16x16", "-o", "o.tflite"), "folder of images"),
        (
            ("convert", "open.keras", "--calibration", "images", "--size", "16x16", "-o", "nowhere/o.tflite"),
            "folder that exists",
        ),
        (
            ("convert", "open.keras", "--calibration", "images", "--size", "16x16", "--target", "x", "-o", "o.tflite"),
            "target must",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_input_is_one_message_and_status_2(here, arguments, message):
    saved("open.keras")
    saved("fixed.keras", input_shape=(16, 16, 3))
    before = sorted(here.rglob("*"))
    result = call(*arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert "Traceback" not in result.output
    assert sorted(here.rglob("*")) == before, "no file, whole or partial, may be left"


def test_a_model_that_cannot_be_integers_leaves_no_file(here):
    inputs = keras.Input((16, 16, 3))
    keras.Model(inputs, keras.layers.GroupNormalization(1)(inputs)).save("float.keras")
    result = call("convert", "float.keras", "--calibration", "images", "-o", "o.tflite")
    assert result.exit_code == 2
    assert "are not integers" in result.stderr
    assert not (here / "o.tflite").exists()


def test_an_old_file_stays_when_a_new_one_fails(here):
    (here / "arena.png").write_bytes(b"old")
    assert call("plan", "cut.tflite", "--picture", "arena.png").exit_code == 2
    assert (here / "arena.png").read_bytes() == b"old"
