"""Recipes are refused with the field, the file and the line."""

import dataclasses

import keras
import pytest
from training.small import written

from keras_unetmm.training import Cosine, Divided, load_recipe
from keras_unetmm.training.recipe import RecipeError

ONE = pytest.mark.skipif(keras.backend.backend() != "torch", reason="touches no backend: once is enough")
pytestmark = ONE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ({"batch=4": "batch=0"}, r"batch must be a positive integer. Received: 0"),
        ({"patch=16": 'patch="16"'}, r"patch must be a positive integer, a tuple of them, or None. Received: '16'"),
        ({"loss=losses.PSNRLoss": "loss=3"}, r"loss must be a function, such as functools.partial\(...\). Received: 3"),
        ({"patch=16": "pach=16"}, r"recipe.py, line \d+: TypeError: .*unexpected keyword argument 'pach'"),
        ({"seed": "seed"} | {"steps=60": "steps=1.5"}, "steps must be a positive integer. Received: 1.5"),
        ({"evaluate_every=20": "evaluate_every=21"}, "evaluate_every must be a multiple of save_every, which is 2"),
        ({'"rotate90"': '"rotate45"'}, r"augment must hold 'flip', 'rotate90', functions .* Received: 'rotate45'"),
        (
            {'evaluate={"kodak24": data.kodak24}': "evaluate={}"},
            r"evaluate must be a dict of readers by name.*Received: \{\}",
        ),
        (
            {'{"model": partial(network, width=8)}': '{"modell": 1}'},
            r"variants\['wide'\] must be made of fields of a recipe. Received: \['modell'\]",
        ),
        ({"import keras\n": "import keras\nimport nothing_of_the_kind\n"}, r"line 6: ModuleNotFoundError"),
        ({"recipe = Recipe(": "recipe = dict("}, r"must define recipe = Recipe\(...\). Received: dict"),
        ({"recipe = Recipe(": "recipe = Recipe(("}, r"recipe.py, line \d+: SyntaxError"),
    ],
)
def test_a_wrong_field_is_named(tmp_path, text, message):
    text = {before: after for before, after in text.items() if before != after}
    with pytest.raises(RecipeError, match=message):
        load_recipe(written(tmp_path, text=text))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RecipeError, match=r"nothing.py must be a recipe, a Python file. Received: no such file"):
        load_recipe(tmp_path / "nothing.py")


def test_other_numbers_of_steps(tmp_path):
    recipe = load_recipe(written(tmp_path))
    assert [getattr(recipe.of(30), name) for name in ("steps", "save_every", "evaluate_every")] == [30, 2, 20]
    assert [getattr(recipe.of(1), name) for name in ("steps", "save_every", "evaluate_every")] == [1, 1, 1]
    with pytest.raises(RecipeError, match=r"steps must be a positive integer\. Received: -1"):
        recipe.of(-1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe.steps = 3


def test_schedules():
    cosine = Cosine(start=1e-3, end=1e-7)(100)
    rates = [float(keras.ops.convert_to_numpy(cosine(step))) for step in (0, 50, 100)]
    assert rates == pytest.approx([1e-3, (1e-3 + 1e-7) / 2, 1e-7], rel=1e-4)
    divided = Divided(start=0.1, by=10, at=(0.5,))(100)
    assert [float(keras.ops.convert_to_numpy(divided(step))) for step in (0, 50, 51)] == pytest.approx([0.1, 0.1, 0.01])
