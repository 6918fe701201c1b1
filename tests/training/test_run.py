"""Runs: what they write, and what stops them before time is lost.

One file although it is long: all of it is about one finished run and what is done to copies of it.
"""

import dataclasses
import inspect
import json
import os
import shutil
from collections import namedtuple
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from training.small import written

from keras_unetmm import training
from keras_unetmm.data import DamagedFileError
from keras_unetmm.training.folder import RunFolder, TrainingError, writing
from keras_unetmm.training.recipe import RecipeError
from keras_unetmm.training.state import load_state

SHORT = {'"steps": 60': '"steps": 4', '"evaluate_every": 20': '"evaluate_every": 2'}
ONCE = pytest.mark.skipif(keras.backend.backend() != "torch", reason="touches no backend: once is enough")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    recipe = written(folder, text=SHORT)
    scores = train(recipe, folder / "run")
    return recipe, folder / "run", scores


def train(recipe, out, **options):
    return training.train(recipe, None, out, smoke=True, console=Console(quiet=True), **options)


def test_a_run_writes_what_it_did(finished):
    recipe, out, scores = finished
    written = json.loads((out / "scores.json").read_text())
    spread = {name: of.pop("spread") for name, of in written.items()}
    assert written == scores
    for name, of in spread.items():
        assert {metric: each["mean"] for metric, each in of.items()} == pytest.approx(scores[name], abs=1e-4)
        assert all(each["count"] >= 2 and each["std"] >= 0 and each["mad"] >= 0 for each in of.values())
    assert list(scores) == ["kodak24"]
    assert np.isfinite(scores["kodak24"]["psnr"])
    assert (out / "recipe.py").read_text() == recipe.read_text()
    rows = (out / "log.csv").read_text().splitlines()
    assert rows[0] == "step,loss,learning_rate,kodak24_psnr"
    assert [row.split(",")[0] for row in rows[1:]] == ["2", "4"]
    for step in ("00000002", "00000004"):
        picture = np.asarray(Image.open(out / f"pictures/kodak24_{step}.png").convert("L"))
        assert picture.std() > 10, "an empty picture"
    last, best = (keras.models.load_model(out / f"{name}.keras") for name in ("last", "best"))
    assert not last.compiled, "files are for use, the state is for going on"
    assert best.count_params() == last.count_params()


def test_a_finished_run_is_not_trained_again(finished):
    recipe, out, scores = finished
    before = (out / "state.npz").stat().st_mtime_ns
    assert train(recipe, out) == scores
    assert (out / "state.npz").stat().st_mtime_ns == before


@ONCE
def test_train_is_a_call_of_a_config(finished):
    recipe, out, scores = finished
    config = training.RunConfig(recipe_file=recipe, data=None, out=out, smoke=True)
    assert training.run_config(config, Console(quiet=True)) == scores
    fields = {field.name: field.default for field in dataclasses.fields(config)}
    asked = {name: parameter.default for name, parameter in inspect.signature(training.train).parameters.items()}
    kept = {"console", "structure", "damaged"}
    assert set(asked) == set(fields) | kept
    assert all(asked[name] == fields[name] for name in fields if fields[name] is not dataclasses.MISSING)


@ONCE
def test_old_names_of_arguments_are_warned_of(finished):
    recipe, out, scores = finished
    with pytest.warns(FutureWarning, match="damaged 'refuse' is now called on_error 'raise'"):
        assert train(recipe, out, damaged="refuse") == scores
    with (
        pytest.warns(FutureWarning, match="structure is now called architecture_from"),
        pytest.raises(TrainingError, match=r"must be a network. Received: missing.keras"),
    ):
        train(recipe, out, structure="missing.keras")
    with pytest.warns(FutureWarning, match="damaged 'refuse' is now called on_error 'raise'"):
        training.evaluate_run(out, None, damaged="refuse", console=Console(quiet=True))


@ONCE
def test_a_run_that_an_older_version_began_goes_on(finished, tmp_path):
    recipe, out, scores = finished
    copy = shutil.copytree(out, tmp_path / "run")
    about = json.loads((copy / "run.json").read_text())
    assert about.pop("on_error") == "raise"
    assert about.pop("architecture_from") is None
    (copy / "run.json").write_text(json.dumps(about | {"damaged": "refuse", "structure": None}))
    assert train(recipe, copy) == scores
    (copy / "run.json").write_text(json.dumps(about | {"damaged": "skip", "structure": None}))
    with pytest.raises(TrainingError, match="on_error was 'skip' and is 'raise' now"):
        train(recipe, copy)


def test_best_are_the_weights_with_the_best_score(finished):
    _, out, scores = finished
    rows = [row.split(",") for row in (out / "log.csv").read_text().splitlines()[1:]]
    assert scores["kodak24"]["psnr"] == pytest.approx(max(float(row[-1]) for row in rows), abs=1e-4)


def test_evaluate_a_run(finished):
    _, out, scores = finished
    assert training.evaluate_run(out, None, console=Console(quiet=True))["kodak24"]["psnr"] == pytest.approx(
        scores["kodak24"]["psnr"], abs=1e-4
    )
    assert (out / "pictures/kodak24_best.png").exists()
    with pytest.raises(TrainingError, match=r'weights must be "best" or "last"\. Received: .first.'):
        training.evaluate_run(out, None, weights="first")
    with pytest.raises(TrainingError, match=r"run.json must be there, the folder of a run"):
        training.evaluate_run(out / "pictures", None)


def test_accumulated_gradients_are_those_of_the_whole_batch(tmp_path):
    plain = {**SHORT, 'x = keras.layers.BatchNormalization(name="norm")(x)': "", "rate=0.1": "rate=0.0"}
    plain |= {"optimizer=partial(keras.optimizers.AdamW, beta_2=0.9, weight_decay=0.0)": "optimizer=keras.optimizers.SGD"}
    plain |= {
        "loss=losses.PSNRLoss": "loss=keras.losses.MeanSquaredError",
        "degrade=partial(data.gaussian_noise, sigma=25 / 255),": "",
    }
    recipe = written(tmp_path, text=plain)
    weights = []
    for count in (1, 2):
        train(recipe, tmp_path / str(count), accumulate=count)
        weights.append(keras.models.load_model(tmp_path / str(count) / "last.keras").get_weights())
    for whole, parts in zip(*weights, strict=True):
        np.testing.assert_allclose(whole, parts, atol=1e-5)
    with pytest.raises(TrainingError, match=r"divisible by 3 \(accumulate\) times 1 \(devices\). Received: 4"):
        train(recipe, tmp_path / "3", accumulate=3)


def test_mixed_precision_is_for_the_run_alone(tmp_path):
    train(written(tmp_path, text=SHORT), tmp_path / "run", precision="mixed_bfloat16")
    assert keras.config.dtype_policy().name == "float32"
    model = keras.models.load_model(tmp_path / "run/last.keras")
    assert model.get_layer("first").compute_dtype == "bfloat16"


def test_a_variant_replaces_fields(tmp_path):
    recipe = written(tmp_path, text=SHORT)
    train(recipe, tmp_path / "run", variant="wide")
    assert keras.models.load_model(tmp_path / "run/last.keras").get_layer("first").filters == 8
    with pytest.raises(RecipeError, match=r"variant must be one of wide\. Received: 'wider'"):
        train(recipe, tmp_path / "other", variant="wider")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 6}, r"holds another run: steps was 4 and is 6 now. Choose another folder"),
        ({"variant": "wide"}, "variant was None and is 'wide' now"),
        ({"precision": "mixed_bfloat16"}, "precision was 'float32' and is 'mixed_bfloat16' now"),
    ],
)
def test_a_folder_of_another_run_is_refused(finished, options, message):
    recipe, out, _ = finished
    with pytest.raises(TrainingError, match=message):
        train(recipe, out, **options)


def test_a_folder_of_another_recipe_is_refused(finished, tmp_path):
    _, out, _ = finished
    with pytest.raises(TrainingError, match=r"holds another run: its recipe has another text"):
        train(written(tmp_path, text={**SHORT, "start=1e-2": "start=2e-2"}), out)


def test_a_damaged_state_is_refused(finished, tmp_path):
    recipe, out, _ = finished
    copy = shutil.copytree(out, tmp_path / "run")
    content = bytearray((copy / "state.npz").read_bytes())
    for place in (len(content) // 3, len(content) // 2):
        content[place] ^= 0xFF
    for damaged in (bytes(content), bytes(content[: len(content) // 2]), b""):
        (copy / "state.npz").write_bytes(damaged)
        with pytest.raises(TrainingError, match=r"state.npz is damaged"):
            train(recipe, copy)


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path):
    recipe = written(
        tmp_path, text={**SHORT, "loss=losses.PSNRLoss": "loss=Broken", "recipe = Recipe(": BROKEN + "recipe = Recipe("}
    )
    with pytest.raises(TrainingError, match="the loss is not finite between steps 0 and 2"):
        train(recipe, tmp_path / "run")


BROKEN = """
class Broken(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.mean(y_pred) * float("nan")


"""


def test_a_damaged_file_in_the_middle_of_training_is_named(tmp_path):
    slow = {"train=data.bsds500": "train=Cut()", "recipe = Recipe(": CUT + "recipe = Recipe(", '"steps": 60': '"steps": 40'}
    recipe = written(tmp_path, text=slow)
    with pytest.raises(DamagedFileError, match=r"cannot be read as an image: cut. Replace it"):
        train(recipe, tmp_path / "run")
    with pytest.warns(UserWarning, match="cut.*The next example takes its place"):
        train(recipe, tmp_path / "skipped", on_error="skip")


CUT = """
class Cut:  # files that are damaged while the run goes on
    tiny = staticmethod(data.bsds500.tiny)
    __signature__ = __import__("inspect").signature(data.bsds500)

    def __call__(self, folder, **options):
        import dataclasses
        whole, reads = data.bsds500(folder, **options), []

        def read(example):
            reads.append(example)
            if len(reads) == len(whole):
                raise data.DamagedFileError(f"{example[0]} cannot be read as an image: cut. Replace it.")
            return whole.read(example)

        return dataclasses.replace(whole, read=read)


"""


def test_a_damaged_file_that_is_evaluated_is_left_out_if_asked(finished, tmp_path):
    copy = shutil.copytree(finished[1], tmp_path / "run")
    broken = sorted((copy / "tiny_data/kodak24").iterdir())[0]
    broken.write_bytes(broken.read_bytes()[:100])
    with pytest.raises(DamagedFileError, match=broken.name):
        training.evaluate_run(copy, None, console=Console(quiet=True))
    with pytest.warns(UserWarning, match=rf"{broken.name}.*It is left out"):
        scores = training.evaluate_run(copy, None, on_error="skip", console=Console(quiet=True))
    assert np.isfinite(scores["kodak24"]["psnr"])


def test_what_cannot_be_evaluated_is_found_at_once(tmp_path):
    wrong = {"metrics=(metrics.PSNR,)": "metrics=(metrics.SSIM,)", "evaluate={": "evaluate_patch=8, evaluate={"}
    with pytest.raises(ValueError, match=r"ssim needs images of at least 11x11 pixels. Received: 8x8"):
        train(written(tmp_path, text=SHORT | wrong), tmp_path / "run")
    assert not (tmp_path / "run/state.npz").exists()


def test_other_examples_than_the_run_began_with_are_refused(finished, tmp_path):
    recipe, out, _ = finished
    copy = shutil.copytree(out, tmp_path / "run")
    smaller = written(tmp_path, text=SHORT)
    assert smaller.read_text() == recipe.read_text()
    with np.load(copy / "state.npz") as file:
        arrays = {name: file[name] for name in file.files}
    about = json.loads(arrays["about"].tobytes()) | {"examples": 99}
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), "uint8")
    np.savez(copy / "state.npz", **arrays)
    with pytest.raises(TrainingError, match=r"must have the 99 examples that the run began with.*Received: \d"):
        train(smaller, copy)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"smoke": False}, "data must be the folder of all data sets. Received: None"),
        ({"accumulate": 0}, "accumulate must be a positive integer. Received: 0"),
        ({"precision": "float8"}, "precision must be one of float32, mixed_bfloat16, mixed_float16. Received: 'float8'"),
        ({"smoke": False, "data": "x", "teacher": "a.keras"}, r"teacher .* must be none, for it does not distill"),
        ({"cpu_devices": 4}, "--cpu-devices is for --distribute"),
    ],
)
@ONCE
def test_wrong_arguments_are_refused_before_anything_is_made(tmp_path, options, message):
    arguments = {"data": None, "smoke": True, **options}
    with pytest.raises(TrainingError, match=message):
        training.train(written(tmp_path), out=tmp_path / "run", **arguments)
    assert not (tmp_path / "run").exists()


@ONCE
def test_a_folder_that_is_no_run_is_left_alone(tmp_path):
    recipe, mine = written(tmp_path), tmp_path / "mine"
    mine.mkdir()
    (mine / ".pre-commit-config.yaml").write_text("mine")
    with pytest.raises(TrainingError, match=r"must be empty or a run's folder. Received: one with .pre-commit-config.yaml"):
        train(recipe, mine)
    assert (mine / ".pre-commit-config.yaml").read_text() == "mine"


@ONCE
def test_a_full_disk_stops_it_before_it_begins(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: namedtuple("usage", "total used free")(10, 10, 100))
    with pytest.raises(TrainingError, match=r"needs 1 MB for what the run saves. Received: 0 MB free. Free space"):
        train(written(tmp_path, text=SHORT), tmp_path / "run")


@ONCE
def test_of_several_hosts_only_the_one_that_writes_asks_for_room(tmp_path):
    with RunFolder(tmp_path / "run", {}, {}, tmp_path / "recipe.py", chief=False) as folder:
        folder.need(1 << 60)
    assert not (tmp_path / "run").exists()


def test_a_disk_that_fills_up_leaves_the_save_before(tmp_path, monkeypatch):
    recipe, out = written(tmp_path, text=SHORT), tmp_path / "run"
    real = np.savez

    def full(file, **arrays):
        if json.loads(arrays["about"].tobytes())["step"] == 4:
            file.write(b"half")
            raise OSError(28, "No space left on device")
        real(file, **arrays)

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(TrainingError, match=r"state.npz cannot be written: No space left on device"):
        train(recipe, out)
    monkeypatch.setattr(np, "savez", real)
    assert load_state(out / "state.npz")[0].step == 2
    train(recipe, out)
    assert load_state(out / "state.npz")[0].step == 4
    assert not list(out.glob(".state*"))


@ONCE
def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match=r"--out .*run cannot be written: Not a directory. Choose another folder"):
        RunFolder(tmp_path / "file" / "run", {}, {}, tmp_path / "file")


@ONCE
def test_one_process_trains_in_a_folder(tmp_path):
    recipe = written(tmp_path)
    with (
        RunFolder(tmp_path / "run", {"steps": 1}, {}, recipe),
        pytest.raises(TrainingError, match="is in use: another process"),
    ):
        RunFolder(tmp_path / "run", {"steps": 1}, {}, recipe)
    with RunFolder(tmp_path / "run", {"steps": 1}, {}, recipe) as folder:
        assert folder.lock is not None


@ONCE
def test_what_was_half_written_is_never_seen(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("before")

    def interrupted():
        with writing(path) as temporary:
            Path(temporary).write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        interrupted()
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["a.txt"]
