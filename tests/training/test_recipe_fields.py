"""Moving average, clipping, warm-up and callbacks as fields of a recipe."""

import csv
import dataclasses

import keras
import numpy as np
import pytest
from training.small import written

from keras_unetmm import metrics
from keras_unetmm.data.dataset import DataSet
from keras_unetmm.training import Cosine, load_recipe, train
from keras_unetmm.training.evaluation import measure
from keras_unetmm.training.recipe import RecipeError, optimizer
from keras_unetmm.training.state import load_state

LOGGED = """
class Log(keras.callbacks.Callback):
    rows = []

    def on_epoch_end(self, epoch, logs=None):
        self.rows.append(dict(logs))


def network("""
FEW = {"steps=60,\n    save_every=2,\n    evaluate_every=20": "steps=8,\n    save_every=2,\n    evaluate_every=4"}
SMOKE = {'smoke={"steps": 60, "batch": 4, "patch": 16, "evaluate_every": 20}': 'smoke={"steps": 8, "evaluate_every": 4}'}


def test_the_average_is_what_is_evaluated_and_kept_and_training_goes_on_from_the_weights(tmp_path):
    plain = written(tmp_path, text={**FEW, **SMOKE})
    train(plain, None, tmp_path / "plain", smoke=True)
    weights = load_state(tmp_path / "plain" / "state.npz")[0]
    text = plain.read_text().replace("batch=4,\n    augment", "batch=4,\n    ema=0.5,\n    augment")
    (tmp_path / "ema.py").write_text(text)
    train(tmp_path / "ema.py", None, tmp_path / "ema", smoke=True)
    same = load_state(tmp_path / "ema" / "state.npz")[0]
    losses = [[row["loss"] for row in state.history] for state in (weights, same)]
    np.testing.assert_allclose(*losses, rtol=1e-5)  # the average takes no part in training
    raw, average = (keras.models.load_model(tmp_path / name / "last.keras") for name in ("plain", "ema"))
    trained = [np.abs(a.numpy() - b.numpy()).max() for a, b in zip(raw.weights, average.weights, strict=True)]
    assert max(trained) > 1e-4
    stopped = tmp_path / "stopped"
    train(tmp_path / "ema.py", None, stopped, smoke=True, steps=8)
    for a, b in zip(keras.models.load_model(stopped / "last.keras").weights, average.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_the_average_is_that_of_the_equation():
    recipe = dataclasses.replace(_recipe(), ema=0.75, schedule=None, optimizer=lambda **g: keras.optimizers.SGD(1.0, **g))
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    built = optimizer(recipe)
    model.compile(built, lambda y_true, y_pred: keras.ops.mean(y_pred - y_true))
    ones = np.ones((4, 1), "float32")
    model.fit(ones, ones, batch_size=1, epochs=1, shuffle=False, verbose=0)  # the weight falls by 1 a step
    assert float(model.weights[0].numpy()[0, 0]) == -4
    type(built).finalize_variable_values(built, model.trainable_variables)
    want = 0.0
    for step, weight in enumerate((-1, -2, -3, -4)):
        want = weight if step == 0 else 0.75 * want + 0.25 * weight
    first = 0.75**4 * 0 + sum(0.25 * 0.75 ** (3 - i) * weight for i, weight in enumerate((-1, -2, -3, -4)))
    assert float(model.weights[0].numpy()[0, 0]) in (pytest.approx(want), pytest.approx(first))


def _recipe(tmp=[]):  # noqa: B006 - read once
    if not tmp:
        import pathlib
        import tempfile

        tmp.append(load_recipe(written(pathlib.Path(tempfile.mkdtemp()))))
    return tmp[0]


def _plain():
    return keras.optimizers.SGD()


def test_warmup_and_clip():
    recipe = dataclasses.replace(_recipe(), schedule=Cosine(start=1e-2), warmup=10, clip=0.5, steps=100)
    built = optimizer(recipe)
    assert built.global_clipnorm == 0.5
    schedule = built._learning_rate
    plain = Cosine(start=1e-2)(100)
    for step, share in ((0, 0.1), (4, 0.5), (9, 1.0), (50, 1.0)):
        assert float(schedule(step)) == pytest.approx(share * float(plain(step)), rel=1e-5)
    again = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(schedule))
    assert float(again(3)) == pytest.approx(float(schedule(3)))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ema", 1.0),
        ("ema", True),
        ("clip", 0),
        ("warmup", -1),
        ("callbacks", "wandb"),
        ("device_size", 64),
        ("device_values", (0.5, 0)),
    ],
)
def test_fields_out_of_range(field, value):
    with pytest.raises(RecipeError, match=f"{field} must be"):
        dataclasses.replace(_recipe(), **{field: value})


def test_ema_of_the_optimizer_is_refused_with_the_field_that_does_it():
    recipe = dataclasses.replace(_recipe(), schedule=None, optimizer=lambda **given: keras.optimizers.SGD(use_ema=True))
    with pytest.raises(RecipeError, match=r"use_ema.*Give the recipe ema=0.999"):
        optimizer(recipe)
    with pytest.raises(RecipeError, match=r"optimizer must take global_clipnorm"):
        optimizer(dataclasses.replace(recipe, clip=1.0, optimizer=_plain))


def test_callbacks_see_what_is_logged(tmp_path):
    called = LOGGED.replace("rows = []", f"path = {str(tmp_path / 'seen.csv')!r}").replace(
        "self.rows.append(dict(logs))",
        "with open(self.path, 'a') as file:\n            file.write(f'{epoch} {sorted(logs)}\\n')",
    )
    given = {"def network(": called, "batch=4,\n": "batch=4,\n    callbacks=(Log,),\n"}
    path = written(tmp_path, text={**FEW, **SMOKE, **given})
    train(path, None, tmp_path / "run", smoke=True)
    seen = (tmp_path / "seen.csv").read_text().splitlines()
    assert len(seen) == 4
    assert "kodak24_psnr" in seen[1]
    assert "kodak24_psnr" not in seen[0]
    with open(tmp_path / "run" / "log.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 4


def test_whole_volumes_are_measured_by_windows(tmp_path):
    """With what a window's border does not change, the scores of a local network are those of the whole volume."""
    inputs = keras.Input((None, None, None, 1))
    x = keras.layers.Conv3D(2, 3, padding="same", bias_initializer="ones")(inputs)
    model = keras.Model(inputs, keras.layers.Conv3D(1, 3, padding="same", activation="sigmoid")(x))
    rng = np.random.default_rng(0)
    examples = tuple((rng.normal(size=size), rng.random(size[:-1]) > 0.5) for size in ((40, 21, 33, 1), (25, 50, 35, 1)))
    volumes = DataSet("volumes", examples, lambda example: (example[0], example[1].astype("uint8")), "mask", 1)
    recipe = dataclasses.replace(_recipe(), metrics=(metrics.Dice,), degrade=None, patch=(16, 16, 16))
    whole = measure(model, volumes, recipe)
    windows = measure(model, volumes, dataclasses.replace(recipe, evaluate_window=(24, 16, 32)))
    assert windows.scores["dice"] == pytest.approx(whole.scores["dice"], abs=1e-6)
    for one, other in zip(windows.samples, whole.samples, strict=True):
        assert one.output.shape == other.output.shape
        np.testing.assert_allclose(one.output, other.output, atol=1e-5)
    middle = measure(model, volumes, dataclasses.replace(recipe, evaluate_patch=(24, 16, 32)))
    assert middle.scores["dice"] != pytest.approx(whole.scores["dice"], abs=1e-4)  # one window is something else
    with pytest.raises(RecipeError, match="evaluate_window must be None beside evaluate_patch"):
        dataclasses.replace(recipe, evaluate_window=16, evaluate_patch=16)
    with pytest.raises(ValueError, match="evaluate_window must have 3 sizes"):
        measure(model, volumes, dataclasses.replace(recipe, evaluate_window=(16, 16)))
