"""Runs whose network loses channels while it trains."""

import csv
import json

import keras
import numpy as np
import pytest
from checks import ON_TORCH
from rich.console import Console
from training.small import written

from keras_unetmm import training
from keras_unetmm.pruning.dropping import dropouts
from keras_unetmm.pruning.gradual import GradualPruning
from keras_unetmm.training import checkpointer
from keras_unetmm.training.folder import TrainingError
from keras_unetmm.training.state import save_state

NETWORK = """def network(width=8, rate=0.1):
    inputs = keras.Input((None, None, 3))
    x = inputs
    for level, name in enumerate(("enc0_conv0", "mid_conv0", "dec0_conv0")):
        x = keras.layers.Conv2D(width * (1 + level % 2), 3, padding="same", name=name)(x)
        x = keras.layers.BatchNormalization(name=f"{name}_norm")(x)
    return keras.Model(inputs, keras.layers.Conv2D(3, 3, padding="same", name="last")(x))
"""
PRUNE = """    steps=60,
    prune=Pruning(start=4, every=2, count=3, target_channels=9),
"""
SMOKE = '{"steps": 20, "save_every": 2, "evaluate_every": 4, "prune": Pruning(start=4, every=2, count=3, target_channels=9)}'


def recipe(folder, **changes):
    """A recipe that goes from 32 channels to 9 in twenty steps."""
    text = {
        "from keras_unetmm.training import": "from keras_unetmm.pruning import Pruning\nfrom keras_unetmm.training import",
        "    steps=60,\n": PRUNE,
        'smoke={"steps": 60, "batch": 4, "patch": 16, "evaluate_every": 20}': f"smoke={SMOKE}",
    }
    path = written(folder, text=text)
    old = path.read_text()
    begin, end = old.index("def network"), old.index("\n\nrecipe = ")
    new = old[:begin] + NETWORK + old[end:]
    for before, after in changes.items():
        assert before in new, before
        new = new.replace(before, after)
    path.write_text(new)
    return path


def train(path, out, **options):
    return training.train(path, None, out, smoke=True, console=Console(quiet=True), **options)


def rows(out):
    with open(out / "log.csv") as file:
        return list(csv.DictReader(file))


def states(folder):
    with np.load(folder / "state.npz") as file:
        return {name: file[name] for name in file.files}


def test_a_network_loses_channels_until_so_many_are_left(tmp_path):
    train(recipe(tmp_path, **{"target_channels=9": "target_channels=9, keep=(0.75, 0.5)"}), tmp_path / "run")
    channels = [int(row["channels"]) for row in rows(tmp_path / "run")]
    assert channels == [32, 32, 29, 26, 23, 20, 17, 14, 11, 9]
    last = rows(tmp_path / "run")[-1]
    assert sum(int(last[f"channels_{block}"]) for block in ("enc0", "mid", "dec0")) == 9
    model = keras.models.load_model(tmp_path / "run/best.keras")
    assert not dropouts(model)
    names = ("enc0_conv0", "mid_conv0", "dec0_conv0")
    widths = [model.get_layer(name).filters for name in names]
    assert widths == [int(last[f"channels_{block}"]) for block in ("enc0", "mid", "dec0")]
    assert widths == [int(last[f"layer_{name}"]) for name in names]
    for percent, left in ((75, 23), (50, 14)):  # the first with at most 24 and 16
        kept = keras.models.load_model(tmp_path / f"run/kept_{percent}.keras")
        assert sum(kept.get_layer(name).filters for name in names) == left
        said = json.loads((tmp_path / f"run/criterion_{percent}.json").read_text())
        assert sum(map(len, said.values())) == left + 3
    assert sum(map(len, json.loads((tmp_path / "run/criterion_100.json").read_text()).values())) == 32
    inputs = (3, *widths)
    counted = sum(9 * given * made + made + 4 * made for given, made in zip(inputs, widths, strict=False))
    assert model.count_params() == counted + 9 * widths[-1] * 3 + 3


@ON_TORCH
def test_the_best_weights_are_those_of_the_smallest_network(tmp_path):
    scores = train(recipe(tmp_path), tmp_path / "run")
    scored = [float(row["kodak24_psnr"]) for row in rows(tmp_path / "run") if row["channels"] == "9"]
    assert scores["kodak24"]["psnr"] == pytest.approx(max(scored), abs=1e-3)


@ON_TORCH
def test_a_graph_built_anew_goes_on_where_the_old_one_was(tmp_path, monkeypatch):
    """Without dropout, a smaller graph sees the gradients of the larger one whose channels are off."""
    path = recipe(
        tmp_path, **{"target_channels=9": "target_channels=9, rate=0.0", "count=3": 'count=3, choice="widest", compact=0.1'}
    )
    train(path, tmp_path / "again")
    built = json.loads(states(tmp_path / "again")["about"].tobytes())["dropped"]
    assert sum(map(len, built.values())) >= 18
    monkeypatch.setattr(GradualPruning, "due", lambda gradual: False)
    train(path, tmp_path / "switched")
    assert json.loads(states(tmp_path / "switched")["about"].tobytes())["dropped"] is None
    for one, other in zip(rows(tmp_path / "again"), rows(tmp_path / "switched"), strict=True):
        assert one["channels"] == other["channels"]
        assert one["channels_mid"] == other["channels_mid"]
        assert float(one["loss"]) == pytest.approx(float(other["loss"]), rel=1e-3)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """A recipe, and a run of it."""
    folder = tmp_path_factory.mktemp("unbroken")
    path = recipe(folder, **{"count=3": "count=3, compact=0.15"})
    train(path, folder / "run")
    return path, folder / "run"


@ON_TORCH
@pytest.mark.parametrize("step", [6, 10, 12])
def test_a_run_broken_at_a_save_ends_like_one_that_was_not(unbroken, tmp_path, monkeypatch, step):
    path, run = unbroken

    def broken(file, model, state):
        if state.step == step:
            raise KeyboardInterrupt
        save_state(file, model, state)

    with monkeypatch.context() as patch:
        patch.setattr(checkpointer, "save_state", broken)
        with pytest.raises(KeyboardInterrupt):
            train(path, tmp_path / "broken")
    train(path, tmp_path / "broken")
    assert (run / "log.csv").read_text() == (tmp_path / "broken/log.csv").read_text()
    whole, pieced = states(run), states(tmp_path / "broken")
    for name in whole:
        np.testing.assert_array_equal(whole[name], pieced[name])


@ON_TORCH
@pytest.mark.parametrize(
    "rule", ['choice="widest"', 'choice="layer"', 'criterion="taylor"', 'criterion="random"', 'saving="macs"']
)
def test_rivals(tmp_path, rule):
    path = recipe(tmp_path, **{"count=3": f"count=3, {rule}", '"evaluate_every": 4': '"evaluate_every": 20'})
    train(path, tmp_path / "run")
    assert rows(tmp_path / "run")[-1]["channels"] == "9"
    train(path, tmp_path / "again")
    assert (tmp_path / "run/log.csv").read_text() == (tmp_path / "again/log.csv").read_text()


@ON_TORCH
def test_the_architecture_can_be_trained_from_the_beginning(tmp_path):
    path = recipe(tmp_path)
    train(path, tmp_path / "run")
    train(path, tmp_path / "again", architecture_from=tmp_path / "run/best.keras")
    first, second = (keras.models.load_model(tmp_path / out / "best.keras") for out in ("run", "again"))
    assert [weight.shape for weight in first.weights] == [weight.shape for weight in second.weights]
    assert "channels" not in rows(tmp_path / "again")[-1]
    with pytest.raises(TrainingError, match=r"architecture_from was '.*best.keras' and is None now"):
        train(path, tmp_path / "again")
    with pytest.raises(TrainingError, match=r"--architecture-from MODEL.keras\) must be a network. Received: missing.keras"):
        train(path, tmp_path / "other", architecture_from="missing.keras")
    with pytest.raises(TrainingError, match=r"quantize \(--quantize\) must be none with architecture_from"):
        train(path, tmp_path / "other", architecture_from=tmp_path / "run/best.keras", quantize=tmp_path / "run/best.keras")


def test_refuses_several_devices(tmp_path):
    with pytest.raises(TrainingError, match=r"distribute \(--distribute\) must be off for a recipe with prune"):
        train(recipe(tmp_path), tmp_path / "run", distribute=True)


@ON_TORCH
def test_refuses_outputs_that_are_not_the_labels(tmp_path):
    path = recipe(tmp_path, **{"train=data.bsds500": "train=data.isic2018"})
    with pytest.raises(TrainingError, match=r"the model must have 1 output channels for .*Received: 3"):
        train(path, tmp_path / "run")


@ON_TORCH
def test_refuses_what_would_never_begin(tmp_path):
    with pytest.raises(ValueError, match="prune must be one that starts before the 4 steps are over"):
        train(recipe(tmp_path), tmp_path / "run", steps=4)
    with pytest.raises(TrainingError, match="precision must be float32 or mixed_bfloat16 for a recipe with prune"):
        train(recipe(tmp_path), tmp_path / "run", precision="mixed_float16")


@ON_TORCH
def test_refuses_steps_between_saves(tmp_path):
    with pytest.raises(ValueError, match="prune must be one whose start and every are multiples of save_every, which is 2"):
        train(recipe(tmp_path, **{"prune=Pruning(start=4, every=2": "prune=Pruning(start=4, every=3"}), tmp_path / "run")
