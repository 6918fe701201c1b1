"""`unetmm train` and `unetmm evaluate`: what a user sees."""

import json
import os
from pathlib import Path

import keras
import pytest
from training.small import written
from typer.testing import CliRunner

from keras_unetmm.cli import app

pytestmark = pytest.mark.skipif(keras.backend.backend() != "torch", reason="the same on every backend")
SHORT = {'"steps": 60': '"steps": 2', '"evaluate_every": 20': '"evaluate_every": 2'}


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_train_and_evaluate(tmp_path):
    recipe, out = written(tmp_path, text=SHORT), tmp_path / "run"
    trained = call("train", recipe, "--smoke", "--out", out)
    assert trained.exit_code == 0, trained.output
    assert "step 2  loss" in trained.output
    assert "kodak24" in trained.output
    printed = json.loads(call("evaluate", out, "--json").stdout)
    assert printed == json.loads((out / "evaluated_best.json").read_text())
    assert list(printed) == ["kodak24"]
    assert f"{printed['kodak24']['psnr']:.4f}" in call("evaluate", out, "--weights", "last").output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("nothing.py", "--smoke"), "nothing.py must be a recipe, a Python file. Received: no such file"),
        (("recipe.py",), "data must be the folder of all data sets. Received: None"),
        (("recipe.py", "--data", "."), "kodak24 must hold 24 images"),
        (("recipe.py", "--smoke", "--backend", "theano"), "--backend must be tensorflow, jax or torch. Received: 'theano'"),
        (("recipe.py", "--smoke", "--variant", "x"), "variant must be one of wide. Received: 'x'"),
        (("recipe.py", "--smoke", "--on-error", "x"), "on_error must be"),
    ],
)
def test_what_is_wrong_is_said_in_one_message(tmp_path, monkeypatch, options, message):
    written(tmp_path)
    monkeypatch.chdir(tmp_path)
    result = call("train", *options, "--out", "run")
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output


def test_half_a_download_is_refused_and_taken_if_asked(tmp_path):
    recipe = written(tmp_path, text={"steps=60": "steps=2", "evaluate_every=20": "evaluate_every=2"})
    call("train", recipe, "--smoke", "--steps", "1", "--out", tmp_path / "smoke")
    data = tmp_path / "smoke/tiny_data"
    refused = call("train", recipe, "--data", data, "--out", tmp_path / "run")
    assert refused.exit_code == 2
    assert "must have 24 examples, as published. Received: 2" in " ".join(refused.output.split())
    taken = call("train", recipe, "--data", data, "--partial", "--out", tmp_path / "run")
    assert taken.exit_code == 0, taken.output
    assert os.listdir(tmp_path / "run/pictures")


def test_masks_are_measured_at_several_scales(tmp_path):
    recipe = Path(__file__).parents[2] / "recipes" / "lesions_isic2018_mcu.py"
    out = str(tmp_path / "run")
    assert CliRunner().invoke(app, ["train", str(recipe), "--smoke", "--variant", "none", "--out", out]).exit_code == 0
    once, several = (
        CliRunner().invoke(app, ["evaluate", out, "--json", *more]) for more in ([], ["--scales", "0.5,1", "--flip"])
    )
    assert several.exit_code == 0, several.output
    assert json.loads(once.stdout).keys() == json.loads(several.stdout).keys()
    assert (tmp_path / "run/evaluated_best_multi_scale.json").is_file()
    refused = CliRunner().invoke(app, ["evaluate", out, "--scales", "0.5,x"])
    assert refused.exit_code == 2
    assert "--scales must be positive numbers" in " ".join(refused.output.split())
