"""A run's weights measured again."""

import json
from pathlib import Path

import keras
from rich.console import Console

from keras_unetmm.training.folder import RECIPE, RUN, RunError, read_json, writing
from keras_unetmm.training.keeper import measured, picture
from keras_unetmm.training.recipe import load_recipe, read


def evaluate_run(run, data, *, weights="best", damaged="refuse", partial=False, console=None):
    """Measures a run's weights on the sets of its recipe, and draws samples into its folder.

    Args:
        run: str or path, the run's folder.
        data: str or path, folder of all data sets; None for a smoke run.
        weights: `"best"` or `"last"`.
        damaged: `"refuse"` or `"skip"`, what to do with a file that cannot be read.
        partial: bool, takes what is there of data sets that are not whole.
        console: `rich.console.Console`.

    Returns:
        dict of scores by data set and metric, also in `evaluated_best.json` or `evaluated_last.json`.

    Raises:
        RunError: a `ValueError`, if it is no run, or has no such weights yet.
    """
    folder = Path(run)
    about = read_json(folder / RUN)
    if weights not in ("best", "last"):
        raise RunError(f'weights must be "best" or "last". Received: {weights!r}.')
    recipe = load_recipe(folder / RECIPE, about.get("variant"))
    if about.get("quantize"):
        recipe = recipe.for_quantization()
    if about.get("smoke"):
        recipe, data, partial = recipe.for_smoke(), folder / "tiny_data", True
    elif data is None:
        raise RunError("--data must be the folder of all data sets. Received: none.")
    path = folder / f"{weights}.keras"
    if not path.is_file():
        raise RunError(
            f"{path} must be there, the weights of a run. Received: no such file. The first evaluation writes it."
        )
    model = keras.models.load_model(path, compile=False)
    scores = {}
    for name, reader in recipe.evaluate.items():
        dataset = read(reader, data, partial)
        scores[name], samples = measured(model, dataset, recipe, name, console or Console(), damaged=damaged)
        picture(folder, f"{name}_{weights}", samples, dataset, recipe)
    with writing(folder / f"evaluated_{weights}.json") as temporary:
        Path(temporary).write_text(json.dumps(scores, indent=2))
    return scores
