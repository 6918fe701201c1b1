"""A run: a recipe trained to its end, saved on the way so that it can be killed at any moment and goes on."""

import json
import time
from dataclasses import dataclass, field
from functools import partial as given
from pathlib import Path

import keras
import numpy as np
from rich.console import Console

from keras_unetmm import __version__
from keras_unetmm.data.batches import Batches
from keras_unetmm.training.devices import OneDevice, devices
from keras_unetmm.training.evaluation import COMPILED
from keras_unetmm.training.events import Events
from keras_unetmm.training.folder import RECIPE, RUN, STATE, RunError, RunFolder, read_json, writing
from keras_unetmm.training.keeper import BEST, SCORES, Keeper, measured, picture
from keras_unetmm.training.progress import ProgressBar
from keras_unetmm.training.recipe import Recipe, load_recipe, optimizer, read, readers
from keras_unetmm.training.state import load_state, state_bytes

UNTRAINED = "untrained"  # teacher of a smoke run


def train(
    recipe_file,
    data,
    out,
    *,
    variant=None,
    smoke=False,
    steps=None,
    precision="float32",
    accumulate=1,
    distribute=False,
    cpu_devices=None,
    teacher=None,
    damaged="refuse",
    partial=False,
    cache=None,
    tensorboard=False,
    console=None,
):
    """Trains a recipe, or goes on where a run of the same arguments stopped.

    Args:
        recipe_file: str or path of a Python file that defines `recipe`.
        data: str or path, folder of all data sets; None with `smoke`.
        out: str or path, the run's folder.
        variant: str, of the recipe.
        smoke: bool, four steps on tiny data that the readers make.
        steps: int, instead of the recipe's.
        precision: str, Keras's dtype policy: `"float32"`, `"mixed_bfloat16"` or `"mixed_float16"`.
        accumulate: int, batches whose gradients make one step; the recipe's batch is divided by it.
        distribute, cpu_devices: see `keras_unetmm.training.devices`.
        teacher: str or path of a `.keras` file, for a recipe with `distill`.
        damaged: `"refuse"` or `"skip"`, see `keras_unetmm.data.Batches`.
        partial: bool, takes what is there of data sets that are not whole.
        cache: str or path, folder for decoded examples.
        tensorboard: bool, whether the log is written for TensorBoard, too.
        console: `rich.console.Console`.

    Returns:
        dict of scores by data set and metric, of the best weights over all examples; also in `scores.json`.

    Raises:
        RunError, RecipeError: `ValueError`s about the folder or the recipe.
        MissingDataError, DamagedFileError: `ValueError`s about the data.
    """
    recipe = load_recipe(recipe_file, variant)
    recipe = recipe.for_smoke() if smoke else recipe
    recipe = recipe if steps is None else recipe.of(steps)
    if recipe.distill and teacher is None and not smoke:
        raise RunError("a recipe with distill needs --teacher MODEL.keras, its network with all skips. Received: none.")
    hardware = devices(distribute, cpu_devices)
    if recipe.batch % (accumulate * hardware.count):
        parts = f"{accumulate} (accumulate) times {hardware.count} (devices)"
        raise RunError(f"the recipe's batch must be divisible by {parts}. Received: {recipe.batch}. Choose other numbers.")
    identity = {
        "recipe": Path(recipe_file).read_text(),
        **{"variant": variant, "smoke": smoke, "steps": recipe.steps, "precision": precision, "accumulate": accumulate},
        **{"backend": keras.backend.backend(), "keras": keras.__version__, "keras_unetmm": __version__},
        **{"distribute": distribute, "teacher": teacher and str(teacher)},
    }
    policy = keras.config.dtype_policy()
    with RunFolder(out, identity, recipe_file, hardware.chief) as folder, hardware.scope():
        data, partial = (tiny_data(recipe, folder / "tiny_data"), True) if smoke else (data, partial)
        run = _Run(
            recipe,
            folder,
            {name: read(reader, data, partial) for name, reader in recipe.evaluate.items()},
            Batches(
                read(recipe.train, data, partial),
                recipe.batch // accumulate,
                **{name: getattr(recipe, name) for name in ("patch", "augment", "degrade", "normalize", "seed")},
                damaged=damaged,
                cache=cache,
            ),
            hardware,
            accumulate,
            console or Console(),
            Events(folder / "tensorboard") if tensorboard else None,
        )
        keras.config.set_dtype_policy(precision)
        try:
            run.networks(UNTRAINED if smoke else teacher)
        finally:
            keras.config.set_dtype_policy(policy)
            hardware.close()
        return run.scores()


def evaluate_run(run, data, *, weights="best", partial=False, console=None):
    """Measures a run's weights on the sets of its recipe, and draws samples into its folder.

    Args:
        run: str or path, the run's folder.
        data: str or path, folder of all data sets; None for a smoke run.
        weights: `"best"` or `"last"`.
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
    recipe = load_recipe(folder / RECIPE, about["variant"])
    if about["smoke"]:
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
        scores[name], samples = measured(model, dataset, recipe, name, console or Console())
        picture(folder, f"{name}_{weights}", samples, dataset, recipe)
    with writing(folder / f"evaluated_{weights}.json") as temporary:
        Path(temporary).write_text(json.dumps(scores, indent=2))
    return scores


def tiny_data(recipe, folder):
    """Makes what the recipe's readers read, a few tiny examples each, and returns the folder."""
    for reader in dict.fromkeys(readers(recipe)):
        if not hasattr(reader, "tiny"):
            raise RunError(
                f"--smoke needs a reader of keras_unetmm.data, or one marked by data.reader(tiny=...). Received: {reader}."
            )
        folder.mkdir(exist_ok=True)
        reader.tiny(folder, np.random.default_rng(0))
    return folder


@dataclass
class _Run:
    """What one process does of a run: `step` of the recipe's steps are done, and `history` says how they went."""

    recipe: Recipe
    folder: RunFolder
    sets: dict
    batches: Batches
    hardware: OneDevice
    accumulate: int
    console: Console
    events: Events | None
    step: int = 0
    history: list = field(default_factory=list)

    def __post_init__(self):
        if (self.folder / STATE).exists():
            self.step, self.history, _ = load_state(self.folder / STATE)
            self.console.print(f"going on at step {self.step:,} of {self.recipe.steps:,}", highlight=False)

    def networks(self, teacher):
        """Trains the recipe's network; with `distill` those that the student becomes, one after the other."""
        recipe = self.recipe
        keras.utils.set_random_seed(recipe.seed)
        teacher = self._teacher(teacher) if recipe.distill else None
        builds = (recipe.model, *(recipe.distill.removals if teacher else ()))
        ends = self._ends(len(builds))
        for build, begin, end in zip(builds, [0, *ends], ends, strict=False):
            model = self.hardware.prepared(build())
            check_classes(model, self.batches.dataset)
            if teacher and not self.step:
                model.set_weights(teacher.get_weights())
            if self.step < end:
                self._train(model, self._learner(model, teacher), begin, end)

    def scores(self):
        """Measures the best weights over all examples, once, and says where they are."""
        path = self.folder / SCORES
        while not self.hardware.chief and not path.exists():
            time.sleep(1)
        if not path.exists():
            model = keras.models.load_model(self.folder / BEST, compile=False)
            scores = {
                name: measured(model, dataset, self.recipe, name, self.console)[0] for name, dataset in self.sets.items()
            }
            with writing(path) as temporary:
                Path(temporary).write_text(json.dumps(scores, indent=2))
        return json.loads(path.read_text())

    def _ends(self, count):
        """The steps at which each of several networks ends, whole saves."""
        every = self.recipe.save_every
        return [*(self.recipe.steps * i // count // every * every for i in range(1, count)), self.recipe.steps]

    def _teacher(self, path):
        model = self.recipe.distill.teacher()
        if path != UNTRAINED:
            model.set_weights(keras.models.load_model(path, compile=False).get_weights())
        return model

    def _learner(self, model, teacher):
        """What is compiled: a second model of the same layers, so that files of the first hold no optimizer."""
        if teacher:
            return self.recipe.distill.distiller(teacher, model)
        return keras.Model(model.inputs, model.outputs)

    def _train(self, model, trained, begin, end):
        recipe, count = self.recipe, self.accumulate
        trained.compile(optimizer(recipe, count), recipe.loss(), jit_compile=COMPILED)
        trained.optimizer.build(model.trainable_variables)
        self.folder.need(3 * state_bytes(trained))
        if self.step:
            load_state(self.folder / STATE)[2](trained)
        saves, rest = divmod(end - self.step, recipe.save_every)
        for epochs, size in ((saves, recipe.save_every), (1, rest)):
            if not epochs * size:
                continue
            progress = ProgressBar(self.console, self.step, recipe.steps, count)
            stream = given(self.batches.stream, self.step * count, (self.step + epochs * size) * count)
            callbacks = [progress, Keeper(self, trained, model, begin, size)]
            try:
                trained.fit(
                    self.hardware.feed(stream),
                    steps_per_epoch=size * count,
                    epochs=epochs,
                    callbacks=callbacks,
                    shuffle=False,
                    verbose=0,
                )
            finally:
                progress.close()


def check_classes(model, dataset):
    """Refuses a network whose outputs are not the labels of the data."""
    if dataset.target in ("mask", "class") and model.output_shape[-1] != dataset.classes:
        raise RunError(
            f"the model must have {dataset.classes} output channels for {dataset.name}. Received: {model.output_shape[-1]}. "
            "Change classes in the recipe."
        )
