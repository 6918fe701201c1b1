"""`unetmm compare`: what it prints, draws and refuses."""

import json

import keras
import numpy as np
import pytest
from checks import ONE_BACKEND, randomize
from PIL import Image
from tflite.network import Network
from typer.testing import CliRunner

from keras_unetmm import metrics, tflite
from keras_unetmm.cli import app
from keras_unetmm.compare.quality import Example, compare
from keras_unetmm.compare.quality_data import from_recipe
from keras_unetmm.data.images import read_crops
from keras_unetmm.training.recipe import load_recipe

pytestmark = ONE_BACKEND
RECIPE = """
from functools import partial
import keras
from keras_unetmm import data, metrics
from keras_unetmm.data.dataset import DataSet
from keras_unetmm.data.images import read_pixels
from keras_unetmm.training import Recipe

def reader(name):
    def read(folder):
        paths = sorted((folder / name).glob("*.png"))
        return DataSet(name, tuple((path,) for path in paths), lambda example: (read_pixels(example[0]),) * 2)
    return read

recipe = Recipe(
    model=None.__class__, train=reader("images"), evaluate={"small": reader("images"), "large": reader("large")},
    batch=1, steps=1, loss=keras.losses.MeanSquaredError, optimizer=keras.optimizers.SGD, save_every=1, evaluate_every=1,
    degrade=partial(data.gaussian_noise, sigma=20 / 255), metrics=(metrics.PSNR,), seed=3, normalize=NORMALIZE,
    variants={"blurred": {"degrade": partial(data.motion_blur, length=3)}},
)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A model, its file, other models, and folders of images of the file's size and larger."""
    folder, rng = tmp_path_factory.mktemp("compare"), np.random.default_rng(0)
    convolution = keras.layers.Conv2D(3, 3, padding="same", name="filter")
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(4, 1, name="first"), convolution])
    randomize(model).save(folder / "model.keras")
    content = tflite.convert(model, rng.random((4, 12, 16, 3)).astype("float32"), size=(12, 16))
    (folder / "model.tflite").write_bytes(content)
    keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(2, 1)]).save(folder / "two.keras")
    keras.Sequential([keras.Input((20, 20, 3)), keras.layers.Conv2D(3, 1)]).save(folder / "large.keras")
    model.get_layer("filter").bias.assign([0, np.nan, 0])
    model.save(folder / "nan.keras")
    net = Network(dtype="bool")
    (folder / "bool.tflite").write_bytes(net.file(net.unary("RELU", net.input(1, 12, 16, 3))))
    (folder / "words.tflite").write_text("these are not tensors")
    for name, size in (("images", (12, 16)), ("large", (20, 30)), ("small", (12, 12)), ("empty", None)):
        (folder / name).mkdir()
        for i in range(3 if size else 0):
            Image.fromarray(rng.integers(0, 256, (*size, 3), "uint8")).save(folder / name / f"{i}.png")
    (folder / "broken").mkdir()
    (folder / "broken" / "a.png").write_text("no image")
    (folder / "recipe.py").write_text(RECIPE.replace("NORMALIZE", "None"))
    (folder / "normalized.py").write_text(RECIPE.replace("NORMALIZE", "(0.5, 0.25)"))
    (folder / "no_recipe.py").write_text("recipe = 1\n")
    return folder


@pytest.fixture
def here(made, monkeypatch):
    monkeypatch.chdir(made)
    return made


def call(*arguments):
    return CliRunner().invoke(app, ["compare", *map(str, arguments)])


def printed(*arguments):
    result = call("model.keras", "model.tflite", *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_without_references_both_outputs_are_compared(here):
    found = printed("--data", "large", "--images", "2", "--runtime", "litert")["large"]
    model = keras.models.load_model("model.keras")
    middle = read_crops("large", (12, 16, 3))[:2]
    want = compare(model, "model.tflite", [Example("", image) for image in middle], runtime="litert")
    assert found == json.loads(json.dumps(want.as_json()))
    assert found["metrics"] == {}
    assert found["images"] == 2
    assert [layer["layer"] for layer in found["layers"]] == ["first", "output"]


def test_noise_makes_references_of_the_images(here):
    quiet, loud = (printed("--data", "images", "--sigma", sigma)["images"]["metrics"] for sigma in (0, 50))
    clean = read_crops("images", (12, 16, 3))
    floats = keras.ops.convert_to_numpy(keras.models.load_model("model.keras")(clean, training=False))
    assert quiet["psnr"]["float"] == pytest.approx(float(np.mean(metrics.psnr(clean, floats))), abs=1e-4)
    assert list(quiet) == ["psnr", "ssim"]
    assert loud["psnr"]["float"] != quiet["psnr"]["float"]
    assert printed("--data", "images", "--sigma", 50)["images"]["metrics"] == loud, "the noise is the same at every call"


def test_a_recipe_is_measured_as_in_training_but_on_bytes(here):
    found = printed("--data", ".", "--recipe", "recipe.py")
    recipe, model = load_recipe("recipe.py"), keras.models.load_model("model.keras")
    made = [load() for load in from_recipe(recipe, here, (1, 12, 16, 3))["small"]]
    given = np.stack([np.round(255 * np.clip(example.image, 0, 1)) for example in made]).astype("float32") / np.float32(255)
    floats = keras.ops.convert_to_numpy(model(given, training=False))
    want = np.mean(metrics.psnr(np.stack([example.reference for example in made]), floats))
    assert found["small"]["metrics"]["psnr"]["float"] == pytest.approx(float(want), abs=1e-4)
    assert found["large"]["images"] == 3
    assert found["small"]["layers"]
    assert not found["large"]["layers"], "they are measured once"
    blurred = printed("--data", ".", "--recipe", "recipe.py", "--variant", "blurred", "--images", "1")
    assert blurred["small"]["metrics"]["psnr"]["float"] != found["small"]["metrics"]["psnr"]["float"]


def test_tables_and_a_picture(here, tmp_path):
    options = ("--data", "images", "--sigma", "10", "--layers", "1", "--picture", tmp_path / "a.png")
    result = call("model.keras", "model.tflite", *options)
    assert result.exit_code == 0, result.output
    assert all(word in result.stdout for word in ("psnr", "ssim", "float", "int8", "difference", "worst 1 of 2 layers"))
    with Image.open(tmp_path / "a.png") as image:
        assert min(image.size) > 500
    assert "worst" not in call("model.keras", "model.tflite", "--data", "images", "--layers", "0").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("model.keras", "missing.tflite", "--data", "images"), "No such file"),
        (("model.keras", "words.tflite", "--data", "images"), "must be a .tflite file"),
        (
            ("model.keras", "bool.tflite", "--data", "images"),
            "must have an input of float32, or of integers with one scale",
        ),
        (("missing.keras", "model.tflite", "--data", "images"), "not a file"),
        (("words.tflite", "model.tflite", "--data", "images"), "cannot be loaded as a Keras model"),
        (
            ("two.keras", "model.tflite", "--data", "images"),
            "must fit each other. Received: a model that gives (1, 12, 16, 2)",
        ),
        (("large.keras", "model.tflite", "--data", "images"), "must fit each other. Received: a model that takes"),
        (("nan.keras", "model.tflite", "--data", "images"), "must have finite weights. Received: 1 of 3 values"),
        (("model.keras", "model.tflite", "--data", "empty"), "at least one image"),
        (("model.keras", "model.tflite", "--data", "broken"), "cannot be read as an image"),
        (("model.keras", "model.tflite", "--data", "small"), "must be at least 12x16 pixels"),
        (("model.keras", "model.tflite", "--data", "nowhere"), "--data must be a folder"),
        (("model.keras", "model.tflite", "--data", "images", "--sigma", "-1"), "sigma must be a number of levels"),
        (
            ("model.keras", "model.tflite", "--data", "images", "--runtime", "onnx"),
            "runtime must be one of 'tflm', 'litert'",
        ),
        (("model.keras", "model.tflite", "--data", "images", "--variant", "a"), "must come with --recipe"),
        (("model.keras", "model.tflite", "--data", ".", "--recipe", "recipe.py", "--sigma", "1"), "must come without"),
        (
            ("model.keras", "model.tflite", "--data", ".", "--recipe", "recipe.py", "--variant", "a"),
            "variant must be one of",
        ),
        (("model.keras", "model.tflite", "--data", ".", "--recipe", "no_recipe.py"), "must define recipe"),
        (("model.keras", "model.tflite", "--data", ".", "--recipe", "normalized.py"), "must normalise as the recipe does"),
        (("model.keras", "model.tflite", "--data", "images", "--picture", "a.gif"), "must end in .png or .svg"),
        (("model.keras", "model.tflite", "--data", "images", "--picture", "nowhere/b.png"), "folder that exists"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_input_is_one_message_and_status_2(here, arguments, message):
    before = sorted(here.rglob("*"))
    result = call(*arguments, *(() if "--picture" in arguments else ("--picture", "a.png")))
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert "Traceback" not in result.output
    assert sorted(here.rglob("*")) == before, "no file, whole or partial, may be left"
