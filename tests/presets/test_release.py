"""A preset is made of a run, measured, and loaded again."""

import json
import shutil
from functools import partial

import keras
import numpy as np
import pytest
from checks import ONE_BACKEND
from engine.programs import COMPILERS
from PIL import Image
from rich.console import Console

from keras_unetmm import models, tflite
from keras_unetmm.presets import PresetError, card, from_preset, load, measured, release
from keras_unetmm.presets.table import Preset
from keras_unetmm.training import train

pytestmark = pytest.mark.skipif(not COMPILERS, reason="neither gcc nor clang is installed")

NETWORK = partial(
    models.NAFNet, "mcu_width16", width=4, encoder_depths=(1,), middle_depth=0, decoder_depths=(0,), skips="full"
)
RECIPE = """
from functools import partial
import keras
from keras_unetmm import data, losses, metrics, models
from keras_unetmm.training import Recipe

recipe = Recipe(
    model=partial(
        models.NAFNet, "mcu_width16", width=4, encoder_depths=(1,), middle_depth=0, decoder_depths=(0,), skips="full"
    ),
    train=partial(data.bsds500, partial=True),
    evaluate={"kodak24": partial(data.kodak24, partial=True)},
    degrade=partial(data.gaussian_noise, sigma=0.1),
    patch=16,
    batch=2,
    loss=losses.PSNRLoss,
    optimizer=keras.optimizers.Adam,
    steps=4,
    metrics=(metrics.PSNR,),
    variants={"other": {"seed": 1}},
)
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A recipe, and a run of it."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "recipes").mkdir()
    (folder / "recipes" / "tiny.py").write_text(RECIPE)
    train(folder / "recipes" / "tiny.py", None, folder / "run", smoke=True)
    return folder


@pytest.fixture
def made(trained, tmp_path, monkeypatch):
    """A preset table with one row, and a copy of a run of it."""
    row = Preset(NETWORK, "tiny.py", None, (16, 16), "nothing much", "noise", "none")
    for module in (load, release):
        monkeypatch.setattr(module, "PRESETS", {"tiny": row})
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    (tmp_path / "presets").mkdir()
    return tmp_path


@ONE_BACKEND
def test_a_run_becomes_a_preset(made):
    folder, out = made / "presets", made / "tflite"
    release.take("tiny", made / "run", "a machine", folder)
    assert card("tiny", folder).keys() == {"name", "training", "weights_sha256", "weights_bytes"}
    release.release("tiny", made / "run" / "tiny_data", made / "recipes", out, Console(quiet=True), folder)

    found = card("tiny", folder)
    trained = keras.models.load_model(made / "run" / "best.keras", compile=False)
    assert found["parameters"] == trained.count_params()
    assert found["training"]["hardware"] == "a machine"
    assert found["training"]["command"] == "unetmm train recipes/tiny.py --data DATA --out RUN --steps 4"
    scores = json.loads((made / "run" / "scores.json").read_text())
    assert found["quality"]["kodak24"]["psnr"] == pytest.approx(scores["kodak24"]["psnr"], abs=0.05)
    both = found["int8"]["kodak24"]["psnr"]
    assert both["int8"] > both["float"] - 1, "bytes end at black and white, which an untrained network exceeds"

    content = (out / "tiny" / "model.tflite").read_bytes()
    arena = tflite.run(content, np.zeros((16, 16, 3), "float32"), "tflm").arena
    assert found["arena"]["planned"] == {"head": arena.head, "tail": arena.tail, "total": arena.total}
    assert found["arena"]["planned"]["head"] <= found["arena"]["converted"]["head"]
    assert found["file"]["bytes"] == len(content)
    text = (out / "tiny" / "README.md").read_text()
    assert f"{found['arena']['planned']['head']:,}" in text
    said = tflite.firmware(content, made / "net", "tiny")
    assert {key: said[key] for key in measured.ENGINE} == found["engine"]
    assert f"{said['ram_bytes']:,} bytes" in text
    assert said["sha256"] in text
    page = (out / "tiny" / "README.md").read_bytes()
    before = (folder / "tiny.json").read_bytes()
    (out / "tiny" / "README.md").unlink()
    (folder / "tiny.json").write_text(json.dumps({key: found[key] for key in found if key != "engine"}))
    release.measure_engine("tiny", out, Console(quiet=True), folder)
    assert (out / "tiny" / "README.md").read_bytes() == page, "without data, the same card"
    assert (folder / "tiny.json").read_bytes() == before
    (out / "tiny" / "model.tflite").rename(made / "model.tflite")
    with pytest.raises(PresetError, match=r"must hold model\.tflite.*Release tiny first"):
        release.measure_engine("tiny", out, Console(quiet=True), folder)
    for name in ("samples", "arena"):
        with Image.open(out / "tiny" / f"{name}.png") as picture:
            assert min(picture.size) > 100

    x = np.random.default_rng(0).random((1, 20, 16, 3)).astype("float32")
    got, want = (keras.ops.convert_to_numpy(model(x, training=False)) for model in (from_preset("tiny", folder), trained))
    np.testing.assert_allclose(got, want, atol=5e-3)


@ONE_BACKEND
def test_a_file_of_a_network_that_was_trained_as_integers(made):
    folder, out, data = made / "presets", made / "tflite", made / "run" / "tiny_data"
    options = (made / "recipes", out, Console(quiet=True), folder)
    release.take("tiny", made / "run", "a machine", folder)
    recipe = made / "recipes" / "tiny.py"
    train(recipe, None, made / "tiny-int8", smoke=True, quantize=made / "run" / "best.keras")
    release.take_quantized("tiny", made / "tiny-int8", out / "tiny", "tiny.py", folder)
    release.release("tiny", data, *options)
    found = card("tiny", folder)["quantized"]
    assert found["command"].endswith("--data DATA --out RUN-int8 --quantize RUN/best.keras --steps 4")
    assert found["command"] in (out / "tiny" / "README.md").read_text()
    image = np.random.default_rng(0).random((16, 16, 3)).astype("float32")
    trained = keras.models.load_model(made / "tiny-int8" / "best.keras")
    want = keras.ops.convert_to_numpy(trained(image[None], training=False))[0]
    got = tflite.run((out / "tiny" / "model.tflite").read_bytes(), image, "tflm").values[0]
    np.testing.assert_allclose(got[0], want, atol=0.1 / 255)

    train(recipe, None, made / "again", smoke=True, steps=2)
    release.take("tiny", made / "again", "a machine", folder)
    with pytest.raises(PresetError, match=r"quantized\.keras must be the weights of tiny.*Received: one of other weights"):
        release.release("tiny", data, *options)
    with pytest.raises(
        PresetError, match=r"must have begun at the weights of tiny\. Received: a run that began at .*best\.k"
    ):
        release.take_quantized("tiny", made / "tiny-int8", out / "tiny", "tiny.py", folder)
    with pytest.raises(PresetError, match="must be a finished run of unetmm train --quantize"):
        release.take_quantized("tiny", made / "missing", out / "tiny", "tiny.py", folder)


@ONE_BACKEND
def test_other_runs_are_refused(made, monkeypatch):
    with pytest.raises(PresetError, match="must be a finished run of unetmm train"):
        release.take("tiny", made / "recipes", "a machine", made)
    about = json.loads((made / "run" / "run.json").read_text())
    (made / "run" / "run.json").write_text(json.dumps({**about, "variant": "other"}))
    with pytest.raises(PresetError, match=r"must be of variant None\. Received: other"):
        release.take("tiny", made / "run", "a machine", made)
    (made / "run" / "run.json").write_text(json.dumps(about))
    row = Preset(partial(NETWORK, width=8), "tiny.py", None, (16, 16), "", "", "")
    monkeypatch.setattr(release, "PRESETS", {"tiny": row})
    with pytest.raises(PresetError, match=r"must hold the network of tiny\. Received: another one"):
        release.take("tiny", made / "run", "a machine", made)
