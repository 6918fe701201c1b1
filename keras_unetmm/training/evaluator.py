# SPDX-License-Identifier: Apache-2.0
"""The data sets that a run is evaluated on: measured and drawn."""

from dataclasses import dataclass
from pathlib import Path

import keras
from rich.console import Console
from rich.progress import track

from keras_unetmm.data.dataset import DataSet
from keras_unetmm.training.evaluation import Measured, MultiScale, Sample, measure
from keras_unetmm.training.folder import writing
from keras_unetmm.training.pictures import draw_samples
from keras_unetmm.training.recipe import Recipe


@dataclass(frozen=True)
class Evaluator:
    """Measures networks on the data sets of a recipe.

    Args:
        recipe: for its metrics, degradation, normalisation and seed.
        sets: data sets by name; the first one says which weights are best.
        console: shows progress.
        on_error: `"raise"` or `"skip"`, what to do with a file that cannot be read.
        several: see `keras_unetmm.training.evaluation.measure`.
    """

    recipe: Recipe
    sets: dict[str, DataSet]
    console: Console
    on_error: str = "raise"
    several: MultiScale | None = None

    def measured(self, model: keras.Model, name: str, limit: int | None = None) -> Measured:
        """What `keras_unetmm.training.evaluation.measure` returns for one of the sets."""
        console = self.console

        def shown(indices):
            return track(indices, f"evaluating {name}", console=console, transient=True, disable=not console.is_terminal)

        return measure(
            model, self.sets[name], self.recipe, limit=limit, on_error=self.on_error, track=shown, several=self.several
        )

    def draw(self, samples: list[Sample], name: str, folder: Path, suffix: str) -> None:
        """Draws samples of one of the sets into the folder `pictures` of a run."""
        (folder / "pictures").mkdir(exist_ok=True)
        with writing(folder / "pictures" / f"{name}_{suffix}.png") as temporary:
            draw_samples(temporary, samples, self.sets[name], self.recipe.normalize)
