# SPDX-License-Identifier: Apache-2.0
"""A run's weights measured again."""

import dataclasses
import json
from pathlib import Path

import keras
from rich.console import Console

from keras_unetmm.deprecation import ON_ERROR, renamed
from keras_unetmm.training.evaluation import MultiScale
from keras_unetmm.training.evaluator import Evaluator
from keras_unetmm.training.folder import RECIPE, RUN, TrainingError, read_json, writing
from keras_unetmm.training.recipe import load_recipe, read


def evaluate_run(
    run: str | Path,
    data: str | Path | None,
    *,
    weights: str = "best",
    on_error: str = "raise",
    partial: bool = False,
    scales: tuple[float, ...] | None = None,
    flip: bool = False,
    window: int | None = None,
    shorter_side: int | None = None,
    console: Console | None = None,
    damaged: str | None = None,
) -> dict[str, dict[str, float]]:
    """Measures a run's weights on the sets of its recipe, and draws samples into its folder.

    Args:
        run: str or path, the run's folder.
        data: str or path, folder of all data sets; None takes the one that the run was trained on.
        weights: `"best"` or `"last"`.
        on_error: `"raise"` or `"skip"`, what to do with a file that cannot be read.
        partial: bool, takes what is there of data sets that are not whole.
        scales: of masks, sizes at which each image is segmented and averaged, such as (0.5, 0.75, 1, 1.25); None for one.
        flip: bool, whether mirror images are segmented and averaged, too.
        window: int, pixels of the windows that images are cut into, two thirds of one apart, or None.
        shorter_side: int, pixels that images are resized to before they are scaled, or None.
        console: `rich.console.Console`.
        damaged: old name of `on_error`.

    Returns:
        dict of scores by data set and metric; with their spread over images in `evaluated_best.json` or
        `evaluated_last.json`, with scales, flip or windows in `evaluated_best_multi_scale.json`.

    Raises:
        TrainingError: a `ValueError`, if it is no run, or has no such weights yet.

    Examples:
        >>> training.evaluate_run("runs/smoke", None)["kodak24"]["psnr"]  # doctest: +SKIP
    """
    on_error = renamed("damaged", damaged, "on_error", on_error, "raise", values=ON_ERROR)
    folder = Path(run)
    about = read_json(folder / RUN)
    if weights not in ("best", "last"):
        raise TrainingError(f'weights must be "best" or "last". Received: {weights!r}.')
    recipe = load_recipe(folder / RECIPE, about.get("variant"))
    if about.get("seed") is not None:
        recipe = dataclasses.replace(recipe, seed=about["seed"])
    if about.get("quantize"):
        recipe = recipe.for_quantization()
    if about.get("smoke"):
        recipe, data, partial = recipe.for_smoke(), folder / "tiny_data", True
    elif data is None and (data := about.get("data")) is None:
        raise TrainingError("--data must be the folder of all data sets. Received: none.")
    path = folder / f"{weights}.keras"
    if not path.is_file():
        raise TrainingError(
            f"{path} must be there, the weights of a run. Received: no such file. The first evaluation writes it."
        )
    model = keras.models.load_model(path, compile=False)
    sets = {name: read(reader, data, partial) for name, reader in recipe.evaluate.items()}
    asked = scales is not None or flip or window is not None or shorter_side is not None
    several = MultiScale(scales or (1.0,), flip, window, shorter_side) if asked else None
    evaluator = Evaluator(recipe, sets, console or Console(), on_error, several)
    scores, written = {}, {}
    called = f"{weights}_multi_scale" if several else weights
    for name in sets:
        found = evaluator.measured(model, name)
        scores[name], written[name] = found.scores, found.written()
        evaluator.draw(found.samples, name, folder, called)
    with writing(folder / f"evaluated_{called}.json") as temporary:
        Path(temporary).write_text(json.dumps(written, indent=2))
    return scores
