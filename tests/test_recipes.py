"""Every recipe and variant trains a few steps on tiny data, and at full size its network fits its data."""

import ast
import csv
import dataclasses
import math
from functools import partial
from pathlib import Path

import keras
import pytest

from keras_unetmm.graph.abstract_build import abstract_build
from keras_unetmm.training import load_recipe, train
from keras_unetmm.training.recipe import read
from keras_unetmm.training.tiny import tiny_data

FILES = sorted(path for path in Path(__file__).parent.parent.glob("recipes/*.py") if path.stem != "demo")
RECIPES = {path: load_recipe(path) for path in FILES}
RUNS = [(path, variant) for path in FILES for variant in (None, *RECIPES[path].variants)]
TURNS = ("torch", "tensorflow", "torch", "jax", *["torch"] * 23)  # the others take 5 times as long: they compile
CLASSES = {"classify_imagenet_sunet": 1000}  # the tiny data have fewer
once = pytest.mark.skipif(keras.backend.backend() != "torch", reason="the same on every backend")


def smoked(path, variant):
    """What a variant is as `--smoke` runs it: several become the same where they differ in size alone."""
    recipe = RECIPES[path] if variant is None else RECIPES[path].variant(variant)
    return repr(dataclasses.replace(recipe.for_smoke(), variants={}, smoke={}))


def mine(runs):
    """Those of the runs whose turn is on this backend."""
    return [run for index, run in enumerate(runs) if TURNS[index % len(TURNS)] == keras.backend.backend()]


SMOKES = list({(run[0], smoked(*run)): run for run in reversed(RUNS)}.values())[::-1]


def named(value):
    return value.stem if isinstance(value, Path) else value or "itself"


@pytest.mark.parametrize(("path", "variant"), mine(SMOKES), ids=named)
def test_smoke(path, variant, tmp_path):
    out = tmp_path / "run"
    scores = train(path, None, out, variant=variant, smoke=True)
    recipe = load_recipe(path, variant).for_smoke()
    names = {make().name for make in recipe.metrics}
    assert len(names) == len(recipe.metrics), "metrics of one name overwrite each other"
    assert scores.keys() == recipe.evaluate.keys()
    for found in scores.values():
        assert found.keys() == names
        assert all(map(math.isfinite, found.values())), scores
    assert (out / "best.keras").is_file()
    with open(out / "log.csv", newline="") as file:
        assert [int(row["step"]) for row in csv.DictReader(file)][-1] == recipe.steps
    for name in recipe.evaluate:
        assert list((out / "pictures").glob(f"{name}_*.png")), name


@pytest.mark.parametrize(("path", "variant"), mine(RUNS), ids=named)
def test_full_size(path, variant, tmp_path):
    recipe = load_recipe(path, variant)
    dataset = read(recipe.train, tiny_data(recipe, tmp_path / "tiny"), True)
    image, _ = dataset[0]
    labels = CLASSES.get(path.stem, dataset.classes)
    channels = {"image": image.shape[-1], "matte": 1}.get(dataset.target, labels)
    networks = [recipe.model]
    if recipe.distill:
        networks += [recipe.distill.teacher, *recipe.distill.removals]
    for network in networks:
        model = abstract_build(without_files(network))
        assert model.input_shape[-1] == image.shape[-1]
        assert model.output_shape[-1] == channels
        for size in filter(None, (recipe.patch, recipe.evaluate_patch, recipe.evaluate_window)):
            sizes = (size,) * (image.ndim - 1) if isinstance(size, int) else size
            shape = abstract_build(model.compute_output_shape, (1, *sizes, image.shape[-1]))
            assert shape[1:-1] == (() if dataset.target == "class" else sizes)


def without_files(network):
    """A recipe's model without the weights that another run would have left."""
    return partial(network.func, *network.args, **{k: v for k, v in network.keywords.items() if k != "weights"})


@once
@pytest.mark.parametrize("path", FILES, ids=named)
def test_docstring(path):
    text = ast.get_docstring(ast.parse(path.read_text()))
    for heading in ("Data", "Paper", "Expect", "Takes", "Run"):
        assert f"\n{heading:10}" in text, heading
    assert f" unetmm train recipes/{path.name} --data DATA --out runs/" in text
    for variant in load_recipe(path).variants:
        assert variant in text, variant
