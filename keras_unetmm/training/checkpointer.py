# SPDX-License-Identifier: Apache-2.0
"""What a run does at every save: measure, draw, keep the best weights, and make sure that it can go on from here."""

import contextlib
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path

import keras

from keras_unetmm.training.evaluation import better
from keras_unetmm.training.evaluator import Evaluator
from keras_unetmm.training.events import Events
from keras_unetmm.training.folder import BEST, CRITERION, KEPT, LAST, STATE, RunFolder, TrainingError, kept, writing
from keras_unetmm.training.one_device import OneDevice
from keras_unetmm.training.pruned import PrunedGraph
from keras_unetmm.training.state import RunState, load_state, save_state


@contextlib.contextmanager
def averaged(trained, ema):
    """Puts the moving average of the weights in their place for a while, if there is one.

    Args:
        trained: the compiled model.
        ema: float, its momentum, or None.
    """
    if ema is None:
        yield
        return
    optimizer = getattr(trained.optimizer, "inner_optimizer", trained.optimizer)
    before = [variable.numpy() for variable in trained.trainable_variables]
    type(optimizer).finalize_variable_values(optimizer, trained.trainable_variables)
    try:
        yield
    finally:
        for variable, value in zip(trained.trainable_variables, before, strict=True):
            variable.assign(value)


@dataclass
class Checkpoints:
    """What a run keeps of itself: its state, from which it goes on, its log, and the last and best weights.

    Args:
        folder: of the run.
        state: how far the run is; saving brings it forward.
        evaluator: measures what is saved.
        hardware: what trains; of several hosts one writes.
        events: log for TensorBoard, or None.
    """

    folder: RunFolder
    state: RunState
    evaluator: Evaluator
    hardware: OneDevice
    events: Events | None = None

    def save(self, trained: keras.Model) -> None:
        """Writes what the run needs to go on."""
        save_state(self.folder / STATE, trained, self.state)

    def restore(self, trained: keras.Model) -> None:
        """Puts the saved state into a model; where another host writes it, once that has happened."""
        saved, restore = load_state(self.folder / STATE)
        while saved.step != self.state.step:
            time.sleep(1)
            saved, restore = load_state(self.folder / STATE)
        restore(trained)

    def keep_models(self, network: keras.Model, metric: keras.Metric, row: dict, rivals: list[dict]) -> None:
        """Saves the last weights, and as the best ones if `row` has a better score of the metric than all of `rivals`."""
        key = f"{next(iter(self.evaluator.sets))}_{metric.name}"
        scores = [past[key] for past in rivals if math.isfinite(past.get(key, math.nan))]
        best = None if not scores else min(scores) if better(metric, 0.0, 1.0) else max(scores)
        for name in (LAST, *([BEST] if better(metric, row[key], best) else [])):
            with writing(self.folder / name) as temporary:
                network.save(temporary)

    def keep_structures(self, pruning: PrunedGraph) -> None:
        """Saves the network where a share of `Pruning.keep` has just been reached, and what the criterion said there."""
        for share in pruning.shares_reached():
            scores, criterion = pruning.graph.scores, self.folder / kept(CRITERION, share)
            if scores is not None and not criterion.exists():
                with writing(criterion) as temporary:
                    Path(temporary).write_text(json.dumps(scores))
            network = self.folder / kept(KEPT, share)
            if share < 1 and not network.exists():
                with writing(network) as temporary:
                    pruning.clean().save(temporary)


class Checkpointer(keras.callbacks.Callback):
    """Saves a run at the end of each of fit's epochs, which are the steps between two saves.

    A kill between two of its writes costs nothing: what the state file does not know yet is written again, the same.

    Args:
        checkpoints: what is written, and how far the run is.
        trained: the compiled model.
        network: the model that is kept: the student, where `trained` is a distiller.
        begin: int, step at which the network began: others before it do not compete for the best weights.
        size: int, steps an epoch.
        pruning: the graph that loses channels, or None.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        trained: keras.Model,
        network: keras.Model,
        begin: int,
        size: int,
        pruning: PrunedGraph | None = None,
    ):
        super().__init__()
        self.checkpoints, self.trained, self.network = checkpoints, trained, network
        self.begin, self.size, self.pruning = begin, size, pruning
        self.state, self.evaluator = checkpoints.state, checkpoints.evaluator
        self.recipe, self.chief = checkpoints.evaluator.recipe, checkpoints.hardware.chief
        self.metric = self.recipe.metrics[0]()  # made here, where every host makes it

    def on_train_batch_begin(self, batch, logs=None):
        """Sets the backend's own random state, which no file holds: torch draws dropout from it, and loading changes it."""
        if batch == 0:
            keras.utils.set_random_seed((self.recipe.seed + self.state.step) % 2**32)

    def on_epoch_end(self, epoch, logs=None):
        state, recipe, pruning = self.state, self.recipe, self.pruning
        state.step += self.size
        row = self._row(logs)
        evaluated = state.step % recipe.evaluate_every == 0 or state.step == recipe.steps
        if evaluated:
            with averaged(self.trained, recipe.ema), self.checkpoints.hardware.measuring(self.network) as network:
                row |= self._evaluated(network)
                if self.chief:
                    kept = pruning.clean() if pruning else network
                    self.checkpoints.keep_models(kept, self.metric, row, self._rivals(row))
        state.history.append(row)
        if pruning and state.step < recipe.steps:
            self.trained.stop_training = pruning.after(state.step)
            if self.chief:
                self.checkpoints.keep_structures(pruning)
        if self.chief:
            self.checkpoints.folder.log(state.history)
            self.checkpoints.save(self.trained)
            if self.checkpoints.events is not None:
                self.checkpoints.events.add(row)
        if evaluated:
            self._print(row)
        if logs is not None:
            logs.update({name: value for name, value in row.items() if name != "step"})  # for the callbacks behind this one

    def _row(self, logs):
        """What the log says of the steps of an epoch."""
        step = self.state.step
        row = {"step": step, **{name: float(value) for name, value in logs.items()}}
        if not math.isfinite(row.get("loss", row.get("total_loss", 0.0))):
            raise TrainingError(
                f"the loss is not finite between steps {step - self.size:,} and {step:,}. Take a smaller learning "
                "rate, or look at the data. The run's last save is from before."
            )
        row["learning_rate"] = float(keras.ops.convert_to_numpy(self.trained.optimizer.learning_rate))
        return row | (self.pruning.counts() if self.pruning else {})

    def _evaluated(self, network):
        row = {}
        for name in self.evaluator.sets:
            found = self.evaluator.measured(network, name, self.recipe.validate)
            row |= {f"{name}_{metric}": score for metric, score in found.scores.items()}
            if self.chief:
                self.evaluator.draw(found.samples, name, self.checkpoints.folder.path, f"{self.state.step:08d}")
        return row

    def _rivals(self, row):
        """The evaluations before of the same network: of one that is pruned, with as many channels."""
        same = row.get("channels")
        return [past for past in self.state.history if past["step"] > self.begin and past.get("channels") == same]

    def _print(self, row):
        figures = "  ".join(
            f"{name} {value:.4f}" for name, value in row.items() if not name.startswith(("step", "channels_", "layer_"))
        )
        self.evaluator.console.print(f"step {self.state.step:,}  {figures}", highlight=False, soft_wrap=True)
