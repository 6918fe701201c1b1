"""A run: a recipe trained to its end, saved on the way so that it can be killed at any moment and goes on."""

import contextlib
import dataclasses
import functools
import io
import json
import time
from pathlib import Path

import keras
from rich.console import Console

from keras_unetmm import __version__
from keras_unetmm.data.batches import Batches
from keras_unetmm.pruning.gradual import GradualPruning
from keras_unetmm.training.devices import devices
from keras_unetmm.training.evaluation import COMPILED
from keras_unetmm.training.events import Events
from keras_unetmm.training.folder import BEST, SCORES, STATE, RunError, RunFolder, writing
from keras_unetmm.training.keeper import Keeper, measured
from keras_unetmm.training.one_device import OneDevice
from keras_unetmm.training.pictures import draw_samples
from keras_unetmm.training.progress import ProgressBar
from keras_unetmm.training.pruned import refuse_to_prune, train_pruned
from keras_unetmm.training.quantized import quantized, refuse_to_quantize
from keras_unetmm.training.recipe import Recipe, load_recipe, optimizer, read
from keras_unetmm.training.remembering import Remembering
from keras_unetmm.training.state import load_state, save_state, state_bytes
from keras_unetmm.training.structure import anew, refuse_structure
from keras_unetmm.training.tiny import tiny_data

UNTRAINED = "untrained"  # teacher of a smoke run
PRECISIONS = "float32", "mixed_bfloat16", "mixed_float16"


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
    quantize=None,
    structure=None,
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
        quantize: str or path of a `.keras` file, a network that the recipe has trained: it goes on as what its int8 file
            will compute, see `keras_unetmm.quantize.quantize_aware`, with the recipe's `quantize`.
        structure: str or path of a `.keras` file whose network takes the place of the recipe's, with new weights: what
            pruning has found, trained anew.
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
    if data is None and not smoke:
        raise RunError("data must be the folder of all data sets. Received: None. Name it, or take smoke=True.")
    if type(accumulate) is not int or accumulate < 1:
        raise RunError(f"accumulate must be a positive integer. Received: {accumulate!r}.")
    if precision not in PRECISIONS:
        raise RunError(f"precision must be one of {', '.join(PRECISIONS)}. Received: {precision!r}.")
    recipe = load_recipe(recipe_file, variant)
    normal = recipe.normalize or (None, None)
    if quantize is not None:
        refuse_to_quantize(quantize, precision, teacher)
        recipe = recipe.for_quantization()
    recipe = recipe.for_smoke() if smoke else recipe
    if structure is not None:
        refuse_structure(structure, quantize, recipe.distill)
        recipe = dataclasses.replace(recipe, model=functools.partial(anew, structure), prune=None)
    recipe = recipe if steps is None else recipe.of(steps)
    if smoke:
        teacher, cache, partial = UNTRAINED if recipe.distill else None, None, True
    if bool(recipe.distill) != bool(teacher):
        needs = "its network with all skips, trained" if recipe.distill else "none, for it does not distill"
        raise RunError(f"teacher (--teacher MODEL.keras) of this recipe must be {needs}. Received: {teacher}.")
    identity = {
        "recipe": Path(recipe_file).read_text(),
        **{"variant": variant, "smoke": smoke, "steps": recipe.steps, "precision": precision, "accumulate": accumulate},
        **{"backend": keras.backend.backend(), "distribute": distribute, "teacher": teacher and str(teacher)},
        **{"quantize": quantize and str(quantize), "structure": structure and str(structure)},
        **{"damaged": damaged, "partial": partial},
    }
    versions = {"keras": keras.__version__, "keras_unetmm": __version__}
    refuse_to_prune(recipe, precision, distribute)
    with contextlib.ExitStack() as stack:
        hardware = devices(distribute, cpu_devices)
        stack.callback(hardware.close)
        if recipe.batch % (accumulate * hardware.count):
            parts = f"{accumulate} (accumulate) times {hardware.count} (devices)"
            raise RunError(
                f"the recipe's batch must be divisible by {parts}. Received: {recipe.batch}. Choose other numbers."
            )
        folder = stack.enter_context(RunFolder(out, identity, versions, recipe_file, hardware.chief))
        data = tiny_data(recipe, folder / "tiny_data") if smoke else data
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
            Events(folder / "tensorboard") if tensorboard and hardware.chief else None,
        )
        if quantize is not None:
            start = functools.partial(quantized, quantize, run.batches, normal)
            run.recipe = dataclasses.replace(recipe, model=start)
        stack.callback(keras.config.set_dtype_policy, keras.config.dtype_policy())
        keras.config.set_dtype_policy(precision)
        with hardware.scope():
            run.networks(teacher)
        hardware.close()
        return run.scores()


@dataclasses.dataclass
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
    history: list = dataclasses.field(default_factory=list)
    dropped: dict | None = None
    gradual: GradualPruning | None = None

    def __post_init__(self):
        if not (self.folder / STATE).exists():
            return
        about, _ = load_state(self.folder / STATE)
        self.step, self.history, self.dropped = about["step"], about["history"], about.get("dropped")
        count = len(self.batches.dataset)
        if about["examples"] != count:
            raise RunError(
                f"{self.batches.dataset.name} must have the {about['examples']:,} examples that the run began with, or its "
                f"batches would be others. Received: {count:,}. Put them back, or choose another --out."
            )
        self.console.print(f"going on at step {self.step:,} of {self.recipe.steps:,}", highlight=False)

    def networks(self, teacher):
        """Trains the recipe's network; with `distill` those that the student becomes, one after the other."""
        recipe = self.recipe
        keras.utils.set_random_seed(recipe.seed)
        if recipe.prune:
            train_pruned(self)
            return
        teacher = self._teacher(teacher) if recipe.distill else None
        builds = (recipe.model, *(recipe.distill.removals if teacher else ()))
        ends = self._ends(len(builds))
        for build, begin, end in zip(builds, [0, *ends], ends, strict=False):
            model = self.hardware.prepared(build())
            if teacher and not self.step:
                model.set_weights(teacher.get_weights())
            if self.step < end:
                self.fit(model, self.learner(model, teacher), begin, end)

    def save(self, trained):
        """Writes what the run needs to go on."""
        examples = len(self.batches.dataset)
        save_state(self.folder / STATE, trained, self.step, self.history, examples, self.dropped)

    def scores(self):
        """Measures the best weights over all examples, once; other hosts wait for the first one."""
        path = self.folder / SCORES
        while not self.hardware.chief and not path.exists():
            time.sleep(1)
        if not path.exists():
            model = keras.models.load_model(self.folder / BEST, compile=False)
            scores = {name: self.measured(model, name)[0] for name in self.sets}
            with writing(path) as temporary:
                Path(temporary).write_text(json.dumps(scores, indent=2))
        return json.loads(path.read_text())

    def measured(self, model, name, limit=None):
        """What `evaluate` returns for one of the sets."""
        return measured(model, self.sets[name], self.recipe, name, self.console, limit, self.batches.damaged)

    def _try(self, model):
        """Measures and draws one example of each set: what does not fit is found now, not at the first evaluation."""
        with self.hardware.measuring(model) as network:
            for name, dataset in self.sets.items():
                draw_samples(io.BytesIO(), self.measured(network, name, 1)[1], dataset, self.recipe.normalize)

    def _restore(self, trained):
        """Puts the saved state into a model; where another host writes it, once that has happened."""
        about, restore = load_state(self.folder / STATE)
        while about["step"] != self.step:
            time.sleep(1)
            about, restore = load_state(self.folder / STATE)
        restore(trained)

    def _ends(self, count):
        """The steps at which each of several networks ends, whole saves."""
        every = self.recipe.save_every
        return [*(self.recipe.steps * i // count // every * every for i in range(1, count)), self.recipe.steps]

    def _teacher(self, path):
        model = self.recipe.distill.teacher()
        if path != UNTRAINED:
            model.set_weights(keras.models.load_model(path, compile=False).get_weights())
        return model

    def learner(self, model, teacher=None):
        """What is compiled: a second model of the same layers, so that files of the first hold no optimizer."""
        if teacher:
            return self.recipe.distill.distiller(teacher, model)
        return keras.Model(model.inputs, model.outputs)

    def fit(self, model, trained, begin, end):
        """Trains a network until a step, from the last save; ends before if the network is to be built anew."""
        check_classes(model, self.batches.dataset)
        recipe, count = self.recipe, self.accumulate
        trained.compile(optimizer(recipe, count), recipe.loss(), jit_compile=COMPILED)
        trained.optimizer.build(model.trainable_variables)
        self.folder.need(2 * state_bytes(trained) + 3 * 4 * model.count_params())
        if self.step:
            self._restore(trained)
            if self.gradual and self.gradual.due():
                smaller, self.dropped = self.gradual.compacted(trained, optimizer(recipe, count), recipe.loss())
                self.save(smaller)
                return
        else:
            self._try(model)
        saves, rest = divmod(end - self.step, recipe.save_every)
        for epochs, size in ((saves, recipe.save_every), (1, rest)):
            if not epochs * size:
                continue
            first, last = self.step * count, (self.step + epochs * size) * count
            progress = ProgressBar(self.console, self.step, recipe.steps, count)
            stream = Remembering(functools.partial(self.batches.stream, first, last))
            try:
                trained.fit(
                    self.hardware.feed(stream, self.batches.numbered(first)),
                    steps_per_epoch=size * count,
                    epochs=epochs,
                    callbacks=[progress, Keeper(self, trained, model, begin, size)],
                    shuffle=False,
                    verbose=0,
                )
            except Exception:
                if stream.error is not None:
                    raise stream.error from None
                raise
            finally:
                progress.close()
            if trained.stop_training:
                return


def check_classes(model, dataset):
    """Refuses a network whose outputs are not the labels of the data."""
    if dataset.target in ("mask", "class") and model.output_shape[-1] != dataset.classes:
        raise RunError(
            f"the model must have {dataset.classes} output channels for {dataset.name}. Received: {model.output_shape[-1]}. "
            "Change classes in the recipe."
        )
