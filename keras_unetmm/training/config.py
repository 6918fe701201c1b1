# SPDX-License-Identifier: Apache-2.0
"""What a run is asked for: the arguments of `train` in one object, and what they make of a recipe."""

import dataclasses
import functools
from dataclasses import dataclass
from pathlib import Path

import keras

from keras_unetmm.training.architecture import validate_architecture_from, with_new_weights
from keras_unetmm.training.folder import STATE, TrainingError
from keras_unetmm.training.pruned import validate_pruning
from keras_unetmm.training.quantized import validate_quantize
from keras_unetmm.training.recipe import Recipe, load_recipe
from keras_unetmm.training.recipe_files import recipe_path
from keras_unetmm.training.starting import NAME, weights_of
from keras_unetmm.types import JsonObject, Normalization

UNTRAINED = "untrained"  # teacher of a smoke run
PRECISIONS = "float32", "mixed_bfloat16", "mixed_float16"


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """What a run is asked for; `keras_unetmm.training.train` says what each field means.

    Raises:
        TrainingError: a `ValueError` that names the argument, what it must be and what it was.

    Examples:
        >>> training.RunConfig(recipe_file="denoise_bsd_nafnet", data=None, out="runs/smoke", smoke=True).precision
        'float32'
    """

    recipe_file: str | Path
    data: str | Path | None
    out: str | Path
    variant: str | None = None
    smoke: bool = False
    steps: int | None = None
    seed: int | None = None
    precision: str = "float32"
    accumulate: int = 1
    distribute: bool = False
    cpu_devices: int | None = None
    teacher: str | Path | None = None
    quantize: str | Path | None = None
    architecture_from: str | Path | None = None
    start_from: str | Path | None = None
    on_error: str = "raise"
    partial: bool = False
    cache: str | Path | None = None
    tensorboard: bool = False

    def __post_init__(self) -> None:
        if self.data is None and not self.smoke:
            raise TrainingError("data must be the folder of all data sets. Received: None. Name it, or take smoke=True.")
        if type(self.accumulate) is not int or self.accumulate < 1:
            raise TrainingError(f"accumulate must be a positive integer. Received: {self.accumulate!r}.")
        if self.precision not in PRECISIONS:
            raise TrainingError(f"precision must be one of {', '.join(PRECISIONS)}. Received: {self.precision!r}.")
        if self.on_error not in ("raise", "skip"):
            raise TrainingError(f'on_error must be "raise" or "skip". Received: {self.on_error!r}.')

    def prepared(self) -> "PreparedRun":
        """Reads the recipe, and makes of it what is trained: quantized, smaller, of another network or number of steps.

        Raises:
            RecipeError: if the recipe cannot be read.
            TrainingError: if it does not go with the arguments.
        """
        recipe = load_recipe(self.recipe_file, self.variant)
        normalize = recipe.normalize or recipe.device_values or (None, None)
        if self.quantize is not None:
            validate_quantize(self.quantize, self.precision, self.teacher)
            recipe = recipe.for_quantization()
        recipe = recipe.for_smoke() if self.smoke else recipe
        if self.architecture_from is not None:
            validate_architecture_from(self.architecture_from, self.quantize, recipe.distill)
            build = functools.partial(with_new_weights, self.architecture_from)
            recipe = dataclasses.replace(recipe, model=build, prune=None, start=None)
        self._validate_start(recipe)
        recipe = recipe if self.steps is None else recipe.of(self.steps)
        recipe = recipe if self.seed is None else dataclasses.replace(recipe, seed=self.seed)
        config = dataclasses.replace(self, recipe_file=recipe_path(self.recipe_file))
        if self.smoke:
            teacher = UNTRAINED if recipe.distill else None
            config = dataclasses.replace(config, teacher=teacher, cache=None, partial=True)
        if bool(recipe.distill) != bool(config.teacher):
            needs = "its network with all skips, trained" if recipe.distill else "none, for it does not distill"
            raise TrainingError(
                f"teacher (--teacher MODEL.keras) of this recipe must be {needs}. Received: {config.teacher}."
            )
        validate_pruning(recipe, self.precision, self.distribute)
        return PreparedRun(config, recipe, normalize)

    def _validate_start(self, recipe: Recipe) -> None:
        """Refuses a recipe that needs another run without one, and a run where other weights are asked for."""
        if self.start_from is None:
            if recipe.start is not None:
                raise TrainingError(f"{NAME} of this recipe must be {recipe.start}. Received: none.")
            return
        for name in ("quantize", "architecture_from", "teacher"):
            if getattr(self, name) is not None:
                raise TrainingError(
                    f"{NAME} must be none with {name}, which says what the weights are. Leave one of them out."
                )
        if not (Path(self.out) / STATE).exists():  # else the run has weights of its own
            weights_of(self.start_from)

    def identity(self, recipe: Recipe) -> JsonObject:
        """What must be the same for a run to go on, as JSON can hold it."""
        same = ("variant", "seed", "smoke", "precision", "accumulate", "distribute", "on_error", "partial")
        files = ("teacher", "quantize", "architecture_from", "start_from")
        paths = {name: getattr(self, name) and str(getattr(self, name)) for name in files}
        text = Path(self.recipe_file).read_text()
        about = {"recipe": text, "steps": recipe.steps, "backend": keras.backend.backend()}
        return {**about, **{name: getattr(self, name) for name in same}, **paths}


@dataclass(frozen=True)
class PreparedRun:
    """A run that can begin.

    Args:
        config: as it is run.
        recipe: as it is trained.
        normalize: `(mean, std)` that `quantize` takes into the network, of what the device holds, or `(None, None)`.
    """

    config: RunConfig
    recipe: Recipe
    normalize: Normalization
