# SPDX-License-Identifier: Apache-2.0
"""A recipe: everything that a run is made of, as a table. It is long for its fields, each of which says what it takes."""

import dataclasses
import functools
import inspect
import runpy
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras

from keras_unetmm.data.augmentation import augmentation
from keras_unetmm.pruning import Pruning
from keras_unetmm.training.distillation import Distillation
from keras_unetmm.training.recipe_files import recipe_path
from keras_unetmm.training.schedules import Accumulated, Cosine, WarmedUp
from keras_unetmm.types import PathLike


class RecipeError(ValueError):
    """A recipe that cannot be run, and why."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One experiment.

    Args:
        model: function that returns a functional `keras.Model`.
        train: reader, a function of the folder of all data sets that returns a `keras_unetmm.data.DataSet`.
        evaluate: dict of readers by name; the first one's first metric says which weights are best.
        batch: int, examples a step, over all devices and accumulated gradients.
        steps: int, updates of the weights.
        loss: function that returns a Keras loss.
        optimizer: function that returns a Keras optimizer, called with `learning_rate` if there is a schedule.
        metrics: tuple of functions that return Keras metrics, measured on whole examples one by one.
        schedule: `Cosine`, `Divided` or another function of the number of steps that returns a learning rate, or None.
        patch: int or tuple, size of the windows that are trained on, or None for whole examples.
        evaluate_patch: int or tuple, size of the window in the middle that is evaluated, of masks, mattes and classes padded
            if need be; None for whole examples.
        evaluate_window: int or tuple, size of windows by which whole examples are evaluated where they are too large for
            memory: windows overlap, and their outputs are added by weights, see `keras_unetmm.models.windows`; or None.
        evaluate_multiple: int, whole examples are padded below and to the right with zeros to multiples of it, and outputs
            cut, for networks that refuse other sizes.
        evaluate_local: int or `(height, width)`, pixels of the windows over which channel attention takes its means in
            evaluations, see `keras_unetmm.models.local_means`; None for whole images.
        degrade: function `(images, rng=...)` that makes inputs of clean images, or None where the data has pairs.
        augment: tuple, see `keras_unetmm.data.Batches`.
        normalize: `(mean, std)` of inputs, or None.
        warmup: int, first steps in which the learning rate of the schedule grows to its value in a straight line.
        clip: float, the norm that all gradients together are scaled down to, or None.
        ema: float, momentum of the moving average of the weights, such as 0.999, which is evaluated and kept; or None.
        callbacks: tuple of functions that return Keras callbacks, such as `wandb.keras.WandbMetricsLogger`; at the end of
            each save their logs hold what the run's log holds.
        device_size: `(height, width)` of the images on the device, which `unetmm convert RUN` converts for, or None.
        device_values: `(mean, std)` for examples that no camera took, such as volumes with mean 0 and deviation 1: a device
            holds `std * value + mean`, cut to [0, 1]. None where examples lie in [0, 1].
        save_every: int, steps between saves: what a kill can cost at most.
        evaluate_every: int, steps between evaluations, a multiple of `save_every`.
        validate: int, how many examples of each set are evaluated while training, or None for all; the end takes all.
        seed: int.
        start: str, what the network takes its first weights from, such as `"a run of classify_imagenet_sunet.py"`: such a
            recipe is trained with `unetmm train --from RUN`. None for one that begins with new weights, unless it is given.
        freeze_batch_norm: bool, whether statistics, gamma and beta of all batch norms stay as they are at the start.
        distill: `Distillation`, or None.
        prune: `keras_unetmm.pruning.Pruning`, how the network loses channels while it trains, or None. Best weights are then
            the best since the last channel went.
        quantize: dict of fields replaced where a trained network goes on in the arithmetic of its int8 file, beside those
            that every such run replaces: 300 steps of Adam at 5e-5, which falls by a cosine to a hundredth.
        smoke: dict of fields replaced by `--smoke`, beside those that every smoke run replaces: a smaller `model`, say.
        variants: dict by name of dicts of fields that a variant replaces.

    Raises:
        RecipeError: a `ValueError` that names the field, what it must be and what it was.

    Examples:
        >>> recipe = training.load_recipe("denoise_bsd_nafnet")
        >>> type(recipe).__name__
        'Recipe'
    """

    model: Callable
    train: Callable
    evaluate: dict
    batch: int
    steps: int
    loss: Callable
    optimizer: Callable
    metrics: tuple
    schedule: Callable | None = None
    patch: int | tuple | None = None
    evaluate_patch: int | tuple | None = None
    evaluate_window: int | tuple | None = None
    evaluate_multiple: int = 1
    evaluate_local: int | tuple | None = None
    degrade: Callable | None = None
    augment: tuple = ()
    normalize: tuple | None = None
    warmup: int = 0
    clip: float | None = None
    ema: float | None = None
    callbacks: tuple = ()
    device_size: tuple | None = None
    device_values: tuple[float, float] | None = None
    save_every: int = 500
    evaluate_every: int = 5000
    validate: int | None = 50
    seed: int = 0
    start: str | None = None
    freeze_batch_norm: bool = False
    distill: Distillation | None = None
    prune: Pruning | None = None
    quantize: dict = field(default_factory=dict)
    smoke: dict = field(default_factory=dict)
    variants: dict = field(default_factory=dict)

    def __post_init__(self):
        for name in ("model", "train", "loss", "optimizer"):
            self._must(name, callable(getattr(self, name)), "a function, such as functools.partial(...)")
        for name in ("schedule", "degrade"):
            self._must(name, getattr(self, name) is None or callable(getattr(self, name)), "a function or None")
        for name in ("batch", "steps", "save_every", "evaluate_every", "evaluate_multiple"):
            self._must(name, _positive(getattr(self, name)), "a positive integer")
        for name in ("patch", "evaluate_patch", "evaluate_window", "evaluate_local"):
            self._must(name, _size(getattr(self, name)), "a positive integer, a tuple of them, or None")
        one = self.evaluate_window is None or self.evaluate_patch is None
        self._must("evaluate_window", one, "None beside evaluate_patch, which is one window alone")
        self._must("warmup", type(self.warmup) is int and self.warmup >= 0, "a number of steps, 0 for none")
        self._must("warmup", not self.warmup or self.schedule is not None, "0 without a schedule, whose rate it scales")
        self._must("clip", self.clip is None or _between(self.clip, 0, float("inf")), "a norm above 0, or None")
        self._must("ema", self.ema is None or _between(self.ema, 0, 1), "a momentum above 0 and below 1, or None")
        self._must("ema", self.ema is None or not self.prune, "None beside prune, which changes the weights")
        called = isinstance(self.callbacks, tuple) and all(map(callable, self.callbacks))
        self._must("callbacks", called, "a tuple of functions that return Keras callbacks")
        sized = self.device_size is None or (isinstance(self.device_size, tuple) and _size(self.device_size))
        self._must("device_size", sized, "a tuple of pixels, or None")
        values = self.device_values
        scaled = values is None or (isinstance(values, tuple) and len(values) == 2 and _between(values[1], 0, float("inf")))
        self._must("device_values", scaled, "a tuple (mean, std) with std above 0, or None")
        self._must("device_values", None in (values, self.normalize), "None beside normalize, whose examples lie in [0, 1]")
        self._must("validate", self.validate is None or _positive(self.validate), "a positive integer or None")
        self._must("seed", type(self.seed) is int and self.seed >= 0, "an integer, not negative")
        readers = isinstance(self.evaluate, dict) and self.evaluate and all(map(callable, self.evaluate.values()))
        self._must("evaluate", readers, "a dict of readers by name, at least one")
        self._must(
            "start", self.start is None or isinstance(self.start, str), "a sentence on where weights are from, or None"
        )
        self._must("start", not self.start or not self.distill, "None beside distill, whose weights are the teacher's")
        self._must("freeze_batch_norm", type(self.freeze_batch_norm) is bool, "True or False")
        several = isinstance(self.metrics, tuple) and self.metrics and all(map(callable, self.metrics))
        self._must("metrics", several, "a tuple of functions that return metrics")
        pair = isinstance(self.normalize, tuple) and len(self.normalize) == 2
        self._must("normalize", self.normalize is None or pair, "a tuple (mean, std) or None")
        if self.evaluate_every % self.save_every:
            self._must("evaluate_every", False, f"a multiple of save_every, which is {self.save_every}")
        self._must("distill", self.distill is None or isinstance(self.distill, Distillation), "a Distillation or None")
        self._must("prune", self.prune is None or isinstance(self.prune, Pruning), "a Pruning or None")
        if self.prune:
            self._must("prune", not self.distill, "None beside distill")
            often = not self.prune.start % self.save_every and not self.prune.every % self.save_every
            self._must("prune", often, f"one whose start and every are multiples of save_every, which is {self.save_every}")
            self._must("prune", self.prune.start < self.steps, f"one that starts before the {self.steps:,} steps are over")
        try:
            augmentation(self.augment)
        except ValueError as error:
            raise RecipeError(str(error)) from error
        changed = ("quantize", self.quantize), ("smoke", self.smoke)
        for name, changes in (*changed, *((f"variants[{v!r}]", c) for v, c in self.variants.items())):
            unknown = sorted(set(changes) - {f.name for f in dataclasses.fields(self)})
            if unknown:
                raise RecipeError(
                    f"{name} must be made of fields of a recipe. Received: {unknown}. Change it in the recipe."
                )

    def _must(self, name, holds, what):
        if not holds:
            raise RecipeError(f"{name} must be {what}. Received: {getattr(self, name)!r}. Change it in the recipe.")

    def variant(self, name: str) -> "Recipe":
        """The recipe with a variant's fields.

        Raises:
            RecipeError: for a name that the recipe does not have.
        """
        if name not in self.variants:
            raise RecipeError(f"variant must be one of {', '.join(self.variants) or '(none)'}. Received: {name!r}.")
        return dataclasses.replace(self, **self.variants[name], variants={})

    def of(self, steps: int) -> "Recipe":
        """The recipe for another number of steps, saved and evaluated at least once."""
        if not _positive(steps):
            raise RecipeError(f"steps must be a positive integer. Received: {steps!r}.")
        save = min(self.save_every, steps)
        evaluate = max(save, min(self.evaluate_every, steps) // save * save)
        return dataclasses.replace(self, steps=steps, save_every=save, evaluate_every=evaluate)

    def for_quantization(self) -> "Recipe":
        """The recipe for a trained network that goes on in the arithmetic of its int8 file, with a device's images."""
        to_device = None
        if self.device_values is not None:
            mean, std = self.device_values
            to_device = (-mean / std, 1 / std)  # of which (value - mean) / std is what the device holds
        usual: dict[str, Any] = {"steps": 300, "save_every": 100, "evaluate_every": 300}
        usual |= {"optimizer": keras.optimizers.Adam, "schedule": Cosine(start=5e-5, end=5e-7)}
        none = dict.fromkeys(("device_values", "distill", "prune", "start"))
        return dataclasses.replace(self, **(usual | self.quantize | none | {"normalize": to_device}))

    def for_smoke(self) -> "Recipe":
        """The recipe as `--smoke` runs it: four steps of two examples, on what the readers' `tiny` writes."""
        small = {
            "batch": 2,
            "start": None,
            "patch": _at_most(self.patch, 32),
            "validate": 2,
            "save_every": 2,
            "evaluate_every": 4,
        }
        if self.prune:
            every, count = (4, 1) if self.prune.saving else (2, 4)  # what saves takes long
            small["prune"] = dataclasses.replace(self.prune, start=2, every=every, count=count, target_channels=1, batches=1)
        return dataclasses.replace(self, **(small | {"steps": 4} | self.smoke))


def load_recipe(path: PathLike, variant: str | None = None) -> Recipe:
    """Runs a recipe file and returns what it calls `recipe`.

    Args:
        path: str or path of a Python file, or the name of a recipe that the package carries.
        variant: str, one of the recipe's variants, or None for the recipe itself.

    Raises:
        RecipeError: if there is no such file, it fails, or holds no recipe; the message names the line.

    Examples:
        >>> training.load_recipe("denoise_bsd_nafnet").batch
        16
    """
    try:
        path = recipe_path(path)
    except FileNotFoundError as error:
        raise RecipeError(str(error)) from error
    if not path.is_file():
        raise RecipeError(f"{path} must be a recipe, a Python file. Received: no such file.")
    try:
        recipe = runpy.run_path(str(path)).get("recipe")
    except Exception as error:  # a file of the user's can raise anything
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else "?"
        raise RecipeError(f"{path}, line {line}: {type(error).__name__}: {error}") from error
    if not isinstance(recipe, Recipe):
        raise RecipeError(f"{path} must define recipe = Recipe(...). Received: {type(recipe).__name__}.")
    return recipe if variant is None else recipe.variant(variant)


def read(reader, folder, partial):
    """What a recipe's reader returns for the folder of all data sets; with `partial` also of sets that are not whole."""
    takes_parts = partial and "partial" in inspect.signature(reader).parameters
    return reader(Path(folder), **({"partial": True} if takes_parts else {}))


def readers(recipe):
    """The recipe's readers without their arguments: what makes tiny data for them."""
    for given in (recipe.train, *recipe.evaluate.values()):
        reader = given
        while isinstance(reader, functools.partial):
            reader = reader.func
        yield reader


def optimizer(recipe, accumulate=1):
    """The recipe's optimizer, which applies the mean gradient of `accumulate` batches."""
    given = {} if recipe.schedule is None else {"learning_rate": _with_warmup(recipe.schedule(recipe.steps), recipe.warmup)}
    if recipe.clip is not None:
        given["global_clipnorm"] = recipe.clip
    if recipe.ema is not None:
        given |= {"use_ema": True, "ema_momentum": recipe.ema ** (1 / accumulate)}  # Keras averages at each batch
    if accumulate > 1:
        given |= {name: Accumulated(schedule, accumulate) for name, schedule in given.items()}
        given["gradient_accumulation_steps"] = accumulate
    try:
        built = recipe.optimizer(**given)
    except (TypeError, ValueError) as error:
        raise RecipeError(f"optimizer must take {', '.join(given) or 'no argument'}. Received: {error}") from error
    if not isinstance(built, keras.optimizers.Optimizer):
        raise RecipeError(f"optimizer must return a Keras optimizer. Received: a {type(built).__name__}.")
    if built.use_ema and recipe.ema is None:
        raise RecipeError("optimizer must not have use_ema. Received: True. Give the recipe ema=0.999 instead.")
    built.finalize_variable_values = lambda variables: None  # else every fit ends with the average in place of the weights
    return built


def _with_warmup(schedule, steps):
    if not steps:
        return schedule
    if not isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        schedule = keras.optimizers.schedules.PiecewiseConstantDecay([2**31 - 2], [float(schedule)] * 2)
    return WarmedUp(schedule, steps)


def _positive(number):
    return type(number) is int and number > 0


def _between(number, low, high):
    return isinstance(number, (int, float)) and not isinstance(number, bool) and low < number < high


def _size(size):
    return size is None or _positive(size) or (isinstance(size, tuple) and size and all(map(_positive, size)))


def _at_most(size, limit):
    if size is None:
        return None
    return min(size, limit) if isinstance(size, int) else tuple(min(s, limit) for s in size)
