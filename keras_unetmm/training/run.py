# SPDX-License-Identifier: Apache-2.0
"""A run: a recipe trained to its end, saved on the way so that it can be killed at any moment and goes on."""

import contextlib
import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path

import keras
from rich.console import Console

from keras_unetmm import __version__
from keras_unetmm.data.batches import Batches
from keras_unetmm.data.left_out import counts_said
from keras_unetmm.deprecation import ON_ERROR, renamed
from keras_unetmm.training.checkpointer import Checkpoints
from keras_unetmm.training.config import PreparedRun, RunConfig
from keras_unetmm.training.devices import devices
from keras_unetmm.training.evaluator import Evaluator
from keras_unetmm.training.events import Events
from keras_unetmm.training.folder import STATE, RunFolder, TrainingError
from keras_unetmm.training.one_device import OneDevice
from keras_unetmm.training.quantized import quantized
from keras_unetmm.training.recipe import read
from keras_unetmm.training.starting import start
from keras_unetmm.training.state import RunState, load_state
from keras_unetmm.training.tiny import tiny_data
from keras_unetmm.training.trainer import Trainer

Scores = dict[str, dict[str, float]]


def train(
    recipe_file: str | Path,
    data: str | Path | None,
    out: str | Path,
    *,
    variant: str | None = None,
    smoke: bool = False,
    steps: int | None = None,
    seed: int | None = None,
    precision: str = "float32",
    accumulate: int = 1,
    distribute: bool = False,
    cpu_devices: int | None = None,
    teacher: str | Path | None = None,
    quantize: str | Path | None = None,
    architecture_from: str | Path | None = None,
    start_from: str | Path | None = None,
    on_error: str = "raise",
    partial: bool = False,
    cache: str | Path | None = None,
    tensorboard: bool = False,
    console: Console | None = None,
    structure: str | Path | None = None,
    damaged: str | None = None,
) -> Scores:
    """Trains a recipe, or goes on where a run of the same arguments stopped.

    Args:
        recipe_file: str or path of a Python file that defines `recipe`, or the name of a recipe that the package carries.
        data: str or path, folder of all data sets; None with `smoke`.
        out: str or path, the run's folder.
        variant: str, of the recipe.
        smoke: bool, four steps on tiny data that the readers make.
        steps: int, instead of the recipe's.
        seed: int, instead of the recipe's.
        precision: str, Keras's dtype policy: `"float32"`, `"mixed_bfloat16"` or `"mixed_float16"`.
        accumulate: int, batches whose gradients make one step; the recipe's batch is divided by it.
        distribute, cpu_devices: see `keras_unetmm.training.devices`.
        teacher: str or path of a `.keras` file, for a recipe with `distill`.
        quantize: str or path of a `.keras` file, a network that the recipe has trained: it goes on as what its int8 file
            will compute, see `keras_unetmm.quantize.quantize_aware`, with the recipe's `quantize`.
        architecture_from: str or path of a `.keras` file whose network takes the place of the recipe's, with new weights:
            what pruning has found, trained from the beginning.
        start_from: str or path of a run's folder, whose best weights the network starts from, or of a `.keras` file. They
            are taken by the names of layers; what has no counterpart of its size, such as a head for other classes, is
            named and new.
        on_error: `"raise"` or `"skip"`, see `keras_unetmm.data.Batches`.
        partial: bool, takes what is there of data sets that are not whole.
        cache: str or path, folder for decoded examples.
        tensorboard: bool, whether the log is written for TensorBoard, too.
        console: `rich.console.Console`.
        structure, damaged: old names of `architecture_from` and `on_error`.

    Returns:
        dict of scores by data set and metric, of the best weights over all examples; with their spread over images also in
        `scores.json`.

    Raises:
        TrainingError, RecipeError: `ValueError`s about the folder or the recipe.
        MissingDataError, DamagedFileError: `ValueError`s about the data.

    Examples:
        >>> scores = training.train("denoise_bsd_nafnet", None, "runs/smoke", smoke=True)  # doctest: +SKIP
    """
    config = RunConfig(
        recipe_file=recipe_file,
        data=data,
        out=out,
        variant=variant,
        smoke=smoke,
        steps=steps,
        seed=seed,
        precision=precision,
        accumulate=accumulate,
        distribute=distribute,
        cpu_devices=cpu_devices,
        teacher=teacher,
        quantize=quantize,
        architecture_from=renamed("structure", structure, "architecture_from", architecture_from, None),
        start_from=start_from,
        on_error=renamed("damaged", damaged, "on_error", on_error, "raise", values=ON_ERROR),
        partial=partial,
        cache=cache,
        tensorboard=tensorboard,
    )
    return run_config(config, console)


def run_config(config: RunConfig, console: Console | None = None) -> Scores:
    """Does what a `RunConfig` asks for; `train` says what is returned and raised.

    Examples:
        >>> config = training.RunConfig(recipe_file="denoise_bsd_nafnet", data=None, out="runs/smoke", smoke=True)
        >>> scores = training.run_config(config)  # doctest: +SKIP
    """
    prepared = config.prepared()
    config, recipe = prepared.config, prepared.recipe
    with contextlib.ExitStack() as stack:
        hardware = devices(config.distribute, config.cpu_devices)
        stack.callback(hardware.close)
        _validate_batch(recipe.batch, config.accumulate, hardware.count)
        versions = {"keras": keras.__version__, "keras_unetmm": __version__}
        versions |= {"data": None if config.data is None or config.smoke else str(Path(config.data).resolve())}
        identity = config.identity(recipe)
        folder = stack.enter_context(RunFolder(config.out, identity, versions, config.recipe_file, hardware.chief))
        trainer = _trainer(prepared, folder, hardware, console or Console())
        stack.callback(keras.config.set_dtype_policy, keras.config.dtype_policy())
        keras.config.set_dtype_policy(config.precision)
        with hardware.scope():
            trainer.train(config.teacher)
        hardware.close()
        return trainer.scores()


def _trainer(prepared: PreparedRun, folder: RunFolder, hardware: OneDevice, console: Console) -> Trainer:
    """What trains: the data read, and how far the run is."""
    config, recipe = prepared.config, prepared.recipe
    data = tiny_data(recipe, folder / "tiny_data") if config.smoke else config.data
    say = functools.partial(console.print, highlight=False) if config.partial and not config.smoke else None
    with counts_said(say):
        sets = {name: read(reader, data, config.partial) for name, reader in recipe.evaluate.items()}
        trained = read(recipe.train, data, config.partial)
    batches = Batches(
        trained,
        recipe.batch // config.accumulate,
        **{name: getattr(recipe, name) for name in ("patch", "augment", "degrade", "normalize", "seed")},
        on_error=config.on_error,
        cache=config.cache,
    )
    events = Events(folder / "tensorboard") if config.tensorboard and hardware.chief else None
    state = _state(folder, batches, recipe.steps, console)
    if config.quantize is not None:
        start = functools.partial(quantized, config.quantize, batches, prepared.normalize)
        recipe = dataclasses.replace(recipe, model=start)
    if config.start_from is not None and not state.step:
        recipe = dataclasses.replace(recipe, model=functools.partial(_started, recipe.model, config.start_from, console))
    checkpoints = Checkpoints(folder, state, Evaluator(recipe, sets, console, config.on_error), hardware, events)
    return Trainer(recipe, checkpoints, batches, config.accumulate, hardware, console)


def _started(build: Callable[[], keras.Model], path: str | Path, console: Console) -> keras.Model:
    """A recipe's network with the weights of another run."""
    network = build()
    console.print(start(network, path).said(path), highlight=False, soft_wrap=True)
    return network


def _state(folder: RunFolder, batches: Batches, steps: int, console: Console) -> RunState:
    """How far the run is, by its folder."""
    count = len(batches.dataset)
    if not (folder / STATE).exists():
        return RunState(examples=count)
    state, _ = load_state(folder / STATE)
    if state.examples != count:
        raise TrainingError(
            f"{batches.dataset.name} must have the {state.examples:,} examples that the run began with, or its "
            f"batches would be others. Received: {count:,}. Put them back, or choose another --out."
        )
    console.print(f"going on at step {state.step:,} of {steps:,}", highlight=False)
    return state


def _validate_batch(batch: int, accumulate: int, devices: int) -> None:
    if batch % (accumulate * devices):
        parts = f"{accumulate} (accumulate) times {devices} (devices)"
        raise TrainingError(f"the recipe's batch must be divisible by {parts}. Received: {batch}. Choose other numbers.")
